//! Azure Resource Manager: what is put is kept, what is made takes its time.

use serde_json::{Value, json};

use super::documents::{ARM, fault};
use super::{
    Asked, GROUP, ISSUER, KUBELET, KUBELET_CLIENT, Reply, SUBSCRIPTION, State, TENANT, tokens,
};

/// What was there before.
pub(super) fn furnish(state: &mut State) {
    let mut keep =
        |path: String, value: Value| state.resources.insert(path.to_ascii_lowercase(), value);
    keep(
        format!("/subscriptions/{SUBSCRIPTION}"),
        json!({"subscriptionId": SUBSCRIPTION, "displayName": "Playground", "tenantId": TENANT, "state": "Enabled"}),
    );
    keep(
        GROUP.to_owned(),
        json!({"id": GROUP, "name": "rg-hub", "location": "westeurope"}),
    );
    // Azure writes the same words in other cases in other answers.
    let cluster = format!(
        "/subscriptions/{SUBSCRIPTION}/resourcegroups/rg-hub/providers/Microsoft.ContainerService/managedClusters/aks-hub"
    );
    keep(
        cluster.clone(),
        json!({"id": cluster, "name": "aks-hub", "location": "westeurope", "properties": {
            "provisioningState": "Succeeded",
            "fqdn": "aks-hub-dns-1.hcp.westeurope.azmk8s.io",
            "nodeResourceGroup": "MC_rg-hub_aks-hub_westeurope",
            "identityProfile": {"kubeletidentity": {"clientId": KUBELET_CLIENT, "objectId": KUBELET,
                "resourceId": "/subscriptions/S/resourcegroups/MC/providers/Microsoft.ManagedIdentity/userAssignedIdentities/aks-hub-agentpool"}},
            "oidcIssuerProfile": {"enabled": true, "issuerURL": ISSUER},
            "securityProfile": {"workloadIdentity": {"enabled": true}},
        }}),
    );
    let zone = format!("{GROUP}/providers/Microsoft.Network/dnszones/example.com");
    keep(
        zone.clone(),
        json!({"id": zone, "name": "example.com", "location": "global"}),
    );
}

pub(super) fn answer(state: &mut State, asked: &Asked) -> Reply {
    let claims = tokens::claims(asked);
    if claims["aud"] != "https://management.azure.com" {
        return Reply::error(
            401,
            "InvalidAuthenticationToken",
            "The access token is invalid.",
        );
    }
    if asked.path.starts_with("/operations/") {
        return operation(state, asked);
    }
    if let Some(fault) = fault(ARM, &asked.method, &asked.path, &asked.query, &asked.body) {
        state.violations.push(fault.clone());
        return Reply::error(400, "NotDocumented", &fault);
    }
    match asked.method.as_str() {
        "GET" => read(state, asked),
        "POST" => name(asked),
        _ => write(state, asked),
    }
}

fn read(state: &mut State, asked: &Asked) -> Reply {
    let path = asked.path.to_ascii_lowercase();
    advance(state, &path);
    if let Some(found) = state.resources.get(&path) {
        return Reply::new(200, found.clone());
    }
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_list = matches!(
        last,
        "subscriptions"
            | "resources"
            | "managedclusters"
            | "storageaccounts"
            | "federatedidentitycredentials"
            | "roleassignments"
            | "dnszones"
            | "grafana"
    );
    if !is_list {
        return Reply::error(
            404,
            "ResourceNotFound",
            &format!("{} was not found.", asked.path),
        );
    }
    let filter = asked.query("$filter").unwrap_or_default();
    let value: Vec<Value> = state
        .resources
        .iter()
        .filter(|(key, one)| belongs(key, one, &path, last, filter))
        .map(|(_, one)| one.clone())
        .collect();
    // An empty page first: the next one must be asked for.
    if last == "managedclusters" && asked.query("$skiptoken").is_none() {
        let version = asked.query("api-version").unwrap_or_default();
        let next = format!(
            "{}{}?api-version={version}&$skiptoken=2",
            state.address, asked.path
        );
        return Reply::new(200, json!({"value": [], "nextLink": next}));
    }
    Reply::new(200, json!({"value": value}))
}

/// Whether a resource is in a list.
fn belongs(key: &str, one: &Value, path: &str, list: &str, filter: &str) -> bool {
    let below = |prefix: &str| {
        key.strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && !rest.contains('/'))
    };
    match list {
        "subscriptions" => below("/subscriptions/"),
        "resources" => {
            let quoted: Vec<&str> = filter.split('\'').collect();
            one["tags"][quoted[1]] == quoted[3]
        }
        "federatedidentitycredentials" => below(&format!("{path}/")),
        "roleassignments" => {
            let scope = path
                .split("/providers/microsoft.authorization/")
                .next()
                .unwrap_or_default();
            let who = filter.split('\'').nth(1).unwrap_or_default();
            let of = one["properties"]["scope"]
                .as_str()
                .unwrap_or_default()
                .to_ascii_lowercase();
            let is_known = filter == format!("principalId eq '{who}'")
                || filter == format!("assignedTo('{who}')");
            key.contains("/roleassignments/")
                && is_known
                && one["properties"]["principalId"] == who
                && (scope.starts_with(&of) || of.starts_with(scope))
        }
        // Lists of a whole subscription.
        kind => {
            let (parent, name) = key.rsplit_once('/').unwrap_or_default();
            !name.is_empty() && parent.ends_with(&format!("/{kind}"))
        }
    }
}

