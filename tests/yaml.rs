//! Our YAML reader against kubectl's own (`tests/tools/yaml-oracle`), and rewriting against random documents and edits.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kubectl_thanos::{manifests, yaml};
use serde_json::{Value, json};
use thanos_tests::tools;

mod corpus;
mod random;
mod rewriting;

/// Where we do not do what kubectl does, and why. The first text is our message; an empty one says that we read what
/// kubectl refuses with the second. One more is `drops_the_rest`.
const INTENDED: &[(&str, &str, &str)] = &[
    ("nested more than 512 levels deep", "", "kubectl stops at 10 000; no manifest needs that, and recursion must be bounded"),
    ("a byte order mark inside", "", "kubectl makes it part of a key, which nobody means"),
    ("the tag !!timestamp", "", "JSON has no dates, so a string is meant; goyaml.v2 checks it as a date first"),
    ("a !!binary value", "", "what is no text would be replaced by U+FFFD in silence"),
    ("found unexpected ':'", "", "`[a:]` and `{a:,}`: libyaml refuses what goyaml.v2 takes for a text with a colon at its end"),
    ("found unknown escape character", "", "\"\\'\": goyaml.v2 knows it, neither YAML nor libyaml does"),
    ("", "found unknown escape character", "\"\\/\": every JSON writer may use it, YAML 1.2 has it"),
    ("a tag must be followed by a space", "", "`[!x, 1]`: goyaml.v2 makes the comma part of the tag"),
    ("did not find expected whitespace or line break", "", "`![x]`: and the brackets too"),
    ("did not find expected tag URI", "", "`!![x`: likewise"),
];

type Verdict = Result<Vec<Value>, String>;

/// Asks kubectl's reader about each text.
fn kubectl(texts: &[String], stream: bool) -> Vec<Verdict> {
    let program = tools::tool("yaml-oracle").unwrap();
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let requests: String = texts
        .iter()
        .map(|text| format!("{}\n", json!({ "text": STANDARD.encode(text), "stream": stream })))
        .collect();
    // Both pipes are bounded, so somebody has to write while somebody reads.
    let writer = std::thread::spawn(move || input.write_all(requests.as_bytes()));
    let answers: Vec<Verdict> = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| {
            let answer: Value = serde_json::from_str(&line.unwrap()).unwrap();
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
    yaml::parse(text).map(|parsed| vec![parsed.value]).map_err(|error| error.to_string())
}

fn ours_as_stream(text: &str) -> Verdict {
    let source = manifests::Source::new("x", text.into()).map_err(|error| error.to_string())?;
    match manifests::read(&Arc::new(source)) {
        Ok(documents) => Ok(documents.iter().map(|document| document.value().clone()).collect()),
        Err(errors) => Err(errors[0].to_string()),
    }
}

/// Equal, where a number may be written as 1 or 1.0, as -0 or 0.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
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
    let mut found = Vec::new();
    for (text, theirs) in texts.iter().zip(verdicts) {
        let ours = read(text);
        let fine = match (&ours, &theirs) {
            (Ok(ours), Ok(theirs)) => same(&json!(ours), &json!(theirs)),
            (Err(_), Err(_)) => true,
            (Err(message), Ok(theirs)) => {
                INTENDED.iter().any(|(ours, ..)| !ours.is_empty() && message.contains(ours))
                    || !stream && drops_the_rest(text, theirs)
                    || stream && message.contains("something behind the end of the document")
            }
            (Ok(_), Err(message)) => INTENDED.iter().any(|(_, theirs, _)| !theirs.is_empty() && message.contains(theirs)),
        };
        if !fine {
            found.push(format!("{text:?}\n  ours:    {ours:?}\n  kubectl: {theirs:?}\n"));
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
fn streams_are_read_as_kubectl_reads_them() {
    let mut texts = owned(corpus::STREAMS);
    texts.extend(corpus::DOCUMENTS.iter().map(|text| format!("---\n{text}---\nlast: 1\n")));
    let found = surprises(&texts, true);
    assert!(found.is_empty(), "{}", found.concat());
}

#[test]
fn random_documents_are_read_as_kubectl_reads_them() {
    let mut random = random::Random::new(7);
    let texts: Vec<String> = (0..4000)
        .map(|number| if number % 2 == 0 { random.document() } else { random.mutated(corpus::DOCUMENTS) })
        // Both sides give each last line an end, but kubectl only when it splits.
        .map(|text| if text.ends_with('\n') { text } else { text + "\n" })
        .collect();
    let found = surprises(&texts, false);
    assert!(found.is_empty(), "{} of {}\n{}", found.len(), texts.len(), found.concat());
}

#[test]
fn no_error_holds_what_the_text_says() {
    const SECRET: &str = "hunter2";
    let mut random = random::Random::new(11);
    for _ in 0..2000 {
        let text = random.mutated(corpus::DOCUMENTS).replace(['a', 'b', 'x'], SECRET);
        for verdict in [ours(&text), ours_as_stream(&text)] {
            assert!(verdict.as_ref().err().is_none_or(|error| !error.contains(SECRET)), "{verdict:?}");
        }
    }
}
