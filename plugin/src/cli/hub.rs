//! Flags of a hub: what `init --domain` makes, and what `uninstall` takes away again.
//!
//! Each flag of [`HubArgs`] is also a key of a file of answers (kind Hub), in camel case: `--objstore-file` is
//! `objstoreFile`. A flag beside a file wins, and what is repeatable is added.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::ReportFormat;

/// The hub in flags.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Hub")]
pub struct HubArgs {
    /// The domain of the hub: receive.DOMAIN takes samples, query.DOMAIN answers
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
    /// The hub's name and its Thanos' release: another one beside it needs another [default: thanos]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The host that takes samples, where it is not receive.DOMAIN
    #[arg(long, value_name = "HOST")]
    pub write_host: Option<String>,
    /// The host that answers queries, where it is not query.DOMAIN
    #[arg(long, value_name = "HOST")]
    pub read_host: Option<String>,
    /// Make nothing in Azure: the object store is that of --objstore-file
    #[arg(long)]
    pub no_azure: bool,
    /// The object-store file of Thanos, of any provider; it goes into a Secret
    #[arg(long, value_name = "FILE")]
    pub objstore_file: Option<PathBuf>,
    /// Members that may write: the lines of their init --htpasswd-out; repeatable. Users that are known already stay
    #[arg(long, value_name = "FILE")]
    pub htpasswd_file: Vec<PathBuf>,
    /// What stands in front [default: envoy-gateway]
    #[arg(long, value_enum, value_name = "KIND")]
    pub ingress: Option<HubIngress>,
    /// Where its certificate is from: lets-encrypt, issuer:[KIND/]NAME or secret:NAME [default: lets-encrypt]
    #[arg(long, value_name = "SOURCE")]
    pub certificate: Option<String>,
    /// Whom Let's Encrypt writes to before a certificate ends
    #[arg(long, value_name = "ADDRESS")]
    pub acme_email: Option<String>,
    /// The gateway's address, where its Gateway does not say it
    #[arg(long, value_name = "ADDRESS")]
    pub gateway_address: Option<String>,
    /// Leave out a part; repeatable
    #[arg(long, value_enum, value_name = "PART", value_delimiter = ',')]
    pub skip: Vec<HubPart>,
    /// Another chart of a part: a folder, an archive or oci://…; repeatable
    #[arg(long, value_name = "PART=CHART", value_parser = of_part)]
    pub chart: Vec<(HubPart, String)>,
    /// More helm values for a part, from a file; the last wins; repeatable
    #[arg(long, value_name = "PART=FILE", value_parser = of_part)]
    pub values: Vec<(HubPart, String)>,
    /// Azure.
    #[command(flatten)]
    pub azure: HubAzureArgs,
}

/// The hub's Azure in flags.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Azure")]
#[group(id = "azure_flags", multiple = true, conflicts_with = "no_azure")]
pub struct HubAzureArgs {
    /// The subscription
    #[arg(long, value_name = "UUID")]
    pub subscription: Option<String>,
    /// The resource group
    #[arg(long, value_name = "NAME")]
    pub resource_group: Option<String>,
    /// The AKS cluster
    #[arg(long, value_name = "NAME")]
    pub aks_cluster: Option<String>,
    /// The storage account
    #[arg(long, value_name = "NAME")]
    pub storage_account: Option<String>,
    /// The container in it, of no other hub [default: the hub's name, with -thanos where it is not in it]
    #[arg(long, value_name = "NAME")]
    pub storage_container: Option<String>,
    /// The DNS zone that the domain is in
    #[arg(long, value_name = "ZONE")]
    pub dns_zone: Option<String>,
    /// The Managed Grafana
    #[arg(long, value_name = "NAME")]
    pub grafana: Option<String>,
    /// The user-assigned identity of Thanos
    #[arg(long, value_name = "NAME")]
    pub identity: Option<String>,
    /// The location of what is made
    #[arg(long, value_name = "NAME")]
    pub location: Option<String>,
    /// The address of Azure Resource Manager, where AZURE_AUTHORITY_HOST does not say it
    #[arg(long, value_name = "URL")]
    pub arm_endpoint: Option<String>,
    /// Grant the account-wide roles of the article as well: they hand out the account's keys, and Thanos needs none
    #[arg(long)]
    pub article_roles: bool,
}

impl HubArgs {
    /// These flags over the answers of a file.
    pub(crate) fn over(self, file: Self) -> Self {
        let Self {
            domain,
            name,
            write_host,
            read_host,
            no_azure,
            objstore_file,
            htpasswd_file,
            ingress,
            certificate,
            acme_email,
            gateway_address,
            skip,
            chart,
            values,
            azure,
        } = self;
        Self {
            domain: domain.or(file.domain),
            name: name.or(file.name),
            write_host: write_host.or(file.write_host),
            read_host: read_host.or(file.read_host),
            no_azure: no_azure || file.no_azure,
            objstore_file: objstore_file.or(file.objstore_file),
            htpasswd_file: [file.htpasswd_file, htpasswd_file].concat(),
            ingress: ingress.or(file.ingress),
            certificate: certificate.or(file.certificate),
            acme_email: acme_email.or(file.acme_email),
            gateway_address: gateway_address.or(file.gateway_address),
            skip: [file.skip, skip].concat(),
            chart: [file.chart, chart].concat(),
            values: [file.values, values].concat(),
            azure: azure.over(file.azure),
        }
    }
}

