//! The rendered gateway objects in the real Envoy Gateway: who gets in, by which door, and as whom.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::extract::Request;
use hyper::Method;
use serde_json::{Value, json};
use thanos_tests::certificates::Authority;
use thanos_tests::gateway::{Standalone, htpasswd, on_this_host, secret};
use thanos_tests::http::{Answer, Http};
use thanos_tests::port::Port;
use thanos_tests::{Run, eventually, promql};

use super::flow::{Hub, SOON};
use super::render;

const WRITE: &str = "receive.example.test";
const READ: &str = "query.example.test";
const RECEIVE: &str = "/api/v1/receive";
/// Of edge-01 on the write door, and of grafana on the read door.
const PASSWORD: &str = "a password of edge-01";
const OTHER: &str = "a password of grafana";

/// Envoy before two backends, as the chart says.
struct Doors {
    gateway: Standalone,
    port: Port,
    authority: Authority,
}

/// Kinds that Envoy Gateway reads.
const KINDS: [&str; 7] = [
    "GatewayClass",
    "Gateway",
    "HTTPRoute",
    "SecurityPolicy",
    "BackendTrafficPolicy",
    "ClientTrafficPolicy",
    "EnvoyProxy",
];

impl Doors {
    /// What is rendered, with addresses of this machine in place of Services, and a process in place of Envoy's pods.
    async fn open(run: &Run, write: SocketAddr, read: SocketAddr) -> Result<Self> {
        let port = Port::take()?;
        let https = format!("gateway.ports.https={}", port.number());
        let mut objects = render(run, &[&https]).await?;
        objects.retain(|object| KINDS.iter().any(|kind| object["kind"] == **kind));
        ensure!(objects.len() == 10, "{} objects", objects.len());
        for object in &mut objects {
            if object["kind"] == "EnvoyProxy" {
                object["spec"] = on_this_host();
            }
            if object["kind"] == "HTTPRoute" {
                let backend = object["spec"]["rules"][0]["backendRefs"][0]["name"].clone();
                object["spec"]["rules"][0]["backendRefs"] =
                    json!([{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": backend}]);
            }
        }
        let backend = |name: &str, address: SocketAddr| {
            json!({
                "apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "Backend",
                "metadata": {"name": name, "namespace": "hub"},
                "spec": {"endpoints": [{"ip": {"address": address.ip().to_string(), "port": address.port()}}]},
            })
        };
        let authority = Authority::new("hub")?;
        let pair = authority.server(&[WRITE, READ])?;
        let pair = [
            ("tls.crt", pair.certificate.as_str()),
            ("tls.key", &pair.key),
        ];
        let users = |name: &str, user, password| {
            let lines = htpasswd(&[(user, password)]);
            secret("hub", name, "Opaque", &[(".htpasswd", &lines)])
        };
        objects.extend([
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "hub"}}),
            backend("hub-thanos-receive-router", write),
            backend("hub-thanos-query-frontend", read),
            secret("hub", "wildcard", "kubernetes.io/tls", &pair),
            users("hub-thanos-write-users", "edge-01", PASSWORD),
            users("hub-thanos-read-users", "grafana", OTHER),
        ]);
        let gateway = Standalone::start(run, &objects).await?;
        let doors = Self {
            gateway,
            port,
            authority,
        };
        let stranger = [doors.at(WRITE, None)?, doors.at(READ, None)?];
        let refused = || async {
            let write = stranger[0].post(RECEIVE, "text/plain", [0u8]).await?;
            let read = stranger[1].get("/api/v1/query?query=up").await?;
            let both = (write.status.as_u16(), read.status.as_u16());
            ensure!(both == (401, 401), "{both:?}");
            Ok(())
        };
        doors.gateway.ready(refused).await?;
        Ok(doors)
    }

    fn at(&self, host: &str, user: Option<(&str, &str)>) -> Result<Http> {
        let url = format!("https://{}", self.port.address());
        Http::named(&url, host, self.authority.pem(), user)
    }
}

