//! The wildcards of a policy: one DNS label in a host, or a whole path; never a prefix test.

use std::fmt::Write;

use url::{Host, Url};

/// A label that no host has stands in for the wildcard, so that the standard's own parser reads the rest.
const ANY: &str = "any-label-0";

/// `https://*.example.com/api/v1/receive`: scheme, host, port and path that a url must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlPattern {
    scheme: String,
    host: String,
    port: Option<u16>,
    /// `None`: any path.
    path: Option<String>,
    written: String,
}

impl UrlPattern {
    /// Reads a pattern; the error says what is wrong with it.
    pub fn read(written: &str) -> Result<Self, &'static str> {
        let Some((scheme, rest)) = written.split_once("://") else {
            return Err("must start with https:// or http://");
        };
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") {
            return Err("must start with https:// or http://");
        }
        let (authority, path) = rest
            .find('/')
            .map_or((rest, "/"), |at| (&rest[..at], &rest[at..]));
        if authority.contains('@') {
            return Err("must hold no user information");
        }
        if path.contains(['?', '#']) || (path.contains('*') && path != "/*") {
            return Err("may have `/*` for every path, or one path without `*`, `?` and `#`");
        }
        if authority.contains(ANY) {
            return Err("is no url");
        }
        let starred = authority
            .split('.')
            .all(|label| label.split(':').next() == Some("*") || !label.contains('*'));
        if !starred {
            return Err("may have `*` only as a whole label of the host");
        }
        let url = Url::parse(&format!(
            "{scheme}://{}{}",
            authority.replace('*', ANY),
            path
        ))
        .map_err(|_| "is no url")?;
        let host = host(&url).ok_or("must have a host")?.replace(ANY, "*");
        if host == "*" {
            return Err("must name a domain: `*` is one label of it");
        }
        Ok(Self {
            scheme,
            host,
            port: url.port_or_known_default(),
            path: (path != "/*").then(|| normal_path(url.path())),
            written: written.to_owned(),
        })
    }

    /// Whether a url matches: after its case, default port, dot segments, percent-encoding and trailing dot are made
    /// the same, and only where host and path are as written.
    pub fn matches(&self, url: &Url) -> bool {
        let host_matches = host(url).is_some_and(|host| match url.host() {
            Some(Host::Domain(_)) => labels_match(&self.host, &host),
            _ => self.host == host,
        });
        url.scheme() == self.scheme
            && host_matches
            && url.port_or_known_default() == self.port
            && self
                .path
                .as_ref()
                .is_none_or(|path| *path == normal_path(url.path()))
            && url.username().is_empty()
            && url.password().is_none()
    }

    /// Scheme, host, port and path, each in its one spelling.
    pub(crate) fn parts(&self) -> (&str, &str, Option<u16>, Option<&str>) {
        (&self.scheme, &self.host, self.port, self.path.as_deref())
    }

    /// As it was written.
    pub fn written(&self) -> &str {
        &self.written
    }
}

/// The host in one spelling: lower case, no trailing dot.
fn host(url: &Url) -> Option<String> {
    let host = url.host_str()?.trim_end_matches('.').to_ascii_lowercase();
    (!host.is_empty()).then_some(host)
}

/// The path in one spelling: dot segments are gone already; unreserved characters are written plainly.
pub(crate) fn normal_path(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut plain = String::with_capacity(path.len());
    let mut at = 0;
    while at < bytes.len() {
        let decoded = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match decoded {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                plain.push(char::from(byte));
                at += 3;
            }
            Some(byte) => {
                let _ = write!(plain, "%{byte:02X}");
                at += 3;
            }
            None => {
                plain.push(char::from(bytes[at]));
                at += 1;
            }
        }
    }
    plain
}

fn labels_match(pattern: &str, host: &str) -> bool {
    let (mut wanted, mut given) = (pattern.split('.'), host.split('.'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some("*"), Some(given)) if !given.is_empty() => {}
            _ => return false,
        }
    }
}

/// `thanos-*`: `*` is any run of characters but `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern(String);

impl NamePattern {
    /// Every text is a pattern.
    pub fn read(written: &str) -> Self {
        Self(written.to_owned())
    }

    /// Whether the whole of `name` matches.
    pub fn matches(&self, name: &str) -> bool {
        glob(self.0.as_bytes(), name.as_bytes())
    }

    /// As it was written.
    pub fn written(&self) -> &str {
        &self.0
    }
}

/// Linear in both: the last star alone is tried again.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, n));
            p += 1;
        } else if p < pattern.len() && pattern[p] == name[n] {
            p += 1;
            n += 1;
        } else if let Some((at, from)) = star
            && name[from] != b'/'
        {
            star = Some((at, from + 1));
            p = at + 1;
            n = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn one_label_and_one_path() {
        let pattern = UrlPattern::read("https://*.example.com/api/v1/receive").unwrap();
        for same in [
            "https://a.example.com/api/v1/receive",
            "HTTPS://A.EXAMPLE.com:443/api/v1/receive",
            "https://a.example.com./api/v1/./receive",
            "https://a.example.com/api/v1/%72eceive",
        ] {
            assert!(pattern.matches(&url(same)), "{same}");
        }
        for other in [
            "https://example.com/api/v1/receive",
            "https://a.b.example.com/api/v1/receive",
            "http://a.example.com/api/v1/receive",
            "https://a.example.com:8443/api/v1/receive",
            "https://a.example.com/api/v1/receive/",
            "https://a.example.com/api/v1/receive2",
            "https://a.example.com.evil.org/api/v1/receive",
            "https://u@a.example.com/api/v1/receive",
            "https://127.0.0.1/api/v1/receive",
        ] {
            assert!(!pattern.matches(&url(other)), "{other}");
        }
        let any = UrlPattern::read("http://10.0.0.1:19291/*").unwrap();
        assert!(any.matches(&url("http://0x0a.0.0.1:19291/anything")));
        for wrong in [
            "ftp://a/",
            "https://*/",
            "https://a*.example.com/",
            "https://a/b*",
            "https://u@a/",
        ] {
            assert!(UrlPattern::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn stars_stay_within_a_segment() {
        let matches = |pattern: &str, name: &str| NamePattern::read(pattern).matches(name);
        assert!(matches("thanos-*", "thanos-eu") && matches("*", "x") && matches("a*c*", "abcd"));
        assert!(matches(
            "quay.io/prometheus/*",
            "quay.io/prometheus/prometheus"
        ));
        assert!(!matches(
            "quay.io/prometheus/*",
            "quay.io/prometheus/evil/prometheus"
        ));
        assert!(!matches("thanos-*", "xthanos-eu") && !matches("", "x") && matches("", ""));
    }
}
