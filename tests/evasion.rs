//! Somebody takes a refused object and tries to get it in: renamed, moved, nested, spelled otherwise, split over several
//! updates, through /scale, through server-side apply of single fields, through generateName, through a later webhook.
//!
//! ```text
//! seeds ─> moves ─> a delivery ─> the API server (a model of it, or the real one) ─> the oracle looks at what is stored
//! ```
//!
//! A hole is told with its number, its moves and its requests, shrunk; `THANOS_EVASION=NUMBER` begins there. What is found
//! becomes a story under `tests/policies/`.

mod attempt;
mod chance;
mod deliveries;
mod moves;
mod offenders;
mod oracle;
mod plan;
mod seeds;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use thanos_core::Kind;

use crate::properties::cases;
use attempt::Attempt;
use deliveries::DELIVERIES;
use moves::MOVES;
use seeds::{Seed, clean, seeds};
use server::{Answer, Request, Server};

/// How many tries where nobody says otherwise: `make soak` and CI's release run make 100 000 and more.
const TRIES: u32 = 5_000;

fn first_number() -> u64 {
    std::env::var("THANOS_EVASION")
        .ok()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

/// The seeds that are refused as they are.
fn refused() -> Result<Vec<Seed>> {
    let mut seeds = seeds()?;
    seeds.retain(|seed| {
        let mut server = Server::new(seed, seed.start.clone());
        let plain = Attempt::plain().requests(seed).1;
        plain
            .iter()
            .all(|request| matches!(server.ask(request), Answer::Refused(_)))
    });
    ensure!(!seeds.is_empty(), "nothing is refused");
    Ok(seeds)
}

#[test]
fn nothing_gets_in() -> Result<()> {
    let seeds = refused()?;
    let live: BTreeSet<&str> = offenders::OFFENDERS
        .iter()
        .map(|offender| offender.rule)
        .filter(|rule| {
            seeds
                .iter()
                .any(|seed| seed.name.starts_with(rule) && !seed.name.ends_with("-among-all"))
        })
        .collect();
    let begin = Instant::now();
    let mut told = BTreeMap::new();
    let mut used = BTreeSet::new();
    for number in (first_number()..).take(cases(TRIES) as usize) {
        let seed = &seeds[usize::try_from(number).unwrap_or_default() % seeds.len()];
        let attempt = Attempt::of(number);
        used.extend(attempt.names());
        if let Some(hole) = attempt.against_core(seed) {
            if !hole.breaches.iter().any(|(rule, _, _)| live.contains(rule)) {
                continue;
            }
            let hole = attempt.shrunk(seed);
            if !hole.breaches.iter().any(|(rule, _, _)| live.contains(rule)) {
                continue;
            }
            let rules: Vec<&str> = hole.breaches.iter().map(|(rule, _, _)| *rule).collect();
            let one = || format!("THANOS_EVASION={number} {} {hole}\n", seed.name);
            told.entry((rules.join(" "), hole.attempt.to_string()))
                .or_insert_with(one);
            if told.len() >= 40 {
                break;
            }
        }
    }
    println!(
        "{} tries with {} seeds in {:.1} s",
        cases(TRIES),
        seeds.len(),
        begin.elapsed().as_secs_f64()
    );
    if !told.is_empty() {
        bail!("it got in:\n{}", told.into_values().collect::<String>());
    }
    ensure!(
        used.len() == MOVES.len() + DELIVERIES.len(),
        "not every move was made: {used:?}"
    );
    Ok(())
}

#[test]
fn the_oracle_sees_every_offence() -> Result<()> {
    let mut blind = String::new();
    for seed in seeds()? {
        let rule = seed.name.split("-refused").next().unwrap_or_default();
        let rule = rule.split("-evasion").next().unwrap_or_default();
        let old = seed
            .start
            .as_ref()
            .map(|start| seed.law.breaches(start))
            .unwrap_or_default();
        let now = seed.law.breaches(&Server::unwatched(&seed.object));
        let sees = now
            .difference(&old)
            .any(|(seen, _, _)| seed.name.starts_with(seen));
        if !sees && !seed.name.ends_with("-among-all") {
            let _ = writeln!(blind, "{} ({rule})", seed.name);
        }
    }
    ensure!(
        blind.is_empty(),
        "the oracle sees nothing wrong with\n{blind}"
    );
    Ok(())
}

#[test]
fn a_clean_object_breaks_nothing_and_comes_in() -> Result<()> {
    for seed in seeds()?
        .iter()
        .filter(|seed| seed.name.ends_with("-among-all"))
    {
        for kind in Kind::ALL {
            let object = clean(kind);
            let answer = Server::new(seed, None).ask(&Request::Create(object.clone()));
            let Answer::Stored(stored) = answer else {
                bail!("{}: {answer:?}", seed.name);
            };
            let breaches = seed.law.breaches(&stored);
            ensure!(breaches.is_empty(), "{}: {breaches:?}", seed.name);
        }
        break;
    }
    Ok(())
}
