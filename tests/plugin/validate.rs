//! `validate`: what it finds, where it points, what each format says of it, and that no secret is shown.

use serde_json::Value;

use super::schema::{faults, schema};
use super::{Folder, PROMETHEUS, SECRET, WIRING, expect};

/// A policy of one rule that refuses every other url, with two exemptions, one of which is over.
pub(super) const POLICY: &str = "\
apiVersion: kubectl-thanos.dev/v1alpha1
kind: ThanosPolicy
metadata: {name: shared}
spec:
  profile: None
  rules: [{id: egress-url, enforcement: Deny}]
  remoteWrite:
    allowedUrls: [\"https://*.example.com/api/v1/receive\"]
  exemptions:
  - {namespace: team-b, rules: [egress-url], reason: moves in spring, expires: \"2099-01-31\"}
  - {namespace: team-c, rules: [egress-url], reason: moved, expires: \"2020-01-31\"}
";

/// One that only warns.
const WARNS: &str = "\
apiVersion: kubectl-thanos.dev/v1alpha1
kind: ThanosPolicy
metadata: {name: only-one}
spec:
  profile: None
  rules: [{id: egress-url, enforcement: Warn}]
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: team-a}}
  remoteWrite: {allowedUrls: [\"https://one.example.com/*\"]}
";

/// An object that sends elsewhere, with secrets on its lines.
pub(super) const OUTSIDE: &str = "\
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: k8s, namespace: team-a}
spec:
  serviceMonitorSelector: {}
  remoteWrite:
  - name: mine
    url: https://elsewhere.example.org/api/v1/receive # by hand
    bearerToken: c4n4ry-s3cr3t
  - {name: two, url: \"https://two.example.com/api/v1/receive\", proxyUrl: \"http://me:c4n4ry-s3cr3t@proxy/\"} # c4n4ry-s3cr3t
  - {name: three, url: \"https://three.example.com/?token=c4n4ry-s3cr3t\"}
";

pub(super) fn folder() -> Folder {
    let let_off = OUTSIDE.replace("team-a", "team-b");
    Folder::with(&[
        ("policy.yaml", POLICY),
        ("warns.yaml", WARNS),
        ("deploy/outside.yaml", OUTSIDE),
        ("deploy/let-off.yaml", &format!("{SECRET}---\n{let_off}")),
        ("hub.yaml", WIRING),
    ])
}

const LINE: &str = "validate -f DIR/deploy --policy DIR/policy.yaml --policy DIR/warns.yaml";

pub(super) fn json(folder: &Folder, line: &str) -> Value {
    let ran = folder.run(&format!("{line} -o json"));
    let report: Value =
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{line}: {error}\n{ran:?}"));
    let wrong = faults(&schema("docs/validate.schema.json"), &report);
    assert!(wrong.is_empty(), "{line}\n{}", wrong.join("\n"));
    report
}

#[test]
fn what_is_wrong_is_shown_where_it_stands() {
    let ran = folder().run(LINE);
    expect("validate.txt", &ran.out);
    assert_eq!(ran.code, 3);
    assert!(
        ran.err
            .ends_with("Error: 3 findings at or above error (--fail-on)\n"),
        "{}",
        ran.err
    );
}

#[test]
fn a_span_is_what_stands_there() {
    let folder = folder();
    let report = json(&folder, LINE);
    let text = folder.read("deploy/outside.yaml");
    let spans: Vec<String> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["object"]["namespace"] == "team-a")
        .map(|finding| {
            let place = &finding["place"];
            let number = |key: &str| usize::try_from(place[key].as_u64().unwrap()).unwrap();
            assert_eq!(number("line"), number("endLine"));
            let line = text.lines().nth(number("line") - 1).unwrap();
            line[number("column") - 1..number("endColumn") - 1].to_owned()
        })
        .collect();
    assert_eq!(
        spans,
        [
            "https://elsewhere.example.org/api/v1/receive",
            "proxyUrl",
            "url",
            "\"https://two.example.com/api/v1/receive\"",
        ]
    );
}

#[test]
fn every_severity_has_its_policy_and_its_exit_code() {
    let folder = folder();
    let report = json(&folder, LINE);
    let summary = &report["summary"];
    let counts = [
        "files", "checked", "policies", "errors", "warnings", "infos", "notes",
    ]
    .map(|key| &summary[key]);
    assert_eq!(
        counts.map(|count| count.as_u64().unwrap()),
        [2, 2, 2, 3, 1, 0, 3]
    );
    let let_off = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["severity"] == "note");
    let let_off = let_off.unwrap();
    assert_eq!(let_off["exemption"]["reason"], "moves in spring");
    assert_eq!(let_off["exemption"]["expires"], "2099-01-31");
    let audits = WARNS.replace("Warn", "Audit");
    folder.write("audits.yaml", audits.as_bytes());
    for (policy, flag, code) in [
        ("policy", "", 3),
        ("warns", "", 0),
        ("warns", "--fail-on warning", 3),
        ("audits", "--fail-on warning", 0),
        ("audits", "--fail-on info", 3),
        ("policy", "--fail-on never", 0),
        ("policy", "--exit-zero", 0),
    ] {
        for format in ["text", "json", "sarif"] {
            let line = format!(
                "validate -f DIR/deploy/outside.yaml --policy DIR/{policy}.yaml {flag} -o {format}"
            );
            assert_eq!(folder.run(&line).code, code, "{line}");
        }
    }
}

#[test]
fn sarif_is_what_its_schema_says() {
    let folder = folder();
    folder.write("deploy/broken.yaml", b"a: [\n");
    folder.write("deploy/stray.yaml", b"a: 1\n");
    let schema = schema("tests/plugin/sarif-schema-2.1.0.json");
    for line in [
        LINE.to_owned(),
        "validate -f DIR/policy.yaml".to_owned(),
        "validate -f DIR/hub.yaml".to_owned(),
    ] {
        let ran = folder.run(&format!("{line} -o sarif"));
        let log: Value = serde_json::from_str(&ran.out).unwrap();
        let wrong = faults(&schema, &log);
        assert!(wrong.is_empty(), "{line}\n{}", wrong.join("\n"));
        let run = &log["runs"][0];
        for result in run["results"].as_array().unwrap() {
            let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], result["ruleId"]);
        }
    }
    let log: Value = serde_json::from_str(&folder.run(&format!("{LINE} -o sarif")).out).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let prints: std::collections::BTreeSet<&str> = results
        .iter()
        .map(|result| {
            result["partialFingerprints"]["kubectlThanos/v1"]
                .as_str()
                .unwrap()
        })
        .collect();
    assert_eq!(prints.len(), results.len());
    let first = results
        .iter()
        .find(|result| result["level"] == "error" && result["ruleId"] == "KTH7010")
        .unwrap();
    let region = &first["locations"][0]["physicalLocation"]["region"];
    assert_eq!(
        (&region["startLine"], &region["startColumn"]),
        (&8.into(), &10.into())
    );
    let let_off = results
        .iter()
        .find(|result| !result["suppressions"].is_null())
        .unwrap();
    assert_eq!(
        let_off["suppressions"][0]["justification"],
        "moves in spring (until 2099-01-31)"
    );
}

#[test]
fn policies_and_wirings_among_the_files_are_checked_and_judge() {
    let folder = folder();
    folder.write("deploy/policy.yaml", POLICY.as_bytes());
    folder.write(
        "deploy/hub.yaml",
        WIRING.replace("https:", "http:").as_bytes(),
    );
    let report = json(&folder, "validate -f DIR/deploy");
    let said = |code: &str| {
        let findings = report["findings"].as_array().unwrap().iter();
        findings.filter(|finding| finding["code"] == code).count()
    };
    assert_eq!(
        (
            report["summary"]["policies"].as_u64(),
            said("KTH7005"),
            said("KTH2302")
        ),
        (Some(1), 1, 1)
    );
    assert!(said("KTH7010") > 0);
    // Those that are named are the only ones that judge.
    let named = json(&folder, "validate -f DIR/deploy --policy DIR/warns.yaml");
    assert_eq!(
        (
            named["summary"]["policies"].as_u64(),
            named["summary"]["errors"].as_u64()
        ),
        (Some(1), Some(0))
    );
}

#[test]
fn what_is_wrong_with_our_own_kinds_is_a_finding_with_its_place() {
    let folder = folder();
    let wrong = POLICY
        .replace("egress-url], reason: moved", "egres-url], reason: moved")
        .replace("Deny", "Refuse");
    folder.write("wrong/a.yaml", wrong.replace("Refuse", "Deny").as_bytes());
    folder.write("wrong/b.yaml", wrong.as_bytes());
    folder.write(
        "wrong/c.yaml",
        WIRING.replace("basicAuth", "basic_auth").as_bytes(),
    );
    folder.write("wrong/d.yaml", format!("{POLICY}---\n{POLICY}").as_bytes());
    folder.write(
        "wrong/e.yaml",
        PROMETHEUS
            .replace("name: k8s # the first", "labels: [a]")
            .as_bytes(),
    );
    folder.write(
        "wrong/f.yaml",
        PROMETHEUS
            .replace(
                "  version: v3.5.0\n",
                "  version: v3.4.0\n  version: v3.5.0\n",
            )
            .as_bytes(),
    );
    folder.write("wrong/g.yaml", b"\x00\x01\xfe\xffPNG\r\n");
    folder.write(
        "wrong/h.yaml",
        b"kind: Secret\nstringData:\n  password: c4n4ry-s3cr3t\n bad: c4n4ry-s3cr3t\n",
    );
    folder.write("wrong/i.yaml", b"password: c4n4ry-s3cr3t\n");
    let ran = folder.run("validate -f DIR/wrong --fail-on warning");
    assert!(!ran.out.contains("c4n4ry"), "{}", ran.out);
    expect("validate-wrong.txt", &ran.out);
    assert_eq!(ran.code, 3);
    json(&folder, "validate -f DIR/wrong");
}

#[test]
fn what_cannot_be_worked_on_ends_at_once() {
    let folder = folder();
    std::fs::create_dir(folder.path("empty")).unwrap();
    for (line, code, said) in [
        (
            "validate",
            2,
            "Error: KTH0002 nothing is named that could be checked\n",
        ),
        (
            "validate -f DIR/none",
            1,
            "Error: KTH0005 cannot read DIR/none\n",
        ),
        (
            "validate -f DIR/empty",
            2,
            "Error: KTH0003 no file in DIR/empty ends in",
        ),
        (
            "validate -f -",
            2,
            "Error: KTH0003 standard input holds nothing at all\n",
        ),
        (
            "validate -f DIR/deploy --policy DIR/hub.yaml",
            2,
            "Error: KTH0003 no ThanosPolicy in DIR/hub.yaml\n",
        ),
        (
            "validate -f - --policy -",
            2,
            "Error: KTH0002 standard input can be read only once: -f -, --policy -\n",
        ),
        (
            "validate -f DIR/deploy --objstore DIR/none",
            1,
            "Error: KTH0005 cannot read DIR/none\n",
        ),
    ] {
        let ran = folder.run(line);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (code, ""),
            "{line}\n{}",
            ran.err
        );
        assert!(ran.err.starts_with(said), "{line}\n{}", ran.err);
    }
    folder.write(
        "typo.yaml",
        POLICY
            .replace("egress-url], reason: moved", "egres-url], reason: moved")
            .as_bytes(),
    );
    let ran = folder.run("validate -f DIR/deploy --policy DIR/typo.yaml");
    let said = "Error: KTH7001 DIR/typo.yaml:11:33: spec.exemptions[1].rules[0]: is no rule; `kubectl thanos policy rules` lists them\n";
    assert_eq!((ran.code, ran.err.as_str()), (1, said));
}

