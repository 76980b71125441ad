//! All Kubernetes I/O: one client, and what the verbs ask of a cluster.
//!
//! ```text
//! kubeconfig ─> Cluster ─> resource (where) ─> one request ─> raw JSON | trouble (sorted and worded)
//! ```
//!
//! Objects stay raw JSON, so that no field is lost by a type that does not know it.

use std::collections::BTreeSet;
use std::time::Duration;

use kube::api::{
    DeleteParams, GetParams, ListParams, Patch, PatchParams, PostParams, Preconditions,
};
use kube::client::ClientBuilder;
use kube::core::Request;
use kube::{Client, Config, Error};
use serde_json::{Value, json};
use thanos_core::subject::Kind;
use thanos_core::{codes, names};

use crate::cli::Global;
use crate::facts::World;
use crate::failure::Failure;
use crate::ui::Journal;

mod kubeconfig;
pub(crate) mod live;
mod requests;
pub(crate) mod resource;
mod told;
pub(crate) mod trouble;

use kubeconfig::Settings;
use requests::Told;
use resource::{ACCESS_REVIEWS, At, POLICIES, Resource, VERSION, WIRINGS};
use trouble::{Asked, Sort, Trouble};

/// How long one answer may take, where `--request-timeout` says nothing.
const PATIENCE: Duration = Duration::from_secs(30);
/// As many objects as one page of a list holds.
const PAGE: u32 = 500;

/// One cluster, as one user, in one namespace. Made by the verbs that need one, when they need it.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    server: String,
    /// Who names that server, as a hint.
    origin: String,
    namespace: String,
    /// The kubeconfig's context; `None` where there is no kubeconfig.
    context: Option<String>,
    /// `None` waits for ever.
    patience: Option<Duration>,
}

/// Whether a request is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is.
    Real,
    /// It goes through admission and is then forgotten.
    DryRun,
}

impl Cluster {
    /// Reads the kubeconfig and makes a client, whose requests go into the journal if there is one; asks nobody yet.
    ///
    /// # Errors
    /// No usable kubeconfig (KTH1003).
    pub async fn connect(global: &Global, journal: Option<Journal>) -> Result<Self, Failure> {
        let Settings {
            config: settings,
            origin,
            context,
        } = kubeconfig::settings(global).await?;
        let server = settings.cluster_url.to_string();
        let server = server.trim_end_matches('/').to_owned();
        let namespace = global
            .namespace
            .clone()
            .unwrap_or_else(|| settings.default_namespace.clone());
        let client =
            client(settings, journal).map_err(|error| trouble::no_client(error, &server))?;
        let patience = match global.request_timeout {
            None => Some(PATIENCE),
            Some(time) => (!time.is_zero()).then_some(time),
        };
        Ok(Self {
            client,
            server,
            origin,
            namespace,
            context,
            patience,
        })
    }

    /// The namespace of `-n`, or of the context, or `default`.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The API server's address.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The context of the kubeconfig that is used.
    pub(crate) fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// Refuses to go on in another context than was meant.
    ///
    /// # Errors
    /// It is another (KTH8001).
    pub(crate) fn expect_context(&self, meant: Option<&str>) -> Result<(), Failure> {
        let is = self.context().unwrap_or("none");
        match meant.filter(|meant| *meant != is) {
            None => Ok(()),
            Some(meant) => {
                let message = format!(
                    "the context is {is} ({}), and {meant} was expected",
                    self.server
                );
                Err(Failure::refused(message)
                    .code(codes::WRONG_CONTEXT)
                    .hint(format!(
                        "--context {meant}, if that is the one that is meant"
                    )))
            }
        }
    }

    /// The wirings, as they are stored.
    pub async fn wirings(&self) -> Result<Vec<Value>, Failure> {
        Ok(self.list(&WIRINGS.all()).await?)
    }

    /// The policies, as they are stored; none where the CRD is not served.
    pub async fn policies(&self) -> Result<Vec<Value>, Failure> {
        match self.list(&POLICIES.all()).await {
            Err(trouble) if trouble.sort == Sort::NotServed => Ok(Vec::new()),
            answer => Ok(answer?),
        }
    }

    /// One object, as it is stored.
    pub async fn object(&self, kind: Kind, namespace: &str, name: &str) -> Result<Value, Failure> {
        Ok(self
            .get(&Resource::of(kind).within(namespace).named(name))
            .await?)
    }

