//! The helm program, as far as people type it themselves.

use thanos_core::names;

/// Where our chart is, from the root of the repository.
pub(crate) const WEBHOOK_CHART: &str = "charts/thanos-webhook";

/// The line that installs the webhook.
pub(crate) fn install_webhook() -> String {
    format!(
        "helm install {} {WEBHOOK_CHART} -n {} --create-namespace",
        names::REGISTRATION,
        names::NAMESPACE
    )
}
