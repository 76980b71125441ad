//! What helm has installed, read off the labels of its Secrets: the list asks for metadata alone, so what a release
//! holds never leaves the API server.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use thanos_core::names;

use super::release::Release;

/// What helm's Secrets are told apart by.
pub(crate) const SELECTOR: &str = "owner=helm";

/// A helm that has written nothing for so long is taken for dead. It writes when it begins and when it ends, so one that
/// waits longer for a hook is taken for dead, too: nothing tells the two apart.
const SETTLED: SignedDuration = SignedDuration::from_secs(30);

/// What comes before helm can work on a release again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mend {
    Nothing,
    /// A first revision that was never finished goes.
    Remove,
    /// The revision before comes back.
    RollBack,
}

/// The newest revision of one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installed {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) status: String,
    revision: u64,
    /// Of chart and values; `None`: we did not install it.
    pub(crate) digest: Option<String>,
    /// The hub that it is a part of.
    pub(crate) hub: Option<String>,
    /// The revision that we made last.
    made: Option<u64>,
    /// When helm wrote its record last.
    written: Option<Timestamp>,
}

impl Installed {
    /// Whether we installed it.
    pub(crate) fn is_ours(&self) -> bool {
        self.digest.is_some()
    }

    /// Whether it is a hub, and no part that hubs share.
    pub(crate) fn is_a_hub(&self) -> bool {
        self.is_ours() && self.hub.as_deref() == Some(self.name.as_str())
    }

    /// Whether a helm was interrupted while it worked on it: helm refuses to touch it until that is mended.
    pub(crate) fn is_pending(&self) -> bool {
        self.status.starts_with("pending-") || self.status == "uninstalling"
    }

    /// What makes helm touch it again.
    pub(crate) fn mend(&self) -> Mend {
        let has_earlier =
            self.status != "pending-install" && self.status != "uninstalling" && self.revision > 1;
        match (self.is_pending(), has_earlier) {
            (false, _) => Mend::Nothing,
            (true, true) => Mend::RollBack,
            (true, false) => Mend::Remove,
        }
    }

    /// Whether whoever works on it may still do so.
    pub(crate) fn is_at_work(&self, now: Timestamp) -> bool {
        let is_young = |written: Timestamp| now.duration_since(written).abs() < SETTLED;
        self.is_pending() && self.written.is_some_and(is_young)
    }

    /// The revision that another helm has made of it since we did, by an upgrade or a rollback.
    pub(crate) fn by_hand(&self) -> Option<u64> {
        let made = self.made?;
        (self.is_deployed() && made != self.revision).then_some(self.revision)
    }

    /// Whether this very chart is there with these values.
    pub(crate) fn is(&self, release: &Release) -> bool {
        self.is_deployed()
            && self.by_hand().is_none()
            && self.digest.as_deref() == Some(release.digest())
    }

    /// Whether it is there as a whole.
    pub(crate) fn is_deployed(&self) -> bool {
        self.status == "deployed"
    }
}

/// The revision that helm makes next of the release that these Secrets are of; those that were uninstalled with their
/// history kept count, too.
pub(crate) fn next(secrets: &[Value]) -> u64 {
    let revisions = secrets.iter().filter_map(read);
    revisions.map(|found| found.revision).max().unwrap_or(0) + 1
}

/// The newest revision of each release, out of the metadata of helm's Secrets.
pub(crate) fn newest(secrets: &[Value]) -> Vec<Installed> {
    let mut newest: BTreeMap<(String, String), Installed> = BTreeMap::new();
    for installed in secrets.iter().filter_map(read) {
        let key = (installed.namespace.clone(), installed.name.clone());
        let known = newest.get(&key).map_or(0, |known| known.revision);
        if installed.revision > known {
            newest.insert(key, installed);
        }
    }
    // A release that was uninstalled with its history kept is not there.
    newest
        .into_values()
        .filter(|installed| installed.status != "uninstalled")
        .collect()
}

