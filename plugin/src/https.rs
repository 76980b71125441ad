//! One HTTPS request to a host at an address that no name need lead to yet: the name goes into the handshake and the
//! Host header, so that certificates and routes are those of the public way.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;

use crate::enroll::hidden::Hidden;

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// As much of an answer as is read.
const LIMIT: usize = 1024 * 1024;
const PORT: u16 = 443;

/// A host at an address.
#[derive(Clone)]
pub(crate) struct Https {
    /// `ADDRESS:PORT`.
    address: String,
    host: String,
    tls: Arc<ClientConfig>,
}

/// One request.
pub(crate) struct Asked<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) user: &'a str,
    pub(crate) password: &'a Hidden,
    pub(crate) headers: &'a [(&'static str, &'static str)],
    pub(crate) body: Vec<u8>,
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The first line of what was said, for people.
    pub(crate) fn words(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let line = text.lines().next().unwrap_or_default();
        line.chars().take(200).collect()
    }
}

impl Https {
    /// `address` is an address or a name, with a port where it is not 443. Trusts the authorities of this machine, or
    /// only the one that is given.
    ///
    /// # Errors
    /// No authority can be used, in words.
    pub(crate) fn new(
        address: &str,
        host: &str,
        authority: Option<&Hidden>,
    ) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        if let Some(authority) = authority {
            for certificate in CertificateDer::pem_slice_iter(authority.reveal()) {
                let certificate = certificate.map_err(|error| error.to_string())?;
                roots.add(certificate).map_err(|error| error.to_string())?;
            }
        } else {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            address: with_port(address),
            host: host.to_owned(),
            tls: Arc::new(tls),
        })
    }

    /// Asks.
    ///
    /// # Errors
    /// No answer within ten seconds, or no trust: in words, from the outside to the inside.
    pub(crate) async fn ask(&self, asked: Asked<'_>) -> Result<Answer, String> {
        tokio::time::timeout(PATIENCE, self.within(asked))
            .await
            .map_err(|_| {
                format!(
                    "{} gives no answer within {} s",
                    self.address,
                    PATIENCE.as_secs()
                )
            })?
    }

    async fn within(&self, asked: Asked<'_>) -> Result<Answer, String> {
        let address = &self.address;
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| format!("{address} takes no connection: {error}"))?;
        let name = ServerName::try_from(self.host.clone()).map_err(|error| error.to_string())?;
        let stream = tokio_rustls::TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, stream)
            .await
            .map_err(|error| format!("{address} as {}: {error}", self.host))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| format!("{address} speaks no HTTP: {error}"))?;
        let request = self.request(asked)?;
        let answered = async {
            let response = sender
                .send_request(request)
                .await
                .map_err(|error| error.to_string())?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LIMIT).collect().await;
            let body = body.map_err(|error| error.to_string())?.to_bytes().to_vec();
            Ok(Answer { status, body })
        };
        tokio::select! {
            answered = answered => answered,
            Err(error) = connection => Err(format!("{address}: {error}")),
        }
    }

    fn request(&self, asked: Asked<'_>) -> Result<Request<Full<Bytes>>, String> {
        let mut login = format!("{}:", asked.user).into_bytes();
        login.extend_from_slice(asked.password.reveal());
        let mut request = Request::builder()
            .method(asked.method)
            .uri(asked.path)
            .header(header::HOST, &self.host)
            .header(
                header::USER_AGENT,
                concat!("kubectl-thanos/", env!("CARGO_PKG_VERSION")),
            )
            .header(
                header::AUTHORIZATION,
                format!("Basic {}", BASE64_STANDARD.encode(login)),
            );
        for (name, value) in asked.headers {
            request = request.header(*name, *value);
        }
        request
            .body(Full::new(Bytes::from(asked.body)))
            .map_err(|error| error.to_string())
    }
}

/// `1.2.3.4`, `1.2.3.4:8443`, `::1`, `[::1]:8443`, `name`, `name:8443`.
fn with_port(address: &str) -> String {
    let is_v6 = address.parse::<std::net::Ipv6Addr>().is_ok();
    let has_port = !is_v6
        && address
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    match (is_v6, has_port) {
        (true, _) => format!("[{address}]:{PORT}"),
        (_, true) => address.to_owned(),
        (_, false) => format!("{address}:{PORT}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_get_a_port() {
        for (given, meant) in [
            ("10.0.0.1", "10.0.0.1:443"),
            ("10.0.0.1:8443", "10.0.0.1:8443"),
            ("::1", "[::1]:443"),
            ("[::1]:8443", "[::1]:8443"),
            ("lb.example.com", "lb.example.com:443"),
        ] {
            assert_eq!(with_port(given), meant);
        }
    }
}
