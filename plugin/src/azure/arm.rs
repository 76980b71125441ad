//! Azure Resource Manager: requests with a token, again where it failed in passing, and the end of what goes on there.
//!
//! Follows "Track asynchronous Azure operations" and "Understand how Azure Resource Manager throttles requests":
//! `Azure-AsyncOperation`, else `Location`, else `provisioningState`; `Retry-After` is heeded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;
use url::Url;

use super::Pace;
use super::cloud::Cloud;
use super::http::{Http, Reply};
use super::identity::{Caller, Identity};
use crate::failure::Failure;

mod trouble;

pub(super) use trouble::Trouble;

/// As often as one request is sent.
const ATTEMPTS: u32 = 7;
/// No server may make us wait longer before the next attempt.
const LONGEST: Duration = Duration::from_secs(120);
const PAGES: usize = 50;

/// A client of Azure Resource Manager.
pub(crate) struct Arm {
    http: Arc<Http>,
    identity: Arc<Identity>,
    cloud: Cloud,
    pace: Pace,
    writes: AtomicU32,
}

/// Only if what is there is as it was seen, or is not there.
#[derive(Clone, Copy)]
pub(super) enum Only<'a> {
    Always,
    New,
    Etag(&'a str),
}

impl Arm {
    pub(super) fn new(http: Arc<Http>, identity: Arc<Identity>, cloud: Cloud, pace: Pace) -> Self {
        Self {
            http,
            identity,
            cloud,
            pace,
            writes: AtomicU32::new(0),
        }
    }

    /// How many writing requests were sent.
    pub(super) fn writes(&self) -> u32 {
        self.writes.load(Ordering::Relaxed)
    }

