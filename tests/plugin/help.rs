//! Help, version, codes and completion: what needs neither file nor cluster.

use kubectl_thanos::Surroundings;

use super::{Folder, expect, run};

#[test]
fn a_bare_call_shows_short_help_and_ends_with_2() {
    let ran = run("");
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(
        ran.err.contains("  kubectl thanos inject -f deploy/"),
        "{}",
        ran.err
    );
    assert_eq!(ran.err, run("-h").out);
}

#[test]
fn help_goes_to_standard_output_and_ends_with_0() {
    let root = run("--help");
    assert_eq!((root.code, root.err.as_str()), (0, ""));
    expect("help.txt", &root.out);
    for verb in [
        "init",
        "enroll",
        "uninstall",
        "get",
        "why",
        "inject",
        "validate",
        "diff",
        "policy test",
        "policy audit",
        "policy show",
        "policy init",
        "policy native",
        "explain",
        "completion",
        "version",
    ] {
        let (short, long) = (run(&format!("{verb} -h")), run(&format!("{verb} --help")));
        assert_eq!((short.code, long.code), (0, 0), "{verb}");
        assert!(
            short.out.contains(&format!("Usage: kubectl thanos {verb}")),
            "{}",
            short.out
        );
        assert!(long.out.len() > short.out.len(), "{verb}");
    }
    expect("help-inject.txt", &run("inject -h").out);
}

#[test]
fn no_flag_and_no_variable_takes_a_secret() {
    let policy = [
        "policy test",
        "policy audit",
        "policy show",
        "policy init",
        "policy native",
    ];
    let others = [
        "init",
        "enroll",
        "uninstall",
        "get",
        "why",
        "inject",
        "diff",
        "validate",
    ];
    for verb in others.into_iter().chain(policy) {
        let help = run(&format!("{verb} --help")).out;
        for flag in [
            "--password ",
            "--password=",
            "--token ",
            "--token=",
            "[env:",
        ] {
            assert!(!help.contains(flag), "{verb} {flag}");
        }
    }
}

#[test]
fn the_help_shows_the_name_that_was_typed() {
    let helm = Surroundings::bare().with("HELM_PLUGIN_NAME", "thanos");
    let ran = Folder::with(&[]).run_with("inject -h", "", &helm);
    assert!(
        ran.out.contains("Usage: helm thanos inject") && !ran.out.contains("kubectl thanos"),
        "{}",
        ran.out
    );
}

#[test]
fn misuse_goes_to_standard_error_and_ends_with_2() {
    for line in [
        "injct",
        "inject",
        "inject -f x --no-such-flag",
        "get pods",
        "why",
        "inject -f x -o xml",
        "inject -f x --facts a --live",
        "why x/y --timeout 5x",
        "explain KTH0000",
        "inject -f x --revert --wiring y",
        "inject -f x --in-place -o json",
    ] {
        let ran = run(line);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line}\n{}", ran.err);
        assert!(
            ran.err.starts_with("Error: KTH0002 "),
            "{line}\n{}",
            ran.err
        );
    }
    assert!(run("injct").err.contains("inject"));
    assert!(run("explain KTH20O9").err.contains("KTH2009"));
}

#[test]
fn every_code_has_a_page() {
    let listed = run("explain");
    assert_eq!(listed.code, 0);
    for row in thanos_core::codes::CODES {
        assert!(
            listed.out.contains(row.code) && listed.out.contains(row.id),
            "{row}"
        );
        let page = run(&format!("explain {row}"));
        assert_eq!(page.code, 0, "{row}");
        for part in ["What happens", "See it", "Fix", "Silence", row.since] {
            assert!(page.out.contains(part), "{row} {part}");
        }
        assert!(
            page.out
                .lines()
                .all(|line| line.chars().count() <= 100 || !line.contains(' ')),
            "{}",
            page.out
        );
    }
    expect("explain.txt", &run("explain KTH2009").out);
    assert_eq!(run("explain 2009"), run("explain not-enrolled"));
}

#[test]
fn texts_are_as_wide_as_the_terminal_or_columns_say() {
    let width = |surroundings: &Surroundings, line: &str| {
        let out = Folder::with(&[]).run_with(line, "", surroundings).out;
        let prose = out
            .lines()
            .filter(|line| !line.contains("  kubectl thanos ") && !line.starts_with("Usage:"));
        prose.map(|line| line.chars().count()).max().unwrap()
    };
    let bare = Surroundings::bare();
    let narrow = bare.clone().with("COLUMNS", "66");
    let mut terminal = narrow.clone().with("NO_COLOR", "1");
    terminal.columns = Some(80);
    terminal.terminals[1] = true;
    for line in ["-h", "explain KTH2009"] {
        assert!((81..=100).contains(&width(&bare, line)), "{line}");
        assert!((41..=66).contains(&width(&narrow, line)), "{line}");
        assert!((67..=80).contains(&width(&terminal, line)), "{line}");
        assert!(
            width(&bare.clone().with("COLUMNS", "x"), line) > 80,
            "{line}"
        );
    }
}

