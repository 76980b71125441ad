//! The report of `why` in lines for people.

use std::fmt::Write;

use thanos_core::codes;

use super::trace::Passed;
use super::{Report, State, Why};
use crate::failure::Failure;
use crate::ui::{Paint, Stream, Ui};

pub(super) fn tell(report: &Report, ui: &mut Ui<'_>) -> Result<(), Failure> {
    let mut text = String::new();
    for (at, why) in report.objects.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        object(why, &mut text, ui);
    }
    ui.text(&text)?;
    if !report.assumed.is_empty() {
        ui.tell(
            codes::ASSUMED,
            format!(
                "assumed: {}; --facts or --live makes sure",
                report.assumed.join("; ")
            ),
        );
    }
    Ok(())
}

fn object(why: &Why, text: &mut String, ui: &Ui<'_>) {
    let state = paint(why.state, ui);
    let reason = match why.state {
        State::Wired | State::Left => format!("   {} {}", why.finding.code, why.finding.sentence),
        State::WouldBeWired | State::WouldBeUnwired => String::new(),
    };
    let _ = writeln!(text, "{}   {state}{reason}", why.object.title());
    for of in &why.wirings {
        let _ = writeln!(text, "  wiring {}   {}", of.wiring, paint(of.state, ui));
        for step in &of.steps {
            let sign = match step.result {
                Passed::Yes => ui.paint(Stream::Out, Paint::Good, "ok"),
                Passed::No => ui.paint(Stream::Out, Paint::Bad, "no"),
                Passed::NotReached => ui.paint(Stream::Out, Paint::Dim, "--"),
            };
            let _ = writeln!(text, "    {sign}  {:<12}{}", step.word(), step.said);
        }
    }
    if !why.changes.is_empty() {
        let _ = writeln!(text, "  change   {}", why.changes.join(" "));
    }
    for effect in &why.effects {
        let _ = writeln!(text, "  effect   {effect}");
    }
    // What left a wiring is said at its step.
    let said = |code: &str| {
        why.wirings
            .iter()
            .any(|of| of.state == State::Left && of.finding.code == code)
    };
    for warning in why.warnings.iter().filter(|warning| !said(warning.code)) {
        let sign = ui.paint(Stream::Out, Paint::Warn, "warning");
        let _ = writeln!(text, "  {sign}  {} {}", warning.code, warning.sentence);
    }
    if let Some(hint) = why.hint {
        let _ = writeln!(text, "  hint     {hint}");
    }
    if why.state == State::Left || why.wirings.iter().any(|of| of.state == State::Left) {
        let code = why
            .wirings
            .iter()
            .find(|of| of.state == State::Left)
            .map_or(why.finding.code, |of| of.finding.code);
        let _ = writeln!(text, "  more     kubectl thanos explain {code}");
    }
}

fn paint(state: State, ui: &Ui<'_>) -> String {
    let paint = match state {
        State::Wired | State::WouldBeWired => Paint::Good,
        State::WouldBeUnwired | State::Left => Paint::Warn,
    };
    ui.paint(Stream::Out, paint, &state.words().to_uppercase())
}
