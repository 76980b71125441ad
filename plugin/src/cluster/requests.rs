//! Requests as `-v` tells them: method, path, status and time. Never a header and never a body.

use std::task::{Context, Poll};
use std::time::Instant;

use futures::future::BoxFuture;
use http::{Request, Response};
use kube::client::Body;
use tower::Service;

use crate::ui::Journal;

/// A service whose requests are noted when they are answered.
#[derive(Clone)]
pub(super) struct Told<S> {
    inner: S,
    journal: Journal,
}

impl<S> Told<S> {
    /// Notes the requests of a service.
    pub(super) fn new(inner: S, journal: Journal) -> Self {
        Self { inner, journal }
    }
}

impl<S, B> Service<Request<Body>> for Told<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let asked = format!("{} {path}", request.method());
        let journal = self.journal.clone();
        let began = Instant::now();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answered = answer.await;
            let status = match &answered {
                Ok(response) => response.status().as_u16().to_string(),
                Err(_) => "no answer".to_owned(),
            };
            let time = began.elapsed().as_millis();
            journal.note(format!("{asked} {status} {time} ms"));
            answered
        })
    }
}
