//! What a process finds around it: variables, terminals, the time. Looked at once, and handed in.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;

use jiff::Timestamp;

/// The width where nobody says one.
const DEFAULT_WIDTH: usize = 100;
/// Narrower than this, nothing can be read.
const NARROWEST: usize = 40;

/// What a process finds around it.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Environment variables.
    pub variables: BTreeMap<String, OsString>,
    /// Which streams are terminals: standard input, output and error.
    pub terminals: [bool; 3],
    /// How wide the terminal is; `None`: nobody knows.
    pub columns: Option<usize>,
    /// When the command began.
    pub now: Timestamp,
    /// Whether the streams are those of this process, so that a question is read beside everything else.
    pub(crate) is_process: bool,
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect();
        Self {
            variables,
            terminals: [
                std::io::stdin().is_terminal(),
                std::io::stdout().is_terminal(),
                std::io::stderr().is_terminal(),
            ],
            columns: terminal_size::terminal_size_of(std::io::stdout())
                .map(|(width, _)| usize::from(width.0)),
            now: Timestamp::now(),
            is_process: true,
        }
    }

    /// No variables, no terminals; the time is now.
    pub fn bare() -> Self {
        Self {
            now: Timestamp::now(),
            ..Self::default()
        }
    }

    /// The column at which texts are wrapped: the terminal's own, else what `COLUMNS` says, else 100.
    pub fn width(&self) -> usize {
        let said = || self.variable("COLUMNS")?.parse().ok();
        let columns = self.columns.filter(|_| self.terminals[1]);
        columns
            .or_else(said)
            .filter(|columns| *columns > 0)
            .map_or(DEFAULT_WIDTH, |columns| columns.max(NARROWEST))
    }

    /// The same with one variable set.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// A variable; one that is empty counts as unset.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)?
            .to_str()
            .filter(|value| !value.is_empty())
    }
}