/// The other hub that a shared release was installed for; none once that hub is gone.
pub(crate) fn of_another<'r>(
    release: &'r Installed,
    hub: &str,
    all: &[Installed],
) -> Option<&'r str> {
    let other = release.hub.as_deref().filter(|other| *other != hub)?;
    let stands = |found: &&Installed| found.is_a_hub() && found.name == other;
    all.iter().find(stands).map(|_| other)
}

fn read(secret: &Value) -> Option<Installed> {
    let metadata = &secret["metadata"];
    let label = |key: &str| metadata["labels"][key].as_str().map(str::to_owned);
    let number = |key: &str| label(key)?.parse().ok();
    // helm's own label of an update is that of the one before, where helm is uninstalling.
    let second = |key: &str| Timestamp::from_second(label(key)?.parse().ok()?).ok();
    let managed = metadata["managedFields"].as_array().into_iter().flatten();
    let managed = managed.filter_map(|entry| entry["time"].as_str()?.parse().ok());
    let written = managed
        .chain(second("createdAt"))
        .chain(second("modifiedAt"));
    Some(Installed {
        name: label("name")?,
        namespace: metadata["namespace"].as_str()?.to_owned(),
        status: label("status")?,
        revision: number("version")?,
        digest: label(names::DIGEST),
        hub: label(names::HUB),
        made: number(names::INSTALLED),
        written: written.max(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn secret(name: &str, revision: u64, status: &str) -> Value {
        json!({"metadata": {"namespace": "n", "labels": {
            "owner": "helm", "name": name, "version": revision.to_string(), "status": status,
            names::DIGEST: "d", names::HUB: "thanos",
        }}})
    }

    #[test]
    fn the_newest_revision_counts() {
        let secrets = [
            secret("a", 9, "superseded"),
            secret("a", 10, "pending-upgrade"),
            secret("b", 1, "pending-install"),
            secret("c", 2, "uninstalled"),
            json!({"metadata": {"name": "something else"}}),
        ];
        let releases = newest(&secrets);
        let [a, b] = releases.as_slice() else {
            panic!("{releases:?}")
        };
        assert!(a.is_pending() && a.mend() == Mend::RollBack && a.is_ours());
        assert!(b.is_pending() && b.mend() == Mend::Remove && !b.is_deployed());
        assert_eq!(next(&secrets[..2]), 11);
        assert_eq!(next(&secrets[3..]), 3, "helm goes on from the history");
        assert_eq!(next(&[]), 1);
    }

    #[test]
    fn whoever_wrote_just_now_may_still_be_at_work() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let at = |status: &str, modified: i64| {
            let mut secret = secret("a", 2, status);
            secret["metadata"]["labels"]["createdAt"] = json!("900000");
            secret["metadata"]["labels"]["modifiedAt"] = json!(modified.to_string());
            newest(&[secret]).remove(0).is_at_work(now)
        };
        assert!(at("pending-upgrade", 999_990) && at("uninstalling", 1_000_005));
        let mut touched = secret("a", 2, "uninstalling");
        let time = now - SignedDuration::from_secs(9);
        touched["metadata"]["managedFields"] = json!([{"time": time.to_string()}]);
        assert!(newest(&[touched])[0].is_at_work(now));
        assert!(!at("pending-upgrade", 999_960) && !at("deployed", 999_999));
        assert!(!newest(&[secret("a", 2, "pending-upgrade")])[0].is_at_work(now));
    }

    #[test]
    fn a_revision_that_names_another_was_made_by_hand() {
        let of = |made: Option<u64>, status: &str| {
            let mut secret = secret("a", 4, status);
            if let Some(made) = made {
                secret["metadata"]["labels"][names::INSTALLED] = json!(made.to_string());
            }
            newest(&[secret]).remove(0).by_hand()
        };
        assert_eq!(of(Some(4), "deployed"), None);
        assert_eq!(of(Some(3), "deployed"), Some(4));
        assert_eq!(
            of(None, "deployed"),
            None,
            "of a plugin that wrote no such label"
        );
        assert_eq!(
            of(Some(3), "failed"),
            None,
            "it is installed anew in any case"
        );
    }
}
