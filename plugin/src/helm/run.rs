//! helm as a child: what it says when it fails is the cause, and it ends in order when we do.
//!
//! A helm that is killed leaves a release that no other helm will touch. One that is asked to end marks its release as
//! failed, and the next one goes on from there. So it is asked, and given time.

use std::process::Stdio;
use std::time::{Duration, Instant};

use thanos_core::codes;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use super::Helm;
use crate::failure::Failure;
use crate::ui::Ui;

/// Between two words about waiting.
const WORD: Duration = Duration::from_secs(5);
/// How long helm may take to end in order.
const GRACE: Duration = Duration::from_secs(20);
/// As many lines of its complaint as are shown.
const LINES: usize = 8;
/// As much of one.
const LINE: usize = 600;
/// By these helm would reach another cluster than the one that was looked at, or as somebody else: what of it holds is
/// said by flags.
const ELSEWHERE: [&str; 9] = [
    "HELM_NAMESPACE",
    "HELM_KUBECONTEXT",
    "HELM_KUBEAPISERVER",
    "HELM_KUBEASUSER",
    "HELM_KUBEASGROUPS",
    "HELM_KUBECAFILE",
    "HELM_KUBEINSECURE_SKIP_TLS_VERIFY",
    "HELM_KUBETLS_SERVER_NAME",
    "HELM_KUBETOKEN",
];

/// Who is told that helm still works, and on what.
pub(crate) struct Talk<'u, 'a> {
    ui: Option<&'u mut Ui<'a>>,
    what: String,
}

impl<'u, 'a> Talk<'u, 'a> {
    /// `what` completes "waiting until helm has …".
    pub(crate) fn new(ui: &'u mut Ui<'a>, what: impl Into<String>) -> Self {
        Self {
            ui: Some(ui),
            what: what.into(),
        }
    }

    /// Nobody.
    pub(crate) fn silent() -> Self {
        Self {
            ui: None,
            what: String::new(),
        }
    }

    fn wait(&mut self, since: Instant, last: &str) {
        if let Some(ui) = &mut self.ui {
            let last = if last.is_empty() {
                String::new()
            } else {
                format!(": {last}")
            };
            ui.say(format!(
                "waiting until helm has {} ({} s){last}",
                self.what,
                since.elapsed().as_secs()
            ));
        }
    }
}

impl Helm {
    /// Runs it to its end; gives what it printed.
    pub(super) async fn run(
        &self,
        words: &[String],
        talk: &mut Talk<'_, '_>,
    ) -> Result<String, Failure> {
        let mut child = self.command(words).spawn().map_err(|error| {
            Failure::failed(format!("cannot run {}", self.program.display()))
                .code(codes::HELM_MISSING)
                .because(error)
        })?;
        // They outlive the child: a helm that cannot write its last words dies before it has tidied up.
        let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
        let mut running = Running(Some(child));
        let printed = async {
            let mut text = Vec::new();
            if let Some(stdout) = &mut stdout {
                let _ = stdout.read_to_end(&mut text).await;
            }
            text
        };
        let began = Instant::now();
        let complained = async {
            let mut lines = Vec::new();
            let Some(stderr) = &mut stderr else {
                return lines;
            };
            let mut reader = BufReader::new(stderr).lines();
            let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + WORD, WORD);
            loop {
                tokio::select! {
                    line = reader.next_line() => match line {
                        Ok(Some(line)) => lines.extend(worth(&line)),
                        _ => return lines,
                    },
                    _ = tick.tick() => talk.wait(began, lines.last().map_or("", String::as_str)),
                }
            }
        };
        let (printed, complained) = tokio::join!(printed, complained);
        let status = match &mut running.0 {
            Some(child) => child.wait().await,
            None => return Ok(String::new()),
        };
        let status = status.map_err(|error| {
            Failure::failed("helm cannot be waited for")
                .code(codes::HELM_FAILED)
                .because(error)
        })?;
        running.0 = None;
        if status.success() {
            return Ok(String::from_utf8_lossy(&printed).into_owned());
        }
        Err(failed(words, &complained))
    }

    fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in ELSEWHERE {
            command.env_remove(name);
        }
        // What is installed is read off Secrets (`releases.rs`).
        command.env("HELM_DRIVER", "secret");
        // Not as a flag: it may be a list of files.
        if let Some(kubeconfig) = &self.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        if let Some(context) = &self.context {
            command.arg("--kube-context").arg(context);
        }
        if let Some(user) = &self.impersonate {
            command.arg("--kube-as-user").arg(user);
        }
        for group in &self.impersonate_groups {
            command.arg("--kube-as-group").arg(group);
        }
        let told = &self.told;
        if let Some(server) = &told.server {
            command.arg("--kube-apiserver").arg(server);
        }
        if let Some(authority) = &told.authority {
            command.arg("--kube-ca-file").arg(authority);
        }
        if let Some(name) = &told.server_name {
            command.arg("--kube-tls-server-name").arg(name);
        }
        if told.is_insecure {
            command.arg("--kube-insecure-skip-tls-verify");
        }
        command
    }
}

