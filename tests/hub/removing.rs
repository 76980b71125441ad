//! `uninstall`.
