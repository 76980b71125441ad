//! A policy as `ValidatingAdmissionPolicy` objects: refused by the API server alone is what `judge` refuses.
//!
//! Beside each generated binding stands one that warns, so that every rule that finds something is named and not the
//! first alone. A rule is held to what its row says: exact both ways, stricter and looser one way.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use futures::stream::{self, StreamExt, TryStreamExt};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use thanos_core::decide::rules::{RULES, Rule};
use thanos_core::native::{self, Ask, Cover, FailurePolicy};
use thanos_core::policy::Enforcement;
use thanos_core::{Judgement, policy};
use thanos_tests::{Cluster, Options, tools};

use super::questions::{OLD, Question, questions, stored};
use super::room::{Answer, Room, send};
use super::{bound, enforce};
use crate::doors::{Story, judged_by_core};
use crate::policies::stories;

fn objects(story: &Story) -> Result<Vec<Value>> {
    let now = "2026-11-24T00:00:00Z".parse()?;
    let wirings = story.rules()?;
    let mut objects = Vec::new();
    for policy in story.policies()? {
        objects.extend(native::validating(
            &policy,
            &wirings,
            now,
            FailurePolicy::Fail,
        ));
    }
    let bindings = objects
        .iter()
        .filter(|object| object["spec"]["policyName"].is_string());
    let all = bindings.cloned().map(|mut binding| {
        let name = binding["metadata"]["name"].as_str().unwrap_or_default();
        binding["metadata"]["name"] = json!(format!("{name}-all"));
        binding["spec"]["validationActions"] = json!(["Warn"]);
        binding
    });
    let all: Vec<Value> = all.collect();
    objects.extend(all);
    Ok(objects)
}

/// A paused object, and a policy that refuses it.
fn sentinel(number: usize) -> Result<Room> {
    let mut story = Story::read(&tools::root().join("tests/cases/wire-prometheus"))?;
    story.given["spec"]["paused"] = json!(true);
    story.policies = vec![json!({
        "apiVersion": thanos_core::names::API_VERSION, "kind": "ThanosPolicy", "metadata": {"name": "sentinel"},
        "spec": {"profile": "None", "enforcement": "Deny", "limits": {"maxShards": 4},
            "rules": [{"id": "evasion", "enforcement": "Deny"}, {"id": "limits", "enforcement": "Deny"}]},
    })];
    Room::new(story, number, objects)
}

#[tokio::test]
async fn what_a_policy_refuses_is_what_judge_refuses() -> Result<()> {
    let mut rooms = Vec::new();
    for story in stories()? {
        if story.given["kind"] != "Secret" && story.given["kind"] != "Scale" {
            rooms.push(Room::new(story, rooms.len() + 1, objects)?);
        }
    }
    let plain = Room::of(&tools::root().join("tests/cases/no-wiring"), 0, |_| {
        Ok(Vec::new())
    })?;
    let sentinel = sentinel(rooms.len() + 1)?;
    Cluster::with(Options::new("native-validating"), async |cluster| {
        for room in rooms.iter().chain([&plain, &sentinel]) {
            room.furnish(cluster)
                .await
                .with_context(|| room.story.name())?;
        }
        let before = stored(cluster, &rooms).await?;
        sentinel.store(cluster, OLD).await?;
        let bound = bound(&rooms);
        enforce(cluster, &bound, &sentinel, |answer| {
            answer.status == StatusCode::FORBIDDEN
        })
        .await?;
        scaled(cluster, &sentinel).await?;
        let mut asked = Asked::default();
        for (at, room) in rooms.iter().enumerate() {
            let questions = questions(&rooms, at, before[at].as_ref());
            let answers = questions
                .into_iter()
                .map(|question| ask(cluster, room, &plain, question));
            let answers: Vec<_> = stream::iter(answers)
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
            for answer in answers {
                asked.add(answer);
            }
        }
        println!(
            "{} stories, {} questions, {} that the CRDs refuse; found by rule: {:?}",
            rooms.len(),
            asked.questions,
            asked.invalid,
            asked.found
        );
        ensure!(asked.wrong.is_empty(), "{}", asked.wrong);
        for rule in RULES {
            let says = says_something(rule);
            ensure!(
                !says || asked.found.contains_key(rule.id()),
                "nothing has shown {}",
                rule.id()
            );
        }
        Ok(())
    })
    .await
}

/// The scale subresource is bounded by the number alone.
async fn scaled(cluster: &Cluster, room: &Room) -> Result<()> {
    for (shards, wanted) in [(4, StatusCode::OK), (5, StatusCode::FORBIDDEN)] {
        let scale = json!({
            "apiVersion": "autoscaling/v1", "kind": "Scale",
            "metadata": {"name": OLD, "namespace": room.namespace}, "spec": {"replicas": shards},
        });
        let path = format!(
            "/apis/monitoring.coreos.com/v1/namespaces/{}/prometheuses/{OLD}/scale",
            room.namespace
        );
        let answer = send(cluster, Method::PUT, &path, "?dryRun=All", &scale).await?;
        ensure!(answer.status == wanted, "{shards}: {}", answer.body);
    }
    Ok(())
}

