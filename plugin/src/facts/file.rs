//! The text of a file of the kind Facts in, a world out, or every fault with its place.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use thanos_core::fields::Served;
use thanos_core::{Credential, Kind, codes, names, versions};

use super::{Labels, World};
use crate::failure::Failure;
use crate::inputs;
use crate::manifests::{self, Document, Source};
use crate::words::{nearest, pointer_to};

const KEYS: [&str; 7] = [
    "apiVersion",
    "kind",
    "now",
    "operatorVersion",
    "crds",
    "namespaces",
    "ready",
];

pub(super) fn read(
    name: &str,
    text: &str,
    folder: &Path,
    now: Timestamp,
) -> Result<World, Failure> {
    let wrong = |sentence: &str| {
        Failure::failed(format!("{name}:1:1: {sentence}")).code(codes::FACTS_INVALID)
    };
    let source = Source::new(name, text.as_bytes().to_vec())
        .map_err(|error| inputs::unreadable(&[error]))?;
    let documents =
        manifests::read(&Arc::new(source)).map_err(|errors| inputs::unreadable(&errors))?;
    let document = match documents.as_slice() {
        [] => return Err(wrong("holds no document of the kind Facts")),
        [document] => document,
        [_, second, ..] => {
            let line = second.first_line();
            let sentence = format!("{name}:{line}:1: a second document, where one belongs");
            return Err(Failure::failed(sentence).code(codes::FACTS_INVALID));
        }
    };
    let mut reader = Reader {
        document,
        faults: Vec::new(),
    };
    let mut world = World::assumed(now);
    world.is_assumed = false;
    let crds = reader.world(&mut world);
    if !reader.faults.is_empty() {
        return Err(Failure::all(codes::FACTS_INVALID, reader.faults));
    }
    for (kind, path) in crds {
        let own = Path::new(path).strip_prefix(".").unwrap_or(Path::new(path));
        let served = served(&folder.join(own), kind)?.ok_or_else(|| {
            let sentence = format!(
                "{path} holds no CustomResourceDefinition of {} that is served",
                kind.plural()
            );
            let at = format!("crds.{}", kind.plural());
            Failure::failed(located(document, "", &at, &sentence)).code(codes::FACTS_INVALID)
        })?;
        world.set_served(kind, Arc::new(served));
    }
    Ok(world)
}

