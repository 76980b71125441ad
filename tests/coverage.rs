//! No field of the operator's objects is forgotten: whatever looks sensitive in a CRD has a rule or a written reason.
//!
//! The CRDs are those of operators 0.85.0, 0.91.0 and the one that the tests run; a field counts as sensitive by its
//! shape and its name, generously. So a new release cannot open a hole quietly.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use thanos_core::Kind;
use thanos_core::decide::rules::rule;
use thanos_core::fields::sensitive::{ROWS, Row, Sort, UNCOVERED, is_whole, segments};
use thanos_tests::install::objects;
use thanos_tests::tools;

use crate::doors::{Story, judged_by_core};

/// What the types of operator 0.95.1 add to those of 0.92.1 (`pkg/apis/monitoring` of both, `v1/prometheus_types.go`).
const LATER: &[&str] = &[
    "extraScrapeMetrics",
    "retentionPercentage",
    "tsdb.chunkEncoding",
    "tsdb.chunkEncoding.floats",
];

/// Fields that are accepted upstream and in no release yet (prometheus-operator
/// `Documentation/proposals/accepted/202407-remote-write.md`).
const PROPOSED: &[&str] = &["remoteWriteSelector", "remoteWriteNamespaceSelector"];

/// Ends of names that give a field away, in lower case.
const ENDS: &[&str] = &[
    "account",
    "accountname",
    "address",
    "affinity",
    "aliases",
    "apiversion",
    "args",
    "arn",
    "auth",
    "authorization",
    "capacity",
    "classname",
    "clientid",
    "config",
    "configmap",
    "configmaps",
    "configs",
    "constraints",
    "containers",
    "context",
    "cookies",
    "credential",
    "credentials",
    "deny",
    "droplabels",
    "encoding",
    "endpoint",
    "endpoints",
    "enforce",
    "enforcement",
    "env",
    "externalid",
    "features",
    "file",
    "files",
    "headers",
    "host",
    "hostname",
    "hosts",
    "id",
    "image",
    "insecure",
    "insecureskipverify",
    "interval",
    "label",
    "labelname",
    "labels",
    "limit",
    "limits",
    "mounts",
    "name",
    "namespace",
    "namespaces",
    "nameservers",
    "network",
    "noproxy",
    "otlp",
    "password",
    "path",
    "paused",
    "percentage",
    "policy",
    "port",
    "prefix",
    "profile",
    "receiver",
    "redirects",
    "region",
    "relabelings",
    "replicas",
    "retention",
    "rule",
    "schedulername",
    "scheme",
    "scope",
    "scopes",
    "secret",
    "secrets",
    "selector",
    "selectors",
    "servername",
    "servers",
    "sha",
    "shards",
    "sigv4",
    "size",
    "storage",
    "sysctls",
    "tag",
    "template",
    "tenantid",
    "token",
    "tolerations",
    "uri",
    "url",
    "urls",
    "user",
    "username",
    "users",
    "version",
    "versions",
    "volumes",
];

/// And beginnings.
const STARTS: &[&str] = &[
    "admin",
    "allow",
    "arbitrary",
    "automount",
    "bearer",
    "disable",
    "dns",
    "enable",
    "enforced",
    "exclude",
    "extra",
    "follow",
    "host",
    "ignore",
    "insecure",
    "max",
    "min",
    "node",
    "override",
    "proxy",
    "retention",
    "runas",
    "share",
];

/// What a field is by its shape.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Names a Secret or ConfigMap, or selects objects: sensitive whatever it is called.
    Reference,
    /// Groups other fields, and is no more than they are.
    Group,
    /// Everything else; and what the rules take as a whole.
    Leaf,
}

type Fields = BTreeMap<String, (Vec<String>, Shape)>;

