//! Commands that run to their end: the real kubectl and helm, and our own plugin.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::{Program, Run};

/// A command that takes longer than this hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// What a command left.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// Standard output, if it ended with 0.
    ///
    /// # Errors
    /// With what it said otherwise.
    pub fn fine(self) -> Result<String> {
        ensure!(
            self.code == Some(0),
            "ended with {:?}\n{}{}",
            self.code,
            self.stderr,
            self.stdout
        );
        Ok(self.stdout)
    }
}

/// The real kubectl, which keeps its caches in the run's folder.
///
/// # Errors
/// When it is not built.
pub fn kubectl(run: &Run, kubeconfig: &Path) -> Result<Program> {
    at_home(Program::tool("kubectl")?, run, kubeconfig)
}

/// The real helm, which keeps its caches in the run's folder.
///
/// # Errors
/// When it is not built.
pub fn helm(run: &Run, kubeconfig: &Path) -> Result<Program> {
    at_home(Program::tool("helm")?, run, kubeconfig)
}

/// Any program with this kubeconfig and a home of its own: nothing of the user's is read or written.
///
/// # Errors
/// When the folder cannot be made.
pub fn at_home(program: Program, run: &Run, kubeconfig: &Path) -> Result<Program> {
    let home = run.folder().join("home");
    std::fs::create_dir_all(&home).with_context(|| format!("making {}", home.display()))?;
    let folders =
        ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"].map(|name| (name, home.join(name)));
    let program = program.env("KUBECONFIG", kubeconfig).env("HOME", &home);
    Ok(folders
        .into_iter()
        .fold(program, |program, (name, folder)| program.env(name, folder)))
}