impl HubAzureArgs {
    fn over(self, file: Self) -> Self {
        let Self {
            subscription,
            resource_group,
            aks_cluster,
            storage_account,
            storage_container,
            dns_zone,
            grafana,
            identity,
            location,
            article_roles,
            arm_endpoint,
        } = self;
        Self {
            subscription: subscription.or(file.subscription),
            resource_group: resource_group.or(file.resource_group),
            aks_cluster: aks_cluster.or(file.aks_cluster),
            storage_account: storage_account.or(file.storage_account),
            storage_container: storage_container.or(file.storage_container),
            dns_zone: dns_zone.or(file.dns_zone),
            grafana: grafana.or(file.grafana),
            identity: identity.or(file.identity),
            location: location.or(file.location),
            article_roles: article_roles || file.article_roles,
            arm_endpoint: arm_endpoint.or(file.arm_endpoint),
        }
    }
}

/// What stands in front of the hub.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HubIngress {
    /// Envoy Gateway: TLS, users, tenant from the user.
    #[default]
    EnvoyGateway,
    /// Another Gateway API implementation, whose users it keeps itself.
    GatewayApi,
    /// ingress-nginx, which is retired upstream.
    IngressNginx,
}

impl HubIngress {
    /// As the chart's values spell it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::EnvoyGateway => "envoy-gateway",
            Self::GatewayApi => "gateway-api",
            Self::IngressNginx => "ingress-nginx",
        }
    }
}

/// A part of a hub that can be left out, or have a chart and values of its own.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HubPart {
    /// Envoy Gateway.
    EnvoyGateway,
    /// cert-manager.
    CertManager,
    /// Prometheus with its operator.
    KubePrometheusStack,
    /// Thanos; cannot be left out.
    Thanos,
    /// The admission webhook.
    Webhook,
    /// The hub's own Prometheus objects as a member.
    Member,
    /// The DNS record.
    Dns,
    /// Managed Grafana.
    Grafana,
}

impl HubPart {
    /// As the flags spell it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::EnvoyGateway => "envoy-gateway",
            Self::CertManager => "cert-manager",
            Self::KubePrometheusStack => "kube-prometheus-stack",
            Self::Thanos => "thanos",
            Self::Webhook => "webhook",
            Self::Member => "member",
            Self::Dns => "dns",
            Self::Grafana => "grafana",
        }
    }
}

fn of_part(text: &str) -> Result<(HubPart, String), String> {
    let (part, rest) = text
        .split_once('=')
        .filter(|(_, rest)| !rest.is_empty())
        .ok_or("must be PART=…")?;
    let part = HubPart::from_str(part, false).map_err(|_| {
        let known: Vec<&str> = HubPart::value_variants()
            .iter()
            .map(|part| part.word())
            .collect();
        format!("`{part}` is no part; those are {}", known.join(", "))
    })?;
    Ok((part, rest.to_owned()))
}

/// Take away what init made: wirings first, then the webhook, then the hub.
///
/// Un-wires every object before the webhook goes, so that nothing writes to a hub that is not there any more. Where no
/// webhook answers, its registrations go first and objects are un-wired by patches. What somebody else made stays, and
/// so do definitions, blocks and everything in Azure, unless a flag says otherwise.
///
/// Exit codes: 0 nothing is left; 1 failed; 2 usage, or a question cannot be asked; 4 partly done; 5 refused: another
/// context than was expected.
#[derive(Args, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own, and every combination means something"
)]
#[command(before_help = "\
  kubectl thanos uninstall --dry-run                     what would go, and what stays
  kubectl thanos uninstall --third-party --yes           with the charts that init installed
  kubectl thanos uninstall --name thanos-eu              one hub of several")]
pub struct UninstallArgs {
    /// The hub's name
    #[arg(long, value_name = "NAME", default_value = "thanos")]
    pub name: String,
    /// Remove the charts of others that init installed, too
    #[arg(long)]
    pub third_party: bool,
    /// Remove our definitions (ThanosWiring, ThanosPolicy), too
    #[arg(long)]
    pub crds: bool,
    /// Remove the hub's volumes, too: samples that are not in the object store yet are lost
    #[arg(long)]
    pub data: bool,
    /// List what carries the hub's tag in this subscription of Azure [default: the one of the cluster's nodes]
    #[arg(long, value_name = "UUID")]
    pub subscription: Option<String>,
    /// The address of Azure Resource Manager, where AZURE_AUTHORITY_HOST does not say it
    #[arg(long, value_name = "URL")]
    pub arm_endpoint: Option<String>,
    /// Refuse when the kubeconfig's context is another
    #[arg(long, value_name = "NAME")]
    pub expect_context: Option<String>,
    /// Show the plan, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// What to print
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,
}
