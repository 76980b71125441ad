//! `kubectl thanos` as a function: arguments and streams in, an exit code out, no globals.
//!
//! ```text
//! main ─> run_in ─> cli (words ─> Cli) ─> one verb ─> Ending | Failure ─> ui ─> exit code
//! ```
//!
//! A verb is one file with one `run`. The offline ones (`inject`, `explain`, `completion`, `version`) are plain
//! functions; the ones that may talk to a cluster are `async` and run on a runtime that only they start.

use std::ffi::OsString;
use std::io::{Read, Write};

mod ask;
pub mod azure;
mod charge;
pub mod cli;
pub mod cluster;
pub mod completion;
mod diff;
mod enroll;
mod explain;
pub mod facts;
pub mod failure;
mod files;
mod get;
mod helm;
mod https;
mod init;
mod inject;
mod inputs;
mod judge;
pub mod manifests;
mod native;
mod paths;
mod policy;
mod runtime;
mod surroundings;
pub mod ui;
mod uninstall;
mod validate;
mod version;
mod why;
mod words;
pub mod yaml;

pub use failure::{Ending, Failure};
pub use surroundings::Surroundings;
pub use ui::Ui;

use cli::{Cli, Verb};

/// Runs one command with streams that are no terminals and an environment without variables: for tests and for
/// whoever has the program as a library. Gives the exit code.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    stdin: &mut dyn Read,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> u8 {
    run_in(&Surroundings::bare(), args, stdin, stdout, stderr)
}

/// Runs one command in the given surroundings. Gives the exit code.
pub fn run_in(
    surroundings: &Surroundings,
    args: impl IntoIterator<Item = OsString>,
    stdin: &mut dyn Read,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let mut ui = Ui::new(surroundings, stdin, stdout, stderr);
    if let Some(words) = completion::asked_by_kubectl(&args) {
        let ended = completion::answer(&words, &mut ui);
        return ui.end(ended);
    }
    let name = cli::called_as(&args, surroundings);
    let command = cli::command(&name, surroundings.width());
    let cli = match command
        .try_get_matches_from(&args)
        .and_then(|matches| <Cli as clap::FromArgMatches>::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(mut error) => {
            let hints = cli::meant(&mut error, &args, &name);
            return ui.usage(&error, &args, &hints);
        }
    };
    ui.set(&cli.global);
    let ended = act(&cli, surroundings, &mut ui);
    ui.end(ended)
}

/// The one match over verbs.
fn act(cli: &Cli, surroundings: &Surroundings, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let global = &cli.global.settled(surroundings);
    match &cli.verb {
        Verb::Init(args) => runtime::wait(global, init::run(args, global, ui)),
        Verb::Enroll(args) => runtime::wait(global, enroll::run(args, global, ui)),
        Verb::Uninstall(args) => runtime::wait(global, uninstall::run(args, global, ui)),
        Verb::Get(args) => runtime::wait(global, get::run(args, global, ui)),
        Verb::Why(args) => why::run(args, global, ui),
        Verb::Inject(args) => inject::run(args, global, ui),
        Verb::Validate(args) => validate::run(args, global, ui),
        Verb::Diff(args) => diff::run(args, global, ui),
        Verb::Policy(args) => policy::run(args, global, ui),
        Verb::Explain(args) => explain::run(args, ui),
        Verb::Completion(args) => completion::run(args, ui),
        Verb::Version(args) => version::run(args, ui),
    }
}
