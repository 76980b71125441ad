//! Azure Blob storage as Azurite speaks it, with an account of this run: over plain HTTP with a key, or over TLS with tokens.

use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::certificates::Authority;
use crate::http::Http;
use crate::port::Port;
use crate::{Process, Program, Run};

const START: Duration = Duration::from_secs(120);
const ACCOUNT: &str = "thanostests";

/// A running blob service.
pub struct Azurite {
    process: Process,
    port: Port,
    key: String,
    run: Run,
}

impl Azurite {
    /// Starts it and waits until it answers.
    ///
    /// # Errors
    /// When it does not come up; with the end of its log.
    pub async fn start(run: &Run) -> Result<Self> {
        let port = Port::take()?;
        let key = BASE64_STANDARD.encode(format!(
            "an account key that opens only {}",
            run.folder().display()
        ));
        let process = Program::tool("azurite-blob")?
            .named("azurite")
            .env("AZURITE_ACCOUNTS", format!("{ACCOUNT}:{key}"))
            .args([
                "--blobHost",
                "127.0.0.1",
                "--blobPort",
                &port.number().to_string(),
            ])
            .args(["--disableTelemetry", "--skipApiVersionCheck", "--location"])
            .arg(run.data("azurite")?)
            .start(run)?;
        let http = Http::new(&format!("http://{}", port.address()))?;
        // Without a signature it refuses, which shows that it serves.
        process
            .ready(START, || async {
                http.get(&format!("/{ACCOUNT}?comp=list")).await.map(drop)
            })
            .await?;
        Ok(Self {
            process,
            port,
            key,
            run: run.clone(),
        })
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
            run: run.clone(),
        };
        Ok((azurite, http))
    }

    /// The object-store file for a container, which Thanos makes when it is not there.
    pub fn bucket(&self, container: &str) -> String {
        let Self { port, key, .. } = self;
        let address = port.address();
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
        let file = self
            .run
            .file(&format!("files/{container}.yml"), self.bucket(container))?;
        let program = Program::tool("thanos")?
            .args(["tools", "bucket", "ls", "--objstore.config-file"])
            .arg(file);
        let listing = program
            .output()
            .await?
            .fine()
            .context("listing the bucket")?;
        Ok(listing.split_whitespace().map(str::to_owned).collect())
    }

    /// Its process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}
