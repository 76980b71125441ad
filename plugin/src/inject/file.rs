//! The file of `--report-file`: the lines that people read, or JSON; also of a command that fails.

use std::path::Path;

use super::report::Report;
use crate::Surroundings;
use crate::failure::{Failure, Kind};
use crate::files;
use crate::ui::Ui;

/// Whether people read it: its name ends in .txt, or it is a terminal.
pub(super) fn is_for_people(path: &Path) -> bool {
    let is_text = path.extension().is_some_and(|extension| extension == "txt");
    is_text || is_device(path)
}

#[cfg(unix)]
fn is_device(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let metadata = path.metadata();
    metadata.is_ok_and(|metadata| metadata.file_type().is_char_device())
}

#[cfg(not(unix))]
fn is_device(_: &Path) -> bool {
    false
}

/// What is told, as plain lines.
pub(super) fn told(tell: impl FnOnce(&mut Ui<'_>)) -> Vec<u8> {
    let mut lines = Vec::new();
    let surroundings = Surroundings::bare();
    let (mut stdin, mut stdout) = (std::io::empty(), std::io::sink());
    tell(&mut Ui::new(
        &surroundings,
        &mut stdin,
        &mut stdout,
        &mut lines,
    ));
    lines
}

/// Writes why nothing was done. Gives the failure back, with what stood in the way of the report.
pub(super) fn failed(path: &Path, failure: Failure) -> Failure {
    if failure.kind == Kind::NobodyListens {
        return failure;
    }
    let bytes = if is_for_people(path) {
        told(|ui| ui.fail(&failure))
    } else {
        Report::of_failure(&failure).json()
    };
    match files::write(path, &bytes) {
        Ok(()) => failure,
        // It may be what failed already.
        Err(second) if second.message == failure.message => failure,
        Err(second) => failure.because(second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_text_and_terminals() {
        assert!(is_for_people(Path::new("report.txt")));
        assert!(!is_for_people(Path::new("report.json")) && !is_for_people(Path::new("report")));
        #[cfg(unix)]
        assert!(is_for_people(Path::new("/dev/null")));
    }

    #[test]
    fn a_failure_keeps_its_sentence_when_the_report_fails_too() {
        let folder = tempfile::tempdir().unwrap();
        let failure = failed(&folder.path().join("no/report"), Failure::failed("first"));
        assert_eq!(failure.message, "first");
        assert!(failure.causes[0].contains("KTH0006"), "{failure:?}");
    }
}
