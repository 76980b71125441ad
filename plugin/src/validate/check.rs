//! Every object of the inputs, one after the other: who checks it, and what comes of it.

use std::collections::BTreeSet;

use serde_json::Value;
use thanos_core::Charge;
use thanos_core::codes;
use thanos_core::policy::Enforcement;

use super::finding::{Exemption, Finding, Level};
use super::objstore::{self, Wrong};
use super::place::{self, Place};
use crate::charge::{Court, Malformed, SECRET, Tried, last_day};
use crate::facts::{Known, is_ours};
use crate::inputs::{Input, Sheet};
use crate::judge::{ObjectName, kind_of};
use crate::manifests::{self, Document, Error, Source};

mod ours;

/// What has been checked so far.
pub(super) struct Checks<'a> {
    known: &'a Known,
    court: Court<'a>,
    /// Names of policies and wirings that have been seen.
    seen: BTreeSet<(&'static str, String)>,
    pub(super) findings: Vec<Finding>,
    /// Objects that policies judge.
    pub(super) judged: usize,
    /// These, and everything else that was checked.
    pub(super) checked: usize,
    /// Objects of kinds that nobody checks.
    pub(super) passed: usize,
}

/// An object, and where it is.
#[derive(Clone, Copy)]
struct Where<'a> {
    value: &'a Value,
    /// Its document and the pointer in it; nothing for an object of a cluster.
    file: Option<(&'a Document, &'a str)>,
}

impl Where<'_> {
    /// A finding at a dotted path below the object.
    fn place(&self, finding: Finding) -> Finding {
        match self.file {
            None => finding,
            Some((document, pointer)) => {
                let place = place::of_path(document, pointer, &finding.path);
                finding.at(place)
            }
        }
    }
}

impl<'a> Checks<'a> {
    pub(super) fn new(known: &'a Known, court: Court<'a>) -> Self {
        Self {
            known,
            court,
            seen: BTreeSet::new(),
            findings: Vec::new(),
            judged: 0,
            checked: 0,
            passed: 0,
        }
    }

    /// Checks everything in the sources.
    pub(super) fn sheets(&mut self, sheets: &[Sheet]) {
        let documents: Vec<&Document> = sheets.iter().flat_map(documents).collect();
        let court = &self.court;
        // Judging is what takes the time.
        let tried = manifests::spread(&documents, |document| {
            let objects = document.objects();
            let tried = objects
                .iter()
                .map(|object| court.try_one(object.value, None));
            tried.collect::<Vec<_>>()
        });
        let mut tried = tried.into_iter();
        for sheet in sheets {
            match sheet {
                Sheet::Unreadable(errors) => {
                    for error in errors {
                        self.unreadable(error);
                    }
                }
                Sheet::Read(input) => {
                    let tried = tried.by_ref().take(input.documents.len());
                    self.input(input, tried.collect());
                }
            }
        }
    }

    fn input(&mut self, input: &Input, tried: Vec<Vec<Option<Result<Tried, Malformed>>>>) {
        let all = 0..input.source.text().len();
        for (number, (document, tried)) in input.documents.iter().zip(tried).enumerate() {
            if objstore::is_store(document.value()) {
                self.checked += 1;
                if number == 0 {
                    // Only the first document of such a file counts: what else there is belongs to it.
                    return self.store_at(&input.source, all);
                }
                self.store_at(&input.source, document.range());
                continue;
            }
            for (object, tried) in document.objects().iter().zip(tried) {
                let file = Some((document, object.pointer.as_str()));
                let value = object.value;
                self.object(Where { value, file }, tried);
            }
        }
    }

    /// Checks an object as the cluster stores it.
    pub(super) fn stored(&mut self, value: &Value) {
        let tried = self.court.try_one(value, None);
        self.object(Where { value, file: None }, tried);
    }

    fn object(&mut self, at: Where<'_>, tried: Option<Result<Tried, Malformed>>) {
        match tried {
            Some(Ok(tried)) => self.tried(at, &tried),
            Some(Err(wrong)) => self.malformed(at, &wrong),
            None => self.other(at),
        }
    }

    /// Checks a file that was named as an object-store file.
    pub(super) fn store(&mut self, store: &Result<Source, Error>) {
        self.checked += 1;
        match store {
            Ok(source) => self.store_at(source, 0..source.text().len()),
            Err(error) => self.unreadable(error),
        }
    }

    fn store_at(&mut self, source: &Source, range: std::ops::Range<usize>) {
        for wrong in objstore::judge(&source.text()[range.clone()]) {
            let at = place::in_store(source, range.start, wrong.place);
            self.findings.push(found(wrong).at(at));
        }
    }

