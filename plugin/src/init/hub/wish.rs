//! What whoever asks wants of a hub: flags or answers in, every default filled; every fault at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use jiff::Timestamp;
use thanos_core::codes::Code;
use thanos_core::{certificate, codes, names, objstore};

use super::azure;
use super::writers::{self, Writers};
use crate::cli::{Global, HubIngress, HubPart, InitArgs, InitAuth};
use crate::enroll::hidden::Hidden;
use crate::enroll::local::misnamed;
use crate::failure::Failure;
use crate::ui::Ui;

/// A wish that is right in every part.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// Of the hub, and of the release of its Thanos.
    pub(crate) name: String,
    /// Where its Thanos is.
    pub(crate) namespace: String,
    pub(crate) write_host: String,
    pub(crate) read_host: String,
    /// The hosts' common domain, where they have one.
    pub(crate) domain: Option<String>,
    /// This cluster's name as a member, and the user that it writes as.
    pub(crate) cluster: String,
    /// `None`: nothing is made in Azure.
    pub(crate) azure: Option<azure::Wish>,
    /// The object-store file; `None`: Azure's own, which holds no secret.
    pub(crate) objstore: Option<Hidden>,
    /// Members that may write, as far as they were named.
    pub(crate) writers: Writers,
    pub(crate) ingress: HubIngress,
    pub(crate) certificate: Certificate,
    pub(crate) acme_email: Option<String>,
    pub(crate) gateway_address: Option<String>,
    /// What members must trust, where it is no public authority.
    pub(crate) authority: Option<Hidden>,
    pub(crate) skip: BTreeSet<HubPart>,
    pub(crate) charts: BTreeMap<HubPart, String>,
    /// More helm values, the last wins.
    pub(crate) over: BTreeMap<HubPart, Vec<Vec<u8>>>,
    /// The namespaces that are to be enrolled, as far as they were named.
    pub(crate) namespaces: BTreeSet<String>,
    /// What people should know before they say yes.
    pub(crate) warnings: Vec<(&'static Code, String)>,
}

/// Where the gateway's certificate is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// cert-manager gets it from Let's Encrypt.
    LetsEncrypt,
    /// cert-manager gets it from this issuer.
    Issuer { kind: String, name: String },
    /// A Secret that is there.
    Secret(String),
}

impl Certificate {
    /// Whether cert-manager is needed for it.
    pub(crate) fn is_issued(&self) -> bool {
        !matches!(self, Self::Secret(_))
    }
}

impl fmt::Display for Certificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LetsEncrypt => out.write_str("Let's Encrypt"),
            Self::Issuer { kind, name } => write!(out, "{kind} {name}"),
            Self::Secret(name) => write!(out, "Secret {name}"),
        }
    }
}

impl Wish {
    /// What the names of the chart's objects begin with.
    pub(crate) fn fullname(&self) -> String {
        fullname(&self.name)
    }

    /// The name of one of the chart's objects, or of one that it reads.
    pub(crate) fn named(&self, part: &str) -> String {
        named(&self.name, part)
    }

    /// The Secret that holds the gateway's certificate.
    pub(crate) fn certificate_secret(&self) -> String {
        match &self.certificate {
            Certificate::Secret(name) => name.clone(),
            _ => self.named("tls"),
        }
    }

    /// The Secret in enrolled namespaces.
    pub(crate) fn member_secret(&self) -> String {
        format!("{}-remotewrite", self.name)
    }

    /// Where samples go.
    pub(crate) fn write_url(&self) -> String {
        format!("https://{}/api/v1/receive", self.write_host)
    }

    /// Whether a part was asked to be left out.
    pub(crate) fn skips(&self, part: HubPart) -> bool {
        self.skip.contains(&part)
    }
}

/// As the chart has it.
pub(crate) fn fullname(name: &str) -> String {
    if name.contains("thanos") {
        name.to_owned()
    } else {
        format!("{name}-thanos")
    }
}

/// The name of an object of the hub of that name.
pub(crate) fn named(hub: &str, part: &str) -> String {
    format!("{}-{part}", fullname(hub))
}

