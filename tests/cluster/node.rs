//! A whole Kubernetes of one node, with a kubelet, Services and DNS, in namespaces of its own: nothing of it is seen
//! from outside but the port of its API server, and nothing stays. Linux and root; `node/` holds how it is made.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use k8s_openapi::api::core::v1::Node as NodeObject;
use kube::{Api, Client};

use crate::port::Port;
use crate::{Process, Program, Run, command, kubeconfig, tools};

mod cloud;

const START: Duration = Duration::from_secs(120);
/// How long the kernel and the janitor may take for the end of everything.
const END: Duration = Duration::from_secs(15);

/// A running node. Dropped, it is gone with every pod, mount, interface and control group.
pub struct Node {
    client: Client,
    kubeconfig: PathBuf,
    started: Duration,
    init: u32,
    loaded: Mutex<HashSet<String>>,
    process: Process,
    /// Dropped after the process, which it outlives by a moment.
    _gone: Gone,
    _port: Port,
    run: Run,
}

/// Waits, when it is dropped, until the janitor says that nothing is left.
struct Gone(PathBuf);

impl Drop for Gone {
    fn drop(&mut self) {
        let deadline = Instant::now() + END;
        while !self.0.exists() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Node {
    /// The address of the node in its own network: of what runs [`Node::inside`] of it, as pods see it.
    pub const ADDRESS: &str = "10.99.0.1";

    /// Starts one, with CoreDNS. `make e2e` has built what it needs.
    ///
    /// # Errors
    /// When a part does not come up; with the end of its log.
    pub async fn start(name: &str) -> Result<Self> {
        let begin = Instant::now();
        let run = Run::new(name)?;
        let (port, folder) = (Port::take()?, run.folder().to_owned());
        let bin = tools::tool("kubelet")?;
        let process = Program::at(scripts().join("node.sh"))
            .named("node")
            .env("BIN", bin.parent().context("a folder of programs")?)
            .env("IMAGES", images())
            .arg(&folder)
            .arg(run.data("node")?)
            .arg(port.number().to_string())
            .start(&run)?;
        let gone = Gone(folder.join("gone"));
        let pid = folder.join("init.pid");
        process
            .ready(START, || async {
                ensure!(pid.exists(), "its first process is not there");
                Ok(())
            })
            .await?;
        let init = std::fs::read_to_string(&pid)?.trim().parse();
        let kubeconfig = folder.join("kubeconfig");
        let client = kubeconfig::client(&std::fs::read_to_string(&kubeconfig)?).await?;
        let node = Self {
            client,
            kubeconfig,
            started: Duration::ZERO,
            init: init.context("the process id of its init")?,
            loaded: Mutex::default(),
            process,
            _gone: gone,
            _port: port,
            run,
        };
        node.comes_up().await?;
        Ok(Self {
            started: begin.elapsed(),
            ..node
        })
    }

    async fn comes_up(&self) -> Result<()> {
        let nodes: Api<NodeObject> = Api::all(self.client());
        let ready = self.process.ready(START, || async {
            let node = nodes.get("node1").await?;
            let conditions = node.status.and_then(|status| status.conditions);
            let is_ready = |one: &k8s_openapi::api::core::v1::NodeCondition| {
                one.type_ == "Ready" && one.status == "True"
            };
            ensure!(
                conditions.unwrap_or_default().iter().any(is_ready),
                "the node is not ready"
            );
            Ok(())
        });
        ready.await.with_context(|| self.log("kubelet"))?;
        let manifest = scripts().join("coredns.yaml");
        let apply = self.kubectl()?.args(["apply", "-f"]).arg(manifest);
        apply.output().await?.fine()?;
        let wait = "rollout status deployment/coredns -n kube-system --timeout=120s";
        let wait = self.kubectl()?.args(wait.split(' ')).output().await?;
        wait.fine().context("CoreDNS")?;
        Ok(())
    }

    /// A client of the admin.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// The kubeconfig file of the admin, for programs on this machine.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Where its logs are; start what belongs to it here.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// How long it took to come up.
    pub fn started_in(&self) -> Duration {
        self.started
    }

    /// The process id, on this machine, of its first process.
    pub fn init(&self) -> u32 {
        self.init
    }

    /// The real kubectl as the admin.
    ///
    /// # Errors
    /// When it is not built.
    pub fn kubectl(&self) -> Result<Program> {
        command::kubectl(&self.run, &self.kubeconfig)
    }

    /// The same program in the network of the node: it reaches Services and pods, and these reach it at
    /// [`Node::ADDRESS`]. Files and everything else are this machine's.
    #[must_use]
    pub fn inside(&self, program: Program) -> Program {
        program.through("nsenter", self.enter(&["--net"]))
    }

    /// Makes images that `images.py` wrote known to it, by their names there. What it has is passed over.
    ///
    /// # Errors
    /// When one is not there or cannot be read.
    pub async fn load(&self, names: &[&str]) -> Result<()> {
        for &name in names {
            let is_there = |loaded: &Mutex<HashSet<String>>| {
                loaded.lock().is_ok_and(|names| names.contains(name))
            };
            if is_there(&self.loaded) {
                continue;
            }
            let archive = images().join(format!("{name}.tar"));
            ensure!(
                archive.exists(),
                "the image {name} is not written yet: run `make e2e`"
            );
            let import = Program::tool("ctr")?
                .args(["-n", "k8s.io", "images", "import"])
                .arg(archive);
            let import = import.through("nsenter", self.enter(&["--mount", "--pid"]));
            let output = import.output().await?.fine();
            output.with_context(|| format!("the image {name}"))?;
            if let Ok(mut loaded) = self.loaded.lock() {
                loaded.insert(name.to_owned());
            }
        }
        Ok(())
    }

    /// The end of the log of one of its daemons.
    pub fn log(&self, daemon: &str) -> String {
        let path = self.run.folder().join(format!("log/{daemon}.log"));
        let text = std::fs::read(&path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(20)..].join("\n");
        format!("---- {daemon}: the end of {}\n{end}", path.display())
    }

    pub(crate) fn enter(&self, namespaces: &[&str]) -> Vec<std::ffi::OsString> {
        let target = self.init.to_string();
        ["--target", &target]
            .into_iter()
            .chain(namespaces.iter().copied())
            .chain(["--"])
            .map(Into::into)
            .collect()
    }
}

fn scripts() -> PathBuf {
    tools::root().join("tests/cluster/node")
}

fn images() -> PathBuf {
    tools::root().join("target/images")
}
