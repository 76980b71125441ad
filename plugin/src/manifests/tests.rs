//! Splitting, gathering, places, and splicing in tables; random documents and edits are in `tests/yaml.rs`.
#![expect(
    clippy::needless_pass_by_value,
    reason = "a `json!` literal reads best by value"
)]

use std::path::PathBuf;
use std::sync::Arc;

use json_patch::{Patch, PatchOperation};
use serde_json::{Value, json};

use super::{
    Document, Format, GatherError, Rewritten, Source, assemble, concatenate, gather, read, rewrite,
    within,
};

fn documents(text: &str) -> Vec<Document> {
    read(&Arc::new(Source::new("x.yaml", text.into()).unwrap())).unwrap()
}

fn errors(text: &str) -> Vec<String> {
    read(&Arc::new(Source::new("x.yaml", text.into()).unwrap()))
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn edits(edits: Value) -> Vec<PatchOperation> {
    serde_json::from_value::<Patch>(edits).unwrap().0
}

fn rewritten(text: &str, patch: Value) -> Rewritten {
    let documents = documents(text);
    let [document] = &documents[..] else {
        panic!("one document expected: {text}")
    };
    let edits = edits(patch);
    let rewritten = rewrite(document, &edits).unwrap();
    let mut expected = document.value().clone();
    json_patch::patch(&mut expected, &edits).unwrap();
    assert_eq!(
        self::documents(&rewritten.text)[0].value(),
        &expected,
        "{}",
        rewritten.text
    );
    rewritten
}

/// Splicing must have been possible; the whole text is compared.
fn spliced(text: &str, patch: Value, expected: &str) {
    let Rewritten {
        text,
        comments_lost,
    } = rewritten(text, patch);
    assert_eq!(text, expected);
    assert!(!comments_lost);
}

fn add(path: &str, value: Value) -> Value {
    json!([{ "op": "add", "path": path, "value": value }])
}

fn remove(path: &str) -> Value {
    json!([{ "op": "remove", "path": path }])
}

fn replace(path: &str, value: Value) -> Value {
    json!([{ "op": "replace", "path": path, "value": value }])
}

#[test]
fn keys_are_added_where_their_mapping_ends() {
    let text = "# head\nmetadata:   # meta\n  name: a   # name\n  labels:\n    x: 'y'\n    # last label\n\n  # about nothing\nspec:\n  a: 1\n";
    spliced(
        text,
        add("/metadata/labels/team", json!("a")),
        &text.replace("    # last label\n", "    # last label\n    team: a\n"),
    );
    spliced(
        text,
        add("/metadata/annotations", json!({"a/b": "yes", "m": "1"})),
        &text.replace(
            "    # last label\n",
            "    # last label\n  annotations:\n    a/b: \"yes\"\n    m: \"1\"\n",
        ),
    );
    spliced(
        text,
        add("/spec/list", json!([{"name": "m", "l": [1]}, "s"])),
        &text.replace(
            "  a: 1\n",
            "  a: 1\n  list:\n  - name: m\n    l:\n    - 1\n  - s\n",
        ),
    );
    spliced("a: 1", add("/b", json!("x")), "a: 1\nb: x");
    spliced("a: 1\n...\n", add("/b", json!("x")), "a: 1\nb: x\n...\n");
    spliced(
        "---\n# c\na: 1\n\n",
        add("/b", json!("x")),
        "---\n# c\na: 1\nb: x\n\n",
    );
    spliced(
        "a: 1\r\nb:\r\n  c: |\r\n    x\r\n# end\r\n",
        add("/b/d", json!(["e", "f"])),
        "a: 1\r\nb:\r\n  c: |\r\n    x\r\n  d:\r\n  - e\r\n  - f\r\n# end\r\n",
    );
    spliced(
        "a:\n    b: 1\n",
        add("/a/c", json!({"d": {"e": 1}})),
        "a:\n    b: 1\n    c:\n        d:\n            e: 1\n",
    );
}

#[test]
fn what_is_nothing_becomes_something() {
    spliced(
        "labels:\nb: 1\n",
        add("/labels", json!({"x": "v"})),
        "labels:\n  x: v\nb: 1\n",
    );
    spliced(
        "labels:   # none\nb: 1\n",
        add("/labels", json!({"x": "v"})),
        "labels:   # none\n  x: v\nb: 1\n",
    );
    spliced(
        "labels: {} # none\nb: 1\n",
        add("/labels/x", json!("v")),
        "labels: # none\n  x: v\nb: 1\n",
    );
    spliced(
        "list: []\nb: 1\n",
        add("/list/-", json!("v")),
        "list:\n- v\nb: 1\n",
    );
    spliced("a: ~\n", replace("/a", json!(5)), "a: 5\n");
    spliced(
        "- \n-\n",
        replace("/1", json!({"a": 1, "b": 2})),
        "- \n- a: 1\n  b: 2\n",
    );
}

#[test]
fn items_follow_the_list_that_they_join() {
    let entry = json!({"name": "thanos", "url": "https://x", "headers": {"a": "b"}, "rules": [1]});
    let indented = "spec:\n  list:\n    - name: a\n      # ruled\n      rules:\n        - x\n      # off: 1\n  b: 1\n";
    spliced(indented, add("/spec/list/-", entry.clone()), &indented.replace(
        "      # off: 1\n",
        "      # off: 1\n    - name: thanos\n      url: https://x\n      headers:\n        a: b\n      rules:\n        - 1\n",
    ));
    let flush = "spec:\n  list:\n  - name: a\n  # about b\n  b: 1\n";
    spliced(flush, add("/spec/list/-", entry), &flush.replace(
        "  - name: a\n",
        "  - name: a\n  - name: thanos\n    url: https://x\n    headers:\n      a: b\n    rules:\n    - 1\n",
    ));
    spliced(
        "-   a: 1\n    b: 2\n",
        add("/-", json!({"a": 1, "c": [1]})),
        "-   a: 1\n    b: 2\n-   a: 1\n    c:\n    - 1\n",
    );
    spliced(
        "# top\n\n# about a\n- a\n- b\n",
        add("/0", json!("z")),
        "# top\n\n- z\n# about a\n- a\n- b\n",
    );
    spliced(
        "- a # 1\n- b # 2\n",
        add("/1", json!("z")),
        "- a # 1\n- z\n- b # 2\n",
    );
    spliced(
        "- - a\n  - b\n- c\n",
        add("/0/-", json!("z")),
        "- - a\n  - b\n  - z\n- c\n",
    );
}

#[test]
fn items_and_keys_go_with_what_is_inside_them_only() {
    let text = "l: # list\n  # first\n  - a: 1 # one\n    # in one\n  # second\n  - b: |\n      x\n\n  # third\n  - c\nz: 1\n";
    spliced(
        text,
        remove("/l/0"),
        &text.replace("  - a: 1 # one\n    # in one\n", ""),
    );
    spliced(
        text,
        remove("/l/1"),
        &text.replace("  - b: |\n      x\n", ""),
    );
    spliced(text, remove("/l/2"), &text.replace("  - c\n", ""));
    spliced(
        "l: # c\n  # in\n  - a\nz: 1\n",
        remove("/l/0"),
        "l: [] # c\nz: 1\n",
    );
    spliced("m:\n  a: 1\n", remove("/m/a"), "m: {}\n");
    spliced("a: 1\nb: 2", remove("/b"), "a: 1");
    spliced("a: 1\nb: 2", remove("/a"), "b: 2");
    spliced("a: 1\r\nb: 2", remove("/b"), "a: 1");
    spliced(
        "- a: 1\n  b: 2\n  c: 3\n",
        remove("/0/a"),
        "- b: 2\n  c: 3\n",
    );
    spliced(
        "- a: 1 # x\n  # y\n  b: 2\n",
        remove("/0/a"),
        "-  # x\n  # y\n  b: 2\n",
    );
    spliced("- - a\n  - b\n", remove("/0/0"), "- - b\n");
    spliced(
        "l:\n- a\n- b\n- c\n",
        json!([
            {"op": "remove", "path": "/l/0"}, {"op": "add", "path": "/l/-", "value": "d"}, {"op": "replace", "path": "/l/0", "value": "B"},
        ]),
        "l:\n- B\n- c\n- d\n",
    );
}

#[test]
fn scalars_are_replaced_in_their_place() {
    for (old, expected) in [
        ("a: 1 # c\n", "a: new # c\n"),
        ("a:   'x'\n", "a: new\n"),
        ("a: \"x\n  y\" # c\nb: 1\n", "a: new # c\nb: 1\n"),
        ("a: x\n  y\n# c\nb: 1\n", "a: new\n# c\nb: 1\n"),
        ("a: |\n  x\n  y\n\n# c\nb: 1\n", "a: new\n\n# c\nb: 1\n"),
        ("a: >-\n  x\n", "a: new\n"),
        ("a: [1,\n  2] # c\n", "a: new # c\n"),
        ("a: # c\n  b: 1\n  # d\nz: 1\n", "a: new # c\nz: 1\n"),
        ("a:\n- 1\n- 2", "a: new"),
    ] {
        spliced(old, replace("/a", json!("new")), expected);
    }
    spliced(
        "a: x # c\nb: 1\n",
        replace("/a", json!("l1\nl2\n")),
        "a: | # c\n  l1\n  l2\nb: 1\n",
    );
    spliced(
        "- x # c\n",
        replace("/0", json!({"a": {"b": 1}})),
        "- a: # c\n    b: 1\n",
    );
    spliced(
        "\"q k\": 1\n'a/b~c': 2\n",
        replace("/a~1b~0c", json!("017")),
        "\"q k\": 1\n'a/b~c': \"017\"\n",
    );
    spliced(
        "größe: ä # ö\n",
        add("/weiß", json!("ü: 🙂")),
        "größe: ä # ö\nweiß: 'ü: 🙂'\n",
    );
    spliced(
        "a: 1\n",
        add("/yes", json!("no")),
        "a: 1\n\"yes\": \"no\"\n",
    );
}

#[test]
fn a_replaced_object_keeps_what_is_equal_in_it() {
    let text = "l:\n  - name: a # me\n    url: x # there\n    q: {a: 1}\n  - name: b\n";
    spliced(
        text,
        replace(
            "/l/0",
            json!({"name": "a", "url": "w", "q": {"a": 1}, "h": "i"}),
        ),
        "l:\n  - name: a # me\n    url: w # there\n    q: {a: 1}\n    h: i\n  - name: b\n",
    );
    spliced(
        text,
        replace(
            "/l",
            json!([{"name": "z"}, {"name": "a", "url": "x", "q": {"a": 1}}, {"name": "b"}]),
        ),
        "l:\n  - name: z\n  - name: a # me\n    url: x # there\n    q: {a: 1}\n  - name: b\n",
    );
}

#[test]
fn items_of_a_list_are_edited_inside_it() {
    let text = "apiVersion: v1\nkind: List\nitems:\n# one\n- kind: A\n  metadata:\n    name: a\n- kind: PrometheusList\n  apiVersion: x/v1\n  items:\n  - kind: B\n";
    let documents = documents(text);
    let objects = documents[0].objects();
    let pointers: Vec<_> = objects
        .iter()
        .map(|object| object.pointer.as_str())
        .collect();
    assert_eq!(pointers, ["/items/0", "/items/1/items/0"]);
    let patch = within(
        &objects[0].pointer,
        &edits(add("/metadata/labels", json!({"x": "v"}))),
    );
    let new = rewrite(&documents[0], &patch).unwrap().text;
    assert_eq!(
        new,
        text.replace("    name: a\n", "    name: a\n    labels:\n      x: v\n")
    );
    assert_eq!(documents[0].position("/items/1/items/0/kind").line, 11);
}

#[test]
fn what_cannot_be_spliced_is_written_anew_in_order() {
    for text in [
        "# c\nb: {x: 1}\na: &q {z: 1, w: 2}\nd: *q\n",
        "# c\n{b: {x: 1}, a: {z: 1, w: 2}, d: {z: 1, w: 2}}\n",
        "# c\nb: {x: 1}\na: !t\n  z: 1\n  w: 2\nd: {z: 1, w: 2}\n",
    ] {
        let Rewritten {
            text: new,
            comments_lost,
        } = rewritten(text, add("/a/m", json!(1)));
        assert!(comments_lost);
        assert!(new.starts_with("b:\n  x: 1\n"), "{new}");
        assert!(new.contains("a:\n  z: 1\n  w: 2\n  m: 1\n"), "{new}");
    }
    // Nothing is lost where there was no comment.
    assert_eq!(
        rewritten("---\n{a: 1}", add("/b", json!(2))),
        Rewritten {
            text: "---\na: 1\nb: 2".into(),
            comments_lost: false
        }
    );
    let merged = "q: &q {z: 1, w: 2} # c\na:\n  <<: *q\n";
    assert!(rewritten(merged, replace("/a/z", json!(3))).comments_lost);
    assert_eq!(
        rewritten(" {b: &x 1, c: *x}\n", remove("/c")).text,
        "b: 1\n"
    );
    let documents = documents("{\"a\": 1} {b: &x 1, c: *x}\n");
    let new = rewrite(&documents[1], &edits(remove("/c"))).unwrap().text;
    assert_eq!(
        assemble(documents[0].source(), [(&documents[1], &*new)]),
        b"{\"a\": 1}\n---\nb: 1\n"
    );
    // Aliases and merges that stay as they are do not matter.
    spliced(
        merged,
        add("/a/m", json!(3)),
        "q: &q {z: 1, w: 2} # c\na:\n  <<: *q\n  m: 3\n",
    );
    spliced(
        "a: &a {x: 1}\nb: *a\nc:\n  d: 1 # c\n",
        add("/c/e", json!(2)),
        "a: &a {x: 1}\nb: *a\nc:\n  d: 1 # c\n  e: 2\n",
    );
    // A flow value alone is made a block; its own comments cannot stay.
    assert_eq!(
        rewritten("# c\na: {x: 1, # d\n  w: 2}\n", add("/a/z", json!(3))),
        Rewritten {
            text: "# c\na:\n  x: 1\n  w: 2\n  z: 3\n".into(),
            comments_lost: true
        }
    );
}

#[test]
fn json_stays_json() {
    let text = "{\n    \"b\": 1,\n    \"a\": {\"c\": [1, 2.50]}\n}\n";
    assert_eq!(
        rewritten(text, add("/d", json!("é"))).text,
        "{\n    \"b\": 1,\n    \"a\": {\n        \"c\": [\n            1,\n            2.5\n        ]\n    },\n    \"d\": \"é\"\n}"
    );
    assert_eq!(
        rewritten("{\"b\":1,\"a\":2}", remove("/b")).text,
        "{\"a\":2}"
    );
    assert_eq!(
        rewritten("---\n# c\n{\"b\":1,\"a\":2}\n", remove("/b")).text,
        "---\n# c\n{\"a\":2}\n"
    );
    let stream = "{\"a\":1} {\"b\":\n 2}\n";
    let documents = documents(stream);
    assert_eq!(documents[1].format(), Format::Json);
    assert_eq!(
        (
            documents[1].position("/b").line,
            documents[1].position("/b").column
        ),
        (2, 2)
    );
    assert_eq!(
        (
            documents[1].key_position("/b").line,
            documents[1].key_position("/b").column
        ),
        (1, 10)
    );
    let new = rewrite(&documents[1], &edits(replace("/b", json!(3))))
        .unwrap()
        .text;
    assert_eq!(
        assemble(documents[0].source(), [(&documents[1], &*new)]),
        b"{\"a\":1} {\n \"b\": 3\n}\n"
    );
}

#[test]
fn streams_are_split_as_kubectl_splits() {
    let text = "\u{feff}# only a comment\n---\n---   # c\na: 1\n--- \n\n---\nb: |\n  ---\n---\n";
    let documents = documents(text);
    let found: Vec<_> = documents
        .iter()
        .map(|document| (document.first_line(), document.text()))
        .collect();
    assert_eq!(found, [(3, "---   # c\na: 1\n"), (8, "b: |\n  ---\n")]);
    assert_eq!(assemble(documents[0].source(), []), text.as_bytes());
    assert_eq!(
        assemble(
            documents[0].source(),
            [(&documents[1], "X\n"), (&documents[0], "Y\n")]
        ),
        "\u{feff}# only a comment\n---\nY\n--- \n\n---\nX\n---\n".as_bytes()
    );
    assert!(self::documents("").is_empty());
    assert_eq!(self::documents("{\"a\": 1}\n---\nb: 1\n").len(), 2);
    assert_eq!(
        errors("a: 1\n--- b: 2\n"),
        ["x.yaml:2:1: a separator --- with something else than a comment behind it"]
    );
    assert_eq!(
        errors("{}{}\n---\na: 1\n"),
        ["x.yaml:2:2: not JSON, in a stream of JSON objects"]
    );
    assert_eq!(
        errors("a: 1\n---\nb: [\n---\nc: 1\n---\n d: *x\n"),
        [
            "x.yaml:4:1: did not find expected node content",
            "x.yaml:7:5: an alias to an anchor that is not there",
        ]
    );
    assert_eq!(
        errors("a: 1\n---\n{{- if .Values.on }}\nb: 1\n{{- end }}\n---\nc: {{ .Release.Name }}\n"),
        [
            "x.yaml:3:3: {{ is no YAML (a Helm template? render it first)",
            "x.yaml:7:5: {{ is no YAML (a Helm template? render it first)",
        ]
    );
    assert_eq!(
        self::documents("a: 1\n---\n# c\nb: 1\nb: 2\n")[1]
            .duplicate_keys()
            .next()
            .unwrap()
            .line,
        5
    );
}

#[test]
fn only_text_is_read() {
    let refused = |bytes: &[u8]| {
        Source::new("x.yaml", bytes.to_vec())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused(b"a: 1\nb: \xC3\xA9\xFFhunter2"),
        "x.yaml:2:5: not UTF-8 from here on"
    );
    assert_eq!(
        refused(b"\xFF\xFEa\0"),
        "x.yaml:1:1: UTF-16: save the file as UTF-8"
    );
    assert_eq!(
        refused(&vec![b' '; crate::yaml::MAX_BYTES + 1]),
        "x.yaml:1:1: more than 64 MiB of input"
    );
}

#[test]
fn inputs_are_gathered_as_kubectl_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["b.yaml", "a.yml", "c.json", "d.txt", "e.YAML"] {
        std::fs::write(path(name), name).unwrap();
    }
    std::fs::create_dir(path("sub.yaml")).unwrap();
    std::fs::create_dir(path("empty")).unwrap();
    let gathered = |paths: &[PathBuf]| gather(paths, &mut &b"in"[..]);
    let sources = gathered(&["-".into(), folder.path().to_owned(), path("d.txt")]).unwrap();
    let texts: Vec<_> = sources.iter().map(Source::text).collect();
    assert_eq!(texts, ["in", "a.yml", "b.yaml", "c.json", "d.txt"]);
    assert_eq!(sources[0].name(), "standard input");
    assert!(matches!(
        gathered(&[path("empty")]),
        Err(GatherError::EmptyFolder { .. })
    ));
    assert!(matches!(
        gathered(&[path("none")]),
        Err(GatherError::Io { .. })
    ));
    assert!(matches!(
        gathered(&["-".into(), "-".into()]),
        Err(GatherError::StandardInputTwice)
    ));
}

#[test]
fn streams_are_joined_so_that_they_split_again() {
    let join = |streams: &[&str]| {
        let streams: Vec<Vec<u8>> = streams
            .iter()
            .map(|stream| stream.as_bytes().to_vec())
            .collect();
        String::from_utf8(concatenate(&streams)).unwrap()
    };
    assert_eq!(join(&["a: 1"]), "a: 1");
    assert_eq!(
        join(&["a: 1", "", "---\nb: 1\n", "\u{feff}{}\n"]),
        "a: 1\n---\nb: 1\n---\n{}\n"
    );
}
