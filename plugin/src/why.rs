//! `kubectl thanos why`: why an object is wired, or why not, step by step.

use std::path::Path;

use json_patch::PatchOperation;
use serde::Serialize;
use serde_json::Value;
use thanos_core::decision::Warning;
use thanos_core::{Outcome, Reason, Subject, codes, names};

use crate::ask::{Objects, Question};
use crate::cli::{Global, ReportFormat, WhyArgs};
use crate::facts::Known;
use crate::failure::{Ending, Failure};
use crate::files;
use crate::judge::{self, Finding, Judge, Judged, ObjectName};
use crate::paths;
use crate::ui::Ui;
use crate::yaml;

mod tell;
mod trace;

use trace::Step;

/// The report.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    api_version: &'static str,
    kind: &'static str,
    assumed: Vec<&'static str>,
    objects: Vec<Why>,
}

/// Why one object is wired, or why not.
#[derive(Debug, Serialize)]
struct Why {
    object: ObjectName,
    state: State,
    #[serde(flatten)]
    finding: Finding,
    wirings: Vec<OfWiring>,
    changes: Vec<String>,
    effects: Vec<String>,
    warnings: Vec<Finding>,
    patch: Vec<PatchOperation>,
    #[serde(skip)]
    hint: Option<&'static str>,
}

/// What one wiring comes to.
#[derive(Debug, Serialize)]
struct OfWiring {
    wiring: String,
    state: State,
    #[serde(flatten)]
    finding: Finding,
    steps: Vec<Step>,
}

/// How things stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// It is wired.
    Wired,
    /// It is not wired, or not so, and would be by the shown change.
    WouldBeWired,
    /// A wiring is in it, and would be taken out by the shown change.
    WouldBeUnwired,
    /// It stays as it is.
    Left,
}

/// Runs the verb.
pub(crate) fn run(args: &WhyArgs, global: &Global, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    savable(args)?;
    let object = args.object.as_deref();
    let question = Question {
        object,
        filenames: &args.filenames,
        world: &args.world,
        all_namespaces: false,
    };
    let answer = question.ask(global, ui)?;
    let values = answer.values(object)?;
    let judge = Judge::new(&answer.known);
    let objects: Vec<Why> = values
        .into_iter()
        .filter_map(|value| why(value, &judge, &answer.known))
        .collect();
    let assumed = answer.known.world.assumptions(&answer.known.rules);
    let report = Report {
        api_version: names::API_VERSION,
        kind: "WhyReport",
        assumed,
        objects,
    };
    match args.output {
        ReportFormat::Json => ui.json(&serde_json::to_value(&report).unwrap_or(Value::Null))?,
        ReportFormat::Text => tell::tell(&report, ui)?,
    }
    if let Some(path) = &args.save_facts {
        save(path, &answer.known, ui)?;
    }
    let stored = matches!(answer.objects, Objects::Stored(_));
    let fine = report.objects.iter().all(|why| why.is_fine(stored));
    Ok(if fine { Ending::Fine } else { Ending::Findings })
}

/// Whether `--save-facts` can write anything, and over nothing that is read.
fn savable(args: &WhyArgs) -> Result<(), Failure> {
    let reads = paths::of_world(&args.filenames, &args.world);
    paths::apart("--save-facts", args.save_facts.as_deref(), &reads)?;
    let is_known = args.filenames.is_empty() || args.world.live || args.world.facts.is_some();
    if args.save_facts.is_some() && !is_known {
        let sentence = "--save-facts has nothing to save: without --live nothing is known";
        return Err(
            Failure::usage(sentence).hint("add --live, or ask for an object in the cluster")
        );
    }
    Ok(())
}

fn why(value: &Value, judge: &Judge<'_>, known: &Known) -> Option<Why> {
    let judged = judge.judge(value)?;
    let edits = judged.decision.edits();
    let mut wirings = Vec::new();
    if let Ok(subject) = Subject::read(value, None, &known.namespace) {
        let facts = judge.facts(&subject);
        let assumed = trace::Assumed {
            credentials: known.world.assumes_credentials(),
            crd: known.world.assumes_crd(subject.kind),
        };
        let lacks = |wiring: &str| {
            let mut warnings = judged.decision.warnings.iter();
            warnings.any(
                |warning| matches!(warning, Warning::DefaultNotGiven { wiring: of, .. } if &**of == wiring),
            )
        };
        for (name, outcome) in &judged.decision.outcomes {
            let wiring = known.rules.wiring(name);
            let steps = wiring
                .map(|wiring| {
                    let world = trace::World {
                        facts: &facts,
                        assumed,
                        lacks_default: lacks(name),
                    };
                    trace::trace(wiring, &subject, &world, outcome)
                })
                .unwrap_or_default();
            wirings.push(OfWiring {
                wiring: name.to_string(),
                state: state(outcome),
                finding: finding(outcome),
                steps,
            });
        }
    }
    let verdict = judged.reason().map_or_else(
        || Finding::new(judged.decision.code(), judged.decision.code().title),
        |reason| Finding::new(reason.code(), reason),
    );
    Some(Why {
        state: State::of(&judged),
        finding: verdict,
        wirings,
        changes: judge::changes(value, edits),
        effects: judged.effects().iter().map(ToString::to_string).collect(),
        warnings: judged.findings(),
        patch: edits.to_vec(),
        hint: judged.hint(),
        object: judged.object,
    })
}

fn state(outcome: &Outcome) -> State {
    match outcome {
        Outcome::Wire => State::WouldBeWired,
        Outcome::Unwire(_) => State::WouldBeUnwired,
        Outcome::Leave(Reason::AlreadyWired) => State::Wired,
        Outcome::Leave(_) => State::Left,
    }
}

impl State {
    /// How things stand with an object.
    pub(crate) fn of(judged: &Judged) -> Self {
        let any = |wanted| {
            judged
                .decision
                .outcomes
                .iter()
                .any(|(_, outcome)| state(outcome) == wanted)
        };
        match judged.reason() {
            Some(Reason::AlreadyWired) => State::Wired,
            None if any(State::WouldBeWired) => State::WouldBeWired,
            None if any(State::WouldBeUnwired) => State::WouldBeUnwired,
            _ if any(State::Wired) => State::Wired,
            _ => State::Left,
        }
    }

    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            State::Wired => "wired",
            State::WouldBeWired => "would be wired",
            State::WouldBeUnwired => "would be un-wired",
            State::Left => "not wired",
        }
    }
}

fn finding(outcome: &Outcome) -> Finding {
    match outcome {
        Outcome::Wire => Finding::new(codes::WIRED, "nothing stands in the way"),
        Outcome::Unwire(reason) | Outcome::Leave(reason) => Finding::new(reason.code(), reason),
    }
}

impl Why {
    /// Whether it is wired; for an object in a file, whether it would be once it is created.
    fn is_fine(&self, stored: bool) -> bool {
        self.state == State::Wired || (self.state == State::WouldBeWired && !stored)
    }
}

/// Writes what was known as a facts file, and the CRDs beside it.
fn save(path: &Path, known: &Known, ui: &mut Ui<'_>) -> Result<(), Failure> {
    let written = known.world.written(path);
    for (file, crd) in &written.crds {
        files::write(file, yaml::to_string(crd).as_bytes())?;
        ui.say(format!("wrote {}", file.display()));
    }
    files::write(path, yaml::to_string(&written.facts).as_bytes())?;
    ui.say(format!("wrote {}", path.display()));
    Ok(())
}
