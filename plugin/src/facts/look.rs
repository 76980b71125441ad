//! The look at the world, once, before anything is decided: rules and facts from files, from the cluster, or assumed.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use thanos_core::{Rules, codes, wiring};

use super::{World, wirings};
use crate::cli::{Global, WorldArgs};
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::inputs;
use crate::ui::Ui;

/// All that is known when the deciding begins.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) rules: Rules,
    pub(crate) world: World,
    /// The namespace of objects that name none.
    pub(crate) namespace: String,
    /// Whether nobody has named it.
    pub(crate) is_namespace_assumed: bool,
}

impl Known {
    /// Nothing: for what needs no knowledge.
    pub(crate) fn nothing(global: &Global, ui: &Ui<'_>) -> Self {
        Self {
            rules: Rules::default(),
            world: World::assumed(ui.surroundings().now),
            namespace: namespace(global),
            is_namespace_assumed: global.namespace.is_none(),
        }
    }

    /// Says what an admin should know of the wirings, though they are right.
    pub(crate) fn tell_warnings(&self, ui: &mut Ui<'_>) {
        for wiring in self.rules.wirings() {
            for fault in wiring.warnings() {
                ui.tell(fault.code, format!("wiring {}: {fault}", wiring.name));
            }
        }
    }

    /// Looks at the files that the command line names.
    pub(crate) fn of_files(
        args: &WorldArgs,
        global: &Global,
        ui: &mut Ui<'_>,
    ) -> Result<Self, Failure> {
        if args.wirings.is_empty() {
            return Err(Failure::usage("no wiring is given")
                .code(codes::NO_INPUTS)
                .hint("name a file with --wiring, or ask the cluster with --live"));
        }
        let now = ui.surroundings().now;
        let rules = wirings::of_files(&args.wirings, ui.stdin())?;
        let world = match &args.facts {
            None => World::assumed(now),
            Some(path) => of_file(path, now, ui.stdin())?,
        };
        Ok(Self {
            rules,
            world,
            namespace: namespace(global),
            is_namespace_assumed: global.namespace.is_none(),
        })
    }

    /// Looks at the cluster: wirings where no file names any, and what is known around these namespaces.
    pub(crate) async fn of_cluster(
        args: &WorldArgs,
        cluster: &Cluster,
        namespaces: &BTreeSet<String>,
        ui: &mut Ui<'_>,
    ) -> Result<Self, Failure> {
        let stored = cluster.wirings().await?;
        let rules = if args.wirings.is_empty() {
            of_objects(&stored, ui)
        } else {
            wirings::of_files(&args.wirings, ui.stdin())?
        };
        let namespaces: Vec<&str> = namespaces.iter().map(String::as_str).collect();
        let world = cluster.world(&namespaces, &stored).await?;
        Ok(Self {
            rules,
            world,
            namespace: cluster.namespace().to_owned(),
            is_namespace_assumed: false,
        })
    }
}

fn namespace(global: &Global) -> String {
    global
        .namespace
        .clone()
        .unwrap_or_else(|| "default".to_owned())
}

fn of_file(path: &PathBuf, now: Timestamp, stdin: &mut dyn Read) -> Result<World, Failure> {
    let inputs = inputs::read(std::slice::from_ref(path), stdin)?;
    let [input] = inputs.as_slice() else {
        let sentence = format!("{} is a folder: --facts takes one file", path.display());
        return Err(Failure::usage(sentence).code(codes::FACTS_INVALID));
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    World::read(input.source.name(), input.source.text(), folder, now)
}

/// The stored wirings that are right; each other one is warned of, as the webhook leaves it out, too.
fn of_objects(stored: &[Value], ui: &mut Ui<'_>) -> Rules {
    let mut right = Vec::new();
    for object in stored {
        match wiring::read(object) {
            Ok(wiring) => right.push(wiring.into()),
            Err(faults) => {
                let name = object
                    .pointer("/metadata/name")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                let sentences: Vec<String> = faults.iter().map(ToString::to_string).collect();
                ui.tell(
                    codes::WIRING_INVALID,
                    format!("wiring {name} is left out: {}", sentences.join("; ")),
                );
            }
        }
    }
    Rules::new(right)
}
