//! What a document of the kind PolicyTest says, and every fault in it with its place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use thanos_core::decide::rules::{RULES, Rule, rule};
use thanos_core::names;

use super::file::{Case, Parts};
use crate::charge::holds_stores;
use crate::facts::located;
use crate::inputs;
use crate::judge::kind_of;
use crate::manifests::Document;
use crate::words::nearest;

const KEYS: [&str; 7] = [
    "apiVersion",
    "kind",
    "name",
    "policies",
    "wirings",
    "facts",
    "cases",
];
const CASE_KEYS: [&str; 5] = ["name", "object", "old", "asIs", "expect"];
/// What can happen to an object, in words as they stand in `expect`.
const HAPPENS: [&str; 4] = ["deny", "warn", "audit", "exempt"];

/// Collects what a document says, and every fault with its place.
pub(super) struct Reader<'a> {
    document: &'a Document,
    folder: &'a Path,
    pub(super) faults: Vec<String>,
}

impl<'a> Reader<'a> {
    /// A reader of a document; the files that it names are relative to the folder.
    pub(super) fn new(document: &'a Document, folder: &'a Path) -> Self {
        Self {
            document,
            folder,
            faults: Vec::new(),
        }
    }

    /// Everything at once.
    pub(super) fn parts(&mut self) -> Parts {
        let Some(members) = self.map("", self.document.value(), &KEYS) else {
            return Parts::default();
        };
        for (key, expected) in [("apiVersion", names::API_VERSION), ("kind", "PolicyTest")] {
            if members.get(key).and_then(Value::as_str) != Some(expected) {
                self.fault(key, &format!("must be {expected}"));
            }
        }
        let stem = Path::new(self.document.source().name()).file_stem();
        let stem = stem.unwrap_or_default().to_string_lossy().into_owned();
        Parts {
            name: self.text(members, "", "name").map_or(stem, str::to_owned),
            policies: self.files(members, "policies"),
            wirings: self.files(members, "wirings"),
            facts: self
                .text(members, "", "facts")
                .and_then(|path| self.file("facts", path)),
            cases: self.cases(members),
        }
    }

    fn cases(&mut self, members: &'a Map<String, Value>) -> Vec<Case> {
        let Some(cases) = members.get("cases").and_then(Value::as_array) else {
            self.fault("cases", "must be a list of cases");
            return Vec::new();
        };
        let mut read: Vec<Case> = Vec::new();
        for (at, case) in cases.iter().enumerate() {
            let path = format!("cases[{at}]");
            let Some(case) = self
                .map(&path, case, &CASE_KEYS)
                .and_then(|case| self.case(at, case))
            else {
                continue;
            };
            if read.iter().any(|other| other.name == case.name) {
                self.fault(&format!("{path}.name"), "there are two cases of this name");
            }
            read.push(case);
        }
        read
    }

    fn case(&mut self, at: usize, case: &'a Map<String, Value>) -> Option<Case> {
        let path = format!("cases[{at}]");
        let name = self.text(case, &path, "name");
        if name.is_none() {
            self.fault(
                &format!("{path}.name"),
                "must be there: cases are told by their names",
            );
        }
        let object = self.object(&format!("{path}.object"), case.get("object"));
        let old = case
            .get("old")
            .map(|old| self.object(&format!("{path}.old"), Some(old)));
        let as_is = match case.get("asIs").unwrap_or(&Value::Null) {
            Value::Null => false,
            Value::Bool(as_is) => *as_is,
            _ => {
                self.fault(&format!("{path}.asIs"), "must be true or false");
                false
            }
        };
        let expected = self.expected(&format!("{path}.expect"), case.get("expect"));
        Some(Case {
            name: name?.to_owned(),
            line: self.document.position(&format!("/cases/{at}")).line,
            object: object?,
            old: match old {
                None => None,
                Some(old) => Some(old?),
            },
            as_is,
            expected,
        })
    }

    /// An object that stands in the case, or alone in a file.
    fn object(&mut self, path: &str, written: Option<&'a Value>) -> Option<Value> {
        let value = match written {
            Some(Value::String(file)) => self.object_in(path, file)?,
            Some(value @ Value::Object(_)) => value.clone(),
            _ => {
                self.fault(
                    path,
                    "must be an object, or the path of a file that holds one",
                );
                return None;
            }
        };
        if kind_of(&value).is_none() && !holds_stores(&value) {
            self.fault(path, "must be a Prometheus, PrometheusAgent, ThanosRuler or a Secret with an object-store file");
            return None;
        }
        Some(value)
    }

