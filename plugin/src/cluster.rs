//! All Kubernetes I/O: one client, and what the verbs ask of a cluster.

use serde_json::Value;
use thanos_core::codes;
use thanos_core::subject::Kind;

use crate::cli::Global;
use crate::facts::World;
use crate::failure::Failure;

/// One cluster, as one user, in one namespace. Made by the verbs that need one, when they need it.
pub struct Cluster {}

impl Cluster {
    /// Reads the kubeconfig and makes a client; asks nobody yet.
    ///
    /// # Errors
    /// No usable kubeconfig (KTH1003).
    pub async fn connect(global: &Global) -> Result<Self, Failure> {
        let _ = global;
        Err(unwritten())
    }

    /// The namespace of `-n`, or of the context, or `default`.
    pub fn namespace(&self) -> &str {
        "default"
    }

    /// The wirings, as they are stored.
    pub async fn wirings(&self) -> Result<Vec<Value>, Failure> {
        Err(unwritten())
    }

    /// One object, as it is stored.
    pub async fn object(&self, kind: Kind, namespace: &str, name: &str) -> Result<Value, Failure> {
        let _ = (kind, namespace, name);
        Err(unwritten())
    }

    /// All objects of a kind, in one namespace or everywhere; none where the CRD is not served.
    pub async fn objects(
        &self,
        kind: Kind,
        namespace: Option<&str>,
    ) -> Result<Vec<Value>, Failure> {
        let _ = (kind, namespace);
        Err(unwritten())
    }

    /// What is known of the world around objects in these namespaces: namespaces, CRDs, operator version, and what is
    /// ready for whom by the wirings' status.
    pub async fn world(&self, namespaces: &[&str], wirings: &[Value]) -> Result<World, Failure> {
        let _ = (namespaces, wirings);
        Err(unwritten())
    }
}

fn unwritten() -> Failure {
    Failure::failed("asking a cluster is not written yet").code(codes::BUG)
}
