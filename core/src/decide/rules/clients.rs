//! Whoever calls somebody in an object, and the credentials that go along.

use serde_json::{Map, Value};

use super::case::Case;
use super::headers;
use super::places::Spot;

/// The fields of a client that bring a credential as an object.
pub(crate) const AUTHENTICATIONS: &[&str] =
    &["basicAuth", "authorization", "oauth2", "sigv4", "azureAd"];
/// The fields that bring one as text: the credential, or its file.
pub(crate) const TOKENS: &[&str] = &["bearerToken", "bearerTokenFile"];

/// The credentials of a client that no wiring has set, by field: what is sent along with each request.
pub(super) fn credentials(case: &Case<'_>, at: &Spot<'_>, client: &Value) -> Map<String, Value> {
    let wiring = at.is_entry().then(|| case.wiring_of(client)).flatten();
    let own = |field: &&&str| {
        let value = client.get(**field).unwrap_or(&Value::Null);
        let set = wiring.is_some_and(|wiring| {
            let mut enforced = wiring.entry.enforced.iter();
            enforced.any(|(name, wanted)| name == *field && wanted == value)
        });
        !is_empty(value) && !set
    };
    let fields = AUTHENTICATIONS.iter().chain(TOKENS).filter(own);
    let mut found: Map<String, Value> = fields
        .map(|field| ((*field).to_owned(), client[*field].clone()))
        .collect();
    let tenant = wiring.and_then(|wiring| wiring.entry.tenant.as_ref());
    let headers = client.get("headers").and_then(Value::as_object);
    for (name, value) in headers.into_iter().flatten() {
        let text = value.as_str().unwrap_or_default();
        let is_tenant = tenant.is_some_and(|(header, _)| header == name);
        let is_credential = headers::names_credential(name) || headers::is_credential(text);
        if is_credential && !text.is_empty() && !is_tenant {
            found.insert(format!("headers.{name}"), value.clone());
        }
    }
    found
}

/// Nothing, or an empty text.
pub(super) fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

/// The items of a list below `spec`, with their spots.
pub(super) fn list<'a>(case: &Case<'a>, path: &[&'a str]) -> Vec<(Spot<'a>, &'a Value)> {
    let mut at = Spot::default();
    let mut value = case.subject.raw.get("spec");
    for name in path {
        at = at.member(name);
        value = value.and_then(|value| value.get(name));
    }
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items
        .enumerate()
        .map(|(index, item)| (at.item(index, item), item))
        .collect()
}
