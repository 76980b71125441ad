//! Azure Blob storage as Azurite speaks it, with an account of this run: over plain HTTP with a key, or over TLS with tokens.

use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::certificates::Authority;
use crate::http::Http;
use crate::port::Port;
use crate::{Node, Process, Program, Run};

const START: Duration = Duration::from_secs(120);
const ACCOUNT: &str = "thanostests";

/// A running blob service.
pub struct Azurite {
    process: Process,
    port: Port,
    key: String,
    host: &'static str,
    run: Run,
}

impl Azurite {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// When it does not come up; with the end of its log.
    pub async fn start(run: &Run) -> Result<Self> {
        let azurite = Self::begin(run, "127.0.0.1", |program| program)?;
        let http = Http::new(&format!("http://{}", azurite.port.address()))?;
        // Without a signature it refuses, which shows that it serves.
        let answers = || async {
            let path = format!("/{ACCOUNT}?comp=list");
            http.get(&path).await.map(drop)
        };
        azurite.process.ready(START, answers).await?;
        Ok(azurite)
    }

    /// Starts it beside a node, where pods reach it.
    ///
    /// # Errors
    /// When it does not come up; with the end of its log.
    pub async fn start_beside(node: &Node) -> Result<Self> {
        let azurite = Self::begin(node.run(), Node::ADDRESS, |program| node.inside(program))?;
        let url = format!("http://{}/{ACCOUNT}?comp=list", azurite.address());
        let answers = || async {
            let curl = Program::at("curl").args(["-s", "--max-time", "5", &url]);
            node.inside(curl).output().await?.fine().map(drop)
        };
        azurite.process.ready(START, answers).await?;
        Ok(azurite)
    }

    fn begin(
        run: &Run,
        host: &'static str,
        place: impl FnOnce(Program) -> Program,
    ) -> Result<Self> {
        let port = Port::take()?;
        let key = BASE64_STANDARD.encode(format!(
            "an account key that opens only {}",
            run.folder().display()
        ));
        let number = port.number().to_string();
        let program = Program::tool("azurite-blob")?
            .named("azurite")
            .env("AZURITE_ACCOUNTS", format!("{ACCOUNT}:{key}"))
            .args(["--blobHost", host, "--blobPort", &number])
            .args(["--disableTelemetry", "--skipApiVersionCheck", "--location"])
            .arg(run.data("azurite")?);
        Ok(Self {
            process: place(program).start(run)?,
            port,
            key,
            host,
            run: run.clone(),
        })
    }

    fn address(&self) -> String {
        format!("{}:{}", self.host, self.port.number())
    }

    /// The port that it listens at.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Starts it over TLS for an account that is reached by tokens alone, and gives a client of it. Azurite looks at a
    /// token's audience, issuer and times, and neither at its signature nor at roles.
    ///
    /// # Errors
    /// When it does not come up; with the end of its log.
    pub async fn start_for_tokens(
        run: &Run,
        account: &str,
        authority: &Authority,
    ) -> Result<(Self, Http)> {
        let port = Port::take()?;
        let key =
            BASE64_STANDARD.encode(format!("a key that nobody uses {}", run.folder().display()));
        let pair = authority.loopback()?;
        let certificate = run.file("files/azurite.pem", &pair.certificate)?;
        let private = run.file("files/azurite.key", &pair.key)?;
        let process = Program::tool("azurite-blob")?
            .named("azurite")
            .env("AZURITE_ACCOUNTS", format!("{account}:{key}"))
            .args([
                "--blobHost",
                "127.0.0.1",
                "--blobPort",
                &port.number().to_string(),
            ])
            .args([
                "--disableTelemetry",
                "--skipApiVersionCheck",
                "--oauth",
                "basic",
                "--cert",
            ])
            .arg(certificate)
            .arg("--key")
            .arg(private)
            .arg("--location")
            .arg(run.data("azurite")?)
            .start(run)?;
        let http = Http::trusting(&format!("https://{}", port.address()), authority.pem())?;
        process
            .ready(START, || async {
                http.get(&format!("/{account}?comp=list")).await.map(drop)
            })
            .await?;
        let azurite = Self {
            process,
            port,
            key,
            host: "127.0.0.1",
            run: run.clone(),
        };
        Ok((azurite, http))
    }

    /// The object-store file for a container, which Thanos makes when it is not there.
    pub fn bucket(&self, container: &str) -> String {
        let (address, key) = (self.address(), &self.key);
        format!(
            "type: AZURE\nconfig:\n  storage_account: {ACCOUNT}\n  container: {container}\n  storage_connection_string: \
             \"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={key};\
             BlobEndpoint=http://{address}/{ACCOUNT};\"\n"
        )
    }

    /// The blocks in a container, as the real `thanos tools bucket ls` lists them.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub async fn blocks(&self, container: &str) -> Result<Vec<String>> {
        let listing = self.listing(container)?.output().await?;
        let listing = listing.fine().context("listing the bucket")?;
        Ok(listing.split_whitespace().map(str::to_owned).collect())
    }

    /// The real `thanos tools bucket ls` of a container; more words may follow, and it runs where Azurite is reached.
    ///
    /// # Errors
    /// When Thanos is not built.
    pub fn listing(&self, container: &str) -> Result<Program> {
        let name = format!("files/{container}.yml");
        let file = self.run.file(&name, self.bucket(container))?;
        let words = ["tools", "bucket", "ls", "--objstore.config-file"];
        Ok(Program::tool("thanos")?.args(words).arg(file))
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}
