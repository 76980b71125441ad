//! Which words may stand next on a command line, by the command line's own description.

use clap::{Arg, Command};
use thanos_core::Kind;
use thanos_core::codes::{CODES, Code};

/// Complete no files.
const NO_FILES: u8 = 4;
/// Put no space behind the word.
const NO_SPACE: u8 = 2;

/// Words with their help, and what the shell is to do with them.
#[derive(Debug, PartialEq)]
pub(super) struct Found {
    pub(super) words: Vec<(String, String)>,
    pub(super) directive: u8,
}

impl Found {
    fn words(words: impl IntoIterator<Item = (String, String)>, unfinished: &str) -> Self {
        let words = words
            .into_iter()
            .filter(|(word, _)| word.starts_with(unfinished))
            .collect();
        Self {
            words,
            directive: NO_FILES,
        }
    }
}

/// Completes the last word. `command` must be built.
pub(super) fn complete(command: &Command, words: &[String]) -> Found {
    let (unfinished, before) = words
        .split_last()
        .map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let mut at = command;
    let mut waiting: Option<&Arg> = None;
    let mut positionals = 0;
    for word in before {
        if waiting.take().is_some() {
            continue;
        }
        if word.starts_with('-') && word != "-" {
            waiting =
                flag(at, word).filter(|arg| arg.get_action().takes_values() && !word.contains('='));
        } else if let Some(verb) = at.find_subcommand(word) {
            at = verb;
        } else {
            positionals += 1;
        }
    }
    if let Some(arg) = waiting {
        return values(arg, "", unfinished);
    }
    if let Some((name, value)) = unfinished
        .split_once('=')
        .filter(|_| unfinished.starts_with("--"))
    {
        return flag(at, name).map_or_else(
            || Found::words([], ""),
            |arg| values(arg, &format!("{name}="), value),
        );
    }
    if unfinished.starts_with('-') {
        return flags(at, unfinished);
    }
    if at.has_subcommands() && positionals == 0 {
        let verbs = at.get_subcommands().filter(|verb| !verb.is_hide_set());
        return Found::words(
            verbs.map(|verb| (verb.get_name().to_owned(), about(verb))),
            unfinished,
        );
    }
    let positional = at
        .get_positionals()
        .nth(positionals)
        .or_else(|| at.get_positionals().last());
    match (positional, at.get_name()) {
        (_, "why" | "diff") if positionals == 0 => kinds(unfinished),
        (_, "explain") if positionals == 0 => codes(unfinished),
        (Some(arg), _) => values(arg, "", unfinished),
        (None, _) => Found::words([], ""),
    }
}

fn about(verb: &Command) -> String {
    verb.get_about()
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn flag<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    let long = word
        .strip_prefix("--")
        .map(|name| name.split('=').next().unwrap_or_default());
    command.get_arguments().find(|arg| match long {
        Some(long) => arg.get_long() == Some(long),
        // Of several short flags in one word, the last may take a value.
        None => arg.get_short().is_some_and(|short| word.ends_with(short)),
    })
}

fn flags(command: &Command, unfinished: &str) -> Found {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let words = shown.filter_map(|arg| {
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        Some((format!("--{}", arg.get_long()?), help))
    });
    Found::words(words, unfinished)
}

/// The values of a flag or a positional; files where it takes a path.
fn values(arg: &Arg, before: &str, unfinished: &str) -> Found {
    let is_path = arg
        .get_value_names()
        .into_iter()
        .flatten()
        .any(|name| matches!(name.as_str(), "FILE" | "PATH" | "DIR"));
    if is_path {
        return Found {
            words: Vec::new(),
            directive: 0,
        };
    }
    let values = arg
        .get_possible_values()
        .into_iter()
        .filter(|value| !value.is_hide_set());
    let words = values.map(|value| {
        let help = value
            .get_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        (format!("{before}{}", value.get_name()), help)
    });
    Found::words(words, &format!("{before}{unfinished}"))
}

/// Codes, and what they are called, rules among them; without a beginning, codes alone.
fn codes(unfinished: &str) -> Found {
    let code = |row: &&Code| (row.code.to_owned(), row.title.to_owned());
    let found = Found::words(CODES.iter().map(code), &unfinished.to_uppercase());
    if !found.words.is_empty() {
        return found;
    }
    let id = |row: &&Code| (row.id.to_owned(), row.title.to_owned());
    Found::words(CODES.iter().map(id), &unfinished.to_lowercase())
}

fn kinds(unfinished: &str) -> Found {
    let kinds = Kind::ALL
        .iter()
        .map(|kind| (format!("{}/", kind.singular()), String::new()));
    Found {
        directive: NO_FILES | NO_SPACE,
        ..Found::words(kinds, unfinished)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completes_what_may_stand_next() {
        let mut command = crate::cli::command("kubectl thanos", usize::MAX);
        command.build();
        let complete = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let found = complete(&command, &words);
            (
                found
                    .words
                    .into_iter()
                    .map(|(word, _)| word)
                    .collect::<Vec<_>>()
                    .join(" "),
                found.directive,
            )
        };
        assert_eq!(complete("in"), ("init inject".into(), 4));
        assert_eq!(complete("inject -o "), ("yaml json patch".into(), 4));
        assert_eq!(complete("inject --output=j"), ("--output=json".into(), 4));
        assert_eq!(complete("inject --fi"), ("--filename".into(), 4));
        assert_eq!(complete("inject -f "), (String::new(), 0));
        assert_eq!(
            complete("get "),
            ("wirings policies prometheuses".into(), 4)
        );
        assert_eq!(complete("explain egress"), ("egress-url".into(), 4));
        assert_eq!(complete("policy i"), ("init".into(), 4));
        assert_eq!(complete("policy test "), (String::new(), 0));
        assert_eq!(
            complete("validate --fail-on "),
            ("error warning info never".into(), 4)
        );
        assert_eq!(complete("why prometheusa"), ("prometheusagent/".into(), 6));
        assert_eq!(complete("explain kth2009"), ("KTH2009".into(), 4));
        assert_eq!(complete("--color al"), ("always".into(), 4));
        assert_eq!(complete("completion kub"), ("kubectl".into(), 4));
    }
}
