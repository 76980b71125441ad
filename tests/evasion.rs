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
mod door;
mod later;
mod moves;
mod offenders;
mod oracle;
mod plan;
mod real;
mod seeds;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use thanos_core::Kind;
use thanos_core::decide::rules::RULES;

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

/// What many tries came to.
#[derive(Default)]
struct Sum {
    used: BTreeSet<&'static str>,
    /// One telling for each way in that is a way of its own.
    told: BTreeMap<String, String>,
}

impl Sum {
    fn make(&mut self, number: u64, seed: &Seed) {
        let attempt = Attempt::of(number);
        self.used.extend(attempt.names());
        if attempt.against_core(seed).is_some() && self.told.len() < 20 {
            let hole = attempt.shrunk(seed);
            let rules: Vec<&str> = hole.breaches.iter().map(|(rule, _, _)| *rule).collect();
            let way = format!("{} {}", rules.join(" "), hole.attempt);
            let told = format!("THANOS_EVASION={number} {}: {hole}\n", seed.name);
            self.told.entry(way).or_insert(told);
        }
    }

    fn join(&mut self, other: Self) {
        self.used.extend(other.used);
        self.told.extend(other.told);
    }
}

#[test]
fn nothing_gets_in() -> Result<()> {
    let seeds = refused()?;
    let begin = Instant::now();
    let tries = usize::try_from(cases(TRIES))?;
    let threads = std::thread::available_parallelism()?.get();
    let mut sum = Sum::default();
    std::thread::scope(|scope| {
        let share = |from: usize| {
            let seeds = &seeds;
            move || {
                let mut sum = Sum::default();
                for number in (first_number()..).take(tries).skip(from).step_by(threads) {
                    let at = usize::try_from(number).unwrap_or_default() % seeds.len();
                    sum.make(number, &seeds[at]);
                }
                sum
            }
        };
        let running: Vec<_> = (0..threads).map(|from| scope.spawn(share(from))).collect();
        for thread in running {
            sum.join(thread.join().expect("a try ends by itself"));
        }
    });
    println!(
        "{tries} tries with {} seeds in {:.1} s",
        seeds.len(),
        begin.elapsed().as_secs_f64()
    );
    let told: Vec<String> = sum.told.into_values().collect();
    ensure!(told.is_empty(), "it got in:\n{}", told.concat());
    ensure!(
        sum.used.len() == MOVES.len() + DELIVERIES.len() || tries < 1_000,
        "not every move was made: {:?}",
        sum.used
    );
    Ok(())
}

#[test]
fn the_oracle_sees_every_offence() -> Result<()> {
    let mut blind = String::new();
    let mut stories = [0, 0];
    for seed in seeds()? {
        let old = seed
            .start
            .as_ref()
            .map(|start| seed.law.breaches(start))
            .unwrap_or_default();
        let now = seed.law.breaches(&Server::unwatched(&seed.object));
        let sees = now
            .difference(&old)
            .any(|(rule, _, _)| seed.name.starts_with(rule));
        if seed.is_story {
            stories[usize::from(sees)] += 1;
            if !sees {
                println!("{}", seed.name);
            }
        } else if !sees {
            let _ = writeln!(blind, "{}", seed.name);
        }
    }
    ensure!(
        blind.is_empty(),
        "the oracle sees nothing wrong with\n{blind}"
    );
    let [unseen, seen] = stories;
    println!("of the stories the oracle sees {seen}, and does not see {unseen}");
    ensure!(seen > unseen, "the oracle is blind for the stories");
    Ok(())
}

#[test]
fn a_clean_object_breaks_nothing_and_comes_in() -> Result<()> {
    let seeds = seeds()?;
    let seed = seeds
        .iter()
        .find(|seed| seed.name.ends_with("-among-all"))
        .context("no seed")?;
    for kind in Kind::ALL {
        let answer = Server::new(seed, None).ask(&Request::Create(clean(kind)));
        let Answer::Stored(stored) = answer else {
            bail!("{answer:?}");
        };
        let breaches = seed.law.breaches(&stored);
        ensure!(breaches.is_empty(), "{breaches:?}");
    }
    Ok(())
}

#[test]
fn every_rule_has_an_offender_that_is_refused() -> Result<()> {
    let seeds = refused()?;
    for rule in RULES.iter().filter(|rule| !rule.is_about_secrets()) {
        for offender in offenders::OFFENDERS
            .iter()
            .filter(|offender| offender.rule == rule.id())
        {
            let name = format!("{}-{}", offender.rule, offender.name);
            ensure!(
                seeds.iter().any(|seed| seed.name == name),
                "{name} is not refused"
            );
        }
        ensure!(
            seeds.iter().any(|seed| seed.name.starts_with(rule.id())),
            "no offender against {}",
            rule.id()
        );
    }
    Ok(())
}
