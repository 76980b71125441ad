//! `inject`: what comes out, what is said, what is written.

use serde_json::Value;

use super::{ELSEWHERE, FACTS, Folder, PROMETHEUS, SECRET, WIRING, expect, usual};

#[test]
fn an_object_is_wired_and_every_other_byte_stays() {
    let folder = usual();
    let ran = folder.run("inject -f DIR/deploy --wiring DIR/hub.yaml --facts DIR/facts.yaml");
    assert_eq!(ran.code, 0);
    expect("inject-out.yaml", &ran.out);
    expect("inject-err.txt", &ran.err);
    assert!(ran.out.starts_with(SECRET));
    assert!(ran.out.ends_with(ELSEWHERE));
}

#[test]
fn without_facts_the_report_says_what_was_assumed() {
    let ran = usual().run("inject -f DIR/prometheus.yaml --wiring DIR/hub.yaml");
    assert_eq!(ran.code, 0);
    assert_eq!(ran.err, "\
prometheus/monitoring/k8s  wired  (+externalLabels.cluster +remoteWrite[thanos])
Note: KTH0009 assumed: namespaces have no labels; the credential is in every enrolled namespace; the newest CRDs; --facts or --live makes sure
");
}

#[test]
fn wired_twice_is_wired_once_and_reverted_is_as_it_was() {
    let folder = usual();
    let flags = "--wiring DIR/hub.yaml --facts DIR/facts.yaml";
    let once = folder.run(&format!("inject -f DIR/prometheus.yaml {flags}"));
    let twice = folder.pipe(&format!("inject -f - {flags}"), &once.out);
    assert_eq!(once.out, twice.out);
    assert_eq!(twice.err, "prometheus/monitoring/k8s  wired  (already)\n");
    let back = folder.pipe("inject -f - --revert", &once.out);
    assert_eq!(back.out, PROMETHEUS);
    assert!(
        back.err.contains("un-wired") && back.err.contains("-remoteWrite[thanos]"),
        "{}",
        back.err
    );
}

#[test]
fn items_of_a_list_are_wired_inside_it() {
    let items: String = [SECRET, PROMETHEUS, ELSEWHERE]
        .iter()
        .map(|text| format!("- {}\n", text.trim_end().replace('\n', "\n  ")))
        .collect();
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{items}");
    let folder = usual();
    let ran = folder.pipe(
        "inject -f - --wiring DIR/hub.yaml --facts DIR/facts.yaml",
        &list,
    );
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err.contains("1 other object passed through unchanged"),
        "{}",
        ran.err
    );
    let wired = objects(&ran.out);
    assert_eq!(
        wired[0]["items"][1]["spec"]["remoteWrite"][0]["name"],
        "thanos"
    );
    assert_eq!(wired[0]["items"][0], objects(SECRET)[0]);
    assert!(ran.out.contains("# the first") && ran.out.contains("# do not show"));
}

#[test]
fn nothing_in_is_nothing_out() {
    let folder = usual();
    for (text, said) in [
        ("", "standard input is empty"),
        ("\n", "standard input holds no object"),
        ("# nothing\n", "standard input holds no object"),
        ("---\n---\n", "standard input holds no object"),
    ] {
        let ran = folder.pipe("inject -f - --wiring DIR/hub.yaml", text);
        let said = format!("Note: {said}\n");
        assert_eq!(
            (ran.code, ran.out.as_str(), ran.err),
            (0, text, said.clone())
        );
        folder.write("named.yaml", text.as_bytes());
        let ran =
            folder.run("inject -f DIR/named.yaml -f DIR/prometheus.yaml --wiring DIR/hub.yaml");
        assert!(
            ran.code == 0
                && ran
                    .err
                    .starts_with("Note: DIR/named.yaml holds no object\n"),
            "{}",
            ran.err
        );
    }
    let one = folder.pipe("inject -f - --wiring DIR/hub.yaml", SECRET);
    assert_eq!(
        (one.code, one.out.as_str(), one.err.as_str()),
        (
            0,
            SECRET,
            "Note: no Prometheus, PrometheusAgent or ThanosRuler among 1 object\n"
        )
    );
    let json: Value = serde_json::from_str(
        &folder
            .pipe("inject -f - --wiring DIR/hub.yaml -o json", "")
            .out,
    )
    .unwrap();
    assert_eq!(json["items"], Value::Array(Vec::new()));
}

#[test]
fn json_and_patch_are_one_document_each() {
    let folder = usual();
    let flags = "--wiring DIR/hub.yaml --facts DIR/facts.yaml";
    let one: Value = serde_json::from_str(
        &folder
            .run(&format!("inject -f DIR/prometheus.yaml {flags} -o json"))
            .out,
    )
    .unwrap();
    assert_eq!(one["kind"], "Prometheus");
    let many: Value = serde_json::from_str(
        &folder
            .run(&format!("inject -f DIR/deploy {flags} -o json"))
            .out,
    )
    .unwrap();
    assert_eq!(
        (
            many["kind"].as_str(),
            many["items"].as_array().map(Vec::len)
        ),
        (Some("List"), Some(3))
    );
    assert_eq!(many["items"][1], one);
    let patch: Value = serde_json::from_str(
        &folder
            .run(&format!("inject -f DIR/deploy {flags} -o patch"))
            .out,
    )
    .unwrap();
    assert_eq!(patch.as_array().map(Vec::len), Some(1));
    assert_eq!(patch[0]["object"]["name"], "k8s");
    let mut patched = objects(PROMETHEUS).remove(0);
    json_patch::patch(
        &mut patched,
        &serde_json::from_value::<json_patch::Patch>(patch[0]["patch"].clone()).unwrap(),
    )
    .unwrap();
    assert_eq!(patched, one);
}

