//! `egress-url`, more strictly: a url passes where it is spelled as an allowed one is.

use super::{each, one, rows};
use crate::decide::rules::shared::LOOKUPS;
use crate::fields::sensitive::Sort;
use crate::native::Cover;
use crate::native::cel::{self, Here};
use crate::policy::{Policy, UrlPattern};
use crate::relabel::quote_meta;

pub(super) fn egress_url(policy: &Policy) -> Vec<Cover> {
    let Some(allowed) = &policy.allowed_urls else {
        return Vec::new();
    };
    let sentence = "leads where remoteWrite.allowedUrls does not, or is spelled otherwise";
    let urls = each("egress-url", Sort::Url, sentence, &|path, here| {
        let value = here.value;
        let leads = allowed
            .iter()
            .map(|pattern| format!("{value}.matches({})", cel::text(&expression(pattern, path))));
        format!(
            "{value} != '' && !(!{value}.contains('xn--') && !{value}.contains('..') && ({}))",
            cel::any(leads)
        )
    });
    let sentence = "may send alerts where remoteWrite.allowedUrls does not: it writes the address";
    let rules = rows("egress-url", Sort::Relabelling);
    let rules = rules
        .iter()
        .map(|path| one(&format!("{path}[]"), sentence, &rewrites_address));
    vec![
        Cover::Stricter(
            urls,
            "a url must be spelled as the allowed one: in lower case, without a trailing dot, dot segments or percent-encoding",
        ),
        Cover::Exact(rules.collect()),
    ]
}

/// A pattern as an expression of the urls that are surely it.
fn expression(pattern: &UrlPattern, path: &str) -> String {
    let (scheme, host, port, wanted) = pattern.parts();
    let host = host_expression(host);
    let default = matches!((scheme, port), ("https", Some(443)) | ("http", Some(80)));
    let port = match port {
        Some(port) if default => format!("(:{port})?"),
        Some(port) => format!(":{port}"),
        None => String::new(),
    };
    let rest = match wanted {
        None => r"([/?#][A-Za-z0-9._~!*'(),;:@&=+/?#-]*)?".to_owned(),
        Some("/") => r"/?([?#][A-Za-z0-9._~&=+-]*)?".to_owned(),
        Some(wanted) => format!("{}([?#][A-Za-z0-9._~&=+-]*)?", quote_meta(wanted)),
    };
    let lookups: Vec<String> = LOOKUPS.iter().map(|one| quote_meta(one)).collect();
    let lookup = format!("({})?", lookups.join("|"));
    match path {
        "apiserverConfig.host" | "tracingConfig.endpoint" => {
            format!("^({scheme}://)?{host}{port}{rest}$")
        }
        "alertmanagersUrl[]" => format!("^{lookup}{scheme}://{host}{port}{rest}$"),
        "queryEndpoints[]" if scheme == "http" => {
            format!("^(http://)?{lookup}{host}{port}{rest}$")
        }
        "queryEndpoints[]" => format!("^{scheme}://{lookup}{host}{port}{rest}$"),
        _ => format!("^{scheme}://{host}{port}{rest}$"),
    }
}

/// `*` is one label; the last one must start with a letter, or the host would be a number.
fn host_expression(host: &str) -> String {
    let labels: Vec<&str> = host.split('.').collect();
    let label = |(at, label): (usize, &&str)| match *label {
        "*" if at + 1 == labels.len() => "[a-z]([a-z0-9-]*[a-z0-9])?".to_owned(),
        "*" => "[a-z0-9]([a-z0-9-]*[a-z0-9])?".to_owned(),
        label => quote_meta(label),
    };
    let labels: Vec<String> = labels.iter().enumerate().map(label).collect();
    labels.join(r"\.")
}

/// As `relabelling::Rule::touches`, for the two labels that make an address.
fn rewrites_address(here: &Here<'_>) -> String {
    let rule = format!("dyn({})", here.value);
    let field = |name: &str, default: &str| format!("{rule}.?{name}.orValue('{default}')");
    let action = format!("{}.lowerAscii()", field("action", "replace"));
    let action = format!("({action} == '' ? 'replace' : {action})");
    let label = |label: &str| {
        let may_become = |template: &str| {
            format!(
                "({template}.contains('$') ? '{label}'.startsWith({template}.split('$')[0]) : {template} == '{label}')"
            )
        };
        cel::any([
            format!(
                "{action} == 'replace' && {}",
                may_become(&field("targetLabel", ""))
            ),
            format!(
                "{action} in ['hashmod', 'lowercase', 'uppercase'] && {} == '{label}'",
                field("targetLabel", "")
            ),
            format!(
                "{action} == 'labelmap' && {}",
                may_become(&field("replacement", "$1"))
            ),
        ])
    };
    cel::any(["__address__", "__scheme__"].map(label))
}
