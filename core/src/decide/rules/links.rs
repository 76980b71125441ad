//! Urls as Go's `net/url` and the url standard both read them. What the two read differently leads nowhere that is known.
//!
//! The operator copies a url as it is, and Go parses it; the standard quietly repairs what Go takes otherwise: a
//! backslash, a tab, a missing slash, `010.0.0.1`, a fullwidth letter. Such a url is not read at all.

use std::net::Ipv6Addr;

use url::{Host, Url};

use crate::policy::normal_path;

/// What Thanos takes before an address that it looks up itself (`pkg/discovery/dns`).
pub(crate) const LOOKUPS: &[&str] = &["dns+", "dnssrv+", "dnssrvnoa+"];

/// An absolute http(s) url that can be read in one way only.
pub(super) fn read(text: &str) -> Option<Url> {
    if !text.chars().all(|c| c.is_ascii_graphic()) || text.contains(['\\', '"', '<', '>', '^']) {
        return None;
    }
    // The config-reloader puts environment variables in (`$(POD_NAME)`): where such a url leads is not known here.
    if text.contains("$(") || !is_escaped(text) {
        return None;
    }
    let (scheme, authority, path) = parts(text)?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let url = Url::parse(text).ok()?;
    (names_one_host(authority, &url) && !path.split('/').any(is_parent)).then_some(url)
}

/// Everything that the text of one row may be read as: a host without a scheme, or one that Thanos looks up, too.
pub(super) fn readings(row: &str, text: &str) -> Vec<Url> {
    let read_as = |scheme: &str| read(&format!("{scheme}://{text}"));
    match row {
        // The program chooses the scheme by other fields: the host is what matters.
        "apiserverConfig.host" | "tracingConfig.endpoint" if !text.contains("://") => {
            ["https", "http"].into_iter().filter_map(read_as).collect()
        }
        "alertmanagersUrl[]" => read(without_lookup(text)).into_iter().collect(),
        "queryEndpoints[]" => {
            let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
            let host = without_lookup(rest);
            read(&format!("{scheme}://{host}")).into_iter().collect()
        }
        _ => read(text).into_iter().collect(),
    }
}

/// Whether what is sent there surely travels under TLS.
pub(super) fn is_encrypted(text: &str) -> bool {
    let text = without_lookup(text);
    text.get(.."https://".len())
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}

/// Whether a user name or a password stands in the url, whoever reads it.
pub(super) fn has_user_information(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let rest = rest.trim_start_matches(['/', '\\']);
    let authority = rest
        .find(['/', '\\', '?', '#'])
        .map_or(rest, |end| &rest[..end]);
    // Go ends the authority at a slash only where no `?` or `#` came before, and knows no backslash there.
    let go = rest.find(['/', '?', '#']).map_or(rest, |end| &rest[..end]);
    let standard =
        Url::parse(text).is_ok_and(|url| !url.username().is_empty() || url.password().is_some());
    authority.contains('@') || go.contains('@') || standard
}

/// Whether Go surely refuses the url, and Prometheus with it the whole configuration.
pub(super) fn is_refused(text: &str) -> bool {
    let authority = parts(text).map(|(_, authority, _)| authority);
    let space = |c: char| c == ' ' || c == '\\';
    text.chars().any(|c| c.is_ascii_control())
        || !is_escaped(text)
        || authority.is_none_or(|authority| authority.is_empty() || authority.contains(space))
}

/// The path of a url in one spelling; empty where the url cannot be read.
pub(super) fn path(text: &str) -> String {
    Url::parse(text).map_or_else(|_| String::new(), |url| normal_path(url.path()))
}

/// The names of the parameters of the url's query, decoded.
pub(super) fn parameters(text: &str) -> Vec<String> {
    let Some((_, query)) = text.split_once('?') else {
        return Vec::new();
    };
    let query = query.split('#').next().unwrap_or_default();
    url::form_urlencoded::parse(query.replace(';', "&").as_bytes())
        .map(|(name, _)| name.into_owned())
        .collect()
}

/// The address without `dns+`, `dnssrv+` or `dnssrvnoa+`, in any case.
fn without_lookup(text: &str) -> &str {
    let prefixed = |prefix: &&&str| {
        text.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let lookup = LOOKUPS.iter().find(prefixed);
    lookup.map_or(text, |prefix| &text[prefix.len()..])
}

/// Scheme, authority and path, where all three are plainly there.
fn parts(text: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let path = rest[end..].split(['?', '#']).next().unwrap_or_default();
    Some((scheme, &rest[..end], path))
}

/// Whether every `%` has its two digits: Go refuses the url otherwise.
fn is_escaped(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

/// `..`, however it is written: a server may or may not go up.
fn is_parent(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == ".."
}

/// Whether the authority is one host and at most a port, and both parsers take it for the same host.
fn names_one_host(authority: &str, url: &Url) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((inner, port)) => {
                let port = port.strip_prefix(':').or(port.is_empty().then_some(""));
                return inner.parse::<Ipv6Addr>().is_ok() && port.is_some_and(is_port);
            }
            None => return false,
        },
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let one_dot = !host.starts_with('.') && !host.contains("..");
    let same = match url.host() {
        Some(Host::Ipv4(address)) => address.to_string() == host,
        Some(Host::Domain(_)) => true,
        _ => false,
    };
    !host.is_empty() && host.chars().all(plain) && one_dot && is_port(port) && same
}

/// Nothing, or digits without a leading zero.
fn is_port(port: &str) -> bool {
    port.bytes().all(|digit| digit.is_ascii_digit()) && !port.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_in_two_ways_is_not_read() {
        for odd in [
            "https:/a.example.com/",
            "https:///a.example.com/",
            "https:a.example.com",
            "https://a.example.com\\@evil.org/",
            " https://a.example.com/",
            "https://a.example.com/\t",
            "https://ａ.example.com/",
            "https://a.example.com\u{200b}/",
            "https://a%2eexample.com/",
            "https://a.example.com../",
            "https://.a.example.com/",
            "https://u@a.example.com/",
            "https://@a.example.com/",
            "https://010.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://127.1/",
            "https://10.0.0.1./",
            "https://[fe80::1%25eth0]/",
            "https://[::1]evil/",
            "https://a.example.com:0443/",
            "https://a.example.com:+443/",
            "https://$(POD_NAME).example.com/",
            "https://${HOST}.example.com/",
            "https://a.example.com/%zz",
            "https://a.example.com/x/../y",
            "https://a.example.com/x/%2E%2e/y",
            "socks5://a.example.com/",
            "//a.example.com/",
            "",
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
        for plain in [
            "HTTPS://A.example.com.:443/api/v1/./%72eceive",
            "http://10.0.0.1:19291/api/v1/receive?x=1",
            "https://[2001:db8::1]:10908/",
            "https://a.example.com",
            "https://a.example.com:/",
        ] {
            assert!(read(plain).is_some(), "{plain}");
        }
    }

    #[test]
    fn user_information_is_seen_by_either_reading() {
        for with in [
            "https://u:p@a/",
            "https://u@a",
            "u:p@a:4317",
            "https:\\\\u:p@a/",
            "https:/u:p@a/",
            "dns+http://u:p@a:9093",
        ] {
            assert!(has_user_information(with), "{with}");
        }
        for without in ["https://a/@x", "https://a/?q=@x", "a:4317", "https://a/#@"] {
            assert!(!has_user_information(without), "{without}");
        }
        assert_eq!(
            parameters("https://a/?%74oken=1;b=2#c"),
            ["token".to_owned(), "b".to_owned()]
        );
    }
}
