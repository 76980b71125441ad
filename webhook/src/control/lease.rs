//! One leader: whoever holds the Lease, by renewals seen here and never by another machine's clock.
//!
//! By hand: the crates there are compare wall clocks and write without a `resourceVersion` (kube-lease-manager 0.13),
//! or are not built on kube 5. A term ends [`Timing::renew`] after the last renewal was *sent*; others take the lease
//! [`Timing::duration`] after they *saw* it. Every write in between is given no longer than the difference.

mod election;
mod leadership;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Api;
use kube::api::PostParams;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::shutdown::Shutdown;
use election::{Election, Step};
use leadership::Term;
pub use leadership::{Leadership, Unwritten};

/// The three times of an election.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long a lease lasts that nobody renews.
    pub duration: Duration,
    /// How long a leader goes on without a renewal; shorter than `duration`.
    pub renew: Duration,
    /// How often a leader renews, and a follower looks.
    pub retry: Duration,
}

impl Timing {
    /// Says what is wrong with the times.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.retry.is_zero() || self.retry >= self.renew {
            return Err("--lease-retry must be above zero and below --lease-renew");
        }
        if self.renew >= self.duration {
            return Err("--lease-renew must be below --lease-duration");
        }
        if self.duration < Duration::from_secs(1) {
            return Err("--lease-duration must be at least 1s: a Lease counts in seconds");
        }
        Ok(())
    }

    /// The longest that one write may take: it then ends before anyone else may take the lease.
    pub fn write(&self) -> Duration {
        self.duration.saturating_sub(self.renew)
    }
}

/// One moment, by both clocks.
type Moment = (Instant, Timestamp);

/// What came of one look at the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    /// It is ours, from this moment on: just before it was written.
    Leads(Moment),
    /// It is another's.
    Follows,
    /// Somebody else wrote it in between: look again.
    Overtaken,
}

/// Stands for election until the program is asked to stop and its work is done, then gives the lease back.
pub struct Campaign {
    leases: Api<Lease>,
    name: &'static str,
    timing: Timing,
    election: Election,
    term: watch::Sender<Option<Term>>,
}

impl Campaign {
    /// One for the lease of that name; the leadership is what the rest of the program looks at.
    pub fn new(
        leases: Api<Lease>,
        name: &'static str,
        identity: String,
        timing: Timing,
    ) -> (Self, Leadership) {
        let (sender, term) = watch::channel(None);
        let election = Election {
            identity,
            duration: timing.duration,
            seen: None,
        };
        let campaign = Self {
            leases,
            name,
            timing,
            election,
            term: sender,
        };
        let write = timing.write();
        (campaign, Leadership { term, write })
    }

    /// Looks and renews until the program is asked to stop; gives itself back for [`Campaign::release`].
    pub async fn run(mut self, shutdown: Shutdown) -> Self {
        let mut told = String::new();
        while !shutdown.is_asked() {
            let clock = || (Instant::now(), Timestamp::now());
            // Half of the time, so that one lost answer does not cost the term.
            let attempt = timeout(self.timing.renew / 2, self.attempt(clock)).await;
            let trouble = match attempt {
                Ok(Ok(attempt)) => {
                    self.act(attempt);
                    String::new()
                }
                // A term that cannot be renewed runs out by itself.
                Ok(Err(error)) => super::words(&error),
                Err(_) => "no answer in time".to_owned(),
            };
            if !trouble.is_empty() && trouble != told {
                tracing::warn!(error = trouble, "the lease cannot be read or written");
            }
            told = trouble;
            tokio::select! {
                () = sleep(self.timing.retry) => {}
                () = shutdown.asked() => {}
            }
        }
        self
    }

    fn act(&self, attempt: Attempt) {
        match attempt {
            Attempt::Leads(sent) => {
                let term = Term::from(sent, self.timing.renew);
                if self.term.send_replace(Some(term)).is_none() {
                    tracing::info!(identity = self.election.identity, "leading");
                }
            }
            Attempt::Follows => {
                if self.term.send_replace(None).is_some() {
                    tracing::warn!("another one leads now");
                }
            }
            Attempt::Overtaken => {}
        }
    }

    /// Gives the lease back, if it is ours, so that the next leader need not wait. Nothing may be written after this.
    pub async fn release(self) {
        let held = self.term.borrow().is_some_and(|term| term.runs());
        self.term.send_replace(None);
        if !held {
            return;
        }
        let give_back = async {
            let mut lease = self.leases.get(self.name).await?;
            let spec = lease.spec.get_or_insert_default();
            if spec.holder_identity.as_ref() == Some(&self.election.identity) {
                spec.holder_identity = Some(String::new());
                spec.lease_duration_seconds = Some(1);
                spec.renew_time = Some(MicroTime(Timestamp::now()));
                self.leases
                    .replace(self.name, &PostParams::default(), &lease)
                    .await?;
            }
            Ok::<_, kube::Error>(())
        };
        match timeout(self.timing.write(), give_back).await {
            Ok(Ok(())) => tracing::info!("the lease is given back"),
            Ok(Err(error)) => {
                let error = super::words(&error);
                tracing::warn!(error, "the lease could not be given back: it will run out");
            }
            Err(_) => tracing::warn!("the lease could not be given back in time: it will run out"),
        }
    }

