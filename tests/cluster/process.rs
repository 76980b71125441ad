//! A program to start, and the process that it became: its log, its readiness, its end.

use std::ffi::OsString;
use std::future::Future;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io};

use anyhow::{Context, Error, Result, anyhow, bail};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::command::{self, Output};
use crate::{Run, tools, wait, watchdog};

/// As many lines of a log as a failure shows.
const TAIL: usize = 40;

/// What is to be started.
#[derive(Clone, Debug)]
pub struct Program {
    name: String,
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

impl Program {
    /// A program by its path, named after its file.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned();
        Self {
            name,
            path,
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// A real program that `make tools` built.
    ///
    /// # Errors
    /// When it is not built.
    pub fn tool(name: &str) -> Result<Self> {
        tools::tool(name).map(Self::at)
    }

    /// One of our own programs.
    ///
    /// # Errors
    /// When it is not built.
    pub fn ours(name: &str) -> Result<Self> {
        tools::ours(name).map(Self::at)
    }

    /// Another name for its log and for messages, where several of one program run.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// The same command as the last arguments of another one, which says from where it is run.
    pub(crate) fn through(mut self, other: &str, before: Vec<OsString>) -> Self {
        let own = std::mem::replace(&mut self.path, PathBuf::from(other));
        self.arguments = before
            .into_iter()
            .chain([own.into_os_string()])
            .chain(self.arguments)
            .collect();
        self
    }

    /// Starts it in a process group of its own, watched, with both outputs in `NAME.log` of the run.
    ///
    /// # Errors
    /// When it cannot be started at all. That it ends early is [`Process::ready`]'s to say.
    pub fn start(self, run: &Run) -> Result<Process> {
        let log = run.log(&self.name);
        let output = fs::File::create(&log).with_context(|| format!("making {}", log.display()))?;
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", watchdog::REGISTER, "sh"])
            .arg(&self.path)
            .args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(watchdog::pipe_to_watchdog()?);
        command
            .stdout(output.try_clone().context("a second end of the log")?)
            .stderr(output);
        let child = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", self.name))?;
        Ok(Process {
            name: self.name,
            child,
            status: None,
            log,
            run: run.clone(),
        })
    }

    /// Runs it to its end and gives what it printed.
    ///
    /// # Errors
    /// When it cannot be started, or hangs.
    pub async fn output(self) -> Result<Output> {
        self.output_for(&[]).await
    }

    /// Runs it to its end with this on its standard input.
    ///
    /// # Errors
    /// When it cannot be started, or hangs.
    pub async fn output_for(self, input: &[u8]) -> Result<Output> {
        self.output_within(command::PATIENCE, input).await
    }

    /// The same where it may take longer than commands usually do.
    ///
    /// # Errors
    /// When it cannot be started, or hangs: with what it has said.
    pub async fn output_within(self, patience: Duration, input: &[u8]) -> Result<Output> {
        let mut command = tokio::process::Command::new(&self.path);
        command
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .process_group(0);
        let mut child = command
            .spawn()
            .with_context(|| format!("starting {}", self.name))?;
        let _watched = child.id().map(watchdog::Watched::new).transpose()?;
        let mut pipe = child.stdin.take().context("its standard input")?;
        let mut stdout = child.stdout.take().context("its standard output")?;
        let mut stderr = child.stderr.take().context("its standard error")?;
        let (mut said, mut told) = (Vec::new(), Vec::new());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let feed = async {
            // A program may end without reading everything; that is its right.
            let _ = pipe.write_all(input).await;
            drop(pipe);
            Ok(0)
        };
        let all = async {
            tokio::try_join!(
                feed,
                stdout.read_to_end(&mut said),
                stderr.read_to_end(&mut told)
            )?;
            child.wait().await
        };
        let Ok(ended) = tokio::time::timeout(patience, all).await else {
            bail!(
                "{} hangs, after {} s; so far it said:\n{}{}",
                self.name,
                patience.as_secs(),
                text(&told),
                text(&said)
            );
        };
        let status = ended.context("reading its output")?;
        Ok(Output {
            code: status.code(),
            stdout: text(&said),
            stderr: text(&told),
        })
    }
}

/// A running program. Dropped, it is killed with everything it started; while a test panics, it then prints the end of
/// its log.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    status: Option<ExitStatus>,
    log: PathBuf,
    run: Run,
}

impl Process {
    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id, which is its group's too.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The file that holds both of its outputs.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The run it belongs to.
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The last lines of its log that a failure shows, under a line that names the file.
    pub fn log_tail(&self) -> String {
        self.log_end(TAIL)
    }

