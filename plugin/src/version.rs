//! `kubectl thanos version`.

use crate::cli::VersionArgs;
use crate::failure::{Ending, Failure};
use crate::ui::Ui;

/// Runs the verb.
pub(crate) fn run(args: &VersionArgs, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let _ = (args, ui);
    Err(Failure::failed("version is not written yet"))
}
