//! The only file of the demo that prints: numbered steps with their seconds, commands, and what they answer.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a demo is read on a terminal"
)]

use std::time::Instant;

/// Tells the steps.
pub(crate) struct Teller {
    begin: Instant,
    step: Instant,
    number: usize,
}

impl Teller {
    pub(crate) fn new() -> Self {
        Self {
            begin: Instant::now(),
            step: Instant::now(),
            number: 0,
        }
    }

    /// Begins a step.
    pub(crate) fn step(&mut self, title: &str) {
        self.number += 1;
        self.step = Instant::now();
        println!("\n[{:>2}] {title}", self.number);
    }

    /// What the step has brought, with the seconds since it began.
    pub(crate) fn done(&self, what: &str) {
        println!("     {what}  ({:.1} s)", self.step.elapsed().as_secs_f32());
    }

    /// A line.
    pub(crate) fn say(line: &str) {
        println!("     {line}");
    }

    /// A command, as it is typed, and what it printed.
    pub(crate) fn command(command: &str, printed: &str) {
        Self::answer(&format!("$ {command}"), printed);
    }

    /// A question, and what was answered.
    pub(crate) fn answer(asked: &str, printed: &str) {
        println!("     {asked}");
        for line in printed.lines() {
            println!("       {line}");
        }
    }

    /// The end of all of it.
    pub(crate) fn end(&self) {
        println!(
            "\nDone after {:.1} s; every process is ended.",
            self.begin.elapsed().as_secs_f32()
        );
    }

    /// What went wrong.
    pub(crate) fn fail(&self, error: &anyhow::Error) {
        eprintln!(
            "\nStep {} failed after {:.1} s: {error:#}",
            self.number,
            self.step.elapsed().as_secs_f32()
        );
    }
}
