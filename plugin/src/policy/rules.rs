//! `policy rules`: the catalogue.

use serde_json::{Value, json};
use thanos_core::decide::rules::{RULES, Rule};
use thanos_core::names;
use thanos_core::policy::Profile;

use crate::cli::{PolicyRulesArgs, ReportFormat};
use crate::failure::{Ending, Failure};
use crate::ui::{self, Ui};

/// Runs the verb.
pub(crate) fn run(args: &PolicyRulesArgs, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    match args.output {
        ReportFormat::Json => ui.json(&data())?,
        ReportFormat::Text => {
            let row = |rule: &Rule| {
                let words = [rule.id(), rule.code.code, profile(rule), rule.code.title];
                words.map(str::to_owned).to_vec()
            };
            let rows: Vec<Vec<String>> = RULES.iter().map(row).collect();
            ui.text(&ui::table(
                &["RULE", "CODE", "PROFILE", "REFUSES THAT"],
                &rows,
            ))?;
        }
    }
    Ok(Ending::Fine)
}

fn data() -> Value {
    let row = |rule: &Rule| {
        json!({
            "id": rule.id(), "code": rule.code.code, "profile": profile(rule), "since": format!("v{}", rule.since),
            "about": if rule.is_about_secrets() { "Secret" } else { "object" },
            "title": rule.code.title, "cause": rule.code.cause, "fix": rule.code.fix,
        })
    };
    let items: Vec<Value> = RULES.iter().map(row).collect();
    json!({"apiVersion": names::API_VERSION, "kind": "PolicyRuleList", "items": items})
}

/// The profile that brings it, which is also the least strict that has it.
fn profile(rule: &Rule) -> &'static str {
    match rule.profile {
        Profile::None => "None",
        Profile::Baseline => "Baseline",
        Profile::Restricted => "Restricted",
    }
}
