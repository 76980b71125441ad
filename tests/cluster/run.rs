//! The folder of one start of something: logs and files that stay, data that goes with the last process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io, process};

use anyhow::{Context, Result};
use rustix::process::{Pid, test_kill_process};

use crate::tools;

/// Logs of runs that are older than this are deleted by the next run.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder under `target/run`; clones share it.
#[derive(Clone, Debug)]
pub struct Run(Arc<Folder>);

#[derive(Debug)]
struct Folder(PathBuf);

impl Run {
    /// A new folder `target/run/<name>-<pid>`, `<name>.2-<pid>` where one process makes several.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(name: &str) -> Result<Self> {
        let runs = tools::root().join("target/run");
        fs::create_dir_all(&runs).with_context(|| format!("making {}", runs.display()))?;
        sweep(&runs);
        let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let number = |n: u32| {
            if n == 1 {
                String::new()
            } else {
                format!(".{n}")
            }
        };
        let folder = (1..)
            .map(|n| runs.join(format!("{name}{}-{}", number(n), process::id())))
            .find_map(|folder| match fs::create_dir(&folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
                made => Some(made.map(|()| folder)),
            })
            .context("a free name")?
            .with_context(|| format!("making a folder in {}", runs.display()))?;
        Ok(Self(Arc::new(Folder(folder))))
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.0.0
    }

    /// Writes a file that stays, and gives its path. `name` may hold folders.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.folder().join(name);
        write(&path, contents.as_ref())?;
        Ok(path)
    }

    /// A folder for a program's data, deleted when the last process of this run has ended.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn data(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder().join("data").join(name);
        fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(path)
    }

    /// A path for a new log, numbered where the name is taken.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        let numbered = (2..).map(|n| self.folder().join(format!("{name}-{n}.log")));
        let first = self.folder().join(format!("{name}.log"));
        std::iter::once(first.clone())
            .chain(numbered)
            .find(|path| !path.exists())
            .unwrap_or(first)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Only scratch data is lost when this fails, and the next sweep takes it.
        let _ = fs::remove_dir_all(self.0.join("data"));
    }
}

fn write(path: &Path, contents: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    fs::write(path, contents).with_context(|| format!("writing {}", path.display()))
}

/// Deletes what killed runs left: their data at once, their logs after a day.
fn sweep(runs: &Path) {
    for run in fs::read_dir(runs).into_iter().flatten().flatten() {
        if alive(&run.file_name().to_string_lossy()) {
            continue;
        }
        let age = run
            .metadata()
            .and_then(|of| of.modified())
            .ok()
            .and_then(|at| at.elapsed().ok());
        let rest = if age.is_some_and(|age| age > KEPT) {
            run.path()
        } else {
            run.path().join("data")
        };
        let _ = fs::remove_dir_all(rest); // gone already, or another sweep is at it
    }
}

/// Whether the process that made a folder of this name still runs.
fn alive(name: &str) -> bool {
    let id = name.rsplit('-').next().and_then(|id| id.parse().ok());
    id.and_then(Pid::from_raw)
        .is_some_and(|pid| test_kill_process(pid).is_ok())
}
