//! Longer and longer pauses between attempts.

use std::time::{Duration, Instant};

use kube::runtime::utils::Backoff;

/// Pauses between attempts to watch, up to a length that keeps the promise of 30 s.
///
/// A watcher says `Init` before each list, which is no success: what begins the pauses anew is time without a failure.
#[derive(Debug)]
pub(super) struct Pause {
    next: Duration,
    last: Option<Instant>,
}

const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(8);
const CALM: Duration = Duration::from_secs(30);

impl Default for Pause {
    fn default() -> Self {
        Self {
            next: SHORTEST,
            last: None,
        }
    }
}

impl Iterator for Pause {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let now = Instant::now();
        if self
            .last
            .replace(now)
            .is_some_and(|last| now.duration_since(last) > CALM)
        {
            self.next = SHORTEST;
        }
        let pause = self.next;
        self.next = LONGEST.min(pause * 2);
        Some(pause)
    }
}

impl Backoff for Pause {
    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        let pauses: Vec<_> = Pause::default()
            .take(6)
            .map(|pause| pause.as_millis())
            .collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 8000]);
    }
}
