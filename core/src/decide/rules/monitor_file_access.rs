//! `monitor-file-access`: monitors may read files of the pod, its service account token among them.

use serde_json::Value;

use super::case::{Case, Findings};
use super::places::Spot;
use crate::subject::Kind;

pub(super) fn check(case: &Case<'_>, findings: &mut Findings) {
    if case.subject.kind == Kind::ThanosRuler {
        return;
    }
    let access = case.subject.spec("arbitraryFSAccessThroughSMs");
    let deny = access
        .and_then(|access| access.get("deny"))
        .unwrap_or(&Value::Null);
    if *deny != Value::Bool(true) {
        let spot = Spot::default()
            .member("arbitraryFSAccessThroughSMs")
            .member("deny");
        findings.at(&spot, deny, "must be true");
    }
}
