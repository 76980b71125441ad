//! One sample as Prometheus would send it, and the question that finds it again.
//!
//! Remote Write 1.0 (<https://prometheus.io/docs/specs/prw/remote_write_spec/>): a protobuf `WriteRequest` in snappy's
//! block format. Of `prompb/remote.proto` and `prompb/types.proto` these fields are written:
//!
//! ```text
//! WriteRequest { repeated TimeSeries timeseries = 1 }
//! TimeSeries   { repeated Label labels = 1; repeated Sample samples = 2 }
//! Label        { string name = 1; string value = 2 }      sorted by name
//! Sample       { double value = 1; int64 timestamp = 2 }  milliseconds
//! ```

use std::collections::BTreeMap;

use serde_json::Value;

/// The series that the proof writes.
pub(crate) const METRIC: &str = "kubectl_thanos_proof";
/// The headers that Receive asks for.
pub(crate) const HEADERS: [(&str, &str); 3] = [
    ("content-type", "application/x-protobuf"),
    ("content-encoding", "snappy"),
    ("x-prometheus-remote-write-version", "0.1.0"),
];
/// The label in which Receive keeps the tenant.
const TENANT: &str = "tenant_id";

/// A sample of [`METRIC`] with these labels, ready to be sent.
pub(crate) fn write_request(
    labels: &[(&str, &str)],
    value: f64,
    milliseconds: i64,
) -> Result<Vec<u8>, String> {
    let mut sorted: BTreeMap<&str, &str> = labels.iter().copied().collect();
    sorted.insert("__name__", METRIC);
    let mut series = Vec::new();
    for (name, value) in sorted {
        let mut label = Vec::new();
        field(&mut label, 1, name.as_bytes());
        field(&mut label, 2, value.as_bytes());
        field(&mut series, 1, &label);
    }
    let mut sample = vec![1 << 3 | 1];
    sample.extend_from_slice(&value.to_le_bytes());
    sample.push(2 << 3);
    // A time is never negative here, so no sign is to be kept.
    varint(&mut sample, u64::try_from(milliseconds).unwrap_or_default());
    field(&mut series, 2, &sample);
    let mut request = Vec::new();
    field(&mut request, 1, &series);
    snap::raw::Encoder::new()
        .compress_vec(&request)
        .map_err(|error| error.to_string())
}

/// A field that is as long as it says.
fn field(into: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    into.push(number << 3 | 2);
    varint(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

fn varint(into: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            return into.push(low);
        }
        into.push(low | 0x80);
    }
}

/// The path of the question for that cluster's sample.
pub(crate) fn question(cluster: &str) -> String {
    let query = format!("{METRIC}{{cluster=\"{cluster}\"}}");
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    format!("/api/v1/query?query={query}&dedup=true&partial_response=false")
}

/// The values that an answer holds, each with its tenant; `None`: it is no answer of Query's.
pub(crate) fn answered(body: &[u8]) -> Option<Vec<(f64, Option<String>)>> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    if answer["status"] != "success" {
        return None;
    }
    let series = answer["data"]["result"].as_array()?;
    let read = |series: &Value| {
        let value = series["value"][1].as_str()?.parse().ok()?;
        let tenant = series["metric"][TENANT].as_str().map(str::to_owned);
        Some((value, tenant))
    };
    Some(series.iter().filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_what_the_format_says() {
        let packed = write_request(&[("cluster", "a")], 1.5, 300).unwrap();
        let plain = snap::raw::Decoder::new().decompress_vec(&packed).unwrap();
        let mut expected = vec![0x0a, 62, 0x0a, 32, 0x0a, 8];
        expected.extend_from_slice(b"__name__");
        expected.extend_from_slice(&[0x12, 20]);
        expected.extend_from_slice(METRIC.as_bytes());
        expected.extend_from_slice(&[0x0a, 12, 0x0a, 7]);
        expected.extend_from_slice(b"cluster\x12\x01a");
        expected.extend_from_slice(&[0x12, 12, 0x09]);
        expected.extend_from_slice(&1.5_f64.to_le_bytes());
        expected.extend_from_slice(&[0x10, 0xac, 0x02]);
        assert_eq!(plain, expected);
    }

    #[test]
    fn an_answer_is_read_with_its_tenant() {
        let body = br#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"tenant_id":"t"},"value":[1,"42"]}]}}"#;
        assert_eq!(answered(body), Some(vec![(42.0, Some("t".to_owned()))]));
        assert_eq!(answered(b"<html>"), None);
        assert!(
            question("a")
                .starts_with("/api/v1/query?query=kubectl_thanos_proof%7Bcluster%3D%22a%22%7D")
        );
    }
}
