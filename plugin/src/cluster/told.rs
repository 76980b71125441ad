//! What helm was told of the server, laid over the cluster that the kubeconfig's context names, as helm lays it.

use kube::config::{
    AuthInfo, Cluster, Context, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext,
};

use crate::cli::Global;

/// The name of a context that is made where there is no kubeconfig.
const ALONE: &str = "helm";

/// Lays it over. Without a kubeconfig the server alone makes one, without any credential.
pub(super) fn by_helm(file: Option<Kubeconfig>, global: &Global) -> Option<Kubeconfig> {
    let told = &global.helm;
    let mut file = match file {
        Some(file) => file,
        None => alone(told.server.clone()?),
    };
    let context = global.context.as_ref().or(file.current_context.as_ref());
    let is_in_use = |named: &&NamedContext| Some(&named.name) == context;
    let cluster = file
        .contexts
        .iter()
        .find(is_in_use)
        .and_then(|named| named.context.as_ref())
        .map(|context| context.cluster.clone());
    let is_named = |named: &&mut NamedCluster| Some(&named.name) == cluster.as_ref();
    let found = file.clusters.iter_mut().find(is_named);
    let Some(cluster) = found.and_then(|named| named.cluster.as_mut()) else {
        return Some(file);
    };
    if let Some(server) = &told.server {
        cluster.server = Some(server.clone());
    }
    if let Some(name) = &told.server_name {
        cluster.tls_server_name = Some(name.clone());
    }
    if let Some(authority) = &told.authority {
        cluster.certificate_authority = Some(authority.to_string_lossy().into_owned());
        cluster.certificate_authority_data = None;
    }
    if told.is_insecure {
        cluster.insecure_skip_tls_verify = Some(true);
        cluster.certificate_authority = None;
        cluster.certificate_authority_data = None;
    }
    Some(file)
}

fn alone(server: String) -> Kubeconfig {
    let cluster = Cluster {
        server: Some(server),
        ..Cluster::default()
    };
    let context = Context {
        cluster: ALONE.to_owned(),
        user: Some(ALONE.to_owned()),
        ..Context::default()
    };
    Kubeconfig {
        clusters: vec![NamedCluster {
            name: ALONE.to_owned(),
            cluster: Some(cluster),
            ..NamedCluster::default()
        }],
        auth_infos: vec![NamedAuthInfo {
            name: ALONE.to_owned(),
            auth_info: Some(AuthInfo::default()),
            ..NamedAuthInfo::default()
        }],
        contexts: vec![NamedContext {
            name: ALONE.to_owned(),
            context: Some(context),
            ..NamedContext::default()
        }],
        current_context: Some(ALONE.to_owned()),
        ..Kubeconfig::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::FromHelm;

    #[test]
    fn the_cluster_in_use_is_told_otherwise_and_no_other() {
        let mut file = alone("https://old".to_owned());
        let mut other = file.clusters[0].clone();
        other.name = "other".to_owned();
        file.clusters.push(other);
        let global = Global {
            helm: FromHelm {
                server: Some("https://new".to_owned()),
                authority: Some("ca.pem".into()),
                ..FromHelm::default()
            },
            ..Global::default()
        };
        let laid = by_helm(Some(file), &global).unwrap();
        let server = |at: usize| laid.clusters[at].cluster.as_ref().unwrap().server.clone();
        assert_eq!(server(0).as_deref(), Some("https://new"));
        assert_eq!(server(1).as_deref(), Some("https://old"));
        let made = by_helm(None, &global).unwrap();
        let cluster = made.clusters[0].cluster.as_ref().unwrap();
        assert_eq!(cluster.certificate_authority.as_deref(), Some("ca.pem"));
        assert!(by_helm(None, &Global::default()).is_none());
    }
}
