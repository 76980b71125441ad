//! Every path below `spec` that the CRDs of operator 0.92.1 know: CEL cannot look any way down, so `**` is spelled out.
//!
//! Made from the CRDs by `make bless`; a test holds it against them. Below a field that a rule judges as a whole
//! (containers, volumes, storage, affinity) nothing is listed.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::fields::sensitive::{Row, segments};

/// The list as it is kept: one path a line, `[]` for the items of a list, `{}` for the members of a map.
pub const TEXT: &str = include_str!("paths.txt");

static PATHS: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| TEXT.lines().collect());

/// Whether a CRD knows the path.
pub(super) fn knows(path: &str) -> bool {
    PATHS.contains(path)
}

/// The paths behind a row of the table of sensitive fields. One without `**` stands for itself: it may be newer.
pub(super) fn behind(row: &Row) -> Vec<String> {
    if !row.path.contains("**") {
        return vec![row.path.to_owned()];
    }
    PATHS
        .iter()
        .filter(|path| row.matches(&segments(path)))
        .map(|path| (*path).to_owned())
        .collect()
}
