//! What is to be put into a namespace: a pure function of wiring, wish and what was found. Nothing is left to choose.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};
use thanos_core::codes::{self, Code};

use super::facts::{Found, Owner, owner};
use super::hidden::{Hidden, unusable};
use super::objects::{binding, data, held, labels, role};
use super::parts::{Holder, Part, Values};
use crate::cluster::resource::{At, ROLE_BINDINGS, ROLES, Resource, WIRINGS};
use crate::cluster::trouble::not_ours;
use crate::failure::Failure;

/// What whoever asks wants of one namespace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    /// Parts that were given, which replace others under `replace`.
    pub(crate) given: Values,
    /// Parts that stand in where nothing is there yet.
    pub(crate) fallback: Values,
    /// Overwrite what we put there before.
    pub(crate) replace: bool,
    /// Leave Secrets to whoever makes them.
    pub(crate) use_existing: bool,
    /// Whether the password that stands in was made here, so that no gateway knows it.
    pub(crate) made: bool,
}

impl Wish {
    /// Lets a credential that is somewhere already stand in, rather than a new one.
    pub(crate) fn stand_in(&mut self, known: &Values) {
        self.made &= !known.contains_key(&Part::Password);
        self.fallback.extend(known.clone());
    }

    fn value(&self, part: Part) -> Option<&Hidden> {
        self.given.get(&part).or_else(|| self.fallback.get(&part))
    }
}

/// What a step does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Change,
    Unchanged,
}

impl Action {
    /// Before it is done.
    pub(crate) fn intent(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Unchanged => "unchanged",
        }
    }

    /// When it is done, as kubectl says it.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Change => "configured",
            Self::Unchanged => "unchanged",
        }
    }
}

/// One step.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) at: At,
    pub(crate) action: Action,
    /// What about the object, where its name does not say all.
    pub(crate) detail: String,
    pub(crate) step: Step,
}

/// How it is carried out. What it writes may be a credential, so no `Debug` shows it.
#[derive(Clone)]
pub(crate) enum Step {
    /// An object is made whole, and only if there is none.
    Make(Value),
    /// Values are laid over those of an object of ours that has not changed meanwhile.
    Lay(Value),
    /// Server-side apply.
    Apply(Value),
    /// The namespace goes on the wiring's list.
    List { namespace: String },
}

impl fmt::Debug for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Make(_) => "Make",
            Self::Lay(_) => "Lay",
            Self::Apply(_) => "Apply",
            Self::List { .. } => "List",
        })
    }
}

/// The steps for one namespace, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) rows: Vec<Row>,
    pub(crate) warnings: Vec<(&'static Code, String)>,
    /// The credential as it will be there.
    pub(crate) effective: Values,
    /// Whether the password will be one that was made here.
    pub(crate) made_password: bool,
}

/// The wiring, as far as an enrolment needs it.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) wiring: String,
    pub(crate) holders: Vec<Holder>,
    pub(crate) enrolled: Vec<String>,
}

/// Plans; every fault at once.
pub(crate) fn plan(
    terms: &Terms,
    namespace: &str,
    wish: &Wish,
    found: &Found,
) -> Result<Plan, Vec<Failure>> {
    if found.namespace.is_none() {
        let failure =
            Failure::failed(format!("namespace/{namespace} does not exist")).code(codes::NOT_FOUND);
        return Err(vec![
            failure.hint(format!("kubectl create namespace {namespace}")),
        ]);
    }
    let mut planner = Planner {
        terms,
        namespace,
        wish,
        plan: Plan::default(),
        faults: Vec::new(),
    };
    for (holder, found) in terms.holders.iter().zip(&found.holders) {
        planner.hold(holder, found.as_ref());
    }
    planner.allow(&ROLES, "rules", role(terms, namespace), found.role.as_ref());
    planner.allow(
        &ROLE_BINDINGS,
        "subjects",
        binding(terms, namespace),
        found.binding.as_ref(),
    );
    planner.list();
    if planner.faults.is_empty() {
        Ok(planner.plan)
    } else {
        Err(planner.faults)
    }
}