/// Collects what a document says, and every fault with its place.
struct Reader<'a> {
    document: &'a Document,
    faults: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Fills the world; gives the CRD files that are still to be read.
    fn world(&mut self, world: &mut World) -> Vec<(Kind, &'a str)> {
        let Some(members) = self.map("", self.document.value(), Some(&KEYS)) else {
            return Vec::new();
        };
        for (key, expected) in [("apiVersion", names::API_VERSION), ("kind", "Facts")] {
            if members.get(key).and_then(Value::as_str) != Some(expected) {
                self.fault(key, &format!("must be {expected}"));
            }
        }
        if let Some(now) = self.text(members, "now") {
            match now.parse() {
                Ok(now) => world.set_now(now),
                Err(_) => self.fault("now", "must be a time such as 2026-11-24T00:00:00Z"),
            }
        }
        if let Some(version) = self.text(members, "operatorVersion") {
            match versions::parse(version) {
                Some(version) => world.set_operator(Some(version)),
                None => self.fault("operatorVersion", "must be a version such as 0.92.1"),
            }
        }
        self.namespaces(members, world);
        self.ready(members, world);
        self.crds(members)
    }

    fn namespaces(&mut self, members: &'a Map<String, Value>, world: &mut World) {
        let Some(namespaces) = self.member_map(members, "namespaces") else {
            return;
        };
        world.namespaces.get_or_insert_default();
        for (name, namespace) in namespaces {
            let path = format!("namespaces.{name}");
            let Some(namespace) = self.map_or_empty(&path, namespace, Some(&["labels"])) else {
                continue;
            };
            let path = format!("{path}.labels");
            let mut labels = Labels::new();
            let written = namespace.get("labels").unwrap_or(&Value::Null);
            for (key, value) in self
                .map_or_empty(&path, written, None)
                .into_iter()
                .flatten()
            {
                match value.as_str() {
                    Some(value) => drop(labels.insert(key.clone(), value.to_owned())),
                    None => {
                        self.fault(&format!("{path}.{key}"), "must be a text: put it in quotes");
                    }
                }
            }
            world.set_namespace(name, labels);
        }
    }

    fn ready(&mut self, members: &'a Map<String, Value>, world: &mut World) {
        let Some(ready) = self.member_map(members, "ready") else {
            return;
        };
        world.credentials.get_or_insert_default();
        for (wiring, namespaces) in ready {
            let path = format!("ready.{wiring}");
            let Some(namespaces) = namespaces.as_array() else {
                self.fault(&path, "must be a list of namespaces");
                continue;
            };
            for (at, namespace) in namespaces.iter().enumerate() {
                match namespace.as_str() {
                    Some(namespace) => world.set_credential(wiring, namespace, Credential::Ready),
                    None => self.fault(&format!("{path}[{at}]"), "must be the name of a namespace"),
                }
            }
        }
    }

    fn crds(&mut self, members: &'a Map<String, Value>) -> Vec<(Kind, &'a str)> {
        let mut crds = Vec::new();
        for (plural, path) in self.member_map(members, "crds").into_iter().flatten() {
            let at = format!("crds.{plural}");
            let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.plural() == plural) else {
                self.unknown(&at, plural, Kind::ALL.map(Kind::plural));
                continue;
            };
            match path.as_str() {
                Some(path) => crds.push((kind, path)),
                None => self.fault(&at, "must be the path of a file, relative to this one"),
            }
        }
        crds
    }

    fn text(&mut self, members: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
        let value = members.get(key).filter(|value| !value.is_null())?;
        let text = value.as_str();
        if text.is_none() {
            self.fault(key, "must be a text: put it in quotes");
        }
        text
    }

    fn member_map(
        &mut self,
        members: &'a Map<String, Value>,
        key: &str,
    ) -> Option<&'a Map<String, Value>> {
        self.map(
            key,
            members.get(key).filter(|value| !value.is_null())?,
            None,
        )
    }

    fn map_or_empty(
        &mut self,
        path: &str,
        value: &'a Value,
        known: Option<&[&str]>,
    ) -> Option<&'a Map<String, Value>> {
        if value.is_null() {
            None
        } else {
            self.map(path, value, known)
        }
    }

    /// A map, with only known keys where they are known.
    fn map(
        &mut self,
        path: &str,
        value: &'a Value,
        known: Option<&[&str]>,
    ) -> Option<&'a Map<String, Value>> {
        let Some(members) = value.as_object() else {
            self.fault(path, "must be a map");
            return None;
        };
        for key in members.keys() {
            if let Some(known) = known.filter(|known| !known.contains(&key.as_str())) {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                self.unknown(&path, key, known.iter().copied());
            }
        }
        Some(members)
    }

    fn unknown<'k>(&mut self, path: &str, key: &str, known: impl IntoIterator<Item = &'k str>) {
        let similar = nearest(key, known).map(|known| format!("; a similar one is `{known}`"));
        self.fault(
            path,
            &format!("is not a known key{}", similar.unwrap_or_default()),
        );
    }

    fn fault(&mut self, path: &str, sentence: &str) {
        self.faults.push(located(self.document, "", path, sentence));
    }
}

/// `file:line:column: path: sentence`, the path below the object at `pointer`.
pub(crate) fn located(document: &Document, pointer: &str, path: &str, sentence: &str) -> String {
    let object = document.value().pointer(pointer).unwrap_or(&Value::Null);
    let place = document.key_position(&format!("{pointer}{}", pointer_to(object, path)));
    let path = if path.is_empty() {
        String::new()
    } else {
        format!("{path}: ")
    };
    format!(
        "{}:{}:{}: {path}{sentence}",
        document.source().name(),
        place.line,
        place.column
    )
}

/// The fields that the CRD of a kind knows, out of a file that may hold other documents, too; `None`: it is not there.
fn served(path: &Path, kind: Kind) -> Result<Option<Served>, Failure> {
    let crd_of = |value: &Value| {
        value["kind"] == "CustomResourceDefinition"
            && value["spec"]["names"]["plural"] == kind.plural()
    };
    let inputs = inputs::read(&[path.to_owned()], &mut std::io::empty())?;
    let documents = inputs.iter().flat_map(|input| &input.documents);
    let found = documents
        .flat_map(Document::objects)
        .find(|object| crd_of(object.value));
    Ok(found.and_then(|object| Served::from_crd(object.value)))
}
