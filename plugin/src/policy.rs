//! `kubectl thanos policy`: writing, testing and looking through policies.

use crate::cli::{Global, PolicyArgs, PolicyVerb};
use crate::failure::{Ending, Failure};
use crate::ui::Ui;

mod audit;
mod init;
mod rules;
mod show;
mod test;

/// The one match over its verbs.
pub(crate) fn run(args: &PolicyArgs, global: &Global, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    match &args.verb {
        PolicyVerb::Test(args) => test::run(args, ui),
        PolicyVerb::Audit(args) => audit::run(args, global, ui),
        PolicyVerb::Show(args) => show::run(args, global, ui),
        PolicyVerb::Init(args) => init::run(args, ui),
        PolicyVerb::Rules(args) => rules::run(args, ui),
        PolicyVerb::Native(args) => crate::native::run(args, global, ui),
    }
}