#[test]
fn success_is_said_and_so_is_that_nothing_was_looked_at() {
    let folder = folder();
    folder.write("fine.yaml", PROMETHEUS.as_bytes());
    let fine = folder.run("validate -f DIR/fine.yaml --policy DIR/policy.yaml");
    assert_eq!(
        (fine.code, fine.out.as_str()),
        (0, "nothing found in 1 object of 1 file, by 1 policy\n")
    );
    let without = folder.run("validate -f DIR/fine.yaml");
    assert!(
        without
            .err
            .starts_with("Note: there is no policy: Prometheus objects were only read"),
        "{}",
        without.err
    );
    let other = folder.pipe(
        "validate -f -",
        "apiVersion: v1\nkind: ConfigMap\n---\napiVersion: v1\nkind: Service\n",
    );
    assert_eq!(
        (other.code, other.err.as_str()),
        (0, "Note: none of 2 objects is of a kind that is checked\n")
    );
}

#[test]
fn objects_in_files_are_judged_as_the_webhook_leaves_them() {
    let folder = folder();
    let elsewhere = POLICY.replace("*.example.com", "elsewhere.example.com");
    folder.write("elsewhere.yaml", elsewhere.as_bytes());
    folder.write("plain.yaml", PROMETHEUS.as_bytes());
    let line = "validate -f DIR/plain.yaml --policy DIR/elsewhere.yaml --wiring DIR/hub.yaml";
    let wired = json(&folder, line);
    assert_eq!(wired["findings"][0]["path"], "spec.remoteWrite[0].url");
    // It is not there yet: the place is what is around it.
    assert_eq!(wired["findings"][0]["place"]["line"], 6);
    assert_eq!(folder.run(&format!("{line} --as-is")).code, 0);
}

