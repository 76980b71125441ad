//! The look at a namespace before anything is put into it. Read only.

use std::fmt;

use futures::future::try_join_all;
use serde_json::Value;
use thanos_core::names;

use super::parts::Holder;
use crate::cluster::Cluster;
use crate::cluster::resource::{At, NAMESPACES, ROLE_BINDINGS, ROLES};
use crate::cluster::trouble::Trouble;

/// What is there of what an enrolment makes. No `Debug` shows it: the holders are whole Secrets.
#[derive(Clone, Default)]
pub(crate) struct Found {
    /// The namespace.
    pub(crate) namespace: Option<Value>,
    /// What is there under the name of each holder, in their order.
    pub(crate) holders: Vec<Option<Value>>,
    /// The Role.
    pub(crate) role: Option<Value>,
    /// The RoleBinding.
    pub(crate) binding: Option<Value>,
}

impl fmt::Debug for Found {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Found").finish_non_exhaustive()
    }
}

/// Looks.
pub(crate) async fn look(
    cluster: &Cluster,
    wiring: &str,
    holders: &[Holder],
    namespace: &str,
) -> Result<Found, Trouble> {
    let at = NAMESPACES.named(namespace);
    let held = try_join_all(
        holders
            .iter()
            .map(async |holder| cluster.find(&holder.at(namespace)).await),
    );
    let (role, binding) = (role(wiring, namespace), binding(wiring, namespace));
    let (namespace, held, role, binding) = futures::try_join!(
        cluster.find(&at),
        held,
        cluster.find(&role),
        cluster.find(&binding)
    )?;
    Ok(Found {
        namespace,
        holders: held,
        role,
        binding,
    })
}

/// Where the Role of a wiring is.
pub(crate) fn role(wiring: &str, namespace: &str) -> At {
    ROLES
        .within(namespace)
        .named(&format!("{}{wiring}", names::ROLE_PREFIX))
}

/// Where the RoleBinding of a wiring is.
pub(crate) fn binding(wiring: &str, namespace: &str) -> At {
    ROLE_BINDINGS
        .within(namespace)
        .named(&format!("{}{wiring}", names::ROLE_PREFIX))
}

/// Whose an object is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This wiring's, made by us.
    Ours,
    /// Another wiring's, made by us.
    OtherWiring(String),
    /// Somebody else's.
    Foreign,
}

/// Reads it off the labels.
pub(crate) fn owner(object: &Value, wiring: &str) -> Owner {
    let label = |key: &str| object["metadata"]["labels"][key].as_str();
    match (label(names::MANAGED_BY), label(names::WIRING)) {
        (Some(names::MANAGER_PLUGIN), Some(of)) if of == wiring => Owner::Ours,
        (Some(names::MANAGER_PLUGIN), Some(of)) => Owner::OtherWiring(of.to_owned()),
        _ => Owner::Foreign,
    }
}
