//! Everything that can be wrong with an input: one sentence, its code, its place, the right exit code, no secret.

use super::{FACTS, PROMETHEUS, SECRET, WIRING, expect, run, usual};

/// Runs `inject` over a text with the usual wiring.
fn fed(text: &str) -> super::Ran {
    usual().pipe("inject -f - --wiring DIR/hub.yaml", text)
}

#[test]
fn files_that_are_not_there_or_hold_nothing() {
    let folder = usual();
    std::fs::create_dir(folder.path("empty")).unwrap();
    folder.write("nested/deploy/one.yaml", PROMETHEUS.as_bytes());
    folder.write("nothing.yaml", b"# to be written\n");
    for (line, code, err) in [
        (
            "inject -f DIR/none --wiring DIR/hub.yaml",
            1,
            "Error: KTH0005 cannot read DIR/none\nCaused by: No such file or directory (os error 2)\n",
        ),
        (
            "inject -f DIR/deploy --wiring DIR/none",
            1,
            "Error: KTH0005 cannot read DIR/none\nCaused by: No such file or directory (os error 2)\n",
        ),
        (
            "inject -f DIR/deploy --wiring DIR/hub.yaml --facts DIR/none",
            1,
            "Error: KTH0005 cannot read DIR/none\nCaused by: No such file or directory (os error 2)\n",
        ),
        (
            "inject -f DIR/empty --wiring DIR/hub.yaml",
            2,
            "Error: KTH0003 no file in DIR/empty ends in .json, .yaml or .yml\nHint: name the files themselves, or pipe manifests into -f -\n",
        ),
        (
            "inject -f DIR/nested --wiring DIR/hub.yaml",
            2,
            "Error: KTH0003 no file in DIR/nested ends in .json, .yaml or .yml; folders are not descended into\nHint: name the files themselves, or pipe manifests into -f -\n",
        ),
        (
            "inject -f DIR/deploy --wiring DIR/nothing.yaml",
            2,
            "Error: KTH0003 no ThanosWiring in DIR/nothing.yaml\n",
        ),
        (
            "inject -f DIR/deploy --wiring DIR/hub.yaml --wiring DIR/nothing.yaml",
            2,
            "Error: KTH0003 no ThanosWiring in DIR/nothing.yaml\n",
        ),
        (
            "inject -f DIR/deploy --wiring -",
            2,
            "Error: KTH0003 no ThanosWiring in standard input\n",
        ),
        (
            "inject -f DIR/deploy",
            2,
            "Error: KTH0003 no wiring is given\nHint: name a file with --wiring, or ask the cluster with --live\n",
        ),
        (
            "inject -f DIR/deploy --wiring DIR/prometheus.yaml",
            2,
            "Error: KTH0003 no ThanosWiring in DIR/prometheus.yaml\n",
        ),
        (
            "inject -f - -f - --wiring DIR/hub.yaml",
            2,
            "Error: KTH0002 standard input can be read only once: -f -, -f -\n",
        ),
        (
            "why -f DIR/hub.yaml --wiring DIR/hub.yaml",
            2,
            "Error: KTH0003 no Prometheus, PrometheusAgent or ThanosRuler in the files\n",
        ),
        (
            "why prometheus/x -f DIR/deploy --wiring DIR/hub.yaml",
            1,
            "Error: KTH1004 there is no prometheus/x in the files\n",
        ),
        (
            "diff -f DIR/none --wiring DIR/hub.yaml",
            2,
            "Error: KTH0005 cannot read DIR/none\nCaused by: No such file or directory (os error 2)\n",
        ),
    ] {
        let ran = folder.run(line);
        assert_eq!(
            (ran.code, ran.out.as_str(), ran.err.as_str()),
            (code, "", err),
            "{line}"
        );
    }
}

