//! Helm's plugins: made by the script that users run, installed by the real Helm 4 and the real Helm 3, and run by them.

mod asking;
mod installing;
mod plugin;
mod rendering;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;
use thanos_tests::command::{self, Output};
use thanos_tests::{Program, Run, tools};
use tokio::sync::OnceCell;

use crate::plugin::{ELSEWHERE, FACTS, PROMETHEUS, WIRING};

/// Which helm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Four,
    Three,
}

pub(crate) const BOTH: [Which; 2] = [Which::Four, Which::Three];

/// The folder that the script has filled, once for all tests.
static MADE: OnceCell<(Run, PathBuf)> = OnceCell::const_new();

async fn made() -> Result<&'static Path> {
    let make = async || {
        let run = Run::new("helm-plugins")?;
        let folder = run.data("made")?;
        let script = Program::at(tools::root().join("helm/package.sh"));
        let output = script.arg(tools::ours("kubectl-thanos")?).arg(&folder);
        let said = output.output().await?.fine()?;
        anyhow::ensure!(said.lines().count() == 3, "{said}");
        Ok((run, folder))
    };
    let (_, folder) = MADE.get_or_try_init(make).await?;
    Ok(folder)
}

/// A helm with a home of its own, in a folder with a blank in its name, and our plugins in it.
pub(crate) struct Helm {
    which: Which,
    run: Run,
    kubeconfig: PathBuf,
    folder: TempDir,
}

impl Helm {
    /// With the plugins installed; no cluster.
    pub(crate) async fn new(which: Which) -> Result<Self> {
        let run = Run::new(&format!("helm-{which:?}"))?;
        let nowhere = run.folder().join("no-kubeconfig");
        Self::at(which, run, nowhere).await
    }

    /// The same, with a cluster.
    pub(crate) async fn at(which: Which, run: Run, kubeconfig: PathBuf) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("helm ").tempdir()?;
        let helm = Self {
            which,
            run,
            kubeconfig,
            folder,
        };
        for (name, text) in [
            ("hub.yaml", WIRING),
            ("facts.yaml", FACTS),
            ("prometheus.yaml", PROMETHEUS),
            ("elsewhere.yaml", ELSEWHERE),
        ] {
            std::fs::write(helm.path(name), text)?;
        }
        let plugins: &[&str] = match which {
            Which::Four => &["thanos", "thanos-post-renderer"],
            Which::Three => &["thanos-3"],
        };
        for plugin in plugins {
            let install = helm.program()?.args(["plugin", "install"]);
            let install = install.arg(made().await?.join(plugin));
            install.output().await?.fine()?;
        }
        Ok(helm)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Result<String> {
        std::fs::read_to_string(self.path(name)).with_context(|| format!("reading {name}"))
    }

    /// This helm, its plugins under its own folder.
    pub(crate) fn program(&self) -> Result<Program> {
        let name = match self.which {
            Which::Four => "helm",
            Which::Three => "helm-3",
        };
        let program = command::at_home(Program::tool(name)?, &self.run, &self.kubeconfig)?;
        Ok(program.env("HELM_DATA_HOME", self.path("data")))
    }

    /// Runs a line of words: `DIR/` stands for the folder, `CHART` for the fixture.
    pub(crate) async fn run(&self, line: &str) -> Result<Output> {
        self.run_for(line, "").await
    }

    /// The same with something on standard input.
    pub(crate) async fn run_for(&self, line: &str, stdin: &str) -> Result<Output> {
        let folder = self.folder.path().to_string_lossy().into_owned();
        let chart = tools::root().join("tests/helm/chart");
        let place = |word: &str| {
            word.replace("DIR", &folder)
                .replace("CHART", &chart.to_string_lossy())
        };
        let words = line.split_whitespace().map(place);
        let mut output = self
            .program()?
            .args(words)
            .output_for(stdin.as_bytes())
            .await?;
        for text in [&mut output.stdout, &mut output.stderr] {
            *text = text.replace(&folder, "DIR");
        }
        Ok(output)
    }

    /// The flag that names our post-renderer, and its arguments.
    pub(crate) fn post_renderer(&self, arguments: &str) -> String {
        let name = match self.which {
            Which::Four => "thanos-post-renderer",
            Which::Three => "DIR/data/plugins/thanos-3/thanos-post-renderer",
        };
        let each = arguments.split_whitespace();
        let each: String = each
            .map(|argument| format!(" --post-renderer-args={argument}"))
            .collect();
        format!("--post-renderer {name}{each}")
    }
}
