//! `kubectl thanos version`: what this program is. Asks nobody.

use serde_json::json;

use crate::cli::{ReportFormat, VersionArgs};
use crate::failure::{Ending, Failure};
use crate::ui::Ui;

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Runs the verb.
pub(crate) fn run(args: &VersionArgs, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    match args.output {
        ReportFormat::Text => ui.text(&format!("kubectl-thanos {VERSION}\n"))?,
        ReportFormat::Json => ui.json(&json!({
            "version": VERSION,
            "apiVersion": thanos_core::names::API_VERSION,
            "os": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
        }))?,
    }
    Ok(Ending::Fine)
}
