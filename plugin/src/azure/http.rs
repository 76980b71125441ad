//! HTTP for everything of Azure, over the same TLS and proxies as the cluster's client: one stack in the program.
//!
//! The system's authorities are trusted (`SSL_CERT_FILE` adds to them), `HTTPS_PROXY` and `NO_PROXY` are heeded, no
//! redirect is followed, and nothing is repeated: who calls knows what may be repeated.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request};
use http::{HeaderMap, Method, Uri};
use kube::{Client, Config};
use url::Url;

use crate::surroundings::Surroundings;

const PATIENCE: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(10);

/// Clients by origin, made when they are needed.
pub(super) struct Http {
    clients: Mutex<BTreeMap<String, Client>>,
    proxy: Option<String>,
    direct: Vec<String>,
}

/// What a server said.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// A header's text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body, if it is JSON; else null.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// No answer came: the host, and why.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{host} does not answer: {why}")]
pub(super) struct NoReply {
    pub(super) host: String,
    pub(super) why: String,
}

impl Http {
    pub(super) fn new(around: &Surroundings) -> Arc<Self> {
        let either = |upper: &str, lower| around.variable(upper).or_else(|| around.variable(lower));
        let direct = either("NO_PROXY", "no_proxy").unwrap_or_default();
        Arc::new(Self {
            clients: Mutex::default(),
            proxy: either("HTTPS_PROXY", "https_proxy").map(str::to_owned),
            direct: direct
                .split(',')
                .map(|name| name.trim().trim_start_matches('.').to_ascii_lowercase())
                .filter(|name| !name.is_empty())
                .collect(),
        })
    }

    /// Sends a request and reads the answer to its end.
    pub(super) async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Reply, NoReply> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let failed = |why: String| NoReply {
            host: host.clone(),
            why,
        };
        let client = self.client(url).map_err(failed)?;
        let mut request = http::Request::new(kube::client::Body::from(body));
        *request.method_mut() = method;
        *request.headers_mut() = headers;
        *request.uri_mut() = uri(url).map_err(failed)?;
        let exchange = async {
            let (head, body) = client.send(request).await?.into_parts();
            let body = body.collect_bytes().await?;
            Ok::<_, kube::Error>((head, body))
        };
        let (head, body) = tokio::time::timeout(PATIENCE, exchange)
            .await
            .map_err(|_| failed(format!("nothing within {} s", PATIENCE.as_secs())))?
            .map_err(|error| failed(innermost(&error)))?;
        Ok(Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            body: body.to_vec(),
        })
    }

    fn client(&self, url: &Url) -> Result<Client, String> {
        let origin = url.origin().ascii_serialization();
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&origin) {
            return Ok(client.clone());
        }
        let base: Uri = origin
            .parse()
            .map_err(|_| "its address is none".to_owned())?;
        let mut config = Config::new(base);
        config.connect_timeout = Some(CONNECT);
        config.default_retry = false;
        config.proxy_url = self.proxy_for(url)?;
        let client = Client::try_from(config).map_err(|error| innermost(&error))?;
        clients.insert(origin, client.clone());
        Ok(client)
    }

    /// Plain HTTP is loopback or the link-local metadata service: never through a proxy.
    fn proxy_for(&self, url: &Url) -> Result<Option<Uri>, String> {
        let Some(proxy) = self.proxy.as_deref().filter(|_| url.scheme() == "https") else {
            return Ok(None);
        };
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let goes_directly = self.direct.iter().any(|name| {
            name == "*"
                || host == *name
                || host
                    .strip_suffix(name.as_str())
                    .is_some_and(|rest| rest.ends_with('.'))
        });
        if goes_directly {
            return Ok(None);
        }
        let parsed = proxy.parse().map_err(|_| "HTTPS_PROXY is no address")?;
        Ok(Some(parsed))
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Http")
    }
}

#[async_trait::async_trait]
impl HttpClient for Http {
    /// For the credentials of azure_identity.
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let broken =
            |why: String| azure_core::Error::with_message(azure_core::error::ErrorKind::Other, why);
        let mut headers = HeaderMap::new();
        for (name, value) in request.headers().iter() {
            let name = http::HeaderName::from_bytes(name.as_str().as_bytes());
            let value = http::HeaderValue::from_str(value.as_str());
            let (Ok(name), Ok(mut value)) = (name, value) else {
                return Err(broken("a header cannot be sent".to_owned()));
            };
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let Body::Bytes(body) = request.body() else {
            return Err(broken("a stream cannot be sent".to_owned()));
        };
        let method = Method::from_bytes(request.method().as_str().as_bytes())
            .map_err(|_| broken("no such method".to_owned()))?;
        let reply = self
            .send(method, request.url(), headers, body.to_vec())
            .await
            .map_err(|error| {
                azure_core::Error::with_message(azure_core::error::ErrorKind::Io, error.to_string())
            })?;
        let mut headers = Headers::new();
        for (name, value) in &reply.headers {
            if let Ok(value) = value.to_str() {
                headers.insert(name.as_str().to_owned(), value.to_owned());
            }
        }
        Ok(AsyncRawResponse::from_bytes(
            reply.status.into(),
            headers,
            reply.body,
        ))
    }
}

fn uri(url: &Url) -> Result<Uri, String> {
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    path.parse()
        .map_err(|_| "its path cannot be sent".to_owned())
}

/// The last cause: what lies above it says only that a request failed.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(no_proxy: &str, url: &str) -> Option<String> {
        let around = Surroundings::bare()
            .with("HTTPS_PROXY", "http://proxy:3128")
            .with("NO_PROXY", no_proxy);
        let found = Http::new(&around).proxy_for(&url.parse().unwrap()).unwrap();
        found.map(|uri| uri.to_string())
    }

    #[test]
    fn a_proxy_is_taken_but_for_the_hosts_that_are_named() {
        let arm = "https://management.azure.com/subscriptions";
        assert_eq!(proxy("", arm).as_deref(), Some("http://proxy:3128/"));
        assert_eq!(proxy("azure.com", arm), None);
        assert_eq!(proxy("localhost, .azure.com", arm), None);
        assert_eq!(proxy("*", arm), None);
        assert!(proxy("zure.com", arm).is_some());
        assert_eq!(proxy("", "http://169.254.169.254/metadata"), None);
    }
}
