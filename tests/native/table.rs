//! The table of the docs is the one of core.
