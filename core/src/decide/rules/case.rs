//! What a rule is asked about, and where it puts what it finds.

use serde_json::{Value, json};

use super::links;
use super::places::{Digested, Place, Places, Spot, digest};
use crate::codes::Code;
use crate::decide::wire::{self, Values};
use crate::facts::Facts;
use crate::fields::sensitive::Sort;
use crate::policy::{Enforcement, Policy};
use crate::subject::Subject;
use crate::wiring::{Rules, Wiring};

/// One object before one policy.
pub(super) struct Case<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) facts: &'a Facts,
    pub(super) rules: &'a Rules,
    pub(super) policy: &'a Policy,
    pub(super) places: &'a Places<'a>,
}

impl<'a> Case<'a> {
    /// The fields of the object that the table gives to a rule and to a sort, in their order.
    pub(super) fn places(
        &self,
        rule: &'static str,
        sort: Sort,
    ) -> impl Iterator<Item = &'a Place<'a>> {
        self.places
            .all
            .iter()
            .filter(move |place| place.row.sort == sort && place.row.rules.contains(&rule))
    }

    /// The entries of `spec.remoteWrite`, with their spot.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Spot<'a>, &'a Value)> {
        let entries = self.subject.spec("remoteWrite").and_then(Value::as_array);
        entries
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(at, entry)| (Spot::entry(at, entry), entry))
    }

    /// The wiring whose entry this is: it has the name and leads to where the wiring sends, and the wiring selects the
    /// object.
    pub(super) fn wiring_of(&self, entry: &Value) -> Option<&'a Wiring> {
        let mut wirings = self.rules.wirings().iter().map(|wiring| &**wiring);
        wirings.find(|wiring| self.owns(wiring, entry))
    }

    /// The wirings that select the object.
    pub(super) fn selecting(&self) -> impl Iterator<Item = &'a Wiring> {
        let (subject, facts) = (self.subject, self.facts);
        let wirings = self.rules.wirings().iter().map(|wiring| &**wiring);
        wirings.filter(move |wiring| crate::decide::unselected(subject, facts, wiring).is_none())
    }

    /// The labels that a wiring enforces and the tenant that it sends, as they are for this object.
    pub(super) fn values(&self, wiring: &Wiring) -> Option<Values> {
        wire::render(self.subject, wiring)
    }

    /// The wiring that sets the very value at a place inside of one of its entries.
    ///
    /// What a wiring sets is the admin's word; the same value anywhere else is not.
    pub(super) fn set_by_wiring(&self, place: &Place<'_>) -> bool {
        let Some((entry, field, rest)) = place.at.in_entry() else {
            return false;
        };
        // For a minute what the wiring set before it changed counts, too.
        let wiring = self.wiring_of(entry);
        let lately = self.facts.lately.wirings.values().map(|wiring| &**wiring);
        let lately = lately.filter(|wiring| self.owns(wiring, entry));
        let mut wirings = wiring.into_iter().chain(lately);
        wirings.any(|wiring| self.sets(wiring, place, field, &rest))
    }

    /// Where the caller sends that a place is part of: its urls, and an alertmanager's service.
    fn destination<'v>(&'v self, place: &'v Place<'_>) -> Vec<&'v Value> {
        let urls = self.places.all.iter().filter(|other| {
            other.row.sort == Sort::Url && other.at.is_beside(&place.at) && other.value.is_string()
        });
        let service = ["namespace", "port", "scheme"];
        let item = place.at.first_item().into_iter();
        let service = item.flat_map(|item| service.iter().filter_map(|field| item.get(field)));
        urls.map(|url| url.value).chain(service).collect()
    }

    /// Whether an entry has the name and the url of a wiring that selects the object.
    fn owns(&self, wiring: &Wiring, entry: &Value) -> bool {
        let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
        // What Go may read as another host is not the wiring's, whatever the url standard makes of it.
        let url = text("url");
        let is_plain = || wiring.entry.url == url || links::read(url).is_some();
        wiring.entry.name == text("name")
            && wiring.entry.leads_to(url)
            && is_plain()
            && crate::decide::unselected(self.subject, self.facts, wiring).is_none()
    }

    /// Whether a wiring sets the value of a place at a field of its entry, or below.
    fn sets(&self, wiring: &Wiring, place: &Place<'_>, field: &str, rest: &[&str]) -> bool {
        if matches!(field, "url" | "name") {
            return rest.is_empty();
        }
        if field == "headers" {
            let tenant = self.values(wiring).and_then(|values| values.tenant);
            return tenant
                .is_some_and(|(header, value)| rest == [header.as_str()] && *place.value == value);
        }
        let mut enforced = wiring.entry.enforced.iter();
        let Some((_, value)) = enforced.find(|(name, _)| *name == field) else {
            return false;
        };
        rest.iter()
            .try_fold(value, |value, step| value.get(step))
            .is_some_and(|wanted| wanted == place.value)
    }
}

/// One thing that a rule has found.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) path: String,
    /// The place, with the items of lists by name or content: indexes shift when another is added.
    place: String,
    value: Digested,
    pub(super) sentence: String,
    /// What happens about it at most, whatever the policy says.
    pub(super) at_most: Option<Enforcement>,
    /// A row of the registry that says more than the rule's own.
    pub(super) code: Option<&'static Code>,
}

impl Finding {
    /// Its place and its value: what has both is the same thing.
    pub(super) fn sameness(&self) -> (&str, Digested) {
        (&self.place, self.value)
    }
}

/// What a rule has found.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What another look has found, too.
    pub(super) fn extend(&mut self, other: Findings) {
        self.0.extend(other.0);
    }

    /// A field that is there and is wrong.
    pub(super) fn at(&mut self, spot: &Spot<'_>, value: &Value, sentence: impl Into<String>) {
        self.0.push(Finding {
            path: spot.path(),
            place: spot.place(),
            value: digest(value),
            sentence: sentence.into(),
            at_most: None,
            code: None,
        });
    }

    /// A place of the table.
    pub(super) fn place(&mut self, place: &Place<'_>, sentence: impl Into<String>) {
        self.at(&place.at, place.value, sentence);
    }

    /// A place that names a credential. Where it is sent is part of the fault: an old one must not be turned on somebody
    /// else.
    pub(super) fn sent(&mut self, case: &Case<'_>, place: &Place<'_>, sentence: impl Into<String>) {
        let value = json!([place.value, case.destination(place)]);
        self.at(&place.at, &value, sentence);
    }

    /// A field that is missing, or that stands above `spec`, by its dotted path.
    pub(super) fn path(&mut self, path: &str, value: &Value, sentence: impl Into<String>) {
        self.0.push(Finding {
            path: path.to_owned(),
            place: path.to_owned(),
            value: digest(value),
            sentence: sentence.into(),
            at_most: None,
            code: None,
        });
    }

    /// The last one has a code of its own.
    pub(super) fn say(&mut self, code: &'static Code) {
        if let Some(last) = self.0.last_mut() {
            last.code = Some(code);
        }
    }

    /// Warns of the last one at most.
    pub(super) fn only_warn(&mut self) {
        if let Some(last) = self.0.last_mut() {
            last.at_most = Some(Enforcement::Warn);
        }
    }
}
