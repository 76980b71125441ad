//! What whoever asks wants: flags or a file in, a whole ThanosWiring and the namespaces out. Every default is filled.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};
use thanos_core::decision::Fault;
use thanos_core::{ThanosWiring, Wiring, codes, names, wiring};

use crate::cli::{Global, InitArgs, InitAuth, InitOnDelete, InitOptOut, WiringArgs};
use crate::cluster::live;
use crate::enroll::local::misnamed;
use crate::facts::located;
use crate::failure::Failure;
use crate::inputs;
use crate::ui::Ui;

/// The keys in the Secret, as the article has them.
const USER: &str = "user";
const PASSWORD: &str = "password";
const TOKEN: &str = "token";
const AUTHORITY: &str = "ca.crt";

/// A wish that is right in every part.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// The wiring as it is to be applied: without status and without a list of namespaces.
    pub(crate) manifest: Value,
    /// The same, typed.
    pub(crate) written: ThanosWiring,
    /// The same, resolved.
    pub(crate) right: Wiring,
    /// The namespaces that are to be enrolled.
    pub(crate) namespaces: Vec<String>,
}

/// Reads the wish; every fault at once.
pub(crate) fn wish(
    args: &InitArgs,
    global: &Global,
    ui: &mut Ui<'_>,
) -> Result<Wish, Vec<Failure>> {
    let raw = match &args.filename {
        Some(path) => of_file(path, ui),
        None => of_flags(&args.wiring, args.credential.ca_file.is_some()),
    };
    let mut namespaces: BTreeSet<String> = args.namespaces.iter().cloned().collect();
    namespaces.extend(global.namespace.clone());
    namespaces.extend(raw.iter().flat_map(live::enrolled).map(str::to_owned));
    let mut faults: Vec<Failure> = namespaces
        .iter()
        .filter_map(|name| misnamed(name))
        .collect();
    let raw = match raw {
        Ok(raw) if faults.is_empty() => raw,
        raw => {
            faults.extend(raw.err().into_iter().flatten());
            return Err(faults);
        }
    };
    settled(&raw, namespaces.into_iter().collect()).map_err(|failure| vec![failure])
}

/// The wish that a wiring makes.
pub(crate) fn settled(raw: &Value, namespaces: Vec<String>) -> Result<Wish, Failure> {
    let (written, right) = crate::enroll::read(raw)?;
    let manifest = manifest(raw, &written)?;
    Ok(Wish {
        manifest,
        written,
        right,
        namespaces,
    })
}

/// What is applied: enrolment owns the list, and only names, labels and annotations of the metadata are wishes.
fn manifest(raw: &Value, written: &ThanosWiring) -> Result<Value, Failure> {
    let mut spec = serde_json::to_value(&written.spec).map_err(|error| {
        Failure::failed("the wiring cannot be written")
            .code(codes::BUG)
            .from_chain(&error)
    })?;
    if let Some(members) = spec.as_object_mut() {
        members.shift_remove("credentials");
    }
    let mut metadata = json!({"name": written.metadata.name, "labels": {}});
    if let Some(labels) = raw["metadata"]["labels"].as_object() {
        metadata["labels"] = Value::Object(labels.clone());
    }
    if let Some(annotations) = raw["metadata"]["annotations"].as_object() {
        metadata["annotations"] = Value::Object(annotations.clone());
    }
    metadata["labels"][names::MANAGED_BY] = json!(names::MANAGER_PLUGIN);
    Ok(
        json!({"apiVersion": names::API_VERSION, "kind": "ThanosWiring", "metadata": metadata, "spec": spec}),
    )
}

/// The one wiring in a file.
fn of_file(path: &Path, ui: &mut Ui<'_>) -> Result<Value, Vec<Failure>> {
    let inputs = inputs::read(&[path.to_owned()], ui.stdin()).map_err(|failure| vec![failure])?;
    let documents = inputs.iter().flat_map(|input| &input.documents);
    let objects = documents.flat_map(|document| {
        document
            .objects()
            .into_iter()
            .map(move |object| (document, object))
    });
    let mut wirings = objects.filter(|(_, object)| object.value["kind"] == "ThanosWiring");
    let usage = |what: &str| {
        vec![Failure::usage(format!("{} holds {what}", path.display())).code(codes::NO_INPUTS)]
    };
    let Some((document, object)) = wirings.next() else {
        return Err(usage("no ThanosWiring"));
    };
    if wirings.next().is_some() {
        return Err(usage(
            "more than one ThanosWiring: init makes one at a time",
        ));
    }
    match wiring::read(object.value) {
        Ok(_) => Ok(object.value.clone()),
        Err(faults) => {
            let sentence = |fault: &Fault| {
                located(
                    document,
                    object.pointer.as_str(),
                    &fault.path,
                    &fault.sentence,
                )
            };
            Err(vec![Failure::all(
                codes::WIRING_INVALID,
                faults.iter().map(sentence),
            )])
        }
    }
}

