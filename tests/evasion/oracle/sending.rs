//! Where an object sends, and what it shows on the way: urls, headers, TLS, names.

use serde_json::Value;

use super::{GoUrl, Seen, says};

/// What proves who somebody is.
const CREDENTIALS: &[&str] = &[
    "basicAuth",
    "authorization",
    "oauth2",
    "sigv4",
    "azureAd",
    "bearerToken",
    "bearerTokenFile",
];
/// Of these an entry may have one.
const AUTHENTICATIONS: &[&str] = &["basicAuth", "authorization", "oauth2", "sigv4", "azureAd"];
/// `reservedHeaders` in Prometheus' `config/config.go`.
const RESERVED: &[&str] = &[
    "host",
    "content-encoding",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "accept-encoding",
    "authorization",
    "x-prometheus-remote-write-version",
    "x-prometheus-remote-read-version",
];
const TOKENS: &[&str] = &[
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "x-auth-token",
    "cookie",
];
const TENANTS: &[&str] = &["thanos-tenant", "thanos-replica", "x-scope-orgid"];

pub(super) fn look(seen: &mut Seen<'_>) {
    for (place, names, value) in seen.fields() {
        match (names.as_slice(), value) {
            (_, Value::String(text)) if is_url(&names) => {
                dialled(seen, &place, &names, text, value);
            }
            ([.., "bearerToken"], _) if says(value) => {
                seen.add("inline-credentials", place, value);
            }
            ([.., "insecureSkipVerify"] | ["tracingConfig", "insecure"], Value::Bool(true)) => {
                seen.add("insecure-tls", place, value);
            }
            ([.., "minVersion" | "maxVersion"], Value::String(text))
                if text == "TLS10" || text == "TLS11" =>
            {
                seen.add("insecure-tls", place, value);
            }
            _ => {}
        }
    }
    for list in ["remoteWrite", "remoteRead"] {
        for (place, entry) in seen.items(list) {
            headers(seen, &place, entry);
            entry_itself(seen, &place, entry);
        }
    }
    for name in [
        "enableRemoteWriteReceiver",
        "enableOTLPReceiver",
        "enableAdminAPI",
    ] {
        let allowed = seen.law.policy["allow"]["inbound"]
            .as_array()
            .is_some_and(|allowed| !allowed.is_empty());
        if *seen.spec(name) == true && !allowed {
            seen.add("open-inbound", name, seen.spec(name));
        }
    }
    twice(seen);
}

fn is_url(names: &[&str]) -> bool {
    matches!(
        names,
        ["remoteWrite" | "remoteRead", "[]", "url"]
            | [.., "proxyUrl" | "tokenUrl"]
            | ["alertQueryUrl"]
            | ["alertmanagersUrl" | "queryEndpoints", "[]"]
            | ["apiserverConfig", "host"]
            | ["tracingConfig", "endpoint"]
    )
}

fn dialled(seen: &mut Seen<'_>, place: &str, names: &[&str], text: &str, value: &Value) {
    let Some(url) = GoUrl::read(text) else {
        // An address without a scheme leads somewhere all the same; a broken url leads nowhere.
        if says(value) && seen.law.allowed.is_some() && !text.contains("//") {
            seen.add("egress-url", place, value);
        }
        return;
    };
    if seen
        .law
        .allowed
        .as_ref()
        .is_some_and(|allowed| !allowed.iter().any(|one| one.lets(&url)))
    {
        seen.add("egress-url", place, value);
    }
    if url.user.as_ref().is_some_and(|user| !user.is_empty()) {
        seen.add("inline-credentials", place, value);
    }
    if url.scheme == "http" && names.last() == Some(&"tokenUrl") {
        seen.add("plaintext-url", place, value);
    }
}

fn headers(seen: &mut Seen<'_>, place: &str, entry: &Value) {
    let ours = seen
        .wiring_of(entry)
        .map(|wiring| &wiring["spec"]["remoteWrite"]["tenant"]["header"]);
    let mut names: Vec<String> = Vec::new();
    for (name, value) in entry["headers"].as_object().into_iter().flatten() {
        // As Go writes it on the wire, every case is one header.
        let header = name.to_ascii_lowercase();
        let place = format!("{place}.headers.{name}");
        if TOKENS.contains(&header.as_str()) && says(value) {
            seen.add("inline-credentials", &place, value);
        }
        if RESERVED.contains(&header.as_str()) {
            seen.add("remote-write-names", &place, &Value::Null);
        }
        let set_by_us = ours.is_some_and(|ours| ours == name);
        if TENANTS.contains(&header.as_str()) && !set_by_us {
            seen.add("tenant-header", &place, value);
        }
        if names.contains(&header) {
            seen.add("tenant-header", &place, value);
        }
        names.push(header);
    }
}

fn entry_itself(seen: &mut Seen<'_>, place: &str, entry: &Value) {
    let credential = CREDENTIALS.iter().any(|field| says(&entry[field]));
    let url = entry["url"].as_str().and_then(GoUrl::read);
    // What a wiring sends in plain text is the admin's word.
    let theirs = seen
        .wiring_of(entry)
        .and_then(|wiring| wiring["spec"]["remoteWrite"]["auth"].as_object());
    let own = theirs.is_none_or(|auth| auth.iter().any(|(kind, value)| entry[kind] != *value));
    if own && credential && url.is_some_and(|url| url.scheme == "http") {
        seen.add("plaintext-url", format!("{place}.url"), &entry["url"]);
    }
    if credential && entry["followRedirects"] == true {
        seen.add(
            "insecure-tls",
            format!("{place}.followRedirects"),
            &Value::Null,
        );
    }
    if AUTHENTICATIONS
        .iter()
        .filter(|field| says(&entry[field]))
        .count()
        > 1
    {
        seen.add("remote-write-names", format!("{place}.auth"), &Value::Null);
    }
}

fn twice(seen: &mut Seen<'_>) {
    let mut names: Vec<&str> = Vec::new();
    for (_, entry) in seen.items("remoteWrite") {
        let Some(name) = entry["name"].as_str().filter(|name| !name.is_empty()) else {
            continue;
        };
        if names.contains(&name) {
            seen.add("remote-write-names", format!("name {name}"), &Value::Null);
        }
        names.push(name);
    }
}
