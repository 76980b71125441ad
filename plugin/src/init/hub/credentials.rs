//! The hub's own credentials: who may write, who may read, and the object store's file. Pure: what was found in, what
//! is to be written out.
//!
//! ```text
//! <fullname>-write-credential  user, password: the hub's own member     ─> a line of <fullname>-write-users
//! <fullname>-read-credential   user, password: Grafana                  ─> a line of <fullname>-read-users
//! <fullname>-objstore          objstore.yml
//! ```
//!
//! The credential comes first and its line is derived from it, so that whoever is killed in between goes on with the
//! same password. Lines of other users stay.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};
use thanos_core::{codes, names};

use super::facts::helm_release;
use super::plan::{Action, Item, Step};
use super::wish::Wish;
use super::writers::Writers;
use crate::cluster::resource::{At, SECRETS};
use crate::cluster::trouble::not_ours;
use crate::enroll::hidden::{Hidden, htpasswd_line};
use crate::failure::Failure;

/// The key of the object-store file.
pub(crate) const OBJSTORE_KEY: &str = "objstore.yml";
/// What Envoy Gateway reads, and what ingress-nginx reads: the same lines.
const LINES: [&str; 2] = [".htpasswd", "auth"];
/// Who reads: Grafana.
pub(crate) const READER: &str = "grafana";

/// The Secrets of a hub, by the end of their names, in the order in which they are made.
pub(crate) const SECRETS_OF_HUB: [&str; 5] = [
    "write-credential",
    "read-credential",
    "write-users",
    "read-users",
    "objstore",
];

/// Secrets of the hub's namespace as they were found. No `Debug` shows them.
#[derive(Clone, Default)]
pub(crate) struct Kept(pub(crate) BTreeMap<&'static str, Value>);

impl fmt::Debug for Kept {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.0.keys()).finish()
    }
}

/// A user with the password.
#[derive(Clone, Debug)]
pub(crate) struct Credential {
    pub(crate) user: String,
    pub(crate) password: Hidden,
}

/// What is to be done to the Secrets, and what they will hold.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) items: Vec<Item>,
    pub(crate) write: Credential,
    pub(crate) read: Credential,
    /// Of the object-store Secret; `None`: there is none of ours.
    pub(crate) revision: Option<String>,
}

impl Kept {
    fn text(&self, secret: &str, key: &str) -> Option<Hidden> {
        Hidden::from_base64(self.0.get(secret)?["data"][key].as_str()?)
    }
}

/// Whether an object was made by us, for this hub.
pub(crate) fn is_ours(object: &Value, hub: &str) -> bool {
    let label = |key: &str| object["metadata"]["labels"][key].as_str();
    label(names::MANAGED_BY) == Some(names::MANAGER_PLUGIN) && label(names::HUB) == Some(hub)
}

/// Plans; every fault at once.
pub(crate) fn plan(wish: &Wish, kept: &Kept) -> Result<Credentials, Vec<Failure>> {
    let one = |failure: Failure| vec![failure];
    let mut planner = Planner {
        wish,
        kept,
        items: Vec::new(),
        faults: Vec::new(),
    };
    let write = planner
        .credential("write-credential", &wish.cluster)
        .map_err(one)?;
    let read = planner.credential("read-credential", READER).map_err(one)?;
    planner
        .users("write-users", &write, &wish.writers)
        .map_err(one)?;
    planner
        .users("read-users", &read, &Writers::new())
        .map_err(one)?;
    let revision = match (planner.another_sort_of_store(), &wish.objstore) {
        (Some(fault), _) => {
            planner.faults.push(fault);
            None
        }
        (None, Some(file)) => Some(planner.objstore(file).map_err(one)?),
        (None, None) => None,
    };
    let Planner { items, faults, .. } = planner;
    if faults.is_empty() {
        Ok(Credentials {
            items,
            write,
            read,
            revision,
        })
    } else {
        Err(faults)
    }
}

