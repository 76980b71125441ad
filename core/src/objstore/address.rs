//! Endpoints, bucket names and keys, as the providers' SDKs check them before they connect.

use std::net::IpAddr;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::url::{self, Url};

/// What minio-go says of an S3 endpoint, in better words.
///
/// <https://github.com/minio/minio-go/blob/v7.0.93/utils.go>
pub(super) fn s3_fault(endpoint: &str) -> Option<&'static str> {
    let Some(url) = url::parse(&format!("https://{endpoint}")) else {
        return Some(if endpoint.contains("://") {
            "must be host[:port] without a scheme: for plain HTTP set insecure: true"
        } else {
            "must be host[:port], as s3.eu-central-1.amazonaws.com"
        });
    };
    let host = url.hostname();
    if !matches!(url.path.as_slice(), b"" | b"/") {
        return Some(if endpoint.contains("://") {
            "must be host[:port] without a scheme: for plain HTTP set insecure: true"
        } else {
            "must be host[:port] without a path: the bucket's name belongs into bucket"
        });
    }
    if host.parse::<IpAddr>().is_err() && !is_domain(&host) {
        return Some("must be host[:port], as s3.eu-central-1.amazonaws.com");
    }
    if host.contains(".s3.amazonaws.com") && !is_amazon(&host) {
        return Some("must be Amazon's own host, as s3.amazonaws.com, without the bucket's name");
    }
    if host.contains(".googleapis.com") && host != "storage.googleapis.com" {
        return Some("must be storage.googleapis.com where it is Google's");
    }
    None
}

fn is_domain(host: &str) -> bool {
    let host = host.trim();
    (1..=255).contains(&host.len())
        && !host.starts_with(['-', '_', '.'])
        && !host.ends_with(['-', '_'])
        && !host.contains(|letter| "`~!@#$%^&*()+={}[]|\\\"';:><?/".contains(letter))
}

/// Whether minio-go finds a region in a host that holds `.s3.amazonaws.com`; of its patterns those that can match.
fn is_amazon(host: &str) -> bool {
    let Some(rest) = host.strip_suffix("com").and_then(|rest| {
        let rest = rest.get(..rest.len().checked_sub(1)?)?;
        let rest = rest.strip_suffix("amazonaws")?;
        rest.get(..rest.len().checked_sub(1)?)
    }) else {
        return false;
    };
    if host.contains("elb") {
        return false;
    }
    let Some(region) = rest.strip_prefix("s3").and_then(|rest| rest.get(1..)) else {
        return false;
    };
    let special = ["xpress-", "dualstack.", "control.", "website-"];
    rest.starts_with("s3-") && !region.is_empty()
        || !region.is_empty() && !special.iter().any(|start| region.starts_with(start))
}

/// <https://github.com/aliyun/aliyun-oss-go-sdk/blob/v3.0.2/oss/utils.go>
pub(super) fn is_aliyun_bucket(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (3..=63).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// What Go's transport would dial.
pub(super) fn is_http(address: &str) -> bool {
    let is_ours =
        |url: &Url| matches!(url.scheme.as_str(), "http" | "https") && !url.host.is_empty();
    url::parse(address).is_some_and(|url| is_ours(&url))
}

/// What Azure's SDK says of a connection string. `looks`: whether the container is looked for at once.
///
/// `ParseConnectionString` in
/// <https://github.com/Azure/azure-sdk-for-go/blob/sdk/storage/azblob/v1.6.1/sdk/storage/azblob/internal/shared/shared.go>
pub(super) fn connection_fault(text: &str, container: &str, looks: bool) -> Option<&'static str> {
    let mut parts = Vec::new();
    for part in text.trim_end_matches(';').split(';') {
        match part.split_once('=') {
            Some(pair) => parts.push(pair),
            None => {
                return Some(
                    "must be a connection string, as the portal shows it: Name=value;Name=value",
                );
            }
        }
    }
    let get = |name: &str| {
        let mut values = parts.iter().rev().filter(|(key, _)| *key == name);
        values.next().map(|(_, value)| *value)
    };
    let (account, key) = (get("AccountName"), get("AccountKey"));
    let address = match (get("BlobEndpoint"), account) {
        (Some(endpoint), _) => endpoint.to_owned(),
        (None, Some(account)) => format!(
            "{}://{account}.blob.{}",
            get("DefaultEndpointsProtocol").unwrap_or("https"),
            get("EndpointSuffix").unwrap_or("core.windows.net")
        ),
        (None, None) => return Some("must hold AccountName or BlobEndpoint"),
    };
    let slash = if address.ends_with('/') { "" } else { "/" };
    let mut address = format!("{address}{slash}{container}");
    match (account, key, get("SharedAccessSignature")) {
        (Some(account), Some(key), _) => {
            if !account.is_empty() && !key.is_empty() && !is_base64(key) {
                return Some("must hold the account key as the portal shows it, which is base64");
            }
        }
        (_, _, Some(signature)) => address = format!("{address}?{signature}"),
        _ => return Some("must hold AccountKey or SharedAccessSignature"),
    }
    (looks && !is_http(&address)).then_some("must give an http or https address")
}

/// Go skips line ends and does not mind bits left over.
pub(super) fn is_base64(text: &str) -> bool {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
    let kept: String = text
        .chars()
        .filter(|letter| !matches!(letter, '\r' | '\n'))
        .collect();
    GeneralPurpose::new(&STANDARD, config).decode(kept).is_ok()
}

/// Whether it looks like PEM. What is inside a key is not judged.
pub(super) fn is_pem(text: &str) -> bool {
    x509_parser::pem::Pem::iter_from_buffer(text.as_bytes()).any(|block| block.is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_minios() {
        for fine in [
            "s3.amazonaws.com",
            "minio:9000",
            "10.0.0.1",
            "[::1]:9000",
            "s3-x.s3.amazonaws.com",
            "a/",
        ] {
            assert_eq!(s3_fault(fine), None, "{fine}");
        }
        for bad in [
            "https://a",
            "http://a/",
            "a/b",
            "b.s3.amazonaws.com",
            "x.googleapis.com",
            "a:b",
            "-a",
            "a b",
        ] {
            assert!(s3_fault(bad).is_some(), "{bad}");
        }
        assert!(s3_fault("https://a").unwrap().contains("scheme"));
    }

    #[test]
    fn connection_strings_are_azures() {
        let fault = |text: &str| connection_fault(text, "c", true);
        assert_eq!(fault("AccountName=a;AccountKey=aGk=;"), None);
        assert_eq!(
            fault("BlobEndpoint=http://a/;SharedAccessSignature=s=1"),
            None
        );
        assert!(fault("AccountName=a").unwrap().contains("AccountKey"));
        assert!(fault("AccountKey=aGk=").unwrap().contains("AccountName"));
        assert!(
            fault("AccountName=a;AccountKey=x")
                .unwrap()
                .contains("base64")
        );
        assert!(fault("nonsense").unwrap().contains("portal"));
        assert!(
            fault("BlobEndpoint=a;SharedAccessSignature=s")
                .unwrap()
                .contains("http")
        );
        assert_eq!(
            connection_fault("BlobEndpoint=a;SharedAccessSignature=s", "c", false),
            None
        );
    }
}
