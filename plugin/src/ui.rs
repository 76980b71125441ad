//! The only file that prints. Data goes to standard output, talk to standard error.
//!
//! | for | call |
//! |---|---|
//! | the result | [`Ui::data`], [`Ui::text`], [`Ui::json`] |
//! | what is being done | [`Ui::say`]; silent under `-q` |
//! | more of it | [`Ui::detail`]; only under `-v` |
//! | what has a code | [`Ui::tell`]: Note, Warning or Error by its severity |
//! | what has none | [`Ui::note`], [`Ui::hint`] |
//! | a question | [`Ui::ask`] |
//!
//! Colours only on a terminal and never under `NO_COLOR`, but `--color` says it last. Control characters, which
//! could come from a hostile manifest, are written as escapes.

use std::ffi::OsString;
use std::io::{self, Read, Write};

use serde_json::Value;
use thanos_core::codes;

use crate::cli::{Colour, Global};
use crate::failure::{Ending, Failure, Kind};
use crate::surroundings::Surroundings;

mod journal;
mod talk;
mod text;

pub use journal::Journal;
use text::clean;
pub use text::{Paint, one_line, table, wrapped};

/// Which stream a painted text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// The three streams, and how to use them.
pub struct Ui<'a> {
    surroundings: &'a Surroundings,
    stdin: &'a mut dyn Read,
    stdout: &'a mut dyn Write,
    stderr: &'a mut dyn Write,
    colour: Colour,
    quiet: bool,
    verbose: u8,
    journal: Journal,
}

impl<'a> Ui<'a> {
    /// Streams in their surroundings, before anybody has given a flag.
    pub fn new(
        surroundings: &'a Surroundings,
        stdin: &'a mut dyn Read,
        stdout: &'a mut dyn Write,
        stderr: &'a mut dyn Write,
    ) -> Self {
        Self {
            surroundings,
            stdin,
            stdout,
            stderr,
            colour: Colour::Auto,
            quiet: false,
            verbose: 0,
            journal: Journal::new(surroundings.is_process),
        }
    }

    /// Heeds the flags.
    pub fn set(&mut self, global: &Global) {
        self.colour = global.color;
        self.quiet = global.quiet;
        self.verbose = global.verbose;
    }

    /// What the process found around it.
    pub fn surroundings(&self) -> &'a Surroundings {
        self.surroundings
    }

    /// Standard input, for data.
    pub fn stdin(&mut self) -> &mut dyn Read {
        self.stdin
    }

    /// Writes a part of the result to standard output, as it is.
    pub fn data(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.stdout
            .write_all(bytes)
            .map_err(|error| unwritable(&error))
    }

    /// Writes lines of the result that are meant for people; control characters are escaped.
    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        let typed = self.typed(text);
        let text = clean(&typed, self.paints(Stream::Out));
        self.data(text.as_bytes())
    }

    /// Writes the result as exactly one JSON document.
    pub fn json(&mut self, value: &Value) -> Result<(), Failure> {
        self.data(format!("{value:#}\n").as_bytes())
    }

    /// Whether standard output is this process's own and a terminal.
    pub fn has_terminal(&self) -> bool {
        self.surroundings.is_process && self.surroundings.terminals[1]
    }

    /// Writes out what is kept back of the result.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.stdout.flush().map_err(|error| unwritable(&error))
    }

    /// A text in a colour, where that stream has colours.
    pub fn paint(&self, stream: Stream, paint: Paint, text: &str) -> String {
        if self.paints(stream) {
            format!("{}{text}\x1b[0m", paint.sequence())
        } else {
            text.to_owned()
        }
    }

    /// Goes on only where a question is answered with yes.
    ///
    /// # Errors
    /// It is not (exit code 1), or nobody could answer (KTH0010, exit code 2).
    pub async fn confirm(&mut self, question: &str) -> Result<(), Failure> {
        if self.ask(question).await? {
            Ok(())
        } else {
            Err(Failure::failed("nothing was done"))
        }
    }

    /// Asks a question that is answered with yes or no; no is the default.
    ///
    /// # Errors
    /// Standard input is no terminal, so nobody could answer (KTH0010, exit code 2).
    async fn ask(&mut self, question: &str) -> Result<bool, Failure> {
        if !self.surroundings.terminals[0] {
            return Err(Failure::usage(
                "a question cannot be asked: standard input is no terminal",
            )
            .code(codes::CONFIRMATION_IMPOSSIBLE)
            .hint("add --yes, or look first with --dry-run"));
        }
        let _ = write!(self.stderr, "{} [y/N] ", clean(question, false));
        let _ = self.stderr.flush();
        let mut answer = String::new();
        if self.surroundings.is_process {
            // In a thread of its own, so that Ctrl-C is heard meanwhile.
            let read = tokio::task::spawn_blocking(|| {
                let mut answer = String::new();
                io::stdin().read_line(&mut answer).map(|_| answer)
            });
            answer = read.await.ok().and_then(Result::ok).unwrap_or_default();
        } else {
            let mut byte = [0];
            while self.stdin.read(&mut byte).is_ok_and(|read| read == 1) && byte[0] != b'\n' {
                answer.push(char::from(byte[0]));
            }
        }
        Ok(matches!(
            answer.trim().to_ascii_lowercase().as_str(),
            "y" | "yes"
        ))
    }

    /// Tells how a command ended, and gives its exit code.
    pub fn end(&mut self, ended: Result<Ending, Failure>) -> u8 {
        let flushed = self.stdout.flush().map_err(|error| unwritable(&error));
        self.tell_journal();
        match ended.and_then(|ending| flushed.map(|()| ending)) {
            Ok(ending) => ending.exit_code(),
            Err(failure) => {
                self.fail(&failure);
                failure.kind.exit_code()
            }
        }
    }

    /// Prints what clap has to say: help to standard output, misuse to standard error, with what may have been meant.
    /// Gives the exit code.
    pub fn usage(&mut self, error: &clap::Error, args: &[OsString], hints: &[String]) -> u8 {
        self.colour = args
            .iter()
            .filter_map(|word| match word.to_str()? {
                "--color=always" => Some(Colour::Always),
                "--color=never" => Some(Colour::Never),
                _ => None,
            })
            .next_back()
            .unwrap_or_default();
        let stream = if error.use_stderr() {
            Stream::Err
        } else {
            Stream::Out
        };
        let rendered = error.render();
        let mut text = if let Some(wrong) = rendered.to_string().strip_prefix("error: ") {
            let word = self.paint(Stream::Err, Paint::Bad, "Error:");
            format!("{word} {} {wrong}", codes::USAGE)
        } else if self.paints(stream) {
            rendered.ansi().to_string()
        } else {
            rendered.to_string()
        };
        for hint in hints {
            let word = self.paint(stream, Paint::Place, "Hint:");
            text = format!("{text}{word} {hint}\n");
        }
        let to: &mut dyn Write = match stream {
            Stream::Out => self.stdout,
            Stream::Err => self.stderr,
        };
        let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
        u8::try_from(error.exit_code()).unwrap_or(2)
    }

    fn paints(&self, stream: Stream) -> bool {
        let around = self.surroundings;
        match self.colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                let terminal = around.terminals[if stream == Stream::Out { 1 } else { 2 }];
                let forbidden = around.variable("NO_COLOR").is_some()
                    || around.variable("TERM") == Some("dumb");
                terminal && !forbidden
            }
        }
    }
}

fn unwritable(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::new(Kind::NobodyListens, "nobody reads standard output");
    }
    Failure::failed("standard output cannot be written")
        .code(codes::FILE_UNWRITABLE)
        .from_chain(error)
}
