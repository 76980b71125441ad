//! Every part of a rendered release as a local process of the real Thanos, with the arguments and the files that its pod
//! would get; samples flow from the router to an answer of Query Frontend.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use thanos_tests::http::Http;
use thanos_tests::port::Port;
use thanos_tests::promql::{self, Sample};
use thanos_tests::{Process, Program, Run, eventually, tools};

use super::{named, owners, render};

const START: Duration = Duration::from_secs(120);
pub(super) const SOON: Duration = Duration::from_secs(60);

/// What a pod listens on, here on loopback.
struct Ports {
    http: Port,
    grpc: Port,
    write: Port,
    capnproto: Port,
}

/// One pod, as a process.
struct Pod {
    process: Process,
    http: Http,
}

/// A release that runs.
pub(super) struct Hub {
    pods: BTreeMap<String, Pod>,
    ports: BTreeMap<String, Ports>,
    run: Run,
}

/// What a release is called in DNS.
const DOMAIN: &str = "hub.svc.cluster.local";

impl Hub {
    /// Starts the pods of these parts (all of them where none is named), and waits until each is ready.
    pub(super) async fn start(run: &Run, values: &[&str], only: &[&str]) -> Result<Self> {
        let objects = render(run, values).await?;
        let mut all: Vec<(String, &Value)> = Vec::new();
        for owner in owners(&objects) {
            let name = owner["metadata"]["name"].as_str().context("a name")?;
            if owner["kind"] == "Deployment" {
                all.push((name.to_owned(), owner));
                continue;
            }
            for ordinal in 0..owner["spec"]["replicas"].as_u64().context("replicas")? {
                all.push((format!("{name}-{ordinal}"), owner));
            }
        }
        let mut ports = BTreeMap::new();
        for (name, _) in &all {
            let (http, grpc) = (Port::take()?, Port::take()?);
            let (write, capnproto) = (Port::take()?, Port::take()?);
            ports.insert(
                name.clone(),
                Ports {
                    http,
                    grpc,
                    write,
                    capnproto,
                },
            );
        }
        let mut hub = Self {
            pods: BTreeMap::new(),
            ports,
            run: run.clone(),
        };
        hub.write_files(&objects)?;
        for (name, owner) in all {
            let part = owner["metadata"]["labels"]["app.kubernetes.io/component"].as_str();
            if !only.is_empty() && !only.contains(&part.context("a part")?) {
                continue;
            }
            let process = hub.launch(&name, owner)?;
            let address = hub.ports[&name].http.address();
            let http = Http::new(&format!("http://{address}"))?;
            hub.pods.insert(name, Pod { process, http });
        }
        for pod in hub.pods.values() {
            let ready = || async { pod.http.get("/-/ready").await?.fine().map(drop) };
            pod.process.ready(START, ready).await?;
        }
        Ok(hub)
    }

    /// The files of the ConfigMaps, and a bucket in a folder in place of Azure's.
    fn write_files(&self, objects: &[Value]) -> Result<()> {
        for (map, folder) in [
            ("hub-thanos-receive", "receive"),
            ("hub-thanos-rules", "rules"),
        ] {
            let map = &named(objects, "ConfigMap", map)?["data"];
            for (name, text) in map.as_object().into_iter().flatten() {
                let text = self.on_loopback(text.as_str().context("a file")?)?;
                self.run.file(&format!("etc/{folder}/{name}"), text)?;
            }
        }
        let bucket = format!(
            "type: FILESYSTEM\nconfig: {{directory: {}}}\n",
            self.run.data("bucket")?.display()
        );
        self.run.file("etc/objstore/objstore.yml", bucket)?;
        Ok(())
    }

    /// A text in which every name of the cluster's DNS became an address of loopback: of one pod, or of all of a part.
    fn on_loopback(&self, text: &str) -> Result<String> {
        let mut lines = Vec::new();
        for line in text.lines() {
            let mut line = line.to_owned();
            for (pod, ports) in &self.ports {
                let part = pod.trim_end_matches(|letter: char| letter.is_ascii_digit());
                let part = part.trim_end_matches('-');
                let own = format!("{pod}.{part}.{DOMAIN}:10901");
                line = line.replace(&own, &ports.grpc.address().to_string());
                let host = format!("{part}.{DOMAIN}");
                let http = ports.http.address().to_string();
                line = line.replace(&format!("dnssrv+_http._tcp.{host}"), &http);
                line = line.replace(&format!("{host}:10902"), &http);
                line = line.replace(&format!("{host}:19291"), &ports.write.address().to_string());
            }
            // A record that names several pods.
            let Some((before, host)) = line.split_once("dnssrv+_grpc._tcp.") else {
                lines.push(line);
                continue;
            };
            let part = host
                .strip_suffix(&format!(".{DOMAIN}"))
                .context("a Service of this release")?;
            let members = self
                .ports
                .iter()
                .filter(|(pod, _)| pod.starts_with(&format!("{part}-")));
            lines.extend(members.map(|(_, ports)| format!("{before}{}", ports.grpc.address())));
        }
        let text = lines.join("\n");
        for forgotten in ["svc.cluster.local", "dnssrv+"] {
            ensure!(!text.contains(forgotten), "{forgotten} is left in\n{text}");
        }
        Ok(text)
    }

