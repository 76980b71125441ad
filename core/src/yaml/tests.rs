//! Scalars, places, limits and errors; what kubectl itself says is compared in `tests/yaml.rs`.
#![expect(
    clippy::format_collect,
    clippy::format_push_string,
    reason = "the texts are small"
)]

use serde_json::{Value, json};

use super::{Error, Limits, Position, parse, read};

fn value(text: &str) -> Value {
    parse(text).unwrap().value
}

fn error(text: &str) -> Error {
    parse(text).unwrap_err()
}

#[test]
fn scalars_are_those_of_yaml_1_1() {
    let table = [
        ("yes", json!(true)),
        ("Off", json!(false)),
        ("y", json!(true)),
        ("yEs", json!("yEs")),
        ("~", json!(null)),
        ("", json!(null)),
        ("017", json!(15)),
        ("0o17", json!(15)),
        ("09", json!(9)),
        ("0x1F", json!(31)),
        ("0b11", json!(3)),
        ("1_000", json!(1000)),
        ("1e3", json!(1000)),
        ("1.5", json!(1.5)),
        (".5", json!(0.5)),
        ("1e400", json!("1e400")),
        ("1:20", json!("1:20")),
        ("2001-01-01", json!("2001-01-01")),
        (
            "18446744073709551615",
            json!(18_446_744_073_709_551_615_u64),
        ),
        (
            "-9223372036854775808",
            json!(-9_223_372_036_854_775_808_i64),
        ),
        (
            "123456789012345678901234567890",
            json!(1.234_567_890_123_456_8e29),
        ),
        ("'017'", json!("017")),
        ("!!str 017", json!("017")),
        ("!!int \"12\"", json!(12)),
        ("!!binary aGk=", json!("hi")),
        ("! 12", json!("12")),
        ("!anything 12", json!("12")),
    ];
    for (text, expected) in table {
        assert_eq!(
            value(&format!("a: {text}\n")),
            json!({ "a": expected }),
            "{text}"
        );
    }
}

#[test]
fn keys_become_strings() {
    let text = "1: a\n1.50: b\nyes: c\n1e6: d\n.inf: e\n'2': f\n? g\n: h\n";
    assert_eq!(
        value(text),
        json!({"1": "a", "1.5": "b", "true": "c", "1e+06": "d", ".inf": "e", "2": "f", "g": "h"})
    );
    assert_eq!(error("a: 1\n~: x\n").line, 2);
    assert!(
        error("{{ .Values.x }}\n")
            .message
            .starts_with("a mapping or a list as a key (a Helm template?")
    );
}

#[test]
fn merges_and_aliases_follow_goyaml() {
    assert_eq!(
        value("a: &a {p: 1, q: 2}\nb: {<<: *a, q: 3}\n")["b"],
        json!({"p": 1, "q": 3})
    );
    // Its known oddity: a merge behind a key replaces that key.
    assert_eq!(
        value("a: &a {p: 1}\nb: {p: 2, <<: *a}\n")["b"],
        json!({"p": 1})
    );
    assert_eq!(
        value("a: &a {p: 1}\nb: &b {p: 2}\nc: {<<: [*a, *b]}\n")["c"],
        json!({"p": 1})
    );
    assert_eq!(
        error("a: *b\n"),
        Error {
            message: "an alias to an anchor that is not there",
            line: 1,
            column: 4
        }
    );
    assert_eq!(
        error("a: &a [*a]\n").message,
        "an anchor that contains itself"
    );
    assert_eq!(
        error("a: {<<: 1}\n").message,
        "a merge key needs a mapping or a list of mappings"
    );
}

#[test]
fn the_last_of_equal_keys_counts_and_is_remembered() {
    let parsed = parse("a: 1\nb: 2\na: 3\n").unwrap();
    assert_eq!(parsed.value, json!({"a": 3, "b": 2}));
    assert_eq!(parsed.duplicates, [10]);
}

