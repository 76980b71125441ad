//! The hub's own cluster as a member: the member form of `init` with the hub's own address and credential.

use thanos_core::names;

use super::apply::Doings;
use super::credentials::Credentials;
use super::facts::Facts;
use super::plan::Membership;
use super::wish::Wish;
use crate::cli::InitArgs;
use crate::cluster::Cluster;
use crate::cluster::resource::{PROMETHEUSES, WIRINGS};
use crate::enroll;
use crate::enroll::hidden::Hidden;
use crate::enroll::parts::Part;
use crate::enroll::plan::{self as enrolment, Terms};
use crate::failure::Failure;
use crate::init::{apply as steps, facts, plan, wish};

/// A membership that is wished for.
pub(crate) struct Member<'a> {
    pub(crate) hub: &'a Wish,
    pub(crate) wish: wish::Wish,
    pub(crate) terms: Terms,
}

/// The wiring of a hub's own member.
pub(crate) fn member<'a>(
    args: &InitArgs,
    hub: &'a Wish,
    enrolled: Vec<String>,
) -> Result<Member<'a>, Vec<Failure>> {
    let mut flags = args.wiring.clone();
    flags.url = Some(hub.write_url());
    flags.cluster = Some(hub.cluster.clone());
    flags.wiring_name.clone_from(&hub.name);
    if flags.secret == names::SECRET {
        flags.secret = hub.member_secret();
    }
    let mut raw = wish::of_flags(&flags, hub.authority.is_some())?;
    // An object may be wired to several hubs.
    raw["spec"]["remoteWrite"]["name"] = hub.name.clone().into();
    raw["metadata"]["labels"][names::HUB] = hub.name.clone().into();
    let wish = wish::settled(&raw, enrolled).map_err(|fault| vec![fault])?;
    let terms = enroll::terms(&serde_json::Value::Null, &wish.written);
    Ok(Member { hub, wish, terms })
}

impl Member<'_> {
    /// The hub's own credential, as enrolment takes it.
    fn credential(&self, credentials: &Credentials) -> enrolment::Wish {
        let mut given = enroll::parts::Values::new();
        given.insert(Part::User, Hidden::new(credentials.write.user.as_str()));
        given.insert(Part::Password, credentials.write.password.clone());
        if let Some(authority) = &self.hub.authority {
            given.insert(Part::Authority, authority.clone());
        }
        enrolment::Wish {
            given,
            // What the hub says is what the gateway knows.
            replace: true,
            ..enrolment::Wish::default()
        }
    }

    /// How far it is there already.
    pub(crate) async fn look(
        &self,
        cluster: &Cluster,
        hub: &Facts,
        credentials: &Credentials,
    ) -> Result<Membership, Failure> {
        let known = |namespace: &String| hub.namespaces.contains(namespace);
        let may_be = hub.serves(&WIRINGS)
            && hub.serves(&PROMETHEUSES)
            && self.wish.namespaces.iter().all(known);
        if !may_be {
            return Ok(Membership::None);
        }
        let facts = facts::gather(cluster, &self.wish, &self.terms).await?;
        let Some(wiring) = &facts.wiring else {
            return Ok(Membership::None);
        };
        let terms = enroll::terms(wiring, &self.wish.written);
        let planned = plan::plan(&self.wish, &self.credential(credentials), &terms, &facts);
        Ok(match planned {
            Ok(plan) if plan.is_settled() => Membership::Whole,
            _ => Membership::Half,
        })
    }
}

/// Carries it out; gives whether anything changed.
pub(crate) async fn apply(
    cluster: &Cluster,
    member: &Member<'_>,
    credentials: &Credentials,
    doings: &mut Doings<'_, '_>,
) -> Result<bool, Vec<Failure>> {
    let one = |failure: Failure| vec![failure];
    let gathered = facts::gather(cluster, &member.wish, &member.terms).await;
    let facts = gathered.map_err(one)?;
    let stored = facts.wiring.clone().unwrap_or_default();
    let terms = enroll::terms(&stored, &member.wish.written);
    let credential = member.credential(credentials);
    let plan = plan::plan(&member.wish, &credential, &terms, &facts)?;
    if plan.is_settled() {
        return Ok(false);
    }
    enroll::warn(&plan.warnings, doings.ui);
    let mut inner = steps::Doings {
        aloud: doings.aloud,
        ui: doings.ui,
        results: Vec::new(),
        changed: false,
        enrolled: Vec::new(),
    };
    let applied = steps::apply(cluster, &plan, &terms, &credential, &mut inner).await;
    let changed = inner.changed;
    let results = std::mem::take(&mut inner.results);
    doings.results.extend(results.into_iter().map(|mut result| {
        result["part"] = "member".into();
        result
    }));
    doings.changed |= changed;
    applied.map(|()| changed)
}