/// The wiring that the flags describe.
pub(crate) fn of_flags(args: &WiringArgs, with_authority: bool) -> Result<Value, Vec<Failure>> {
    let mut faults = Vec::new();
    let needed = [("--cluster", &args.cluster), ("--url", &args.url)];
    for (flag, _) in needed.into_iter().filter(|(_, given)| given.is_none()) {
        faults.push(Failure::usage(format!(
            "{flag} is needed: a member has a name and a hub"
        )));
    }
    let key = |key: &str| json!({"name": args.secret, "key": key});
    let mut remote_write =
        json!({"url": args.url.clone().unwrap_or_default(), "auth": auth(args, &mut faults)});
    let mut tls = Map::new();
    if with_authority {
        tls.insert("ca".to_owned(), json!({"secret": key(AUTHORITY)}));
    }
    if let Some(name) = &args.server_name {
        tls.insert("serverName".to_owned(), json!(name));
    }
    if !tls.is_empty() {
        remote_write["tls"] = Value::Object(tls);
    }
    if args.tenant_header.is_some() || args.tenant_value.is_some() {
        let header = args
            .tenant_header
            .as_deref()
            .unwrap_or(names::TENANT_HEADER);
        remote_write["tenant"] =
            json!({"header": header, "value": args.tenant_value.as_deref().unwrap_or("{cluster}")});
    }
    let mut enforced = Map::from_iter([("cluster".to_owned(), json!("{cluster}"))]);
    enforced.extend(
        args.labels
            .iter()
            .map(|(label, value)| (label.clone(), json!(value))),
    );
    let default: Map<_, _> = args
        .default_labels
        .iter()
        .map(|(label, value)| (label.clone(), json!(value)))
        .collect();
    let mut spec = json!({
        "cluster": args.cluster.clone().unwrap_or_default(),
        "optOut": match args.opt_out { InitOptOut::Allowed => "Allowed", InitOptOut::Forbidden => "Forbidden" },
        "onDelete": match args.on_delete { InitOnDelete::Keep => "Keep", InitOnDelete::Unwire => "Unwire" },
        "labels": {"enforced": enforced, "default": default},
        "remoteWrite": remote_write,
    });
    if !args.kinds.is_empty() {
        spec["kinds"] = args.kinds.iter().map(|kind| json!(kind.name())).collect();
    }
    let raw = json!({
        "apiVersion": names::API_VERSION, "kind": "ThanosWiring", "metadata": {"name": args.wiring_name}, "spec": spec,
    });
    if faults.is_empty() {
        faults.extend(
            wiring::read(&raw)
                .err()
                .into_iter()
                .flatten()
                .map(|fault| of_flag(&fault)),
        );
    }
    if faults.is_empty() {
        Ok(raw)
    } else {
        Err(faults)
    }
}

fn auth(args: &WiringArgs, faults: &mut Vec<Failure>) -> Value {
    let key = |key: &str| json!({"name": args.secret, "key": key});
    let id = |id: &Option<String>| id.clone().unwrap_or_default();
    let needs_client = matches!(
        args.auth,
        InitAuth::AzureWorkloadIdentity | InitAuth::AzureManagedIdentity
    );
    let needs_tenant = args.auth == InitAuth::AzureWorkloadIdentity;
    let ids = [
        ("--client-id", &args.client_id, needs_client),
        ("--tenant-id", &args.tenant_id, needs_tenant),
    ];
    for (flag, given, needed) in ids {
        match (given, needed) {
            (None, true) => faults.push(
                Failure::usage(format!("{flag} is needed with this --auth"))
                    .code(codes::WIRING_INVALID),
            ),
            (Some(_), false) => faults.push(
                Failure::usage(format!("{flag} has no place in this --auth"))
                    .code(codes::WIRING_INVALID),
            ),
            _ => {}
        }
    }
    match args.auth {
        InitAuth::Basic => json!({"basicAuth": {"username": key(USER), "password": key(PASSWORD)}}),
        InitAuth::Token => json!({"authorization": {"type": "Bearer", "credentials": key(TOKEN)}}),
        InitAuth::AzureWorkloadIdentity => {
            json!({"azureAd": {"workloadIdentity": {"clientId": id(&args.client_id), "tenantId": id(&args.tenant_id)}}})
        }
        InitAuth::AzureManagedIdentity => {
            json!({"azureAd": {"managedIdentity": {"clientId": id(&args.client_id)}}})
        }
        InitAuth::None => json!({"none": {}}),
    }
}

