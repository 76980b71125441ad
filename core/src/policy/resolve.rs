//! From what was written to what is meant: a [`Policy`] that exists is right.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kube_core::{Selector, SelectorExt};
use semver::Version;

use super::{
    Allow, Enforcement, Exemption, Limits, NamePattern, ObjectStorage, Profile, ProfileVersion,
    ThanosPolicy, ThanosPolicySpec, UrlPattern,
};
use crate::codes;
use crate::decide::rules::{RULES, Rule, rule};
use crate::decision::Fault;
use crate::subject::Subject;
use crate::versions;
use crate::wiring::{Rules, nanoseconds, selector};

/// A policy that is right in every part.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its name.
    pub name: Arc<str>,
    /// Its generation; 0 outside a cluster.
    pub generation: i64,
    /// Which namespaces.
    pub namespaces: Selector,
    /// Which objects.
    pub objects: Selector,
    /// Which rules.
    pub profile: Profile,
    /// The pinned version of the profile; `None`: the latest.
    pub version: Option<u32>,
    /// What happens to whoever breaks one.
    pub enforcement: Enforcement,
    /// What happens otherwise, by the rule's id.
    pub overrides: BTreeMap<&'static str, Enforcement>,
    /// Where urls may lead; `None`: anywhere.
    pub allowed_urls: Option<Vec<UrlPattern>>,
    /// Wirings that must have wired what they select.
    pub require_wiring: Vec<String>,
    /// Secrets and ConfigMaps that may be named; `None`: any.
    pub allowed_secrets: Option<BTreeSet<String>>,
    /// External labels that must be there.
    pub required_labels: Vec<String>,
    /// Limits, as written; texts among them are right, see the sizes and durations beside.
    pub limits: Limits,
    /// `limits.bodySizeLimit` and `limits.maxRetentionSize` in bytes.
    pub body_size: Option<Size>,
    /// Likewise.
    pub retention_size: Option<Size>,
    /// `limits.minScrapeInterval` in nanoseconds.
    pub scrape_interval: Option<i64>,
    /// `limits.maxRetention` in nanoseconds.
    pub retention: Option<i64>,
    /// What the Restricted rules let pass, as written.
    pub allow: Allow,
    /// `allow.images`.
    pub images: Vec<NamePattern>,
    /// `allow.minimumVersion`.
    pub minimum_version: Option<Version>,
    /// Where blocks may be stored; `None`: nothing is said about it.
    pub object_storage: Option<ObjectStorage>,
    /// Who is let off.
    pub exemptions: Vec<Exempt>,
}

/// Bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// An exemption.
#[derive(Clone, Debug, PartialEq)]
pub struct Exempt {
    /// The namespace.
    pub namespace: String,
    /// The object; `None`: all of the namespace.
    pub name: Option<String>,
    /// The ids of the rules.
    pub rules: BTreeSet<&'static str>,
    /// Why.
    pub reason: String,
    /// The first moment at which it no longer holds.
    pub ends: Option<Timestamp>,
}

impl Exempt {
    /// Whether it lets an object off a rule now.
    pub fn covers(&self, rule: &Rule, namespace: &str, name: &str, now: Timestamp) -> bool {
        self.namespace == namespace
            && self.name.as_ref().is_none_or(|only| only == name)
            && self.rules.contains(rule.id())
            && self.ends.is_none_or(|ends| now < ends)
    }
}

