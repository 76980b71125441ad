//! A simulated stretch of time: at every moment the API server takes what `serve` shows, whatever is late or crashes.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::judge::{BUNDLE, Facts, Memory, Settings, Step, judge};
use super::material::{Authority, Certificate, Pair, later, trusts};

const HOUR: Duration = Duration::from_secs(3600);
const NAME: &str = "thanos-webhook.thanos-system.svc";

fn settings() -> Settings {
    Settings {
        reached_by: vec![NAME.to_owned()],
        authority: 365 * 24 * HOUR,
        leaf: 30 * 24 * HOUR,
        settle: Duration::from_secs(60),
        every: Duration::from_secs(10),
    }
}

/// What a cluster holds, with a `serve` that hears late.
#[derive(Default)]
struct World {
    facts: Facts,
    memory: Memory,
    served: Option<Pair>,
    steps: Vec<(Timestamp, Step)>,
}

impl World {
    fn new() -> Self {
        let facts = Facts {
            registered: vec![vec![Vec::new()], vec![Vec::new(); 4]],
            ..Facts::default()
        };
        Self {
            facts,
            ..Self::default()
        }
    }

    /// One step, as `take` makes it.
    fn step(&mut self, settings: &Settings, now: Timestamp) -> bool {
        let Some(step) = judge(&self.facts, settings, &mut self.memory, now) else {
            return false;
        };
        let facts = &mut self.facts;
        match step.clone() {
            Step::Make(before) => {
                facts.authority = Some(Authority::make(now, settings.authority, before).unwrap());
            }
            Step::Forget(before) => {
                facts.authority = Some(facts.authority.as_ref().unwrap().with(before));
            }
            Step::Register(number) => {
                let bundle = facts.authority.as_ref().unwrap().bundle().into_bytes();
                facts.registered[number].fill(bundle);
            }
            Step::Sign => {
                let authority = facts.authority.as_ref().unwrap();
                let signed = authority.sign(now, settings.leaf, &settings.reached_by);
                facts.pair = Some(signed.unwrap());
                facts.came_with = authority.trusted();
            }
        }
        self.steps.push((now, step));
        true
    }

    /// Whether every registration takes what is served; the promises about numbers and ends.
    fn check(&self, settings: &Settings, now: Timestamp) {
        let Some(served) = &self.served else { return };
        for bundle in self.facts.registered.iter().flatten() {
            let bundle = Certificate::all(bundle);
            assert!(bundle.len() <= BUNDLE, "{} in a bundle", bundle.len());
            let names = &settings.reached_by;
            assert!(
                trusts(&bundle, &served.certificate, names, now),
                "refused at {now}: {:?}",
                self.steps
            );
        }
        let authority = self.facts.authority.as_ref().unwrap();
        assert!(served.certificate.holds(now) && authority.newest().holds(now));
    }

    fn count(&self, is: impl Fn(&Step) -> bool) -> usize {
        self.steps.iter().filter(|(_, step)| is(step)).count()
    }
}

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn at(hours: i64) -> Timestamp {
    later(start(), SignedDuration::from_hours(hours))
}

#[test]
fn in_two_years_no_moment_is_without_trust() {
    let settings = settings();
    let mut world = World::new();
    for tick in 0..(2 * 365 * 4) {
        let now = at(tick * 6);
        // `serve` hears of a leaf six hours late.
        let late = world.facts.pair.clone();
        while world.step(&settings, now) {}
        world.served = late.or_else(|| world.facts.pair.clone());
        world.check(&settings, now);
    }
    let made = world.count(|step| matches!(step, Step::Make(_)));
    assert_eq!(made, 3, "at 0, 243 and 487 days: {:?}", world.steps);
    assert_eq!(world.count(|step| matches!(step, Step::Forget(_))), 2);
    let signed = world.count(|step| *step == Step::Sign);
    assert!((36..=40).contains(&signed), "every 20 days: {signed}");
}

#[test]
fn a_crash_after_every_step_changes_nothing() {
    let settings = settings();
    let mut world = World::new();
    while world.step(&settings, start()) {}
    for tick in 0..(300 * 24) {
        // Another leader nearly each time, which makes one step and is gone.
        let now = at(tick);
        world.served = world.facts.pair.clone();
        if tick % 7 != 0 {
            world.memory = Memory::default();
        }
        world.step(&settings, now);
        world.check(&settings, now);
    }
    assert_eq!(world.count(|step| matches!(step, Step::Make(_))), 2);
    assert!(world.facts.authority.unwrap().before().is_empty());
}