    fn object_in(&mut self, path: &str, file: &str) -> Option<Value> {
        let file = self.file(path, file)?;
        let inputs = match inputs::read(&[file], &mut std::io::empty()) {
            Ok(inputs) => inputs,
            Err(failure) => {
                self.faults.push(failure.message);
                self.faults.extend(failure.more);
                return None;
            }
        };
        let mut objects = inputs
            .iter()
            .flat_map(|input| &input.documents)
            .flat_map(Document::objects);
        match (objects.next(), objects.next()) {
            (Some(object), None) => Some(object.value.clone()),
            (None, _) => {
                self.fault(path, "names a file without an object");
                None
            }
            (Some(_), Some(_)) => {
                self.fault(path, "names a file of several objects, where one belongs");
                None
            }
        }
    }

    /// `allow`, or rules by what happens.
    fn expected(&mut self, path: &str, written: Option<&'a Value>) -> BTreeSet<String> {
        let mut expected = BTreeSet::new();
        match written {
            Some(Value::String(word)) if word == "allow" => {}
            Some(Value::Object(_)) => {
                let members = written.and_then(|written| self.map(path, written, &HAPPENS));
                for (happens, rules) in members.into_iter().flatten() {
                    self.rules(&format!("{path}.{happens}"), happens, rules, &mut expected);
                }
                if expected.is_empty() {
                    self.fault(path, "names no rule: say allow where nothing happens");
                }
            }
            _ => self.fault(
                path,
                "must be allow, or rules below deny, warn, audit or exempt",
            ),
        }
        expected
    }

    fn rules(
        &mut self,
        path: &str,
        happens: &str,
        rules: &'a Value,
        expected: &mut BTreeSet<String>,
    ) {
        let Some(rules) = rules.as_array() else {
            return self.fault(path, "must be a list of rules");
        };
        for (at, written) in rules.iter().enumerate() {
            let word = written.as_str().unwrap_or_default();
            let by_code = || RULES.iter().find(|rule| rule.code.code == word);
            if let Some(rule) = rule(word).or_else(by_code) {
                expected.insert(format!("{happens} {}", rule.id()));
                continue;
            }
            let similar = nearest(word, RULES.iter().map(Rule::id));
            let similar = similar.map(|known| format!("; a similar one is `{known}`"));
            let sentence = format!("is no rule{}", similar.unwrap_or_default());
            self.fault(&format!("{path}[{at}]"), &sentence);
        }
    }

    fn files(&mut self, members: &'a Map<String, Value>, key: &str) -> Vec<PathBuf> {
        let files = match members.get(key) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(files)) => files,
            Some(_) => {
                self.fault(key, "must be a list of files, relative to this one");
                return Vec::new();
            }
        };
        let mut paths = Vec::new();
        for (at, file) in files.iter().enumerate() {
            let path = format!("{key}[{at}]");
            match file.as_str() {
                Some(file) => paths.extend(self.file(&path, file)),
                None => self.fault(&path, "must be the path of a file, relative to this one"),
            }
        }
        paths
    }

    /// A file that is there.
    fn file(&mut self, path: &str, file: &str) -> Option<PathBuf> {
        let found = self
            .folder
            .join(Path::new(file).strip_prefix(".").unwrap_or(Path::new(file)));
        if file != "-" && found.exists() {
            return Some(found);
        }
        self.fault(path, "names a file that is not there");
        None
    }

    fn text(&mut self, members: &'a Map<String, Value>, path: &str, key: &str) -> Option<&'a str> {
        let value = members.get(key).filter(|value| !value.is_null())?;
        let text = value.as_str();
        if text.is_none() {
            let path = if path.is_empty() {
                key.to_owned()
            } else {
                format!("{path}.{key}")
            };
            self.fault(&path, "must be a text: put it in quotes");
        }
        text
    }

    fn map(
        &mut self,
        path: &str,
        value: &'a Value,
        known: &[&str],
    ) -> Option<&'a Map<String, Value>> {
        let Some(members) = value.as_object() else {
            self.fault(path, "must be a map");
            return None;
        };
        for key in members.keys().filter(|key| !known.contains(&key.as_str())) {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            let similar = nearest(key, known.iter().copied());
            let similar = similar.map(|known| format!("; a similar one is `{known}`"));
            self.fault(
                &path,
                &format!("is not a known key{}", similar.unwrap_or_default()),
            );
        }
        Some(members)
    }

    fn fault(&mut self, path: &str, sentence: &str) {
        self.faults.push(located(self.document, "", path, sentence));
    }
}
