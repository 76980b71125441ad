//! From `--kubeconfig`, `KUBECONFIG` and `--context` to a client's settings. No error shows what the file holds.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError, NamedCluster};
use thanos_core::codes;

use super::told;
use crate::cli::Global;
use crate::failure::Failure;
use crate::yaml;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// A client's settings, and who names its server, as a hint.
pub(super) struct Settings {
    pub(super) config: Config,
    pub(super) origin: String,
    /// The context; `None` where there is no kubeconfig.
    pub(super) context: Option<String>,
}

/// Reads the settings that the flags ask for; a pod's own account where there is no kubeconfig at all.
pub(super) async fn settings(global: &Global) -> Result<Settings, Failure> {
    global.helm.check()?;
    let file = read(global.kubeconfig.as_deref())?;
    let is_there = file.is_some();
    let (mut config, origin, context) = match told::by_helm(file, global) {
        Some(file) => {
            let origin = origin(&file, global);
            // A context that was made of what helm said is in no file.
            let context = global.context.clone().or(file.current_context.clone());
            let context = context.filter(|_| is_there);
            (of_context(file, global).await?, origin, context)
        }
        None => (
            in_cluster(global)?,
            "this pod's own account".to_owned(),
            None,
        ),
    };
    config.connect_timeout = Some(CONNECT);
    impersonate(&mut config, global)?;
    let origin = format!("{origin} names that server; --context and --kubeconfig name another");
    Ok(Settings {
        config,
        origin,
        context,
    })
}

fn impersonate(config: &mut Config, global: &Global) -> Result<(), Failure> {
    let user = &mut config.auth_info;
    user.impersonate = global.impersonate.clone().or(user.impersonate.take());
    if global.impersonate_groups.is_empty() {
        return Ok(());
    }
    // As kubectl has it: the API server ignores groups of nobody.
    if user.impersonate.is_none() {
        let sentence = "a group is to be impersonated, and no user";
        return Err(Failure::usage(sentence).hint("name the user with --as (helm: --kube-as-user)"));
    }
    user.impersonate_groups = Some(global.impersonate_groups.clone());
    Ok(())
}

fn origin(file: &Kubeconfig, global: &Global) -> String {
    if global.helm.server.is_some() {
        return "--kube-apiserver (HELM_KUBEAPISERVER)".to_owned();
    }
    let context = global.context.as_ref().or(file.current_context.as_ref());
    let context = context.map_or("", String::as_str);
    let path = global
        .kubeconfig
        .as_deref()
        .unwrap_or(Path::new("~/.kube/config"));
    format!("context {context} of {}", path.display())
}

/// The merged kubeconfig; `None` where there is none in the default place.
fn read(named: Option<&Path>) -> Result<Option<Kubeconfig>, Failure> {
    let Some(named) = named else {
        return match Kubeconfig::read() {
            Ok(file) => Ok(Some(file)),
            Err(KubeconfigError::FindPath) => Ok(None),
            Err(KubeconfigError::ReadConfig(error, _))
                if error.kind() == std::io::ErrorKind::NotFound =>
            {
                Ok(None)
            }
            Err(error) => Err(unreadable(&error, None)),
        };
    };
    if named.exists() {
        return read_one(named).map(Some);
    }
    let listed: Vec<PathBuf> = std::env::split_paths(named)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if listed.len() < 2 {
        return read_one(named).map(Some);
    }
    // As kubectl does it: a file of the list that is not there is passed over.
    let mut merged: Option<Kubeconfig> = None;
    for path in listed.iter().filter(|path| path.exists()) {
        let next = read_one(path)?;
        merged = Some(match merged {
            Some(first) => first
                .merge(next)
                .map_err(|error| unreadable(&error, Some(path)))?,
            None => next,
        });
    }
    merged.map(Some).ok_or_else(|| {
        Failure::failed("no file of the KUBECONFIG list exists")
            .code(codes::KUBECONFIG_UNREADABLE)
            .because(named.display())
    })
}

fn read_one(path: &Path) -> Result<Kubeconfig, Failure> {
    Kubeconfig::read_from(path).map_err(|error| unreadable(&error, Some(path)))
}

async fn of_context(file: Kubeconfig, global: &Global) -> Result<Config, Failure> {
    let known: Vec<String> = file
        .contexts
        .iter()
        .map(|context| context.name.clone())
        .collect();
    let with_proxy = |named: &NamedCluster| {
        named
            .cluster
            .as_ref()
            .is_some_and(|cluster| cluster.proxy_url.is_some())
    };
    let names_a_proxy = file.clusters.iter().any(with_proxy);
    let options = KubeConfigOptions {
        context: global.context.clone(),
        ..KubeConfigOptions::default()
    };
    let mut config = Config::from_custom_kubeconfig(file, &options)
        .await
        .map_err(|error| {
            let failure = unreadable(&error, None);
            match error {
                KubeconfigError::CurrentContextNotSet | KubeconfigError::LoadContext(_)
                    if !known.is_empty() =>
                {
                    failure.hint(format!("--context with one of: {}", known.join(", ")))
                }
                _ => failure.hint("kubectl config get-contexts"),
            }
        })?;
    // As kubectl does it: HTTPS_PROXY is not for this machine itself.
    if !names_a_proxy && config.cluster_url.host().is_some_and(is_loopback) {
        config.proxy_url = None;
    }
    Ok(config)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn in_cluster(global: &Global) -> Result<Config, Failure> {
    Config::incluster().map_err(|_| {
        let failure = Failure::failed("there is no kubeconfig").code(codes::KUBECONFIG_UNREADABLE);
        let failure = failure
            .because("no --kubeconfig, no KUBECONFIG, no ~/.kube/config, and this is no pod");
        match &global.context {
            Some(context) => failure.because(format!("so there is no context {context}")),
            None => failure,
        }
        .hint("export KUBECONFIG=FILE, or give --kubeconfig FILE")
    })
}

/// Words an error. That of the YAML reader shows lines of the file, which may hold a token: only the place is taken.
fn unreadable(error: &KubeconfigError, path: Option<&Path>) -> Failure {
    let failed = |message: String| Failure::failed(message).code(codes::KUBECONFIG_UNREADABLE);
    let file = path.map_or_else(
        || "the kubeconfig".to_owned(),
        |path| format!("the kubeconfig {}", path.display()),
    );
    match error {
        KubeconfigError::ReadConfig(error, path) => {
            failed(format!("the kubeconfig {} cannot be read", path.display())).from_chain(error)
        }
        KubeconfigError::Parse(_) => match path.and_then(|path| Some((path, place(path)?))) {
            Some((path, error)) => failed(format!("{}:{error}", path.display())),
            None => failed(format!("{file} does not have the shape of a kubeconfig")),
        },
        KubeconfigError::CurrentContextNotSet => failed(format!("{file} has no current context")),
        KubeconfigError::LoadContext(name) => failed(format!("{file} has no context {name}")),
        KubeconfigError::LoadClusterOfContext(name) => {
            failed(format!("{file} has no cluster {name}"))
        }
        other => failed(format!("{file} cannot be used")).from_chain(other),
    }
}

fn place(path: &Path) -> Option<yaml::Error> {
    let text = std::fs::read_to_string(path).ok()?;
    yaml::parse(&text).err()
}