    /// Looks at the lease once, and writes it where that is due.
    ///
    /// The clock is read between the two requests, and that one moment serves both. It is after the look: whoever
    /// holds the lease had sent what we saw by then, so that we never count time that was before it, however slow the
    /// answer was; and if it was renewed since, our write is refused by its `resourceVersion`. It is before the write:
    /// nobody else can have seen ours any earlier, so that our term ends before they may take it.
    async fn attempt(&mut self, clock: impl Fn() -> Moment) -> kube::Result<Attempt> {
        let lease = self.leases.get_opt(self.name).await?;
        let now = clock();
        let written = match self.election.step(lease.as_ref(), now) {
            Step::Wait => return Ok(Attempt::Follows),
            Step::Create(mut lease) => {
                lease.metadata.name = Some(self.name.to_owned());
                self.leases.create(&PostParams::default(), &lease).await
            }
            Step::Replace(lease) => {
                self.leases
                    .replace(self.name, &PostParams::default(), &lease)
                    .await
            }
        };
        match written {
            Ok(lease) => {
                self.election.seen = lease
                    .metadata
                    .resource_version
                    .map(|version| (version, clock().0));
                Ok(Attempt::Leads(now))
            }
            Err(kube::Error::Api(status)) if status.is_conflict() || status.is_already_exists() => {
                Ok(Attempt::Overtaken)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    use axum::body::Body;
    use axum::http::{Method, Request, Response};
    use jiff::SignedDuration;
    use serde_json::json;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// How many seconds have gone by, and how many the next answer takes.
    #[derive(Default)]
    struct Seconds {
        gone: u32,
        answer: u32,
    }

    /// A candidate `b` before an API server whose lease `a` holds and does not renew.
    fn candidate(seconds: &Arc<Mutex<Seconds>>) -> Campaign {
        let seconds = Arc::clone(seconds);
        let server = tower::service_fn(move |request: Request<kube::client::Body>| {
            let mut seconds = seconds.lock().unwrap();
            seconds.gone += seconds.answer;
            let (holder, version) = match *request.method() {
                Method::PUT => ("b", "2"),
                _ => ("a", "1"),
            };
            let lease = json!({
                "metadata": {"name": "lease", "resourceVersion": version},
                "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15},
            });
            let answer = Response::new(Body::from(lease.to_string()));
            std::future::ready(Ok::<_, Infallible>(answer))
        });
        let leases = Api::namespaced(kube::Client::new(server, "here"), "here");
        let timing = Timing {
            duration: 15 * SECOND,
            renew: 10 * SECOND,
            retry: 2 * SECOND,
        };
        Campaign::new(leases, "lease", "b".to_owned(), timing).0
    }

    #[tokio::test]
    async fn time_is_counted_from_the_answer_to_a_look_and_to_the_sending_of_a_write() {
        let start = (Instant::now(), Timestamp::now());
        let seconds = Arc::default();
        let mut b = candidate(&seconds);
        let moment = |gone: u32| {
            (
                start.0 + SECOND * gone,
                start.1 + SignedDuration::from_secs(gone.into()),
            )
        };
        let mut attempt = async |gone, answer| {
            *seconds.lock().unwrap() = Seconds { gone, answer };
            let clock = || moment(seconds.lock().unwrap().gone);
            b.attempt(clock).await.unwrap()
        };
        assert_eq!(attempt(0, 10).await, Attempt::Follows, "first seen at 10");
        assert_eq!(
            attempt(23, 1).await,
            Attempt::Follows,
            "14 seconds after it was seen, however long ago it was asked for"
        );
        assert_eq!(
            attempt(24, 1).await,
            Attempt::Leads(moment(25)),
            "15 seconds after it was seen; the write is sent at 25"
        );
        assert_eq!(seconds.lock().unwrap().gone, 26, "and answered at 26");
    }

    #[test]
    fn times_must_be_in_order() {
        let timing = |duration, renew, retry| Timing {
            duration: duration * SECOND,
            renew: renew * SECOND,
            retry: retry * SECOND,
        };
        assert_eq!(timing(15, 10, 2).check(), Ok(()));
        assert_eq!(timing(15, 10, 2).write(), 5 * SECOND);
        for wrong in [timing(10, 10, 2), timing(15, 2, 2), timing(15, 10, 0)] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