#[test]
fn standard_input_is_read_once() {
    let folder = usual();
    for (line, flags) in [
        ("inject -f - --wiring -", "-f -, --wiring -"),
        (
            "inject -f - --wiring DIR/hub.yaml --facts -",
            "-f -, --facts -",
        ),
        ("why -f - --wiring -", "-f -, --wiring -"),
        (
            "diff -f DIR/deploy --wiring - --facts -",
            "--wiring -, --facts -",
        ),
        ("init -f - --password-file -", "-f -, --password-file -"),
        (
            "enroll -n a --token-file - --ca-file -",
            "--token-file -, --ca-file -",
        ),
    ] {
        let ran = folder.run(line);
        let said = format!("Error: KTH0002 standard input can be read only once: {flags}\n");
        assert_eq!((ran.code, ran.err), (2, said), "{line}");
    }
    let ran = folder.pipe("inject -f DIR/prometheus.yaml --wiring -", WIRING);
    assert!(ran.err.contains("  wired  "), "{}", ran.err);
    let ran = folder.pipe(
        "why -f DIR/prometheus.yaml --wiring DIR/hub.yaml --facts -",
        FACTS,
    );
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn what_is_written_is_not_what_is_read() {
    let folder = usual();
    let known = "--wiring DIR/hub.yaml --facts DIR/facts.yaml";
    for (line, said) in [
        (
            format!("inject -f DIR/deploy {known} --report-file DIR/deploy/one.yaml"),
            "--report-file would overwrite DIR/deploy/one.yaml, which -f reads",
        ),
        (
            format!("inject -f DIR/deploy {known} --report-file DIR/hub.yaml"),
            "--report-file would overwrite DIR/hub.yaml, which --wiring reads",
        ),
        (
            format!("inject -f DIR/deploy {known} --report-file -"),
            "--report-file - names no file: standard output is for the result",
        ),
        (
            format!("why -f DIR/deploy {known} --save-facts DIR/deploy/../facts.yaml"),
            "--save-facts would overwrite DIR/deploy/../facts.yaml, which --facts reads",
        ),
        (
            "enroll -n a --password-file DIR/hub.yaml --htpasswd-out DIR/hub.yaml".to_owned(),
            "--htpasswd-out would overwrite DIR/hub.yaml, which --password-file reads",
        ),
        (
            "why -f DIR/deploy --wiring DIR/hub.yaml --save-facts DIR/new.yaml".to_owned(),
            "--save-facts has nothing to save: without --live nothing is known",
        ),
    ] {
        let ran = folder.run(&line);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{line}");
        let said = format!("Error: KTH0002 {said}\n");
        assert!(ran.err.starts_with(&said), "{line}\n{}", ran.err);
    }
    assert!(!folder.path("new.yaml").exists());
    assert_eq!(folder.read("hub.yaml"), WIRING);
}

/// None of these has a kubeconfig to ask anybody with.
#[test]
fn local_mistakes_are_told_before_the_network() {
    let folder = usual();
    folder.write("empty", b"");
    for (line, code, said) in [
        (
            "enroll -n Team_A",
            2,
            "KTH0002 `Team_A` is no name of a namespace",
        ),
        ("enroll -n a --copy-from b/c", 2, "KTH0002 `b/c` is no name"),
        (
            "enroll -n a --password-file DIR/none",
            1,
            "KTH0005 cannot read DIR/none",
        ),
        (
            "enroll -n a --password-file DIR/empty",
            2,
            "KTH0011 DIR/empty is empty",
        ),
        (
            "enroll -n a --htpasswd-out DIR/hub.yaml",
            1,
            "KTH0006 cannot write DIR/hub.yaml",
        ),
        (
            "enroll -n a --htpasswd-out DIR/hub.yaml --dry-run",
            1,
            "KTH0006 cannot write",
        ),
        (
            "init --cluster a --url https://x/y --namespaces a,B",
            2,
            "KTH0002 `B` is no name",
        ),
        (
            "init -f DIR/hub.yaml --password-file DIR/none",
            1,
            "KTH0005 cannot read DIR/none",
        ),
        (
            "init -f DIR/hub.yaml --htpasswd-out DIR/no/x",
            1,
            "KTH0006 cannot write DIR/no/x",
        ),
    ] {
        let ran = folder.run(&format!("{line} --kubeconfig DIR/no-kubeconfig"));
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (code, ""),
            "{line}\n{}",
            ran.err
        );
        assert!(ran.err.contains(said), "{line}\n{}", ran.err);
        assert!(
            !ran.err.contains("KTH1003") && !ran.err.contains(".kubectl-thanos-"),
            "{line}\n{}",
            ran.err
        );
    }
}

