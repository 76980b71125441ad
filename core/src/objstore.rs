//! An objstore file in, what Thanos would say of it out, in better words; and what Thanos accepts and is likely wrong.
//!
//! The verdict is that of `client.NewBucket` in <https://github.com/thanos-io/objstore> at 71d60dfee488, which Thanos
//! 0.42.4 links, up to the first connection: `tests/objstore.rs` holds the two against each other. What differs on
//! purpose is in docs/objstore.md. No sentence, and nothing else that leaves this module, holds a value of the file but
//! the places that a [`Config`] names.

use std::fmt;

use crate::codes::{self, Code};
use crate::yaml::{self, Document, Limits};

mod address;
mod checks;
mod decode;
mod duration;
mod envelope;
mod field;
mod google;
mod lints;
mod report;
mod secret;
mod table;
mod url;
mod words;

use decode::Held;
use field::Role;
use report::Report;
pub use secret::{judge_secret, keys};
use table::Definition;
pub use table::Provider;

/// What Azure's `endpoint` is when it is left out.
const AZURE_ENDPOINT: &str = "blob.core.windows.net";

/// A place in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
}

/// One thing that is to be said.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Its row in the registry.
    pub code: &'static Code,
    /// `config.endpoint`; empty where it is about the whole file.
    pub path: String,
    /// What is wrong and what to write, to be read behind the path. It never holds a value of the file.
    pub sentence: String,
    /// Where, unless it is about something that is not there.
    pub place: Option<Place>,
}

impl Finding {
    fn new(
        code: &'static Code,
        path: impl Into<String>,
        sentence: impl Into<String>,
        place: Option<Place>,
    ) -> Self {
        Self {
            code,
            path: path.into(),
            sentence: sentence.into(),
            place,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.sentence)
        } else {
            write!(f, "{}: {}", self.path, self.sentence)
        }
    }
}

/// The verdict on one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// Thanos would refuse it.
    pub faults: Vec<Finding>,
    /// Thanos accepts it, and it is likely wrong.
    pub lints: Vec<Finding>,
    /// What it says, when it is accepted.
    pub config: Option<Config>,
}

/// What an accepted file says that a policy asks about. No credential is in here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Its `type`.
    pub provider: Provider,
    /// Slashes at its ends cut, as Thanos does.
    pub prefix: String,
    /// The bucket, container or directory.
    pub bucket: String,
    /// Azure's storage account, else empty.
    pub account: String,
    /// As written; of Azure the default when it is left out.
    pub endpoint: String,
    /// The paths of static credentials that are set, as `config.storage_account_key`.
    pub static_secrets: Vec<String>,
    /// Whether this provider, in this mode, cannot work without one.
    pub needs_static: bool,
}

impl Config {
    /// What a file for a container of Azure says that holds no credential; an empty endpoint is the public cloud's.
    pub fn azure(account: &str, container: &str, endpoint: &str) -> Self {
        let endpoint = if endpoint.is_empty() {
            AZURE_ENDPOINT
        } else {
            endpoint
        };
        Self {
            provider: Provider::Azure,
            prefix: String::new(),
            bucket: container.to_owned(),
            account: account.to_owned(),
            endpoint: endpoint.to_owned(),
            static_secrets: Vec::new(),
            needs_static: false,
        }
    }

