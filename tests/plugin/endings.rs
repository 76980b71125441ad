//! Exit codes whatever the format, streams, colours.

use std::io::{self, Write};

use kubectl_thanos::Surroundings;
use serde_json::Value;

use super::usual;

#[test]
fn the_format_never_changes_the_exit_code() {
    let folder = usual();
    let known = "--wiring DIR/hub.yaml --facts DIR/facts.yaml";
    for (line, formats, code) in [
        (
            format!("inject -f DIR/deploy {known}"),
            &["yaml", "json", "patch"][..],
            0,
        ),
        (
            format!("inject -f DIR/deploy {known} --fail-on warning"),
            &["yaml", "json", "patch"],
            3,
        ),
        (
            format!("inject -f DIR/none {known}"),
            &["yaml", "json", "patch"],
            1,
        ),
        (
            "inject -f DIR/deploy".to_owned(),
            &["yaml", "json", "patch"],
            2,
        ),
        (
            format!("why -f DIR/prometheus.yaml {known}"),
            &["text", "json"],
            0,
        ),
        (
            format!("why -f DIR/elsewhere.yaml {known}"),
            &["text", "json"],
            3,
        ),
        (format!("why -f DIR/none {known}"), &["text", "json"], 1),
        (
            format!("validate -f DIR/deploy {known}"),
            &["text", "json", "sarif"],
            0,
        ),
        (
            "validate -f DIR/none".to_owned(),
            &["text", "json", "sarif"],
            1,
        ),
        ("validate".to_owned(), &["text", "json", "sarif"], 2),
        ("policy rules".to_owned(), &["text", "json"], 0),
        ("policy audit".to_owned(), &["text", "json"], 2),
        ("policy native".to_owned(), &["yaml", "json"], 2),
        (
            "policy show --for a/b --kubeconfig DIR/none".to_owned(),
            &["text", "json"],
            1,
        ),
        ("policy test DIR/deploy".to_owned(), &["text", "json"], 2),
        (
            "get policies --kubeconfig DIR/none".to_owned(),
            &["table", "wide", "json", "yaml", "name"],
            1,
        ),
        ("explain KTH2009".to_owned(), &["text", "json"], 0),
        ("explain".to_owned(), &["text", "json"], 0),
        ("explain nothing".to_owned(), &["text", "json"], 2),
        ("version".to_owned(), &["text", "json"], 0),
        (
            "why prometheus/x --kubeconfig DIR/none".to_owned(),
            &["text", "json"],
            1,
        ),
        (
            "get wirings --kubeconfig DIR/none".to_owned(),
            &["table", "wide", "json", "yaml", "name"],
            1,
        ),
    ] {
        for format in formats {
            let ran = folder.run(&format!("{line} -o {format}"));
            assert_eq!(ran.code, code, "{line} -o {format}\n{}", ran.err);
            if *format == "json" && matches!(code, 0 | 3) {
                serde_json::from_str::<Value>(&ran.out).unwrap();
            } else if matches!(code, 1 | 2) {
                assert_eq!(ran.out, "", "{line}");
            }
        }
    }
}

#[test]
fn colours_only_on_a_terminal_and_never_under_no_color() {
    let folder = usual();
    let mut terminal = Surroundings::bare();
    terminal.terminals = [false, true, true];
    let line = "why -f DIR/deploy --wiring DIR/hub.yaml";
    for (line, surroundings, coloured) in [
        (line.to_owned(), Surroundings::bare(), false),
        (line.to_owned(), terminal.clone(), true),
        (
            line.to_owned(),
            terminal.clone().with("NO_COLOR", "1"),
            false,
        ),
        (
            line.to_owned(),
            terminal.clone().with("TERM", "dumb"),
            false,
        ),
        (format!("{line} --color=never"), terminal.clone(), false),
        (format!("{line} --color=always"), Surroundings::bare(), true),
        (
            "inject -h".to_owned(),
            terminal.clone().with("NO_COLOR", "1"),
            false,
        ),
        (
            "inject -h --color=never".to_owned(),
            terminal.clone(),
            false,
        ),
    ] {
        let ran = folder.run_with(&line, "", &surroundings);
        assert_eq!(ran.out.contains('\u{1b}'), coloured, "{line}");
        assert!(
            coloured || (ran.out.is_ascii() && ran.err.is_ascii()),
            "{line}"
        );
    }
}

#[test]
fn quiet_says_only_what_stands_in_the_way() {
    let folder = usual();
    let ran = folder.run("inject -f DIR/deploy --wiring DIR/hub.yaml --facts DIR/facts.yaml -q");
    assert_eq!(
        ran.err,
        "Warning: KTH2009 prometheus/team-a/k8s: not wired by hub: namespace team-a is not enrolled\n"
    );
    let more = folder.run("inject -f DIR/deploy --wiring DIR/hub.yaml --facts DIR/facts.yaml -v");
    assert!(
        more.err.contains("  at DIR/deploy/one.yaml:7\n"),
        "{}",
        more.err
    );
}

/// A reader that has gone away.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk that is full.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_is_no_failure_and_a_full_disk_is() {
    let args = || ["kubectl-thanos", "explain"].map(Into::into);
    let mut err = Vec::new();
    assert_eq!(
        kubectl_thanos::run(args(), &mut io::empty(), &mut Closed, &mut err),
        0
    );
    assert_eq!(err, b"");
    assert_eq!(
        kubectl_thanos::run(args(), &mut io::empty(), &mut Full, &mut err),
        1
    );
    assert!(String::from_utf8_lossy(&err).starts_with("Error: KTH0006 "));
}