#[test]
fn files_are_written_in_place() {
    let folder = usual();
    let printed = folder
        .run("inject -f DIR/prometheus.yaml --wiring DIR/hub.yaml")
        .out;
    let ran =
        folder.run("inject -f DIR/deploy -f DIR/prometheus.yaml --wiring DIR/hub.yaml --in-place");
    assert_eq!((ran.code, ran.out.as_str()), (0, ""), "{}", ran.err);
    assert_eq!(folder.read("prometheus.yaml"), printed);
    assert_eq!(
        folder.read("deploy/one.yaml"),
        format!("{SECRET}---\n{printed}")
    );
    assert_eq!(folder.read("deploy/two.yaml"), ELSEWHERE);
    let count = std::fs::read_dir(folder.path("deploy")).unwrap().count();
    assert_eq!(count, 2, "no temporary file stays");
    assert_eq!(
        folder
            .run("inject -f DIR/prometheus.yaml --revert --in-place")
            .code,
        0
    );
    assert_eq!(folder.read("prometheus.yaml"), PROMETHEUS);
}

#[test]
fn in_place_is_all_or_nothing() {
    let folder = usual();
    let refused = folder.pipe("inject -f - --wiring DIR/hub.yaml --in-place", PROMETHEUS);
    assert_eq!((refused.code, refused.out.as_str()), (2, ""));
    folder.write("deploy/three.yaml", b"a: [");
    let ran = folder.run("inject -f DIR/deploy --wiring DIR/hub.yaml --in-place");
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.starts_with("Error: KTH0004 DIR/deploy/three.yaml:"),
        "{}",
        ran.err
    );
    assert_eq!(
        folder.read("deploy/one.yaml"),
        format!("{SECRET}---\n{PROMETHEUS}")
    );
    folder.write("deploy/three.yaml", PROMETHEUS.as_bytes());
    let mut permissions = folder
        .path("deploy/three.yaml")
        .metadata()
        .unwrap()
        .permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(folder.path("deploy/three.yaml"), permissions).unwrap();
    let ran = folder.run("inject -f DIR/deploy --wiring DIR/hub.yaml --in-place");
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (
            1,
            "Error: KTH0006 cannot write DIR/deploy/three.yaml\nCaused by: it is read-only\n"
        )
    );
    assert_eq!(
        folder.read("deploy/one.yaml"),
        format!("{SECRET}---\n{PROMETHEUS}")
    );
}

#[test]
fn the_report_is_data_too() {
    let folder = usual();
    let ran = folder.run("inject -f DIR/deploy --wiring DIR/hub.yaml --facts DIR/facts.yaml --report-file DIR/report.json");
    assert_eq!(ran.code, 0);
    let report = folder
        .read("report.json")
        .replace(&folder.path("").to_string_lossy().into_owned(), "DIR/");
    expect("report.json", &report);
    let unwritable =
        folder.run("inject -f DIR/deploy --wiring DIR/hub.yaml --report-file DIR/no/report.json");
    assert_eq!(unwritable.code, 1);
    assert!(unwritable.err.contains("KTH0006"), "{}", unwritable.err);
}

#[test]
fn what_was_opted_out_or_is_strange_is_left_and_said() {
    let folder = usual();
    let ran = |text: &str| {
        folder.pipe(
            "inject -f - --wiring DIR/hub.yaml --facts DIR/facts.yaml",
            text,
        )
    };
    let opted_out = PROMETHEUS.replace(
        "metadata:\n",
        "metadata:\n  labels: {kubectl-thanos.dev/wire: disabled}\n",
    );
    assert!(
        ran(&opted_out)
            .err
            .contains("left  KTH2007 opted out by its label"),
        "{}",
        ran(&opted_out).err
    );
    for strange in [
        "metadata: null",
        "metadata: {labels: [1]}",
        "metadata: {name: x}\nspec: 3",
        "metadata: {name: x}\nspec: {remoteWrite: {}}",
        "metadata: {name: x}\nspec: {remoteWrite: [1]}",
        "metadata: {name: 7}\nspec: {externalLabels: 1}",
    ] {
        let text = format!("apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\n{strange}\n");
        let ran = ran(&text);
        assert_eq!((ran.code, ran.out.as_str()), (0, text.as_str()));
        assert!(ran.err.contains("left  KTH2"), "{}", ran.err);
    }
    let hostile = PROMETHEUS.replace("k8s # the first", "\"x\\n\\e[2Jprometheus/a/b  wired\"");
    let err = ran(&hostile).err;
    assert_eq!(err.lines().count(), 1, "{err}");
    assert!(!err.contains('\u{1b}'), "{err:?}");
}

#[test]
fn a_document_in_flow_style_says_that_comments_were_lost() {
    let folder = Folder::with(&[("hub.yaml", WIRING), ("facts.yaml", FACTS)]);
    let flow = "# mine\n{apiVersion: monitoring.coreos.com/v1, kind: Prometheus, metadata: {name: k8s, namespace: monitoring}, # here\n  spec: {version: v3.5.0, serviceMonitorSelector: {}}}\n";
    let ran = folder.pipe(
        "inject -f - --wiring DIR/hub.yaml --facts DIR/facts.yaml",
        flow,
    );
    assert!(ran.err.contains("KTH0008"), "{}", ran.err);
    assert_eq!(
        objects(&ran.out)[0]["spec"]["remoteWrite"][0]["name"],
        "thanos"
    );
}

fn objects(text: &str) -> Vec<Value> {
    thanos_tests::install::objects("text", text.to_owned()).unwrap()
}
