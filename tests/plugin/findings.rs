//! What `inject` finds: severities, keys that stand twice, `--fail-on`, and what it keeps from being written.

use serde_json::Value;

use super::{ELSEWHERE, PROMETHEUS, WIRING, usual};

const KNOWN: &str = "--wiring DIR/hub.yaml --facts DIR/facts.yaml";

#[test]
fn fail_on_makes_findings_count() {
    let folder = usual();
    let line = |what: &str, flag: &str| {
        folder
            .run(&format!(
                "inject -f DIR/{what} --wiring DIR/hub.yaml --facts DIR/facts.yaml {flag}"
            ))
            .code
    };
    assert_eq!(line("elsewhere.yaml", ""), 0);
    assert_eq!(line("elsewhere.yaml", "--fail-on warning"), 3);
    assert_eq!(line("elsewhere.yaml", "--fail-on error"), 0);
    assert_eq!(line("prometheus.yaml", "--fail-on warning"), 0);
    let clash = PROMETHEUS.replace("spec:\n", "spec:\n  replicaExternalLabelName: cluster\n");
    folder.write("clash.yaml", clash.as_bytes());
    assert_eq!(line("clash.yaml", "--fail-on error"), 3);
    assert_eq!(line("clash.yaml", "--fail-on error -o json"), 3);
    assert_eq!(line("deploy", "--fail-on unwired"), 3);
    assert_eq!(line("prometheus.yaml", "--fail-on unwired"), 0);
    let opted_out = PROMETHEUS.replace(
        "metadata:\n",
        "metadata:\n  labels: {kubectl-thanos.dev/wire: disabled}\n",
    );
    folder.write("opted-out.yaml", opted_out.as_bytes());
    assert_eq!(line("opted-out.yaml", "--fail-on warning"), 0);
    assert_eq!(line("opted-out.yaml", "--fail-on unwired"), 3);
    let senseless = folder.run("inject -f DIR/deploy --revert --fail-on unwired");
    assert_eq!(senseless.code, 2, "{}", senseless.err);
}

#[test]
fn a_run_that_ends_with_3_says_why() {
    let folder = usual();
    for (what, last) in [
        (
            "warning",
            "Error: 1 object at or above warning (--fail-on)\n",
        ),
        ("unwired", "Error: 1 object not wired (--fail-on)\n"),
    ] {
        let ran = folder.run(&format!("inject -f DIR/deploy {KNOWN} --fail-on {what} -q"));
        assert_eq!(ran.code, 3);
        assert!(ran.err.ends_with(last), "{}", ran.err);
    }
    folder.write("deploy/three.yaml", ELSEWHERE.as_bytes());
    let ran = folder.run(&format!("inject -f DIR/deploy {KNOWN} --fail-on warning"));
    assert!(
        ran.err
            .ends_with("Error: 2 objects at or above warning (--fail-on)\n"),
        "{}",
        ran.err
    );
}

#[test]
fn with_findings_nothing_is_written_in_place() {
    let folder = usual();
    let before = folder.read("deploy/one.yaml");
    let line = format!("inject -f DIR/deploy {KNOWN} --in-place");
    let ran = folder.run(&format!(
        "{line} --fail-on warning --report-file DIR/report.json"
    ));
    assert_eq!((ran.code, ran.out.as_str()), (3, ""));
    assert!(
        ran.err
            .ends_with("Error: 1 object at or above warning (--fail-on): nothing was written\n"),
        "{}",
        ran.err
    );
    assert_eq!(folder.read("deploy/one.yaml"), before);
    let report: Value = serde_json::from_str(&folder.read("report.json")).unwrap();
    assert_eq!(report["summary"]["left"], 1);
    // A report that cannot be written is found before anything is renamed.
    let ran = folder.run(&format!("{line} --report-file DIR/no/report.json"));
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (
            1,
            "Error: KTH0006 cannot write DIR/no/report.json\nCaused by: No such file or directory (os error 2)\n"
        )
    );
    assert_eq!(folder.read("deploy/one.yaml"), before);
    assert_eq!(folder.run(&format!("{line} --fail-on error")).code, 0);
    assert_ne!(folder.read("deploy/one.yaml"), before);
}

