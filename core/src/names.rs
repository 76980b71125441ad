//! Every name that more than one place must spell alike: API group, labels, annotations, paths, ports, managers.

/// The API group of our kinds, and the prefix of our labels and annotations.
pub const GROUP: &str = "kubectl-thanos.dev";
/// The one version of our kinds.
pub const VERSION: &str = "v1alpha1";
/// `apiVersion` of our kinds and of the files that look like them.
pub const API_VERSION: &str = "kubectl-thanos.dev/v1alpha1";

/// Annotation: what of this object is ours, per wiring (law 5).
pub const WIRED: &str = "kubectl-thanos.dev/wired";
/// Annotation: the controller asks the mutator to look again; stripped whenever it is present (law 11).
pub const TOUCH: &str = "kubectl-thanos.dev/touch";
/// Label: `disabled` opts an object out, where its wiring allows it.
pub const WIRE: &str = "kubectl-thanos.dev/wire";
/// The value of [`WIRE`] that opts out.
pub const DISABLED: &str = "disabled";
/// Label on a Secret: it holds an objstore file; empty or `true` under every key, else under the one that it names.
pub const OBJSTORE: &str = "kubectl-thanos.dev/objstore";
/// Finalizer of a wiring with `onDelete: Unwire`.
pub const FINALIZER: &str = "kubectl-thanos.dev/unwire";

/// Tag on every resource of Azure that we make; its value is the hub.
pub const AZURE_TAG: &str = "kubectl-thanos";

/// Label on everything we make.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Label on a credential Secret and its Role: the wiring they serve.
pub const WIRING: &str = "kubectl-thanos.dev/wiring";

/// Label on what `init` makes for a hub, and on helm's record of its releases: the hub's name.
pub const HUB: &str = "kubectl-thanos.dev/hub";
/// Label on helm's record of a release that `init` installed: what its chart and values come to.
pub const DIGEST: &str = "kubectl-thanos.dev/digest";
/// Label on helm's record of a release that `init` installed: the revision that this was. helm takes its labels over to
/// each later revision, which this one does not name.
pub const INSTALLED: &str = "kubectl-thanos.dev/installed";
/// Annotation on a hub's object-store Secret: another text with every change of what it holds.
pub const REVISION: &str = "kubectl-thanos.dev/revision";
/// A hub's default name.
pub const HUB_NAME: &str = "thanos";

/// Field manager of the plugin.
pub const MANAGER_PLUGIN: &str = "kubectl-thanos";
/// Field manager of the controller.
pub const MANAGER_CONTROL: &str = "thanos-webhook";

/// The operator's API group.
pub const OPERATOR_GROUP: &str = "monitoring.coreos.com";
/// Annotation on the operator's CRDs: the operator version they belong to.
pub const OPERATOR_VERSION: &str = "operator.prometheus.io/version";
/// Annotation on the operator's objects: which of several operators looks after them.
pub const CONTROLLER_ID: &str = "operator.prometheus.io/controller-id";
/// Label that the API server puts on every namespace.
pub const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// The tenant header that Thanos Receive falls back to, whatever it is told.
pub const TENANT_HEADER: &str = "THANOS-TENANT";

/// Keys under which Secrets hold an object-store file: no other Secret is sent to the webhook.
///
/// By the charts and guides that are in use: bitnami and thanos-community `objstore.yml`, prometheus-operator and
/// kube-thanos `thanos.yaml`, kube-prometheus-stack `object-storage-configs.yaml`, banzaicloud `object-store.yaml`.
pub const OBJSTORE_KEYS: [&str; 7] = [
    "objstore.yml",
    "objstore.yaml",
    "thanos.yaml",
    "object-store.yaml",
    "object-storage-configs.yaml",
    "bucket.yml",
    "bucket.yaml",
];

/// Path of the mutating webhook.
pub const PATH_MUTATE: &str = "/mutate";
/// Path of the validating webhook.
pub const PATH_VALIDATE: &str = "/validate";
/// The webhook's own port inside its pod.
pub const PORT_WEBHOOK: u16 = 8443;
/// Health, readiness and metrics, its own port.
pub const PORT_ADMIN: u16 = 9443;

/// The namespace that everything of ours lives in by default.
pub const NAMESPACE: &str = "thanos-system";
/// Name of the Lease that `control` holds.
pub const LEASE: &str = "thanos-webhook-control";
/// The ServiceAccount of `control`, which a member namespace's Role is bound to.
pub const ACCOUNT_CONTROL: &str = "thanos-webhook-control";
/// The ServiceAccount of `serve`.
pub const ACCOUNT_SERVE: &str = "thanos-webhook-serve";
/// The Service in front of `serve`.
pub const SERVICE: &str = "thanos-webhook";
/// The Secret that `serve` mounts: `tls.crt`, `tls.key`, `ca.crt`.
pub const SECRET_TLS: &str = "thanos-webhook-tls";
/// The Secret of `control` alone: `ca.crt`, the newest authority first, and `ca.key`, its key.
pub const SECRET_AUTHORITY: &str = "thanos-webhook-ca";
/// Name of both webhook configurations.
pub const REGISTRATION: &str = "thanos-webhook";
/// Name of the Role and RoleBinding beside a credential Secret: `thanos-wiring-<wiring>`.
pub const ROLE_PREFIX: &str = "thanos-wiring-";
/// Default name of the credential Secret, as the article has it.
pub const SECRET: &str = "remotewrite-secret";
/// The annotation that Helm 4 writes into what it gives a post-renderer, to know each template again, and takes out after it.
pub const HELM_FILENAME: &str = "postrenderer.helm.sh/postrender-filename";

/// The largest `wired` annotation, in bytes; a larger one leaves the object (law 5).
pub const WIRED_LIMIT: usize = 2 * 1024;
/// The most operations in one patch.
pub const PATCH_OPERATIONS: usize = 64;
/// The largest patch, in bytes of JSON.
pub const PATCH_BYTES: usize = 64 * 1024;
