//! What holds for an object, in lines for people.

use thanos_core::policy::Enforcement;

use super::{Effective, Shown, Source};
use crate::ui::{self, Paint, Stream, Ui};

/// A line for the object, and a table of its rules.
pub(super) fn text(shown: &Shown, ui: &Ui<'_>) -> String {
    let title = ui.paint(Stream::Out, Paint::Bold, &shown.object.title());
    if shown.policies.is_empty() {
        return format!("{title}   no policy selects it\n");
    }
    let word = if shown.policies.len() == 1 {
        "policy"
    } else {
        "policies"
    };
    let cells = |rule: &Effective| {
        let (happens, by) = rule.said();
        vec![
            rule.rule.to_owned(),
            rule.code.to_owned(),
            happens.to_owned(),
            by.join(","),
            rule.note(),
        ]
    };
    let rows: Vec<Vec<String>> = shown.rules.iter().map(cells).collect();
    let table = ui::table(&["RULE", "CODE", "ENFORCEMENT", "POLICY", "NOTE"], &rows);
    format!("{title}   {word} {}\n{table}", shown.policies.join(", "))
}

impl Effective {
    /// What happens, and the policies that have it so.
    fn said(&self) -> (&'static str, Vec<&str>) {
        let happens = match self.enforcement {
            Some(Enforcement::Deny) => "Deny",
            Some(Enforcement::Warn) => "Warn",
            Some(Enforcement::Audit) => "Audit",
            None if self.sources.iter().any(|source| source.exemption.is_some()) => "exempt",
            None => "-",
        };
        let decides = |source: &&Source| match self.enforcement {
            Some(enforcement) => source.holds() && source.enforcement == enforcement,
            None => true,
        };
        let by = self.sources.iter().filter(decides);
        (happens, by.map(|source| source.policy.as_str()).collect())
    }

    /// Who lets the object off, and why the rule finds nothing.
    fn note(&self) -> String {
        let exempt = self.sources.iter().filter_map(|source| {
            let exemption = source.exemption.as_ref()?;
            let until = exemption.expires.as_ref();
            let until = until.map(|day| format!(" until {day}")).unwrap_or_default();
            Some(format!(
                "exempt by {}{until}: {}",
                source.policy, exemption.reason
            ))
        });
        let mut notes: Vec<String> = exempt.collect();
        let mut lacking = self.sources.iter().filter(|source| !source.holds());
        let lacks = lacking.find_map(|source| source.lacks);
        if let (None, Some(lacks)) = (self.enforcement, lacks) {
            notes.push(format!("finds nothing: {lacks} is not set"));
        }
        notes.join("; ")
    }
}
