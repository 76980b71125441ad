//! Whether Go's `net/url` takes a text for a URL, and its parts: the SDKs ask it, and it is neither stricter nor more
//! lenient than others but different.
//!
//! Follows what <https://pkg.go.dev/net/url#Parse> does as of Go 1.26.

use std::net::Ipv6Addr;

/// The parts that somebody asks for, percent signs resolved.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Url {
    /// In small letters; empty when there is none.
    pub(super) scheme: String,
    /// With its port.
    pub(super) host: Vec<u8>,
    pub(super) path: Vec<u8>,
}

impl Url {
    /// Without port and brackets.
    pub(super) fn hostname(&self) -> String {
        let host = String::from_utf8_lossy(&self.host);
        let name = match host.rfind(':') {
            Some(colon) if is_port(&host[colon..]) => &host[..colon],
            _ => &host,
        };
        name.strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'))
            .unwrap_or(name)
            .to_owned()
    }
}

/// What a percent sign may hide, and which bytes may stand as they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Other,
    Host,
    Zone,
}

/// Reads a URL.
pub(super) fn parse(text: &str) -> Option<Url> {
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    unescape(fragment, Part::Other)?;
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return None;
    }
    let (scheme, rest) = scheme(text)?;
    let rest = rest.split('?').next().unwrap_or_default();
    if !rest.starts_with('/') {
        let first = rest.split('/').next().unwrap_or_default();
        if scheme.is_empty() && first.contains(':') {
            return None;
        }
        // `scheme:rest` is opaque: nobody looks into it.
        let path = if scheme.is_empty() { rest } else { "" };
        return Some(Url {
            scheme,
            host: Vec::new(),
            path: unescape(path, Part::Other)?,
        });
    }
    let (authority, path) = match rest.strip_prefix("//") {
        Some(behind) if !scheme.is_empty() || !rest.starts_with("///") => {
            behind.split_at(behind.find('/').unwrap_or(behind.len()))
        }
        _ => ("", rest),
    };
    let host = host(&scheme, authority)?;
    Some(Url {
        host,
        path: unescape(path, Part::Other)?,
        scheme,
    })
}

fn scheme(text: &str) -> Option<(String, &str)> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return None,
            b':' => return Some((text[..at].to_ascii_lowercase(), &text[at + 1..])),
            _ => break,
        }
    }
    Some((String::new(), text))
}

fn host(scheme: &str, authority: &str) -> Option<Vec<u8>> {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(allowed) {
        return None;
    }
    unescape(user, Part::Other)?;
    match host.rfind('[') {
        Some(0) => literal(host),
        Some(_) => None,
        None => {
            if let Some(first) = host.find(':') {
                let is_http = matches!(scheme, "http" | "https");
                let colon = if is_http { first } else { host.rfind(':')? };
                is_port(&host[colon..]).then_some(())?;
            }
            unescape(host, Part::Host)
        }
    }
}

/// `[fe80::1%25en0]:80`
fn literal(host: &str) -> Option<Vec<u8>> {
    let end = host.rfind(']')?;
    let port = &host[end + 1..];
    if !port.is_empty() && !is_port(port) {
        return None;
    }
    let inside = &host[1..end];
    let (address, zone) = inside.split_at(inside.find("%25").unwrap_or(inside.len()));
    let (address, zone) = (unescape(address, Part::Host)?, unescape(zone, Part::Zone)?);
    let name = String::from_utf8([address, zone].concat()).ok()?;
    let (address, zone) = name.split_once('%').unwrap_or((&name, "0"));
    if address.parse::<Ipv6Addr>().is_err() || zone.is_empty() {
        return None;
    }
    Some(format!("[{name}]{port}").into_bytes())
}

/// A colon and any number of digits.
fn is_port(text: &str) -> bool {
    text.strip_prefix(':')
        .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

fn unescape(text: &str, part: Part) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%' {
            let digits = text.get(at + 1..at + 3)?;
            if digits.starts_with('+') {
                return None;
            }
            let hidden = u8::from_str_radix(digits, 16).ok()?;
            let fine = match part {
                Part::Other => true,
                Part::Host => hidden >= 0x80 || digits == "25",
                Part::Zone => digits == "25" || hidden == b' ' || stands_in_host(hidden),
            };
            fine.then(|| plain.push(hidden))?;
            at += 3;
            continue;
        }
        if part != Part::Other && *byte < 0x80 && !stands_in_host(*byte) {
            return None;
        }
        plain.push(*byte);
        at += 1;
    }
    Some(plain)
}

fn stands_in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_gos() {
        for text in [
            "https://a:80/b",
            "http://[::1]:9",
            "http://[fe80::1%25en0]/",
            "a/b",
            "x:y z",
            "http://a:",
            "http://é/%41",
            "//a",
            "",
            "http://u:p@a",
        ] {
            assert!(parse(text).is_some(), "{text}");
        }
        for text in [
            "http://a b",
            "http://a:x",
            ":a",
            "a:b".trim_start_matches('a'),
            "1:2/3",
            "http://[1.2.3.4]",
            "http://a%41",
            "http://%",
            "http://a:1:2",
            "http://a\n",
            "http://u^@a",
            "http://[::1",
            "a#%",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
        let url = parse("HTTPS://[::1]:80/a%20b?c#d").unwrap();
        assert_eq!(
            (url.scheme.as_str(), url.hostname().as_str()),
            ("https", "::1")
        );
        assert_eq!(url.path, b"/a b");
    }
}
