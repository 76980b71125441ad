//! PromQL over HTTP, as Prometheus and Thanos Query answer it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use url::form_urlencoded;

use crate::http::Http;

/// One series of an instant query's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Its labels, `__name__` among them.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Sample {
    /// The value of a label; empty where there is none, as Prometheus means it.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

#[derive(Deserialize)]
struct Reply {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

/// The answer to an instant query now.
///
/// # Errors
/// When the server refuses the query.
pub async fn query(http: &Http, promql: &str) -> Result<Vec<Sample>> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("query", promql)
        .finish();
    let answer = http
        .post("/api/v1/query", "application/x-www-form-urlencoded", form)
        .await?
        .fine();
    samples(&answer.with_context(|| format!("asking {promql}"))?)
}

/// What an answer to an instant query holds.
///
/// # Errors
/// When it is none.
pub fn samples(answer: &str) -> Result<Vec<Sample>> {
    let reply: Reply =
        serde_json::from_str(answer).with_context(|| format!("no answer: {answer}"))?;
    let sample = |Series {
                      metric,
                      value: (_, value),
                  }| {
        Ok(Sample {
            labels: metric,
            value: value.parse().context("a value")?,
        })
    };
    reply.data.result.into_iter().map(sample).collect()
}

/// As [`query`], where at least one series is expected.
///
/// # Errors
/// Also when the answer is empty.
pub async fn some(http: &Http, promql: &str) -> Result<Vec<Sample>> {
    let samples = query(http, promql).await?;
    ensure!(!samples.is_empty(), "no series for {promql}");
    Ok(samples)
}
