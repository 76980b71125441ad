//! The rules about credentials: where they stand, what they are read from, how they travel.

use super::headers::{bearer_tokens, holds_credential, names_credential};
use super::{Ask, each, is_filled, one, rows};
use crate::decide::rules::shared::{AUTHENTICATIONS, LOOKUPS, TOKENS};
use crate::fields::sensitive::Sort;
use crate::native::cel::{self, Here};
use crate::native::{Check, Cover, selector};

/// What a wiring's own value needs, to pass.
const SPELLED: &str =
    "what a wiring sets passes only in an entry whose url is spelled as the wiring's";

pub(super) fn credential_files() -> Vec<Cover> {
    let sentence = "reads a file of the pod: name a Secret";
    let checks = each("credential-files", Sort::File, sentence, &|_, here| {
        is_filled(here)
    });
    vec![Cover::Looser(
        checks,
        "an update that changes only where a file is sent passes",
    )]
}

pub(super) fn borrowed_secret(ask: &Ask<'_>) -> Vec<Cover> {
    let Some(allowed) = &ask.policy.allowed_secrets else {
        return Vec::new();
    };
    let sentence = "names a Secret or ConfigMap that is not in remoteWrite.allowedSecrets";
    let checks = each(
        "borrowed-secret",
        Sort::Reference,
        sentence,
        &|path, here| {
            let name = format!("{}.name", here.value);
            let set = in_entry(path)
                .map(|(field, steps)| selector::set_by_wiring(ask.wirings, field, &steps, here));
            format!(
                "!(has({name}) && {}) && !({})",
                cel::is_in(&name, allowed),
                set.unwrap_or_else(|| "false".to_owned())
            )
        },
    );
    let named = ask
        .wirings
        .iter()
        .any(|wiring| !wiring.references.is_empty());
    let covered = if named {
        Cover::Stricter(checks, SPELLED)
    } else {
        Cover::Exact(checks)
    };
    let moved = "an update that changes only where an old Secret is sent";
    vec![covered, Cover::Not(moved)]
}

/// The field of an entry that a path is in, and the members below.
fn in_entry(path: &str) -> Option<(&str, Vec<&str>)> {
    let rest = path
        .strip_prefix("remoteWrite[].")
        .filter(|rest| !rest.contains(['[', '{']))?;
    let mut steps = rest.split('.');
    Some((steps.next()?, steps.collect()))
}

pub(super) fn inline_credentials(ask: &Ask<'_>) -> Vec<Cover> {
    let id = "inline-credentials";
    let own = |path: &str, here: &Here<'_>| match path {
        "remoteWrite[].url" => selector::is_entry_of_any(ask.wirings, here.holder),
        path if path.starts_with("remoteWrite[].headers") => {
            selector::is_tenant_of(ask.wirings, here)
        }
        _ => "false".to_owned(),
    };
    let sentence = "holds a user name or a password: name a Secret";
    let users = each(id, Sort::Url, sentence, &|path, here| {
        let value = here.value;
        let odd = cel::text(r"[\t\r\n]");
        format!(
            "!({}) && ({} || ({value}.matches({odd}) && {value}.contains('@')))",
            own(path, here),
            has_user_information(value)
        )
    });
    let sentence = "holds a credential among its parameters: name a Secret";
    let mut looser = each(id, Sort::Url, sentence, &|path, here| {
        let value = here.value;
        let query = format!(
            "{value}.substring({value}.indexOf('?') + 1).split('#')[0].replace(';', '&').split('&')"
        );
        let name = "parameter.split('=')[0]";
        format!(
            "!({}) && {value}.contains('?') && {query}.exists(parameter, {})",
            own(path, here),
            names_credential(name)
        )
    });
    let sentence = "is a credential in plain sight: name a Secret";
    looser.extend(each(id, Sort::Header, sentence, &|path, here| {
        format!(
            "{} && !({})",
            holds_credential(here.key, here.value),
            own(path, here)
        )
    }));
    vec![
        Cover::Exact(bearer_tokens()),
        Cover::Stricter(
            users,
            "a url with an @ and a tab or a line break is refused",
        ),
        Cover::Looser(
            looser,
            "names of parameters are not decoded, and letters outside ASCII are not folded",
        ),
    ]
}

/// As `links::has_user_information`, but for what the url standard alone reads.
fn has_user_information(url: &str) -> String {
    let rest =
        format!("({url}.contains('://') ? {url}.substring({url}.indexOf('://') + 3) : {url})");
    format!("{rest}.matches({})", cel::text(r"^[/\\]*[^/?#]*@"))
}

