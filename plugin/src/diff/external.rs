//! Another diff program, as kubectl diff calls it: `KUBECTL_EXTERNAL_DIFF="dyff between --omit-header"`.

use std::fs;
use std::process::{Command, Stdio};

use thanos_core::codes;

use super::Pair;
use crate::failure::{Ending, Failure};
use crate::ui::Ui;

/// Writes both sides into folders and lets the program compare those. Its exit code 1 means differences.
pub(super) fn show(program: &str, pairs: &[Pair], ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let unwritable = |error: &std::io::Error| {
        Failure::failed("cannot write files to compare")
            .code(codes::FILE_UNWRITABLE)
            .from_chain(error)
    };
    let folder = |prefix: &str| {
        tempfile::Builder::new()
            .prefix(prefix)
            .tempdir()
            .map_err(|error| unwritable(&error))
    };
    let (live, merged) = (folder("LIVE-")?, folder("MERGED-")?);
    for pair in pairs {
        fs::write(live.path().join(&pair.file), &pair.old).map_err(|error| unwritable(&error))?;
        fs::write(merged.path().join(&pair.file), &pair.new).map_err(|error| unwritable(&error))?;
    }
    let mut words = program.split_whitespace();
    let name = words.next().unwrap_or("diff");
    let mut command = Command::new(name);
    // kubectl takes no other words, either.
    let plain = |word: &&str| {
        word.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-=".contains(letter))
    };
    command
        .args(words.filter(plain))
        .arg(live.path())
        .arg(merged.path());
    let failed = |error: &std::io::Error| {
        Failure::failed(format!(
            "cannot run {name}, which KUBECTL_EXTERNAL_DIFF names"
        ))
        .code(codes::DIFF_PROGRAM)
        .from_chain(error)
    };
    let status = if ui.has_terminal() {
        // The program may want the terminal for itself.
        ui.flush()?;
        command.status().map_err(|error| failed(&error))?
    } else {
        let output = command
            .stdin(Stdio::null())
            .output()
            .map_err(|error| failed(&error))?;
        ui.data(&output.stdout)?;
        ui.say(String::from_utf8_lossy(&output.stderr).trim_end());
        output.status
    };
    match status.code() {
        Some(0) => Ok(Ending::Fine),
        Some(1) => Ok(Ending::Differences),
        _ => Err(Failure::failed(format!("{name} failed: {status}")).code(codes::DIFF_PROGRAM)),
    }
}
