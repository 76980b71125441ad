//! The registry of codes: its page, and that something reaches every one.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Result, ensure};
use thanos_core::codes::CODES;
use thanos_tests::tools::root;

/// `BLESS=1` writes the page.
#[test]
fn the_page_is_the_registrys() {
    let mut page = "# Codes\n\nGenerated from core by `make bless`: change `core/src/codes.rs`. `kubectl thanos explain CODE` says the same.\n".to_owned();
    for row in CODES {
        let _ = write!(
            page,
            "\n## {row} {}\n\n**{}** · {} · since {}\n\n{}\n\n- See it: `{}`\n- Fix: {}\n- Silence: {}\n",
            row.id,
            row.title,
            row.severity.word(),
            row.since,
            row.cause,
            row.see,
            row.fix,
            row.silence
        );
    }
    let path = root().join("docs/codes.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == page,
        "docs/codes.md is not what core says: run `make bless`"
    );
}

#[test]
fn something_reaches_every_code() -> Result<()> {
    let mut reached = BTreeSet::new();
    for folder in ["tests", "core/src", "webhook/src", "plugin/src"] {
        read(&root().join(folder), &mut reached)?;
    }
    // A bug needs no fixture: it would be mended.
    let untested: Vec<&str> = CODES
        .iter()
        .map(|row| row.code)
        .filter(|code| *code != "KTH0001" && !reached.contains(*code))
        .collect();
    ensure!(
        untested.is_empty(),
        "no test and no story reaches {untested:?}"
    );
    Ok(())
}

/// The codes in stories and in the text of tests; the registry's own text does not count.
fn read(folder: &Path, reached: &mut BTreeSet<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, reached)?;
            continue;
        }
        let is_test = path
            .components()
            .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs");
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let tested = if is_test {
            text.as_str()
        } else {
            text.split_once("#[cfg(test)]")
                .map_or("", |(_, tests)| tests)
        };
        for (at, _) in tested.match_indices("KTH") {
            if let Some(code) = tested.get(at..at + 7) {
                reached.insert(code.to_owned());
            }
        }
        for row in CODES {
            // Unit tests name the row and not its number.
            let name = row.id.replace('-', "_").to_ascii_uppercase();
            if tested.contains(&format!("codes::{name}")) {
                reached.insert(row.code.to_owned());
            }
        }
    }
    Ok(())
}
