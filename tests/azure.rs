//! Azure: the plugin's room for it against its documents, with the real credential types and Azurite.

mod blobs;
mod content;
pub(crate) mod contract;
mod killed;
mod login;
mod troubles;
mod whole;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use contract::Cloud;
use contract::tokens::{HEADER, MARK, assertion};
use serde_json::{Value, json};
use thanos_tests::{Run, tools};
use tokio::io::AsyncWriteExt;

/// The read credential's password, which only Grafana may be told.
const PASSWORD: &str = "never-show-this-password";
const USER: &str = "grafana";
const PATIENCE: Duration = Duration::from_secs(60);

/// How whoever runs it is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Login {
    Workload,
    Managed,
    CommandLine,
    None,
}

/// What the room did.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    talk: String,
}

impl Ran {
    /// What it gave, if it ended well.
    fn fine(&self) -> Result<Value> {
        ensure!(self.code == 0, "ended with {}: {}", self.code, self.talk);
        serde_json::from_str(&self.out).context("its JSON")
    }

    /// `step action` of every step of the plan.
    fn plan(&self) -> Result<Vec<String>> {
        let done = self.fine()?;
        let steps = done["plan"].as_array().context("a plan")?;
        let word = |step: &Value, name: &str| step[name].as_str().unwrap_or_default().to_owned();
        Ok(steps
            .iter()
            .map(|step| format!("{} {}", word(step, "id"), word(step, "action")))
            .collect())
    }

    /// Fails unless it ended so, with all of these in what it said.
    fn says(&self, code: i32, words: &[&str]) -> Result<()> {
        ensure!(self.code == code, "ended with {}: {}", self.code, self.talk);
        for word in words {
            ensure!(
                self.talk.contains(word),
                "does not say {word:?}:\n{}",
                self.talk
            );
        }
        Ok(())
    }
}

/// Everything that a hub may want of Azure.
fn whole_wish(cloud: &Cloud) -> Value {
    json!({
        "hub": "thanos",
        "server": "aks-hub-dns-1.hcp.westeurope.azmk8s.io",
        "storageAccount": "thanosblocks",
        "serviceAccounts": [
            {"namespace": "thanos", "name": "thanos-store"},
            {"namespace": "thanos", "name": "thanos-receive-ingester"},
        ],
        "dns": {"zone": "example.com", "domain": "thanos.example.com",
                "hosts": ["receive.thanos.example.com", "query.thanos.example.com"]},
        "grafana": {"name": "g-hub", "url": "https://query.thanos.example.com"},
        "armEndpoint": cloud.address,
    })
}

/// Storage, identity and roles alone.
fn small_wish(cloud: &Cloud) -> Value {
    let mut wish = whole_wish(cloud);
    let fields = wish.as_object_mut().unwrap();
    fields.remove("dns");
    fields.remove("grafana");
    wish
}

fn everything(wish: &Value) -> Value {
    json!({
        "wish": wish,
        "acts": ["before", "address", "grafana", "values"],
        "address": "20.1.2.3",
        "readUser": USER,
        "readPassword": PASSWORD,
    })
}

/// Runs the room as a program of its own; killed where the cloud says so. No secret may be in what it says.
async fn run(run: &Run, cloud: &Cloud, login: Login, task: &Value) -> Result<Ran> {
    let ran = run_unlooked(run, cloud, login, task).await?;
    cloud.is_content()?;
    Ok(ran)
}

async fn run_unlooked(run: &Run, cloud: &Cloud, login: Login, task: &Value) -> Result<Ran> {
    let authority = run.file("ca.pem", cloud.authority.pem())?;
    let mut command = tokio::process::Command::new(tools::ours("azure-door")?);
    command
        .env_clear()
        .env("PATH", path(run, login)?)
        .env("SSL_CERT_FILE", authority)
        .env("HOME", run.folder())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true);
    match login {
        Login::Workload => {
            let token = run.file(
                "operator-token",
                assertion(&json!({"iss": "x", "sub": "operator"})),
            )?;
            command
                .env("AZURE_AUTHORITY_HOST", &cloud.address)
                .env("AZURE_TENANT_ID", contract::TENANT)
                .env("AZURE_CLIENT_ID", contract::OPERATOR_CLIENT)
                .env("AZURE_FEDERATED_TOKEN_FILE", token);
        }
        Login::Managed => {
            command
                .env("IDENTITY_ENDPOINT", format!("{}/msi/token", cloud.address))
                .env("IDENTITY_HEADER", HEADER)
                .env("AZURE_AUTHORITY_HOST", &cloud.address);
        }
        Login::CommandLine | Login::None => {}
    }
    let mut child = command.spawn().context("starting azure-door")?;
    let mut stdin = child.stdin.take().context("its standard input")?;
    stdin.write_all(task.to_string().as_bytes()).await?;
    drop(stdin);
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let id = id
        .and_then(rustix::process::Pid::from_raw)
        .context("its number")?;
    let killer = async {
        cloud.killed().await;
        let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
        std::future::pending::<()>().await;
    };
    let output = tokio::select! {
        output = tokio::time::timeout(PATIENCE, child.wait_with_output()) => output,
        () = killer => unreachable!("it never ends"),
    };
    let output = output.context("azure-door hangs")??;
    let ran = Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        talk: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    for secret in [MARK, PASSWORD, HEADER] {
        ensure!(
            !ran.out.contains(secret) && !ran.talk.contains(secret),
            "{secret} is shown: {ran:?}"
        );
    }
    Ok(ran)
}

/// A folder with an `az` that is logged in, or with one that is not; `sh` is where it always is.
fn path(run: &Run, login: Login) -> Result<String> {
    let folder = run.folder().join(if login == Login::CommandLine {
        "bin-az"
    } else {
        "bin"
    });
    std::fs::create_dir_all(&folder)?;
    if login == Login::CommandLine {
        let token = contract::tokens::token("https://management.azure.com", contract::OPERATOR);
        az(
            &folder,
            &format!(
                r#"case "$*" in
"account get-access-token -o json --scope https://management.azure.com/.default"*) ;;
*) echo "ERROR: unexpected: $*" >&2; exit 2 ;;
esac
echo '{{"accessToken": "{token}", "expires_on": 4102444800, "expiresOn": "x", "tokenType": "Bearer"}}'"#
            ),
        )?;
    }
    Ok(format!("{}:/usr/bin:/bin", folder.display()))
}

fn az(folder: &Path, script: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("az");
    std::fs::write(
        &path,
        format!("#!/bin/sh\necho \"$*\" >> \"$0.calls\"\n{script}\n"),
    )?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}
