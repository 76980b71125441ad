//! What one candidate does about the lease as it was just seen. Pure: the time is told.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::ObjectMeta;

/// What is to be done about the lease as it was just seen.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// Write this one: there is none.
    Create(Lease),
    /// Write this one over the one that was seen: ours to renew, free, or not renewed for its whole duration.
    Replace(Lease),
    /// Another one leads.
    Wait,
}

/// What one candidate remembers.
#[derive(Debug)]
pub(super) struct Election {
    pub(super) identity: String,
    pub(super) duration: Duration,
    /// The version that was seen last, and when it was first seen: when the answer that held it had come.
    pub(super) seen: Option<(String, Instant)>,
}

impl Election {
    /// What is to be done, and what was seen is remembered. `now` is after the answer that holds the lease.
    pub(super) fn step(&mut self, lease: Option<&Lease>, now: (Instant, Timestamp)) -> Step {
        let Some(lease) = lease else {
            self.seen = None;
            return Step::Create(self.ours(None, now.1));
        };
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let since = match &self.seen {
            Some((seen, since)) if *seen == version => *since,
            _ => {
                self.seen = Some((version, now.0));
                now.0
            }
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.unwrap_or_default();
        let seconds = u64::try_from(spec.lease_duration_seconds.unwrap_or_default());
        let lasts = Duration::from_secs(seconds.unwrap_or_default());
        let free = holder.is_empty() || now.0.duration_since(since) >= lasts;
        if holder == self.identity || free {
            Step::Replace(self.ours(Some(lease), now.1))
        } else {
            Step::Wait
        }
    }

    /// The lease as this candidate writes it; with the version that was seen, so that only one writer wins.
    fn ours(&self, old: Option<&Lease>, now: Timestamp) -> Lease {
        let before = old.and_then(|old| old.spec.clone()).unwrap_or_default();
        let ours = before.holder_identity.as_ref() == Some(&self.identity);
        let seconds = self.duration.as_secs_f64().ceil();
        let transitions = before.lease_transitions.unwrap_or_default();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a lease of 68 years is none"
        )]
        let spec = LeaseSpec {
            acquire_time: before
                .acquire_time
                .clone()
                .filter(|_| ours)
                .or(Some(MicroTime(now))),
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(seconds as i32),
            lease_transitions: Some(transitions.saturating_add(i32::from(old.is_some() && !ours))),
            renew_time: Some(MicroTime(now)),
            ..before
        };
        Lease {
            metadata: old.map_or_else(ObjectMeta::default, |old| old.metadata.clone()),
            spec: Some(spec),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn election(identity: &str) -> Election {
        Election {
            identity: identity.to_owned(),
            duration: 15 * SECOND,
            seen: None,
        }
    }

    fn lease(holder: &str, version: &str, renewed: Timestamp) -> Lease {
        let mut lease = election(holder).ours(None, renewed);
        lease.metadata.resource_version = Some(version.to_owned());
        lease
    }

    fn holder(step: &Step) -> Option<String> {
        match step {
            Step::Create(lease) | Step::Replace(lease) => {
                lease.spec.as_ref()?.holder_identity.clone()
            }
            Step::Wait => None,
        }
    }

    #[test]
    fn takes_what_nobody_holds() {
        let now = (Instant::now(), Timestamp::now());
        let created = election("b").step(None, now);
        assert!(matches!(created, Step::Create(_)) && holder(&created).as_deref() == Some("b"));
        let released = lease("", "1", now.1);
        let taken = election("b").step(Some(&released), now);
        assert_eq!(holder(&taken).as_deref(), Some("b"));
        let Step::Replace(lease) = taken else {
            panic!("{taken:?}")
        };
        assert_eq!(lease.metadata.resource_version.as_deref(), Some("1"));
        assert_eq!(lease.spec.unwrap().lease_transitions, Some(1));
    }

    #[test]
    fn believes_only_its_own_eyes_about_time() {
        let start = Instant::now();
        let mut b = election("b");
        // The holder's clock is an hour behind: by its renewTime the lease ran out long ago.
        let hour_ago = Timestamp::now() - SignedDuration::from_hours(1);
        let held = lease("a", "1", hour_ago);
        assert_eq!(b.step(Some(&held), (start, Timestamp::now())), Step::Wait);
        assert_eq!(
            b.step(Some(&held), (start + 14 * SECOND, Timestamp::now())),
            Step::Wait
        );
        let renewed = lease("a", "2", hour_ago);
        assert_eq!(
            b.step(Some(&renewed), (start + 16 * SECOND, Timestamp::now())),
            Step::Wait
        );
        assert_eq!(
            b.step(Some(&renewed), (start + 30 * SECOND, Timestamp::now())),
            Step::Wait
        );
        let taken = b.step(Some(&renewed), (start + 31 * SECOND, Timestamp::now()));
        assert_eq!(holder(&taken).as_deref(), Some("b"));
    }

    #[test]
    fn renewing_changes_neither_the_start_nor_the_count() {
        let now = (Instant::now(), Timestamp::now());
        let held = lease("a", "7", now.1 - SignedDuration::from_secs(60));
        let Step::Replace(renewed) = election("a").step(Some(&held), now) else {
            panic!()
        };
        let (old, new) = (held.spec.unwrap(), renewed.spec.unwrap());
        assert_eq!(new.acquire_time, old.acquire_time);
        assert_eq!(new.lease_transitions, old.lease_transitions);
        assert_eq!(new.renew_time, Some(MicroTime(now.1)));
    }
}
