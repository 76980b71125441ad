//! A shell that outlives this program by a moment and ends what it left running.
//!
//! It reads process groups from a pipe: `+ 123` to watch one, `- 123` to forget it. The end of the pipe means that this
//! program is gone, be it by `exit`, a signal or `kill -9`; then every group that is still known is killed.

use std::io::{PipeWriter, Write, pipe};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result};

const WATCH: &str = r#"
trap '' HUP INT TERM
groups=
while read -r sign group; do
  case $sign in
    +) groups="$groups $group" ;;
    -) rest=; for g in $groups; do [ "$g" = "$group" ] || rest="$rest $g"; done; groups=$rest ;;
  esac
done
for g in $groups; do kill -KILL "-$g" 2>/dev/null; done
"#;

/// Run by `sh -c` with the pipe as its standard input: registers itself before it becomes the program, so that there is
/// no moment at which the program runs unwatched.
pub(crate) const REGISTER: &str = r#"echo "+ $$" >&0; exec "$@" </dev/null"#;

/// The pipe to the watchdog of this process, which starts at the first call.
pub(crate) fn pipe_to_watchdog() -> Result<PipeWriter> {
    static PIPE: OnceLock<PipeWriter> = OnceLock::new();
    let writer = if let Some(writer) = PIPE.get() {
        writer
    } else {
        // Where two threads are here at once, the loser's watchdog sees its pipe close and ends.
        let started = start()?;
        PIPE.get_or_init(|| started)
    };
    writer
        .try_clone()
        .context("another end of the watchdog's pipe")
}

/// Forgets a process group whose leader was reaped, and whose number may mean another now.
pub(crate) fn forget(group: u32) -> Result<()> {
    writeln!(pipe_to_watchdog()?, "- {group}").context("telling the watchdog")
}

/// A group that is watched as long as this lives: for commands whose standard input is not the pipe.
pub(crate) struct Watched(u32);

impl Watched {
    /// Watches a group that has just been started.
    pub(crate) fn new(group: u32) -> Result<Self> {
        writeln!(pipe_to_watchdog()?, "+ {group}").context("telling the watchdog")?;
        Ok(Self(group))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = forget(self.0); // it would only kill a group that is gone
    }
}

fn start() -> Result<PipeWriter> {
    let (reader, writer) = pipe().context("a pipe for the watchdog")?;
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", WATCH])
        .stdin(reader)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // In a group of its own: Ctrl-C in the terminal must not reach it before us.
    command
        .process_group(0)
        .spawn()
        .context("starting the watchdog")?;
    Ok(writer)
}
