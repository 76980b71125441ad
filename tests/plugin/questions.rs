//! `why` and `diff` over files: what they show, and what other programs get of it.

use kubectl_thanos::Surroundings;
use serde_json::{Value, json};

use super::{Folder, PROMETHEUS, WIRING, expect, usual};

const KNOWN: &str = "--wiring DIR/hub.yaml --facts DIR/facts.yaml";

#[test]
fn why_goes_step_by_step() {
    let folder = usual();
    let wired = folder.run(&format!("why -f DIR/prometheus.yaml {KNOWN}"));
    assert_eq!((wired.code, wired.err.as_str()), (0, ""));
    expect("why-wired.txt", &wired.out);
    let left = folder.run(&format!("why -f DIR/elsewhere.yaml {KNOWN}"));
    assert_eq!((left.code, left.err.as_str()), (3, ""));
    expect("why-left.txt", &left.out);
    let data: Value = serde_json::from_str(
        &folder
            .run(&format!("why -f DIR/elsewhere.yaml {KNOWN} -o json"))
            .out,
    )
    .unwrap();
    assert_eq!(data["objects"][0]["wirings"][0]["code"], "KTH2009");
    assert_eq!(data["objects"][0]["wirings"][0]["steps"][4]["result"], "no");
    let both = folder.run(&format!("why prometheus/k8s -f DIR/deploy {KNOWN}"));
    assert_eq!((both.code, both.out.matches("wiring hub").count()), (3, 2));
}

#[test]
fn every_step_can_be_where_it_falls() {
    let folder = usual();
    let falls = |wiring: &str, object: &str, step: &str, code: &str| {
        folder.write("w.yaml", wiring.as_bytes());
        folder.write("o.yaml", object.as_bytes());
        let ran = folder.run("why -f DIR/o.yaml --wiring DIR/w.yaml --facts DIR/facts.yaml");
        let line = ran
            .out
            .lines()
            .find(|line| line.starts_with("    no"))
            .unwrap_or_default();
        assert_eq!(ran.code, 3, "{}", ran.out);
        assert!(
            line.contains(step) && line.contains(code),
            "{step} {code}\n{}{}",
            ran.out,
            ran.err
        );
    };
    let spec = |text: &str| {
        WIRING.replace(
            "  cluster: edge-01\n",
            &format!("  cluster: edge-01\n  {text}\n"),
        )
    };
    let object = |text: &str| PROMETHEUS.replace("spec:\n", &format!("spec:\n  {text}\n"));
    falls(&spec("kinds: [ThanosRuler]"), PROMETHEUS, "kind", "KTH2004");
    falls(
        &spec("namespaceSelector: {matchLabels: {a: b}}"),
        PROMETHEUS,
        "namespace",
        "KTH2005",
    );
    falls(
        WIRING,
        &PROMETHEUS.replace("namespace: monitoring", "namespace: nowhere"),
        "namespace",
        "KTH2008",
    );
    falls(
        &spec("objectSelector: {matchLabels: {a: b}}"),
        PROMETHEUS,
        "object",
        "KTH2006",
    );
    falls(
        WIRING,
        &PROMETHEUS.replace(
            "metadata:\n",
            "metadata:\n  labels: {kubectl-thanos.dev/wire: disabled}\n",
        ),
        "opt-out",
        "KTH2007",
    );
    falls(
        WIRING,
        &PROMETHEUS.replace("namespace: monitoring", "namespace: team-a"),
        "credential",
        "KTH2009",
    );
    falls(
        WIRING,
        &PROMETHEUS.replace("v3.5.0", "v2.10.0"),
        "version",
        "KTH2104",
    );
    falls(
        WIRING,
        &object("remoteWrite: [{name: thanos, url: 'https://other/'}]"),
        "entry",
        "KTH2103",
    );
    falls(
        WIRING,
        &object("prometheusExternalLabelName: cluster"),
        "labels",
        "KTH2101",
    );
}

