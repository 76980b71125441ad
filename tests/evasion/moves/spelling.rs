//! Other spellings of the same thing: urls, headers, names, durations and sizes.

use serde_json::{Map, Value, json};

use super::super::chance::Chance;
use super::super::plan::Plan;
use super::{is_url_field, pointers};

/// Hosts that a careless reader takes for an allowed one, or for none.
const FORMS: &[&str] = &[
    "https://a.example.com.evil.org/api/v1/receive",
    "https://a.example.com@evil.org/api/v1/receive",
    "https://evil.org#a.example.com/api/v1/receive",
    "https://evil.org?a.example.com/api/v1/receive",
    "https://evil.org\\@a.example.com/api/v1/receive",
    "https://evil.org/https://a.example.com/api/v1/receive",
    "https://2130706433/api/v1/receive",
    "https://0x7f.0.0.1/api/v1/receive",
    "https://[::ffff:10.0.0.1]/api/v1/receive",
    "https://[fe80::1%25eth0]/api/v1/receive",
    "http://10.0.0.1.:19291/x",
    "http://012.0.0.1:19291/x",
    "http://10.0.0.1:19291@evil.org/x",
    "https://example.com/api/v1/receive",
    "https://a.b.example.com/api/v1/receive",
    "https://.example.com/api/v1/receive",
    "https://*.example.com/api/v1/receive",
    "https://а.example.com.ru/api/v1/receive",
    "https://a.exаmple.com/api/v1/receive",
    "https://evil。org/api/v1/receive",
    "https://ｅvil.org/api/v1/receive",
    "https://a.example.com/api/v1/receive/../../../other",
    "https://a.example.com/api/v1/receive%2f..%2fother",
    "https://a.example.com/api/v1/receive/",
    "https://a.example.com//api/v1/receive",
    "https://a.example.com/api/v1/RECEIVE",
    "https://a.example.com/api/v1/receive;x=/other",
    "http://a.example.com/api/v1/receive",
    "http://a.example.com:443/api/v1/receive",
    "https://a.example.com:8443/api/v1/receive",
    "https://a.example.com:0443/api/v1/receive",
    "HTTPS://EVIL.ORG/api/v1/receive",
    "https:///evil.org/api/v1/receive",
    "https:/\\evil.org/api/v1/receive",
    "https://evil.org:443",
    "evil.org:443",
    "//evil.org/api/v1/receive",
    "socks5://evil.org:1080",
    "dnssrv+_http._tcp.evil.org",
];

fn one_url<'p>(plan: &'p mut Plan, chance: &mut Chance) -> Option<&'p mut Value> {
    let found = pointers(&plan.object["spec"], &|at, value| {
        value.is_string() && is_url_field(at)
    });
    let at = chance.pick(&found)?;
    plan.object["spec"].pointer_mut(at)
}

/// Another url altogether.
pub(super) fn url(plan: &mut Plan, chance: &mut Chance) {
    if let Some(place) = one_url(plan, chance) {
        *place = json!(chance.one(FORMS));
    }
}

/// The same url, written otherwise.
pub(super) fn url_again(plan: &mut Plan, chance: &mut Chance) {
    let Some(place) = one_url(plan, chance) else {
        return;
    };
    let text = place.as_str().unwrap_or_default().to_owned();
    let (scheme, rest) = text.split_once("://").unwrap_or(("https", text.as_str()));
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let written = match chance.below(14) {
        0 => format!("{}://{}{path}", scheme.to_uppercase(), host.to_uppercase()),
        1 => format!("{scheme}://{host}.{path}"),
        2 => format!("{scheme}://{host}:443{path}"),
        3 => format!("{scheme}://{host}/./x/..{path}"),
        4 => format!("{scheme}://{host}{}", path.replace('e', "%65")),
        5 => format!("{scheme}://user:secret@{host}{path}"),
        6 => format!("{scheme}://:@{host}{path}"),
        7 => format!("{scheme}://user@{host}{path}"),
        8 => format!("{scheme}://{host}{path}?a=b#c"),
        9 => format!("{scheme}://{}{path}", host.replace('.', "。")),
        10 => format!("{scheme}://{}{path}", look_alike(host)),
        11 => format!(" {text}"),
        12 => format!("{text}\t"),
        _ => format!("http://{host}{path}"),
    };
    *place = json!(written);
}

fn look_alike(text: &str) -> String {
    let full_width = |one: char| char::from_u32(u32::from(one) + 0xfee0).unwrap_or(one);
    text.chars()
        .map(|one| {
            if one.is_ascii_alphanumeric() {
                full_width(one)
            } else {
                one
            }
        })
        .collect()
}

fn headers(plan: &mut Plan, chance: &mut Chance) -> Option<Map<String, Value>> {
    let found = pointers(&plan.object["spec"], &|at, value| {
        at.ends_with("/headers") && value.is_object()
    });
    let at = chance.pick(&found)?;
    plan.object["spec"].pointer(at)?.as_object().cloned()
}

