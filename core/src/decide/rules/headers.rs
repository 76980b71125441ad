//! Headers: which names HTTP can carry, which hold a credential, which speak for a tenant.

use crate::names;

/// Headers that file samples under a tenant or a replica, whoever reads them.
pub(crate) const TENANT: &[&str] = &[names::TENANT_HEADER, "THANOS-REPLICA", "X-Scope-OrgID"];

/// Words of a name after which a value is a credential.
pub(crate) const WORDS: &[&str] = &["auth", "pwd", "sig", "sas", "pat", "sid", "session"];
/// Parts of a name after which a value is a credential.
pub(crate) const PARTS: &[&str] = &[
    "token",
    "secret",
    "passw",
    "apikey",
    "credential",
    "authori",
    "authent",
    "cookie",
    "jwt",
    "bearer",
    "signature",
    "accesskey",
    "privatekey",
    "subscriptionkey",
    "functionskey",
    "assertion",
    "passphrase",
];
/// How a value starts that is a credential, in lower case.
pub(crate) const STARTS: &[&str] = &[
    "bearer ",
    "basic ",
    "digest ",
    "negotiate ",
    "token ",
    "apikey ",
    "aws4-hmac",
    "ghp_",
    "glsa_",
    "glc_",
    "hvs.",
    "xoxb-",
];

/// Whether HTTP can carry a header of this name (RFC 9110, `token`); Go fails every request otherwise.
pub(super) fn is_name(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(token)
}

/// Whether HTTP can carry the value: no control character but a tab.
pub(super) fn is_value(value: &str) -> bool {
    value.chars().all(|c| c == '\t' || !c.is_control())
}

/// Whether a header or a parameter of this name is there for a credential.
pub(super) fn names_credential(name: &str) -> bool {
    let name = name.to_lowercase();
    let letters = letters(&name);
    let mut words = name.split(|c: char| !c.is_alphanumeric());
    PARTS.iter().any(|part| letters.contains(part)) || words.any(|word| WORDS.contains(&word))
}

/// Whether a value looks like a credential, whatever its name.
pub(super) fn is_credential(value: &str) -> bool {
    let start: String = value.trim_start().chars().take(12).collect();
    let start = start.to_lowercase();
    // A JSON Web Token starts with `{"` in base64.
    let is_jwt = value.trim_start().starts_with("eyJ") && value.contains('.');
    is_jwt
        || STARTS
            .iter()
            .any(|credential| start.starts_with(credential))
}

/// Whether the header speaks for a tenant: any spelling of one of the known names, or of a wiring's own.
///
/// Case does not matter to HTTP, and some proxies take `_` for `-`: only letters and digits count.
pub(super) fn names_tenant<'a>(name: &str, of_wirings: impl IntoIterator<Item = &'a str>) -> bool {
    let name = letters(&name.to_lowercase());
    let same = |header: &str| letters(&header.to_lowercase()) == name;
    TENANT.iter().any(|header| same(header)) || of_wirings.into_iter().any(same)
}

fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_known_by_their_names() {
        for name in [
            "Authorization",
            "X-Api-Key",
            "x_api_key",
            "Cookie",
            "X-Auth-Token",
            "private-token",
            "Proxy-Authorization",
            "client_secret",
            "X-Functions-Key",
            "sig",
            "access_token",
        ] {
            assert!(names_credential(name), "{name}");
        }
        for name in [
            "X-Scope-OrgID",
            "THANOS-TENANT",
            "X-Author",
            "Idempotency-Key",
            "X-Design",
        ] {
            assert!(!names_credential(name), "{name}");
        }
        assert!(
            is_credential(" Bearer abc")
                && is_credential("eyJhbGciOi.e30.")
                && !is_credential("eyjafjalla")
        );
    }

    #[test]
    fn a_tenant_is_known_in_every_spelling() {
        for name in [
            "thanos-tenant",
            "THANOS_TENANT",
            "Thanos.Tenant ",
            "x-scope-orgid",
            "X-TENANT",
        ] {
            assert!(names_tenant(name, ["x-tenant"]), "{name}");
        }
        assert!(!names_tenant("x-tenant", []) && !is_name("THANOS\u{2010}TENANT") && !is_name(""));
    }
}
