//! The resources that are asked for, and one place among them: which resource, where, what name.

use std::fmt;

use thanos_core::subject::Kind;
use thanos_core::{names, wiring};

/// A resource of the API server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Its API group; empty for the core.
    pub(crate) group: &'static str,
    /// The version that is asked for.
    pub(crate) version: &'static str,
    /// As it stands in a path.
    pub(crate) plural: &'static str,
    /// As it stands in an object.
    pub(crate) kind: &'static str,
    /// As it stands before a name.
    pub(crate) singular: &'static str,
}

macro_rules! resources {
    ($($name:ident $group:literal $version:literal $plural:literal $kind:literal $singular:literal;)*) => {
        $(pub(crate) static $name: Resource = Resource {
            group: $group, version: $version, plural: $plural, kind: $kind, singular: $singular,
        };)*
    };
}

resources! {
    VERSION "" "" "version" "" "version";
    NAMESPACES "" "v1" "namespaces" "Namespace" "namespace";
    NODES "" "v1" "nodes" "Node" "node";
    SERVICE_ACCOUNTS "" "v1" "serviceaccounts" "ServiceAccount" "serviceaccount";
    SECRETS "" "v1" "secrets" "Secret" "secret";
    CONFIG_MAPS "" "v1" "configmaps" "ConfigMap" "configmap";
    PODS "" "v1" "pods" "Pod" "pod";
    VOLUME_CLAIMS "" "v1" "persistentvolumeclaims" "PersistentVolumeClaim" "persistentvolumeclaim";
    LEASES "coordination.k8s.io" "v1" "leases" "Lease" "lease";
    DEPLOYMENTS "apps" "v1" "deployments" "Deployment" "deployment";
    STATEFUL_SETS "apps" "v1" "statefulsets" "StatefulSet" "statefulset";
    INGRESSES "networking.k8s.io" "v1" "ingresses" "Ingress" "ingress";
    GATEWAY_CLASSES "gateway.networking.k8s.io" "v1" "gatewayclasses" "GatewayClass" "gatewayclass";
    GATEWAYS "gateway.networking.k8s.io" "v1" "gateways" "Gateway" "gateway";
    CERTIFICATES "cert-manager.io" "v1" "certificates" "Certificate" "certificate";
    CERTIFICATE_REQUESTS "cert-manager.io" "v1" "certificaterequests" "CertificateRequest" "certificaterequest";
    ORDERS "acme.cert-manager.io" "v1" "orders" "Order" "order";
    ROLES "rbac.authorization.k8s.io" "v1" "roles" "Role" "role";
    CLUSTER_ROLES "rbac.authorization.k8s.io" "v1" "clusterroles" "ClusterRole" "clusterrole";
    CLUSTER_ROLE_BINDINGS "rbac.authorization.k8s.io" "v1" "clusterrolebindings" "ClusterRoleBinding" "clusterrolebinding";
    ROLE_BINDINGS "rbac.authorization.k8s.io" "v1" "rolebindings" "RoleBinding" "rolebinding";
    CRDS "apiextensions.k8s.io" "v1" "customresourcedefinitions" "CustomResourceDefinition" "customresourcedefinition";
    ACCESS_REVIEWS "authorization.k8s.io" "v1" "selfsubjectaccessreviews" "SelfSubjectAccessReview" "selfsubjectaccessreview";
    MUTATING "admissionregistration.k8s.io" "v1" "mutatingwebhookconfigurations" "MutatingWebhookConfiguration" "mutatingwebhookconfiguration";
    VALIDATING "admissionregistration.k8s.io" "v1" "validatingwebhookconfigurations" "ValidatingWebhookConfiguration" "validatingwebhookconfiguration";
    WIRINGS "kubectl-thanos.dev" "v1alpha1" "thanoswirings" "ThanosWiring" "thanoswiring";
    POLICIES "kubectl-thanos.dev" "v1alpha1" "thanospolicies" "ThanosPolicy" "thanospolicy";
    PROMETHEUSES "monitoring.coreos.com" "v1" "prometheuses" "Prometheus" "prometheus";
    PROMETHEUS_AGENTS "monitoring.coreos.com" "v1alpha1" "prometheusagents" "PrometheusAgent" "prometheusagent";
    THANOS_RULERS "monitoring.coreos.com" "v1" "thanosrulers" "ThanosRuler" "thanosruler";
}

