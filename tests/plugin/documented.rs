//! The commands that docs/policies.md and docs/native.md show, typed as they stand there, and what they are said to print.

use thanos_tests::tools;

use super::policy::timeless;
use super::{Folder, Ran, WIRING};

const OBJECT: &str = "\
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: k8s, namespace: team-a}
spec:
  serviceMonitorSelector: {}
  podMonitorSelector: {}
  remoteWrite:
  - name: own
    url: https://elsewhere.example.org/api/v1/receive
";

/// The policy of the tests in the page, which refuses.
const POLICY: &str = "\
apiVersion: kubectl-thanos.dev/v1alpha1
kind: ThanosPolicy
metadata: {name: shared-cluster}
spec:
  profile: None
  rules: [{id: egress-url, enforcement: Deny}, {id: required-wiring, enforcement: Deny}]
  remoteWrite:
    allowedUrls: [\"https://*.example.com/api/v1/receive\"]
    requireWiring: [hub]
";

/// The fenced blocks of a page in its order, each with the language that it names.
fn blocks(page: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(tools::root().join("docs").join(page)).unwrap();
    let parts: Vec<&str> = text.split("```").collect();
    let fenced = parts.chunks_exact(2).map(|pair| pair[1]);
    fenced
        .map(|block| {
            let (language, body) = block.split_once('\n').unwrap();
            (language.to_owned(), body.to_owned())
        })
        .collect()
}

/// A command with what stands below it.
fn commands(block: &str) -> Vec<(String, String)> {
    let each = block.split("$ kubectl thanos ").skip(1);
    each.map(|one| {
        let (line, said) = one.split_once('\n').unwrap();
        (line.to_owned(), said.to_owned())
    })
    .collect()
}

/// Runs a line of a page in a folder: its paths are those of the folder, what is printed goes where it goes.
fn typed(folder: &Folder, line: &str) -> Ran {
    let line = line.split(" > ").next().unwrap().replace('\'', "");
    let place = |word: &str| {
        let ours = ["policies/", "deploy/", "hub.yaml"];
        if ours.iter().any(|name| word.starts_with(name)) {
            format!("DIR/{word}")
        } else {
            word.to_owned()
        }
    };
    let words: Vec<String> = line.split(' ').map(place).collect();
    let mut ran = folder.run(&words.join(" "));
    for text in [&mut ran.out, &mut ran.err] {
        *text = text.replace("DIR/", "");
    }
    ran
}

/// What a reader sees first: the result, or the talk where there is no result.
fn seen(ran: &Ran) -> String {
    let text = if ran.out.is_empty() {
        &ran.err
    } else {
        &ran.out
    };
    timeless(text)
}

#[test]
fn the_page_on_policies_does_what_it_says() {
    let folder = Folder::with(&[("deploy/prometheus.yaml", OBJECT), ("hub.yaml", WIRING)]);
    let blocks = blocks("policies.md");
    let console: Vec<_> = blocks
        .iter()
        .filter(|(language, _)| language == "console")
        .flat_map(|(_, block)| commands(block))
        .collect();
    assert_eq!(console.len(), 5);
    for (number, (line, said)) in console.iter().enumerate() {
        match number {
            3 => folder.write(
                "policies/policy.yaml",
                folder
                    .read("policies/policy.yaml")
                    .replace("enforcement: Warn", "enforcement: Deny")
                    .as_bytes(),
            ),
            4 => write_the_test(&folder, &blocks),
            _ => {}
        }
        let ran = typed(&folder, line);
        if line.contains("--live") {
            assert!(ran.err.starts_with("Error: KTH1003"), "{line}\n{}", ran.err);
            continue;
        }
        assert_eq!(&seen(&ran), said, "{line}\n{}", ran.err);
        assert_eq!(ran.code, [0, 0, 0, 3, 1][number], "{line}");
    }
}

/// The test that the page shows, with objects where it leaves them out.
fn write_the_test(folder: &Folder, blocks: &[(String, String)]) {
    let (_, test) = blocks
        .iter()
        .find(|(_, block)| block.contains("kind: PolicyTest"))
        .unwrap();
    let object = r#"{apiVersion: monitoring.coreos.com/v1, kind: Prometheus, metadata: {name: k8s, namespace: team-a, labels: {hub: wanted}}, spec: {serviceMonitorSelector: {}, remoteWrite: [{name: own, url: "https://URL/api/v1/receive"}]}}"#;
    let test = test
        .replacen("{…}", &object.replace("URL", "one.example.com"), 1)
        .replacen("{…}", &object.replace("URL", "elsewhere.example.org"), 1);
    let wiring = WIRING.replace("[monitoring]", "[team-a]")
        + "  objectSelector: {matchLabels: {hub: wanted}}\n";
    let facts = "apiVersion: kubectl-thanos.dev/v1alpha1\nkind: Facts\nready: {hub: [team-a]}\n";
    for (name, text) in [
        ("policy.yaml", POLICY),
        ("policy_test.yaml", &test),
        ("prometheus.yaml", OBJECT),
        ("hub.yaml", &wiring),
        ("facts.yaml", facts),
    ] {
        folder.write(&format!("policies/{name}"), text.as_bytes());
    }
}

#[test]
fn the_steps_for_ci_run() {
    let folder = Folder::with(&[("deploy/prometheus.yaml", OBJECT)]);
    typed(
        &folder,
        "policy init policies/ --url https://*.example.com/*",
    );
    let blocks = blocks("policies.md");
    let steps: Vec<&str> = blocks
        .iter()
        .flat_map(|(_, block)| block.lines())
        .filter_map(|line| line.strip_prefix("- run: kubectl-thanos "))
        .collect();
    assert_eq!(steps.len(), 2);
    for line in steps {
        let ran = typed(&folder, line);
        assert_eq!(ran.code, 0, "{line}\n{}", ran.err);
    }
}

#[test]
fn the_page_on_native_policies_does_what_it_says() {
    let folder = Folder::with(&[("policies/policy.yaml", POLICY), ("hub.yaml", WIRING)]);
    let lines: Vec<String> = blocks("native.md")
        .iter()
        .flat_map(|(_, block)| block.lines())
        .filter_map(|line| line.strip_prefix("kubectl thanos "))
        .map(str::to_owned)
        .collect();
    assert_eq!(lines.len(), 1);
    for line in lines {
        let ran = typed(&folder, &line);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{line}");
        assert!(ran.out.contains("kubectl-thanos-wiring-hub"), "{line}");
    }
}