#[test]
fn what_a_version_knows_is_said_as_far_as_it_is_known() {
    let folder = usual();
    let entry = [
        "url",
        "name",
        "followRedirects",
        "writeRelabelConfigs",
        "basicAuth",
    ];
    let entry: Value = entry
        .into_iter()
        .map(|field| (field.to_owned(), json!({})))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let spec = json!({"properties": {"externalLabels": {}, "remoteWrite": {"items": {"properties": entry}}}});
    let schema = json!({"openAPIV3Schema": {"properties": {"spec": spec}}});
    let crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "spec": {"names": {"plural": "prometheuses"}, "versions": [{"served": true, "schema": schema}]},
    });
    folder.write("crd.yaml", crd.to_string().as_bytes());
    let with_crd = format!("{}crds: {{prometheuses: ./crd.yaml}}\n", super::FACTS);
    folder.write("with-crd.yaml", with_crd.as_bytes());
    let old = PROMETHEUS.replace("v3.5.0", "v2.49.0");
    folder.write("old.yaml", old.as_bytes());
    let limit = WIRING.replace(
        "    auth:",
        "    queueConfig: {sampleAgeLimit: 1h}\n    auth:",
    );
    folder.write("limit.yaml", limit.as_bytes());
    let said = |object: &str, wiring: &str, facts: &str| {
        let line = format!("why -f DIR/{object} --wiring DIR/{wiring} --facts DIR/{facts}");
        let ran = folder.run(&line);
        let line = ran.out.lines().find(|line| line.contains("  version "));
        let line = line.unwrap_or_default();
        let (_, said) = line.split_once("  version     ").unwrap_or_default();
        (said.to_owned(), ran.out.contains("KTH2202"))
    };
    assert_eq!(
        said("prometheus.yaml", "hub.yaml", "with-crd.yaml"),
        ("3.5.0 and the CRD know every field".into(), false)
    );
    assert_eq!(
        said("old.yaml", "limit.yaml", "with-crd.yaml"),
        (
            "2.49.0 and the CRD know what is needed, but not every default".into(),
            true
        )
    );
    assert_eq!(
        said("prometheus.yaml", "hub.yaml", "facts.yaml"),
        (
            "3.5.0 knows every field that is needed; the CRD is assumed to".into(),
            false
        )
    );
    assert_eq!(
        said("old.yaml", "limit.yaml", "facts.yaml"),
        (
            "2.49.0 knows what is needed, but not every default; the CRD is assumed to know that"
                .into(),
            true
        )
    );
}

#[test]
fn saved_facts_are_facts() {
    let folder = usual();
    let crd = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {names: {plural: prometheuses}, versions: [{served: true, schema: {openAPIV3Schema: {properties: {spec: {properties: {externalLabels: {type: object}}}}}}}]}\n";
    folder.write("crd.yaml", crd.as_bytes());
    folder.write(
        "known.yaml",
        format!("{}crds: {{prometheuses: ./crd.yaml}}\n", super::FACTS).as_bytes(),
    );
    let first = folder.run("why -f DIR/prometheus.yaml --wiring DIR/hub.yaml --facts DIR/known.yaml --save-facts DIR/saved/f.yaml");
    assert_eq!(first.code, 1, "the folder is not made: {}", first.err);
    std::fs::create_dir(folder.path("saved")).unwrap();
    let first = folder.run("why -f DIR/prometheus.yaml --wiring DIR/hub.yaml --facts DIR/known.yaml --save-facts DIR/saved/f.yaml");
    assert_eq!(
        first.err,
        "wrote DIR/saved/f.prometheuses.yaml\nwrote DIR/saved/f.yaml\n"
    );
    assert!(first.out.contains("KTH2012"), "{}", first.out);
    let again =
        folder.run("why -f DIR/prometheus.yaml --wiring DIR/hub.yaml --facts DIR/saved/f.yaml");
    assert_eq!(again.out, first.out);
}

