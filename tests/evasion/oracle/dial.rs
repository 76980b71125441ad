//! A url as Go reads and dials it (`net/url` parse.go, `net/http` idnaASCII), and the list it is held against.

/// A url that Go can read.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::evasion) struct GoUrl {
    pub(super) scheme: String,
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: String,
    pub(super) path: String,
}

impl GoUrl {
    /// `None`: Go refuses it, or finds no host in it.
    pub(in crate::evasion) fn read(text: &str) -> Option<Self> {
        if text.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
            return None;
        }
        let text = text.split('#').next()?;
        let (scheme, rest) = text.split_once(':')?;
        let letters = scheme
            .chars()
            .all(|one| one.is_ascii_alphanumeric() || "+-.".contains(one));
        if !letters || !scheme.starts_with(|one: char| one.is_ascii_alphabetic()) {
            return None;
        }
        let rest = rest.split('?').next()?.strip_prefix("//")?;
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user.to_owned()), place),
            None => (None, authority),
        };
        let fine = |one: char| one.is_ascii_alphanumeric() || "-._~:!$&'()*+,;=%@".contains(one);
        if user.as_ref().is_some_and(|user| !user.chars().all(fine)) || !escapes_are_whole(path) {
            return None;
        }
        let (host, port) = match place.rfind(']') {
            Some(end) => (
                &place[..=end],
                place[end + 1..].strip_prefix(':').unwrap_or_default(),
            ),
            None => place.rsplit_once(':').unwrap_or((place, "")),
        };
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let known = match scheme.as_str() {
            "https" => "443",
            "http" => "80",
            "socks5" => "1080",
            _ => "",
        };
        let port = port.trim_start_matches('0');
        Some(Self {
            host: dialled(host)?,
            port: if port.is_empty() { known } else { port }.to_owned(),
            path: normal(if path.is_empty() { "/" } else { path }),
            scheme,
            user,
        })
    }
}

fn escapes_are_whole(path: &str) -> bool {
    path.split('%')
        .skip(1)
        .all(|after| after.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2)
}

/// The name that is looked up: in lower case, look-alikes folded as IDNA folds them, without the root's dot.
fn dialled(host: &str) -> Option<String> {
    let mut name = String::new();
    for one in host.chars() {
        match one {
            '。' | '．' | '｡' => name.push('.'),
            '\u{ff01}'..='\u{ff5e}' => {
                let ascii = char::from_u32(u32::from(one) - 0xfee0)?;
                name.push(ascii.to_ascii_lowercase());
            }
            'K' => name.push('k'),
            'ſ' => name.push('s'),
            '\u{ad}' | '\u{200b}' => {}
            _ if !one.is_ascii() => name.extend(one.to_lowercase()),
            _ if one.is_ascii_alphanumeric() || "-_.~!$&'()*+,;=:[]<>\"".contains(one) => {
                name.push(one.to_ascii_lowercase());
            }
            _ => return None,
        }
    }
    let name = name.trim_end_matches('.');
    (!name.is_empty()).then(|| name.to_owned())
}

/// Unreserved characters written plainly, then without dot segments (RFC 3986, 5.2.4).
fn normal(path: &str) -> String {
    let mut plain = String::new();
    let mut rest = path;
    while let Some(one) = rest.chars().next() {
        let code = rest
            .get(1..3)
            .filter(|_| one == '%')
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                plain.push(char::from(byte));
            }
            Some(_) => plain.push_str(&rest[..3].to_ascii_uppercase()),
            None => plain.push(one),
        }
        rest = &rest[if code.is_some() { 3 } else { one.len_utf8() }..];
    }
    let mut kept: Vec<&str> = Vec::new();
    let segments: Vec<&str> = plain.split('/').skip(1).collect();
    for (at, segment) in segments.iter().enumerate() {
        let last = at + 1 == segments.len();
        match *segment {
            "." => kept.extend(last.then_some("")),
            ".." => {
                kept.pop();
                kept.extend(last.then_some(""));
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

/// One line of `allowedUrls`.
pub(in crate::evasion) struct Allowed {
    url: Option<GoUrl>,
    any_path: bool,
}

impl Allowed {
    pub(super) fn read(written: &str) -> Self {
        Self {
            url: GoUrl::read(written),
            any_path: written.ends_with("/*"),
        }
    }

    pub(super) fn lets(&self, url: &GoUrl) -> bool {
        let Some(allowed) = &self.url else {
            return false;
        };
        let (wanted, given): (Vec<&str>, Vec<&str>) = (
            allowed.host.split('.').collect(),
            url.host.split('.').collect(),
        );
        let host = wanted.len() == given.len()
            && wanted
                .iter()
                .zip(&given)
                .all(|(wanted, given)| wanted == given || (*wanted == "*" && !given.is_empty()));
        host && allowed.scheme == url.scheme
            && allowed.port == url.port
            && url.user.as_ref().is_none_or(String::is_empty)
            && (self.any_path || allowed.path == url.path)
    }
}

#[test]
fn urls_are_read_as_go_reads_them() {
    let read = |text: &str| {
        GoUrl::read(text)
            .map(|url| format!("{} {} {} {}", url.scheme, url.host, url.port, url.path))
    };
    for (text, wanted) in [
        ("HTTPS://A.Example.com.", "https a.example.com 443 /"),
        ("https://u:p@x:8443/a/./b/../%63?q#f", "https x 8443 /a/c"),
        ("http://0x7f.1/%2e%2e/a", "http 0x7f.1 80 /a"),
        ("https://a。ｂ/", "https a.b 443 /"),
        ("https://[::1]:80/", "https [::1] 80 /"),
    ] {
        assert_eq!(read(text).as_deref(), Some(wanted), "{text}");
    }
    for text in [
        "https://a\\b/",
        "https://a b/",
        "https:///a",
        "a:1",
        "https://a/%zz",
        "https://a:b/",
        "//a",
        "https://%41/",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}