/// Every field of the three kinds in every release: its path, its names and its shape.
fn fields() -> Result<Fields> {
    let mut fields = Fields::new();
    for kind in Kind::ALL {
        for path in [
            tools::older_crd("0.85.0", kind.plural())?,
            tools::older_crd("0.91.0", kind.plural())?,
            tools::crd(kind.plural())?,
        ] {
            let crd = objects("crd", std::fs::read_to_string(&path)?)?;
            let crd = crd.first().context("an empty file")?;
            let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
            let schema = crd.pointer(spec).context("a CRD without a schema")?;
            walk(schema, &mut Vec::new(), &mut fields);
        }
    }
    for path in LATER {
        let names = segments(path).into_iter().map(str::to_owned).collect();
        fields.insert((*path).to_owned(), (names, Shape::Leaf));
    }
    Ok(fields)
}

fn walk(schema: &Value, at: &mut Vec<String>, fields: &mut Fields) {
    let names: Vec<&str> = at.iter().map(String::as_str).collect();
    let shape = shape(schema, is_whole(&names));
    if !at.is_empty() {
        let known = fields.entry(written(at)).or_insert((at.clone(), shape));
        // A ruler's field may be a reference where another kind's of that name groups: both are asked for.
        if shape == Shape::Reference {
            known.1 = shape;
        }
    }
    if shape == Shape::Reference || is_whole(&names) {
        return;
    }
    let mut below = |name: &str, schema: &Value| {
        at.push(name.to_owned());
        walk(schema, at, fields);
        at.pop();
    };
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        below(name, schema);
    }
    if schema["items"].is_object() {
        below("[]", &schema["items"]);
    }
    if schema["additionalProperties"].is_object() {
        below("{}", &schema["additionalProperties"]);
    }
}

/// `{name}` alone is a whole Secret or ConfigMap, `{key, name, optional}` a key of one, `{matchLabels, …}` a selector.
fn shape(schema: &Value, whole: bool) -> Shape {
    let members = schema["properties"].as_object();
    let has = |name: &str| members.is_some_and(|members| members.contains_key(name));
    match members.map_or(0, serde_json::Map::len) {
        0 => Shape::Leaf,
        1 if has("name") => Shape::Reference,
        2 | 3 if has("name") && has("key") => Shape::Reference,
        _ if has("matchLabels") => Shape::Reference,
        _ if whole => Shape::Leaf,
        _ => Shape::Group,
    }
}

/// `remoteWrite[].headers{}`.
fn written(names: &[String]) -> String {
    let mut path = String::new();
    for name in names {
        if !path.is_empty() && !matches!(name.as_str(), "[]" | "{}") {
            path.push('.');
        }
        path.push_str(name);
    }
    path
}

fn is_sensitive(names: &[String], shape: Shape) -> bool {
    // What an item is, its list is; what a map holds under a name says the map.
    let mut names = names.iter().rev().filter(|name| *name != "{}");
    let last = names.next().filter(|last| *last != "[]");
    let last = last.map(|last| last.to_lowercase()).unwrap_or_default();
    match shape {
        Shape::Reference => true,
        Shape::Group => false,
        Shape::Leaf => {
            ENDS.iter().any(|end| last.ends_with(end))
                || STARTS.iter().any(|start| last.starts_with(start))
        }
    }
}

/// Whether a rule looks at the field itself, at its items, or at something around it as a whole.
fn is_covered(names: &[String]) -> bool {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    let matches = |names: &[&str]| {
        ROWS.iter()
            .filter(|row| row.matches(names))
            .collect::<Vec<_>>()
    };
    let item = [names.as_slice(), &["[]"]].concat();
    let member = [names.as_slice(), &["{}"]].concat();
    if [&names, &item, &member]
        .iter()
        .any(|names| !matches(names).is_empty())
    {
        return true;
    }
    while names.pop().is_some() {
        if matches(&names).iter().any(|row| is_judged_whole(row.sort)) {
            return true;
        }
    }
    false
}

