//! Object-store files, in Secrets too; and that no value of one, or of anything like it, is ever shown.

use kubectl_thanos::Surroundings;
use serde_json::Value;

use super::validate::{OUTSIDE, POLICY, folder, json};
use super::{ELSEWHERE, SECRET, WIRING, expect};

/// The policy with every rule that there is.
fn all() -> String {
    POLICY.replace(
        "profile: None\n",
        "profile: Restricted\n  enforcement: Deny\n  limits: {sampleLimit: 1, maxReplicas: 0}\n  objectStorage: {types: [AZURE], secretless: true}\n",
    )
}

#[test]
fn object_store_files_are_judged_wherever_they_are() {
    let folder = folder();
    let store = "type: S3\nconfig:\n  bucket: blocks\n  endpoint: s3.example.com\n  acess_key: c4n4ry-s3cr3t\n  secret_key: c4n4ry-s3cr3t\n";
    let indented: String = store.lines().map(|line| format!("    {line}\n")).collect();
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: thanos, namespace: team-a}}\nstringData:\n  objstore.yml: |\n{indented}"
    );
    folder.write("stores/objstore.yml", store.as_bytes());
    folder.write("stores/secret.yaml", secret.as_bytes());
    folder.write("store.txt", format!("{store}---\nmore: 1\n").as_bytes());
    let baseline = POLICY.replace("profile: None", "profile: Baseline\n  enforcement: Deny");
    let secretless = "  objectStorage: {types: [AZURE], secretless: true}\n";
    folder.write(
        "secretless.yaml",
        format!(
            "{}{secretless}",
            baseline.split("  exemptions").next().unwrap()
        )
        .as_bytes(),
    );
    let ran =
        folder.run("validate -f DIR/stores --objstore DIR/store.txt --policy DIR/secretless.yaml");
    expect("validate-objstore.txt", &ran.out);
    assert_eq!(ran.code, 3);
    let fixed = |text: &str| text.replace("acess_key", "access_key");
    folder.write("stores/objstore.yml", fixed(store).as_bytes());
    folder.write("stores/secret.yaml", fixed(&secret).as_bytes());
    let report = json(
        &folder,
        "validate -f DIR/stores --policy DIR/secretless.yaml",
    );
    let inside: Vec<(&str, u64)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            (
                finding["rule"].as_str().unwrap(),
                finding["inside"]["line"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        inside,
        [
            ("objstore-secretless", 5),
            ("objstore-secretless", 6),
            ("objstore-place", 1)
        ]
    );
    assert_eq!(folder.run("validate -f DIR/stores").code, 0);
    // Without a policy that asks for it, what Thanos refuses is wrong all the same.
    folder.write("stores/secret.yaml", secret.as_bytes());
    assert_eq!(folder.run("validate -f DIR/stores/secret.yaml").code, 3);
    let shown = folder.run("policy show -f DIR/stores/secret.yaml --policy DIR/secretless.yaml");
    assert!(
        shown.out.contains("objstore-schema       KTH7034   Deny")
            && shown.out.contains("objstore-place        KTH7036   Deny"),
        "{}",
        shown.out
    );
    assert!(!shown.out.contains("egress-url"), "{}", shown.out);
    let audit = folder.run("policy audit -f DIR/stores --policy DIR/secretless.yaml -o json");
    let data: Value = serde_json::from_str(&audit.out).unwrap();
    assert_eq!(data["summary"]["refused"], 1);
}

