//! Objstore files, the same on every run of one seed: right ones, and ones with anything wrong that people manage to do.

use super::fields::{Field, Kind, ODD, values};
use super::providers::{PROVIDERS, Provider};
use crate::yaml::random::Random;

/// A value on its way into a text.
enum Node {
    Scalar(String),
    Map(Vec<(String, Node)>),
}

const ENVELOPE: &[&str] = &[
    "hedging_config: {enabled: true}\n",
    "prefixes: a\n",
    "bucket: b\n",
    "type: S3\n",
    "'type': GCS\n",
    "config: {}\n",
    "? a\n: b\n",
    "1: 2\n",
    "<<: {a: b}\n",
    "null: a\n",
    "prefix: ''\n",
    "[a]: b\n",
];
const PREFIXES: &[&str] = &[
    "a",
    "/a/b/",
    "//",
    "''",
    "null",
    "017",
    "yes",
    "' '",
    "[a]",
    "{a: b}",
    "a/../b",
    "\"a\\nb\"",
    "2001-01-01",
];
const TYPES: &[&str] = &[
    "MINIO",
    "MEMORY",
    "' S3'",
    "\"\"",
    "null",
    "yes",
    "1",
    "[S3]",
    "OSS",
    "ALIYUNO\u{df}",
    "F\u{131}LESYSTEM",
    "O\u{17f}S",
    "''",
];
const ENDS: &[&str] = &[
    "---\ntype: S3\n",
    "---\n",
    "...\n",
    "...\n!x, [\n",
    "--- [!x, 1]\n",
    "# end\n",
    "\n\n",
    "...\ntype: x\n",
    "...\n---\na: 1\n",
];

/// One file.
pub(super) fn file(random: &mut Random) -> String {
    let provider = &PROVIDERS[random.below(PROVIDERS.len())];
    let mut config: Vec<(String, Node)> = Vec::new();
    for (name, value) in provider.least {
        if random.below(12) > 0 {
            config.push(((*name).to_owned(), Node::Scalar((*value).to_owned())));
        }
    }
    for _ in 0..random.below(6) {
        let field = provider.fields[random.below(provider.fields.len())];
        let wild = random.below(6) == 0;
        put(&mut config, random, field, wild);
    }
    if random.below(8) == 0 {
        strange(&mut config, random, provider);
    }
    let text = envelope(random, provider, &Node::Map(config));
    match random.below(12) {
        0 => random.mutated(&[&text]),
        1 => text.replace('\n', "\r\n"),
        _ => text,
    }
}

/// Sets a field; with `wild` to whatever.
fn put(config: &mut Vec<(String, Node)>, random: &mut Random, (name, kind): Field, wild: bool) {
    let node = match kind {
        _ if wild && name != "grpc_conn_pool_size" => Node::Scalar(random.one_of(ODD).to_owned()),
        Kind::Group(fields) if random.below(8) > 0 => {
            let mut members = Vec::new();
            for _ in 0..random.below(5) {
                let field = fields[random.below(fields.len())];
                let wild = random.below(12) == 0;
                put(&mut members, random, field, wild);
            }
            Node::Map(members)
        }
        _ => Node::Scalar(random.one_of(values(kind)).to_owned()),
    };
    // Mostly in its place, at times once more.
    let again = random.below(25) == 0;
    match config.iter_mut().find(|(key, _)| key == name) {
        Some(old) if !again => old.1 = node,
        _ => config.push((name.to_owned(), node)),
    }
}

/// A key that is not the provider's, or one of its own spelt another way.
fn strange(config: &mut Vec<(String, Node)>, random: &mut Random, provider: &Provider) {
    let (name, _) = provider.fields[random.below(provider.fields.len())];
    let key = match random.below(9) {
        0 => name.to_uppercase(),
        1 => format!("{name}s"),
        2 => format!("'{name}'"),
        3 => "1".to_owned(),
        4 => "yes".to_owned(),
        5 => "~".to_owned(),
        6 => "? [a]".to_owned(),
        7 => "'<<'".to_owned(),
        _ => "transport".to_owned(),
    };
    config.push((key, Node::Scalar(random.one_of(ODD).to_owned())));
}

fn envelope(random: &mut Random, provider: &Provider, config: &Node) -> String {
    let name = match random.below(30) {
        0 => random.one_of(TYPES).to_owned(),
        1..=4 => provider.name.to_lowercase(),
        5 => format!(
            "{}{}",
            &provider.name[..1],
            provider.name[1..].to_lowercase()
        ),
        6 => format!("\"{}\"", provider.name),
        _ => provider.name.to_owned(),
    };
    let mut members = vec![format!("type: {name}\n")];
    members.push(match random.below(20) {
        0 => format!("config: {}\n", random.one_of(ODD)),
        1..=5 => format!("config: {}\n", flow(config)),
        6 => String::new(),
        _ => {
            let step = 1 + random.below(4);
            let mut text = "config:\n".to_owned();
            block(&mut text, config, step, step);
            text
        }
    });
    if random.below(4) == 0 {
        members.push(format!("prefix: {}\n", random.one_of(PREFIXES)));
    }
    if random.below(15) == 0 {
        members.push(random.one_of(ENVELOPE).to_owned());
    }
    if random.below(3) == 0 {
        let last = members.len() - 1;
        members.swap(0, last);
    }
    let mut text = members.concat();
    if random.below(10) == 0 {
        text.push_str(random.one_of(ENDS));
    }
    match random.below(20) {
        0 => format!("---\n{text}"),
        1 => format!("\u{feff}{text}"),
        2 => format!("%YAML 1.1\n---\n{text}"),
        3 => format!("# comment\n\n{text}"),
        _ => text,
    }
}

fn block(text: &mut String, node: &Node, column: usize, step: usize) {
    let Node::Map(members) = node else { return };
    if members.is_empty() {
        // Null, as when somebody takes the last field out.
        return;
    }
    for (key, value) in members {
        text.push_str(&" ".repeat(column));
        text.push_str(key);
        match value {
            Node::Scalar(scalar) if scalar == "@PEM@" => {
                text.push_str(": |\n");
                text.push_str("@PEM@");
                text.push_str(&format!("{column}\n"));
            }
            Node::Scalar(scalar) => text.push_str(&format!(": {scalar}\n")),
            Node::Map(_) => {
                text.push_str(":\n");
                block(text, value, column + step, step);
            }
        }
    }
}

fn flow(node: &Node) -> String {
    match node {
        Node::Scalar(scalar) => scalar.clone(),
        Node::Map(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(key, value)| format!("{key}: {}", flow(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}
