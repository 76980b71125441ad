//! `kubectl thanos enroll`.

use crate::cli::{EnrollArgs, Global};
use crate::failure::{Ending, Failure};
use crate::ui::Ui;

/// Runs the verb.
pub(crate) async fn run(
    args: &EnrollArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let _ = (args, global, ui);
    Err(Failure::failed("enroll is not written yet"))
}