fn write_headers(plan: &mut Plan, before: &Map<String, Value>, after: Map<String, Value>) {
    let found = pointers(&plan.object["spec"], &|_, value| {
        value.as_object() == Some(before)
    });
    if let Some(place) = found
        .first()
        .and_then(|at| plan.object["spec"].pointer_mut(at))
    {
        *place = Value::Object(after);
    }
}

/// One header by another spelling.
pub(super) fn header(plan: &mut Plan, chance: &mut Chance) {
    let Some(before) = headers(plan, chance) else {
        plan.entries().push(one_with_header(chance));
        return;
    };
    let renamed = before
        .iter()
        .map(|(name, value)| (respelled(name, chance), value.clone()))
        .collect();
    write_headers(plan, &before, renamed);
}

fn one_with_header(chance: &mut Chance) -> Value {
    let name = chance.one(&[
        "thanos-tenant",
        "THANOS-REPLICA",
        "x-scope-orgid",
        "Authorization",
        "X-Api-Key",
        "Cookie",
        "content-length",
    ]);
    json!({"name": "with-header", "url": "https://a.example.com/api/v1/receive", "headers": {respelled(name, chance): "x"}})
}

fn respelled(name: &str, chance: &mut Chance) -> String {
    match chance.below(8) {
        0 => name.to_uppercase(),
        1 => name.to_lowercase(),
        2 => name
            .chars()
            .rev()
            .collect::<String>()
            .chars()
            .rev()
            .collect(),
        3 => format!("{name} "),
        4 => format!(" {name}"),
        5 => name.replace('-', "_"),
        6 => name.replace('s', "ſ"),
        _ => {
            let flip = |(at, one): (usize, char)| {
                if at % 2 == 0 {
                    one.to_ascii_uppercase()
                } else {
                    one.to_ascii_lowercase()
                }
            };
            name.chars().enumerate().map(flip).collect()
        }
    }
}

/// One header twice, in two cases.
pub(super) fn header_twice(plan: &mut Plan, chance: &mut Chance) {
    if let Some(before) = headers(plan, chance) {
        let mut after = before.clone();
        for (name, value) in &before {
            after.insert(respelled(name, chance), value.clone());
        }
        write_headers(plan, &before, after);
    }
}

/// Any text in another spelling.
pub(super) fn text(plan: &mut Plan, chance: &mut Chance) {
    let found = pointers(&plan.object["spec"], &|_, value| value.is_string());
    let Some(place) = chance
        .pick(&found)
        .and_then(|at| plan.object["spec"].pointer_mut(at))
    else {
        return;
    };
    let text = place.as_str().unwrap_or_default();
    *place = json!(match chance.below(8) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        2 => format!(" {text}"),
        3 => format!("{text} "),
        4 => format!("{text}\u{200b}"),
        5 => look_alike(text),
        6 => format!("./{text}"),
        _ => format!("$(POD_NAME){text}"),
    });
}

/// A field by a name that only looks like it: pruned, or it is not.
pub(super) fn member_name(plan: &mut Plan, chance: &mut Chance) {
    let keys: Vec<String> = plan.spec().keys().cloned().collect();
    if let Some(value) = chance.pick(&keys).and_then(|key| {
        plan.spec()
            .shift_remove(key)
            .map(|value| (key.clone(), value))
    }) {
        let name = match chance.below(4) {
            0 => value.0.to_uppercase(),
            1 => format!("{}\u{200b}", value.0),
            2 => format!("{} ", value.0),
            _ => value
                .0
                .chars()
                .flat_map(|one| {
                    if one.is_uppercase() {
                        vec!['_', one.to_ascii_lowercase()]
                    } else {
                        vec![one]
                    }
                })
                .collect(),
        };
        plan.spec().insert(name, value.1);
    }
}

/// A duration or a size written otherwise, or one without end.
pub(super) fn quantity(plan: &mut Plan, chance: &mut Chance) {
    const FIELDS: [&str; 7] = [
        "retention",
        "retentionSize",
        "scrapeInterval",
        "enforcedBodySizeLimit",
        "bodySizeLimit",
        "evaluationInterval",
        "scrapeTimeout",
    ];
    let field = chance.one(&FIELDS);
    let value = chance.one(&[
        "0",
        "0s",
        "0B",
        "",
        "1ms",
        "9s",
        "1y",
        "360h1m",
        "15d1ms",
        "1000000h",
        "51MB",
        "51MiB",
        "0.06GB",
        "52428801B",
        "99999999999999999999B",
        "99999999999999999999y",
        "1EB",
        "x50MB",
        "0x",
        "00000",
        "1s1ms",
    ]);
    plan.spec().insert(field.to_owned(), json!(value));
}