    /// One more writing request, to something else than ARM.
    pub(super) fn count_write(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// Who we are.
    pub(super) async fn caller(&self) -> Result<Caller, Failure> {
        self.identity.caller(&self.cloud.arm_scope).await
    }

    /// What is there, if anything is.
    pub(super) async fn get(&self, id: &str, version: &str) -> Result<Option<Value>, Trouble> {
        let url = self.url(id, version, None)?;
        match self.send(Method::GET, &url, None, Only::Always).await {
            Ok(reply) => Ok(Some(reply.json())),
            Err(trouble) if trouble.is_absence() => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// Every page of a list; nothing where its parent is missing.
    pub(super) async fn list(
        &self,
        path: &str,
        version: &str,
        filter: Option<&str>,
    ) -> Result<Vec<Value>, Trouble> {
        let mut url = self.url(path, version, filter)?;
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let reply = match self.send(Method::GET, &url, None, Only::Always).await {
                Ok(reply) => reply.json(),
                Err(trouble) if trouble.is_absence() => return Ok(Vec::new()),
                Err(trouble) => return Err(trouble),
            };
            found.extend(reply["value"].as_array().cloned().unwrap_or_default());
            match reply["nextLink"].as_str().filter(|link| !link.is_empty()) {
                Some(link) => url = self.own(link)?,
                None => break,
            }
        }
        Ok(found)
    }

    /// A question that is sent as a POST and changes nothing.
    pub(super) async fn ask(
        &self,
        path: &str,
        version: &str,
        body: &Value,
    ) -> Result<Value, Trouble> {
        let url = self.url(path, version, None)?;
        let reply = self
            .send(Method::POST, &url, Some(body), Only::Always)
            .await?;
        Ok(reply.json())
    }

    /// Makes or replaces a resource, and waits until it is there. Gives what it became.
    pub(super) async fn put(
        &self,
        id: &str,
        version: &str,
        body: &Value,
        only: Only<'_>,
        waits: &mut dyn FnMut(&str),
    ) -> Result<Value, Trouble> {
        self.write(Method::PUT, id, version, body, only, waits)
            .await
    }

    /// Changes some properties of a resource.
    pub(super) async fn patch(
        &self,
        id: &str,
        version: &str,
        body: &Value,
        waits: &mut dyn FnMut(&str),
    ) -> Result<Value, Trouble> {
        self.write(Method::PATCH, id, version, body, Only::Always, waits)
            .await
    }

    /// Waits until a resource that is being made is there.
    pub(super) async fn made(
        &self,
        id: &str,
        version: &str,
        waits: &mut dyn FnMut(&str),
    ) -> Result<Value, Trouble> {
        let deadline = Instant::now() + self.pace.making;
        loop {
            let found = self.get(id, version).await?;
            let state = found
                .as_ref()
                .and_then(|found| found["properties"]["provisioningState"].as_str());
            match (state, found.as_ref()) {
                (Some("Failed" | "Canceled"), Some(found)) => {
                    return Err(Trouble::operation(id, &found["properties"]));
                }
                (None | Some("Succeeded"), Some(found)) => return Ok(found.clone()),
                _ => {}
            }
            waits("Azure to make it");
            self.rest(id, deadline, None).await?;
        }
    }

    async fn write(
        &self,
        method: Method,
        id: &str,
        version: &str,
        body: &Value,
        only: Only<'_>,
        waits: &mut dyn FnMut(&str),
    ) -> Result<Value, Trouble> {
        let url = self.url(id, version, None)?;
        let reply = self.send(method, &url, Some(body), only).await?;
        let operation = reply
            .header("azure-asyncoperation")
            .or_else(|| reply.header("location").filter(|_| reply.status == 202));
        if let Some(operation) = operation {
            let operation = self.own(operation)?;
            self.operation(id, &operation, pause(&reply), waits).await?;
            return self.made(id, version, waits).await;
        }
        let made = reply.json();
        match made["properties"]["provisioningState"].as_str() {
            Some("Succeeded") => Ok(made),
            None if made.is_object() => Ok(made),
            _ => self.made(id, version, waits).await,
        }
    }

    /// Follows an operation to its end: `status` in the body of an `Azure-AsyncOperation`, the status code of a
    /// `Location`.
    async fn operation(
        &self,
        id: &str,
        url: &Url,
        first: Option<Duration>,
        waits: &mut dyn FnMut(&str),
    ) -> Result<(), Trouble> {
        let deadline = Instant::now() + self.pace.making;
        let mut wait = first;
        loop {
            waits("Azure to make it");
            self.rest(id, deadline, wait).await?;
            let reply = self.send(Method::GET, url, None, Only::Always).await?;
            let body = reply.json();
            match body["status"].as_str() {
                Some("Succeeded") => return Ok(()),
                Some("Failed" | "Canceled") => return Err(Trouble::operation(id, &body)),
                None if reply.status != 202 => return Ok(()),
                _ => wait = pause(&reply),
            }
        }
    }

    async fn rest(
        &self,
        id: &str,
        deadline: Instant,
        wait: Option<Duration>,
    ) -> Result<(), Trouble> {
        if Instant::now() >= deadline {
            return Err(Trouble::late(id, self.pace.making));
        }
        tokio::time::sleep(wait.unwrap_or(self.pace.look).min(LONGEST)).await;
        Ok(())
    }

    /// Sends a request until it is answered for good.
    async fn send(
        &self,
        method: Method,
        url: &Url,
        body: Option<&Value>,
        only: Only<'_>,
    ) -> Result<Reply, Trouble> {
        let what = format!("{method} {}", url.path());
        let bytes = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let mut again = self.pace.again;
        let mut renewed = false;
        for attempt in 1.. {
            let token = self
                .identity
                .token(&self.cloud.arm_scope)
                .await
                .map_err(Trouble::login)?;
            if method == Method::PUT || method == Method::PATCH || method == Method::DELETE {
                self.count_write();
            }
            let headers = headers(token.secret(), body.is_some(), only);
            let sent = self
                .http
                .send(method.clone(), url, headers, bytes.clone())
                .await;
            let trouble = match sent {
                Ok(reply) if reply.status < 300 => return Ok(reply),
                Ok(reply) => {
                    let trouble = Trouble::answered(&what, &reply);
                    if reply.status == 401 && !renewed {
                        renewed = true;
                        self.identity.forget();
                        continue;
                    }
                    if !trouble.passes() || attempt >= ATTEMPTS {
                        return Err(trouble);
                    }
                    again = pause(&reply).unwrap_or(again);
                    trouble
                }
                Err(error) => Trouble::silent(&what, &error),
            };
            if attempt >= ATTEMPTS {
                return Err(trouble);
            }
            tokio::time::sleep(again.min(LONGEST)).await;
            again = (again * 2).max(self.pace.again);
        }
        Err(Trouble::late(&what, self.pace.making))
    }

    fn url(&self, id: &str, version: &str, filter: Option<&str>) -> Result<Url, Trouble> {
        let mut url = self.own(id)?;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("api-version", version);
            if let Some(filter) = filter {
                query.append_pair("$filter", filter);
            }
        }
        Ok(url)
    }

    /// An address of ARM: the token goes nowhere else.
    fn own(&self, link: &str) -> Result<Url, Trouble> {
        let arm = &self.cloud.arm;
        let url = arm.join(link).map_err(|_| Trouble::odd(link))?;
        let host = url.host_str().unwrap_or_default();
        let home = arm.host_str().unwrap_or_default();
        let is_region = host
            .strip_suffix(home)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        if is_region && url.scheme() == "https" && url.port() == arm.port() {
            Ok(url)
        } else {
            Err(Trouble::odd(link))
        }
    }
}

fn headers(token: &str, has_body: bool, only: Only<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}")) {
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if has_body {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    match only {
        Only::Always => {}
        Only::New => {
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        Only::Etag(etag) => {
            if let Ok(etag) = HeaderValue::from_str(etag) {
                headers.insert(header::IF_MATCH, etag);
            }
        }
    }
    headers
}

/// `Retry-After` in seconds.
pub(super) fn pause(reply: &Reply) -> Option<Duration> {
    let seconds = reply.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
