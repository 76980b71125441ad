//! How long one decision takes, with its patch: on a default kube-prometheus-stack object, fresh and wired already.

use std::hint::black_box;
use std::sync::Arc;

use criterion::Criterion;
use serde_json::Value;
use thanos_core::facts::Credential;
use thanos_core::fields::Served;
use thanos_core::{Facts, Kind, Rules, Subject, decide, versions, wiring};
use thanos_tests::install::objects;
use thanos_tests::tools::root;

fn read(name: &str) -> Value {
    let path = root().join("tests/cases/a-default-kube-prometheus-stack").join(name);
    let text = std::fs::read_to_string(path).expect("the story is there");
    objects(name, text).expect("the story is readable").remove(0)
}

fn main() {
    let wiring = Arc::new(wiring::read(&read("wiring.yaml")).expect("the wiring is right"));
    let facts = Facts {
        now: jiff::Timestamp::UNIX_EPOCH,
        namespace: Some(Arc::default()),
        credentials: [(Arc::clone(&wiring.name), Credential::Ready)].into(),
        operator: versions::parse("0.92.1"),
        served: Arc::new(Served::newest(Kind::Prometheus)),
    };
    let rules = Rules::new([wiring]);
    let patch = |object: &Value| {
        let subject = Subject::read(object, None, "monitoring").expect("it is a Prometheus");
        serde_json::to_vec(decide(&subject, &facts, &rules).edits()).expect("a patch is JSON")
    };
    let (fresh, wired) = (read("given.yaml"), read("then.yaml"));
    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("decide and patch, fresh", |bencher| bencher.iter(|| patch(black_box(&fresh))));
    criterion.bench_function("decide and patch, wired already", |bencher| bencher.iter(|| patch(black_box(&wired))));
    criterion.final_summary();
}
