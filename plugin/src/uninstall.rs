//! stub
use crate::cli::{Global, UninstallArgs};
use crate::failure::{Ending, Failure};
use crate::ui::Ui;
pub(crate) async fn run(_: &UninstallArgs, _: &Global, _: &mut Ui<'_>) -> Result<Ending, Failure> {
    Ok(Ending::Fine)
}
