//! Whether this process leads, asked before every write.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::timeout;

/// Until when this process may write.
///
/// Two clocks, because a suspended machine's monotonic clock may stand still, and a wall clock may be set back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    until: Instant,
    wall: Timestamp,
}

impl Term {
    pub(super) fn from(sent: (Instant, Timestamp), lasting: Duration) -> Self {
        let wall = SignedDuration::try_from(lasting).unwrap_or_default();
        Self {
            until: sent.0 + lasting,
            wall: sent.1.saturating_add(wall).unwrap_or(sent.1),
        }
    }

    pub(super) fn runs(&self) -> bool {
        Instant::now() < self.until && Timestamp::now() < self.wall
    }
}

/// Whether this process leads, asked before every write. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Leadership {
    pub(super) term: watch::Receiver<Option<Term>>,
    pub(super) write: Duration,
}

/// A write that was not made, or whose answer did not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritten {
    /// This process does not lead (any more).
    #[error("this process does not lead any more")]
    Lost,
    /// No answer within the time that a leader gives a write.
    #[error("no answer in time")]
    Late,
}

impl Leadership {
    /// Whether this process leads now.
    pub fn holds(&self) -> bool {
        self.term.borrow().is_some_and(|term| term.runs())
    }

    /// Makes one write, if this process leads, and not longer than a leader may.
    pub async fn write<T>(&self, write: impl Future<Output = T>) -> Result<T, Unwritten> {
        if !self.holds() {
            return Err(Unwritten::Lost);
        }
        timeout(self.write, write)
            .await
            .map_err(|_| Unwritten::Late)
    }

    /// Waits until this process leads.
    pub async fn gained(&mut self) {
        let led = self
            .term
            .wait_for(|term| term.is_some_and(|term| term.runs()));
        if led.await.is_err() {
            // The campaign is over, so it never will.
            std::future::pending::<()>().await;
        }
    }

    /// Waits until this process leads no more: another one does, or its own term ran out.
    pub async fn lost(&mut self) {
        loop {
            let Some(term) = *self.term.borrow_and_update() else {
                return;
            };
            if !term.runs() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(term.until.into()) => {}
                changed = self.term.changed() => if changed.is_err() { return },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_term_that_ran_out_writes_nothing() {
        let (sender, term) = watch::channel(None);
        let mut leadership = Leadership {
            term,
            write: SECOND,
        };
        assert_eq!(leadership.write(async {}).await, Err(Unwritten::Lost));
        let now = (Instant::now(), Timestamp::now());
        sender.send_replace(Some(Term::from(now, Duration::from_millis(50))));
        assert_eq!(leadership.write(async {}).await, Ok(()));
        leadership.lost().await;
        assert_eq!(leadership.write(async {}).await, Err(Unwritten::Lost));
        // The machine slept: its monotonic clock stood still, the wall clock did not.
        let slept = (now.0 + 60 * SECOND, now.1 - SignedDuration::from_secs(60));
        sender.send_replace(Some(Term::from(slept, SECOND)));
        assert!(!leadership.holds());
    }
}
