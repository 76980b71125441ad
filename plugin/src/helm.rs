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

#[cfg(test)]
mod tests {
    use thanos_core::codes;

    #[test]
    fn the_codes_name_the_same_line() {
        let line = super::install_webhook();
        for row in [codes::WEBHOOK_SILENT, codes::WEBHOOK_BLIND] {
            assert!(row.fix.starts_with(&line), "{row}: {}", row.fix);
        }
    }
}
