//! The frame of the help: the name we were called by, examples first, verbs in groups.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use clap::{Command, CommandFactory};

use super::Cli;
use crate::Surroundings;
use crate::ui::wrapped;

/// The verbs in groups, as the help lists them.
const GROUPS: [(&str, &[&str]); 4] = [
    ("SET UP", &["init", "enroll", "uninstall"]),
    ("DAY 2", &["get", "why"]),
    ("OFFLINE/CI", &["inject", "validate", "diff", "policy"]),
    ("OTHER", &["explain", "completion", "version"]),
];

const EXAMPLES: &str = "\
  kubectl thanos init --domain thanos.example.com                        set up the hub
  kubectl thanos init --cluster edge-01 --url URL --password-file FILE   wire this cluster
  kubectl thanos get prometheuses -A                                     who is wired, and why not
  kubectl thanos why prometheus/k8s -n monitoring                        one object, step by step
  kubectl thanos inject -f deploy/ --wiring hub.yaml > wired.yaml        the same wiring, offline
  kubectl thanos validate -f deploy/ --policy policy.yaml                what a policy would refuse";

/// The column in which a verb's description begins.
const ABOUT: usize = 14;

/// The name to show: `kubectl thanos` where kubectl calls us, `helm thanos` where helm does, else as it is.
pub fn called_as(args: &[OsString], surroundings: &Surroundings) -> String {
    if super::is_called_by_helm(surroundings) {
        return HELM.to_owned();
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

/// The whole command line under the name to show, its help in lines of that width.
pub fn command(name: &str, width: usize) -> Command {
    let command = Cli::command().bin_name(name).arg_required_else_help(true);
    let command = command.term_width(width);
    let help = root_help(&command, name, width);
    let verbs: Vec<String> = command
        .get_subcommands()
        .map(|verb| verb.get_name().to_owned())
        .collect();
    let framed = verbs.iter().fold(command, |command, verb| {
        command.mut_subcommand(verb, |verb| framed(verb, name))
    });
    framed.help_template(help)
}

/// A verb whose help begins with its examples, and its own verbs. They stand in the template, where nothing wraps them.
fn framed(verb: Command, name: &str) -> Command {
    let below: Vec<String> = verb
        .get_subcommands()
        .map(|below| below.get_name().to_owned())
        .collect();
    let verb = below.iter().fold(verb, |verb, below| {
        verb.mut_subcommand(below, |below| framed(below, name))
    });
    let examples = verb
        .get_before_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let examples = indented(&examples).replace("kubectl thanos", name);
    let template = format!(
        "{{about-with-newline}}\n{examples}\n{{usage-heading}} {{usage}}\n\n{{all-args}}{{after-help}}\n"
    );
    verb.before_help(None::<&str>).help_template(template)
}

/// Every line at least two spaces in: a string that goes on below its quote loses those of its first line.
fn indented(lines: &str) -> String {
    lines
        .lines()
        .map(|line| {
            if line.starts_with("  ") {
                format!("{line}\n")
            } else {
                format!("  {line}\n")
            }
        })
        .collect()
}

/// The name under which helm calls us.
const HELM: &str = "helm thanos";

/// Behind the verbs: where flags stand, for kubectl and for helm, and how it ends.
const FLAGS: [&str; 2] = [
    "Run `kubectl thanos COMMAND -h`, or --help for all flags. Flags go behind the command: kubectl allows none before `thanos`.",
    "Run `helm thanos COMMAND -h`, or --help for all flags. Flags go behind the command; helm's own -n, --kube-context, --kubeconfig, --kube-as-user and their like are heeded wherever they stand, but for --kube-token (KTH0021).",
];
const EXIT_CODES: &str = "Exit codes: 0 fine, 1 failed (diff: 1 differences, 2 failed), 2 usage or nothing to work on, 3 findings, 4 partly done, 5 refused, 124 timeout, 130 interrupted.";

/// Examples first, then the verbs in their groups.
fn root_help(command: &Command, name: &str, width: usize) -> String {
    let called = |text: &str| text.replace("kubectl thanos", name);
    let mut help = format!("{{about-with-newline}}\n{}", called(&indented(EXAMPLES)));
    let about = |verb: &str| {
        let about = command.find_subcommand(verb).and_then(Command::get_about);
        about.map(ToString::to_string).unwrap_or_default()
    };
    for (group, verbs) in GROUPS {
        let _ = writeln!(help, "\n{group}");
        for verb in verbs {
            let about = wrapped(&about(verb), ABOUT, width);
            let _ = writeln!(help, "  {verb:<12}{about}");
        }
    }
    for text in [FLAGS[usize::from(name == HELM)], EXIT_CODES] {
        let _ = writeln!(help, "\n{}", wrapped(&called(text), 0, width));
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