#[test]
fn differences_are_a_patch() {
    let folder = usual();
    let ran = folder.run(&format!("diff -f DIR/deploy {KNOWN}"));
    assert_eq!(ran.code, 1);
    expect("diff.txt", &ran.out);
    assert_eq!(
        ran.err,
        "Warning: KTH2009 prometheus/team-a/k8s: not wired by hub: namespace team-a is not enrolled\n"
    );
    folder.write(
        "own.yaml",
        PROMETHEUS
            .replace(
                "spec:\n",
                "spec:\n  remoteWrite: [{name: mine, url: 'https://mine/'}]\n",
            )
            .as_bytes(),
    );
    let effects = folder.run(&format!("diff -f DIR/own.yaml {KNOWN}"));
    assert_eq!(
        effects.err,
        "prometheus/monitoring/k8s: an external label changes: every remote-write queue of the object restarts\n"
    );
    folder.write(
        "wired.yaml",
        folder
            .run(&format!("inject -f DIR/prometheus.yaml {KNOWN}"))
            .out
            .as_bytes(),
    );
    let none = folder.run(&format!("diff -f DIR/wired.yaml {KNOWN}"));
    assert_eq!(
        (none.code, none.out.as_str(), none.err.as_str()),
        (0, "", "no differences\n")
    );
}

#[test]
fn hunks_count_the_lines_of_the_file() {
    let other = PROMETHEUS.replace("k8s", "other");
    let folder = usual();
    let text = format!("{PROMETHEUS}---\n{other}");
    folder.write("two.yaml", text.as_bytes());
    let diff = folder.run(&format!("diff -f DIR/two.yaml {KNOWN}")).out;
    let wired = folder.run(&format!("inject -f DIR/two.yaml {KNOWN}")).out;
    // Puts the hunks onto the text, each at the line that it names.
    let (old, mut made, mut at) = (text.lines().collect::<Vec<_>>(), Vec::new(), 0);
    for line in diff.lines().skip(2) {
        if let Some(head) = line.strip_prefix("@@ -") {
            let start: usize = head.split([',', ' ']).next().unwrap().parse().unwrap();
            made.extend(old[at..start - 1].iter().map(ToString::to_string));
            at = start - 1;
            let new: usize = head
                .split('+')
                .nth(1)
                .unwrap()
                .split([',', ' '])
                .next()
                .unwrap()
                .parse()
                .unwrap();
            assert_eq!(new, made.len() + 1, "{line}");
            continue;
        }
        match line.split_at(1) {
            (" ", same) => {
                assert_eq!(old[at], same);
                made.push(same.to_owned());
                at += 1;
            }
            ("-", _) => at += 1,
            (_, new) => made.push(new.to_owned()),
        }
    }
    made.extend(old[at..].iter().map(ToString::to_string));
    assert_eq!(made.join("\n") + "\n", wired);
}

#[test]
fn another_diff_program_is_asked() {
    let folder = Folder::with(&[
        ("hub.yaml", WIRING),
        ("facts.yaml", super::FACTS),
        ("prometheus.yaml", PROMETHEUS),
    ]);
    let with = |program: &str| {
        folder.run_with(
            &format!("diff -f DIR/prometheus.yaml {KNOWN}"),
            "",
            &Surroundings::bare().with("KUBECTL_EXTERNAL_DIFF", program),
        )
    };
    let diff = with("diff -r ;rm -u");
    assert_eq!(diff.code, 1, "{}", diff.err);
    assert!(
        diff.out
            .contains("monitoring.coreos.com.v1.Prometheus.monitoring.k8s")
            && diff.out.contains("+    cluster: edge-01"),
        "{}",
        diff.out
    );
    assert_eq!(with("true").code, 0);
    let failed = with("no-such-program");
    assert_eq!(failed.code, 2);
    assert!(failed.err.starts_with("Error: KTH0016 "), "{}", failed.err);
}
