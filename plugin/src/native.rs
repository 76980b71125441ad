//! `policy native`: policies and wirings as admission policies of the API server, each with what it does not cover.

use std::fmt::Write;

use serde_json::{Value, json};
use thanos_core::native::{self, COVERS, DIFFERS, FailurePolicy, LEAVES};

use crate::cli::{Global, NativeFormat, OnFailure, PolicyNativeArgs, PolicyWorldArgs, WorldArgs};
use crate::facts::Known;
use crate::failure::{Ending, Failure};
use crate::paths;
use crate::ui::{self, Ui};
use crate::yaml;

/// The column up to which a comment goes.
const WIDTH: usize = 98;

/// Runs the verb.
pub(crate) fn run(
    args: &PolicyNativeArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let around = PolicyWorldArgs {
        policies: args.filenames.clone(),
        world: WorldArgs {
            wirings: args.wirings.clone(),
            ..WorldArgs::default()
        },
    };
    paths::stdin_once(&paths::of_policies(&[], &[], &around))?;
    let known = Known::of_policy_files(&around, global, ui)?;
    let failure = match args.failure_policy {
        OnFailure::Fail => FailurePolicy::Fail,
        OnFailure::Ignore => FailurePolicy::Ignore,
    };
    let now = ui.surroundings().now;
    let rules = &known.rules;
    let policies = rules.policies().iter();
    let mut objects: Vec<Value> = policies
        .flat_map(|policy| native::validating(policy, rules, now, failure))
        .collect();
    objects.extend(
        rules
            .wirings()
            .iter()
            .flat_map(|wiring| native::mutating(wiring)),
    );
    match args.output {
        NativeFormat::Json => {
            ui.json(&json!({"apiVersion": "v1", "kind": "List", "items": objects}))?;
        }
        NativeFormat::Yaml => {
            let documents: Vec<String> = objects.iter().map(document).collect();
            ui.text(&documents.join("---\n"))?;
        }
    }
    Ok(Ending::Fine)
}

/// An object behind a comment that says what its annotations say.
fn document(object: &Value) -> String {
    let mut text = String::new();
    // A binding has the annotations of its policy.
    if object["spec"]["policyName"].is_null() {
        for (key, title) in [
            (COVERS, "Covers"),
            (DIFFERS, "Differs"),
            (LEAVES, "Does not cover"),
        ] {
            let said = object["metadata"]["annotations"][key].as_str();
            for one in said.into_iter().flat_map(|said| said.split("; ")) {
                let wrapped = ui::wrapped(&format!("{title}: {one}"), 2, WIDTH);
                for line in wrapped.lines() {
                    let _ = writeln!(text, "# {}", line.trim_end());
                }
            }
        }
    }
    text + &yaml::to_string(object)
}