    /// The process of a pod: the arguments of its container, with ports and folders of this machine.
    fn launch(&self, name: &str, owner: &Value) -> Result<Process> {
        let container = &owner["spec"]["template"]["spec"]["containers"][0];
        let ports = &self.ports[name];
        let etc = self.run.folder().join("etc").display().to_string();
        let data = self.run.data(name)?.display().to_string();
        let mut program = Program::tool("thanos")?.named(name);
        let arguments = container["args"].as_array().context("arguments")?;
        for argument in arguments {
            let argument = argument.as_str().context("an argument")?;
            let argument = argument.replace("$(POD_NAME)", name);
            // The first line of a file that is given as an argument has the flag before it.
            let argument = self.on_loopback(&argument)?;
            let argument = argument
                .replace("0.0.0.0:10902", &ports.http.address().to_string())
                .replace("0.0.0.0:10901", &ports.grpc.address().to_string())
                .replace("0.0.0.0:19291", &ports.write.address().to_string())
                .replace("127.0.0.1:19291", &ports.write.address().to_string())
                .replace("=/data", &format!("={data}"))
                .replace("/etc/thanos", &etc);
            for forgotten in ["0.0.0.0", "$("] {
                ensure!(!argument.contains(forgotten), "{name}: {argument}");
            }
            program = program.arg(argument);
        }
        if arguments[0] == "receive" {
            let address = ports.capnproto.address();
            program = program.arg(format!("--receive.capnproto-address={address}"));
        }
        program.start(&self.run)
    }

    /// Where the router takes writes.
    pub(super) fn router(&self) -> SocketAddr {
        self.ports["hub-thanos-receive-router"].write.address()
    }

    /// Where Query Frontend answers.
    pub(super) fn frontend(&self) -> SocketAddr {
        self.ports["hub-thanos-query-frontend"].http.address()
    }

    /// Writes metrics in Prometheus' own text as a tenant, by the real promtool.
    async fn push(&self, tenant: &str, metrics: &str) -> Result<()> {
        let router = self.router();
        let promtool = Program::tool("promtool")?
            .args(["push", "metrics", "--remote-write.path=/api/v1/receive"])
            .arg(format!("--header=THANOS-TENANT={tenant}"))
            .arg(format!("http://{router}"));
        let pushed = promtool.output_for(metrics.as_bytes()).await?;
        pushed.fine().map(drop)
    }

    /// Asks Query Frontend, or Query where there is none.
    async fn ask(&self, query: &str) -> Result<Vec<Sample>> {
        let name = ["hub-thanos-query-frontend", "hub-thanos-query"];
        let pod = name.iter().find_map(|name| self.pods.get(*name));
        promql::query(&pod.context("somebody to ask")?.http, query).await
    }

    /// Waits for one series, and gives it.
    async fn one(&self, query: &str) -> Result<Sample> {
        let found = std::cell::RefCell::new(None);
        eventually(query, SOON, || async {
            let mut samples = self.ask(query).await?;
            ensure!(samples.len() == 1, "{samples:?}");
            *found.borrow_mut() = samples.pop();
            Ok(())
        })
        .await?;
        found.into_inner().context("a series")
    }
}

/// Rules that are evaluated at once: a recorded series, and an alert that fires.
const RULES: &str = "ruler.rules.tests\\.yaml=groups: [{name: tests\\, interval: 1s\\, rules: [{record: 'tests:arrived'\\, \
                     expr: 'sum(arrived)'}\\, {alert: Arrived\\, expr: 'arrived > 0'}]}]";

