//! `policy show`: which rules hold for an object, from which policies, and until when it is let off.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use thanos_core::decide::rules::{RULES, Rule, selects, selects_secret};
use thanos_core::policy::{Enforcement, Exempt};
use thanos_core::{Kind, Policy, Subject, codes, names};

use crate::charge::{SECRET, holds_stores, last_day};
use crate::cli::{Global, PolicyShowArgs, ReportFormat};
use crate::cluster::Cluster;
use crate::facts::Known;
use crate::failure::{Ending, Failure};
use crate::inject::namespaces;
use crate::inputs::{self, Input};
use crate::judge::{Judge, ObjectName, kind_of};
use crate::manifests::Document;
use crate::paths;
use crate::runtime;
use crate::ui::{self, Ui};

mod tell;

/// What holds for one object.
#[derive(Debug, Serialize)]
struct Shown {
    object: ObjectName,
    policies: Vec<String>,
    rules: Vec<Effective>,
}

/// One rule, and what happens to whoever breaks it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Effective {
    rule: &'static str,
    code: &'static str,
    /// Of the strictest policy that neither lets the object off nor lacks the rule's parameter; nothing where all do.
    enforcement: Option<Enforcement>,
    sources: Vec<Source>,
}

/// What one policy says of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    policy: String,
    enforcement: Enforcement,
    exemption: Option<Exemption>,
    /// The parameter without which the rule finds nothing.
    lacks: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Exemption {
    reason: String,
    expires: Option<String>,
}

