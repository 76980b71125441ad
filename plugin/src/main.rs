//! The entrance: this process's arguments and streams in, the exit code out.

use std::io;
use std::process::ExitCode;

use kubectl_thanos::{Surroundings, run_in};

/// A command lives for a moment and reads many small values: a third of `inject` was the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let surroundings = Surroundings::of_process();
    // One write per buffer, not one per line.
    let mut stdout = io::BufWriter::with_capacity(64 * 1024, io::stdout());
    let code = run_in(
        &surroundings,
        std::env::args_os(),
        &mut io::stdin(),
        &mut stdout,
        &mut io::stderr(),
    );
    ExitCode::from(code)
}
