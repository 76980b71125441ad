//! A command line that is wrong, written into the report that it names: from a post-renderer, helm shows nothing else.

use std::ffi::OsString;
use std::path::Path;

use super::file;
use crate::failure::Failure;

/// Writes a misuse of this verb into its report; of nothing else.
pub(crate) fn report_misuse(error: &clap::Error, args: &[OsString], hints: &[String]) {
    let words: Vec<&str> = args.iter().filter_map(|word| word.to_str()).collect();
    if !error.use_stderr() || words.get(1) != Some(&"inject") {
        return;
    }
    let Some(path) = report_file(&words) else {
        return;
    };
    let rendered = error.render().to_string();
    let sentence = rendered.lines().next().unwrap_or_default();
    let mut failure = Failure::usage(sentence.strip_prefix("error: ").unwrap_or(sentence));
    let tips = rendered
        .lines()
        .filter_map(|line| line.trim().strip_prefix("tip: "));
    failure.hints = tips
        .map(str::to_owned)
        .chain(hints.iter().cloned())
        .collect();
    file::failed(path, failure);
}

/// The file, where no other word may name it as an input, by itself or by a folder around it.
fn report_file<'w>(words: &[&'w str]) -> Option<&'w Path> {
    const FLAG: &str = "--report-file";
    let values = words.iter().map(|word| match word.split_once('=') {
        Some((flag, value)) if flag.starts_with('-') => (flag, value),
        _ => ("", *word),
    });
    let mut files = Vec::new();
    let mut others = Vec::new();
    let mut is_next = false;
    for (flag, value) in values.skip(2) {
        if flag == FLAG || (is_next && flag.is_empty()) {
            files.push(Path::new(value));
        } else {
            others.push(Path::new(value));
        }
        is_next = flag.is_empty() && value == FLAG;
    }
    let [file] = files.as_slice() else {
        return None;
    };
    let place = file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
    let is_around = |other: &&Path| {
        let other = other.canonicalize();
        other.is_ok_and(|other| place.starts_with(other))
    };
    (*file != Path::new("-") && !others.iter().any(is_around)).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_may_be_an_input_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let (report, other) = (path("report.json"), path("other.yaml"));
        for file in [&report, &other] {
            std::fs::write(file, "").unwrap();
        }
        let named = |line: &str| {
            let line = format!("thanos inject {line}");
            let words: Vec<&str> = line.split(' ').collect();
            report_file(&words).map(Path::to_path_buf)
        };
        let found = Some(Path::new(&report).to_path_buf());
        assert_eq!(named(&format!("-x --report-file {report}")), found);
        assert_eq!(named(&format!("--report-file={report} -f {other}")), found);
        for line in [
            format!("--report-file={report} -f {report}"),
            format!("--report-file={report} --wiring={report}"),
            format!("-f {} --report-file {report}", path("")),
            format!("--report-file={report} --report-file={other}"),
            "--report-file -".to_owned(),
            "--report-file".to_owned(),
            "-f x".to_owned(),
        ] {
            assert_eq!(named(&line), None, "{line}");
        }
    }
}