#[test]
fn a_new_authority_is_trusted_for_a_while_before_it_signs() {
    let settings = settings();
    let mut world = World::new();
    let day = 244 * 24;
    while world.step(&settings, start()) {}
    while world.step(&settings, at(day - 24)) {}
    let before = world.facts.pair.clone().unwrap();
    let began = world.steps.len();
    while world.step(&settings, at(day)) {}
    let kinds: Vec<&Step> = world.steps[began..].iter().map(|(_, step)| step).collect();
    assert!(
        matches!(kinds[..], [Step::Make(kept), Step::Register(0), Step::Register(1)] if kept.len() == 1),
        "{kinds:?}"
    );
    let seconds = |seconds| later(at(day), SignedDuration::from_secs(seconds));
    assert!(!world.step(&settings, seconds(59)));
    assert!(world.step(&settings, seconds(60)));
    let now = world.facts.pair.clone().unwrap();
    assert_ne!(before.certificate, now.certificate);
    assert!(!world.step(&settings, seconds(120)));
}

#[test]
fn what_cannot_be_registered_signs_nothing() {
    let settings = settings();
    let mut world = World::new();
    let day = 244 * 24;
    while world.step(&settings, start()) {}
    while world.step(&settings, at(day - 24)) {}
    let registered = world.facts.registered.clone();
    for hour in 0..48 {
        let now = at(day + hour);
        for _ in 0..8 {
            world.step(&settings, now);
            // The write is refused, or somebody puts back what was there.
            world.facts.registered.clone_from(&registered);
        }
        world.served = world.facts.pair.clone();
        world.check(&settings, now);
    }
    let made = world.count(|step| matches!(step, Step::Make(_)));
    assert_eq!(made, 2, "one, not one an hour");
}

#[test]
fn what_others_wrote_is_trusted_for_one_leaf_more() {
    let settings = settings();
    let other = Authority::make(start(), 365 * 24 * HOUR, Vec::new()).unwrap();
    let served = other
        .sign(start(), 30 * 24 * HOUR, &settings.reached_by)
        .unwrap();
    let mut world = World::new();
    for bundles in &mut world.facts.registered {
        bundles.fill(other.bundle().into_bytes());
    }
    world.served = Some(served);
    for hour in 1..(29 * 24) {
        while world.step(&settings, at(hour)) {}
        world.check(&settings, at(hour));
    }
    while world.step(&settings, at(31 * 24)) {}
    assert!(world.facts.authority.unwrap().before().is_empty());
}

#[test]
fn a_lost_secret_or_a_wrong_leaf_is_made_anew_at_once() {
    let settings = settings();
    let mut world = World::new();
    while world.step(&settings, start()) {}
    world.served = world.facts.pair.clone();

    // The authority's key is gone: what is served stays trusted until the next leaf is.
    world.facts.authority = None;
    while world.step(&settings, at(1)) {}
    world.check(&settings, at(1));
    while world.step(&settings, at(2)) {}
    world.check(&settings, at(2));

    // The leaf is gone, or it is another name's.
    world.facts.pair = None;
    assert!(world.step(&settings, at(3)) && !world.step(&settings, at(3)));
    let renamed = Settings {
        reached_by: vec![NAME.to_owned(), "127.0.0.1".to_owned()],
        ..settings
    };
    assert!(world.step(&renamed, at(4)) && !world.step(&renamed, at(4)));
}

#[test]
fn a_key_is_its_certificates_or_is_not_read() {
    let one = Authority::make(start(), HOUR, Vec::new()).unwrap();
    let two = Authority::make(start(), HOUR, Vec::new()).unwrap();
    let read = |of: &Authority, key: &Authority| {
        Authority::read(of.bundle().as_bytes(), key.key().as_bytes()).is_some()
    };
    assert!(read(&one, &one) && !read(&one, &two));
    assert!(Pair::read(b"", b"").is_none());
    let leaf = one.sign(start(), 5 * HOUR, &[NAME.to_owned()]).unwrap();
    assert_eq!(leaf.certificate.not_after(), one.newest().not_after());
    assert_eq!(leaf.certificate.made(), start());
}
