//! The wiring that is enrolled to: found, read, and what of it matters here.

use serde_json::Value;
use thanos_core::{ThanosWiring, Wiring, codes, wiring};

use super::parts::{holders, parts};
use super::plan::Terms;
use crate::cluster::resource::WIRINGS;
use crate::cluster::{Cluster, live};
use crate::failure::Failure;

/// The wiring of that name, or the only one.
pub(crate) async fn one_wiring(cluster: &Cluster, name: Option<&str>) -> Result<Value, Failure> {
    if let Some(name) = name {
        return Ok(cluster.get(&WIRINGS.named(name)).await?);
    }
    let mut stored = cluster.wirings().await?;
    match (stored.pop(), stored.len()) {
        (Some(only), 0) => Ok(only),
        (None, _) => {
            let failure = Failure::failed("there is no wiring").code(codes::NO_WIRING);
            Err(failure.hint("kubectl thanos init makes one"))
        }
        (Some(last), others) => {
            let names: Vec<&str> = stored
                .iter()
                .chain([&last])
                .filter_map(|wiring| wiring["metadata"]["name"].as_str())
                .collect();
            let failure =
                Failure::usage(format!("there are {} wirings", others + 1)).code(codes::NO_INPUTS);
            Err(failure.hint(format!("name one with --wiring: {}", names.join(", "))))
        }
    }
}

/// A stored wiring, as it is written and as it is meant.
pub(crate) fn read(stored: &Value) -> Result<(ThanosWiring, Wiring), Failure> {
    let wrong = |faults: Vec<String>| Failure::all(codes::WIRING_INVALID, faults);
    let right = wiring::read(stored)
        .map_err(|faults| wrong(faults.iter().map(ToString::to_string).collect()))?;
    let written = serde_json::from_value(stored.clone());
    let written = written.map_err(|_| {
        wrong(vec![
            "spec does not have the shape of a ThanosWiring".to_owned(),
        ])
    })?;
    Ok((written, right))
}

/// What an enrolment must know of a wiring.
pub(crate) fn terms(stored: &Value, written: &ThanosWiring) -> Terms {
    Terms {
        wiring: written.metadata.name.clone().unwrap_or_default(),
        holders: holders(&parts(written)),
        enrolled: live::enrolled(stored)
            .into_iter()
            .map(str::to_owned)
            .collect(),
    }
}