fn name(asked: &Asked) -> Reply {
    let body = asked.json();
    let name = body["name"].as_str().unwrap_or_default();
    if name == "takenbyothers" {
        return Reply::new(
            200,
            json!({"nameAvailable": false, "reason": "AlreadyExists",
                   "message": format!("The storage account named {name} is already taken.")}),
        );
    }
    Reply::new(200, json!({"nameAvailable": true}))
}

fn write(state: &mut State, asked: &Asked) -> Reply {
    let path = asked.path.to_ascii_lowercase();
    let body = asked.json();
    let existing = state.resources.get(&path).cloned();
    let group = path.split("/providers/").next().unwrap_or_default();
    if path.contains("/providers/") && !state.resources.contains_key(group) {
        return Reply::error(
            404,
            "ResourceGroupNotFound",
            "Resource group could not be found.",
        );
    }
    if path.contains("/roleassignments/") {
        return role(state, asked, &path, &body);
    }
    let mut made = body.clone();
    made["id"] = json!(asked.path);
    made["name"] = json!(asked.path.rsplit('/').next());
    if path.contains("/federatedidentitycredentials/") {
        return federated(state, &path, made);
    }
    if path.contains("/containers/") {
        let account = path.split("/blobservices/").next().unwrap_or_default();
        if !state.resources.contains_key(account) {
            return Reply::error(
                404,
                "ParentResourceNotFound",
                "The storage account is not there.",
            );
        }
        return keep(state, path, made);
    }
    if path.contains("/storageaccounts/") {
        return account(state, asked, path, made, existing);
    }
    if path.contains("/userassignedidentities/") {
        if let Some(existing) = existing {
            return Reply::new(200, existing);
        }
        made["properties"] = json!({
            "clientId": "00000000-0000-4000-8000-0000000000c1",
            "principalId": "00000000-0000-4000-8000-0000000000b1",
            "tenantId": TENANT,
        });
        made["type"] = json!("Microsoft.ManagedIdentity/userAssignedIdentities");
        return keep(state, path, made);
    }
    if path.contains("/dnszones/") {
        return record(state, asked, path, made, existing.as_ref());
    }
    if path.contains("/grafana/") {
        let is_new = existing.is_none();
        made["type"] = json!("Microsoft.Dashboard/grafana");
        made["properties"]["provisioningState"] =
            json!(if is_new { "Accepted" } else { "Succeeded" });
        made["properties"]["endpoint"] = json!(format!("{}/grafana/g1", state.address));
        made["identity"]["principalId"] = json!("00000000-0000-4000-8000-0000000000b2");
        let reply = keep(state, path.clone(), made);
        return if is_new {
            begin(state, &path, reply, true)
        } else {
            reply
        };
    }
    keep(state, path, made)
}

fn keep(state: &mut State, path: String, made: Value) -> Reply {
    let before = state.resources.insert(path, made.clone());
    Reply::new(if before.is_some() { 200 } else { 201 }, made)
}

/// An account: a name of one's own, properties that say what they are, and some time.
fn account(
    state: &mut State,
    asked: &Asked,
    path: String,
    mut made: Value,
    existing: Option<Value>,
) -> Reply {
    if let Some(mut existing) = existing {
        let given = asked.json();
        for (name, value) in given["properties"].as_object().into_iter().flatten() {
            existing["properties"][name] = value.clone();
        }
        return keep(state, path, existing);
    }
    let name = made["name"].as_str().unwrap_or_default().to_owned();
    made["type"] = json!("Microsoft.Storage/storageAccounts");
    made["properties"]["provisioningState"] = json!("Creating");
    let blobs = state.blobs.map_or_else(
        || format!("{}/blob/{name}/", state.address),
        |blobs| format!("https://{name}.{blobs}/"),
    );
    made["properties"]["primaryEndpoints"] = json!({"blob": blobs});
    state.resources.insert(path.clone(), made);
    begin(state, &path, Reply::new(202, Value::Null), false)
}

/// 202 or 201 with a place to ask for the end of it.
fn begin(state: &mut State, path: &str, mut reply: Reply, is_operation: bool) -> Reply {
    let number = format!("/operations/{}", state.operations.len());
    let link = format!("{}{number}?api-version=2023-05-01", state.address);
    state
        .operations
        .insert(number, (state.polls, path.to_owned()));
    let header = if is_operation {
        "Azure-AsyncOperation"
    } else {
        "Location"
    };
    reply = reply.with(header, &link);
    reply.with("Retry-After", &state.retry_after.to_string())
}