    /// The objects of every kind that is judged, in one namespace or everywhere, and the namespaces that hold them.
    pub async fn judged(
        &self,
        namespace: Option<&str>,
    ) -> Result<(Vec<Value>, BTreeSet<String>), Failure> {
        let mut stored = Vec::new();
        for kind in Kind::ALL {
            stored.extend(self.objects(kind, namespace).await?);
        }
        let around = stored
            .iter()
            .filter_map(|object| Some(object.pointer("/metadata/namespace")?.as_str()?.to_owned()))
            .collect();
        Ok((stored, around))
    }

    /// All objects of a kind, in one namespace or everywhere; none where the CRD is not served.
    pub async fn objects(
        &self,
        kind: Kind,
        namespace: Option<&str>,
    ) -> Result<Vec<Value>, Failure> {
        let resource = Resource::of(kind);
        let at = namespace.map_or_else(|| resource.all(), |namespace| resource.within(namespace));
        match self.list(&at).await {
            Err(trouble) if trouble.sort == Sort::NotServed => Ok(Vec::new()),
            answer => Ok(answer?),
        }
    }

    /// What is known of the world around objects in these namespaces: namespaces, CRDs, operator version, and what is
    /// ready for whom by the wirings' status.
    pub async fn world(&self, namespaces: &[&str], wirings: &[Value]) -> Result<World, Failure> {
        live::world(self, namespaces, wirings).await
    }

    /// One object.
    pub(crate) async fn get(&self, at: &At) -> Result<Value, Trouble> {
        let name = at.name.as_deref().unwrap_or_default();
        self.ask(
            "get",
            at,
            Request::new(at.path()).get(name, &GetParams::default()),
        )
        .await
    }