#[test]
fn a_name_that_is_none() {
    for (line, said) in [
        (
            "why k8s",
            "Error: KTH0002 k8s is not of the form KIND/NAME\n",
        ),
        (
            "why promethus/k8s",
            "Error: KTH0002 promethus is no kind that is wired; a similar one is prometheus\n",
        ),
        (
            "diff p.yaml",
            "Error: KTH0002 p.yaml is not of the form KIND/NAME\nHint: name files with -f: -f p.yaml\n",
        ),
        (
            "diff pod/x",
            "Error: KTH0002 pod is no kind that is wired\n",
        ),
        (
            "why prometheus/",
            "Error: KTH0002 prometheus/ is not of the form KIND/NAME\n",
        ),
    ] {
        let ran = run(line);
        assert_eq!(ran.code, 2, "{line}");
        assert!(ran.err.starts_with(said), "{line}\n{}", ran.err);
    }
}

#[test]
fn text_that_is_no_yaml_is_placed_and_not_shown() {
    let secret = "kind: Secret\nstringData:\n  password: c4n4ry-s3cr3t\n bad: c4n4ry-s3cr3t\n";
    let ran = fed(secret);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(
        ran.err.starts_with("Error: KTH0004 standard input:4:"),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("c4n4ry"), "{}", ran.err);
    let both = fed(&format!("{PROMETHEUS}---\na: [\n---\nb: *none\n"));
    assert_eq!(
        both.err
            .lines()
            .filter(|line| line.starts_with("Error: KTH0004 standard input:"))
            .count(),
        2,
        "{}",
        both.err
    );
    assert_eq!(both.out, "");
}

#[test]
fn binary_deep_and_wide_inputs_end_well() {
    let folder = usual();
    folder.write("binary.yaml", b"\x00\x01\xfe\xffPNG\r\n\x1a\n");
    let binary = folder.run("inject -f DIR/binary.yaml --wiring DIR/hub.yaml");
    assert_eq!((binary.code, binary.out.as_str()), (1, ""));
    assert!(
        binary.err.starts_with("Error: KTH0004 DIR/binary.yaml:1:"),
        "{}",
        binary.err
    );
    for deep in [
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        "- ".repeat(5_000),
        "a: ".repeat(3),
    ] {
        let ran = fed(&deep);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{}", ran.err);
        assert!(
            ran.err.starts_with("Error: KTH0004 standard input:"),
            "{}",
            ran.err
        );
    }
    let wide: String = (0..20_000).map(|at| format!("k{at}: {at}\n")).collect();
    assert_eq!(fed(&wide).out, wide);
    let bomb = format!(
        "a0: &a0 [x]\n{}",
        (1..40)
            .map(|at| format!("a{at}: &a{at} [*a{0}, *a{0}, *a{0}, *a{0}]\n", at - 1))
            .collect::<String>()
    );
    assert_eq!(fed(&bomb).code, 1);
}

#[test]
fn other_documents_pass_whatever_they_are() {
    let others = "a: 1\n---\n- x\n---\njust text\n---\nkind: Prometheus\n---\napiVersion: example.com/v1\nkind: Prometheus\n---\napiVersion: monitoring.coreos.com/v1\nkind: Alertmanager\n";
    let ran = fed(others);
    assert_eq!((ran.code, ran.out.as_str()), (0, others));
    assert_eq!(
        ran.err,
        "\
Warning: KTH0017 standard input:1: neither apiVersion nor kind: this is no Kubernetes object
Warning: KTH0017 standard input:3: neither apiVersion nor kind: this is no Kubernetes object
Warning: KTH0017 standard input:5: neither apiVersion nor kind: this is no Kubernetes object
Warning: KTH0017 standard input:7: no apiVersion: this is no Kubernetes object
Note: no Prometheus, PrometheusAgent or ThanosRuler among 6 objects
"
    );
}

