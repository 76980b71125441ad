//! The look at the world, once, before anything is decided: rules and facts from files, from the cluster, or assumed.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use thanos_core::{Policy, Rules, codes};

use super::ours::{POLICY, WIRING};
use super::{World, wirings};
use crate::cli::{Global, PolicyWorldArgs, WorldArgs};
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
        Self::of_some_files(args, global, ui)
    }

    /// The same, where no wiring need be among them.
    fn of_some_files(args: &WorldArgs, global: &Global, ui: &mut Ui<'_>) -> Result<Self, Failure> {
        let now = ui.surroundings().now;
        let rules = if args.wirings.is_empty() {
            Rules::default()
        } else {
            wirings::of_files(&args.wirings, ui.stdin())?
        };
        let world = match &args.facts {
            None => World::assumed(now),
            Some(path) => World::of_file(path, now, ui.stdin())?,
        };
        Ok(Self {
            rules,
            world,
            namespace: namespace(global),
            is_namespace_assumed: global.namespace.is_none(),
        })
    }

    /// Looks at the files that the command line names, policies among them; neither they nor wirings need be there.
    pub(crate) fn of_policy_files(
        args: &PolicyWorldArgs,
        global: &Global,
        ui: &mut Ui<'_>,
    ) -> Result<Self, Failure> {
        let mut known = Self::of_some_files(&args.world, global, ui)?;
        if !args.policies.is_empty() {
            let policies = Self::policies(args, ui)?;
            known.rules = known.rules.with_policies(policies);
        }
        Ok(known)
    }

    /// Looks at the cluster: wirings and policies where no file names any.
    pub(crate) async fn of_policies_in_cluster(
        args: &PolicyWorldArgs,
        cluster: &Cluster,
        namespaces: &BTreeSet<String>,
        ui: &mut Ui<'_>,
    ) -> Result<Self, Failure> {
        let mut known = Self::of_cluster(&args.world, cluster, namespaces, ui).await?;
        let policies = if args.policies.is_empty() {
            wirings::of_objects(&POLICY, &cluster.policies().await?, ui)
        } else {
            Self::policies(args, ui)?
        };
        known.rules = known.rules.with_policies(policies);
        Ok(known)
    }

    /// Policies and wirings in files, in a world that is known already.
    pub(crate) fn of_parts(
        policies: &[PathBuf],
        wirings: &[PathBuf],
        world: World,
    ) -> Result<Self, Failure> {
        let stdin = &mut std::io::empty();
        let rules = if wirings.is_empty() {
            Rules::default()
        } else {
            wirings::of_files(wirings, stdin)?
        };
        Ok(Self {
            rules: rules.with_policies(wirings::policies(policies, stdin)?),
            world,
            namespace: "default".to_owned(),
            is_namespace_assumed: true,
        })
    }

    /// The policies in the files that the command line names.
    pub(crate) fn policies(
        args: &PolicyWorldArgs,
        ui: &mut Ui<'_>,
    ) -> Result<Vec<Arc<Policy>>, Failure> {
        wirings::policies(&args.policies, ui.stdin())
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
            Rules::new(wirings::of_objects(&WIRING, &stored, ui))
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

impl World {
    /// Reads a facts file; standard input where it is `-`.
    pub(crate) fn of_file(
        path: &Path,
        now: Timestamp,
        stdin: &mut dyn Read,
    ) -> Result<Self, Failure> {
        let inputs = inputs::read(&[path.to_owned()], stdin)?;
        let [input] = inputs.as_slice() else {
            let sentence = format!("{} is a folder: --facts takes one file", path.display());
            return Err(Failure::usage(sentence).code(codes::FACTS_INVALID));
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        Self::read(input.source.name(), input.source.text(), folder, now)
    }
}