    /// One object, if it is there.
    pub(crate) async fn find(&self, at: &At) -> Result<Option<Value>, Trouble> {
        match self.get(at).await {
            Err(trouble) if trouble.sort == Sort::Absent => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// The same of an object that helps and is not needed: whoever may not read it does without.
    pub(crate) async fn find_if_allowed(&self, at: &At) -> Result<Option<Value>, Trouble> {
        match self.find(at).await {
            Err(trouble) if trouble.sort == Sort::Forbidden => Ok(None),
            found => found,
        }
    }

    /// All objects, page by page.
    pub(crate) async fn list(&self, at: &At) -> Result<Vec<Value>, Trouble> {
        self.selected(at, "").await
    }

    /// Those whose labels a selector takes; an empty one takes all.
    pub(crate) async fn selected(&self, at: &At, labels: &str) -> Result<Vec<Value>, Trouble> {
        self.pages(at, labels, |request, page| request.list(page))
            .await
    }

    /// The same, of which the API server sends nothing but the metadata.
    pub(crate) async fn metadata(&self, at: &At, labels: &str) -> Result<Vec<Value>, Trouble> {
        self.pages(at, labels, |request, page| request.list_metadata(page))
            .await
    }

    async fn pages(
        &self,
        at: &At,
        labels: &str,
        ask: impl Fn(Request, &ListParams) -> Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Vec<Value>, Trouble> {
        let mut objects = Vec::new();
        let mut page = ListParams::default().limit(PAGE);
        if !labels.is_empty() {
            page = page.labels(labels);
        }
        loop {
            let mut answer = self
                .ask("list", at, ask(Request::new(at.path()), &page))
                .await?;
            if let Some(Value::Array(items)) = answer.get_mut("items").map(Value::take) {
                objects.extend(items);
            }
            match answer["metadata"]["continue"].as_str() {
                Some(token) if !token.is_empty() => page = page.continue_token(token),
                _ => return Ok(objects),
            }
        }
    }

    /// Makes an object; what it has become by admission comes back.
    pub(crate) async fn create(
        &self,
        at: &At,
        object: &Value,
        mode: Mode,
    ) -> Result<Value, Trouble> {
        let parameters = PostParams {
            dry_run: mode == Mode::DryRun,
            field_manager: Some(names::MANAGER_PLUGIN.to_owned()),
        };
        let body = serde_json::to_vec(object).unwrap_or_default();
        self.ask(
            "create",
            at,
            Request::new(at.path()).create(&parameters, body),
        )
        .await
    }

    /// Server-side apply, never against another manager.
    pub(crate) async fn apply(&self, at: &At, object: &Value) -> Result<Value, Trouble> {
        self.patch(
            at,
            &PatchParams::apply(names::MANAGER_PLUGIN),
            &Patch::Apply(object),
        )
        .await
    }

    /// Lays members over those that are there.
    pub(crate) async fn merge(&self, at: &At, members: &Value) -> Result<Value, Trouble> {
        self.patch(at, &by_us(), &Patch::Merge(members)).await
    }

    /// Edits by pointer.
    pub(crate) async fn edit(&self, at: &At, edits: json_patch::Patch) -> Result<Value, Trouble> {
        self.patch(at, &by_us(), &Patch::Json::<()>(edits)).await
    }

    async fn patch<P: serde::Serialize>(
        &self,
        at: &At,
        parameters: &PatchParams,
        patch: &Patch<P>,
    ) -> Result<Value, Trouble> {
        let name = at.name.as_deref().unwrap_or_default();
        self.ask(
            "patch",
            at,
            Request::new(at.path()).patch(name, parameters, patch),
        )
        .await
    }

    /// Deletes exactly this object, and not another that has its name by now.
    pub(crate) async fn delete(&self, at: &At, object: &Value) -> Result<(), Trouble> {
        let name = at.name.as_deref().unwrap_or_default();
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let preconditions = Preconditions {
            uid: text("/metadata/uid"),
            resource_version: text("/metadata/resourceVersion"),
        };
        let parameters = DeleteParams::default().preconditions(preconditions);
        self.ask(
            "delete",
            at,
            Request::new(at.path()).delete(name, &parameters),
        )
        .await
        .map(drop)
    }

    /// Whether whoever asks may do that.
    pub(crate) async fn may(&self, verb: &str, at: &At) -> Result<bool, Failure> {
        let attributes = json!({
            "verb": verb, "group": at.resource.group, "resource": at.resource.plural,
            "namespace": at.namespace.as_deref().unwrap_or_default(),
            "name": at.name.as_deref().unwrap_or_default(),
        });
        let review = json!({
            "apiVersion": ACCESS_REVIEWS.api_version(), "kind": ACCESS_REVIEWS.kind,
            "spec": {"resourceAttributes": attributes},
        });
        let answer = self
            .create(&ACCESS_REVIEWS.all(), &review, Mode::Real)
            .await?;
        Ok(answer["status"]["allowed"] == true)
    }

    /// The API server's version, as it words it.
    pub(crate) async fn version(&self) -> Result<String, Failure> {
        let at = VERSION.all();
        let asked = Asked {
            verb: "get",
            at: &at,
            server: &self.server,
            origin: &self.origin,
        };
        let answer = self
            .within_patience(&asked, self.client.apiserver_version())
            .await?;
        Ok(answer.git_version)
    }

    /// One request, within the time for one answer.
    async fn ask(
        &self,
        verb: &'static str,
        at: &At,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Value, Trouble> {
        let asked = Asked {
            verb,
            at,
            server: &self.server,
            origin: &self.origin,
        };
        at.check().map_err(Asked::misnamed)?;
        let request = request.map_err(|error| asked.failed(Error::BuildRequest(error)))?;
        self.within_patience(&asked, self.client.request::<Value>(request))
            .await
    }

    async fn within_patience<T>(
        &self,
        asked: &Asked<'_>,
        answer: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Trouble> {
        let answered = match self.patience {
            Some(patience) => tokio::time::timeout(patience, answer)
                .await
                .map_err(|_| asked.unanswered(patience))?,
            None => answer.await,
        };
        answered.map_err(|error| asked.failed(error))
    }
}

fn client(settings: Config, journal: Option<Journal>) -> kube::Result<Client> {
    let Some(journal) = journal else {
        return Client::try_from(settings);
    };
    let told = tower::layer::layer_fn(|inner| Told::new(inner, journal.clone()));
    Ok(ClientBuilder::try_from(settings)?.with_layer(&told).build())
}

fn by_us() -> PatchParams {
    PatchParams {
        field_manager: Some(names::MANAGER_PLUGIN.to_owned()),
        ..PatchParams::default()
    }
}
