//! What is noted where no [`super::Ui`] is at hand: the requests of a client, each when it was answered.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::clean;

/// Lines for standard error. Those of a process are written at once: whoever asks for them may be waiting.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    at_once: bool,
    kept: Arc<Mutex<Vec<String>>>,
}

impl Journal {
    /// An empty one.
    pub(super) fn new(at_once: bool) -> Self {
        Self {
            at_once,
            ..Self::default()
        }
    }

    /// Notes a line.
    pub(crate) fn note(&self, line: String) {
        if self.at_once {
            // Nobody can be told that nobody listens.
            let _ = writeln!(io::stderr(), "{}", clean(&line, false));
        } else {
            self.lock().push(line);
        }
    }

    /// Takes out what was kept for whoever has the stream.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