#[tokio::test]
async fn samples_flow_through_every_part() -> Result<()> {
    let run = Run::new("hub-flow")?;
    let values = [
        RULES,
        "store.replicas=1",
        "ruler.replicas=1",
        "ruler.evaluationInterval=1s",
        "ruler.alertmanagers[0]=http://127.0.0.1:9",
        "receive.ingester.labels.receive_zone=west",
        "receive.limits.write.tenants.small.request.samples_limit=1",
    ];
    let mut hub = Hub::start(&run, &values, &[]).await?;
    ensure!(hub.pods.len() == 9, "{:?}", hub.pods.keys());
    // The ring is ready a moment after the router.
    let sent = "arrived{prometheus_replica=\"a\"} 7\narrived{prometheus_replica=\"b\"} 7\n";
    eventually("a write", SOON, || hub.push("edge-01", sent)).await?;

    // Three ingesters hold it for two replicas: one answer, with the tenant and the labels of the ingesters.
    let arrived = hub.one("arrived").await?;
    assert_eq!(arrived.label("tenant_id"), "edge-01");
    assert_eq!(arrived.label("receive_zone"), "west");
    for gone in ["receive_replica", "prometheus_replica"] {
        assert_eq!(arrived.label(gone), "", "{gone}: {arrived:?}");
    }
    assert!((arrived.value - 7.0).abs() < f64::EPSILON);
    let recorded = hub.one("tests:arrived").await?;
    assert_eq!(recorded.label("rule_replica"), "", "{recorded:?}");

    // The limits file is the one that was asked for.
    let small = hub.push("small", "one 1\ntwo 2\n").await;
    ensure!(format!("{small:?}").contains("413"), "{small:?}");
    hub.push("small", "one 1\n").await?;

    every_metric_of_the_alerts_is_shown(&hub).await?;

    // One ingester of three may be away.
    let away = hub.pods.remove("hub-thanos-receive-ingester-2");
    let away = away.context("an ingester")?;
    away.process.stop(SOON).await?;
    hub.push("edge-02", "later 1\n").await?;
    hub.one("later").await?;
    // It wrote and uploaded its block before it ended: under its own name, so that the compactor knows the copies.
    let blocks = std::fs::read_dir(run.data("bucket")?)?.filter_map(|entry| {
        let meta = entry.ok()?.path().join("meta.json");
        std::fs::read_to_string(meta).ok()
    });
    let blocks: Vec<String> = blocks.collect();
    let own = "\"receive_replica\": \"hub-thanos-receive-ingester-2\"";
    ensure!(blocks.iter().any(|block| block.contains(own)), "{blocks:?}");
    Ok(())
}

#[tokio::test]
async fn a_stateless_ruler_sends_what_it_records_to_receive() -> Result<()> {
    let run = Run::new("hub-stateless")?;
    let values = [
        RULES,
        "ruler.stateless=true",
        "ruler.tenant=records",
        "ruler.replicas=2",
        "ruler.evaluationInterval=1s",
        "receive.ingester.replicas=1",
        "receive.ingester.replicationFactor=1",
        "store.replicas=1",
    ];
    let parts = ["receive-router", "receive-ingester", "query", "ruler"];
    let hub = Hub::start(&run, &values, &parts).await?;
    eventually("a write", SOON, || hub.push("edge-01", "arrived 7\n")).await?;
    let recorded = hub.one("tests:arrived").await?;
    assert_eq!(recorded.label("tenant_id"), "records");
    assert_eq!(recorded.label("rule_replica"), "");
    Ok(())
}

#[tokio::test]
async fn an_argument_that_thanos_does_not_know_is_seen() -> Result<()> {
    let run = Run::new("hub-wrong")?;
    let wrong = ["query.extraArgs[0]=--query.no-such-flag"];
    let Err(error) = Hub::start(&run, &wrong, &["query"]).await else {
        bail!("Thanos takes a flag that there is not");
    };
    let said = format!("{error:?}");
    ensure!(
        said.contains("unknown long flag '--query.no-such-flag'"),
        "{said}"
    );
    Ok(())
}

/// The metrics of the alerts, at the parts that the alerts name.
async fn every_metric_of_the_alerts_is_shown(hub: &Hub) -> Result<()> {
    let mut pages = String::new();
    for (name, pod) in &hub.pods {
        let page = pod.http.get("/metrics").await?.fine()?;
        let part = name.trim_start_matches("hub-thanos-");
        let part = part.trim_end_matches(|letter: char| letter.is_ascii_digit());
        let part = part.trim_end_matches('-');
        for line in page.lines().filter(|line| !line.starts_with('#')) {
            let at = line.find(['{', ' ']).unwrap_or(line.len());
            pages.push_str(&format!("{}@{part} {}\n", &line[..at], &line[at..]));
        }
    }
    let alerts = std::fs::read_to_string(tools::root().join("charts/thanos/alerts.yaml"))?;
    let mut missing = Vec::new();
    for selector in alerts
        .split("{job=\"thanos\"")
        .collect::<Vec<_>>()
        .windows(2)
    {
        let name =
            selector[0].rsplit(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let name = name.into_iter().next().context("a metric")?;
        let matchers = selector[1].split('}').next().unwrap_or_default();
        let part = matchers
            .split("component=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let handler = matchers
            .split("handler=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        let shown = pages.lines().any(|line| {
            let own = line.split(' ').next().unwrap_or_default();
            let (metric, of) = own.split_once('@').unwrap_or_default();
            let answers =
                handler.is_none_or(|handler| line.contains(&format!("handler=\"{handler}\"")));
            metric == name && part.is_none_or(|part| part == of) && answers
        });
        if name != "up" && !shown {
            missing.push(format!("{name}{{{matchers}}}"));
        }
    }
    ensure!(missing.is_empty(), "no part shows {missing:#?}");
    Ok(())
}
