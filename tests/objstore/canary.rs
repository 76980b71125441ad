//! A credential that stands anywhere in a file stands in nothing that is said about it.

use thanos_core::objstore::judge;

use super::fields::Kind;
use super::make;
use super::providers::PROVIDERS;
use crate::yaml::random::Random;

const CANARY: &str = "hunter2hunter2";

fn is_silent(file: &str) {
    let judged = judge(file.as_bytes());
    let told: String = judged
        .faults
        .iter()
        .chain(&judged.lints)
        .map(|finding| format!("{finding} {}", finding.sentence))
        .collect();
    // A place may be named: what is not secret about it.
    let said = told + &format!("{:?}{:?}", judged.faults, judged.lints);
    assert!(!said.contains("hunter2"), "{file}\n{said}");
}

#[test]
fn no_field_is_repeated() {
    for provider in PROVIDERS {
        for (name, kind) in provider.fields {
            for value in [
                CANARY,
                "\"hunter2\\nhunter2\"",
                "[hunter2hunter2]",
                "{hunter2hunter2a: hunter2}",
                "$(hunter2)",
                "|\n    hunter2\n    hunter2",
                "'hunter2",
                "*hunter2",
                "!hunter2 x",
                "hunter2: hunter2",
            ] {
                if matches!(kind, Kind::Group(_)) {
                    continue;
                }
                let others: String = provider
                    .least
                    .iter()
                    .filter(|(other, _)| other != name)
                    .map(|(other, value)| format!("  {other}: {value}\n"))
                    .collect();
                is_silent(&format!(
                    "type: {}\nconfig:\n{others}  {name}: {value}\n",
                    provider.name
                ));
            }
        }
    }
    for file in [
        "hunter2",
        "type: hunter2\n",
        "type: S3\nprefix: [hunter2]\nconfig: hunter2\n",
        "type: S3\nhunter2hunter2hunter2: x\n",
        "hunter2: hunter2: x\n",
    ] {
        is_silent(file);
    }
}

/// No credential gets into what is kept of a file, and none gets out by its debug form.
#[test]
fn no_credential_is_kept() {
    for provider in PROVIDERS {
        for (name, kind) in provider.fields {
            let is_secret = [
                "key",
                "secret",
                "password",
                "token",
                "passphrase",
                "connection",
                "service_account",
            ]
            .iter()
            .any(|part| name.contains(part));
            if !is_secret || !matches!(kind, Kind::Text | Kind::Of(_)) || *name == "secret_id" {
                continue;
            }
            for value in [
                CANARY,
                "AccountName=a;AccountKey=hunter2hunter2AA",
                "'{\"type\":\"service_account\",\"private_key\":\"hunter2\"}'",
            ] {
                let others: String = provider
                    .least
                    .iter()
                    .filter(|(other, _)| other != name)
                    .map(|(other, value)| format!("  {other}: {value}\n"))
                    .collect();
                let file = format!(
                    "type: {}\nconfig:\n{others}  {name}: {value}\n",
                    provider.name
                );
                let judged = format!("{:?}", judge(file.as_bytes()));
                assert!(!judged.contains("hunter2"), "{file}\n{judged}");
            }
        }
    }
}

#[test]
fn random_files_say_nothing_of_themselves() {
    let mut random = Random::new(23);
    for _ in 0..3000 {
        // Every value that is a word becomes the canary.
        let file = make::file(&mut random)
            .replace("two words", CANARY)
            .replace(": a\n", ": hunter2\n")
            .replace("quoted", CANARY)
            .replace("http://x/y", CANARY);
        is_silent(&file);
    }
}
