//! The object behind a Scale: one bounded GET, made only where a policy holds.
//!
//! No store is kept: scaling is rare, the answer is of this moment, and a replica does not hold every object of the cluster.
//! Rights: get on prometheuses, prometheusagents and thanosrulers.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use kube::Client;
use kube::api::{GetParams, Request};
use serde_json::Value;
use thanos_core::{Kind, names};
use tokio::time::{Instant, timeout_at};

use super::namespaces::is_name;

/// For the one GET.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where parents come from: by hand, else from the API server.
pub(super) struct Parents {
    given: RwLock<HashMap<(Kind, String, String), Value>>,
    client: Option<Client>,
}

impl Parents {
    /// With a client an object that was not given is asked for.
    pub(super) fn new(client: Option<Client>) -> Self {
        Self {
            given: RwLock::default(),
            client,
        }
    }

    pub(super) fn put(&self, kind: Kind, object: &Value) {
        let text = |field: &str| {
            let text = object["metadata"][field].as_str();
            text.unwrap_or_default().to_owned()
        };
        let key = (kind, text("namespace"), text("name"));
        let mut given = self.given.write().unwrap_or_else(PoisonError::into_inner);
        given.insert(key, object.clone());
    }

    /// The object; `None` where there is none of that name, or no answer in time.
    pub(super) async fn get(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        deadline: Instant,
    ) -> Option<Value> {
        let key = (kind, namespace.to_owned(), name.to_owned());
        let given = {
            let given = self.given.read().unwrap_or_else(PoisonError::into_inner);
            given.get(&key).cloned()
        };
        if given.is_some() {
            return given;
        }
        let is_path = is_name(namespace) && is_object_name(name);
        let client = self.client.clone().filter(|_| is_path)?;
        let path = format!(
            "/apis/{}/{}/namespaces/{namespace}/{}",
            names::OPERATOR_GROUP,
            kind.version(),
            kind.plural()
        );
        let request = Request::new(path).get(name, &GetParams::default()).ok()?;
        let deadline = deadline.min(Instant::now() + PATIENCE);
        let answer = timeout_at(deadline, client.request::<Value>(request));
        answer.await.ok()?.ok()
    }
}

/// Whether an object can have this name: labels of a namespace's kind with dots between.
fn is_object_name(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_go_into_a_path() {
        for right in ["k8s", "a.b-c.d"] {
            assert!(is_object_name(right), "{right}");
        }
        for wrong in ["", ".", "..", "a..b", "a/b", "a/../b", "A", "a?b", "a%2f"] {
            assert!(!is_object_name(wrong), "{wrong}");
        }
    }
}
