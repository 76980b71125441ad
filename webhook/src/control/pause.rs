//! Longer and longer pauses between attempts.

use std::time::Duration;

use kube::runtime::utils::Backoff;

/// Pauses between attempts to watch, up to a length that keeps the promise of 30 s.
#[derive(Debug)]
pub(super) struct Pause(Duration);

const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(8);

impl Default for Pause {
    fn default() -> Self {
        Self(SHORTEST)
    }
}

impl Iterator for Pause {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let pause = self.0;
        self.0 = LONGEST.min(pause * 2);
        Some(pause)
    }
}

impl Backoff for Pause {
    fn reset(&mut self) {
        self.0 = SHORTEST;
    }
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
