//! docs/commands.md: every command, its flags, their values and defaults.

use std::fmt::Write;

use clap::{Arg, ArgAction, Command, CommandFactory};
use kubectl_thanos::cli::{self, Cli};

use super::{cell, coded, is_page};

const HEAD: &str = "\
# Commands

Generated from the command line by `make bless`: change the doc comments in `plugin/src/cli/`. `kubectl thanos COMMAND --help`
says the same. `helm thanos` has the same commands ([helm.md](helm.md)).
";

#[test]
fn the_page_of_commands_is_what_the_help_says() {
    let plain = Cli::command();
    let mut built = cli::command("kubectl thanos", usize::MAX);
    built.build();
    let help = built.render_help().to_string();
    let exits = help.lines().find(|line| line.starts_with("Exit codes: "));
    let mut page = format!("{HEAD}\n{}\n", exits.unwrap());
    // In the order of the help, which has its groups.
    let mut group = "";
    for line in help.lines() {
        let known = line.split_whitespace().next();
        let verb = known.and_then(|name| plain.find_subcommand(name));
        match verb.filter(|_| line.starts_with("  ") && !line.contains("kubectl thanos")) {
            Some(verb) => tell(&mut page, &[], verb, &built, group),
            None if line
                .chars()
                .all(|letter| letter.is_ascii_uppercase() || " 2/".contains(letter)) =>
            {
                group = line;
            }
            None => {}
        }
    }
    let _ = write!(page, "\n## Flags of every command\n");
    flags(&mut page, &plain);
    for verb in plain.get_subcommands() {
        assert!(page.contains(&format!("\n## {}\n", verb.get_name())));
    }
    is_page("commands.md", &page);
}

/// A command, its flags, and the commands below it.
fn tell(page: &mut String, above: &[&str], command: &Command, built: &Command, group: &str) {
    let path = [above, &[command.get_name()]].concat();
    let at = path
        .iter()
        .fold(built, |at, name| at.find_subcommand(name).unwrap());
    let text = |styled: Option<&clap::builder::StyledStr>| {
        styled.map(ToString::to_string).unwrap_or_default()
    };
    let about = text(command.get_about());
    let long = text(command.get_long_about());
    let level = "#".repeat(path.len() + 1);
    let _ = write!(
        page,
        "\n{level} {}\n\n**{}**",
        path.join(" "),
        about.trim_end_matches('.')
    );
    let group = if group.is_empty() {
        String::new()
    } else {
        format!(" · {}", group.to_lowercase())
    };
    let _ = writeln!(page, "{group}");
    let rest = long.strip_prefix(&*about).unwrap_or_default();
    let rest = rest.trim_start_matches('.').trim();
    if !rest.is_empty() {
        let _ = write!(page, "\n{}\n", rest.replace('<', "\\<"));
    }
    let usage = at.clone().render_usage().to_string();
    let usage = usage.trim().strip_prefix("Usage: ").unwrap_or_default();
    let _ = write!(page, "\n`{usage}`\n");
    let examples = text(command.get_before_help());
    let examples: Vec<&str> = examples.lines().map(outdented).collect();
    if !examples.is_empty() {
        let _ = write!(page, "\n```console\n{}\n```\n", examples.join("\n"));
    }
    flags(page, command);
    for below in command.get_subcommands() {
        tell(page, &path, below, built, "");
    }
}

/// A line of examples without the margin of the help.
fn outdented(line: &str) -> &str {
    line.strip_prefix("  ").unwrap_or(line)
}

/// The flags that a command has of itself, a table for each heading.
fn flags(page: &mut String, command: &Command) {
    let shown: Vec<&Arg> = command
        .get_arguments()
        .filter(|arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version"))
        .collect();
    let mut headings: Vec<Option<&str>> = Vec::new();
    for arg in &shown {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    for heading in headings {
        let title = heading.unwrap_or("flag").to_lowercase();
        let _ = write!(page, "\n| {title} | default | does |\n|---|---|---|\n");
        for arg in shown.iter().filter(|arg| arg.get_help_heading() == heading) {
            let _ = writeln!(
                page,
                "| {} | {} | {} |",
                names(arg),
                default(arg),
                does(arg)
            );
        }
    }
}

fn names(arg: &Arg) -> String {
    let value = arg.get_value_names().unwrap_or_default().join(" ");
    if arg.is_positional() {
        return format!("`{value}`");
    }
    let short = arg
        .get_short()
        .map(|short| format!("`-{short}`, "))
        .unwrap_or_default();
    let long = arg.get_long().unwrap_or_default();
    let takes = arg.get_action().takes_values() && !value.is_empty();
    let value = if takes {
        format!(" {value}")
    } else {
        String::new()
    };
    format!("{short}`--{long}{value}`")
}

fn default(arg: &Arg) -> String {
    let values: Vec<&str> = arg
        .get_default_values()
        .iter()
        .filter_map(|value| value.to_str())
        .collect();
    if arg.is_required_set() {
        "required".to_owned()
    } else if matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) {
        coded(values)
    } else {
        String::new()
    }
}

fn does(arg: &Arg) -> String {
    let help = arg
        .get_long_help()
        .or(arg.get_help())
        .map(ToString::to_string);
    let mut does = cell(&help.unwrap_or_default());
    let values: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set() && arg.get_action().takes_values())
        .map(|value| match value.get_help() {
            Some(help) => format!(
                "`{}` {}",
                value.get_name(),
                cell(&help.to_string()).trim_end_matches('.')
            ),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if !values.is_empty() {
        let _ = write!(does, ":<br>{}", values.join("<br>"));
    }
    does
}