impl Resource {
    /// The resource of a kind that is wired.
    pub(crate) fn of(kind: Kind) -> &'static Resource {
        match kind {
            Kind::Prometheus => &PROMETHEUSES,
            Kind::PrometheusAgent => &PROMETHEUS_AGENTS,
            Kind::ThanosRuler => &THANOS_RULERS,
        }
    }

    /// `thanoswirings.kubectl-thanos.dev`, and `secrets` in the core: what RBAC and `kubectl get` call it.
    pub(crate) fn qualified(&self) -> String {
        dotted(self.plural, self.group)
    }

    /// `kubectl-thanos.dev/v1alpha1`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// All of them, everywhere.
    pub(crate) fn all(&'static self) -> At {
        At {
            resource: self,
            namespace: None,
            name: None,
        }
    }

    /// All of them in one namespace.
    pub(crate) fn within(&'static self, namespace: &str) -> At {
        At {
            namespace: Some(namespace.to_owned()),
            ..self.all()
        }
    }

    /// One that is in no namespace.
    pub(crate) fn named(&'static self, name: &str) -> At {
        At {
            name: Some(name.to_owned()),
            ..self.all()
        }
    }
}

/// The name of our CRD.
pub(crate) fn wiring_crd_name() -> String {
    wiring::crd()
        .metadata
        .name
        .unwrap_or_else(|| format!("{}.{}", WIRINGS.plural, names::GROUP))
}

fn dotted(word: &str, group: &str) -> String {
    if group.is_empty() {
        word.to_owned()
    } else {
        format!("{word}.{group}")
    }
}

/// One place: all objects of a resource, those of a namespace, or one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) resource: &'static Resource,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
}

impl At {
    /// The one of that name.
    #[must_use]
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// The path of the collection.
    pub(crate) fn path(&self) -> String {
        let root = if self.resource.group.is_empty() {
            "/api"
        } else {
            "/apis"
        };
        let version = self.resource.api_version();
        let plural = self.resource.plural;
        match &self.namespace {
            Some(namespace) => format!("{root}/{version}/namespaces/{namespace}/{plural}"),
            None => format!("{root}/{version}/{plural}"),
        }
    }

    /// Whether namespace and name can stand in a path; the one that cannot.
    pub(crate) fn check(&self) -> Result<(), &str> {
        let letter =
            |character: char| character.is_ascii_alphanumeric() || "-._:".contains(character);
        let right = |word: &str| !matches!(word, "" | "." | "..") && word.chars().all(letter);
        let words = self.namespace.iter().chain(&self.name);
        let wrong = words.map(String::as_str).find(|word| !right(word));
        wrong.map_or(Ok(()), Err)
    }

    /// `role.rbac.authorization.k8s.io/NAME`, as kubectl names what it has done; the resource where there is no name.
    pub(crate) fn title(&self) -> String {
        match &self.name {
            Some(name) => format!(
                "{}/{name}",
                dotted(self.resource.singular, self.resource.group)
            ),
            None => self.resource.qualified(),
        }
    }
}

impl fmt::Display for At {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.title())?;
        match &self.namespace {
            Some(namespace) => write!(out, " in namespace {namespace}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_the_paths_and_the_names_of_kubectl() {
        let role = ROLES.within("team-a").named("r");
        assert_eq!(
            role.path(),
            "/apis/rbac.authorization.k8s.io/v1/namespaces/team-a/roles"
        );
        assert_eq!(
            role.to_string(),
            "role.rbac.authorization.k8s.io/r in namespace team-a"
        );
        assert_eq!(SECRETS.all().path(), "/api/v1/secrets");
        assert_eq!(WIRINGS.qualified(), wiring_crd_name());
    }

    #[test]
    fn what_is_no_name_reaches_no_path() {
        assert_eq!(ROLES.within("team-a").named("system:x.y").check(), Ok(()));
        for wrong in ["", "..", "a/b", "a?b", "a b", "a%2f", "\u{1b}[m"] {
            assert_eq!(ROLES.within(wrong).check(), Err(wrong));
        }
    }

    #[test]
    fn kinds_are_spelt_as_core_spells_them() {
        for kind in Kind::ALL {
            let resource = Resource::of(kind);
            assert_eq!(
                (
                    resource.kind,
                    resource.plural,
                    resource.singular,
                    resource.version
                ),
                (kind.name(), kind.plural(), kind.singular(), kind.version())
            );
            assert_eq!(resource.group, names::OPERATOR_GROUP);
        }
        assert_eq!(
            (WIRINGS.group, WIRINGS.version),
            (names::GROUP, names::VERSION)
        );
    }
}
