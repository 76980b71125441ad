//! Random edits of random documents: the new text says what the edited value says, and lines that have nothing to do
//! with the edit are still there.

use std::sync::Arc;

use json_patch::{Patch, PatchOperation};
use kubectl_thanos::manifests::{self, Document, Source};
use kubectl_thanos::yaml;
use serde_json::{Value, json};

use super::random::Random;
use super::{corpus, same};

fn read(text: &str) -> Option<Document> {
    let source = Source::new("x", text.into()).ok()?;
    let mut documents = manifests::read(&Arc::new(source)).ok()?;
    (documents.len() == 1).then(|| documents.remove(0))
}

/// Every place in a value.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            pointers(
                value,
                &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")),
                found,
            );
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at_item, value)| pointers(value, &format!("{at}/{at_item}"), found)),
        _ => {}
    }
}

#[test]
fn everything_has_its_place() {
    let mut random = Random::new(13);
    for number in 0..2000 {
        let text = match number % 4 {
            0 => random.mutated(corpus::PLAIN),
            1 => random.mutated(corpus::DOCUMENTS),
            _ => random.document(),
        };
        let Ok(parsed) = yaml::parse(&text) else {
            continue;
        };
        let mut places = Vec::new();
        pointers(&parsed.value, "", &mut places);
        for place in places {
            let span = parsed.tree.value_span(&text, &place);
            assert!(
                span.is_some_and(|span| text.get(span).is_some()),
                "{place} in {text}"
            );
        }
    }
}

/// An edit that fits the value.
fn edit(random: &mut Random, value: &Value) -> Value {
    let mut places = Vec::new();
    pointers(value, "", &mut places);
    places.retain(|place| !place.starts_with("/base"));
    let place = places[random.below(places.len())].clone();
    let new = random.json(2);
    match (value.pointer(&place), random.below(3)) {
        (Some(Value::Array(items)), 0) => {
            let at = random.below(items.len() + 2);
            let at = if at > items.len() {
                "-".to_owned()
            } else {
                at.to_string()
            };
            json!({"op": "add", "path": format!("{place}/{at}"), "value": new})
        }
        (Some(Value::Object(_)), 0) => {
            let key = random.one_of(&["new", "a", "yes", "x~1y", "- z"]);
            json!({"op": "add", "path": format!("{place}/{key}"), "value": new})
        }
        (_, 1) if !place.is_empty() => json!({"op": "remove", "path": place}),
        _ if place.is_empty() => json!({"op": "add", "path": "/new", "value": new}),
        _ => json!({"op": "replace", "path": place, "value": new}),
    }
}

fn edits(random: &mut Random, value: &Value, count: usize) -> Vec<PatchOperation> {
    let mut value = value.clone();
    let mut all = Vec::new();
    for _ in 0..count {
        let Ok(Patch(edit)) = serde_json::from_value(json!([edit(random, &value)])) else {
            continue;
        };
        if json_patch::patch(&mut value, &edit).is_ok() {
            all.extend(edit);
        }
    }
    all
}

/// In each random document; it is lost only when everything is written anew.
const ANCHOR: &str = "base: &n {m: 1}";

#[test]
fn the_new_text_says_what_the_edited_value_says() {
    let mut random = Random::new(3);
    let (mut tried, mut kept) = (0, 0);
    for number in 0..6000 {
        let text = match number % 4 {
            0 => random.mutated(corpus::PLAIN),
            1 => random.mutated(corpus::DOCUMENTS),
            _ => random.document(),
        };
        let Some(document) = read(&text).filter(|document| document.value().is_object()) else {
            continue;
        };
        let count = 1 + random.below(3);
        let edits = edits(&mut random, document.value(), count);
        let mut expected = document.value().clone();
        json_patch::patch(&mut expected, &edits).unwrap();

        let rewritten = manifests::rewrite(&document, &edits).unwrap();
        let whole = String::from_utf8(manifests::assemble(
            document.source(),
            [(&document, &*rewritten.text)],
        ))
        .unwrap();
        let again = read(&whole).map(|document| document.value().clone());
        assert!(
            again.is_some_and(|again| same(&again, &expected)),
            "{text}\n{edits:?}\n{whole}"
        );
        if text.contains(ANCHOR) {
            tried += 1;
            kept += usize::from(rewritten.text.contains(ANCHOR));
        }
    }
    assert!(tried > 1000, "{tried}");
    assert!(kept * 3 > tried * 2, "{kept} of {tried}");
}

#[test]
fn lines_that_are_not_edited_stay() {
    let mut random = Random::new(5);
    let mut tried = 0;
    for _ in 0..1500 {
        // Two members around an edited one, each with everything that a document may hold.
        let (above, below) = (random.document(), random.document());
        let indented = |text: &str| -> String {
            let text = text.replace("---\n", "").replace("---\r\n", "");
            text.split_inclusive('\n')
                .map(|line| format!("  {line}"))
                .collect()
        };
        let text = format!(
            "above: # c\n{}# d\nedited:\n  a: 1 # e\n  list:\n  - b # f\n  # g\nbelow:\n{}# h\n",
            indented(&above),
            indented(&below).replace("&n", "&o").replace("*n", "*o"),
        );
        let Some(document) = read(&text) else {
            continue;
        };
        let edit = random.one_of(&[
            r#"[{"op": "add", "path": "/edited/new", "value": {"x": ["yes"]}}]"#,
            r#"[{"op": "replace", "path": "/edited/a", "value": "l1\nl2\n"}]"#,
            r#"[{"op": "add", "path": "/edited/list/-", "value": {"x": 1, "z": 2}}, {"op": "remove", "path": "/edited/a"}]"#,
            r#"[{"op": "remove", "path": "/edited/list/0"}]"#,
            r#"[{"op": "add", "path": "/edited/list/0", "value": "first"}]"#,
        ]);
        let Patch(edits) = serde_json::from_str(edit).unwrap();
        let new = manifests::rewrite(&document, &edits).unwrap().text;
        let (before, after) = (text.find("edited:").unwrap(), text.rfind("below:").unwrap());
        assert!(
            new.starts_with(&text[..before]) && new.ends_with(&text[after..]),
            "{text}\n{edit}\n{new}"
        );
        assert!(new.contains("# g\n"), "{new}");
        tried += 1;
    }
    assert!(tried > 300, "{tried}");
}