struct Planner<'a> {
    wish: &'a Wish,
    kept: &'a Kept,
    items: Vec<Item>,
    faults: Vec<Failure>,
}

impl Planner<'_> {
    fn credential(&mut self, secret: &'static str, user: &str) -> Result<Credential, Failure> {
        let password = match self.kept.text(secret, "password") {
            Some(password) if !password.reveal().is_empty() => password,
            _ => Hidden::generate()?,
        };
        let data = json!({"user": Hidden::new(user).base64(), "password": password.base64()});
        self.lay(secret, &data, &json!({}));
        Ok(Credential {
            user: user.to_owned(),
            password,
        })
    }

    /// The user's line among those of others: members that were named now, and whoever was there before.
    fn users(
        &mut self,
        secret: &'static str,
        credential: &Credential,
        writers: &Writers,
    ) -> Result<(), Failure> {
        let line = htpasswd_line(&credential.user, &credential.password)?;
        let known = LINES.iter().find_map(|key| self.kept.text(secret, key));
        let known = known.unwrap_or_else(|| Hidden::new(""));
        let known = String::from_utf8_lossy(known.reveal()).into_owned();
        let own = format!("{}:", credential.user);
        let line = String::from_utf8_lossy(line.reveal()).into_owned();
        let mut lines: Vec<&str> = known
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with(&own))
            .collect();
        let at = known
            .lines()
            .filter(|line| !line.trim().is_empty())
            .position(|line| line.starts_with(&own))
            .unwrap_or(lines.len());
        lines.insert(at.min(lines.len()), line.trim_end());
        let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
        for (user, line) in writers {
            let line = String::from_utf8_lossy(line.reveal()).into_owned();
            let of_user = format!("{user}:");
            match lines.iter_mut().find(|known| known.starts_with(&of_user)) {
                Some(known) => *known = line,
                None => lines.push(line),
            }
        }
        let text = Hidden::new(format!("{}\n", lines.join("\n"))).base64();
        let data: serde_json::Map<_, _> = LINES
            .iter()
            .map(|key| ((*key).to_owned(), json!(text)))
            .collect();
        self.lay(secret, &Value::Object(data), &json!({}));
        Ok(())
    }

    /// The fault where the store was a file and is Azure's identity now, or the reverse.
    fn another_sort_of_store(&self) -> Option<Failure> {
        let wish = self.wish;
        let kept = self.kept.0.get("objstore")?;
        let of_chart = helm_release(kept).is_some_and(|(name, _)| name == wish.name);
        let (was, is) = match &wish.objstore {
            Some(_) if of_chart => ("a container by Azure's identity", "a file"),
            None if is_ours(kept, &wish.name) => ("a file", "a container by Azure's identity"),
            _ => return None,
        };
        let message = format!(
            "hub {} keeps its blocks where {was} says; where {is} says, there are none of them",
            wish.name
        );
        let failure = Failure::failed(message).code(codes::OBJECT_STORE_CHANGED);
        Some(failure.hint(
            "make a second hub with --name, and keep this one as long as its blocks are asked for",
        ))
    }

    /// The object-store file; gives its revision, which is new with every change.
    fn objstore(&mut self, file: &Hidden) -> Result<String, Failure> {
        let kept = self.kept.0.get("objstore");
        let revision =
            kept.and_then(|kept| kept["metadata"]["annotations"][names::REVISION].as_str());
        let same = self.kept.text("objstore", OBJSTORE_KEY).as_ref() == Some(file);
        let revision = match revision {
            Some(revision) if same => revision.to_owned(),
            _ => String::from_utf8_lossy(&Hidden::generate()?.reveal()[..12]).into_owned(),
        };
        let data = json!({OBJSTORE_KEY: file.base64()});
        self.lay("objstore", &data, &json!({names::REVISION: revision}));
        Ok(revision)
    }

    fn lay(&mut self, secret: &'static str, data: &Value, annotations: &Value) {
        let name = self.wish.named(secret);
        let at = SECRETS.within(&self.wish.namespace).named(&name);
        let Some(kept) = self.kept.0.get(secret) else {
            let object = json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": {
                    "name": name, "namespace": self.wish.namespace, "annotations": annotations,
                    "labels": {names::MANAGED_BY: names::MANAGER_PLUGIN, names::HUB: self.wish.name},
                },
                "data": data,
            });
            return self.push(at, Action::Create, String::new(), Step::Make(object));
        };
        if !is_ours(kept, &self.wish.name) {
            self.faults.push(taken(&at));
            return;
        }
        let members = data.as_object().into_iter().flatten();
        let changed: Vec<&str> = members
            .filter(|(key, value)| kept["data"][*key] != **value)
            .map(|(key, _)| key.as_str())
            .collect();
        let noted = annotations.as_object().into_iter().flatten();
        let renoted = noted
            .clone()
            .any(|(key, value)| kept["metadata"]["annotations"][key] != *value);
        if changed.is_empty() && !renoted {
            return self.push(at, Action::Unchanged, String::new(), Step::Nothing);
        }
        let detail = format!("sets {}", changed.join(", "));
        let members = json!({
            "metadata": {"resourceVersion": kept["metadata"]["resourceVersion"], "annotations": annotations},
            "data": data,
        });
        self.push(at, Action::Update, detail, Step::Merge(members));
    }

    fn push(&mut self, at: At, action: Action, detail: String, step: Step) {
        self.items.push(Item {
            part: "credentials",
            title: at.title(),
            namespace: at.namespace.clone(),
            action,
            detail,
            step,
            at: Some(at),
        });
    }
}

