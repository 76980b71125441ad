//! `kubectl thanos init`.

use crate::cli::{Global, InitArgs};
use crate::failure::{Ending, Failure};
use crate::ui::Ui;

/// Runs the verb.
pub(crate) async fn run(
    args: &InitArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let _ = (args, global, ui);
    Err(Failure::failed("init is not written yet"))
}
