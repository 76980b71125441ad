//! A file of the kind Hub: each flag of a hub is a key of it, in camel case, so that file and flags cannot drift apart.
//!
//! The file is turned into words and read by the same parser as the command line; every fault is told with its place.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args as _, CommandFactory as _, FromArgMatches as _};
use serde_json::Value;
use thanos_core::{codes, names};

use crate::cli::{Cli, CredentialArgs, HubArgs, InitArgs, Verb};
use crate::facts::located;
use crate::failure::Failure;
use crate::manifests::Document;
use crate::words::nearest;

/// The kind of the file.
pub(crate) const KIND: &str = "Hub";
/// Flags that are no flags of a hub alone, and answers all the same.
const SHARED: [&str; 9] = [
    "namespace",
    "cluster",
    "namespaces",
    "ca-file",
    "secret",
    "label",
    "default-label",
    "opt-out",
    "on-delete",
];
/// Answers that are paths: of the file's own folder.
const PATHS: [&str; 3] = ["objstore-file", "ca-file", "htpasswd-file"];

/// What a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Flag,
    Text,
    List,
    Map,
}

/// What the file wishes, laid over what was typed beside it.
pub(crate) struct Answers {
    pub(crate) args: InitArgs,
    pub(crate) namespace: Option<String>,
}

/// Reads it; every fault at once.
pub(crate) fn read(path: &Path, document: &Document, typed: &InitArgs) -> Result<Answers, Failure> {
    let mut reader = Reader {
        document,
        folder: path.parent().unwrap_or(Path::new("")).to_owned(),
        faults: Vec::new(),
    };
    let words = reader.words();
    if !reader.faults.is_empty() {
        return Err(Failure::all(codes::HUB_ANSWERS, reader.faults));
    }
    let cli = parse(&words).map_err(|sentence| {
        let sentence = format!("{}: {sentence}", document.source().name());
        Failure::failed(sentence).code(codes::HUB_ANSWERS)
    })?;
    let Verb::Init(answered) = cli.verb else {
        return Err(Failure::failed("the answers are no command").code(codes::BUG));
    };
    Ok(Answers {
        namespace: cli.global.namespace,
        args: InitArgs {
            filename: typed.filename.clone(),
            export: typed.export.clone(),
            expect_context: typed.expect_context.clone(),
            wait: typed.wait,
            patience: typed.patience,
            dry_run: typed.dry_run,
            yes: typed.yes,
            output: typed.output,
            namespaces: [answered.namespaces, typed.namespaces.clone()].concat(),
            hub: typed.hub.clone().over(answered.hub),
            wiring: answered.wiring,
            credential: CredentialArgs {
                ca_file: typed
                    .credential
                    .ca_file
                    .clone()
                    .or(answered.credential.ca_file),
                ..typed.credential.clone()
            },
        },
    })
}

struct Reader<'a> {
    document: &'a Document,
    folder: PathBuf,
    faults: Vec<String>,
}