/// Runs the verb.
pub(crate) fn run(
    args: &PolicyShowArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Ending, Failure> {
    let (values, known) = match &args.target {
        Some(target) => of_target(target, args, global, ui)?,
        None => of_files(args, global, ui)?,
    };
    let shown: Vec<Shown> = values
        .iter()
        .filter_map(|value| Some(show(&Held::of(value, &known)?)))
        .collect();
    match args.output {
        ReportFormat::Json => ui.json(&json!({
            "apiVersion": names::API_VERSION, "kind": "PolicyShowReport", "objects": shown,
        }))?,
        ReportFormat::Text => {
            let texts: Vec<String> = shown.iter().map(|shown| tell::text(shown, ui)).collect();
            ui.text(&texts.join("\n"))?;
        }
    }
    Ok(Ending::Fine)
}

fn of_files(
    args: &PolicyShowArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<(Vec<Value>, Known), Failure> {
    paths::stdin_once(&paths::of_policies(&args.filenames, &[], &args.around))?;
    let inputs = inputs::read(&args.filenames, ui.stdin())?;
    let objects = |input: &Input| {
        let all = input.documents.iter().flat_map(Document::objects);
        let ours =
            all.filter(|object| kind_of(object.value).is_some() || holds_stores(object.value));
        ours.map(|object| object.value.clone()).collect::<Vec<_>>()
    };
    let values: Vec<Value> = inputs.iter().flat_map(objects).collect();
    if values.is_empty() {
        let sentence = "no Prometheus, PrometheusAgent, ThanosRuler or Secret with an object-store file in the files";
        return Err(Failure::usage(sentence).code(codes::NO_INPUTS));
    }
    let is_offline = !args.around.policies.is_empty() && !args.around.world.live;
    let known = if is_offline {
        Known::of_policy_files(&args.around, global, ui)?
    } else {
        runtime::wait(global, async {
            let cluster = Cluster::connect(global, ui.journal()).await?;
            let around = namespaces(&inputs, cluster.namespace());
            Known::of_policies_in_cluster(&args.around, &cluster, &around, ui).await
        })?
    };
    Ok((values, known))
}

/// Objects of a name in the cluster; where there is none, and offline, one without labels that is still to come.
fn of_target(
    target: &str,
    args: &PolicyShowArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<(Vec<Value>, Known), Failure> {
    let named = target.split_once('/').filter(|(namespace, name)| {
        !namespace.is_empty() && !name.is_empty() && !name.contains('/')
    });
    let Some((namespace, name)) = named else {
        let sentence = format!("{} is not of the form NS/NAME", ui::one_line(target));
        return Err(Failure::usage(sentence).hint("name it as --for team-a/k8s"));
    };
    let to_come = || {
        let kind = Kind::Prometheus;
        json!({
            "apiVersion": format!("{}/{}", names::OPERATOR_GROUP, kind.version()), "kind": kind.name(),
            "metadata": {"namespace": namespace, "name": name},
        })
    };
    if !args.around.policies.is_empty() && !args.around.world.live {
        ui.note("the object is taken to have no labels: -f FILE or --live looks at them");
        return Ok((
            vec![to_come()],
            Known::of_policy_files(&args.around, global, ui)?,
        ));
    }
    runtime::wait(global, async {
        let cluster = Cluster::connect(global, ui.journal()).await?;
        let mut values = Vec::new();
        for kind in Kind::ALL {
            let objects = cluster.objects(kind, Some(namespace)).await?.into_iter();
            values.extend(objects.filter(|object| object["metadata"]["name"] == name));
        }
        if values.is_empty() {
            ui.note(format!(
                "there is no {target} yet: it is taken to be a Prometheus without labels"
            ));
            values.push(to_come());
        }
        let around = BTreeSet::from([namespace.to_owned()]);
        let known = Known::of_policies_in_cluster(&args.around, &cluster, &around, ui).await?;
        Ok((values, known))
    })
}

/// One object, and the policies that select it.
struct Held<'a> {
    object: ObjectName,
    /// As exemptions name it.
    name: &'a str,
    policies: Vec<&'a Policy>,
    now: Timestamp,
}

impl<'a> Held<'a> {
    /// Nothing for an object that no policy is about.
    fn of(value: &'a Value, known: &'a Known) -> Option<Self> {
        let all = known.rules.policies().iter().map(|policy| &**policy);
        let (object, policies) = if holds_stores(value) {
            let object = ObjectName::named(value, SECRET, &known.namespace);
            let world = &known.world;
            let facts = world.facts(Kind::Prometheus, &object.namespace, &known.rules);
            let selecting = all.filter(|policy| selects_secret(policy, value, &facts));
            (object, selecting.collect())
        } else {
            let subject = Subject::read(value, None, &known.namespace).ok()?;
            let judge = Judge::new(known);
            let facts = judge.facts(&subject);
            let selecting = all.filter(|policy| selects(policy, &subject, &facts));
            let selecting = selecting.collect();
            (
                ObjectName::of(value, subject.kind, &known.namespace),
                selecting,
            )
        };
        Some(Self {
            object,
            name: value
                .pointer("/metadata/name")
                .and_then(Value::as_str)
                .unwrap_or_default(),
            policies,
            now: known.world.now(),
        })
    }
}

fn show(held: &Held<'_>) -> Shown {
    let effective = |rule: &'static Rule| {
        let sources = held.policies.iter();
        let sources: Vec<Source> = sources
            .filter_map(|policy| source(policy, rule, held))
            .collect();
        let held = sources.iter().filter(|source| source.holds());
        let enforcement = held.map(|source| source.enforcement).max();
        (!sources.is_empty()).then_some(Effective {
            rule: rule.id(),
            code: rule.code.code,
            enforcement,
            sources,
        })
    };
    let is_secret = held.object.kind == SECRET;
    let rules = RULES
        .iter()
        .filter(|rule| rule.is_about_secrets() == is_secret);
    let names = held.policies.iter().map(|policy| policy.name.to_string());
    Shown {
        object: held.object.clone(),
        policies: names.collect(),
        rules: rules.filter_map(effective).collect(),
    }
}

fn source(policy: &Policy, rule: &Rule, held: &Held<'_>) -> Option<Source> {
    let enforcement = policy.enforcement_of(rule)?;
    let namespace = &held.object.namespace;
    let covers = |exemption: &&Exempt| exemption.covers(rule, namespace, held.name, held.now);
    let exemption = policy.exemptions.iter().find(covers);
    Some(Source {
        policy: policy.name.to_string(),
        enforcement,
        exemption: exemption.map(|exemption| Exemption {
            reason: exemption.reason.clone(),
            expires: last_day(exemption),
        }),
        lacks: lacks(policy, rule),
    })
}

/// The parameter without which a rule finds nothing, where the policy does not set it.
fn lacks(policy: &Policy, rule: &Rule) -> Option<&'static str> {
    let parameters = [
        (
            "egress-url",
            "remoteWrite.allowedUrls",
            policy.allowed_urls.is_some(),
        ),
        (
            "required-wiring",
            "remoteWrite.requireWiring",
            !policy.require_wiring.is_empty(),
        ),
        (
            "limits",
            "limits",
            policy.limits != thanos_core::policy::Limits::default(),
        ),
        (
            "objstore-secretless",
            "objectStorage.secretless",
            policy
                .object_storage
                .as_ref()
                .is_some_and(|store| store.secretless),
        ),
        (
            "objstore-place",
            "objectStorage",
            policy.object_storage.is_some(),
        ),
    ];
    let of_rule = parameters
        .into_iter()
        .find(|(id, _, is_set)| *id == rule.id() && !is_set);
    of_rule.map(|(_, path, _)| path)
}

impl Source {
    /// Whether anything can happen by it.
    fn holds(&self) -> bool {
        self.exemption.is_none() && self.lacks.is_none()
    }
}
