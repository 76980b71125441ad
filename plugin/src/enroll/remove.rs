//! An enrolment is taken back, in the order in which nothing dangles: the list, the rights, and the Secret last, and
//! only where no object names it any more.

use serde_json::Value;
use thanos_core::subject::Kind;

use super::apply::{Done, list};
use super::facts::{self, Found, Owner, owner};
use super::parts::Holder;
use super::plan::{Action, Terms};
use crate::cluster::Cluster;
use crate::cluster::resource::{At, WIRINGS};
use crate::cluster::trouble::Sort;
use crate::failure::Failure;

/// What removing comes to.
#[derive(Clone, Default)]
pub(crate) struct Removal {
    /// Objects of ours that may go.
    pub(crate) goes: Vec<(At, Value)>,
    /// What stays, and why, each a sentence.
    pub(crate) stays: Vec<String>,
    /// Whether the namespace is on the list.
    pub(crate) listed: bool,
}

/// Looks and judges; asks again for the objects that may name the credential.
pub(crate) async fn judge(
    cluster: &Cluster,
    terms: &Terms,
    namespace: &str,
) -> Result<Removal, Failure> {
    let found = facts::look(cluster, &terms.wiring, &terms.holders, namespace).await?;
    let mut objects = Vec::new();
    for kind in Kind::ALL {
        for object in cluster.objects(kind, Some(namespace)).await? {
            objects.push((kind, object));
        }
    }
    Ok(removal(terms, namespace, found, &objects))
}

/// Pure: what may go.
fn removal(terms: &Terms, namespace: &str, found: Found, objects: &[(Kind, Value)]) -> Removal {
    let listed = terms.enrolled.iter().any(|enrolled| enrolled == namespace);
    let mut removal = Removal {
        listed,
        ..Removal::default()
    };
    let rights = [
        (facts::binding(&terms.wiring, namespace), found.binding),
        (facts::role(&terms.wiring, namespace), found.role),
    ];
    for (at, object) in rights {
        removal.judge(terms, at, object, None);
    }
    for (holder, object) in terms.holders.iter().zip(found.holders) {
        let user = objects.iter().find(|(_, object)| mentions(object, holder));
        let user = user.map(|(kind, object)| {
            format!(
                "{}/{}",
                kind.singular(),
                object["metadata"]["name"].as_str().unwrap_or_default()
            )
        });
        removal.judge(terms, holder.at(namespace), object, user);
    }
    removal
}

impl Removal {
    fn judge(&mut self, terms: &Terms, at: At, object: Option<Value>, user: Option<String>) {
        let Some(object) = object else { return };
        match (owner(&object, &terms.wiring), user) {
            (Owner::Ours, None) => self.goes.push((at, object)),
            (Owner::Ours, Some(user)) => self.stays.push(format!("{at} stays: {user} names it")),
            (Owner::OtherWiring(wiring), _) => self
                .stays
                .push(format!("{at} stays: it serves wiring {wiring}")),
            // Nobody expects that somebody else's is deleted.
            (Owner::Foreign, _) => {}
        }
    }
}

/// Whether an object names the Secret or ConfigMap anywhere.
fn mentions(object: &Value, holder: &Holder) -> bool {
    let spec = &object["spec"];
    let mounted = if holder.is_secret() {
        &spec["secrets"]
    } else {
        &spec["configMaps"]
    };
    let mounts = mounted
        .as_array()
        .into_iter()
        .flatten()
        .any(|name| *name == holder.name);
    let mut waiting = vec![spec];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(members) => {
                if members.contains_key("key")
                    && members.get("name").is_some_and(|name| *name == holder.name)
                {
                    return true;
                }
                waiting.extend(members.values());
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    mounts
}

/// Takes the namespace off the list, then removes what may go.
pub(crate) async fn carry_out(
    cluster: &Cluster,
    terms: &Terms,
    namespace: &str,
    tell: &mut impl FnMut(&Done, &'static str) -> Result<(), Failure>,
) -> Result<Removal, Failure> {
    let action = list(cluster, &terms.wiring, namespace, false).await?;
    let detail = format!("drops namespace {namespace}");
    tell(
        &Done {
            at: WIRINGS.named(&terms.wiring),
            action,
            detail,
        },
        action.done(),
    )?;
    // Only now: nothing new is wired to the Secret from here on.
    let removal = judge(cluster, terms, namespace).await?;
    for (at, object) in &removal.goes {
        let gone = cluster.delete(at, object).await;
        if let Err(trouble) = gone
            && trouble.sort != Sort::Absent
        {
            return Err(trouble.into());
        }
        tell(
            &Done {
                at: at.clone(),
                action: Action::Change,
                detail: String::new(),
            },
            "deleted",
        )?;
    }
    Ok(removal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::resource::SECRETS;
    use crate::enroll::objects::labels;
    use crate::enroll::parts::Part;
    use serde_json::json;

    fn terms() -> Terms {
        let keys = [("password".to_owned(), Part::Password)].into();
        let holder = Holder {
            resource: &SECRETS,
            name: "s".to_owned(),
            keys,
        };
        Terms {
            wiring: "hub".to_owned(),
            holders: vec![holder],
            enrolled: vec!["a".to_owned()],
        }
    }

    fn found(labels: &Value) -> Found {
        Found {
            holders: vec![Some(json!({"metadata": {"labels": labels}}))],
            ..Found::default()
        }
    }

    fn prometheus(spec: &Value) -> (Kind, Value) {
        (
            Kind::Prometheus,
            json!({"metadata": {"name": "k8s"}, "spec": spec}),
        )
    }

    #[test]
    fn a_secret_goes_when_it_is_ours_and_nobody_names_it() {
        let removal = |labels: &Value, spec: &Value| {
            removal(&terms(), "a", found(labels), &[prometheus(spec)])
        };
        let ours = labels("hub");
        let other =
            json!({"remoteWrite": [{"basicAuth": {"password": {"name": "t", "key": "password"}}}]});
        assert_eq!(removal(&ours, &other).goes.len(), 1);
        for spec in [
            json!({"remoteWrite": [{"basicAuth": {"password": {"name": "s", "key": "password"}}}]}),
            json!({"secrets": ["s"]}),
        ] {
            let kept = removal(&ours, &spec);
            assert!(kept.goes.is_empty());
            assert_eq!(
                kept.stays,
                ["secret/s in namespace a stays: prometheus/k8s names it"]
            );
        }
        let foreign = removal(&json!({}), &other);
        assert!(foreign.goes.is_empty() && foreign.stays.is_empty());
        assert_eq!(
            removal(&labels("other"), &other).stays,
            ["secret/s in namespace a stays: it serves wiring other"]
        );
    }
}
