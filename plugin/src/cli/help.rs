//! The frame of the help: the name we were called by, examples first, verbs in groups.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use clap::{Command, CommandFactory};

use super::Cli;
use crate::Surroundings;

/// The verbs in groups, as the help lists them.
const GROUPS: [(&str, &[&str]); 4] = [
    ("SET UP", &["init", "enroll"]),
    ("DAY 2", &["get", "why"]),
    ("OFFLINE/CI", &["inject", "diff"]),
    ("OTHER", &["explain", "completion", "version"]),
];

const EXAMPLES: &str = "\
  kubectl thanos init --cluster edge-01 --url URL --password-file FILE   wire this cluster
  kubectl thanos get prometheuses -A                                     who is wired, and why not
  kubectl thanos why prometheus/k8s -n monitoring                        one object, step by step
  kubectl thanos inject -f deploy/ --wiring hub.yaml > wired.yaml        the same wiring, offline";

const VERB_TEMPLATE: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

/// The name to show: `kubectl thanos` where kubectl calls us, `helm thanos` where helm does, else as it is.
pub fn called_as(args: &[OsString], surroundings: &Surroundings) -> String {
    if surroundings.variable("HELM_PLUGIN_NAME").is_some() {
        return "helm thanos".to_owned();
    }
    let program = args.first().map(Path::new).and_then(Path::file_stem);
    let program = program
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    match program.strip_prefix("kubectl-") {
        Some(plugin) => format!("kubectl {}", plugin.replace('-', " ").replace('_', "-")),
        None if program.is_empty() => "kubectl thanos".to_owned(),
        None => program,
    }
}

/// The whole command line under the name to show.
pub fn command(name: &str) -> Command {
    let mut command = Cli::command().bin_name(name).arg_required_else_help(true);
    let (short, long) = (root_help(&command, false), root_help(&command, true));
    let verbs: Vec<String> = command
        .get_subcommands()
        .map(|verb| verb.get_name().to_owned())
        .collect();
    for verb in verbs {
        command = command.mut_subcommand(verb, |verb| framed(verb, name));
    }
    command
        .help_template("{about-with-newline}\n{before-help}{after-help}")
        .before_help(short.replace("kubectl thanos", name))
        .before_long_help(long.replace("kubectl thanos", name))
}

fn framed(verb: Command, name: &str) -> Command {
    let examples = verb.get_before_help().map(ToString::to_string);
    let framed = verb.help_template(VERB_TEMPLATE);
    match examples {
        Some(examples) => framed.before_help(examples.replace("kubectl thanos", name)),
        None => framed,
    }
}

fn root_help(command: &Command, long: bool) -> String {
    let mut help = format!("{EXAMPLES}\n");
    let about = |verb: &str| {
        let about = command.find_subcommand(verb).and_then(Command::get_about);
        about.map(ToString::to_string).unwrap_or_default()
    };
    for (group, verbs) in GROUPS {
        let _ = write!(help, "\n{group}\n");
        for verb in verbs {
            let _ = writeln!(help, "  {verb:<12}{}", about(verb));
        }
    }
    help.push_str("\nRun `kubectl thanos COMMAND -h`, or --help for more. Flags go behind the command: kubectl allows none before `thanos`.\n");
    if long {
        help.push_str("\nExit codes: 0 fine, 1 failed (diff: differences), 2 usage, 3 findings, 4 partly done, 5 refused, 124 timeout, 130 interrupted.\n");
    }
    help
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_stands_in_one_group() {
        let command = Cli::command();
        let mut grouped: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, verbs)| verbs.iter().copied())
            .collect();
        let mut known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        grouped.sort_unstable();
        known.sort_unstable();
        assert_eq!(grouped, known);
    }

    #[test]
    fn shows_the_name_it_was_called_by() {
        let name =
            |program: &str, surroundings: &Surroundings| called_as(&[program.into()], surroundings);
        let bare = Surroundings::bare();
        assert_eq!(name("/usr/bin/kubectl-thanos", &bare), "kubectl thanos");
        assert_eq!(name("thanosctl", &bare), "thanosctl");
        assert_eq!(
            name("kubectl-thanos", &bare.with("HELM_PLUGIN_NAME", "thanos")),
            "helm thanos"
        );
    }
}
