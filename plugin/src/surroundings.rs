//! What a process finds around it: variables, terminals, the time. Looked at once, and handed in.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;

use jiff::Timestamp;

/// What a process finds around it.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Environment variables.
    pub variables: BTreeMap<String, OsString>,
    /// Which streams are terminals: standard input, output and error.
    pub terminals: [bool; 3],
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
