//! The tenth law: a field that the running version or the served CRD does not know is not injected.

use semver::Version;

use crate::decision::Reason;
use crate::facts::Facts;
use crate::fields::{Field, Since};
use crate::subject::{Kind, Subject};
use crate::versions;

/// What an object can be given: the version that will run, and the fields that its CRD keeps.
pub(super) struct Gate<'a> {
    kind: Kind,
    /// The version that will run; `None`: not known.
    pub(super) version: Option<Version>,
    facts: &'a Facts,
}

impl<'a> Gate<'a> {
    pub(super) fn of(subject: &Subject<'_>, facts: &'a Facts) -> Self {
        let own = subject
            .spec_text("version")
            .filter(|version| !version.is_empty());
        let version = match (own, &facts.operator) {
            (Some(own), _) => versions::parse(own),
            (None, Some(operator)) => match subject.kind {
                Kind::Prometheus | Kind::PrometheusAgent => versions::default_prometheus(operator),
                Kind::ThanosRuler => versions::default_thanos(operator),
            },
            (None, None) => None,
        };
        Self {
            kind: subject.kind,
            version,
            facts,
        }
    }

    /// Why a field that the wiring cannot do without cannot be given.
    pub(super) fn refuses(&self, path: &'static str) -> Option<Reason> {
        if !self.facts.served.knows(path) {
            return Some(Reason::CrdTooOld { path });
        }
        match Field::at(path)?.since(self.kind) {
            Since::Never => Some(Reason::VersionNever { path }),
            since => {
                let (version, needs) = self.too_old(path, since)?;
                Some(Reason::VersionTooOld {
                    path,
                    needs,
                    has: version.to_string(),
                })
            }
        }
    }

    /// Why a default is not given: what will run, or the served CRD, does not know it.
    pub(super) fn withholds(&self, path: &str) -> Option<String> {
        let field = Field::at(path)?;
        if !self.facts.served.knows(path) {
            return Some("the installed CRD does not know it".to_owned());
        }
        match field.since(self.kind) {
            Since::Never => Some("no version of Thanos' ruler knows it".to_owned()),
            since => self
                .too_old(field.path, since)
                .map(|(_, needs)| format!("it needs version {needs}")),
        }
    }

    fn too_old(&self, path: &'static str, since: Since) -> Option<(&Version, &'static str)> {
        let version = self.version.as_ref()?;
        let Since::Version(needs) = since else {
            return None;
        };
        let known = Field::at(path).is_none_or(|field| field.known_to(self.kind, version));
        (!known).then_some((version, needs))
    }
}
