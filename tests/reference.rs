//! The pages of reference: what the command line and the definitions say of themselves, as Markdown. `BLESS=1` writes them.

mod commands;
mod crds;

use thanos_tests::tools::root;

/// Compares with the page, or writes it under `BLESS`.
fn is_page(name: &str, text: &str) {
    let path = root().join("docs").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == text,
        "docs/{name} is not what the programs say: run `make bless`"
    );
}

/// A text for one cell of a table.
fn cell(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").replace('|', "\\|").replace('<', "\\<")
}

/// Words in code, with commas between them.
fn coded<'t>(words: impl IntoIterator<Item = &'t str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}
