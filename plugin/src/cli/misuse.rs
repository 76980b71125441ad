//! Words that are wrong, and what may have been meant: where clap guesses badly, a hint stands instead.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Verbs of other tools and other wishes, and what does that here.
const VERBS: &[(&[&str], &[&str])] = &[
    (
        &["uninject", "unwire", "un-wire", "revert"],
        &["inject -f FILE --revert takes a wiring out of a manifest"],
    ),
    (
        &["status", "check", "verify"],
        &[
            "get prometheuses -A lists who is wired, and why not",
            "why KIND/NAME goes step by step through one object",
        ],
    ),
    (
        &["lint", "scan"],
        &["validate -f FILE --policy POLICY checks manifests, policies and object-store files"],
    ),
    (
        &["audit"],
        &["policy audit --live -A lists what exists and would be refused"],
    ),
    (
        &["install"],
        &["init wires this cluster, and names the helm line for the webhook"],
    ),
];

/// Takes out of an error what is of no use, and gives the hints that are.
pub fn meant(error: &mut clap::Error, args: &[OsString], name: &str) -> Vec<String> {
    drop_escapes(error);
    name_given_flags(error, args);
    match error.kind() {
        ErrorKind::InvalidSubcommand => verbs(error, name),
        ErrorKind::UnknownArgument => files(error, args, name),
        _ => Vec::new(),
    }
}

/// No verb takes a word that begins with a dash, so nobody has meant one.
fn drop_escapes(error: &mut clap::Error) {
    if let Some(ContextValue::StyledStrs(mut tips)) = error.remove(ContextKind::Suggested) {
        tips.retain(|tip| !tip.to_string().starts_with("to pass "));
        if !tips.is_empty() {
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
        }
    }
}

/// A flag that excludes a whole group is told to exclude those of it that were given.
fn name_given_flags(error: &mut clap::Error, args: &[OsString]) {
    let Some(ContextValue::Strings(flags)) = error.get(ContextKind::PriorArg) else {
        return;
    };
    let is_given = |flag: &&String| {
        let flag = flag.split(' ').next().unwrap_or_default();
        args.iter()
            .filter_map(|arg| arg.to_str())
            .any(|arg| arg.split('=').next() == Some(flag))
    };
    let mut given: Vec<String> = flags.iter().filter(is_given).cloned().collect();
    let value = match (given.pop(), given.is_empty()) {
        (None, _) => return,
        (Some(only), true) => ContextValue::String(only),
        (Some(last), false) => {
            given.push(last);
            ContextValue::Strings(given)
        }
    };
    error.insert(ContextKind::PriorArg, value);
}

fn verbs(error: &mut clap::Error, name: &str) -> Vec<String> {
    let Some(ContextValue::String(verb)) = error.get(ContextKind::InvalidSubcommand) else {
        return Vec::new();
    };
    let verb = verb.to_lowercase();
    let known = VERBS
        .iter()
        .find(|(words, _)| words.contains(&verb.as_str()));
    let Some((_, meant)) = known else {
        return Vec::new();
    };
    // A similar spelling is not what was meant.
    error.remove(ContextKind::SuggestedSubcommand);
    meant.iter().map(|line| format!("{name} {line}")).collect()
}

/// `inject p.yaml`: files are named with -f, as for kubectl; `policy test` takes folders as they are.
fn files(error: &clap::Error, args: &[OsString], name: &str) -> Vec<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else {
        return Vec::new();
    };
    let typed = |at: usize| args.get(at).and_then(|verb| verb.to_str());
    let verb = typed(1).unwrap_or_default();
    let below = typed(2).filter(|_| verb == "policy").unwrap_or_default();
    match (verb, below) {
        ("policy", "test") if matches!(word.as_str(), "-f" | "--filename") => {
            vec![format!(
                "name folders without a flag: {name} policy test DIR"
            )]
        }
        _ if word.starts_with('-') => Vec::new(),
        ("inject" | "why" | "diff" | "init" | "validate", _) => {
            vec![format!("name files with -f: {name} {verb} -f {word}")]
        }
        ("policy", "audit" | "native") => {
            vec![format!(
                "name files with -f: {name} policy {below} -f {word}"
            )]
        }
        ("policy", "show") => vec![
            format!("name an object with --for: {name} policy show --for NS/NAME"),
            format!("name files with -f: {name} policy show -f FILE"),
        ],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command;

    fn said(line: &str) -> (String, Vec<String>) {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let command = command("kubectl thanos", 100);
        let mut error = command.try_get_matches_from(&args).unwrap_err();
        let hints = meant(&mut error, &args, "kubectl thanos");
        (error.render().to_string(), hints)
    }

    #[test]
    fn only_the_flags_that_were_given_are_named() {
        let (said_of_one, _) = said("thanos init -f hub.yaml --cluster=x");
        assert!(
            said_of_one.contains("'--filename <FILE>' cannot be used with '--cluster <NAME>'"),
            "{said_of_one}"
        );
        let (said_of_two, _) = said("thanos init -f hub.yaml --cluster x --url y");
        assert!(
            said_of_two.contains("--url") && !said_of_two.contains("--secret"),
            "{said_of_two}"
        );
    }

    #[test]
    fn no_word_with_a_dash_is_recommended() {
        for line in ["thanos explain -=", "thanos get -=", "thanos inject -="] {
            let (text, hints) = said(line);
            assert!(!text.contains("to pass") && hints.is_empty(), "{text}");
        }
    }

    #[test]
    fn what_was_meant_is_said() {
        for (line, hint) in [
            ("thanos inject p.yaml", "kubectl thanos inject -f p.yaml"),
            (
                "thanos policy audit a/",
                "kubectl thanos policy audit -f a/",
            ),
            (
                "thanos policy native a/",
                "kubectl thanos policy native -f a/",
            ),
            ("thanos policy show a/b", "policy show --for NS/NAME"),
            ("thanos policy test -f a/", "kubectl thanos policy test DIR"),
            ("thanos uninject", "inject -f FILE --revert"),
            ("thanos status", "kubectl thanos get prometheuses"),
            ("thanos verify", "kubectl thanos why"),
            ("thanos install", "kubectl thanos init"),
        ] {
            let (text, hints) = said(line);
            assert!(hints.iter().any(|said| said.contains(hint)), "{hints:?}");
            assert!(!text.contains("tip:"), "{text}");
        }
    }
}
