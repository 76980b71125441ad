//! The table of the docs is the one of core.

use std::fmt::Write;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::json;
use thanos_core::decide::rules::RULES;
use thanos_core::native::{self, Ask, Cover};
use thanos_core::{Wiring, policy};
use thanos_tests::tools::root;

use crate::doors::Story;

const START: &str = "<!-- table: make bless -->\n";
const END: &str = "<!-- end -->\n";

/// A policy that sets every parameter, and wirings that set what rules let pass. `BLESS=1` writes the table.
#[test]
fn the_table_of_the_docs_is_cores() -> Result<()> {
    let policy = policy::read(&json!({
        "apiVersion": thanos_core::names::API_VERSION, "kind": "ThanosPolicy", "metadata": {"name": "all"},
        "spec": {
            "profile": "Restricted",
            "remoteWrite": {"allowedUrls": ["https://*.example.com/api/v1/receive"], "allowedSecrets": []},
            "labels": {"required": ["cluster"]},
            "limits": {"maxReplicas": 2},
            "allow": {"minimumVersion": "v3.5.0"},
        },
    }))
    .map_err(|faults| anyhow!("{faults:?}"))?;
    let mut wirings: Vec<Arc<Wiring>> = Vec::new();
    for story in ["wire-prometheus", "auth-managed-identity"] {
        let story = Story::read(&root().join("tests/cases").join(story))?;
        wirings.extend(story.rules()?.wirings().iter().cloned());
    }
    let mut table = "| rule | | what differs, or why not |\n|---|---|---|\n".to_owned();
    for rule in RULES {
        for part in native::cover(
            rule,
            &Ask {
                policy: &policy,
                wirings: &wirings,
            },
        ) {
            let fields = match &part {
                Cover::Not(_) => String::new(),
                _ => format!(" ({} fields)", part.checks().len()),
            };
            let differs = part.differs().unwrap_or_default();
            let _ = writeln!(
                table,
                "| `{}` | {}{fields} | {differs} |",
                rule.id(),
                part.word()
            );
        }
    }
    let path = root().join("docs/native.md");
    let page = std::fs::read_to_string(&path)?;
    let (before, rest) = page.split_once(START).context("no place for the table")?;
    let (_, after) = rest.split_once(END).context("no end of the table")?;
    let wanted = format!("{before}{START}\n{table}\n{END}{after}");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &wanted)?;
    } else {
        ensure!(
            page == wanted,
            "docs/native.md is not what core says: run `make bless`"
        );
    }
    Ok(())
}