/// Reads the wish.
pub(crate) fn wish(
    args: &InitArgs,
    global: &Global,
    now: Timestamp,
    ui: &mut Ui<'_>,
) -> Result<Wish, Vec<Failure>> {
    let mut faults = Vec::new();
    let mut warnings = Vec::new();
    let hub = &args.hub;
    let (name, namespace) = names_of(args, global, &mut faults);
    let hosts = hosts(args, &mut faults);
    needless(args, &mut faults);
    let around = azure::Around {
        hub: &name,
        namespace: &namespace,
        account: &fullname(&name),
        hosts: &hosts,
        domain: hub.domain.as_deref(),
        address: hub.gateway_address.as_deref(),
    };
    let azure = match azure::wish(hub, &around) {
        Ok(azure) => azure,
        Err(more) => {
            faults.extend(more);
            None
        }
    };
    let given = hub.objstore_file.as_deref();
    if given.is_none() && hub.no_azure {
        faults.push(
            usage("--no-azure needs --objstore-file: Thanos keeps its blocks somewhere")
                .hint("docs: https://thanos.io/tip/thanos/storage.md/"),
        );
    }
    let objstore = given.and_then(|path| {
        let store = store(path, ui, &mut warnings);
        store.map_err(|fault| faults.push(fault)).ok()
    });
    let cluster = args.wiring.cluster.clone().unwrap_or_else(|| name.clone());
    let writers = match writers::read(&hub.htpasswd_file, &cluster, ui) {
        Ok(writers) => writers,
        Err(more) => {
            faults.extend(more);
            Writers::new()
        }
    };
    let ingress = hub.ingress.unwrap_or_default();
    if ingress == HubIngress::IngressNginx {
        let sentence =
            "ingress-nginx gets no updates any more, and takes the tenant from whoever writes";
        warnings.push((codes::INGRESS_RETIRED, sentence.to_owned()));
    }
    let certificate = match certificate_of(hub.certificate.as_deref()) {
        Ok(certificate) => certificate,
        Err(fault) => {
            faults.push(fault);
            Certificate::LetsEncrypt
        }
    };
    if hub.acme_email.is_some() && certificate != Certificate::LetsEncrypt {
        faults.push(usage("--acme-email is for --certificate lets-encrypt"));
    }
    let authority = match args.credential.ca_file.as_deref() {
        Some(path) => authority(path, now, ui)
            .map_err(|fault| faults.push(fault))
            .ok(),
        None => None,
    };
    let over = over(args, &mut faults);
    if hub.skip.contains(&HubPart::Thanos) {
        faults.push(usage(
            "--skip thanos: a hub is a Thanos; members are wired by init --url",
        ));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let [write_host, read_host] = hosts;
    Ok(Wish {
        cluster,
        name,
        namespace,
        write_host,
        read_host,
        domain: hub.domain.clone(),
        azure,
        objstore,
        writers,
        ingress,
        certificate,
        acme_email: hub.acme_email.clone(),
        gateway_address: hub.gateway_address.clone(),
        authority,
        skip: hub.skip.iter().copied().collect(),
        charts: hub.chart.iter().cloned().collect(),
        over,
        namespaces: args.namespaces.iter().cloned().collect(),
        warnings,
    })
}

/// The hub's name and its namespace.
fn names_of(args: &InitArgs, global: &Global, faults: &mut Vec<Failure>) -> (String, String) {
    let hub = &args.hub;
    let name = hub
        .name
        .clone()
        .unwrap_or_else(|| names::HUB_NAME.to_owned());
    // With what comes behind it, it must still fit a label: the chart takes 35.
    if misnamed(&name).is_some() || name.len() > 30 || fullname(&name).len() > 35 {
        faults.push(usage(format!(
            "--name: `{}` is no name of a hub: it takes 1 to 28 lower-case letters, digits and `-`",
            name.escape_debug()
        )));
    }
    let namespace = global.namespace.clone().unwrap_or_else(|| name.clone());
    faults.extend(misnamed(&namespace));
    faults.extend(args.namespaces.iter().filter_map(|name| misnamed(name)));
    (name, namespace)
}

/// More helm values, by the part that they are for.
fn over(args: &InitArgs, faults: &mut Vec<Failure>) -> BTreeMap<HubPart, Vec<Vec<u8>>> {
    let mut over: BTreeMap<HubPart, Vec<Vec<u8>>> = BTreeMap::new();
    for (part, path) in &args.hub.values {
        match values(Path::new(path)) {
            Ok(bytes) => over.entry(*part).or_default().push(bytes),
            Err(fault) => faults.push(fault),
        }
    }
    over
}

/// A fault of the command line or the answers, exit code 2.
pub(crate) fn usage(message: impl Into<String>) -> Failure {
    Failure::usage(message).code(codes::HUB_ANSWERS)
}

fn hosts(args: &InitArgs, faults: &mut Vec<Failure>) -> [String; 2] {
    let hub = &args.hub;
    let hosts = [
        ("--write-host", "receive", &hub.write_host),
        ("--read-host", "query", &hub.read_host),
    ];
    let hosts = hosts.map(|(flag, word, given)| match (given, &hub.domain) {
        (Some(host), _) => {
            if !is_host(host) {
                faults.push(usage(format!(
                    "{flag}: `{}` is no host",
                    host.escape_debug()
                )));
            }
            host.clone()
        }
        (None, Some(domain)) => format!("{word}.{domain}"),
        (None, None) => {
            faults.push(usage(format!("--domain, or {flag}, is needed")));
            String::new()
        }
    });
    if let Some(domain) = hub.domain.as_deref().filter(|domain| !is_host(domain)) {
        faults.push(usage(format!(
            "--domain: `{}` is no domain",
            domain.escape_debug()
        )));
    }
    if hosts[0] == hosts[1] && !hosts[0].is_empty() {
        faults.push(usage(
            "the hosts that take samples and answer queries must differ",
        ));
    }
    hosts
}

/// Flags of a member that a hub has no place for.
fn needless(args: &InitArgs, faults: &mut Vec<Failure>) {
    let credential = &args.credential;
    let wiring = &args.wiring;
    let given = [
        (credential.user.is_some(), "--user"),
        (credential.password_file.is_some(), "--password-file"),
        (credential.token_file.is_some(), "--token-file"),
        (credential.copy_from.is_some(), "--copy-from"),
        (credential.use_existing, "--use-existing"),
        (credential.htpasswd_out.is_some(), "--htpasswd-out"),
        (wiring.auth != InitAuth::Basic, "--auth"),
        (wiring.client_id.is_some(), "--client-id"),
        (wiring.tenant_id.is_some(), "--tenant-id"),
        (wiring.server_name.is_some(), "--server-name"),
        (wiring.tenant_header.is_some(), "--tenant-header"),
        (wiring.tenant_value.is_some(), "--tenant-value"),
    ];
    for (_, flag) in given.into_iter().filter(|(given, _)| *given) {
        faults.push(usage(format!(
            "{flag} is for a member: a hub makes its own credentials"
        )));
    }
}

fn certificate_of(word: Option<&str>) -> Result<Certificate, Failure> {
    let named = |name: &str| !name.is_empty() && name.len() <= 253 && is_host(name);
    match word.map(|word| word.split_once(':').unwrap_or((word, ""))) {
        None | Some(("lets-encrypt", "")) => Ok(Certificate::LetsEncrypt),
        Some(("secret", name)) if named(name) => Ok(Certificate::Secret(name.to_owned())),
        Some(("issuer", issuer)) => {
            let (kind, name) = issuer.split_once('/').unwrap_or(("ClusterIssuer", issuer));
            if matches!(kind, "Issuer" | "ClusterIssuer") && named(name) {
                return Ok(Certificate::Issuer {
                    kind: kind.to_owned(),
                    name: name.to_owned(),
                });
            }
            Err(usage(
                "--certificate issuer: names [Issuer/ or ClusterIssuer/]NAME",
            ))
        }
        Some(_) => Err(usage(
            "--certificate: must be lets-encrypt, issuer:[KIND/]NAME or secret:NAME",
        )),
    }
}

/// A DNS name.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|letter| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-'
            })
    };
    host.len() <= 253 && host.split('.').all(label)
}