/// Somebody else's object under our name.
pub(crate) fn taken(at: &At) -> Failure {
    not_ours(format!(
        "{at} was made by somebody else: it is left as it is"
    ))
    .hint("choose another name for the hub with --name, or another namespace with -n")
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::wish;
    use super::*;

    /// What the Secrets hold when a plan was carried out.
    fn carried_out(kept: &Kept, planned: &Credentials) -> Kept {
        let mut kept = kept.clone();
        for item in &planned.items {
            let name = item.at.as_ref().and_then(|at| at.name.clone()).unwrap();
            let end = SECRETS_OF_HUB
                .iter()
                .find(|end| name.ends_with(*end))
                .unwrap();
            match &item.step {
                Step::Make(object) => drop(kept.0.insert(end, object.clone())),
                Step::Merge(members) => {
                    let secret = kept.0.get_mut(end).unwrap();
                    for part in ["data", "annotations"] {
                        let from = if part == "data" {
                            &members["data"]
                        } else {
                            &members["metadata"]["annotations"]
                        };
                        for (key, value) in from.as_object().into_iter().flatten() {
                            if part == "data" {
                                secret["data"][key] = value.clone();
                            } else {
                                secret["metadata"]["annotations"][key] = value.clone();
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        kept
    }

    #[test]
    fn they_are_made_once_and_kept() {
        let wish = wish();
        let first = plan(&wish, &Kept::default()).unwrap();
        assert!(first.items.iter().all(|item| item.action == Action::Create));
        let kept = carried_out(&Kept::default(), &first);
        let second = plan(&wish, &kept).unwrap();
        assert!(
            second
                .items
                .iter()
                .all(|item| item.action == Action::Unchanged),
            "{:?}",
            second.items
        );
        assert_eq!(second.write.password, first.write.password);
        assert_eq!(second.revision, first.revision);
        assert!(
            !format!("{first:?}")
                .contains(std::str::from_utf8(first.write.password.reveal()).unwrap())
        );
    }

    #[test]
    fn another_sort_of_store_is_no_change_but_a_fault() {
        let mut wish = wish();
        let file = wish.objstore.take();
        let mut of_chart = Kept::default();
        of_chart.0.insert(
            "objstore",
            json!({"metadata": {"annotations": {
                "meta.helm.sh/release-name": "thanos", "meta.helm.sh/release-namespace": "thanos",
            }}}),
        );
        plan(&wish, &of_chart).unwrap();
        let told = |wish: &Wish, kept: &Kept| {
            let faults = plan(wish, kept).unwrap_err();
            faults.iter().map(|fault| fault.code).collect::<Vec<_>>()
        };
        wish.objstore = file;
        let of_file = carried_out(&Kept::default(), &plan(&wish, &Kept::default()).unwrap());
        assert_eq!(told(&wish, &of_chart), [Some(codes::OBJECT_STORE_CHANGED)]);
        wish.objstore = None;
        assert_eq!(told(&wish, &of_file), [Some(codes::OBJECT_STORE_CHANGED)]);
    }

    #[test]
    fn whoever_was_killed_in_between_goes_on_with_the_same_password() {
        let wish = wish();
        let first = plan(&wish, &Kept::default()).unwrap();
        let mut half = carried_out(&Kept::default(), &first);
        half.0.remove("write-users");
        half.0.remove("objstore");
        let second = plan(&wish, &half).unwrap();
        let whole = carried_out(&half, &second);
        assert_eq!(second.write.password, first.write.password);
        assert_eq!(
            whole.0["write-users"]["data"],
            carried_out(&Kept::default(), &first).0["write-users"]["data"]
        );
    }

    #[test]
    fn lines_of_others_stay_and_a_new_file_has_a_new_revision() {
        let mut wish = wish();
        let first = plan(&wish, &Kept::default()).unwrap();
        let mut kept = carried_out(&Kept::default(), &first);
        let other = Hidden::new("edge:{SHA}x\nthanos:{SHA}old\nlast:{SHA}y\n").base64();
        kept.0.get_mut("write-users").unwrap()["data"] = json!({".htpasswd": other, "auth": other});
        wish.objstore = Some(Hidden::new("type: S3"));
        let second = plan(&wish, &kept).unwrap();
        assert_ne!(second.revision, first.revision);
        let kept = carried_out(&kept, &second);
        let lines = kept.text("write-users", "auth").unwrap();
        let lines = String::from_utf8(lines.reveal().to_vec()).unwrap();
        assert!(
            lines.starts_with("edge:{SHA}x\nthanos:{SHA}") && lines.ends_with("\nlast:{SHA}y\n"),
            "{lines}"
        );
        assert!(!lines.contains("old"), "{lines}");
    }

    #[test]
    fn members_are_added_once_and_replaced_by_a_new_line() {
        let mut wish = wish();
        let mut kept = carried_out(&Kept::default(), &plan(&wish, &Kept::default()).unwrap());
        for line in ["edge:{SHA}x", "edge:{SHA}y"] {
            wish.writers.insert("edge".to_owned(), Hidden::new(line));
            kept = carried_out(&kept, &plan(&wish, &kept).unwrap());
        }
        let again = plan(&wish, &kept).unwrap();
        assert!(
            again
                .items
                .iter()
                .all(|item| item.action == Action::Unchanged)
        );
        let of = |secret| {
            let lines = kept.text(secret, ".htpasswd").unwrap();
            String::from_utf8(lines.reveal().to_vec()).unwrap()
        };
        assert!(
            of("write-users").ends_with("\nedge:{SHA}y\n"),
            "{}",
            of("write-users")
        );
        assert_eq!(of("write-users").lines().count(), 2);
        assert!(!of("read-users").contains("edge"));
    }

    #[test]
    fn a_secret_of_somebody_else_is_refused() {
        let wish = wish();
        let mut kept = carried_out(&Kept::default(), &plan(&wish, &Kept::default()).unwrap());
        for name in ["objstore", "read-users"] {
            kept.0.get_mut(name).unwrap()["metadata"]["labels"] = json!({names::HUB: "other"});
        }
        let faults = plan(&wish, &kept).unwrap_err();
        assert_eq!(faults.len(), 2);
        assert!(
            faults.iter().all(|fault| fault.kind.exit_code() == 5),
            "{faults:?}"
        );
    }
}