/// Answers what it was asked: method, path, each header by name with all its values, and the length of the body.
async fn echo() -> Result<SocketAddr> {
    let router = Router::new().fallback(async |request: Request| {
        let mut headers = serde_json::Map::new();
        for (name, value) in request.headers() {
            let values = headers.entry(name.as_str()).or_insert(json!([]));
            if let Some(values) = values.as_array_mut() {
                values.push(String::from_utf8_lossy(value.as_bytes()).into());
            }
        }
        let (method, path) = (
            request.method().to_string(),
            request.uri().path().to_owned(),
        );
        let body = axum::body::to_bytes(request.into_body(), usize::MAX).await;
        let length = body.map_or(0, |body| body.len());
        json!({"method": method, "path": path, "headers": headers, "length": length}).to_string()
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

fn echoed(answer: Answer) -> Result<Value> {
    serde_json::from_str(&answer.fine()?).context("an echo")
}

#[tokio::test]
async fn each_door_opens_for_its_own_users_alone() -> Result<()> {
    let run = Run::new("hub-doors")?;
    let echo = echo().await?;
    let doors = Doors::open(&run, echo, echo).await?;
    let (edge, grafana) = (Some(("edge-01", PASSWORD)), Some(("grafana", OTHER)));
    let status = async |host: &str, user, method: Method, path: &str, body: usize| {
        let http = doors.at(host, user)?;
        let answer = http.send(method, path, &[], vec![0; body]).await?;
        anyhow::Ok(answer.status.as_u16())
    };

    let asked = [
        (WRITE, edge, Method::POST, RECEIVE, 200),
        (WRITE, Some(("edge-01", OTHER)), Method::POST, RECEIVE, 401),
        // One door's password is nothing at the other.
        (WRITE, grafana, Method::POST, RECEIVE, 401),
        (READ, edge, Method::GET, "/api/v1/query", 401),
        (READ, grafana, Method::GET, "/api/v1/query", 200),
        (READ, grafana, Method::POST, "/api/v1/query", 200),
        (READ, grafana, Method::DELETE, "/api/v1/query", 404),
        // Writing is all that the write door is for.
        (WRITE, edge, Method::GET, RECEIVE, 404),
        (WRITE, edge, Method::POST, "/api/v1/otlp", 404),
        (WRITE, edge, Method::POST, "/api/v1/receive/more", 404),
        (WRITE, edge, Method::GET, "/api/v1/query", 404),
        (WRITE, grafana, Method::GET, "/api/v1/query", 404),
        // What Query Frontend shows beside its answers.
        (READ, grafana, Method::GET, "/metrics", 404),
        (READ, grafana, Method::GET, "/debug/pprof/", 404),
        (READ, grafana, Method::GET, "/api/v1/../../metrics", 404),
        (
            READ,
            grafana,
            Method::GET,
            "/api/v1/%2e%2e/%2e%2e/metrics",
            404,
        ),
    ];
    for (host, user, method, path, expected) in asked {
        let got = status(host, user, method.clone(), path, 1).await?;
        ensure!(
            got == expected,
            "{method} {path} of {host} as {user:?}: {got}, not {expected}"
        );
    }

    // The limit counts what comes.
    let mebibyte = 1 << 20;
    for (length, expected) in [(7 * mebibyte, 200), (9 * mebibyte, 413)] {
        let got = status(WRITE, edge, Method::POST, RECEIVE, length).await?;
        ensure!(got == expected, "{length} bytes: {got}");
    }
    let got = status(READ, grafana, Method::POST, "/api/v1/query", 9 * mebibyte).await?;
    ensure!(got == 413, "a large query: {got}");
    Ok(())
}

#[tokio::test]
async fn nobody_chooses_a_tenant_or_learns_a_password() -> Result<()> {
    let run = Run::new("hub-tenants")?;
    let echo = echo().await?;
    let doors = Doors::open(&run, echo, echo).await?;
    let claimed = [
        ("THANOS-TENANT", "other"),
        ("thanos-tenant", "another"),
        ("THANOS-REPLICA", "1"),
        ("X-Scope-OrgID", "other"),
        ("X-Prometheus-Remote-Write-Version", "0.1.0"),
    ];
    let write = doors.at(WRITE, Some(("edge-01", PASSWORD)))?;
    let seen = write.send(Method::POST, RECEIVE, &claimed, vec![0]).await?;
    let read = doors.at(READ, Some(("grafana", OTHER)))?;
    let path = "/api/v1/query?query=up";
    let asked = read.send(Method::GET, path, &claimed, Vec::new()).await?;
    for (answer, user) in [(seen, "edge-01"), (asked, "grafana")] {
        let headers = &echoed(answer)?["headers"];
        assert_eq!(headers["thanos-tenant"], json!([user]), "{headers}");
        for gone in ["thanos-replica", "x-scope-orgid", "authorization"] {
            assert_eq!(headers[gone], Value::Null, "{gone}: {headers}");
        }
        let kept = &headers["x-prometheus-remote-write-version"];
        assert_eq!(kept, &json!(["0.1.0"]));
    }
    // To many programs an underscore is the same.
    let spelled = [("THANOS_TENANT", "other")];
    let refused = write.send(Method::POST, RECEIVE, &spelled, vec![0]).await?;
    assert_eq!(refused.status.as_u16(), 400);
    // A connection to one host that asks for the other's path.
    let disguised = [("host", WRITE)];
    let sneaked = read
        .send(Method::POST, RECEIVE, &disguised, vec![0])
        .await?;
    ensure!(!sneaked.status.is_success(), "{}", sneaked.status);
    Ok(())
}

/// The whole way: a member's request through Envoy, the router and an ingester, and Grafana's back.
#[tokio::test]
async fn a_sample_goes_in_by_one_door_and_comes_out_by_the_other() -> Result<()> {
    let run = Run::new("hub-doors-flow")?;
    let values = [
        "receive.ingester.replicas=1",
        "receive.ingester.replicationFactor=1",
    ];
    let parts = [
        "receive-router",
        "receive-ingester",
        "query",
        "query-frontend",
    ];
    let hub = Hub::start(&run, &values, &parts).await?;
    let doors = Doors::open(&run, hub.router(), hub.frontend()).await?;
    let write = doors.at(WRITE, Some(("edge-01", PASSWORD)))?;
    let headers = [("content-encoding", "snappy"), ("THANOS-TENANT", "other")];
    eventually("a write", SOON, || async {
        let body = remote_write("arrived", 7.0)?;
        let answer = write.send(Method::POST, RECEIVE, &headers, body).await?;
        answer.fine().map(drop)
    })
    .await?;
    let read = doors.at(READ, Some(("grafana", OTHER)))?;
    eventually("the answer", SOON, || async {
        let arrived = promql::some(&read, "arrived").await?;
        ensure!(
            arrived.len() == 1 && arrived[0].label("tenant_id") == "edge-01",
            "{arrived:?}"
        );
        Ok(())
    })
    .await
}

/// A remote-write request of one sample now: prompb.WriteRequest in a snappy block that holds it as it is.
fn remote_write(metric: &str, value: f64) -> Result<Vec<u8>> {
    let part = |tag: u8, bytes: &[u8]| -> Result<Vec<u8>> {
        ensure!(bytes.len() < 128, "a length of one byte");
        Ok([&[tag, u8::try_from(bytes.len())?], bytes].concat())
    };
    let label = [part(0x0a, b"__name__")?, part(0x12, metric.as_bytes())?].concat();
    let mut sample = vec![0x09];
    sample.extend(value.to_le_bytes());
    sample.push(0x10);
    let mut now = u64::try_from(jiff::Timestamp::now().as_millisecond())?;
    while now >= 0x80 {
        sample.push(u8::try_from(now & 0x7f)? | 0x80);
        now >>= 7;
    }
    sample.push(u8::try_from(now)?);
    let series = [part(0x0a, &label)?, part(0x12, &sample)?].concat();
    let request = part(0x0a, &series)?;
    let length = u8::try_from(request.len())?;
    ensure!(length <= 60, "a literal of a short tag");
    Ok([&[length, (length - 1) << 2], request.as_slice()].concat())
}