#[test]
fn no_secret_is_ever_shown() {
    let folder = folder();
    let hiding = OUTSIDE.replace(
        "  serviceMonitorSelector: {}\n",
        "  serviceMonitorSelector: {}\n  containers: [{name: x, env: [{name: A, value: c4n4ry-s3cr3t}], args: [--x=c4n4ry-s3cr3t]}]\n  additionalArgs: [{name: a, value: c4n4ry-s3cr3t}]\n  tracingConfig: {headers: {x-any: c4n4ry-s3cr3t}}\n",
    );
    let store = "type: S3\nconfig: {bucket: b, secret_key: c4n4ry-s3cr3t, access_key: c4n4ry-s3cr3t, acess_key: c4n4ry-s3cr3t}\n---\nmore: c4n4ry-s3cr3t\n";
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: s, namespace: a}}\nstringData:\n  objstore.yml: |\n{}",
        store
            .lines()
            .map(|line| format!("    {line}\n"))
            .collect::<String>()
    );
    let twice = SECRET.replace("  password:", "  password: c4n4ry-s3cr3t\n  password:");
    let policy = POLICY
        .replace("reason: moved", "reson: c4n4ry-s3cr3t")
        .replace(
            "https://*.example.com",
            "https://me:c4n4ry-s3cr3t@x.example.com",
        );
    folder.write(
        "canary/objects.yaml",
        format!(
            "{hiding}---\n{}---\n{twice}---\n{secret}",
            ELSEWHERE.replace("spec: {", "spec: {remoteWrite: 'c4n4ry-s3cr3t', ")
        )
        .as_bytes(),
    );
    folder.write("canary/policy.yaml", policy.as_bytes());
    folder.write(
        "canary/wiring.yaml",
        WIRING
            .replace("https://receive", "ftp://me:c4n4ry-s3cr3t@receive")
            .as_bytes(),
    );
    folder.write("store/objstore.yml", store.as_bytes());
    folder.write("all.yaml", all().as_bytes());
    let mut terminal = Surroundings::bare();
    terminal.terminals = [false, true, true];
    for what in [
        "-f DIR/canary",
        "-f DIR/canary --policy DIR/all.yaml",
        "-f DIR/store",
        "--objstore DIR/store/objstore.yml",
        "-f DIR/deploy --policy DIR/canary/policy.yaml",
    ] {
        for flags in ["", "-v", "-o json", "-o sarif", "--as-is --color=always"] {
            for surroundings in [&Surroundings::bare(), &terminal] {
                let ran = folder.run_with(&format!("validate {what} {flags}"), "", surroundings);
                assert!(ran.code <= 3, "{what} {flags}\n{}", ran.err);
                for text in [&ran.out, &ran.err] {
                    assert!(!text.contains("c4n4ry"), "{what} {flags}\n{text}");
                }
            }
        }
    }
    for line in [
        "policy audit -f DIR/canary --policy DIR/all.yaml",
        "policy show -f DIR/canary --policy DIR/all.yaml",
    ] {
        for flags in ["", "-o json"] {
            let ran = folder.run(&format!("{line} {flags}"));
            assert!(
                !ran.out.contains("c4n4ry") && !ran.err.contains("c4n4ry"),
                "{line}\n{}{}",
                ran.out,
                ran.err
            );
        }
    }
}

/// Files that somebody has mangled: every one is told about, none ends the program or shows what it should not.
#[test]
fn mangled_files_end_well_and_show_nothing() {
    let hiding = OUTSIDE.replace("https://two", "https://zw\u{f6}lf\u{1f600}");
    let secret = format!("{SECRET}---\n{POLICY}---\n{hiding}");
    let store =
        "type: S3\nconfig: {bucket: b, secret_key: c4n4ry-s3cr3t, \"\u{e9}\": c4n4ry-s3cr3t}\n";
    let folder = folder();
    folder.write("all.yaml", all().as_bytes());
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below.max(1)
    };
    let pieces = [
        "", "\n", ":", " ", "- ", "\"", "{", "]", "\u{e9}", "#", "&a ", "*a", "|", "---\n", "@",
        "\t", "null", "!",
    ];
    for _ in 0..150 {
        for (name, text) in [("m.yaml", secret.as_str()), ("m.yml", store)] {
            let mut letters: Vec<char> = text.chars().collect();
            for _ in 0..=random(3) {
                let at = random(letters.len());
                let until = (at + random(3)).min(letters.len());
                letters.splice(at..until, pieces[random(pieces.len())].chars());
            }
            folder.write(name, letters.iter().collect::<String>().as_bytes());
            let what = if name == "m.yml" { "--objstore" } else { "-f" };
            let line =
                format!("validate {what} DIR/{name} --policy DIR/all.yaml --policy DIR/warns.yaml");
            let ran = folder.run(&line);
            let file = folder.read(name);
            assert!(matches!(ran.code, 0 | 2 | 3), "{file}\n{}", ran.err);
            // A cut through the canary leaves half of it, and a cut before it may make it the name of something.
            let shown = ran
                .out
                .lines()
                .filter(|line| line.contains("c4n4ry-s3cr3t") && line.contains(" | "));
            assert_eq!(shown.count(), 0, "{file}\n{}", ran.out);
        }
    }
}