    fn unreadable(&mut self, error: &Error) {
        let finding = Finding::new(codes::UNREADABLE_YAML, "", error.message);
        self.findings.push(finding.placed(Place::of(error)));
    }

    fn tried(&mut self, at: Where<'_>, tried: &Tried) {
        self.checked += 1;
        if tried.object.kind == SECRET {
            for charge in &tried.judgement.charges {
                self.secret(at, charge, &tried.object);
            }
            return;
        }
        self.judged += 1;
        self.duplicates(at, &tried.object);
        for charge in &tried.judgement.charges {
            let finding = self.charged(charge, &tried.object);
            self.findings.push(at.place(finding));
        }
    }

    /// A charge of an object-store file in a Secret. The place is that of the key, and no line is shown.
    fn secret(&mut self, at: Where<'_>, charge: &Charge, object: &ObjectName) {
        let mut finding = self.charged(charge, object);
        if objstore::is_of_thanos(charge) {
            finding.severity = charge.code.severity.into();
        }
        if let Some((key, spot)) = objstore::of_secret(charge, at.value) {
            if let Some((document, pointer)) = at.file {
                let has = |field: &&str| at.value[*field].get(&key).is_some();
                let field = ["stringData", "data"].into_iter().find(has);
                let path = format!("{}.{key}", field.unwrap_or("data"));
                finding = finding.placed(place::of_path(document, pointer, &path).0);
            }
            (finding.key, finding.inside) = (Some(key), spot);
        }
        self.findings.push(finding);
    }

    fn charged(&self, charge: &Charge, object: &ObjectName) -> Finding {
        let mut finding = Finding::new(charge.code, &charge.path, &charge.sentence).of(object);
        finding.rule = Some(charge.rule.id);
        finding.severity = match charge.enforcement {
            _ if charge.exempt => Level::Note,
            Enforcement::Deny => Level::Error,
            Enforcement::Warn => Level::Warning,
            Enforcement::Audit => Level::Info,
        };
        finding.policies = charge.policies.iter().map(ToString::to_string).collect();
        let exemption = self.court.exemption(charge, object);
        finding.exemption = exemption.map(|exemption| Exemption {
            reason: exemption.reason.clone(),
            expires: last_day(exemption),
        });
        finding
    }

    fn malformed(&mut self, at: Where<'_>, wrong: &Malformed) {
        self.checked += 1;
        let sentence = format!("must be {}", wrong.must_be);
        let finding = Finding::new(codes::MALFORMED, wrong.path, sentence).of(&wrong.object);
        self.findings.push(at.place(finding));
    }

    fn duplicates(&mut self, at: Where<'_>, object: &ObjectName) {
        let Some((document, pointer)) = at.file else {
            return;
        };
        for (key, position) in document.duplicates_below(pointer) {
            let sentence = format!(
                "key {key} stands twice; the last one counts, and kustomize refuses the file"
            );
            let finding = Finding::new(codes::DUPLICATE_KEY, "", sentence).of(object);
            self.findings
                .push(finding.at(place::of_key(document, position)));
        }
    }

    /// What policies do not judge.
    fn other(&mut self, at: Where<'_>) {
        let kind = at.value["kind"].as_str().unwrap_or_default();
        match kind {
            "ThanosPolicy" if is_ours(at.value) => self.policy(at),
            "ThanosWiring" if is_ours(at.value) => self.wiring(at),
            _ => self.stray(at),
        }
    }

    /// What has no apiVersion or no kind is no object, whatever else it is.
    fn stray(&mut self, at: Where<'_>) {
        self.passed += 1;
        let has = |key: &str| at.value.get(key).is_some_and(Value::is_string);
        let lacks = match (has("apiVersion"), has("kind")) {
            (true, true) => return,
            (false, true) => "no apiVersion",
            (true, false) => "no kind",
            (false, false) => "neither apiVersion nor kind",
        };
        debug_assert!(kind_of(at.value).is_none());
        let sentence = format!("{lacks}: this is no Kubernetes object");
        let mut finding = Finding::new(codes::NO_OBJECT, "", sentence);
        if let Some((document, pointer)) = at.file {
            // Nobody knows what it is, so nothing of it is shown.
            finding = finding.placed(place::of_pointer(document, pointer).0);
        }
        self.findings.push(finding);
    }
}

fn found(wrong: Wrong) -> Finding {
    Finding::new(wrong.row, wrong.path, wrong.sentence)
}

fn documents(sheet: &Sheet) -> &[Document] {
    match sheet {
        Sheet::Read(input) => &input.documents,
        Sheet::Unreadable(_) => &[],
    }
}
