//! The post-renderer: what helm renders behind it is what `inject` gives, and what helm hides is in the report.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde_json::Value;
use thanos_tests::install::objects;

use super::{BOTH, Helm, Which};

const KNOWN: &str = "--wiring=DIR/hub.yaml --facts=DIR/facts.yaml";

/// Objects by kind and name.
fn by_name(stream: &str) -> Result<BTreeMap<String, Value>> {
    let named = |object: Value| {
        let name = format!("{}/{}", object["kind"], object["metadata"]["name"]);
        (name, object)
    };
    let objects = objects("helm", stream.to_owned())?;
    Ok(objects.into_iter().map(named).collect())
}

#[tokio::test]
async fn what_helm_renders_is_what_inject_gives() -> Result<()> {
    for which in BOTH {
        let helm = Helm::new(which).await?;
        let chart = "template r CHART --set elsewhere=true,hook=true";
        let plain = helm.run(chart).await?.fine()?;
        let flag = helm.post_renderer(&format!("{KNOWN} --report-file=DIR/report.json"));
        let rendered = helm.run(&format!("{chart} {flag}")).await?.fine()?;
        let line = format!("thanos inject -f - {}", KNOWN.replace('=', " "));
        let injected = helm.run_for(&line, &plain).await?.fine()?;
        ensure!(!rendered.contains("postrender-filename"), "{rendered}");
        let (mut expected, found) = (by_name(&injected)?, by_name(&rendered)?);
        ensure!(found.len() == 4, "{rendered}");
        let hook = "\"PrometheusAgent\"/\"hooked\"";
        ensure!(expected[hook]["spec"]["remoteWrite"][0]["name"] == "thanos");
        if which == Which::Three {
            // It sends no hooks.
            let alone = by_name(&plain)?.remove(hook);
            expected.insert(hook.to_owned(), alone.unwrap_or_default());
        }
        ensure!(found == expected, "{which:?}\n{rendered}\n{injected}");

        let report: Value = serde_json::from_str(&helm.read("report.json")?)?;
        ensure!(
            report["exitCode"] == 0 && report["error"].is_null(),
            "{report:#}"
        );
        let of = |name: &str| {
            let objects = report["objects"].as_array().into_iter().flatten();
            objects
                .clone()
                .find(|object| object["object"]["name"] == name)
                .cloned()
        };
        let wired = of("k8s").unwrap_or_default();
        ensure!(wired["result"] == "wired", "{report:#}");
        let left = of("own").unwrap_or_default();
        ensure!(
            left["result"] == "left" && left["code"] == "KTH2009",
            "{report:#}"
        );
        ensure!(
            of("hooked").is_some() == (which == Which::Four),
            "{report:#}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_helm_hides_is_in_the_report() -> Result<()> {
    for which in BOTH {
        let helm = Helm::new(which).await?;
        std::fs::write(helm.path("wrong.yaml"), "kind: [\n")?;
        for (values, arguments, code, sentence) in [
            (
                "elsewhere=true",
                KNOWN.to_owned(),
                0,
                "prometheus/team-a/own      left  KTH2009 namespace team-a is not enrolled",
            ),
            (
                "elsewhere=true",
                format!("{KNOWN} --fail-on=warning"),
                1,
                "Error: 1 object at or above warning (--fail-on)",
            ),
            (
                "hook=false",
                "--wiring=DIR/wrong.yaml".to_owned(),
                1,
                "Error: KTH0004 DIR/wrong.yaml:",
            ),
            (
                "hook=false",
                String::new(),
                1,
                "Error: KTH0003 no wiring is given",
            ),
            (
                "hook=false",
                "--wirng=x".to_owned(),
                1,
                "Error: KTH0002 unexpected argument '--wirng' found",
            ),
            (
                "hook=false",
                "-f - --wiring=DIR/hub.yaml".to_owned(),
                1,
                "Error: KTH0002 the argument '--post-render' cannot be used with '--filename <PATH>'",
            ),
            (
                "hook=false",
                "--live".to_owned(),
                1,
                "Error: KTH0020 --live asks a cluster, and helm does not tell its post-renderer which one",
            ),
            (
                "namespace=",
                KNOWN.to_owned(),
                1,
                "Error: KTH0020 prometheus/k8s names no namespace, and helm does not tell its post-renderer that of the release",
            ),
            (
                "namespace=",
                format!("{KNOWN} --namespace=monitoring"),
                0,
                "prometheus/monitoring/k8s  wired",
            ),
        ] {
            let _ = std::fs::remove_file(helm.path("report.txt"));
            let flag = helm.post_renderer(&format!("{arguments} --report-file=DIR/report.txt"));
            let ran = helm
                .run(&format!("template r CHART --set {values} {flag}"))
                .await?;
            ensure!(ran.code == Some(code), "{which:?} {arguments}\n{ran:#?}");
            let report = helm
                .read("report.txt")?
                .replace(&*helm.path("").to_string_lossy(), "DIR/");
            ensure!(report.contains(sentence), "{which:?} {arguments}\n{report}");
            // What each helm shows of it; a newer one may show more, and docs/helm.md then says too little.
            let shows = which == Which::Three && code != 0;
            ensure!(
                ran.stderr.contains(sentence) == shows,
                "{which:?} {arguments}\n{ran:#?}"
            );
        }
    }
    Ok(())
}

/// The report of a failure is one JSON document, too.
#[tokio::test]
async fn programs_read_why_it_failed() -> Result<()> {
    let helm = Helm::new(Which::Four).await?;
    for (arguments, exit, code, cause) in [
        ("--wiring=DIR/none.yaml", 1, "KTH0005", "No such file"),
        ("--wirng=DIR/hub.yaml", 2, "KTH0002", ""),
    ] {
        let _ = std::fs::remove_file(helm.path("report.json"));
        let flag = helm.post_renderer(&format!("{arguments} --report-file=DIR/report.json"));
        let ran = helm.run(&format!("template r CHART {flag}")).await?;
        ensure!(ran.code == Some(1), "{ran:#?}");
        let report: Value = serde_json::from_str(&helm.read("report.json")?)?;
        ensure!(
            report["kind"] == "InjectReport"
                && report["exitCode"] == exit
                && report["error"]["code"] == code
                && report["objects"] == serde_json::json!([]),
            "{report:#}"
        );
        let causes = report["error"]["causes"].to_string();
        ensure!(causes.contains(cause), "{report:#}");
    }
    Ok(())
}

/// For helm, no output is a failure.
#[tokio::test]
async fn a_chart_that_renders_nothing_is_no_failure() -> Result<()> {
    for which in BOTH {
        let helm = Helm::new(which).await?;
        let flag = helm.post_renderer("--wiring=DIR/hub.yaml");
        let line = format!("template r CHART --set prometheus=false {flag}");
        let ran = helm.run(&line).await?.fine()?;
        ensure!(by_name(&ran)?.is_empty(), "{which:?} {ran}");
    }
    Ok(())
}