/// As `links::is_encrypted`.
fn is_encrypted(url: &str) -> String {
    let lookups: Vec<String> = LOOKUPS
        .iter()
        .map(|one| crate::relabel::quote_meta(one))
        .collect();
    let expression = format!("(?i)^({})?https://", lookups.join("|"));
    format!("{url}.matches({})", cel::text(&expression))
}

/// Whether a client sends a credential along that no wiring has set.
fn sends(ask: &Ask<'_>, client: &str, is_entry: bool) -> String {
    let wirings = if is_entry { ask.wirings } else { &[] };
    let own = |field: &str| {
        let value = format!("{client}.{field}");
        let here = Here {
            value: &value,
            holder: client,
            key: "",
            parent: client,
        };
        let set = selector::set_by_wiring(wirings, field, &[], &here);
        format!("has({value}) && !({set})")
    };
    let fields = AUTHENTICATIONS.iter().map(|field| own(field));
    let texts = TOKENS
        .iter()
        .map(|field| format!("{} && {client}.{field} != ''", own(field)));
    let map = format!("{client}.headers");
    let value = format!("{map}[header]");
    let here = Here {
        value: &value,
        holder: client,
        key: "header",
        parent: &map,
    };
    let headers = format!(
        "has({map}) && {map}.exists(header, {} && !({}))",
        holds_credential("header", &value),
        selector::names_tenant_of(wirings, &here)
    );
    cel::any(fields.chain(texts).chain([headers]))
}

/// What must be the same for a credential that was sent before: its objects and texts.
fn sent(client: &str, more: &[&str]) -> String {
    let fields = AUTHENTICATIONS.iter().chain(TOKENS).chain(more);
    let fields: Vec<String> = fields
        .map(|field| format!("dyn({client}).?{field}"))
        .collect();
    format!("[{}]", fields.join(", "))
}

const LOOSELY: &str =
    "a header that holds a credential is known by its ASCII letters, and on an update may change";

pub(super) fn plaintext_url(ask: &Ask<'_>) -> Vec<Cover> {
    let sentence = "sends a credential in plain text";
    let mut checks = Vec::new();
    for path in rows("plaintext-url", Sort::Url) {
        checks.push(one(&path, sentence, &|here| {
            let (value, parent) = (here.value, here.parent);
            let sent = if path.ends_with(".proxyUrl") {
                format!(
                    "has({parent}.proxyConnectHeader) && {parent}.proxyConnectHeader.size() > 0"
                )
            } else if path.ends_with(".tokenUrl") {
                "true".to_owned()
            } else if path.ends_with("[]") {
                "false".to_owned()
            } else {
                sends(ask, parent, path.starts_with("remoteWrite"))
            };
            format!(
                "{value} != '' && !{} && ({sent} || {})",
                is_encrypted(value),
                has_user_information(value)
            )
        }));
    }
    let wrong = |client: &str| {
        format!(
            "!(has({client}.scheme) && {client}.scheme.lowerAscii() == 'https') && ({})",
            sends(ask, client, false)
        )
    };
    checks.push(Check::new(
        cel::items("alerting.alertmanagers", &wrong, &|client| {
            sent(client, &["scheme"])
        }),
        "spec.alerting.alertmanagers[].scheme sends a credential in plain text",
    ));
    vec![Cover::Looser(
        checks,
        "an update that changes the credential alone passes, and headers are known by their ASCII letters",
    )]
}

pub(super) fn insecure_tls(ask: &Ask<'_>) -> Vec<Cover> {
    let sentence = "weakens TLS: TLS12 or TLS13, and checked";
    let exact = rows("insecure-tls", Sort::Tls);
    let exact = exact
        .iter()
        .filter(|path| !path.ends_with("followRedirects"));
    let exact = exact.map(|path| {
        one(path, sentence, &|here| {
            if path.ends_with("Version") {
                format!("!({} in ['', 'TLS12', 'TLS13'])", here.value)
            } else {
                super::is_on(here)
            }
        })
    });
    let follows = ["remoteWrite", "remoteRead"].map(|list| {
        let wrong = |client: &str| {
            format!(
                "dyn({client}).?followRedirects.orValue(true) != false && ({})",
                sends(ask, client, list == "remoteWrite")
            )
        };
        Check::new(
            cel::items(list, &wrong, &|client| sent(client, &[])),
            format!("spec.{list}[].followRedirects must be false: a credential goes along"),
        )
    });
    vec![
        Cover::Exact(exact.collect()),
        Cover::Looser(follows.into(), LOOSELY),
    ]
}
