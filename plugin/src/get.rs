//! `kubectl thanos get`.

use crate::cli::{GetArgs, Global};
use crate::failure::{Ending, Failure};
use crate::ui::Ui;

/// Runs the verb.
pub(crate) async fn run(
    args: &GetArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let _ = (args, global, ui);
    Err(Failure::failed("get is not written yet"))
}