impl Reader<'_> {
    fn words(&mut self) -> Vec<OsString> {
        let Some(members) = self.document.value().as_object() else {
            self.fault("", "must be a map");
            return Vec::new();
        };
        for (key, expected) in [("apiVersion", names::API_VERSION), ("kind", KIND)] {
            if members.get(key).and_then(Value::as_str) != Some(expected) {
                self.fault(key, &format!("must be {expected}"));
            }
        }
        let known = flags();
        let mut words = Vec::new();
        let given = members
            .iter()
            .filter(|(key, value)| *key != "apiVersion" && *key != "kind" && !value.is_null());
        for (key, value) in given {
            let Some((flag, shape)) = known.iter().find(|(flag, _)| camel(flag) == *key) else {
                let keys: Vec<String> = known.iter().map(|(flag, _)| camel(flag)).collect();
                let similar = nearest(key, keys.iter().map(String::as_str));
                let similar = similar.map(|known| format!("; a similar one is `{known}`"));
                let sentence = format!("is not a known key{}", similar.unwrap_or_default());
                self.fault(key, &sentence);
                continue;
            };
            let own = self.of_key(key, flag, *shape, value);
            // Each alone, so that the second fault is told, too.
            if let Err(sentence) = parse(&own) {
                self.fault(key, &sentence);
            }
            words.extend(own);
        }
        words
    }

    fn of_key(&mut self, key: &str, flag: &str, shape: Shape, value: &Value) -> Vec<OsString> {
        let flagged = |text: String| OsString::from(format!("--{flag}={text}"));
        match (shape, value) {
            (Shape::Flag, Value::Bool(true)) => vec![format!("--{flag}").into()],
            (Shape::Flag, Value::Bool(false)) => Vec::new(),
            (Shape::Flag, _) => {
                self.fault(key, "must be true or false");
                Vec::new()
            }
            (Shape::Text, Value::String(text)) => vec![flagged(self.path(flag, text))],
            (Shape::Text, _) => {
                self.fault(key, "must be a text: put it in quotes");
                Vec::new()
            }
            (Shape::List, Value::Array(items)) => {
                let mut words = Vec::new();
                for (at, item) in items.iter().enumerate() {
                    match item.as_str() {
                        Some(text) => words.push(flagged(self.path(flag, text))),
                        None => self.fault(&format!("{key}[{at}]"), "must be a text"),
                    }
                }
                words
            }
            (Shape::List, _) => {
                self.fault(key, "must be a list");
                Vec::new()
            }
            (Shape::Map, Value::Object(members)) => {
                let mut words = Vec::new();
                for (member, value) in members {
                    match value.as_str() {
                        Some(text) => {
                            let is_path = flag == "chart" && !text.contains("://");
                            let text = if flag == "values" || is_path {
                                self.near(text)
                            } else {
                                text.to_owned()
                            };
                            words.push(flagged(format!("{member}={text}")));
                        }
                        None => self.fault(&format!("{key}.{member}"), "must be a text"),
                    }
                }
                words
            }
            (Shape::Map, _) => {
                self.fault(key, "must be a map");
                Vec::new()
            }
        }
    }

    fn path(&self, flag: &str, text: &str) -> String {
        if PATHS.contains(&flag) {
            self.near(text)
        } else {
            text.to_owned()
        }
    }

    /// A path beside the file.
    fn near(&self, text: &str) -> String {
        self.folder.join(text).display().to_string()
    }

    fn fault(&mut self, path: &str, sentence: &str) {
        self.faults.push(located(self.document, "", path, sentence));
    }
}

/// Every flag that is an answer, with what its key holds.
fn flags() -> Vec<(String, Shape)> {
    let hub = HubArgs::augment_args(clap::Command::new("hub"));
    let whole = Cli::command();
    let init = whole.find_subcommand("init");
    let shared = init
        .into_iter()
        .flat_map(clap::Command::get_arguments)
        .chain(whole.get_arguments())
        .filter(|arg| arg.get_long().is_some_and(|long| SHARED.contains(&long)));
    let all = hub.get_arguments().chain(shared);
    let mut flags: Vec<(String, Shape)> = all
        .filter_map(|arg| {
            let long = arg.get_long()?.to_owned();
            let names = arg.get_value_names().unwrap_or_default();
            let pairs = names.iter().any(|name| name.contains('='));
            let shape = match arg.get_action() {
                clap::ArgAction::SetTrue => Shape::Flag,
                clap::ArgAction::Append if pairs => Shape::Map,
                clap::ArgAction::Append => Shape::List,
                _ => Shape::Text,
            };
            Some((long, shape))
        })
        .collect();
    flags.dedup();
    flags
}

/// `objstore-file` as `objstoreFile`.
fn camel(flag: &str) -> String {
    let mut words = flag.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut key, word| {
        let mut letters = word.chars();
        key.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        key.push_str(letters.as_str());
        key
    })
}