struct Planner<'a> {
    terms: &'a Terms,
    namespace: &'a str,
    wish: &'a Wish,
    plan: Plan,
    faults: Vec<Failure>,
}

impl Planner<'_> {
    fn hold(&mut self, holder: &Holder, found: Option<&Value>) {
        let Some(object) = found else {
            return self.make(holder);
        };
        let held = held(holder, object);
        let wanted = self.wants_to_write(holder);
        match owner(object, &self.terms.wiring) {
            Owner::Ours if !self.wish.use_existing => self.lay(holder, object, &held),
            Owner::Ours => self.keep(holder, &held),
            _ if self.wish.use_existing || !wanted => self.keep(holder, &held),
            other => self.faults.push(taken(&holder.at(self.namespace), &other)),
        }
    }

    /// Whether this object is ours to make: one that holds nothing but an authority may come from elsewhere.
    fn wants_to_write(&self, holder: &Holder) -> bool {
        holder
            .keys
            .values()
            .any(|part| *part != Part::Authority || self.wish.given.contains_key(part))
    }

    fn make(&mut self, holder: &Holder) {
        let at = holder.at(self.namespace);
        if !self.wants_to_write(holder) {
            let sentence = format!("{at} is not there: objects wait for it");
            return self
                .plan
                .warnings
                .push((codes::CREDENTIAL_MISSING, sentence));
        }
        if self.wish.use_existing {
            let failure = Failure::failed(format!("{at} does not exist")).code(codes::NOT_FOUND);
            return self
                .faults
                .push(failure.hint("leave out --use-existing to have it made"));
        }
        let Some(values) = self.values(holder, &at, |_| true) else {
            return;
        };
        let mut object = json!({
            "apiVersion": holder.resource.api_version(), "kind": holder.resource.kind,
            "metadata": {"name": holder.name, "namespace": self.namespace, "labels": labels(&self.terms.wiring)},
            "data": data(holder, &values),
        });
        if holder.is_secret() {
            object["type"] = json!("Opaque");
        }
        self.written(holder, &values, &BTreeMap::new());
        self.push(at, Action::Create, String::new(), Step::Make(object));
    }

    /// Adds what is missing, and what was given under `--replace`.
    fn lay(&mut self, holder: &Holder, object: &Value, held: &BTreeMap<String, Hidden>) {
        let at = holder.at(self.namespace);
        let replaced = |part: Part| {
            let credential = matches!(part, Part::Password | Part::Token);
            self.wish.replace && (credential || self.wish.given.contains_key(&part))
        };
        let missing = |key: &str| !held.contains_key(key);
        let Some(mut values) =
            self.values(holder, &at, |(key, part)| missing(key) || replaced(part))
        else {
            return;
        };
        values.retain(|key, value| held.get(key) != Some(value));
        for (key, part) in &holder.keys {
            let other = self
                .wish
                .given
                .get(part)
                .is_some_and(|given| held.get(key).is_some_and(|held| held != given));
            if other && !values.contains_key(key) {
                let sentence = format!(
                    "{at} keeps another {} than the one given; --replace overwrites it",
                    part.word()
                );
                self.plan.warnings.push((codes::CREDENTIAL_KEPT, sentence));
            }
        }
        self.written(holder, &values, held);
        let version = &object["metadata"]["resourceVersion"];
        let members =
            json!({"metadata": {"resourceVersion": version}, "data": data(holder, &values)});
        let keys: Vec<&str> = values.keys().map(String::as_str).collect();
        let action = if keys.is_empty() {
            Action::Unchanged
        } else {
            Action::Change
        };
        let detail = if keys.is_empty() {
            String::new()
        } else {
            format!("sets {}", keys.join(", "))
        };
        self.push(at, action, detail, Step::Lay(members));
    }

    /// Leaves an object of somebody else's, and says what it lacks.
    fn keep(&mut self, holder: &Holder, held: &BTreeMap<String, Hidden>) {
        let at = holder.at(self.namespace);
        for key in holder.keys.keys().filter(|key| !held.contains_key(*key)) {
            self.plan.warnings.push((
                codes::CREDENTIAL_MISSING,
                format!("{at} has no key {key}: objects wait for it"),
            ));
        }
        self.written(holder, &BTreeMap::new(), held);
        self.push(
            at,
            Action::Unchanged,
            "is left to whoever makes it".to_owned(),
            Step::Lay(Value::Null),
        );
    }

    /// A value for each key that is asked for; a fault for each that has none.
    fn values(
        &mut self,
        holder: &Holder,
        at: &At,
        wanted: impl Fn((&str, Part)) -> bool,
    ) -> Option<BTreeMap<String, Hidden>> {
        let mut values = BTreeMap::new();
        let mut lacking = Vec::new();
        for (key, part) in holder
            .keys
            .iter()
            .filter(|(key, part)| wanted((key, **part)))
        {
            match self.wish.value(*part) {
                Some(value) => drop(values.insert(key.clone(), value.clone())),
                None => lacking.push((key, *part)),
            }
        }
        let faults = lacking.iter().map(|(key, part)| {
            let sentence = format!(
                "the wiring takes its {} from key {key} of {at}: give {}",
                part.word(),
                part.flag()
            );
            unusable(sentence)
        });
        self.faults.extend(faults);
        lacking.is_empty().then_some(values)
    }

    fn written(
        &mut self,
        holder: &Holder,
        values: &BTreeMap<String, Hidden>,
        held: &BTreeMap<String, Hidden>,
    ) {
        for (key, part) in &holder.keys {
            if let Some(value) = values.get(key).or_else(|| held.get(key)) {
                self.plan.effective.insert(*part, value.clone());
            }
            let written = *part == Part::Password && values.contains_key(key);
            self.plan.made_password |=
                written && self.wish.made && !self.wish.given.contains_key(part);
        }
    }

    /// A Role or a RoleBinding.
    fn allow(
        &mut self,
        resource: &'static Resource,
        member: &str,
        wanted: Value,
        found: Option<&Value>,
    ) {
        let name = wanted["metadata"]["name"].as_str().unwrap_or_default();
        let at = resource.within(self.namespace).named(name);
        let action = match found {
            None => Action::Create,
            Some(found) => match owner(found, &self.terms.wiring) {
                Owner::Ours if found[member] == wanted[member] => Action::Unchanged,
                Owner::Ours => Action::Change,
                other => return self.faults.push(taken(&at, &other)),
            },
        };
        self.push(at, action, String::new(), Step::Apply(wanted));
    }

    fn list(&mut self) {
        let listed = self
            .terms
            .enrolled
            .iter()
            .any(|enrolled| enrolled == self.namespace);
        let action = if listed {
            Action::Unchanged
        } else {
            Action::Change
        };
        let detail = format!("lists namespace {}", self.namespace);
        self.push(
            WIRINGS.named(&self.terms.wiring),
            action,
            detail,
            Step::List {
                namespace: self.namespace.to_owned(),
            },
        );
    }

    fn push(&mut self, at: At, action: Action, detail: String, step: Step) {
        self.plan.rows.push(Row {
            at,
            action,
            detail,
            step,
        });
    }
}

fn taken(at: &At, owner: &Owner) -> Failure {
    let whose = match owner {
        Owner::OtherWiring(wiring) => format!("serves wiring {wiring}"),
        _ => "was made by somebody else".to_owned(),
    };
    let failure = not_ours(format!("{at} {whose}: it is left as it is"));
    if at.resource.group.is_empty() {
        failure.hint(
            "--use-existing enrolls the namespace with it as it is; or name another in the wiring",
        )
    } else {
        failure.hint("remove or rename it if nobody needs it")
    }
}
