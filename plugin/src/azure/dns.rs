//! The hub's names in an Azure DNS zone: one wildcard record, or one record per host.

use std::net::IpAddr;

use serde_json::{Value, json};
use thanos_core::names;

use super::facts::{Facts, Record, Zone};
use super::ids::{self, version};
use super::{Azure, DnsWish};
use crate::failure::Failure;

/// As long as resolvers may keep an address, in seconds.
const TIME_TO_LIVE: u32 = 300;
const KIND: &str = "Microsoft.Network/dnszones";

/// Finds the zone and those of the wished records that are there.
pub(super) async fn look(
    azure: &Azure,
    wanted: &DnsWish,
    subscription: &str,
) -> Result<Option<Zone>, Failure> {
    let told = |trouble: super::arm::Trouble| trouble.told("the DNS zone cannot be looked at");
    // By its id it may lie in another subscription.
    let subscription = ids::part(&wanted.zone, "subscriptions").unwrap_or(subscription);
    let path = format!("/subscriptions/{subscription}/providers/{KIND}");
    let all = azure
        .arm
        .list(&path, version::DNS, None)
        .await
        .map_err(told)?;
    let found = all.iter().find_map(|zone| {
        let (id, name) = (zone["id"].as_str()?, zone["name"].as_str()?);
        let is_meant = ids::same(id, &wanted.zone) || name.eq_ignore_ascii_case(&wanted.zone);
        is_meant.then(|| (id.to_owned(), name.to_owned()))
    });
    let Some((id, name)) = found else {
        return Ok(None);
    };
    let mut records = Vec::new();
    for record in records_for(wanted, &name).unwrap_or_default() {
        let kind = kind(wanted.address);
        let found = azure
            .arm
            .get(&path_of(&id, kind, &record), version::DNS)
            .await
            .map_err(told)?;
        records.extend(found.map(|found| read(&record, &found)));
    }
    Ok(Some(Zone { id, name, records }))
}

/// What to say where a zone is wished and not there.
pub(super) fn no_zone(wanted: &DnsWish, facts: &Facts) -> Failure {
    let group = ids::last(&facts.group);
    Facts::missing(
        &format!("the DNS zone {} is not there", wanted.zone),
        format!(
            "az network dns zone create --resource-group {group} --name {}, and have its parent point at it; or leave the DNS zone out",
            wanted.zone
        ),
    )
}

/// Names of the records below the zone, or the host that does not belong there.
pub(super) fn records_for(wanted: &DnsWish, zone: &str) -> Result<Vec<String>, String> {
    let below = |host: &str| -> Result<String, String> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let zone = zone.to_ascii_lowercase();
        if host == zone {
            return Ok("@".to_owned());
        }
        host.strip_suffix(&format!(".{zone}"))
            .map(str::to_owned)
            .ok_or_else(|| format!("{host} does not lie in the DNS zone {zone}"))
    };
    let hosts = &wanted.hosts;
    let is_right_below = |host: &String| {
        host.split_once('.')
            .is_some_and(|(_, parent)| parent.eq_ignore_ascii_case(&wanted.domain))
    };
    if !hosts.is_empty() && hosts.iter().all(is_right_below) {
        let domain = below(&wanted.domain)?;
        return Ok(vec![if domain == "@" {
            "*".to_owned()
        } else {
            format!("*.{domain}")
        }]);
    }
    hosts.iter().map(|host| below(host)).collect()
}

/// The path of a record.
pub(super) fn path_of(zone: &str, kind: &str, name: &str) -> String {
    format!("{zone}/{kind}/{name}")
}

/// `A`, or `AAAA` for an address that needs it.
pub(super) fn kind(address: Option<IpAddr>) -> &'static str {
    match address {
        Some(IpAddr::V6(_)) => "AAAA",
        _ => "A",
    }
}

/// The record as it is wanted.
pub(super) fn record(hub: &str, address: IpAddr) -> Value {
    let metadata = json!({names::AZURE_TAG: hub});
    match address {
        IpAddr::V4(address) => json!({"properties": {
            "TTL": TIME_TO_LIVE,
            "ARecords": [{"ipv4Address": address.to_string()}],
            "metadata": metadata,
        }}),
        IpAddr::V6(address) => json!({"properties": {
            "TTL": TIME_TO_LIVE,
            "AAAARecords": [{"ipv6Address": address.to_string()}],
            "metadata": metadata,
        }}),
    }
}

/// A record as it is found.
pub(super) fn read(name: &str, value: &Value) -> Record {
    let properties = &value["properties"];
    let addresses = |list: &str, field: &str| -> Vec<String> {
        let items = properties[list].as_array().into_iter().flatten();
        items
            .filter_map(|item| Some(item[field].as_str()?.to_owned()))
            .collect()
    };
    let mut all = addresses("ARecords", "ipv4Address");
    all.extend(addresses("AAAARecords", "ipv6Address"));
    Record {
        name: name.to_owned(),
        addresses: all,
        is_alias: properties["targetResource"]["id"].is_string(),
        hub: properties["metadata"][names::AZURE_TAG]
            .as_str()
            .map(str::to_owned),
        etag: value["etag"].as_str().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(domain: &str, hosts: &[&str]) -> Result<Vec<String>, String> {
        let wanted = DnsWish {
            zone: "example.com".to_owned(),
            domain: domain.to_owned(),
            hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
            address: None,
        };
        records_for(&wanted, "Example.com")
    }

    #[test]
    fn hosts_right_below_the_domain_share_a_wildcard() {
        let both = ["receive.thanos.example.com", "query.thanos.example.com"];
        assert_eq!(names("thanos.example.com", &both).unwrap(), ["*.thanos"]);
        assert_eq!(names("example.com", &["query.example.com"]).unwrap(), ["*"]);
    }

    #[test]
    fn other_hosts_have_a_record_each() {
        let hosts = ["write.example.com", "query.thanos.example.com"];
        assert_eq!(
            names("thanos.example.com", &hosts).unwrap(),
            ["write", "query.thanos"]
        );
        let wrong = names("example.com", &["a.other.org"]).unwrap_err();
        assert_eq!(
            wrong,
            "a.other.org does not lie in the DNS zone example.com"
        );
        // A name that only ends alike.
        assert!(names("x", &["a.notexample.com"]).is_err());
    }
}