#[test]
fn a_line_begins_with_the_word_of_its_severity() {
    let folder = usual();
    let clash = PROMETHEUS.replace("spec:\n", "spec:\n  replicaExternalLabelName: cluster\n");
    folder.write("clash.yaml", clash.as_bytes());
    let ran = folder.run(&format!("inject -f DIR/clash.yaml {KNOWN} -q"));
    assert!(
        ran.err
            .starts_with("Error: KTH2101 prometheus/monitoring/k8s: not wired by hub: "),
        "{}",
        ran.err
    );
}

#[test]
fn a_key_that_stands_twice_is_a_finding_with_its_place() {
    let folder = usual();
    let twice = PROMETHEUS.replace(
        "  version: v3.5.0\n",
        "  version: v3.4.0\n  version: v3.5.0\n",
    );
    // In an object of another kind it is none of our business.
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, name: y}\n---\n";
    folder.write("twice.yaml", format!("{other}{twice}").as_bytes());
    let said = "Warning: KTH0018 DIR/twice.yaml:12:3: key version stands twice; the last one counts, and kustomize refuses the file\n";
    for (verb, code) in [("inject", 0), ("why", 0), ("diff", 1)] {
        let ran = folder.run(&format!("{verb} -f DIR/twice.yaml {KNOWN}"));
        assert_eq!((ran.code, ran.err.matches("KTH0018").count()), (code, 1));
        assert!(ran.err.contains(said), "{verb}\n{}", ran.err);
    }
    let ran = folder.run(&format!(
        "inject -f DIR/twice.yaml {KNOWN} --fail-on warning --report-file DIR/report.json"
    ));
    assert_eq!(ran.code, 3, "{}", ran.err);
    let report: Value = serde_json::from_str(&folder.read("report.json")).unwrap();
    assert_eq!(report["objects"][0]["warnings"][0]["code"], "KTH0018");
}

#[test]
fn a_credential_in_plain_text_is_warned_of_once_per_wiring() {
    let folder = usual();
    folder.write("plain.yaml", WIRING.replace("https:", "http:").as_bytes());
    let said = "KTH2302 wiring hub: spec.remoteWrite.url: the credential travels in plain text: use https://\n";
    for verb in ["inject", "why", "diff"] {
        let line = format!("{verb} -f DIR/deploy --wiring DIR/plain.yaml --facts DIR/facts.yaml");
        let ran = folder.run(&line);
        assert_eq!(ran.err.matches("KTH2302").count(), 1, "{verb}\n{}", ran.err);
        assert!(ran.err.contains(&format!("Warning: {said}")), "{}", ran.err);
    }
    let ran = folder.run("init -f DIR/plain.yaml --export DIR/out");
    assert!(ran.code == 0 && ran.err.contains("KTH2302"), "{}", ran.err);
}

#[test]
fn an_object_without_a_namespace_is_told_how_to_have_one() {
    let folder = usual();
    folder.write(
        "nowhere.yaml",
        PROMETHEUS
            .replace("  namespace: monitoring\n", "")
            .as_bytes(),
    );
    let hint = "the manifest names no namespace: give -n\n";
    for verb in ["inject", "why", "diff"] {
        let line = format!("{verb} -f DIR/nowhere.yaml {KNOWN}");
        let ran = folder.run(&line);
        assert!(
            [&ran.out, &ran.err].iter().any(|text| text.contains(hint)),
            "{verb}\n{}{}",
            ran.out,
            ran.err
        );
        let named = folder.run(&format!("{line} -n team-a"));
        assert!(!named.out.contains(hint) && !named.err.contains(hint));
    }
    let named = folder.run(&format!("inject -f DIR/elsewhere.yaml {KNOWN}"));
    assert!(!named.err.contains(hint), "{}", named.err);
}
