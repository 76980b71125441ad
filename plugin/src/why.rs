//! `kubectl thanos why`.

use crate::cli::{Global, WhyArgs};
use crate::failure::{Ending, Failure};
use crate::ui::Ui;

/// Runs the verb.
pub(crate) fn run(args: &WhyArgs, global: &Global, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let _ = (args, global, ui);
    Err(Failure::failed("why is not written yet"))
}