#[test]
fn hostile_texts_are_refused_where_they_begin_to_be() {
    let deep = format!("{}{}", "[".repeat(600), "]".repeat(600));
    assert_eq!(
        error(&deep),
        Error {
            message: "nested more than 512 levels deep",
            line: 1,
            column: 513
        }
    );
    let deep = format!("{}{}", "[".repeat(512), "]".repeat(512));
    assert_eq!(value(&deep).to_string(), deep);
    let chain: String = (1..700)
        .map(|n| format!("x{n}: &x{n} {{<<: *x{}}}\n", n - 1))
        .collect();
    assert_eq!(
        error(&format!("x0: &x0 {{}}\n{chain}")).message,
        "nested more than 512 levels deep"
    );
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert_eq!(
        error(&bomb).message,
        "too much of the document comes from aliases"
    );
    assert_eq!(
        error("a: b\n\u{1}"),
        Error {
            message: "a control character, which YAML does not allow",
            line: 2,
            column: 1
        }
    );
    // The port of libyaml would panic on it, and on the block scalar without a line end.
    assert_eq!(
        error("a: [!x, 1]\n"),
        Error {
            message: "a tag must be followed by a space",
            line: 1,
            column: 5
        }
    );
    assert_eq!(
        value("a: [\"!x, 1\", b !x]\n"),
        json!({"a": ["!x, 1", "b !x"]})
    );
    assert_eq!(value("a: |\n  b"), json!({"a": "b\n"}));
    assert_eq!(error("a: \"\\").line, 1);
}

#[test]
fn errors_say_where_and_never_what() {
    let table = [
        ("a: 1\n\tb: 2\n", "a tab where only spaces may indent", 2, 1),
        (
            "password: hunter2\nhunter3\n",
            "a key without a colon",
            2,
            1,
        ),
        ("a: 'hunter2\n", "found unexpected end of stream", 2, 1),
        (
            "a: é: hunter2\n",
            "mapping values are not allowed in this context",
            1,
            5,
        ),
        (
            "a: 1\n...\nb: 2\n",
            "something behind the end of the document: documents are separated by a line ---",
            3,
            1,
        ),
        (
            "a: .inf\n",
            "infinity and not-a-number have no place in JSON",
            1,
            4,
        ),
        (
            "a: !!int hunter2\n",
            "a value that is not what its tag says",
            1,
            4,
        ),
        (
            "a: @hunter2\n",
            "a character that may only begin a value in quotes",
            1,
            4,
        ),
    ];
    for (text, message, line, column) in table {
        assert_eq!(
            error(text),
            Error {
                message,
                line,
                column
            },
            "{text}"
        );
    }
}

#[test]
fn places_are_found_by_pointer() {
    let text = "é: [1, {b: x}]\n'a/b':\n  - c: 1\n    <<: &m {d: 2}\n  -\nz: 1\nz: 2\n";
    let tree = parse(text).unwrap().tree;
    let at = |pointer: &str| {
        let place = Position::of(text, tree.value_span(text, pointer)?.start);
        Some((place.line, place.column))
    };
    assert_eq!(at(""), Some((1, 1)));
    assert_eq!(at("/é/1/b"), Some((1, 12)));
    assert_eq!(at("/a~1b/0/c"), Some((3, 8)));
    assert_eq!(at("/a~1b/0/d"), Some((4, 16)));
    assert_eq!(at("/a~1b/1"), Some((5, 4)));
    assert_eq!(at("/z"), Some((7, 4)));
    assert_eq!(at("/a~1b/2"), None);
    assert_eq!(
        tree.key_span(text, "/a~1b/0/c"),
        Some(text.find("c:").map(|at| at..at + 1).unwrap())
    );
}

#[test]
fn a_secret_is_read_within_narrower_limits() {
    let refused = |text: &str| read(text, &Limits::SECRET).unwrap_err().message;
    assert_eq!(refused(&"#".repeat((64 << 10) + 1)), "more than 64 KiB");
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(refused(&nested(33)), "nested more than 32 levels deep");
    assert!(read(&nested(32), &Limits::SECRET).is_ok());
    assert_eq!(refused(&"- 1\n".repeat(2000)), "more than 2 000 nodes");
    assert!(read(&"- 1\n".repeat(1999), &Limits::SECRET).is_ok());
    assert_eq!(
        refused("a: &x 1\nb: *x\n"),
        "an alias: write the value itself"
    );
    for tagged in ["a: !!str 1\n", "a: !x {}\n", "!!map {}\n"] {
        assert_eq!(refused(tagged), "a tag: write the value without it");
    }
}

#[test]
fn only_the_first_document_of_a_secret_counts() {
    for (text, more) in [
        ("a: 1\n", false),
        ("---\na: 1\n---\n# nothing\n...\n", false),
        ("a: 1\n---\nb: 2\n", true),
        ("a: 1\n--- [!x, 1]\n", true),
        ("a: 1\n...\n!x, \"\n", true),
    ] {
        let document = read(text, &Limits::SECRET).unwrap();
        assert_eq!(document.more(), more, "{text:?}");
        assert_eq!(document.tree().nodes().len(), 3, "{text:?}");
    }
}