fn parse(words: &[OsString]) -> Result<Cli, String> {
    let command = ["kubectl-thanos", "init"].map(OsString::from);
    let words = command.into_iter().chain(words.iter().cloned());
    let matches = Cli::command().try_get_matches_from(words);
    let cli = matches.and_then(|matches| Cli::from_arg_matches(&matches));
    cli.map_err(|error| {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default();
        first.trim_start_matches("error: ").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::HubPart;
    use crate::manifests::{self, Source};
    use clap::Parser as _;
    use std::sync::Arc;

    fn answers(text: &str) -> Result<Answers, Failure> {
        answers_beside(text, "kubectl-thanos init --yes")
    }

    fn answers_beside(text: &str, line: &str) -> Result<Answers, Failure> {
        let source = Arc::new(Source::new("a.yaml", text.as_bytes().to_vec()).unwrap());
        let documents = manifests::read(&source).unwrap();
        let typed = Cli::parse_from(line.split(' '));
        let Verb::Init(typed) = typed.verb else {
            panic!()
        };
        read(Path::new("deploy/a.yaml"), &documents[0], &typed)
    }

    const HEAD: &str = "apiVersion: kubectl-thanos.dev/v1alpha1\nkind: Hub\n";

    #[test]
    fn every_flag_has_its_key() {
        let text = format!(
            "{HEAD}domain: d.example.com\nnamespace: obs\nnoAzure: true\nobjstoreFile: o.yml\nskip: [dns, grafana]\n\
             chart: {{envoy-gateway: ./eg}}\nvalues: {{thanos: t.yaml}}\nlabel: {{region: eu}}\ncluster: hub\n"
        );
        let answers = answers(&text).unwrap();
        let hub = &answers.args.hub;
        assert_eq!(hub.domain.as_deref(), Some("d.example.com"));
        assert_eq!(answers.namespace.as_deref(), Some("obs"));
        assert_eq!(
            hub.objstore_file.as_deref(),
            Some(Path::new("deploy/o.yml"))
        );
        assert_eq!(hub.skip, [HubPart::Dns, HubPart::Grafana]);
        assert_eq!(
            hub.chart,
            [(HubPart::EnvoyGateway, "deploy/./eg".to_owned())]
        );
        assert_eq!(hub.values, [(HubPart::Thanos, "deploy/t.yaml".to_owned())]);
        assert_eq!(
            answers.args.wiring.labels,
            [("region".to_owned(), "eu".to_owned())]
        );
        assert!(answers.args.yes && hub.no_azure);
        let keys: Vec<String> = flags().iter().map(|(flag, _)| camel(flag)).collect();
        for key in [
            "acmeEmail",
            "storageAccount",
            "articleRoles",
            "caFile",
            "onDelete",
        ] {
            assert!(keys.iter().any(|known| known == key), "{key}: {keys:?}");
        }
    }

    #[test]
    fn a_flag_beside_the_file_wins_and_what_is_repeatable_is_added() {
        let text = format!("{HEAD}domain: d.example.com\nname: eu\nskip: [dns]\n");
        let line = "kubectl-thanos init --name us --skip grafana --htpasswd-file edge --ca-file ca";
        let answers = answers_beside(&text, line).unwrap();
        let hub = &answers.args.hub;
        assert_eq!(hub.name.as_deref(), Some("us"));
        assert_eq!(hub.domain.as_deref(), Some("d.example.com"));
        assert_eq!(hub.skip, [HubPart::Dns, HubPart::Grafana]);
        assert_eq!(hub.htpasswd_file, [Path::new("edge")]);
        assert!(answers.args.credential.ca_file.is_some());
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        let text = format!(
            "{HEAD}domian: x\nskip: [thanoss]\nnoAzure: maybe\nchart: [a]\ningress: traefik\n"
        );
        let failure = answers(&text).err().unwrap();
        assert_eq!(failure.code, Some(codes::HUB_ANSWERS));
        let told: Vec<&str> = std::iter::once(failure.message.as_str())
            .chain(failure.more.iter().map(String::as_str))
            .collect();
        assert_eq!(told.len(), 5, "{told:#?}");
        assert!(
            told[0]
                .starts_with("a.yaml:3:1: domian: is not a known key; a similar one is `domain`"),
            "{told:#?}"
        );
        for (at, (line, word)) in [
            (4, "thanoss"),
            (5, "true or false"),
            (6, "must be a map"),
            (7, "traefik"),
        ]
        .iter()
        .enumerate()
        {
            let said = told[at + 1];
            assert!(
                said.starts_with(&format!("a.yaml:{line}:1: ")) && said.contains(word),
                "{said}"
            );
        }
        let wrong = answers("kind: Hub\n").err().unwrap();
        assert!(
            wrong.message.contains("apiVersion: must be"),
            "{}",
            wrong.message
        );
    }
}
