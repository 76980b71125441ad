//! Which objects a question is about: one in the cluster, all of a namespace, or those in files; and what is known
//! around them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use thanos_core::{Kind, codes};

use crate::cli::{Global, WorldArgs};
use crate::cluster::Cluster;
use crate::facts::Known;
use crate::failure::Failure;
use crate::inject::findings::duplicates;
use crate::inject::namespaces;
use crate::inputs::{self, Input};
use crate::judge::kind_of;
use crate::manifests;
use crate::paths;
use crate::runtime;
use crate::ui::Ui;
use crate::words::nearest;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// `prometheus/k8s`.
    pub(crate) object: Option<&'a str>,
    pub(crate) filenames: &'a [PathBuf],
    pub(crate) world: &'a WorldArgs,
    pub(crate) all_namespaces: bool,
}

/// The objects, and what is known around them.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) objects: Objects,
    pub(crate) known: Known,
}

/// Where the objects are from.
#[derive(Debug)]
pub(crate) enum Objects {
    /// Read from files.
    Files(Vec<Input>),
    /// As they are stored in the cluster.
    Stored(Vec<Value>),
}

impl Question<'_> {
    /// Gathers the objects and looks at the world around them.
    pub(crate) fn ask(&self, global: &Global, ui: &mut Ui<'_>) -> Result<Answer, Failure> {
        let wanted = self.object.map(target).transpose()?;
        paths::stdin_once(&paths::of_world(self.filenames, self.world))?;
        let answer = if self.filenames.is_empty() {
            runtime::wait(global, self.ask_cluster(wanted, global, ui))?
        } else {
            self.ask_files(global, ui)?
        };
        answer.known.tell_warnings(ui);
        Ok(answer)
    }

    fn ask_files(&self, global: &Global, ui: &mut Ui<'_>) -> Result<Answer, Failure> {
        let inputs = inputs::read(self.filenames, ui.stdin())?;
        let known = if self.world.live {
            runtime::wait(global, async {
                let cluster = Cluster::connect(global, ui.journal()).await?;
                let namespaces = namespaces(&inputs, cluster.namespace());
                Known::of_cluster(self.world, &cluster, &namespaces, ui).await
            })?
        } else {
            Known::of_files(self.world, global, ui)?
        };
        for document in inputs.iter().flat_map(|input| &input.documents) {
            for object in document.objects() {
                if kind_of(object.value).is_some() {
                    for twice in duplicates(document, object.pointer.as_str()) {
                        ui.tell(twice.row, twice.sentence);
                    }
                }
            }
        }
        Ok(Answer {
            objects: Objects::Files(inputs),
            known,
        })
    }

    async fn ask_cluster(
        &self,
        wanted: Option<(Kind, &str)>,
        global: &Global,
        ui: &mut Ui<'_>,
    ) -> Result<Answer, Failure> {
        let cluster = Cluster::connect(global, ui.journal()).await?;
        let namespace = (!self.all_namespaces).then(|| cluster.namespace());
        let mut stored = Vec::new();
        match wanted {
            Some((kind, name)) => {
                stored.push(cluster.object(kind, cluster.namespace(), name).await?);
            }
            None => {
                for kind in Kind::ALL {
                    stored.extend(cluster.objects(kind, namespace).await?);
                }
            }
        }
        let known = if self.world.facts.is_some() {
            Known::of_files(self.world, global, ui)?
        } else {
            let namespaces: BTreeSet<String> = stored
                .iter()
                .filter_map(|object| {
                    Some(object.pointer("/metadata/namespace")?.as_str()?.to_owned())
                })
                .collect();
            Known::of_cluster(self.world, &cluster, &namespaces, ui).await?
        };
        Ok(Answer {
            objects: Objects::Stored(stored),
            known,
        })
    }
}

/// Reads `KIND/NAME`.
pub(crate) fn target(word: &str) -> Result<(Kind, &str), Failure> {
    let usage = |sentence: String| {
        let failure = Failure::usage(sentence);
        if manifests::is_manifest(Path::new(word)) {
            return failure.hint(format!("name files with -f: -f {word}"));
        }
        failure.hint("name it as prometheus/NAME, prometheusagent/NAME or thanosruler/NAME")
    };
    let Some((kind, name)) = word
        .split_once('/')
        .filter(|(_, name)| !name.is_empty() && !name.contains('/'))
    else {
        return Err(usage(format!("{word} is not of the form KIND/NAME")));
    };
    if let Some(kind) = Kind::from_word(kind) {
        return Ok((kind, name));
    }
    let meant = nearest(
        kind,
        Kind::ALL
            .iter()
            .flat_map(|kind| [kind.singular(), kind.plural()]),
    );
    let meant = meant
        .map(|meant| format!("; a similar one is {meant}"))
        .unwrap_or_default();
    Err(usage(format!("{kind} is no kind that is wired{meant}")))
}

impl Answer {
    /// Every object of our kinds, or the one that was asked for.
    ///
    /// # Errors
    /// There is none (KTH0003, or KTH1004 for one that was named).
    pub(crate) fn values(&self, object: Option<&str>) -> Result<Vec<&Value>, Failure> {
        let wanted = object.map(target).transpose()?;
        let (all, of_files): (Vec<&Value>, bool) = match &self.objects {
            Objects::Stored(stored) => (stored.iter().collect(), false),
            Objects::Files(inputs) => {
                let documents = inputs.iter().flat_map(|input| &input.documents);
                (
                    documents
                        .flat_map(|document| {
                            document.objects().into_iter().map(|object| object.value)
                        })
                        .collect(),
                    true,
                )
            }
        };
        let is_wanted = |value: &&Value| {
            kind_of(value).is_some_and(|kind| {
                let name = value.pointer("/metadata/name").and_then(Value::as_str);
                wanted
                    .is_none_or(|(wanted, wanted_name)| kind == wanted && name == Some(wanted_name))
            })
        };
        let found: Vec<&Value> = all.into_iter().filter(is_wanted).collect();
        match (found.is_empty() && of_files, object) {
            (false, _) => Ok(found),
            (true, Some(object)) => Err(Failure::failed(format!(
                "there is no {object} in the files"
            ))
            .code(codes::NOT_FOUND)),
            (true, None) => Err(Failure::usage(
                "no Prometheus, PrometheusAgent or ThanosRuler in the files",
            )
            .code(codes::NO_INPUTS)),
        }
    }
}