#[test]
fn wirings_that_are_wrong_say_where() {
    let folder = usual();
    let wired_by = |text: &str| {
        folder.write("wrong.yaml", text.as_bytes());
        let ran = folder.run("inject -f DIR/deploy --wiring DIR/wrong.yaml");
        assert_eq!(ran.out, "");
        (ran.code, ran.err)
    };
    let without_auth = WIRING.split("    auth:").next().unwrap();
    assert_eq!(
        wired_by(without_auth),
        (
            1,
            "Error: KTH2301 DIR/wrong.yaml:6:3: spec.remoteWrite.auth: is required\n".into()
        )
    );
    let misspelt = WIRING.replace("basicAuth", "basic_auth");
    assert_eq!(wired_by(&misspelt), (1, "Error: KTH2301 DIR/wrong.yaml:9:7: spec.remoteWrite.auth.basic_auth: is not a known field; a similar one is `basicAuth`\n".into()));
    let twice = format!("{WIRING}---\n{WIRING}");
    assert_eq!(wired_by(&twice), (1, "Error: KTH2301 DIR/wrong.yaml:16:12: metadata.name: there are two wirings of this name\n".into()));
    let several = WIRING
        .replace("edge-01", "-edge")
        .replace("https://receive", "ftp://me:c4n4ry-s3cr3t@receive");
    let (code, err) = wired_by(&several);
    assert_eq!((code, err.lines().count()), (1, 2), "{err}");
    assert!(!err.contains("c4n4ry"), "{err}");
    let kind = WIRING.replace("kind: ThanosWiring", "kind: ThanosWirring");
    assert!(
        wired_by(&kind)
            .1
            .starts_with("Error: KTH2301 DIR/wrong.yaml:2:1: kind: "),
        "{}",
        wired_by(&kind).1
    );
}

#[test]
fn facts_that_are_wrong_say_where() {
    let folder = usual();
    let known = |text: &str| {
        folder.write("wrong.yaml", text.as_bytes());
        let ran = folder.run("inject -f DIR/deploy --wiring DIR/hub.yaml --facts DIR/wrong.yaml");
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        ran.err
    };
    let mut said = String::new();
    for text in [
        FACTS.replace("namespaces:", "namespacs:"),
        FACTS.replace("{labels: {}}, team-a", "{label: {}}, team-a"),
        FACTS.replace("kind: Facts", "kind: Fact"),
        FACTS.replace("2026-11-24T00:00:00Z", "soon"),
        FACTS.replace("0.92.1", "newest"),
        FACTS.replace("[monitoring]", "monitoring"),
        FACTS.replace("[monitoring]", "[7]"),
        FACTS.replace("labels: {}", "labels: {a: 1}"),
        format!("{FACTS}crds: {{prometheus: ./crd.yaml}}\n"),
        format!("{FACTS}crds: {{prometheuses: ./hub.yaml}}\n"),
        format!("{FACTS}crds: {{prometheuses: ./none.yaml}}\n"),
        format!("{FACTS}---\n{FACTS}"),
        "- a\n".to_owned(),
        String::new(),
        "a: [\n".to_owned(),
    ] {
        said += &known(&text);
    }
    expect("facts-wrong.txt", &said);
}

#[test]
fn no_secret_is_ever_shown() {
    let folder = usual();
    let own = PROMETHEUS.replace("spec:\n", "spec:\n  remoteWrite:\n  - {name: mine, url: 'https://me:c4n4ry-s3cr3t@x/', bearerToken: c4n4ry-s3cr3t, headers: {X-Token: c4n4ry-s3cr3t}}\n");
    let conflict = PROMETHEUS.replace("spec:\n", "spec:\n  remoteWrite:\n  - {name: thanos, url: 'https://me:c4n4ry-s3cr3t@x/', bearerToken: c4n4ry-s3cr3t}\n");
    folder.write(
        "all.yaml",
        format!(
            "{SECRET}---\n{own}---\n{}",
            conflict.replace("k8s", "other")
        )
        .as_bytes(),
    );
    folder.write(
        "replace.yaml",
        WIRING
            .replace("credentials:", "  adopt: Replace\n  credentials:")
            .as_bytes(),
    );
    for wiring in ["hub.yaml", "replace.yaml"] {
        for verb in ["inject -o patch", "why", "why -o json", "diff"] {
            for flag in ["", "-v", "--color=always"] {
                let ran = folder.run(&format!(
                    "{verb} -f DIR/all.yaml --wiring DIR/{wiring} --facts DIR/facts.yaml {flag}"
                ));
                assert!(ran.code <= 3, "{verb} {wiring}\n{}", ran.err);
                assert!(
                    !ran.out.contains("c4n4ry") && !ran.err.contains("c4n4ry"),
                    "{verb} {wiring}\n{}\n{}",
                    ran.out,
                    ran.err
                );
            }
        }
        let ran = folder.run(&format!(
            "inject -f DIR/all.yaml --wiring DIR/{wiring} --report-file DIR/report.json -v"
        ));
        assert!(
            !ran.err.contains("c4n4ry") && !folder.read("report.json").contains("c4n4ry"),
            "{}",
            ran.err
        );
    }
}
