//! The static half of completion for `helm thanos`: the verbs and flags, as helm wants them in `completion.yaml`.
//!
//! The other half is `plugin.complete`, which helm calls where no verb follows.

use std::fmt::Write as _;

use clap::Command;

/// Flags that helm takes for itself, or that every command has.
const HELMS: [&str; 4] = ["namespace", "kubeconfig", "help", "version"];

/// The file.
pub(super) fn tree(command: &Command) -> String {
    let mut text = String::from("name: thanos\n");
    below(command, "", &mut text);
    text
}

/// The flags of a command, and its verbs. Short flags are left out: helm gives each to some long one, in order.
fn below(command: &Command, indent: &str, text: &mut String) {
    let flags: Vec<&str> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set())
        .filter_map(clap::Arg::get_long)
        .filter(|long| !HELMS.contains(long))
        .collect();
    let _ = writeln!(text, "{indent}flags: [{}]", flags.join(", "));
    let verbs: Vec<&Command> = command
        .get_subcommands()
        .filter(|verb| !verb.is_hide_set() && verb.get_name() != "help")
        .collect();
    if verbs.is_empty() {
        return;
    }
    let _ = writeln!(text, "{indent}commands:");
    for verb in verbs {
        let _ = writeln!(text, "{indent}- name: {}", verb.get_name());
        below(verb, &format!("{indent}  "), text);
    }
}
