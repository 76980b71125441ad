//! The list of paths that CEL expressions are spelled out by is the CRDs' own.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;
use thanos_core::fields::sensitive::is_whole;
use thanos_core::{Kind, native};
use thanos_tests::install::objects;
use thanos_tests::tools::{self, root};

/// `BLESS=1` writes the list.
#[test]
fn every_path_of_the_operators_crds_is_listed() -> Result<()> {
    let mut paths = BTreeSet::new();
    for kind in Kind::ALL {
        let file = tools::crd(kind.plural())?;
        let crd = objects("crd", std::fs::read_to_string(file)?)?;
        let crd = crd.first().context("an empty CRD")?;
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        walk(&schema["properties"]["spec"], "", &mut paths);
    }
    let text: String = paths.iter().map(|path| format!("{path}\n")).collect();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(root().join("core/src/native/paths.txt"), &text)?;
    } else {
        assert!(
            text == native::PATHS,
            "core/src/native/paths.txt is not the CRDs' own: run `make bless`"
        );
    }
    Ok(())
}

fn walk(schema: &Value, path: &str, paths: &mut BTreeSet<String>) {
    if !path.is_empty() {
        paths.insert(path.to_owned());
    }
    if is_whole(&[path]) {
        return;
    }
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let dot = if path.is_empty() { "" } else { "." };
        walk(schema, &format!("{path}{dot}{name}"), paths);
    }
    for (member, sign) in [("items", "[]"), ("additionalProperties", "{}")] {
        if schema[member].is_object() {
            walk(&schema[member], &format!("{path}{sign}"), paths);
        }
    }
}