#[test]
fn examples_fit_into_a_hundred_columns() {
    for verb in [
        "init", "enroll", "get", "why", "inject", "validate", "diff", "explain",
    ]
    .into_iter()
    .chain(["completion", "policy", "policy init", "policy test"])
    .chain([
        "policy audit",
        "policy show",
        "policy rules",
        "policy native",
    ]) {
        let help = run(&format!("{verb} --help")).out;
        let wide: Vec<&str> = help
            .lines()
            .filter(|line| line.chars().count() > 100)
            .collect();
        assert!(wide.is_empty(), "{verb}\n{}", wide.join("\n"));
    }
}

#[test]
fn exit_codes_are_told_in_the_help() {
    assert!(
        run("-h")
            .out
            .contains("1 failed (diff: 1 differences, 2 failed)")
    );
    for verb in [
        "inject",
        "validate",
        "diff",
        "why",
        "init",
        "enroll",
        "policy test",
        "policy audit",
        "policy show",
        "policy init",
        "policy native",
    ] {
        let help = run(&format!("{verb} --help")).out;
        assert_eq!(help.matches("Exit codes: 0 ").count(), 1, "{verb}\n{help}");
    }
}

#[test]
fn what_was_meant_is_said() {
    for (line, hint) in [
        (
            "inject p.yaml",
            "Hint: name files with -f: kubectl thanos inject -f p.yaml\n",
        ),
        (
            "uninject",
            "Hint: kubectl thanos inject -f FILE --revert takes a wiring out of a manifest\n",
        ),
        (
            "install",
            "Hint: kubectl thanos init wires this cluster, and names the helm line for the webhook\n",
        ),
        (
            "lint",
            "Hint: kubectl thanos validate -f FILE --policy POLICY checks manifests, policies and object-store files\n",
        ),
        (
            "verify",
            "Hint: kubectl thanos why KIND/NAME goes step by step through one object\n",
        ),
    ] {
        let ran = run(line);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line}");
        assert!(ran.err.ends_with(hint), "{line}\n{}", ran.err);
    }
    assert!(!run("explain -=").err.contains("to pass"));
    let only = run("init -f hub.yaml --cluster x").err;
    assert!(
        only.contains("--cluster") && !only.contains("--secret"),
        "{only}"
    );
}

#[test]
fn the_version_asks_nobody() {
    let ran = run("version");
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (0, "kubectl-thanos 0.1.0\n", "")
    );
    let data: serde_json::Value = serde_json::from_str(&run("version -o json").out).unwrap();
    assert_eq!(data["version"], "0.1.0");
}

#[test]
fn shells_get_their_scripts() {
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let ran = run(&format!("completion {shell}"));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert!(
            ran.out.contains("kubectl-thanos") && ran.out.contains("inject"),
            "{shell}"
        );
    }
    assert!(run("completion kubectl").out.starts_with("#!/bin/sh\n"));
}

#[test]
fn kubectl_gets_its_words() {
    let words = |program: &str, line: &[&str]| {
        let args = std::iter::once(program)
            .chain(line.iter().copied())
            .map(Into::into);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = kubectl_thanos::run(args, &mut std::io::empty(), &mut out, &mut err);
        assert_eq!((code, err.len()), (0, 0));
        String::from_utf8(out).unwrap()
    };
    let answer = words("/usr/bin/kubectl_complete-thanos", &["inj"]);
    assert_eq!(
        answer,
        "inject\tWire manifests: files in, wired manifests out\n:4\n"
    );
    assert_eq!(
        words("kubectl-thanos", &["__complete", "inject", "--fail-on", ""])
            .lines()
            .last(),
        Some(":4")
    );
    assert_eq!(
        words("kubectl_complete-thanos", &["inject", "-f", ""]),
        ":0\n"
    );
    for hostile in [
        &["--", "-"][..],
        &["=", "--=", "-="],
        &["--output=", "\u{1b}"],
        &[],
    ] {
        assert!(words("kubectl_complete-thanos", hostile).ends_with('\n'));
    }
}

#[test]
fn the_helper_is_linked_beside_the_program() {
    let folder = Folder::with(&[("kubectl-thanos", "")]);
    let here = Surroundings::bare().with("PATH", &folder.path("").to_string_lossy());
    let ran = folder.run_with("completion kubectl --install", "", &here);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(folder.path("kubectl_complete-thanos").is_symlink());
    assert!(
        folder
            .run_with("completion kubectl --install", "", &here)
            .err
            .contains("unchanged")
    );
    std::fs::remove_file(folder.path("kubectl_complete-thanos")).unwrap();
    folder.write("kubectl_complete-thanos", b"mine");
    assert_eq!(
        folder
            .run_with("completion kubectl --install", "", &here)
            .code,
        5
    );
    assert_eq!(folder.read("kubectl_complete-thanos"), "mine");
}
