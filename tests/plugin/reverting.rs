//! `inject --revert` where there is nothing to take out, or nobody knows what.

use super::{Folder, PROMETHEUS, usual};

fn annotated(key: &str, value: &str) -> String {
    PROMETHEUS.replace(
        "metadata:\n",
        &format!("metadata:\n  annotations: {{kubectl-thanos.dev/{key}: '{value}'}}\n"),
    )
}

#[test]
fn an_unreadable_annotation_has_nothing_taken_out() {
    let wired = usual()
        .run("inject -f DIR/prometheus.yaml --wiring DIR/hub.yaml")
        .out;
    let (before, behind) = wired.split_once("kubectl-thanos.dev/wired: ").unwrap();
    let (_, behind) = behind.split_once('\n').unwrap();
    let garbled = format!("{before}kubectl-thanos.dev/wired: '{{\"v\":0}}'\n{behind}");
    let sentence = "KTH2206 the wired annotation is not readable: nothing was taken out; wire again, then revert\n";
    let folder = Folder::with(&[]);
    let ran = folder.pipe("inject -f - --revert", &garbled);
    assert_eq!((ran.code, ran.out.as_str()), (0, garbled.as_str()));
    assert_eq!(
        ran.err,
        format!("prometheus/monitoring/k8s  left  {sentence}")
    );
    let quiet = folder.pipe("inject -f - --revert -q", &garbled);
    let said = sentence.replace("KTH2206 ", "KTH2206 prometheus/monitoring/k8s: ");
    assert_eq!(quiet.err, format!("Warning: {said}"));
    let counted = folder.pipe("inject -f - --revert --fail-on warning", &garbled);
    assert_eq!(counted.code, 3);
    // As it says: wired again, it can be reverted.
    let again = usual().pipe("inject -f - --wiring DIR/hub.yaml", &garbled);
    let reverted = folder.pipe("inject -f - --revert", &again.out);
    assert!(reverted.err.contains("  un-wired  "), "{}", reverted.err);
    assert!(
        !reverted.out.contains("kubectl-thanos.dev"),
        "{}",
        reverted.out
    );
}

#[test]
fn an_object_that_is_not_wired_is_left_with_a_sentence_of_its_own() {
    let ran = usual().run("inject -f DIR/prometheus.yaml --revert");
    assert_eq!((ran.code, ran.out.as_str()), (0, PROMETHEUS));
    assert_eq!(
        ran.err,
        "prometheus/monitoring/k8s  left  KTH2021 not wired: nothing to take out\n"
    );
}

#[test]
fn a_touch_is_taken_off_with_its_code() {
    let ran = Folder::with(&[]).pipe("inject -f - --revert", &annotated("touch", "1"));
    assert_eq!(
        ran.err,
        "prometheus/monitoring/k8s  KTH2020 the touch annotation was taken off\n"
    );
    // Where nothing is written there is nothing to write the annotation anew for: it stays, and nothing is a touch.
    let opted_out = annotated("wired", "{}").replace(
        "metadata:\n",
        "metadata:\n  labels: {kubectl-thanos.dev/wire: disabled}\n",
    );
    let ran = usual().pipe("inject -f - --wiring DIR/hub.yaml", &opted_out);
    assert_eq!((ran.code, ran.out.as_str()), (0, opted_out.as_str()));
    assert!(
        ran.err.contains("k8s  left  KTH2007 ")
            && ran.err.contains("KTH2206 ")
            && ran.err.contains(": nothing was taken out")
            && !ran.err.contains("KTH2020"),
        "{}",
        ran.err
    );
}