#[test]
fn lists_json_and_long_lines_are_pointed_into() {
    let folder = folder();
    let object: Value = serde_json::json!({
        "apiVersion": "monitoring.coreos.com/v1", "kind": "Prometheus",
        "metadata": {"name": "k8s", "namespace": "team-a", "labels": {"long": "x".repeat(300)}},
        "spec": {"remoteWrite": [{"name": "mine", "url": "https://elsewhere.example.org/"}]},
    });
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [object]});
    folder.write("list.json", list.to_string().as_bytes());
    let ran = folder.run("validate -f DIR/list.json --policy DIR/policy.yaml");
    let line = ran
        .out
        .lines()
        .find(|line| line.starts_with("1 | "))
        .unwrap();
    assert!(
        line.starts_with("1 | ...") && line.contains("https://elsewhere") && line.len() < 110,
        "{}",
        ran.out
    );
    let caret = ran.out.lines().find(|line| line.contains('^')).unwrap();
    assert_eq!(caret.find('^'), line.find("\"https://"), "{}", ran.out);
}

#[test]
fn a_verdict_says_which_folders_it_leaves_out() {
    let folder = folder();
    folder.write("deploy/more/outside.yaml", OUTSIDE.as_bytes());
    let note = "Note: folders in folders are not descended into: name DIR/deploy/more with a flag of its own\n";
    let audit = "policy audit -f DIR/deploy --policy DIR/policy.yaml";
    for line in [LINE, audit] {
        assert!(folder.run(line).err.contains(note), "{line}");
        let both = folder.run(&format!("{line} -f DIR/deploy/more"));
        assert!(!both.err.contains("descended"), "{}", both.err);
    }
    let nothing = folder.run("policy audit -f DIR/hub.yaml --policy DIR/policy.yaml");
    assert_eq!(
        nothing.err,
        "Note: there is no object that policies judge\n"
    );
}