/// The object-store file, which Thanos itself would take.
fn store(
    path: &Path,
    ui: &mut Ui<'_>,
    warnings: &mut Vec<(&'static Code, String)>,
) -> Result<Hidden, Failure> {
    let text = Hidden::read_all(path, ui.stdin())?;
    let judged = objstore::judge(text.reveal());
    let located = |finding: &objstore::Finding| {
        let place = finding
            .place
            .map(|place| format!(":{}:{}", place.line, place.column));
        let at = match finding.path.as_str() {
            "" => String::new(),
            path => format!("{path}: "),
        };
        format!(
            "{}{}: {at}{}",
            path.display(),
            place.unwrap_or_default(),
            finding.sentence
        )
    };
    warnings.extend(judged.lints.iter().map(|lint| (lint.code, located(lint))));
    let Some(first) = judged.faults.first() else {
        return Ok(text);
    };
    let mut failure = Failure::usage(located(first)).code(first.code);
    failure.more = judged.faults[1..].iter().map(located).collect();
    Err(failure.hint(format!(
        "kubectl thanos validate --objstore {}",
        path.display()
    )))
}

fn authority(path: &Path, now: Timestamp, ui: &mut Ui<'_>) -> Result<Hidden, Failure> {
    let pem = Hidden::read_all(path, ui.stdin())?;
    let faults = certificate::judge(pem.reveal(), now)
        .err()
        .unwrap_or_default();
    // An authority names no host.
    let fault = faults
        .into_iter()
        .find(|fault| fault.code != codes::CERTIFICATE_NAMELESS);
    match fault {
        None => Ok(pem),
        Some(fault) => {
            let message = format!("{}: {}", path.display(), fault.sentence);
            Err(Failure::usage(message).code(fault.code))
        }
    }
}

fn values(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| {
        Failure::failed(format!("cannot read {}", path.display()))
            .code(codes::FILE_UNREADABLE)
            .because(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Surroundings;
    use crate::cli::{Cli, Verb};
    use clap::Parser as _;

    fn wished(line: &str) -> Result<Wish, Vec<String>> {
        let words = ["kubectl-thanos", "init"]
            .into_iter()
            .chain(line.split_whitespace());
        let cli = Cli::parse_from(words);
        let Verb::Init(args) = cli.verb else { panic!() };
        let around = Surroundings::bare();
        let (mut stdin, mut out, mut err) = (
            &b"type: FILESYSTEM\nconfig: {directory: /data}\n"[..],
            Vec::new(),
            Vec::new(),
        );
        let mut ui = Ui::new(&around, &mut stdin, &mut out, &mut err);
        wish(&args, &cli.global, around.now, &mut ui)
            .map_err(|faults| faults.into_iter().map(|fault| fault.message).collect())
    }

    #[test]
    fn defaults_are_filled() {
        let wish = wished("--domain d.example.com --no-azure --objstore-file -").unwrap();
        assert_eq!(
            (wish.name.as_str(), wish.namespace.as_str()),
            ("thanos", "thanos")
        );
        assert_eq!(
            wish.write_url(),
            "https://receive.d.example.com/api/v1/receive"
        );
        assert_eq!(wish.read_host, "query.d.example.com");
        assert_eq!(wish.certificate_secret(), "thanos-tls");
        assert_eq!(wish.cluster, "thanos");
        let other = wished("--domain d.example.com --no-azure --objstore-file - --name eu -n obs --certificate secret:x").unwrap();
        assert_eq!(other.named("objstore"), "eu-thanos-objstore");
        assert_eq!(
            (
                other.namespace.as_str(),
                other.certificate_secret().as_str()
            ),
            ("obs", "x")
        );
    }

    #[test]
    fn ingress_nginx_is_warned_of() {
        let line = "--domain d.example.com --no-azure --objstore-file - --ingress ingress-nginx";
        let warnings = wished(line).unwrap().warnings;
        assert!(
            warnings
                .iter()
                .any(|(code, _)| *code == codes::INGRESS_RETIRED)
        );
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let line = "--domain D --name X --no-azure --certificate issuer:Foo/x --user u --skip thanos --auth token";
        let faults = wished(line).unwrap_err();
        for word in [
            "--name:",
            "--domain:",
            "--objstore-file",
            "--certificate issuer:",
            "--user is",
            "--skip thanos",
            "--auth is",
        ] {
            assert!(
                faults.iter().any(|fault| fault.contains(word)),
                "{word}: {faults:#?}"
            );
        }
        let long = "a".repeat(29);
        let line = format!("--domain d.example.com --no-azure --objstore-file - --name {long}");
        assert!(wished(&line).is_err());
        assert!(wished(&line.replace(&long, &long[1..])).is_ok());
        let same =
            wished("--write-host a.b --read-host a.b --no-azure --objstore-file -").unwrap_err();
        assert_eq!(
            same,
            ["the hosts that take samples and answer queries must differ"]
        );
    }
}