/// A fault of the wiring in the words of the flags, exit code 2.
fn of_flag(fault: &Fault) -> Failure {
    const FLAGS: &[(&str, &str)] = &[
        ("metadata.name", "--wiring-name"),
        ("spec.cluster", "--cluster"),
        ("spec.labels.enforced", "--label"),
        ("spec.labels.default", "--default-label"),
        ("spec.remoteWrite.url", "--url"),
        ("spec.remoteWrite.tenant.header", "--tenant-header"),
        ("spec.remoteWrite.tenant.value", "--tenant-value"),
        ("spec.remoteWrite.tls.serverName", "--server-name"),
    ];
    let flag = FLAGS.iter().find_map(|(path, flag)| {
        let rest = fault.path.strip_prefix(path)?;
        let label = rest
            .strip_prefix('.')
            .map(|label| format!(" {label}"))
            .unwrap_or_default();
        Some(format!("{flag}{label}"))
    });
    let ids = [("clientId", "--client-id"), ("tenantId", "--tenant-id")];
    let id = ids
        .iter()
        .find(|(member, _)| fault.path.ends_with(member))
        .map(|(_, flag)| (*flag).to_owned());
    let place = flag.or(id).unwrap_or_else(|| fault.path.clone());
    Failure::usage(format!("{place}: {}", fault.sentence)).code(fault.code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    use crate::cli::{Cli, Verb};

    fn args(line: &str) -> InitArgs {
        let words = ["kubectl-thanos", "init"]
            .into_iter()
            .chain(line.split_whitespace());
        match Cli::parse_from(words).verb {
            Verb::Init(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    fn flags(line: &str) -> Result<Value, Vec<String>> {
        let args = args(line);
        let raw = of_flags(&args.wiring, args.credential.ca_file.is_some());
        raw.map_err(|faults| faults.into_iter().map(|fault| fault.message).collect())
    }

    #[test]
    fn flags_make_a_whole_wiring() {
        let line = "--cluster edge-01 --url https://x.example.com/api --label region=eu --default-label dc={cluster} \
                    --kinds prometheus,thanosruler --opt-out forbidden --on-delete unwire --tenant-value {cluster}-x --ca-file ca.pem";
        let raw = flags(line).unwrap();
        let spec = &raw["spec"];
        assert_eq!(
            spec["labels"]["enforced"],
            json!({"cluster": "{cluster}", "region": "eu"})
        );
        assert_eq!(spec["kinds"], json!(["Prometheus", "ThanosRuler"]));
        assert_eq!(
            spec["remoteWrite"]["tls"]["ca"]["secret"],
            json!({"name": "remotewrite-secret", "key": "ca.crt"})
        );
        assert_eq!(
            spec["remoteWrite"]["tenant"],
            json!({"header": "THANOS-TENANT", "value": "{cluster}-x"})
        );
        let (written, right) = crate::enroll::read(&raw).unwrap();
        assert_eq!(right.references.len(), 3);
        let manifest = manifest(&raw, &written).unwrap();
        assert_eq!(
            manifest["metadata"]["labels"][names::MANAGED_BY],
            "kubectl-thanos"
        );
        assert!(manifest["spec"].get("credentials").is_none());
    }

    #[test]
    fn faults_are_in_the_words_of_the_flags_and_all_at_once() {
        let faults = flags("--cluster a/b --url ftp://x --label 9x=1 --wiring-name v").unwrap_err();
        assert_eq!(faults.len(), 4, "{faults:?}");
        for (fault, flag) in
            faults
                .iter()
                .zip(["--wiring-name: ", "--cluster: ", "--label 9x: ", "--url: "])
        {
            assert!(fault.starts_with(flag), "{fault}");
        }
        assert_eq!(
            flags("--cluster a --url https://x --auth azure-workload-identity").unwrap_err(),
            [
                "--client-id is needed with this --auth",
                "--tenant-id is needed with this --auth"
            ]
        );
    }
}