/// Whether CEL can say anything of a rule, for a policy without parameters.
fn says_something(rule: &Rule) -> bool {
    let policy = policy::read(&json!({
        "apiVersion": thanos_core::names::API_VERSION, "kind": "ThanosPolicy", "metadata": {"name": "all"},
        "spec": {"profile": "Restricted"},
    }));
    policy.is_ok_and(|policy| {
        let parts = native::cover(
            rule,
            &Ask {
                policy: &policy,
                wirings: &[],
            },
        );
        parts.iter().any(|part| !part.checks().is_empty())
    })
}

/// How many questions of a story are asked at once.
const AT_ONCE: usize = 8;

#[derive(Default)]
struct Asked {
    questions: usize,
    invalid: usize,
    wrong: String,
    found: BTreeMap<&'static str, usize>,
}

impl Asked {
    fn add(&mut self, answer: Option<Vec<Compared>>) {
        let Some(compared) = answer else {
            self.invalid += 1;
            return;
        };
        self.questions += 1;
        for (rule, sentence) in compared {
            *self.found.entry(rule).or_default() += 1;
            self.wrong.extend(sentence);
        }
    }
}

/// Asks both; nothing where the CRDs refuse the object.
async fn ask(
    cluster: &Cluster,
    room: &Room,
    plain: &Room,
    question: Question,
) -> Result<Option<Vec<Compared>>> {
    let Some(given) = plain
        .defaulted(cluster, &question.given, &room.namespace)
        .await?
    else {
        return Ok(None);
    };
    let story = Story {
        given,
        old: question.old,
        ..room.story.clone()
    };
    let answer = room
        .ask_over(cluster, &question.given, story.old.is_some())
        .await?;
    compare(&story, &judged_by_core(&story)?, &answer).map(Some)
}

/// A rule by which either finds something, and what is wrong with that.
type Compared = (&'static str, Option<String>);

/// Of each rule that the story's policies have: what the API server says otherwise than it claims.
fn compare(story: &Story, judgement: &Judgement, answer: &Answer) -> Result<Vec<Compared>> {
    let wirings = story.rules()?;
    let policies = story.policies()?;
    let mut compared = Vec::new();
    let found = named(answer);
    let mut refused = false;
    for rule in RULES {
        let mut parts = Vec::new();
        let mut enforcements = BTreeSet::new();
        for policy in &policies {
            if let Some(enforcement) = policy.enforcement_of(rule) {
                enforcements.insert(enforcement);
                parts.extend(native::cover(
                    rule,
                    &Ask {
                        policy,
                        wirings: wirings.wirings(),
                    },
                ));
            }
        }
        let (wanted, got) = (
            charged(rule, judgement, &policies),
            found.contains(rule.id()),
        );
        refused |= got && enforcements.contains(&Enforcement::Deny);
        let (exact, stricter, looser) = claims(&parts);
        let holds = match (wanted, got) {
            (true, false) => looser && !exact,
            (false, true) => stricter && !exact,
            _ => true,
        };
        if wanted || got {
            let said = format!(
                "{}: {} judge {wanted}, the API server {got}: {:?}\n  {}\n",
                story.name(),
                rule.id(),
                answer.warnings,
                story.given["spec"]
            );
            compared.push((rule.id(), (!holds).then_some(said)));
        }
    }
    let single = policies.len() < 2;
    if single && refused != (answer.status == StatusCode::FORBIDDEN) {
        bail!("{}: {} beside {found:?}", story.name(), answer.status);
    }
    Ok(compared)
}

/// Whether a rule is exact, may refuse more, may refuse less.
fn claims(parts: &[Cover]) -> (bool, bool, bool) {
    let any = |is: fn(&Cover) -> bool| parts.iter().any(is);
    let stricter = any(|part| matches!(part, Cover::Stricter(..)));
    let looser = any(|part| matches!(part, Cover::Looser(..) | Cover::Not(_)));
    (!stricter && !looser, stricter, looser)
}

/// Whether `judge` has something against the object by a rule that an admission policy would have as well.
fn charged(
    rule: &Rule,
    judgement: &Judgement,
    policies: &[std::sync::Arc<policy::Policy>],
) -> bool {
    let by = |name: &str| policies.iter().find(|policy| *policy.name == *name);
    judgement.charges.iter().any(|charge| {
        let whole = |name: &std::sync::Arc<str>| {
            by(name).and_then(|policy| policy.enforcement_of(rule)) == Some(charge.enforcement)
        };
        charge.rule.id == rule.id()
            && !charge.exempt
            && !charge.had
            && charge.policies.iter().any(whole)
    })
}

/// The rules that the warnings name.
fn named(answer: &Answer) -> BTreeSet<&'static str> {
    let names = |rule: &&Rule| {
        let name = format!("{} {}: ", rule.code.code, rule.id());
        answer
            .warnings
            .iter()
            .any(|warning| warning.contains(&name))
    };
    RULES.iter().filter(names).map(Rule::id).collect()
}