impl Size {
    /// Reads `50MB`, `1.5GiB`, `512` the way Prometheus does (`units.Base2Bytes` in alecthomas/units: a kilobyte is
    /// 1024 bytes, with and without the `i`). The operator's CRDs know the pattern `(^0|([0-9]*[.])?[0-9]+((K|M|G|T|E|P)i?)?B)$`.
    pub fn read(text: &str) -> Option<Self> {
        if text == "0" {
            return Some(Self(0));
        }
        let digits = text
            .find(|character: char| !character.is_ascii_digit() && character != '.')
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let number: f64 = number.parse().ok()?;
        let power = match unit {
            "B" => 0,
            "KB" | "KiB" => 1,
            "MB" | "MiB" => 2,
            "GB" | "GiB" => 3,
            "TB" | "TiB" => 4,
            "PB" | "PiB" => 5,
            "EB" | "EiB" => 6,
            _ => return None,
        };
        let bytes = number * 1024_f64.powi(power);
        // As `f64` has it: what is beyond is more than any limit.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and saturating"
        )]
        let bytes = bytes as u64;
        Some(Self(bytes))
    }
}

impl Policy {
    /// Resolves what was written, or says every fault at once, each with its path.
    pub fn resolve(written: &ThanosPolicy) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let name = written.metadata.name.clone().unwrap_or_default();
        if name.is_empty() || name.len() > 63 {
            faults.add("metadata.name", "must be a name of at most 63 characters");
        }
        let spec = &written.spec;
        let namespaces = faults.part("spec.namespaceSelector", selector(&spec.namespace_selector));
        let objects = faults.part("spec.objectSelector", selector(&spec.object_selector));
        let overrides = overrides(spec, &mut faults);
        let exemptions = spec
            .exemptions
            .iter()
            .enumerate()
            .map(|(at, exemption)| exempt(at, exemption, &mut faults))
            .collect();
        let limits = spec.limits.clone().unwrap_or_default();
        let allow = spec.allow.clone().unwrap_or_default();
        let remote_write = spec.remote_write.clone().unwrap_or_default();
        let minimum_version = allow.minimum_version.as_ref().and_then(|text| {
            let read = versions::parse(text);
            faults.none(
                read.as_ref(),
                "spec.allow.minimumVersion",
                "must be a version such as v3.5.0",
            );
            read
        });
        let policy = Self {
            name: name.into(),
            generation: written.metadata.generation.unwrap_or_default(),
            namespaces: namespaces.unwrap_or_default(),
            objects: objects.unwrap_or_default(),
            profile: spec.profile,
            version: match spec.profile_version {
                ProfileVersion::V1 => Some(1),
                ProfileVersion::Latest => None,
            },
            enforcement: spec.enforcement,
            overrides,
            allowed_urls: remote_write
                .allowed_urls
                .map(|urls| patterns(&urls, &mut faults)),
            require_wiring: remote_write.require_wiring,
            allowed_secrets: remote_write
                .allowed_secrets
                .map(|names| names.into_iter().collect()),
            required_labels: spec
                .labels
                .as_ref()
                .map(|labels| labels.required.clone())
                .unwrap_or_default(),
            body_size: faults.size("spec.limits.bodySizeLimit", limits.body_size_limit.as_ref()),
            retention_size: faults.size(
                "spec.limits.maxRetentionSize",
                limits.max_retention_size.as_ref(),
            ),
            scrape_interval: faults.duration(
                "spec.limits.minScrapeInterval",
                limits.min_scrape_interval.as_ref(),
            ),
            retention: faults.duration("spec.limits.maxRetention", limits.max_retention.as_ref()),
            limits,
            images: allow
                .images
                .iter()
                .map(|image| NamePattern::read(image))
                .collect(),
            minimum_version,
            allow,
            object_storage: spec.object_storage.clone(),
            exemptions,
        };
        if faults.0.is_empty() {
            Ok(policy)
        } else {
            Err(faults.0)
        }
    }

    /// The required wirings that are not among the right ones, each with its place in the list.
    pub fn missing_wirings(&self, rules: &Rules) -> impl Iterator<Item = (usize, &str)> {
        let named = self.require_wiring.iter().map(String::as_str).enumerate();
        named.filter(|(_, name)| rules.wiring(name).is_none())
    }

    /// Whether it is about an object, wherever that is.
    pub fn selects_object(&self, subject: &Subject<'_>) -> bool {
        self.objects.selects_all() || self.objects.matches(&subject.labels())
    }

    /// Whether it denies for any rule at all.
    pub fn denies(&self) -> bool {
        RULES
            .iter()
            .any(|rule| self.enforcement_of(rule) == Some(Enforcement::Deny))
    }

    /// What happens to whoever breaks a rule; `None`: the rule does not apply.
    pub fn enforcement_of(&self, rule: &Rule) -> Option<Enforcement> {
        let in_profile =
            rule.profile <= self.profile && self.version.is_none_or(|pinned| rule.since <= pinned);
        match self.overrides.get(rule.id()) {
            Some(enforcement) => Some(*enforcement),
            None => in_profile.then_some(self.enforcement),
        }
    }
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, path: impl Into<String>, sentence: impl Into<String>) {
        self.0
            .push(Fault::new(codes::POLICY_INVALID, path, sentence));
    }

    fn part<T>(&mut self, path: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|sentence| self.add(path, sentence)).ok()
    }

    fn none<T>(&mut self, read: Option<&T>, path: &str, sentence: &str) {
        if read.is_none() {
            self.add(path, sentence);
        }
    }

    fn size(&mut self, path: &str, text: Option<&String>) -> Option<Size> {
        let read = Size::read(text?);
        self.none(read.as_ref(), path, "must be a size such as 50MB");
        read
    }

    fn duration(&mut self, path: &str, text: Option<&String>) -> Option<i64> {
        let read = nanoseconds(text?);
        self.none(
            read.as_ref(),
            path,
            "must be a Prometheus duration such as 30s",
        );
        read
    }
}