    /// Whether blocks of both are found by one compactor: the same bucket, and one prefix at or below the other. Never
    /// where a bucket is known only by more than is kept here: a directory is each pod's own, SWIFT's container one of
    /// a project, OCI's one of a tenancy, COS' without an endpoint one of an app.
    pub fn overlaps(&self, other: &Self) -> bool {
        let below = |outer: &str, inner: &str| {
            outer.is_empty()
                || inner
                    .strip_prefix(outer)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_told_apart = match self.provider {
            Provider::Filesystem | Provider::Swift | Provider::Oci => false,
            Provider::Cos => !self.endpoint.is_empty(),
            _ => true,
        };
        is_told_apart
            && self.provider == other.provider
            && self.bucket == other.bucket
            && self.account == other.account
            && self.endpoint.eq_ignore_ascii_case(&other.endpoint)
            && (below(&self.prefix, &other.prefix) || below(&other.prefix, &self.prefix))
    }
}

/// Judges an objstore file.
pub fn judge(text: &[u8]) -> Judged {
    let unreadable = |sentence: &str, place| Judged {
        faults: vec![Finding::new(codes::OBJSTORE_YAML, "", sentence, place)],
        ..Judged::default()
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return unreadable("is not UTF-8", None);
    };
    match yaml::read(text, &Limits::SECRET) {
        Ok(document) => judge_document(text, &document),
        Err(yaml::Error {
            message,
            line,
            column,
        }) => unreadable(message, Some(Place { line, column })),
    }
}

fn judge_document(text: &str, document: &Document) -> Judged {
    let mut report = Report::new(text, document);
    let envelope = envelope::read(&mut report);
    if let (Some(definition), Some(config)) = (envelope.definition, envelope.config) {
        decode::structure(
            &mut report,
            config,
            "config",
            definition.fields,
            definition.strict,
        );
    }
    if let Some(definition) = envelope.definition {
        let is_typed = |finding: &Finding| finding.code != codes::OBJSTORE_FIELD_TYPE;
        if report.faults.iter().all(is_typed) {
            required(&mut report, definition);
            (definition.check)(&mut report);
        }
        lints::all(&mut report, definition);
    }
    lints::environment(&mut report);
    if document.more() {
        let sentence = "more than one YAML document: Thanos reads the first and ignores the rest";
        let finding = Finding::new(codes::OBJSTORE_MORE_DOCUMENTS, "", sentence, None);
        report.lints.push(finding);
    }
    let config = envelope
        .definition
        .filter(|_| report.faults.is_empty())
        .map(|definition| config(&report, definition, &envelope.prefix));
    let Report { faults, lints, .. } = report;
    Judged {
        faults,
        lints,
        config,
    }
}

fn required(report: &mut Report<'_>, definition: &Definition) {
    for field in definition.fields.iter().filter(|field| field.required) {
        if !report.has(field.name) {
            let sentence = match field.role {
                Role::StaticSecret => "must be set: this provider has no other way to authenticate",
                Role::Endpoint => "must be set: the host of the service",
                Role::Account => "must be set: the storage account's name",
                _ => "must be set",
            };
            report.refuse(codes::OBJSTORE_REQUIRED, field.name, sentence);
        }
    }
}

fn config(report: &Report<'_>, definition: &Definition, prefix: &str) -> Config {
    let by_role = |role: Role| {
        let found = report.seen.iter().find(|seen| seen.field.role == role);
        match found.map(|seen| &seen.held) {
            Some(Held::Text(text)) => text.clone(),
            _ => String::new(),
        }
    };
    let is_azure = definition.provider == Provider::Azure;
    let endpoint = if is_azure && report.find("endpoint").is_none() {
        AZURE_ENDPOINT.to_owned()
    } else {
        by_role(Role::Endpoint)
    };
    // Where a URL may hold a user and a password, they are no part of the address.
    let endpoint = match endpoint.rsplit_once('@') {
        Some((before, host)) => match before.split_once("://") {
            Some((scheme, _)) => format!("{scheme}://{host}"),
            None => host.to_owned(),
        },
        None => endpoint,
    };
    let is_raw = report.text("provider").eq_ignore_ascii_case("raw");
    Config {
        provider: definition.provider,
        prefix: prefix.to_owned(),
        bucket: by_role(Role::Bucket),
        account: by_role(Role::Account),
        endpoint,
        static_secrets: lints::static_secrets(report),
        needs_static: definition.needs_static || definition.provider == Provider::Oci && is_raw,
    }
}

/// Where `$(NAME)` stands, which Thanos replaces by a variable of its environment.
///
/// `expandEnv` in <https://github.com/efficientgo/tools/blob/6b7392939a60/extkingpin/pathorcontent.go>
fn references(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices("$(").filter_map(|(at, _)| {
        let (name, _) = text[at + 2..].split_once(')')?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        (!name.is_empty() && name.bytes().all(fits)).then_some(at)
    })
}

fn reference(text: &str) -> bool {
    references(text).next().is_some()
}

#[cfg(test)]
mod tests;