/// Rules take a field of these sorts with everything below it.
fn is_judged_whole(sort: Sort) -> bool {
    match sort {
        Sort::Reference
        | Sort::Label
        | Sort::Relabelling
        | Sort::Container
        | Sort::Host
        | Sort::Identity
        | Sort::Selector
        | Sort::Switch => true,
        Sort::Url | Sort::Credential | Sort::File | Sort::Header | Sort::Tls | Sort::Limit => false,
    }
}

fn matches(path: &'static str, names: &[String]) -> bool {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let row = Row {
        path,
        sort: Sort::Switch,
        rules: &[],
    };
    row.matches(&names)
}

#[test]
fn every_sensitive_field_has_a_rule_or_a_reason() -> Result<()> {
    let mut missing = String::new();
    let fields = fields()?;
    assert!(fields.len() > 700, "only {} fields", fields.len());
    for (path, (names, shape)) in &fields {
        let excused = UNCOVERED.iter().any(|(path, _)| matches(path, names));
        if is_sensitive(names, *shape) && !excused && !is_covered(names) {
            let _ = writeln!(missing, "{path}");
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!("no row of ROWS and no line of UNCOVERED in core/src/fields/sensitive.rs:\n{missing}")
}

#[test]
fn every_row_and_every_reason_is_about_a_field() -> Result<()> {
    let fields = fields()?;
    let mut wrong = String::new();
    let paths = ROWS.iter().map(|row| row.path);
    for path in paths.chain(UNCOVERED.iter().map(|(path, _)| *path)) {
        let known = fields.values().any(|(names, _)| matches(path, names));
        if !known && !PROPOSED.contains(&path) {
            let _ = writeln!(wrong, "{path} is in no CRD");
        }
    }
    for (at, row) in ROWS.iter().enumerate() {
        let same = |other: &&Row| (other.path, other.sort) == (row.path, row.sort);
        let mut others = ROWS[..at].iter().filter(same);
        if others.any(|other| other.rules.iter().any(|id| row.rules.contains(id))) {
            let _ = writeln!(wrong, "{} stands twice", row.path);
        }
        for id in row.rules {
            if rule(id).is_none() {
                let _ = writeln!(wrong, "{} names {id}, which is no rule", row.path);
            }
        }
    }
    for (path, reason) in UNCOVERED {
        if reason.len() < 20 {
            let _ = writeln!(wrong, "{path} has no reason");
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("{wrong}")
}

/// Values that no API server lets through stand in files: rules say something or nothing, and never fail.
#[test]
fn no_rule_fails_on_a_value_of_another_type() -> Result<()> {
    let folder = tools::root().join("tests/policies/limits-refused-nothing-is-set");
    let mut story = Story::read(&folder)?;
    story.policies[0]["spec"]["profile"] = json!("Restricted");
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}\u{202e}$(A)=-,/../"),
        json!([]),
        json!([null, 1, "a", [], {}]),
        json!({}),
        json!({"": null, "name": 1, "key": [], "[]": {}, "{}": [[]], "spec": {"a": 1}}),
    ];
    for kind in Kind::ALL {
        story.given["kind"] = json!(kind.name());
        for row in ROWS {
            let names: Vec<&str> = segments(row.path);
            for depth in 0..=names.len() {
                for value in &odd {
                    story.given["spec"] = built(&names[..depth], value);
                    let _ = judged_by_core(&story).with_context(|| row.path)?;
                }
            }
        }
    }
    Ok(())
}

/// A value below these names.
fn built(names: &[&str], value: &Value) -> Value {
    match names {
        [] => value.clone(),
        ["**", rest @ ..] => json!({"remoteWrite": [built(rest, value)]}),
        ["[]", rest @ ..] => json!([built(rest, value), built(rest, value)]),
        ["{}", rest @ ..] => json!({"any/Key": built(rest, value)}),
        [name, rest @ ..] => {
            let mut object = serde_json::Map::new();
            object.insert((*name).to_owned(), built(rest, value));
            Value::Object(object)
        }
    }
}