fn operation(state: &mut State, asked: &Asked) -> Reply {
    let retry = state.retry_after.to_string();
    let Some((left, path)) = state.operations.get_mut(&asked.path) else {
        return Reply::error(404, "NotFound", "no such operation");
    };
    let is_location = path.contains("/storageaccounts/");
    if *left > 0 {
        *left -= 1;
        return if is_location {
            Reply::new(202, Value::Null).with("Retry-After", &retry)
        } else {
            Reply::new(200, json!({"status": "Running"})).with("Retry-After", &retry)
        };
    }
    let path = path.clone();
    if state.fail_operations && !is_location {
        let error = json!({"code": "GrafanaFailed", "message": "It broke."});
        return Reply::new(200, json!({"status": "Failed", "error": error}));
    }
    finish(state, &path);
    let body = state.resources[&path].clone();
    if is_location {
        Reply::new(200, body)
    } else {
        Reply::new(200, json!({"status": "Succeeded"}))
    }
}

/// What is being made is made, whether anybody follows the operation or not: some looks later it is there.
fn advance(state: &mut State, path: &str) {
    let operation = state.operations.values_mut().find(|(_, of)| of == path);
    match operation {
        Some((0, _)) => finish(state, path),
        Some((left, _)) => *left -= 1,
        None => {}
    }
}

/// Something is there at last.
fn finish(state: &mut State, path: &str) {
    if let Some(made) = state.resources.get_mut(path) {
        made["properties"]["provisioningState"] = json!("Succeeded");
    }
}

fn federated(state: &mut State, path: &str, made: Value) -> Reply {
    let (parent, _) = path.rsplit_once('/').unwrap_or_default();
    let same = state.resources.iter().any(|(key, one)| {
        key.starts_with(&format!("{parent}/"))
            && key != path
            && one["properties"]["issuer"] == made["properties"]["issuer"]
            && one["properties"]["subject"] == made["properties"]["subject"]
    });
    if same {
        return Reply::error(
            400,
            "BadRequest",
            "Issuer and subject combination already exists for this Managed Identity",
        );
    }
    keep(state, path.to_owned(), made)
}

/// One assignment per scope, principal and role; a principal that is new is not known at once.
fn role(state: &mut State, asked: &Asked, path: &str, body: &Value) -> Reply {
    let given = &body["properties"];
    let who = given["principalId"].clone();
    let is_known = who == super::OPERATOR
        || who == KUBELET
        || state
            .resources
            .values()
            .any(|one| one["properties"]["principalId"] == who);
    if !is_known || state.principal_delay > 0 {
        state.principal_delay = state.principal_delay.saturating_sub(1);
        return Reply::error(
            400,
            "PrincipalNotFound",
            &format!("Principal {who} does not exist in the directory."),
        );
    }
    let scope = asked
        .path
        .split("/providers/Microsoft.Authorization/")
        .next()
        .unwrap_or_default();
    if !state.resources.contains_key(&scope.to_ascii_lowercase()) {
        return Reply::error(404, "ResourceNotFound", "The scope was not found.");
    }
    // As Azure answers: without the subscription.
    let definition = given["roleDefinitionId"].as_str().unwrap_or_default();
    let number = definition.rsplit('/').next().unwrap_or_default();
    let definition = format!("/providers/Microsoft.Authorization/roleDefinitions/{number}");
    let made = json!({
        "id": asked.path,
        "name": asked.path.rsplit('/').next(),
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {"scope": scope, "principalId": who, "principalType": given["principalType"],
                       "roleDefinitionId": definition},
    });
    if let Some(existing) = state.resources.get(path) {
        return if existing == &made {
            Reply::new(200, made)
        } else {
            Reply::error(
                400,
                "RoleAssignmentUpdateNotPermitted",
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
            )
        };
    }
    let same = state.resources.iter().find(|(key, one)| {
        key.contains("/roleassignments/") && one["properties"] == made["properties"]
    });
    if let Some((_, same)) = same {
        return Reply::error(
            409,
            "RoleAssignmentExists",
            &format!(
                "The role assignment already exists. The ID of the existing role assignment is {}.",
                same["name"]
            ),
        );
    }
    keep(state, path.to_owned(), made)
}

fn record(
    state: &mut State,
    asked: &Asked,
    path: String,
    mut made: Value,
    existing: Option<&Value>,
) -> Reply {
    let etag = existing.and_then(|one| one["etag"].as_str());
    let only_new = asked.headers.get("if-none-match").map(String::as_str) == Some("*");
    let only_same = asked.headers.get("if-match").map(String::as_str);
    if (only_new && existing.is_some()) || (only_same.is_some() && only_same != etag) {
        return Reply::error(412, "PreconditionFailed", "The condition was not met.");
    }
    made["etag"] = json!(format!("etag-{}", state.seen.len()));
    made["properties"]["provisioningState"] = json!("Succeeded");
    keep(state, path, made)
}
