//! The first door: `decide`, called as a function.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use thanos_core::facts::Credential;
use thanos_core::{Decision, Facts, Subject, decide, versions};

use super::{Answer, Story};

/// What core answers, and the decision behind it.
pub(crate) fn through_core(story: &Story) -> Result<(Answer, Decision)> {
    let decision = decision(story)?;
    let object = decision.applied_to(&story.given);
    let warnings = decision
        .warnings
        .iter()
        .map(|warning| format!("{} {warning}", warning.code()))
        .collect();
    Ok((Answer { object, warnings }, decision))
}

fn decision(story: &Story) -> Result<Decision> {
    let subject = Subject::read(&story.given, story.old.as_ref(), "default")
        .map_err(|error| anyhow!("{error:?}"))?;
    let rules = story.rules()?;
    let credential = |wiring: &Arc<thanos_core::Wiring>| {
        let credential = if story.known.ready(&wiring.name).contains(subject.namespace) {
            Credential::Ready
        } else if wiring.enrolled.contains(subject.namespace) {
            Credential::Missing("SecretMissing".to_owned())
        } else {
            Credential::NotEnrolled
        };
        (Arc::clone(&wiring.name), credential)
    };
    let facts = Facts {
        now: "2026-11-24T00:00:00Z".parse()?,
        namespace: story.known.labels(subject.namespace).map(Arc::new),
        credentials: rules.wirings().iter().map(credential).collect(),
        operator: story
            .known
            .operator_version
            .as_deref()
            .and_then(versions::parse),
        served: Arc::new(story.served(subject.kind)?),
    };
    Ok(decide(&subject, &facts, &rules))
}
