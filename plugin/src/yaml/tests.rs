//! Printing; reading is tested where it is, in core.

use serde_json::json;

use super::{parse, to_string};

#[test]
fn printing_is_kubectls() {
    let value = json!({
        "plain": "http://x:9090", "dash": "--flag=1", "bool": "yes", "number": "017", "date": "2001-01-01T00:00:00Z",
        "sixty": "1:20", "empty": "", "space": " a", "colon": "a: b", "hash": "a #b", "quote": "it's", "star": "*",
        "tab": "a\tb", "bell": "\u{7}", "lines": "a\n\n b\n", "chomped": "a\nb", "odd": "a \nb", "emoji": "🙂", "<<": "<<",
        "y": [[1, [2]], [], {}, {"a": {"b": [{"c": null}, 1.5]}}], "big": 1e30, "whole": 3.0,
    });
    let expected = r#"plain: http://x:9090
dash: --flag=1
bool: "yes"
number: "017"
date: "2001-01-01T00:00:00Z"
sixty: "1:20"
empty: ""
space: ' a'
colon: 'a: b'
hash: 'a #b'
quote: it's
star: '*'
tab: "a\tb"
bell: "\u0007"
lines: |
  a

   b
chomped: |-
  a
  b
odd: "a \nb"
emoji: 🙂
"<<": <<
"y":
- - 1
  - - 2
- []
- {}
- a:
    b:
    - c: null
    - 1.5
big: 1e+30
whole: 3
"#;
    assert_eq!(to_string(&value), expected);
    assert_eq!(
        parse(expected).unwrap().value.to_string(),
        value.to_string().replace("3.0", "3")
    );
}

#[test]
fn what_is_printed_reads_the_same() {
    let long = "k".repeat(1100);
    for value in [
        json!("a\n---\nb"),
        json!("---"),
        json!([]),
        json!(null),
        json!({ long.clone(): {"a": [1]}, "b": { long: "x\ny" } }),
        json!([
            "-",
            "- a",
            "?",
            ":",
            "a:",
            "\u{FEFF}x",
            "\u{85}",
            "a\u{2028}b",
            "x\r\ny",
            "\n",
            "a\n\n",
            "#",
            "0b",
            "=",
            "1_0"
        ]),
    ] {
        assert_eq!(parse(&to_string(&value)).unwrap().value, value);
    }
}
