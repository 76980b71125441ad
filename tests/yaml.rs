//! Our YAML reader against kubectl's own (`tests/tools/yaml-oracle`), and rewriting against random documents and edits.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kubectl_thanos::{manifests, yaml};
use serde::Deserialize;
use serde_json::{Value, json};
use thanos_tests::tools;

mod corpus;
pub(crate) mod random;
mod rewriting;

/// Where we do not do what kubectl does, and why. One more is `drops_the_rest`.
struct Difference {
    sample: String,
    /// A part of our message, or of kubectl's, for what the other one reads.
    refused_by: Who,
    why: &'static str,
}

enum Who {
    Us(&'static str),
    Kubectl(&'static str),
}

fn intended() -> Vec<Difference> {
    let of = |sample: &str, refused_by, why| Difference {
        sample: sample.to_owned(),
        refused_by,
        why,
    };
    vec![
        of(
            &format!("{}{}\n", "[".repeat(600), "]".repeat(600)),
            Who::Us("nested more than 512 levels deep"),
            "kubectl stops at 10 000; no manifest needs that, and recursion must be bounded",
        ),
        of(
            "a: 1\n\u{feff}b: 2\n",
            Who::Us("a byte order mark inside"),
            "kubectl makes it part of the key, which nobody means",
        ),
        of(
            "a: !!timestamp 2001-01-01\n",
            Who::Us("the tag !!timestamp"),
            "JSON has no dates; goyaml.v2 checks it and gives a string after all",
        ),
        of(
            "a: !!binary /w==\n",
            Who::Us("a !!binary value"),
            "kubectl replaces what is no text by U+FFFD in silence",
        ),
        of(
            "a: [b:]\n",
            Who::Us("found unexpected ':'"),
            "libyaml refuses what goyaml.v2 takes for text that ends in a colon",
        ),
        of(
            "a: \"it\\'s\"\n",
            Who::Us("found unknown escape character"),
            "goyaml.v2 alone knows this escape",
        ),
        of(
            "a: \"b\\/c\"\n",
            Who::Kubectl("found unknown escape character"),
            "JSON has this escape, so YAML 1.2 and libyaml do",
        ),
        of(
            "a: [!x, 1]\n",
            Who::Us("a tag must be followed by a space"),
            "goyaml.v2 makes the comma part of the tag",
        ),
        of(
            "a: ![x] 1\n",
            Who::Us("did not find expected whitespace or line break"),
            "and brackets",
        ),
        of(
            "a: !!] 1\n",
            Who::Us("did not find expected tag URI"),
            "and brackets",
        ),
    ]
}

type Verdict = Result<Vec<Value>, String>;

/// Asks kubectl's reader about each text.
fn kubectl(texts: &[String], stream: bool) -> Vec<Verdict> {
    let program = tools::tool("yaml-oracle").unwrap();
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let requests: String = texts
        .iter()
        .map(|text| {
            format!(
                "{}\n",
                json!({ "text": STANDARD.encode(text), "stream": stream })
            )
        })
        .collect();
    // Both pipes are bounded, so somebody has to write while somebody reads.
    let writer = std::thread::spawn(move || input.write_all(requests.as_bytes()));
    let answers: Vec<Verdict> = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| {
            let line = line.unwrap();
            let mut answer = serde_json::Deserializer::from_str(&line);
            answer.disable_recursion_limit();
            let answer = Value::deserialize(&mut answer).unwrap();
            match answer["error"].as_str() {
                Some(error) => Err(error.to_owned()),
                None => Ok(answer["values"].as_array().unwrap().clone()),
            }
        })
        .collect();
    writer.join().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(answers.len(), texts.len());
    answers
}

fn ours(text: &str) -> Verdict {
    yaml::parse(text)
        .map(|parsed| vec![parsed.value])
        .map_err(|error| error.to_string())
}

fn ours_as_stream(text: &str) -> Verdict {
    let source = manifests::Source::new("x", text.into()).map_err(|error| error.to_string())?;
    match manifests::read(&Arc::new(source)) {
        Ok(documents) => Ok(documents
            .iter()
            .map(|document| document.value().clone())
            .collect()),
        Err(errors) => Err(errors[0].to_string()),
    }
}

/// Equal, where a number may be written as 1 or 1.0, as -0 or 0.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64() == other.as_f64()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

/// Whether kubectl read the beginning of the text as a document and left out the rest in silence. We refuse that: what
/// somebody wrote would not be applied, and `inject` would seem to have read it.
fn drops_the_rest(text: &str, theirs: &[Value]) -> bool {
    let mut ends = text.char_indices().map(|(at, _)| at);
    ends.any(|end| ours(&text[..end]).is_ok_and(|ours| same(&json!(ours), &json!(theirs))))
}

/// What is different and not intended.
fn surprises(texts: &[String], stream: bool) -> Vec<String> {
    let verdicts = kubectl(texts, stream);
    let read = if stream { ours_as_stream } else { ours };
    let (mut found, intended) = (Vec::new(), intended());
    for (text, theirs) in texts.iter().zip(verdicts) {
        let ours = read(text);
        let fine = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => same(&json!(ours), &json!(theirs)),
            (Err(_), Err(_)) => true,
            (Err(message), Ok(_))
                if stream && message.contains("something behind the end of the document") =>
            {
                true
            }
            (Err(_), Ok(theirs)) if !stream && drops_the_rest(text, theirs) => true,
            (Err(message), Ok(_)) => intended
                .iter()
                .any(|one| matches!(one.refused_by, Who::Us(part) if message.contains(part))),
            (Ok(_), Err(message)) => intended
                .iter()
                .any(|one| matches!(one.refused_by, Who::Kubectl(part) if message.contains(part))),
        };
        if !fine {
            found.push(format!(
                "{text:?}\n  ours:    {ours:?}\n  kubectl: {theirs:?}\n"
            ));
        }
    }
    found
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn documents_are_read_as_kubectl_reads_them() {
    assert!(corpus::DOCUMENTS.len() >= 150);
    let found = surprises(&owned(corpus::DOCUMENTS), false);
    assert!(found.is_empty(), "{}", found.concat());
}

#[test]
fn every_intended_difference_is_one() {
    let differences = intended();
    let samples: Vec<String> = differences.iter().map(|one| one.sample.clone()).collect();
    for (one, theirs) in differences.iter().zip(kubectl(&samples, false)) {
        let differs = match (&one.refused_by, ours(&one.sample), &theirs) {
            (Who::Us(part), Err(message), Ok(_)) => message.contains(part),
            (Who::Kubectl(part), Ok(_), Err(message)) => message.contains(part),
            _ => false,
        };
        assert!(differs, "{:?} ({}): {theirs:?}", one.sample, one.why);
    }
}

#[test]
fn streams_are_read_as_kubectl_reads_them() {
    let mut texts = owned(corpus::STREAMS);
    texts.extend(
        corpus::DOCUMENTS
            .iter()
            .map(|text| format!("---\n{text}---\nlast: 1\n")),
    );
    let found = surprises(&texts, true);
    assert!(found.is_empty(), "{}", found.concat());
}

#[test]
fn random_documents_are_read_as_kubectl_reads_them() {
    let mut random = random::Random::new(7);
    let texts: Vec<String> = (0..4500)
        .map(|number| match number % 3 {
            0 => random.document(),
            1 => random.mutated(corpus::PLAIN),
            _ => random.mutated(corpus::DOCUMENTS),
        })
        // Both sides give each last line an end, but kubectl only when it splits.
        .map(|text| {
            if text.ends_with('\n') {
                text
            } else {
                text + "\n"
            }
        })
        .collect();
    let found = surprises(&texts, false);
    assert!(
        found.is_empty(),
        "{} of {}\n{}",
        found.len(),
        texts.len(),
        found.concat()
    );
}

#[test]
fn no_error_holds_what_the_text_says() {
    const SECRET: &str = "hunter2";
    let mut random = random::Random::new(11);
    for _ in 0..2000 {
        let text = random
            .mutated(corpus::DOCUMENTS)
            .replace(['a', 'b', 'x'], SECRET);
        for verdict in [ours(&text), ours_as_stream(&text)] {
            assert!(
                verdict
                    .as_ref()
                    .err()
                    .is_none_or(|error| !error.contains(SECRET)),
                "{verdict:?}"
            );
        }
    }
}
