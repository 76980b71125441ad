//! `policy`: tests beside policies, what exists and would be refused, which rules hold, and a policy to begin with.

use serde_json::Value;

use super::validate::{OUTSIDE, POLICY, folder};
use super::{Folder, PROMETHEUS, WIRING, expect, run};

const TEST: &str = "\
apiVersion: kubectl-thanos.dev/v1alpha1
kind: PolicyTest
name: shared
policies: [policy.yaml]
cases:
- name: elsewhere is refused
  object: outside.yaml
  expect: {deny: [egress-url]}
- name: the hub is allowed
  object:
    apiVersion: monitoring.coreos.com/v1
    kind: Prometheus
    metadata: {name: k8s, namespace: team-a}
    spec: {remoteWrite: [{url: https://a.example.com/api/v1/receive}]}
  expect: allow
- name: what was there warns
  object: outside.yaml
  old: outside.yaml
  expect: {warn: [KTH7010]}
- name: team-b is let off
  object: let-off.yaml
  expect: {exempt: [egress-url]}
";

fn tested(test: &str) -> Folder {
    let let_off = OUTSIDE.replace("team-a", "team-b");
    Folder::with(&[
        ("policies/policy.yaml", POLICY),
        ("policies/outside.yaml", OUTSIDE),
        ("policies/let-off.yaml", &let_off),
        ("policies/shared_test.yaml", test),
    ])
}

/// Times are another every time.
pub(super) fn timeless(text: &str) -> String {
    let word = |word: &str| {
        let number = word
            .trim_start_matches('(')
            .trim_end_matches(')')
            .strip_suffix('s');
        match number.map(str::parse::<f64>) {
            Some(Ok(_)) => word.replace(|letter: char| letter.is_ascii_digit(), "0"),
            _ => word.to_owned(),
        }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(|text| line(text) + "\n").collect()
}

#[test]
fn cases_pass_as_go_tells_it() {
    let folder = tested(TEST);
    let ran = folder.run("policy test DIR/policies");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert_eq!(
        timeless(&ran.out),
        "ok    DIR/policies/shared_test.yaml  0.000s  4 cases\n"
    );
    let one = folder.run("policy test DIR/policies/shared_test.yaml --run shared/*hub -v");
    assert!(
        one.out.starts_with("--- PASS: shared/the hub is allowed (")
            && one.out.ends_with("  1 case\n"),
        "{}",
        one.out
    );
    // Beside a test that names none, every policy of the folder is meant.
    let beside = tested(&TEST.replace("policies: [policy.yaml]\n", ""));
    assert_eq!(beside.run("policy test DIR/policies").code, 0);
}

#[test]
fn a_case_that_fails_says_what_happened_instead() {
    let wrong = TEST
        .replace("expect: {deny: [egress-url]}", "expect: allow")
        .replace(
            "expect: allow\n- name: what",
            "expect: {deny: [limits, egress-url]}\n- name: what",
        )
        .replace(
            "{warn: [KTH7010]}",
            "{deny: [egress-url], audit: [evasion]}",
        );
    let folder = tested(&wrong);
    let ran = folder.run("policy test DIR/policies");
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    expect("policy-test.txt", &timeless(&ran.out));
    let data: Value =
        serde_json::from_str(&folder.run("policy test DIR/policies -o json").out).unwrap();
    assert_eq!(
        (&data["summary"]["passed"], &data["summary"]["failed"]),
        (&1.into(), &3.into())
    );
    let case = &data["tests"][0]["cases"][0];
    assert_eq!(
        (&case["result"], &case["unexpected"][0]),
        (&"fail".into(), &"deny egress-url".into())
    );
}

#[test]
fn a_test_that_cannot_be_run_is_an_error_and_no_failure() {
    let mut said = String::new();
    for test in [
        TEST.replace("outside.yaml", "none.yaml"),
        TEST.replace("policies: [", "polices: ["),
        TEST.replace("deny: [egress-url]", "deny: [egres-url], refuse: []"),
        TEST.replace("expect: allow", "expect: {}"),
        TEST.replace("expect: allow", "expect: deny"),
        TEST.replace("name: the hub is allowed", "name: elsewhere is refused"),
        TEST.replace("kind: Prometheus", "kind: Service"),
        TEST.replace("PolicyTest", "PolicyTests"),
        TEST.replace("policies: [policy.yaml]", "policies: [outside.yaml]"),
        format!("{TEST}---\n{TEST}"),
        String::new(),
        "a: [\n".to_owned(),
    ] {
        let ran = tested(&test).run("policy test DIR/policies");
        assert!(
            matches!(ran.code, 1 | 2) && ran.out.is_empty(),
            "{}{}",
            ran.out,
            ran.err
        );
        said += &ran.err;
    }
    expect("policy-test-wrong.txt", &said);
    let folder = tested(TEST);
    folder.write(
        "policies/outside.yaml",
        format!("{OUTSIDE}---\n{OUTSIDE}").as_bytes(),
    );
    let ran = folder.run("policy test DIR/policies");
    assert!(
        ran.code == 1 && ran.err.contains("KTH0019") && ran.err.contains("where one belongs"),
        "{}",
        ran.err
    );
}

#[test]
fn no_test_is_no_success() {
    let folder = tested(TEST);
    std::fs::create_dir(folder.path("empty")).unwrap();
    for (line, said) in [
        (
            "policy test DIR/empty",
            "Error: KTH0003 no file in DIR/empty ends in _test.yaml",
        ),
        (
            "policy test DIR/policies --run nothing",
            "Error: KTH0003 no case fits nothing\n",
        ),
        ("policy test", "Error: KTH0002 "),
    ] {
        let ran = folder.run(line);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line}");
        assert!(ran.err.starts_with(said), "{line}\n{}", ran.err);
    }
}

#[test]
fn a_policy_to_begin_with_passes_its_test() {
    let folder = Folder::with(&[]);
    let line = "policy init DIR/new --url https://*.example.com/* --url http://10.0.0.1:19291/api/v1/receive --name ours";
    let ran = folder.run(line);
    assert_eq!(ran.code, 0, "{}", ran.err);
    expect("policy-init.yaml", &folder.read("new/policy.yaml"));
    expect(
        "policy-init_test.yaml",
        &folder.read("new/policy_test.yaml"),
    );
    let passed = folder.run("policy test DIR/new");
    assert_eq!(passed.code, 0, "{}{}", passed.out, passed.err);
    assert_eq!(folder.run("validate -f DIR/new --fail-on info").code, 0);
    folder.write("new/policy.yaml", b"mine");
    std::fs::remove_file(folder.path("new/policy_test.yaml")).unwrap();
    let again = folder.run(line);
    assert_eq!(again.code, 5);
    assert!(
        again.err.starts_with(
            "Error: KTH0006 DIR/new/policy.yaml is there already, and nothing was written\n"
        ),
        "{}",
        again.err
    );
    assert_eq!(folder.read("new/policy.yaml"), "mine");
    assert!(!folder.path("new/policy_test.yaml").exists());
    for (line, said) in [
        (
            "--url https://a.example.com --name Bad_Name",
            "--name: must be ",
        ),
        (
            "--url https://a/ --url ftp://x/",
            "--url (2 of 2): must start ",
        ),
        ("--url ftp://x/", "--url: must start "),
    ] {
        let ran = folder.run(&format!("policy init DIR/other {line}"));
        assert!(
            ran.code == 2 && ran.err.starts_with(&format!("Error: KTH0002 {said}")),
            "{line}\n{}",
            ran.err
        );
        assert!(!folder.path("other").exists(), "{line}");
    }
    let file = folder.run("policy init DIR/new/policy.yaml --url https://a.example.com");
    assert_eq!(
        (file.code, file.err.as_str()),
        (
            2,
            "Error: KTH0002 DIR/new/policy.yaml is a file\nHint: name a folder\n"
        )
    );
    for url in ["ftp://x/", "https://*/x", "x", "https://me:c4n4ry@x/"] {
        let ran = folder.run(&format!("policy init DIR/other --url {url}"));
        assert!(
            ran.code == 2 && !folder.path("other").exists(),
            "{url}\n{}",
            ran.err
        );
        assert!(!ran.err.contains("c4n4ry"), "{}", ran.err);
    }
}

#[test]
fn what_holds_for_an_object_is_shown() {
    let folder = folder();
    let baseline = POLICY.replace("profile: None", "profile: Baseline\n  enforcement: Deny");
    folder.write("policy.yaml", baseline.as_bytes());
    let known = "--policy DIR/policy.yaml --policy DIR/warns.yaml";
    let ran = folder.run(&format!("policy show --for team-b/k8s {known}"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    expect("policy-show.txt", &ran.out);
    let data: Value = serde_json::from_str(
        &folder
            .run(&format!("policy show -f DIR/deploy {known} -o json"))
            .out,
    )
    .unwrap();
    let rule = |object: usize| &data["objects"][object]["rules"][0];
    // In the order of the files: the one that is let off comes first.
    assert_eq!(
        (&rule(0)["rule"], &rule(0)["enforcement"]),
        (&"egress-url".into(), &Value::Null)
    );
    assert_eq!(
        (&rule(1)["enforcement"], &rule(1)["sources"][0]["policy"]),
        (&"Deny".into(), &"only-one".into())
    );
    let selects = POLICY.replace(
        "spec:\n",
        "spec:\n  objectSelector: {matchLabels: {a: b}}\n",
    );
    folder.write("selects.yaml", selects.as_bytes());
    let none = folder.run("policy show -f DIR/deploy/outside.yaml --policy DIR/selects.yaml");
    assert_eq!(none.out, "prometheus/team-a/k8s   no policy selects it\n");
    for wrong in ["k8s", "a/b/c", "/b"] {
        assert_eq!(
            folder
                .run(&format!("policy show --for {wrong} {known}"))
                .code,
            2
        );
    }
}

#[test]
fn what_deny_would_refuse_is_listed() {
    let folder = folder();
    let line = "policy audit -f DIR/deploy --policy DIR/policy.yaml --policy DIR/warns.yaml";
    let ran = folder.run(line);
    assert_eq!(ran.code, 0, "{}", ran.err);
    expect("policy-audit.txt", &ran.out);
    assert_eq!(folder.run(&format!("{line} --fail-on error")).code, 3);
    let data: Value = serde_json::from_str(&folder.run(&format!("{line} -o json")).out).unwrap();
    assert_eq!(data["summary"]["refused"], 1);
    folder.write("fine.yaml", PROMETHEUS.as_bytes());
    let fine =
        folder.run("policy audit -f DIR/fine.yaml --policy DIR/policy.yaml --fail-on warning");
    assert_eq!(
        (fine.code, fine.out.as_str()),
        (
            0,
            "0 of 1 object would be refused by 1 policy under Deny; 0 exempt\n"
        )
    );
    for (line, said) in [
        (
            "policy audit",
            "Error: KTH0002 nothing is named that could be looked at\n",
        ),
        (
            "policy audit -f DIR/deploy",
            "Error: KTH0003 no policy is given\n",
        ),
    ] {
        let ran = folder.run(line);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""));
        assert!(ran.err.starts_with(said), "{}", ran.err);
    }
}

#[test]
fn the_catalogue_is_listed_and_each_rule_explained() {
    let listed = run("policy rules");
    let data: Value = serde_json::from_str(&run("policy rules -o json").out).unwrap();
    let rules = thanos_core::decide::rules::RULES;
    assert_eq!(data["items"].as_array().unwrap().len(), rules.len());
    for rule in rules {
        assert!(
            listed.out.contains(&format!("{} ", rule.id())),
            "{}",
            rule.id()
        );
        assert_eq!(run(&format!("explain {}", rule.id())).code, 0);
    }
}

#[test]
fn a_wiring_comes_before_the_policies_unless_it_is_told_not_to() {
    let test = TEST.replace(
        "policies: [policy.yaml]\n",
        "policies: [policy.yaml]\nwirings: [hub.yaml]\n",
    );
    let object = "  object:\n    apiVersion: monitoring.coreos.com/v1\n    kind: Prometheus\n    metadata: {name: k8s, namespace: monitoring}\n    spec: {version: v3.5.0, serviceMonitorSelector: {}}\n";
    let test = format!(
        "{test}- name: wired first\n{object}  expect: {{deny: [egress-url]}}\n- name: as it is\n{object}  asIs: true\n  expect: allow\n"
    );
    let folder = tested(&test);
    folder.write(
        "policies/hub.yaml",
        WIRING
            .replace("receive.example.com", "elsewhere.org")
            .as_bytes(),
    );
    let ran = folder.run("policy test DIR/policies");
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}
