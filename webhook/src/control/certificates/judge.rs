//! What is to be done next about the certificates: facts in, one step out. Pure; each step is judged anew from what is
//! written then, so that a crash after any of them changes nothing.
//!
//! The order is the protocol: a new authority is trusted everywhere before a leaf is signed by it, and an old one is
//! trusted until no leaf of its can be alive.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::material::{Authority, Certificate, Pair, later, trusts};

/// As many authorities are trusted at once.
pub const BUNDLE: usize = 3;

/// How long certificates live, and what they are for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Every name that the webhook is reached by.
    pub reached_by: Vec<String>,
    /// How long an authority lives.
    pub authority: Duration,
    /// How long a leaf lives.
    pub leaf: Duration,
    /// How long a new authority is trusted before a leaf is signed by it: every API server has heard of it by then.
    pub settle: Duration,
    /// How often everything is looked at.
    pub every: Duration,
}

/// What is written now.
#[derive(Clone, Default)]
pub struct Facts {
    /// The authorities and the newest one's key, where both are right.
    pub authority: Option<Authority>,
    /// The leaf that is served and its key, where both are right.
    pub pair: Option<Pair>,
    /// The authorities that the served leaf came with.
    pub came_with: Vec<Certificate>,
    /// Every `caBundle` of each registration that there is.
    pub registered: Vec<Vec<Vec<u8>>>,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Make an authority; these are trusted besides.
    Make(Vec<Certificate>),
    /// Write the authorities into the registration of that number.
    Register(usize),
    /// Sign a leaf.
    Sign,
    /// Trust only these besides the newest.
    Forget(Vec<Certificate>),
}

/// Since when the newest authority is trusted everywhere, as this process has seen.
#[derive(Clone, Debug, Default)]
pub struct Memory(Option<(Certificate, Timestamp)>);

/// The next step; `None` when everything is as it should be for now.
pub fn judge(
    facts: &Facts,
    settings: &Settings,
    memory: &mut Memory,
    now: Timestamp,
) -> Option<Step> {
    let fresh = |certificate: &Certificate| certificate.holds(now) && now < certificate.due();
    let Some(authority) = facts
        .authority
        .as_ref()
        .filter(|authority| fresh(authority.newest()))
    else {
        return Some(Step::Make(kept(facts, settings, now)));
    };
    let bundle = authority.bundle();
    let differs = |bundles: &Vec<Vec<u8>>| bundles.iter().any(|held| held != bundle.as_bytes());
    if let Some(number) = facts.registered.iter().position(differs) {
        return Some(Step::Register(number));
    }
    let settled = memory.since(authority.newest(), now, settings.settle);
    let signed_by = |authorities: &[Certificate]| {
        facts
            .pair
            .as_ref()
            .is_some_and(|pair| trusts(authorities, &pair.certificate, &settings.reached_by, now))
    };
    let newest = std::slice::from_ref(authority.newest());
    let by_newest = signed_by(newest);
    let is_due = facts
        .pair
        .as_ref()
        .is_none_or(|pair| !fresh(&pair.certificate));
    // What nobody trusts is not worth waiting with.
    let may_sign = settled || by_newest || !signed_by(&authority.trusted());
    if (is_due || !by_newest) && may_sign {
        return Some(Step::Sign);
    }
    let is_over = by_newest && now >= overlap_end(authority.newest(), settings.leaf);
    let before = authority.before().iter();
    let still: Vec<Certificate> = before
        .filter(|one| one.holds(now) && !is_over)
        .cloned()
        .collect();
    (still.len() < authority.before().len()).then_some(Step::Forget(still))
}

/// A leaf of an earlier authority was signed before the newest was made, so by then none is alive.
fn overlap_end(newest: &Certificate, leaf: Duration) -> Timestamp {
    later(
        newest.made(),
        SignedDuration::try_from(leaf).unwrap_or(SignedDuration::MAX),
    )
}

/// Which authorities stay trusted beside a new one: whatever a leaf that is served now may chain to, the signer of the
/// present leaf first, then the newest. Before there was an authority of ours that is what others wrote.
fn kept(facts: &Facts, settings: &Settings, now: Timestamp) -> Vec<Certificate> {
    let registered = facts.registered.iter().flatten();
    let known = facts.authority.iter().flat_map(Authority::trusted);
    let mut all: Vec<Certificate> = Vec::new();
    for one in known
        .chain(facts.came_with.iter().cloned())
        .chain(registered.flat_map(|bundle| Certificate::all(bundle)))
    {
        if one.holds(now) && !all.contains(&one) {
            all.push(one);
        }
    }
    all.sort_by_key(|one| {
        let signed = facts.pair.as_ref().is_some_and(|pair| {
            let alone = std::slice::from_ref(one);
            trusts(alone, &pair.certificate, &settings.reached_by, now)
        });
        (!signed, std::cmp::Reverse(one.made()))
    });
    all.truncate(BUNDLE - 1);
    all
}

impl Memory {
    /// Whether this authority has been trusted everywhere for so long.
    fn since(&mut self, newest: &Certificate, now: Timestamp, settle: Duration) -> bool {
        match &self.0 {
            Some((seen, since)) if seen == newest => {
                Duration::try_from(now.duration_since(*since)).is_ok_and(|passed| passed >= settle)
            }
            _ => {
                self.0 = Some((newest.clone(), now));
                settle.is_zero()
            }
        }
    }
}