    /// As many of the last lines of its log, under a line that names the file.
    pub fn log_end(&self, lines: usize) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let all: Vec<&str> = text.lines().collect();
        let tail = all[all.len().saturating_sub(lines)..].join("\n");
        format!(
            "---- {}: the end of {}\n{tail}",
            self.name,
            self.log.display()
        )
    }

    /// Whether it has ended. It stays a zombie until it is dropped: only so its group's number cannot come to mean
    /// another process.
    pub fn has_ended(&self) -> bool {
        if self.status.is_some() {
            return true;
        }
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(waitid(WaitId::Pid(self.pid()), look), Ok(None))
    }

    /// Waits until `probe` is fine with it.
    ///
    /// # Errors
    /// When it ends before that or the time is over; with the end of its log.
    pub async fn ready<F>(&self, within: Duration, mut probe: impl FnMut() -> F) -> Result<()>
    where
        F: Future<Output = Result<()>>,
    {
        let deadline = Instant::now() + within;
        loop {
            let Err(error) = tokio::time::timeout(within, probe())
                .await
                .map_err(Error::from)
                .flatten()
            else {
                return Ok(());
            };
            if self.has_ended() {
                bail!(
                    "{} ended before it was ready\n{}",
                    self.name,
                    self.log_tail()
                );
            }
            if Instant::now() >= deadline {
                let late = format!(
                    "{} was not ready within {} s",
                    self.name,
                    within.as_secs_f32()
                );
                return Err(error.context(self.log_tail()).context(late));
            }
            tokio::time::sleep(wait::PACE).await;
        }
    }

    /// Sends a signal to the program alone, not to what it started.
    ///
    /// # Errors
    /// When it is no longer there.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(self.pid(), signal).with_context(|| format!("{signal:?} to {}", self.name))
    }

    /// Asks it to end (SIGTERM), as Kubernetes does, and gives how it ended.
    ///
    /// # Errors
    /// When it is still there after `within`; it is killed then.
    pub async fn stop(mut self, within: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.ended(within).await?;
        self.reap()
            .with_context(|| format!("the exit status of {}", self.name))
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// When it is still there after `within`; with the end of its log.
    pub async fn ended(&self, within: Duration) -> Result<()> {
        let deadline = Instant::now() + within;
        while !self.has_ended() {
            if Instant::now() >= deadline {
                return Err(anyhow!(
                    "{} still runs after {} s\n{}",
                    self.name,
                    within.as_secs_f32(),
                    self.log_tail()
                ));
            }
            tokio::time::sleep(wait::PACE).await;
        }
        Ok(())
    }

    /// How much memory it holds now (VmRSS), in bytes.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.id())).context("its memory")?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("no VmRSS")?;
        let kib: u64 = line
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .context("VmRSS is no number")?;
        Ok(kib * 1024)
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Kills the group while its leader still holds the number, then lets go of the number.
    fn reap(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        let _ = kill_process_group(self.pid(), Signal::KILL); // gone already
        let status = self.child.wait()?;
        // After the end: what the group wrote to the watchdog is all there. Untold, it would kill a group that is gone.
        let _ = watchdog::forget(self.child.id());
        self.status = Some(status);
        Ok(status)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        #[expect(
            clippy::print_stderr,
            reason = "the test harness shows a failed test's standard error"
        )]
        if std::thread::panicking() && self.status.is_none() {
            eprintln!("{}", self.log_tail());
        }
        let _ = self.reap(); // nothing is left to do about it
    }
}
