//! `kubectl thanos diff`.

use crate::cli::{DiffArgs, Global};
use crate::failure::{Ending, Failure};
use crate::ui::Ui;

/// Runs the verb.
pub(crate) fn run(args: &DiffArgs, global: &Global, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let _ = (args, global, ui);
    Err(Failure::failed("diff is not written yet"))
}
