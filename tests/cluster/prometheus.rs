//! The real Prometheus, with the configuration that the operator wrote for it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;
use kube::{Api, Client};

use crate::http::Http;
use crate::port::Port;
use crate::promql::{self, Sample};
use crate::{Process, Program, Run, operator};

const START: Duration = Duration::from_secs(120);
/// Where the operator mounts things into a pod.
const MOUNT: &str = "/etc/prometheus";

/// What the operator wrote for one Prometheus or PrometheusAgent.
///
/// Every method that changes the text says what a pod would have done, or is the test's own visible edit.
#[derive(Clone, Debug)]
pub struct Configuration {
    text: String,
    /// Certificates and keys by the name of the file under `certs/`.
    assets: Vec<(String, Vec<u8>)>,
}

impl Configuration {
    /// Waits for what the operator writes for the Prometheus of this name.
    ///
    /// # Errors
    /// When it writes nothing in time.
    pub async fn of_prometheus(
        client: Client,
        namespace: &str,
        name: &str,
        within: Duration,
    ) -> Result<Self> {
        Self::read(client, namespace, &format!("prometheus-{name}"), within).await
    }

    /// Waits for what the operator writes for the PrometheusAgent of this name.
    ///
    /// # Errors
    /// When it writes nothing in time.
    pub async fn of_agent(
        client: Client,
        namespace: &str,
        name: &str,
        within: Duration,
    ) -> Result<Self> {
        Self::read(client, namespace, &format!("prom-agent-{name}"), within).await
    }

    /// A configuration of the test's own, where no operator is part of the story.
    pub fn from_text(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            assets: Vec::new(),
        }
    }

    async fn read(client: Client, namespace: &str, secret: &str, within: Duration) -> Result<Self> {
        let text = operator::configuration(client.clone(), namespace, secret, within).await?;
        let secrets: Api<Secret> = Api::namespaced(client, namespace);
        let prefix = format!("{secret}-tls-assets-");
        let mut assets = Vec::new();
        for secret in secrets
            .list(&ListParams::default())
            .await
            .context("the Secrets beside it")?
            .items
        {
            if secret
                .metadata
                .name
                .is_some_and(|name| name.starts_with(&prefix))
            {
                assets.extend(
                    secret
                        .data
                        .unwrap_or_default()
                        .into_iter()
                        .map(|(name, value)| (name, value.0)),
                );
            }
        }
        Ok(Self { text, assets })
    }

    /// The text as it is now.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// As the config-reloader fills it in for one pod: `$(POD_NAME)`.
    #[must_use]
    pub fn for_pod(mut self, pod: &str) -> Self {
        self.text = self.text.replace("$(POD_NAME)", pod);
        self
    }

    /// The test's edit: one more scrape job, with the labels that its targets export honoured or not.
    #[must_use]
    pub fn scraping(mut self, job: &str, targets: &[&str], honor_labels: bool) -> Self {
        let list = targets.join(", ");
        let entry = format!(
            "scrape_configs:\n- job_name: {job}\n  scrape_interval: 1s\n  honor_labels: {honor_labels}\n  \
             static_configs:\n  - targets: [{list}]\n"
        );
        let has_jobs = self.text.contains("\nscrape_configs:\n");
        let old = if has_jobs {
            "\nscrape_configs:\n"
        } else {
            "\nscrape_configs: []\n"
        };
        if self.text.contains(old) {
            self.text = self.text.replacen(old, &format!("\n{entry}"), 1);
        } else {
            self.text.push_str(&entry);
        }
        self
    }

    /// The test's edit: any other change of the text.
    #[must_use]
    pub fn edited(mut self, edit: impl FnOnce(String) -> String) -> Self {
        self.text = edit(self.text);
        self
    }

    /// Writes it where a process can read it; gives the path of the configuration file.
    fn write(&self, run: &Run, name: &str) -> Result<PathBuf> {
        let mount = run.folder().join("files").join(name);
        for (asset, bytes) in &self.assets {
            run.file(&format!("files/{name}/certs/{asset}"), bytes)?;
        }
        let text = self.text.replace(MOUNT, &mount.display().to_string());
        run.file(&format!("files/{name}/prometheus.yaml"), text)
    }
}

/// What the real promtool says about a configuration.
///
/// # Errors
/// With what it finds wrong.
pub async fn check(run: &Run, name: &str, configuration: &Configuration) -> Result<String> {
    let file = configuration.write(run, name)?;
    Program::tool("promtool")?
        .args(["check", "config"])
        .arg(file)
        .output()
        .await?
        .fine()
}

/// A running Prometheus.
pub struct Prometheus {
    process: Process,
    port: Port,
    http: Http,
}

impl Prometheus {
    /// Starts it in server mode.
    ///
    /// # Errors
    /// When it does not come up; with the end of its log.
    pub async fn start(run: &Run, name: &str, configuration: &Configuration) -> Result<Self> {
        let data = run.data(name)?;
        Self::launch(
            run,
            name,
            configuration,
            &format!("--storage.tsdb.path={}", data.display()),
            &[],
        )
        .await
    }

    /// Starts it in agent mode.
    ///
    /// # Errors
    /// When it does not come up; with the end of its log.
    pub async fn start_agent(run: &Run, name: &str, configuration: &Configuration) -> Result<Self> {
        let data = run.data(name)?;
        Self::launch(
            run,
            name,
            configuration,
            &format!("--storage.agent.path={}", data.display()),
            &["--agent"],
        )
        .await
    }

    async fn launch(
        run: &Run,
        name: &str,
        configuration: &Configuration,
        storage: &str,
        mode: &[&str],
    ) -> Result<Self> {
        let port = Port::take()?;
        let config = configuration.write(run, name)?;
        let process = Program::tool("prometheus")?
            .named(name)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--web.listen-address={}", port.address()))
            .arg(storage)
            .args(mode.iter().copied())
            .start(run)?;
        let http = Http::new(&format!("http://{}", port.address()))?;
        process
            .ready(START, || async {
                http.get("/-/ready").await?.fine().map(drop)
            })
            .await?;
        Ok(Self {
            process,
            port,
            http,
        })
    }

    /// Where it is reached.
    pub fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    /// `127.0.0.1:PORT`, as a scrape target.
    pub fn target(&self) -> String {
        self.port.address().to_string()
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Asks it.
    ///
    /// # Errors
    /// When it refuses the query.
    pub async fn query(&self, promql: &str) -> Result<Vec<Sample>> {
        promql::query(&self.http, promql).await
    }

    /// One of its own metrics, summed over its series; zero where there is none.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn own_metric(&self, name: &str) -> Result<f64> {
        let page = self.http.get("/metrics").await?.fine()?;
        let series = page
            .lines()
            .filter(|line| line.split(['{', ' ']).next() == Some(name));
        let values = series.map(|line| {
            line.rsplit(' ')
                .next()
                .unwrap_or_default()
                .parse::<f64>()
                .context("a value")
        });
        values.sum()
    }
}
