//! One try: moves and a delivery, each with a number of its own, so that one can be dropped and the others stay.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::Result;
use futures::FutureExt;
use serde_json::Value;

use super::chance::Chance;
use super::deliveries::DELIVERIES;
use super::door::Door;
use super::moves::MOVES;
use super::oracle::Breach;
use super::plan::Plan;
use super::seeds::Seed;
use super::server::{Answer, Request, Server};

/// Which moves, which delivery; every one by its place in the table and its own number.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attempt {
    moves: Vec<(usize, u64)>,
    delivery: (usize, u64),
}

/// What an attempt got in.
pub(super) struct Hole {
    pub(super) attempt: Attempt,
    pub(super) breaches: BTreeSet<Breach>,
    pub(super) stored: Value,
    pub(super) requests: Vec<Request>,
}

impl Attempt {
    /// The attempt of that number. The plain ones come as often as the winding ones.
    pub(super) fn of(number: u64) -> Self {
        let mut chance = Chance::new(number);
        let mut numbered = |table: usize| {
            (
                chance.below(table),
                number.wrapping_mul(31) ^ chance.below(usize::MAX) as u64,
            )
        };
        let delivery = numbered(DELIVERIES.len());
        let count = 1 + numbered(4).0;
        Self {
            moves: (0..count).map(|_| numbered(MOVES.len())).collect(),
            delivery,
        }
    }

    /// Nothing but the offence.
    pub(super) fn plain() -> Self {
        Self {
            moves: Vec::new(),
            delivery: (0, 0),
        }
    }

    /// The requests that it comes to, and the plan behind them.
    pub(super) fn requests(&self, seed: &Seed) -> (Plan, Vec<Request>) {
        let mut plan = Plan::new(seed);
        for (at, number) in &self.moves {
            MOVES[*at].1(&mut plan, &mut Chance::new(*number));
        }
        let (at, number) = self.delivery;
        let requests = DELIVERIES[at].1(&plan, &mut Chance::new(number));
        (plan, requests)
    }

    /// Makes it against core.
    pub(super) fn against_core(&self, seed: &Seed) -> Option<Hole> {
        let plan = self.requests(seed).0;
        let old = plan.start.as_ref().map(|start| seed.law.breaches(start));
        let door = Door::Model(Server::new(seed, plan.start));
        let old = old.unwrap_or_default();
        let made = self.through(door, seed, &old).now_or_never();
        made.expect("the model waits for nobody")
            .expect("the model answers")
    }

    /// Makes it. Every object that is stored on the way is looked at; `old` is what stood there before, and may stay.
    pub(super) async fn through(
        &self,
        mut door: Door<'_>,
        seed: &Seed,
        old: &BTreeSet<Breach>,
    ) -> Result<Option<Hole>> {
        let (plan, requests) = self.requests(seed);
        let mut there = plan.start.is_some();
        for request in &requests {
            let Answer::Stored(stored) = door.ask(request).await? else {
                continue;
            };
            // What is new stands for itself, whatever stood beside it.
            there &= !matches!(request, Request::Create(_));
            let breaches = seed.law.breaches(&stored);
            let fresh: BTreeSet<Breach> = breaches
                .into_iter()
                .filter(|breach| !there || !old.contains(breach))
                .collect();
            if !fresh.is_empty() {
                return Ok(Some(Hole {
                    attempt: self.clone(),
                    breaches: fresh,
                    stored,
                    requests,
                }));
            }
        }
        Ok(None)
    }

    /// The same hole with fewer moves and a plainer delivery.
    pub(super) fn shrunk(&self, seed: &Seed) -> Hole {
        let mut best = self.against_core(seed).unwrap();
        loop {
            let now = best.attempt.clone();
            let without = (0..now.moves.len()).map(|at| {
                let mut fewer = now.clone();
                fewer.moves.remove(at);
                fewer
            });
            let plainer = (0..now.delivery.0).map(|at| Self {
                delivery: (at, now.delivery.1),
                ..now.clone()
            });
            let better = without
                .chain(plainer)
                .find_map(|attempt| attempt.against_core(seed));
            match better {
                Some(hole) => best = hole,
                None => return best,
            }
        }
    }

    /// The names of the moves and of the delivery.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let moves = self.moves.iter().map(|(at, _)| MOVES[*at].0);
        moves.chain([DELIVERIES[self.delivery.0].0])
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(" > "))
    }
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.attempt)?;
        for (rule, place, value) in &self.breaches {
            writeln!(f, "  {rule}: {place} = {value}")?;
        }
        for request in &self.requests {
            writeln!(f, "  {request}")?;
        }
        write!(f, "  stored {}", self.stored)
    }
}
