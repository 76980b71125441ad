//! The first door: `decide`, called as a function.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use thanos_core::facts::{Credential, Lately};
use thanos_core::fields::Served;
use thanos_core::{
    Decision, Facts, Judgement, Rules, Subject, decide, judge, judge_secret, versions,
};

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
    let subject = subject(story)?;
    let rules = story.rules()?;
    Ok(decide(&subject, &facts(story, &subject, &rules)?, &rules))
}

fn subject(story: &Story) -> Result<Subject<'_>> {
    Subject::read(&story.given, story.old.as_ref(), "default").map_err(|error| anyhow!("{error:?}"))
}

/// What core says to a story with policies.
pub(crate) fn judged_by_core(story: &Story) -> Result<Judgement> {
    if story.given["kind"] == "Secret" {
        let namespace = story.given["metadata"]["namespace"]
            .as_str()
            .unwrap_or("default");
        let rules = story.rules()?.with_policies(story.policies()?);
        let facts = Facts {
            now: super::NOW.parse()?,
            namespace: story.known.labels(namespace).map(Arc::new),
            credentials: BTreeMap::new(),
            operator: None,
            served: Arc::new(Served::default()),
            lately: Lately::default(),
        };
        let old = story.old.as_ref();
        return Ok(judge_secret(&story.given, old, namespace, &facts, &rules));
    }
    let subject = subject(story)?;
    let rules = story.rules()?.with_policies(story.policies()?);
    Ok(judge(&subject, &facts(story, &subject, &rules)?, &rules))
}

/// What a story's world knows around its subject.
fn facts(story: &Story, subject: &Subject<'_>, rules: &Rules) -> Result<Facts> {
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
    Ok(Facts {
        now: super::NOW.parse()?,
        namespace: story.known.labels(subject.namespace).map(Arc::new),
        credentials: rules.wirings().iter().map(credential).collect(),
        operator: story
            .known
            .operator_version
            .as_deref()
            .and_then(versions::parse),
        served: Arc::new(story.served(subject.kind)?),
        lately: Lately::default(),
    })
}
