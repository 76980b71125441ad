//! `kubectl thanos diff`: what wiring would change. Its exit codes are diff's: 0 none, 1 some, 2 an error.

use serde_json::Value;
use thanos_core::Decision;

use crate::ask::{Answer, Objects, Question};
use crate::cli::{DiffArgs, Global};
use crate::failure::{Ending, Failure, Kind};
use crate::inject::{self, Done, Work};
use crate::judge::{Judge, Judged};
use crate::ui::Ui;
use crate::yaml;

mod external;
pub(crate) mod mask;
mod unified;

/// Two texts that differ, secrets masked.
struct Pair {
    /// What the old one is called: a file, or an object in the cluster.
    name: String,
    /// What an external program may call both files.
    file: String,
    old: String,
    new: String,
    /// The line of the file on which both begin, counted from 0.
    first_line: usize,
}

/// Runs the verb.
pub(crate) fn run(args: &DiffArgs, global: &Global, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    compare(args, global, ui).map_err(|mut failure| {
        // 1 says that there are differences.
        if failure.kind == Kind::Failed {
            failure.kind = Kind::DiffFailed;
        }
        failure
    })
}

fn compare(args: &DiffArgs, global: &Global, ui: &mut Ui<'_>) -> Result<Ending, Failure> {
    let object = args.object.as_deref();
    let question = Question {
        object,
        filenames: &args.filenames,
        world: &args.world,
        all_namespaces: args.all_namespaces,
    };
    let answer = question.ask(global, ui)?;
    let pairs = match &answer.objects {
        Objects::Files(inputs) => {
            answer.values(None)?;
            of_files(&inject::work(inputs, &Judge::new(&answer.known))?, ui)
        }
        Objects::Stored(_) => of_stored(&answer, ui)?,
    };
    if pairs.is_empty() {
        ui.say("no differences");
        return Ok(Ending::Fine);
    }
    if let Some(program) = ui.surroundings().variable("KUBECTL_EXTERNAL_DIFF") {
        return external::show(program, &pairs, ui);
    }
    let text = unified::show(&pairs, ui);
    ui.text(&text)?;
    Ok(Ending::Differences)
}

fn of_files(work: &Work<'_>, ui: &mut Ui<'_>) -> Vec<Pair> {
    for done in &work.done {
        forewarn(&done.judged, ui);
    }
    let pair = |rewrite: &inject::Rewrite<'_>| {
        let here = |done: &&Done<'_>| {
            std::ptr::eq(done.document, rewrite.document) && !done.edits().is_empty()
        };
        Pair {
            name: rewrite.document.source().name().to_owned(),
            file: work
                .done
                .iter()
                .find(here)
                .map(|done| file_name(&done.judged))
                .unwrap_or_default(),
            old: mask::mask(rewrite.document.text()),
            new: mask::mask(&rewrite.text),
            first_line: rewrite.document.first_line() - 1,
        }
    };
    work.rewrites.iter().map(pair).collect()
}

fn of_stored(answer: &Answer, ui: &mut Ui<'_>) -> Result<Vec<Pair>, Failure> {
    let judge = Judge::new(&answer.known);
    let mut pairs = Vec::new();
    for value in answer.values(None)? {
        let Some(judged) = judge.judge(value) else {
            continue;
        };
        forewarn(&judged, ui);
        if !judged.decision.edits().is_empty() {
            let title = judged.object.title();
            let old = mask::mask(&printed(value));
            let new = mask::mask(&printed(&judged.decision.applied_to(value)));
            pairs.push(Pair {
                name: title,
                file: file_name(&judged),
                old,
                new,
                first_line: 0,
            });
        }
    }
    Ok(pairs)
}

/// An object without what only the server writes.
fn printed(value: &Value) -> String {
    let mut value = value.clone();
    if let Some(members) = value.as_object_mut() {
        members.shift_remove("status");
    }
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    yaml::to_string(&value)
}

/// Says what the change sets off, and what stands in the way, before anything is shown.
fn forewarn(judged: &Judged, ui: &mut Ui<'_>) {
    let title = judged.object.title();
    let Decision {
        verdict: _,
        outcomes: _,
        warnings,
        effects,
    } = &judged.decision;
    for effect in effects {
        ui.say(format!("{title}: {effect}"));
    }
    for warning in warnings {
        ui.tell(warning.code(), format!("{title}: {warning}"));
    }
    if let Some(hint) = judged.hint() {
        ui.hint(hint);
    }
}

/// `monitoring.coreos.com.v1.Prometheus.monitoring.k8s`, as kubectl diff names its files.
fn file_name(judged: &Judged) -> String {
    let object = &judged.object;
    let name = format!(
        "{}.{}.{}.{}",
        object.api_version.replace('/', "."),
        object.kind,
        object.namespace,
        object.name
    );
    let safe = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    name.chars()
        .map(|character| if safe(character) { character } else { '_' })
        .take(200)
        .collect()
}
