//! Plain requests to the real programs' own interfaces, over HTTP or TLS, with or without a password.

use anyhow::{Context, Result, ensure};
use http_body_util::BodyExt;
use hyper::{Method, Request, StatusCode, Uri, header};
use kube::client::Body;
use kube::{Client, Config};

use crate::certificates;

/// A client of one server. Only what comes back is judged, never its status: see [`Answer::fine`].
#[derive(Clone)]
pub struct Http {
    client: Client,
    /// What the server is called, where its address is not its name.
    host: Option<String>,
}

/// What a server said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body, read to its end.
    pub body: String,
}

impl Answer {
    /// The body, if the status is a good one.
    ///
    /// # Errors
    /// The status and the body otherwise.
    pub fn fine(self) -> Result<String> {
        ensure!(
            self.status.is_success(),
            "{}: {}",
            self.status,
            self.body.trim()
        );
        Ok(self.body)
    }
}

impl Http {
    /// A client of `http://…`, or of `https://…` with the system's authorities.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(base: &str) -> Result<Self> {
        Self::build(config(base)?)
    }

    /// A client of `https://…` that trusts this authority alone.
    ///
    /// # Errors
    /// When the address or the PEM is none.
    pub fn trusting(base: &str, ca_pem: &str) -> Result<Self> {
        let mut config = config(base)?;
        config.root_cert = Some(certificates::der(ca_pem)?);
        Self::build(config)
    }

    /// As [`Http::trusting`], with a user and a password on every request.
    ///
    /// # Errors
    /// When the address or the PEM is none.
    pub fn as_user(base: &str, ca_pem: &str, user: &str, password: &str) -> Result<Self> {
        let mut config = config(base)?;
        config.root_cert = Some(certificates::der(ca_pem)?);
        config.auth_info.username = Some(user.to_owned());
        config.auth_info.password = Some(password.to_owned().into());
        Self::build(config)
    }

    /// A client of the server `host` at the address of `base`: as a client is whose DNS leads there.
    ///
    /// # Errors
    /// When the address or the PEM is none.
    pub fn named(base: &str, host: &str, ca_pem: &str, user: Option<(&str, &str)>) -> Result<Self> {
        let mut config = config(base)?;
        config.root_cert = Some(certificates::der(ca_pem)?);
        config.tls_server_name = Some(host.to_owned());
        if let Some((name, password)) = user {
            config.auth_info.username = Some(name.to_owned());
            config.auth_info.password = Some(password.to_owned().into());
        }
        let mut client = Self::build(config)?;
        client.host = Some(host.to_owned());
        Ok(client)
    }

    fn build(config: Config) -> Result<Self> {
        Ok(Self {
            client: Client::try_from(config).context("an HTTP client")?,
            host: None,
        })
    }

    /// GET.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    /// POST of a form or anything else, by its content type.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn post(
        &self,
        path: &str,
        content_type: &str,
        body: impl Into<Vec<u8>>,
    ) -> Result<Answer> {
        self.send(
            Method::POST,
            path,
            &[(header::CONTENT_TYPE.as_str(), content_type)],
            body.into(),
        )
        .await
    }

    /// Any request.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer> {
        let what = format!("{method} {path}");
        let mut request = Request::builder().method(method).uri(path);
        if let Some(host) = &self.host {
            request = request.header(header::HOST, host);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Body::from(body))
            .with_context(|| what.clone())?;
        let (head, body) = self
            .client
            .send(request)
            .await
            .with_context(|| what.clone())?
            .into_parts();
        let bytes = body.collect().await.context(what)?.to_bytes();
        Ok(Answer {
            status: head.status,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }
}

fn config(base: &str) -> Result<Config> {
    let mut config = Config::new(
        base.parse::<Uri>()
            .with_context(|| format!("{base} is no address"))?,
    );
    // A test wants to see a 429 or a 503, not its repetition.
    config.default_retry = false;
    Ok(config)
}
