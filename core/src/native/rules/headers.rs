//! Headers: which hold a credential, which speak for a tenant, which Prometheus does not load.

use super::{Ask, each, is_filled, rows};
use crate::decide::rules::shared::{AUTHENTICATIONS, AZURE, PARTS, STARTS, TENANT, TOKENS, WORDS};
use crate::fields::sensitive::Sort;
use crate::native::cel::{self, Here};
use crate::native::{Check, Cover, selector};
use crate::relabel::quote_meta;
use crate::wiring::RESERVED_HEADERS;

/// What every part says that knows names by their letters.
pub(super) const ASCII: &str =
    "letters outside ASCII are not folded, so a name that is spelled with them is not known";

/// A word, whatever stands between its letters.
fn spread(word: &str) -> String {
    let letters = word.chars().filter(char::is_ascii_alphanumeric);
    let letters: Vec<String> = letters.map(String::from).collect();
    letters.join("[^a-zA-Z0-9]*")
}

/// As `headers::names_credential`.
pub(super) fn names_credential(name: &str) -> String {
    let parts: Vec<String> = PARTS.iter().map(|part| spread(part)).collect();
    let apart = r"[^\p{L}\p{N}]";
    let expression = format!(
        "(?is)({})|(^|{apart})({})({apart}|$)",
        parts.join("|"),
        WORDS.join("|")
    );
    format!("{name}.matches({})", cel::text(&expression))
}

/// As `headers::is_credential`.
pub(super) fn is_credential(value: &str) -> String {
    let starts: Vec<String> = STARTS.iter().map(|start| quote_meta(start)).collect();
    let expression = format!(r"(?i)^\s*({})", starts.join("|"));
    format!(
        r#"({value}.matches({}) || {value}.matches("^\\s*eyJ[^.]*[.]"))"#,
        cel::text(&expression)
    )
}

/// Whether a header, where its key and its value are, is a credential that stands there.
pub(super) fn holds_credential(key: &str, value: &str) -> String {
    format!(
        "{value} != '' && ({} || {})",
        names_credential(key),
        is_credential(value)
    )
}

pub(super) fn tenant_header(ask: &Ask<'_>) -> Vec<Cover> {
    let of_wirings = ask
        .wirings
        .iter()
        .filter_map(|wiring| wiring.entry.tenant.as_ref());
    let names = TENANT
        .iter()
        .copied()
        .chain(of_wirings.map(|(header, _)| header.as_str()));
    let names: Vec<String> = names.map(spread).collect();
    let apart = "[^a-zA-Z0-9]*";
    let expression = cel::text(&format!("(?is)^{apart}({}){apart}$", names.join("|")));
    let checks = rows("tenant-header", Sort::Header)
        .into_iter()
        .map(|path| {
            let sentence = "speaks for a tenant, or differs from another header only in case";
            super::one(&path, sentence, &|here| {
                let set = if path.starts_with("remoteWrite[].headers") {
                    selector::is_tenant_of(ask.wirings, here)
                } else {
                    "false".to_owned()
                };
                format!(
                    "({0}.matches({expression}) && !({set})) || {1}.exists(other, other != {0} && \
                     other.lowerAscii() == {0}.lowerAscii())",
                    here.key, here.parent
                )
            })
        })
        .collect();
    vec![Cover::Looser(checks, ASCII)]
}

pub(super) fn remote_write_names(ask: &Ask<'_>) -> Vec<Cover> {
    let mut checks = Vec::new();
    for list in ["remoteWrite", "remoteRead"] {
        checks.extend([twice(list), authentications(list)]);
        let wrong = |entry: &str| {
            let set = items(AZURE, |name| format!("has({entry}.azureAd.{name})"));
            format!("has({entry}.azureAd) && [{set}].filter(set, set).size() != 1")
        };
        checks.push(Check::new(
            cel::items(list, &wrong, &|entry| format!("{entry}.?azureAd")),
            format!("spec.{list}[].azureAd must hold exactly one identity"),
        ));
    }
    let sentence = "is a header that Prometheus reserves, or that HTTP cannot carry";
    checks.extend(each(
        "remote-write-names",
        Sort::Header,
        sentence,
        &not_carried,
    ));
    vec![
        Cover::Exact(checks),
        Cover::Looser(
            vec![message_version(ask)],
            "Receive is known by the url as it is written: another spelling of its path is not",
        ),
        Cover::Not("urls, queues and relabel rules that Prometheus does not load"),
    ]
}

/// An expression for each name, as the items of a list.
fn items(names: &[&str], each: impl Fn(&str) -> String) -> String {
    let all: Vec<String> = names.iter().map(|name| each(name)).collect();
    all.join(", ")
}

fn twice(list: &str) -> Check {
    let wrong = |entry: &str| {
        let spec = if entry == "o" { cel::OLD } else { cel::SPEC };
        format!(
            "has({entry}.name) && {entry}.name != '' ? \
             {spec}.{list}.filter(x, has(x.name) && x.name == {entry}.name).size() > 1 : \
             {spec}.{list}.filter(x, x == {entry}).size() > 1"
        )
    };
    Check::new(
        cel::items(list, &wrong, &|entry| {
            format!("(has({entry}.name) && {entry}.name != '' ? dyn({entry}.name) : dyn({entry}))")
        }),
        format!("spec.{list}[] is there twice: Prometheus would not load the configuration"),
    )
}

fn authentications(list: &str) -> Check {
    let wrong = |entry: &str| {
        let objects = items(AUTHENTICATIONS, |name| format!("has({entry}.{name})"));
        let texts = items(TOKENS, |name| {
            format!("has({entry}.{name}) && {entry}.{name} != ''")
        });
        format!("[{objects}, {texts}].filter(set, set).size() > 1")
    };
    Check::new(
        cel::items(list, &wrong, &str::to_owned),
        format!("spec.{list}[] has more than one authentication: Prometheus takes one"),
    )
}

fn not_carried(_: &str, here: &Here<'_>) -> String {
    format!(
        "{} || !{}.matches({}) || {}.matches({})",
        cel::is_in(&format!("{}.lowerAscii()", here.key), RESERVED_HEADERS),
        here.key,
        cel::text("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"),
        here.value,
        cel::text(r"[\x00-\x08\x0a-\x1f\x7f\x{80}-\x{9f}]"),
    )
}

fn message_version(ask: &Ask<'_>) -> Check {
    let hubs = ask.wirings.iter().map(|wiring| wiring.entry.url.as_str());
    let hubs: Vec<&str> = hubs.collect();
    let receive = cel::text(
        "^https?://([a-z]([a-z0-9-]*[a-z0-9])?[.])*[a-z]([a-z0-9-]*[a-z0-9])?(:[0-9]{1,4})?(/[a-z0-9_/-]*)?/api/v1/receive/*([?#].*)?$",
    );
    let wrong = |entry: &str| {
        format!(
            "has({entry}.messageVersion) && {entry}.messageVersion.lowerAscii() != 'v1.0' && \
             ({} || {entry}.url.lowerAscii().matches({receive}))",
            cel::is_in(&format!("{entry}.url"), &hubs)
        )
    };
    Check::new(
        cel::items("remoteWrite", &wrong, &|entry| {
            format!("{entry}.?messageVersion")
        }),
        "spec.remoteWrite[].messageVersion must be V1.0: Receive stores nothing of another",
    )
}

/// A credential in plain sight, for whoever has the field.
pub(super) fn bearer_tokens() -> Vec<Check> {
    let sentence = "is a credential in plain sight: name a Secret";
    each(
        "inline-credentials",
        Sort::Credential,
        sentence,
        &|_, here| is_filled(here),
    )
}