fn known(id: &str, path: String, faults: &mut Faults) -> Option<&'static str> {
    let found = rule(id).map(Rule::id);
    if found.is_none() {
        faults.add(path, "is no rule; `kubectl thanos policy rules` lists them");
    }
    found
}

fn overrides(spec: &ThanosPolicySpec, faults: &mut Faults) -> BTreeMap<&'static str, Enforcement> {
    let mut overrides = BTreeMap::new();
    for (at, one) in spec.rules.iter().enumerate() {
        let path = format!("spec.rules[{at}].id");
        if let Some(id) = known(&one.id, path.clone(), faults)
            && overrides.insert(id, one.enforcement).is_some()
        {
            faults.add(path, "is named twice");
        }
    }
    overrides
}

fn exempt(at: usize, written: &Exemption, faults: &mut Faults) -> Exempt {
    let path = format!("spec.exemptions[{at}]");
    let rules = written
        .rules
        .iter()
        .enumerate()
        .filter_map(|(rule, id)| known(id, format!("{path}.rules[{rule}]"), faults))
        .collect();
    let ends = written.expires.as_ref().and_then(|text| {
        let ends = text
            .parse::<Date>()
            .ok()
            .filter(|_| text.len() == 10)
            .and_then(|day| day.tomorrow().ok())
            .and_then(|day| day.to_zoned(TimeZone::UTC).ok())
            .map(|midnight| midnight.timestamp());
        faults.none(
            ends.as_ref(),
            &format!("{path}.expires"),
            "must be a day such as 2027-01-31",
        );
        ends
    });
    if written.reason.trim().is_empty() {
        faults.add(format!("{path}.reason"), "must say why");
    }
    Exempt {
        namespace: written.namespace.clone(),
        name: written.name.clone(),
        rules,
        reason: written.reason.clone(),
        ends,
    }
}

fn patterns(written: &[String], faults: &mut Faults) -> Vec<UrlPattern> {
    let mut patterns = Vec::new();
    for (at, text) in written.iter().enumerate() {
        match UrlPattern::read(text) {
            Ok(pattern) => patterns.push(pattern),
            Err(sentence) => faults.add(format!("spec.remoteWrite.allowedUrls[{at}]"), sentence),
        }
    }
    patterns
}
