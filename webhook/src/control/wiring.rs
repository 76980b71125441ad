//! Writing a wiring: its status, and the finalizer that holds it until its objects are un-wired.

use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use thanos_core::wiring::{OnDelete, ThanosWiringStatus};
use thanos_core::{ThanosWiring, names};

use super::view::View;

/// All finalizers as they should be; `None` when they are right.
///
/// Ours stands while `onDelete` is `Unwire`, and goes when it is not or when a wiring on its way out has nothing left
/// to un-wire. It is never added to a wiring on its way out: the API server would refuse it.
pub fn finalizers(written: &ThanosWiring, views: &[View]) -> Option<Vec<String>> {
    let name = written.metadata.name.as_deref().unwrap_or_default();
    let before = written.metadata.finalizers.clone().unwrap_or_default();
    let has = before.iter().any(|one| one == names::FINALIZER);
    let left = || views.iter().any(|view| view.has_record(name));
    let wanted = if written.metadata.deletion_timestamp.is_some() {
        has && unwires(written) && left()
    } else {
        written.spec.on_delete == OnDelete::Unwire
    };
    if wanted == has {
        return None;
    }
    let mut after: Vec<String> = before
        .into_iter()
        .filter(|one| one != names::FINALIZER)
        .collect();
    if wanted {
        after.push(names::FINALIZER.to_owned());
    }
    Some(after)
}

/// Whether a wiring is on its way out and un-wires its objects first.
pub fn unwires(written: &ThanosWiring) -> bool {
    written.metadata.deletion_timestamp.is_some() && written.spec.on_delete == OnDelete::Unwire
}

/// One write to a wiring, at the version that was judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The wiring.
    pub wiring: String,
    /// Its `resourceVersion`.
    pub version: String,
    /// What is written.
    pub what: What,
}

/// What is written to a wiring.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The whole status.
    Status(Box<ThanosWiringStatus>),
    /// All finalizers.
    Finalizers(Vec<String>),
}

impl Write {
    /// Makes it: a merge patch at the version that was judged.
    pub async fn apply(&self, client: &Client) -> kube::Result<()> {
        let api: Api<ThanosWiring> = Api::all(client.clone());
        let params = PatchParams {
            field_manager: Some(names::MANAGER_CONTROL.to_owned()),
            ..PatchParams::default()
        };
        let patch = Patch::Merge(self.patch());
        match &self.what {
            What::Status(_) => api
                .patch_status(&self.wiring, &params, &patch)
                .await
                .map(drop),
            What::Finalizers(_) => api
                .patch_metadata(&self.wiring, &params, &patch)
                .await
                .map(drop),
        }
    }

    fn patch(&self) -> Value {
        match &self.what {
            What::Finalizers(finalizers) => json!({
                "metadata": {"resourceVersion": self.version, "finalizers": finalizers},
            }),
            What::Status(status) => {
                let mut status = serde_json::to_value(status).unwrap_or_default();
                if let Some(members) = status.as_object_mut() {
                    // What is not written would stay as it was.
                    members.entry("namespaces").or_insert(Value::Null);
                }
                json!({"metadata": {"resourceVersion": self.version}, "status": status})
            }
        }
    }
}
