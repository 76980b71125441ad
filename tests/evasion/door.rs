//! The doors that a try may take: the model of the API server, and the real one.

use anyhow::{Context, Result, ensure};
use hyper::{Method, Request as Http};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use thanos_core::Kind;

use super::server::merge::{LAST_APPLIED, merge, three_way};
use super::server::{Answer, Request, Server, kind_of, with_last_applied};

const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json";
const APPLY: &str = "application/apply-patch+yaml";

/// Where requests go.
pub(super) enum Door<'a> {
    Model(Server<'a>),
    Real(Real),
}

impl Door<'_> {
    pub(super) async fn ask(&mut self, request: &Request) -> Result<Answer> {
        match self {
            Self::Model(server) => Ok(server.ask(request)),
            Self::Real(real) => real.ask(request).await,
        }
    }
}

/// One object in a real cluster.
#[derive(Clone)]
pub(super) struct Real {
    pub(super) client: Client,
    pub(super) namespace: String,
    /// What the object is called there, whatever the plan calls it.
    pub(super) name: String,
    /// Whether nothing is kept: for tries of one request.
    pub(super) dry: bool,
    pub(super) kind: Kind,
}

impl Real {
    async fn ask(&mut self, request: &Request) -> Result<Answer> {
        match request {
            Request::Create(object) => {
                let generated = object["metadata"]["name"]
                    .as_str()
                    .is_none_or(str::is_empty);
                let object = self.placed(object, generated);
                let answer = self.send(Method::POST, "", "", JSON, &object).await?;
                if let (Answer::Stored(stored), true) = (&answer, generated) {
                    stored["metadata"]["name"]
                        .as_str()
                        .context("a name")?
                        .clone_into(&mut self.name);
                }
                Ok(answer)
            }
            Request::Replace(object) => {
                let Some(live) = self.live().await? else {
                    return Ok(Answer::Refused("not found".to_owned()));
                };
                let mut object = self.placed(object, false);
                object["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
                self.send(Method::PUT, &self.own(), "", JSON, &object).await
            }
            Request::Merge(patch) => {
                let mut patch = patch.clone();
                if let Some(metadata) = patch["metadata"].as_object_mut() {
                    metadata.retain(|field, _| field != "name" && field != "namespace");
                }
                self.send(Method::PATCH, &self.own(), "", MERGE, &patch)
                    .await
            }
            Request::Apply(object) => self.apply(object).await,
            Request::ServerApply {
                object,
                manager,
                force,
            } => {
                self.kind = kind_of(object).map_err(anyhow::Error::msg)?;
                let query = format!("fieldManager={manager}&force={force}&fieldValidation=Strict");
                let object = self.placed(object, false);
                self.send(Method::PATCH, &self.own(), &query, APPLY, &object)
                    .await
            }
            Request::Scale(number) => {
                let scale = json!({"spec": {"replicas": number}});
                let answer = self
                    .send(
                        Method::PATCH,
                        &format!("{}/scale", self.own()),
                        "",
                        MERGE,
                        &scale,
                    )
                    .await?;
                // The answer is a Scale: what counts is the object behind it.
                match (answer, self.live().await?) {
                    (Answer::Stored(_), Some(live)) => Ok(Answer::Stored(live)),
                    (refused, _) => Ok(refused),
                }
            }
            Request::Delete => {
                self.send(Method::DELETE, &self.own(), "", JSON, &json!({}))
                    .await
            }
        }
    }

    /// As kubectl does it: the patch is made here, the server sees a merge patch.
    async fn apply(&mut self, object: &Value) -> Result<Answer> {
        let modified = with_last_applied(&self.placed(object, false));
        let Some(live) = self.live().await? else {
            return self.send(Method::POST, "", "", JSON, &modified).await;
        };
        let last = live["metadata"]["annotations"][LAST_APPLIED].as_str();
        let last = last
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_else(|| json!({}));
        let patch = three_way(&last, &modified, &live);
        self.send(Method::PATCH, &self.own(), "", MERGE, &patch)
            .await
    }

    fn own(&self) -> String {
        format!("/{}", self.name)
    }

    /// The object under the name and in the namespace that it has here.
    fn placed(&mut self, object: &Value, generated: bool) -> Value {
        let mut object = object.clone();
        let name = if generated {
            Value::Null
        } else {
            json!(self.name)
        };
        merge(
            &mut object,
            &json!({"metadata": {"namespace": self.namespace, "name": name}}),
        );
        if let Ok(kind) = kind_of(&object) {
            self.kind = kind;
        }
        object
    }

    pub(super) async fn live(&self) -> Result<Option<Value>> {
        match self
            .send(Method::GET, &self.own(), "", JSON, &Value::Null)
            .await?
        {
            Answer::Stored(live) => Ok(Some(live)),
            Answer::Refused(_) => Ok(None),
        }
    }

    async fn send(
        &self,
        method: Method,
        object: &str,
        query: &str,
        content: &str,
        body: &Value,
    ) -> Result<Answer> {
        let dry = if self.dry && method != Method::GET {
            "&dryRun=All"
        } else {
            ""
        };
        let path = format!(
            "/apis/monitoring.coreos.com/{}/namespaces/{}/{}{object}?{query}{dry}",
            self.kind.version(),
            self.namespace,
            self.kind.plural()
        );
        let body = if method == Method::GET {
            Vec::new()
        } else {
            serde_json::to_vec(body)?
        };
        let request = Http::builder()
            .method(method)
            .uri(path)
            .header("content-type", content)
            .body(Body::from(body))?;
        let answer = self
            .client
            .send(request)
            .await
            .context("asking the API server")?;
        let (status, body) = (answer.status(), answer.into_body().collect_bytes().await?);
        let said: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(Answer::Stored(said));
        }
        // A server that fails says nothing about what it lets in. It does refuse what it cannot apply with a 500.
        let message = said["message"].as_str().unwrap_or_default();
        let refused = ["admission webhook", "failed to create typed"]
            .iter()
            .any(|text| message.contains(text));
        ensure!(refused || !status.is_server_error(), "{status} {said}");
        Ok(Answer::Refused(message.to_owned()))
    }
}
