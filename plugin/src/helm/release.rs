//! One release: its chart, its values, and the digest that says whether it is there already.

use std::fmt::Write as _;
use std::io::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use thanos_core::{codes, names};

use super::chart::{Chart, Placed, feed};
use crate::failure::Failure;

/// As many hexadecimal digits of the digest as the label holds.
const DIGITS: usize = 40;

/// What is to be installed.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    pub(crate) name: String,
    pub(crate) namespace: String,
    /// The hub that it is a part of.
    pub(crate) hub: String,
    pub(crate) chart: Chart,
    /// What we set.
    pub(crate) values: Value,
    /// What others set over it, each the text of a file; the last wins.
    pub(crate) over: Vec<Vec<u8>>,
    digest: String,
}

impl Release {
    /// A release whose digest is known.
    ///
    /// # Errors
    /// A local chart cannot be read (KTH0005).
    pub(crate) fn new(
        name: &str,
        namespace: &str,
        hub: &str,
        chart: Chart,
        values: Value,
        over: Vec<Vec<u8>>,
    ) -> Result<Self, Failure> {
        let mut digest = Sha256::new();
        chart.digest(&mut digest)?;
        feed(&mut digest, values.to_string().as_bytes());
        for layer in &over {
            feed(&mut digest, layer);
        }
        let mut text = String::new();
        for byte in digest.finalize().iter().take(DIGITS / 2) {
            let _ = write!(text, "{byte:02x}");
        }
        Ok(Self {
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            hub: hub.to_owned(),
            chart,
            values,
            over,
            digest: text,
        })
    }

    /// What tells this chart with these values from others.
    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    /// The labels that helm's Secret of this revision gets.
    pub(super) fn labels(&self, revision: u64) -> String {
        let (digest, hub) = (&self.digest, &self.hub);
        format!(
            "{}={digest},{}={hub},{}={revision}",
            names::DIGEST,
            names::HUB,
            names::INSTALLED
        )
    }

    /// Chart and values as files that only their owner can read.
    pub(super) fn lay(&self) -> Result<Laid, Failure> {
        let chart = self.chart.place()?;
        let own = self.values.to_string().into_bytes();
        let layers = std::iter::once(&own).chain(&self.over);
        let values = layers.map(|layer| file(layer)).collect::<Result<_, _>>();
        let values = values.map_err(|error| {
            Failure::failed("cannot write helm's values into a temporary file")
                .code(codes::FILE_UNWRITABLE)
                .because(error)
        })?;
        Ok(Laid { chart, values })
    }
}

/// Gone when this is.
pub(super) struct Laid {
    chart: Placed,
    values: Vec<NamedTempFile>,
}

impl Laid {
    /// The chart and `--values` for each layer.
    pub(super) fn words(&self) -> impl Iterator<Item = String> + '_ {
        let values = self
            .values
            .iter()
            .flat_map(|file| ["--values".to_owned(), file.path().display().to_string()]);
        self.chart.words.iter().cloned().chain(values)
    }
}

fn file(bytes: &[u8]) -> std::io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new()
        .prefix("kubectl-thanos-values-")
        .suffix(".yaml")
        .tempfile()?;
    file.write_all(bytes)?;
    file.flush()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::super::chart::CERT_MANAGER;
    use super::*;
    use serde_json::json;

    fn digest(version: Option<&str>, values: Value, over: &[&str]) -> String {
        let over = over.iter().map(|text| text.as_bytes().to_vec()).collect();
        let chart = CERT_MANAGER.chart(version);
        Release::new("r", "n", "thanos", chart, values, over)
            .unwrap()
            .digest()
            .to_owned()
    }

    #[test]
    fn the_digest_is_of_chart_and_values_and_fits_a_label() {
        let first = digest(None, json!({"a": 1}), &[]);
        assert_eq!(first, digest(None, json!({"a": 1}), &[]));
        assert_eq!(first.len(), DIGITS);
        for other in [
            digest(Some("oci://x/y:v1"), json!({"a": 1}), &[]),
            digest(None, json!({"a": 2}), &[]),
            digest(None, json!({"a": 1}), &[""]),
        ] {
            assert_ne!(first, other);
        }
        assert_ne!(
            digest(None, json!({}), &["ab", "c"]),
            digest(None, json!({}), &["a", "bc"])
        );
    }
}
