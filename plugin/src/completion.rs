//! `kubectl thanos completion`, and the protocol by which kubectl asks a plugin for words.
//!
//! kubectl calls `kubectl_complete-thanos` with the words behind `thanos`, the last of them unfinished, and reads a
//! word and its help a line and then a directive, as cobra wants them. This program is that one, too.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap_complete::Shell;
use thanos_core::codes;

use crate::cli::{self, CompletionArgs, CompletionFor};
use crate::failure::{Ending, Failure};
use crate::ui::Ui;

mod helm;
mod words;

/// The name by which kubectl asks for words.
const HELPER: &str = "kubectl_complete-thanos";
/// The name of this program.
const PROGRAM: &str = "kubectl-thanos";
/// The hidden first word that does the same.
const HIDDEN: &str = "__complete";

const SCRIPT: &str = "\
#!/bin/sh
# Save this as kubectl_complete-thanos in a folder of PATH and make it executable (kubectl 1.26 or newer).
exec kubectl-thanos __complete \"$@\"
";

/// Runs the verb.
pub(crate) fn run(args: &CompletionArgs, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let shell = match args.shell {
        CompletionFor::Kubectl if args.install => return install(ui),
        CompletionFor::Kubectl => {
            ui.data(SCRIPT.as_bytes())?;
            return Ok(Ending::Fine);
        }
        _ if args.install => {
            return Err(Failure::usage("--install goes with kubectl")
                .hint("kubectl thanos completion kubectl --install"));
        }
        CompletionFor::Helm => {
            let mut command = cli::command("helm thanos", usize::MAX);
            command.build();
            ui.data(helm::tree(&command).as_bytes())?;
            return Ok(Ending::Fine);
        }
        CompletionFor::Bash => Shell::Bash,
        CompletionFor::Zsh => Shell::Zsh,
        CompletionFor::Fish => Shell::Fish,
        CompletionFor::Powershell => Shell::PowerShell,
    };
    let mut script = Vec::new();
    clap_complete::generate(
        shell,
        &mut cli::command(PROGRAM, usize::MAX),
        PROGRAM,
        &mut script,
    );
    ui.data(&script)?;
    Ok(Ending::Fine)
}

/// The words to complete, where we were called as the helper.
pub(crate) fn asked_by_kubectl(args: &[OsString]) -> Option<Vec<String>> {
    let program = args.first().map(Path::new)?.file_stem()?;
    let hidden = args.get(1).is_some_and(|word| word == HIDDEN);
    let skip = if hidden { 2 } else { 1 };
    (program == HELPER || hidden).then(|| {
        args.iter()
            .skip(skip)
            .map(|word| word.to_string_lossy().into_owned())
            .collect()
    })
}

/// Answers with a word and its help a line, and a directive.
pub(crate) fn answer(words: &[String], ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let mut command = cli::command("kubectl thanos", usize::MAX);
    command.build();
    let found = words::complete(&command, words);
    for (word, help) in &found.words {
        let line = if help.is_empty() {
            format!("{word}\n")
        } else {
            format!("{word}\t{help}\n")
        };
        ui.text(&line)?;
    }
    ui.text(&format!(":{}\n", found.directive))?;
    Ok(Ending::Fine)
}

/// Links the helper beside this program.
fn install(ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let program = on_path(ui.surroundings().variable("PATH").unwrap_or_default())
        .or_else(|| std::env::current_exe().ok())
        .ok_or_else(|| Failure::failed("cannot find where this program is"))?;
    let helper = program.with_file_name(HELPER);
    let unwritable = |error: std::io::Error| {
        Failure::failed(format!("cannot link {}", helper.display()))
            .code(codes::FILE_UNWRITABLE)
            .because(error)
    };
    if helper.symlink_metadata().is_ok() {
        let same = std::fs::canonicalize(&helper).ok() == std::fs::canonicalize(&program).ok();
        if !same {
            return Err(Failure::refused(format!(
                "{} is there already, and is not ours",
                helper.display()
            )));
        }
        ui.say(format!("{} unchanged", helper.display()));
        return Ok(Ending::Fine);
    }
    link(&program, &helper).map_err(unwritable)?;
    ui.say(format!(
        "linked {} (kubectl 1.26 or newer)",
        helper.display()
    ));
    Ok(Ending::Fine)
}

fn on_path(path: &str) -> Option<PathBuf> {
    std::env::split_paths(path)
        .map(|folder| folder.join(PROGRAM))
        .find(|program| program.is_file())
}

#[cfg(unix)]
fn link(program: &Path, helper: &Path) -> std::io::Result<()> {
    // Relative, so that the folder can be moved.
    std::os::unix::fs::symlink(program.file_name().unwrap_or(program.as_os_str()), helper)
}

#[cfg(not(unix))]
fn link(program: &Path, helper: &Path) -> std::io::Result<()> {
    std::fs::copy(program, helper).map(drop)
}