/// A line of helm's, short and without what is no news.
fn worth(line: &str) -> Option<String> {
    let line = line.trim();
    let chatter = line.is_empty()
        || line.starts_with("Pulled: ")
        || line.starts_with("Digest: ")
        || line.contains("configuration file is group-readable")
        || line.contains("configuration file is world-readable");
    (!chatter).then(|| line.chars().take(LINE).collect())
}

fn failed(words: &[String], complained: &[String]) -> Failure {
    let what: Vec<&str> = words
        .iter()
        .take(3)
        .map(String::as_str)
        .filter(|word| !word.starts_with("--") && !word.starts_with('{'))
        .collect();
    let failure =
        Failure::failed(format!("helm {} failed", what.join(" "))).code(codes::HELM_FAILED);
    let from = complained.len().saturating_sub(LINES);
    complained[from..].iter().fold(failure, Failure::because)
}

/// A helm that still runs.
struct Running(Option<Child>);

impl Drop for Running {
    /// Whoever is interrupted asks helm to end, and waits for that.
    fn drop(&mut self) {
        let Some(child) = &mut self.0 else { return };
        if !ask_to_end(child) {
            let _ = child.start_kill();
            return;
        }
        let begin = Instant::now();
        while begin.elapsed() < GRACE {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = child.start_kill();
    }
}

#[cfg(unix)]
fn ask_to_end(child: &Child) -> bool {
    use rustix::process::{Pid, Signal, kill_process};
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    id.and_then(Pid::from_raw)
        .is_some_and(|id| kill_process(id, Signal::TERM).is_ok())
}

#[cfg(not(unix))]
fn ask_to_end(_child: &Child) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::FromHelm;
    use semver::Version;

    #[test]
    fn helm_reaches_what_was_looked_at_whatever_the_environment_says() {
        let helm = Helm {
            program: "helm".into(),
            version: Version::new(4, 0, 0),
            kubeconfig: Some("a:b".into()),
            context: Some("dev".to_owned()),
            impersonate: None,
            impersonate_groups: Vec::new(),
            told: FromHelm {
                server: Some("https://127.0.0.1:1".to_owned()),
                ..FromHelm::default()
            },
        };
        let command = helm.command(&["version".to_owned()]);
        let command = command.as_std();
        let words: Vec<_> = command
            .get_args()
            .filter_map(|word| word.to_str())
            .collect();
        let server = ["--kube-apiserver", "https://127.0.0.1:1"];
        assert_eq!(words[..3], ["version", "--kube-context", "dev"]);
        assert_eq!(words[3..], server);
        let of = |name: &str| command.get_envs().find(|(key, _)| *key == name);
        for name in ELSEWHERE {
            assert_eq!(of(name), Some((name.as_ref(), None)), "{name}");
        }
        let said = |name| of(name).and_then(|(_, value)| value?.to_str());
        assert_eq!(said("KUBECONFIG"), Some("a:b"));
        assert_eq!(said("HELM_DRIVER"), Some("secret"));
    }
}
