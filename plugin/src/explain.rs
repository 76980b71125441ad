//! `kubectl thanos explain`.

use crate::cli::ExplainArgs;
use crate::failure::{Ending, Failure};
use crate::ui::Ui;

/// Runs the verb.
pub(crate) fn run(args: &ExplainArgs, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let _ = (args, ui);
    Err(Failure::failed("explain is not written yet"))
}
