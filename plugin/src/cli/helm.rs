//! What helm takes off the command line of its plugin, and says in variables instead.
//!
//! Helm keeps `-n`, `--kube-context`, `--kubeconfig`, `--kube-…` and `--debug` for itself, wherever they stand; a plugin
//! finds them in `HELM_…` and `KUBECONFIG`, next to what was exported. A post-renderer finds only what was exported.

use std::path::PathBuf;

use thanos_core::codes;

use super::{Colour, Global};
use crate::Surroundings;
use crate::failure::Failure;

/// The part of it that no flag of ours says: another server, and how it is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FromHelm {
    /// The API server's address.
    pub server: Option<String>,
    /// The file with the authority that the server's certificate is held against.
    pub authority: Option<PathBuf>,
    /// The name that the server's certificate must bear.
    pub server_name: Option<String>,
    /// Whether any certificate is good enough.
    pub is_insecure: bool,
    /// Whether a bearer token was given; never the token.
    pub has_token: bool,
}

impl FromHelm {
    /// Refuses what cannot be honoured; asked by whoever is about to talk to a cluster.
    ///
    /// # Errors
    /// A token in a variable (KTH0021).
    pub fn check(&self) -> Result<(), Failure> {
        if !self.has_token {
            return Ok(());
        }
        let sentence = "helm gave a token on the command line or in HELM_KUBETOKEN, and no secret is taken from there";
        Err(Failure::usage(sentence)
            .code(codes::HELM_SETTING)
            .hint("put the token into a user of a kubeconfig, and name it with --kubeconfig or --kube-context"))
    }
}

/// Whether helm calls this program, as its plugin.
pub fn is_caller(surroundings: &Surroundings) -> bool {
    surroundings.variable("HELM_PLUGIN_NAME").is_some()
}

/// Fills in what our own flags leave open.
pub(super) fn settle(global: &mut Global, surroundings: &Surroundings) {
    let said = |name| surroundings.variable(name).map(str::to_owned);
    let is_true = |name| matches!(surroundings.variable(name), Some("true" | "1" | "t" | "T"));
    let or = |own: &mut Option<String>, name| {
        if own.is_none() {
            *own = said(name);
        }
    };
    or(&mut global.namespace, "HELM_NAMESPACE");
    or(&mut global.context, "HELM_KUBECONTEXT");
    or(&mut global.impersonate, "HELM_KUBEASUSER");
    if global.impersonate_groups.is_empty() {
        let groups = said("HELM_KUBEASGROUPS").unwrap_or_default();
        let groups = groups.split(',').map(str::trim);
        global.impersonate_groups = groups
            .filter(|group| !group.is_empty())
            .map(str::to_owned)
            .collect();
    }
    if is_true("HELM_DEBUG") && !global.quiet {
        global.verbose = global.verbose.max(1);
    }
    if global.color == Colour::Auto {
        global.color = match surroundings.variable("HELM_COLOR") {
            Some("always") => Colour::Always,
            Some("never") => Colour::Never,
            _ => Colour::Auto,
        };
    }
    global.helm = FromHelm {
        server: said("HELM_KUBEAPISERVER"),
        authority: said("HELM_KUBECAFILE").map(PathBuf::from),
        server_name: said("HELM_KUBETLS_SERVER_NAME"),
        is_insecure: is_true("HELM_KUBEINSECURE_SKIP_TLS_VERIFY"),
        has_token: said("HELM_KUBETOKEN").is_some(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_come_before_what_helm_says() {
        let around = Surroundings::bare()
            .with("HELM_NAMESPACE", "team-a")
            .with("HELM_KUBECONTEXT", "edge")
            .with("HELM_KUBEASGROUPS", "one, two,")
            .with("HELM_DEBUG", "true")
            .with("HELM_COLOR", "never")
            .with("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", "false")
            .with("HELM_KUBEAPISERVER", "https://127.0.0.1:1");
        let mut global = Global {
            namespace: Some("monitoring".to_owned()),
            ..Global::default()
        };
        settle(&mut global, &around);
        assert_eq!(global.namespace.as_deref(), Some("monitoring"));
        assert_eq!(global.context.as_deref(), Some("edge"));
        assert_eq!(global.impersonate_groups, ["one", "two"]);
        assert_eq!((global.verbose, global.color), (1, Colour::Never));
        assert_eq!(global.helm.server.as_deref(), Some("https://127.0.0.1:1"));
        assert!(!global.helm.is_insecure && global.helm.check().is_ok());
    }

    #[test]
    fn a_token_is_refused_and_not_shown() {
        let around = Surroundings::bare().with("HELM_KUBETOKEN", "c4n4ry");
        let mut global = Global::default();
        settle(&mut global, &around);
        let failure = global.helm.check().unwrap_err();
        assert_eq!(failure.code, Some(codes::HELM_SETTING));
        assert!(!format!("{failure:?}{global:?}").contains("c4n4ry"));
    }
}
