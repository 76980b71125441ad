//! The documented requests, and nothing else: method, path, api-version, query, and every field of the body.
//!
//! From Azure's REST reference (azure-rest-api-specs, the api-versions below) and Grafana's HTTP API. A schema names
//! a value by `string`, `bool`, `number`, `guid`, `map` or `any`; `=x` is x alone; `a?` is a field that may be missing.

use serde_json::Value;

pub(crate) struct Document {
    pub(crate) method: &'static str,
    /// `{x}` is any one part; `{scope}` at the beginning is any resource.
    pub(crate) path: &'static str,
    pub(crate) version: &'static str,
    /// Other query parameters that must be there.
    pub(crate) query: &'static [&'static str],
    pub(crate) body: &'static str,
}

const fn get(path: &'static str, version: &'static str) -> Document {
    Document {
        method: "GET",
        path,
        version,
        query: &[],
        body: "",
    }
}

const fn filtered(path: &'static str, version: &'static str) -> Document {
    Document {
        method: "GET",
        path,
        version,
        query: &["$filter"],
        body: "",
    }
}

const fn write(
    method: &'static str,
    path: &'static str,
    version: &'static str,
    body: &'static str,
) -> Document {
    Document {
        method,
        path,
        version,
        query: &[],
        body,
    }
}

const GROUP: &str = "/subscriptions/{s}/resourceGroups/{g}";
const ACCOUNT: &str =
    "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Storage/storageAccounts/{a}";
const CONTAINER: &str = "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Storage/storageAccounts/{a}/blobServices/default/containers/{c}";
const IDENTITY: &str = "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{i}";
const FEDERATED: &str = "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{i}/federatedIdentityCredentials/{f}";
const RECORD_A: &str =
    "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Network/dnszones/{z}/A/{n}";
const RECORD_AAAA: &str =
    "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Network/dnszones/{z}/AAAA/{n}";
const WORKSPACE: &str =
    "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Dashboard/grafana/{w}";
const ASSIGNMENT: &str = "{scope}/providers/Microsoft.Authorization/roleAssignments/{guid}";

/// Azure Resource Manager.
pub(crate) const ARM: &[Document] = &[
    get("/subscriptions", "2022-12-01"),
    get(GROUP, "2021-04-01"),
    write(
        "PUT",
        GROUP,
        "2021-04-01",
        r#"{"location":"string","tags?":"map"}"#,
    ),
    filtered("/subscriptions/{s}/resources", "2021-04-01"),
    get(
        "/subscriptions/{s}/providers/Microsoft.ContainerService/managedClusters",
        "2025-10-01",
    ),
    get(
        "/subscriptions/{s}/providers/Microsoft.Storage/storageAccounts",
        "2023-05-01",
    ),
    write(
        "POST",
        "/subscriptions/{s}/providers/Microsoft.Storage/checkNameAvailability",
        "2023-05-01",
        r#"{"name":"string","type":"=Microsoft.Storage/storageAccounts"}"#,
    ),
    get(ACCOUNT, "2023-05-01"),
    write(
        "PUT",
        ACCOUNT,
        "2023-05-01",
        r#"{"sku":{"name":"string"},"kind":"=StorageV2","location":"string","tags?":"map","properties":{
            "allowBlobPublicAccess":"bool","allowSharedKeyAccess":"bool","defaultToOAuthAuthentication":"bool",
            "minimumTlsVersion":"string","supportsHttpsTrafficOnly":"bool"}}"#,
    ),
    write(
        "PATCH",
        ACCOUNT,
        "2023-05-01",
        r#"{"properties":{"allowBlobPublicAccess?":"bool","allowSharedKeyAccess?":"bool",
            "defaultToOAuthAuthentication?":"bool","minimumTlsVersion?":"string","supportsHttpsTrafficOnly?":"bool"}}"#,
    ),
    get(CONTAINER, "2023-05-01"),
    write(
        "PUT",
        CONTAINER,
        "2023-05-01",
        r#"{"properties":{"publicAccess":"=None"}}"#,
    ),
    get(IDENTITY, "2023-01-31"),
    write(
        "PUT",
        IDENTITY,
        "2023-01-31",
        r#"{"location":"string","tags?":"map"}"#,
    ),
    get(
        "/subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{i}/federatedIdentityCredentials",
        "2023-01-31",
    ),
    write(
        "PUT",
        FEDERATED,
        "2023-01-31",
        r#"{"properties":{"issuer":"string","subject":"string","audiences":["=api://AzureADTokenExchange"]}}"#,
    ),
    filtered(
        "{scope}/providers/Microsoft.Authorization/roleAssignments",
        "2022-04-01",
    ),
    get(ASSIGNMENT, "2022-04-01"),
    write(
        "PUT",
        ASSIGNMENT,
        "2022-04-01",
        r#"{"properties":{"roleDefinitionId":"string","principalId":"guid","principalType":"string"}}"#,
    ),
    get(
        "/subscriptions/{s}/providers/Microsoft.Network/dnszones",
        "2018-05-01",
    ),
    get(RECORD_A, "2018-05-01"),
    get(RECORD_AAAA, "2018-05-01"),
    write(
        "PUT",
        RECORD_A,
        "2018-05-01",
        r#"{"properties":{"TTL":"number","ARecords":[{"ipv4Address":"string"}],"metadata?":"map"}}"#,
    ),
    write(
        "PUT",
        RECORD_AAAA,
        "2018-05-01",
        r#"{"properties":{"TTL":"number","AAAARecords":[{"ipv6Address":"string"}],"metadata?":"map"}}"#,
    ),
    get(
        "/subscriptions/{s}/providers/Microsoft.Dashboard/grafana",
        "2023-09-01",
    ),
    get(WORKSPACE, "2023-09-01"),
    write(
        "PUT",
        WORKSPACE,
        "2023-09-01",
        r#"{"location":"string","tags?":"map","sku":{"name":"string"},"identity":{"type":"=SystemAssigned"},
            "properties":{"apiKey?":"string","publicNetworkAccess?":"string"}}"#,
    ),
];

/// Grafana's own API.
pub(crate) const GRAFANA: &[Document] = &[
    get("/api/datasources/uid/{uid}", ""),
    get("/api/datasources/uid/{uid}/health", ""),
    write("POST", "/api/datasources", "", SOURCE),
    write("PUT", "/api/datasources/uid/{uid}", "", SOURCE),
    get("/api/folders/{uid}", ""),
    write(
        "POST",
        "/api/folders",
        "",
        r#"{"uid":"string","title":"string"}"#,
    ),
    get("/api/dashboards/uid/{uid}", ""),
    write(
        "POST",
        "/api/dashboards/db",
        "",
        r#"{"dashboard":"any","folderUid":"string","overwrite":"=true","message":"string"}"#,
    ),
    get(
        "/api/v1/provisioning/folder/{folder}/rule-groups/{group}",
        "",
    ),
    write(
        "PUT",
        "/api/v1/provisioning/folder/{folder}/rule-groups/{group}",
        "",
        r#"{"title":"string","folderUid":"string","interval":"number","rules":[{
            "uid":"string","title":"string","ruleGroup":"string","folderUID":"string","orgID":"number",
            "condition":"string","data":[{"refId":"string","datasourceUid":"string","relativeTimeRange":{
            "from":"number","to":"number"},"model":"any"}],"for":"string","noDataState":"string",
            "execErrState":"string","labels":"map","annotations":"map","isPaused":"bool"}]}"#,
    ),
];

const SOURCE: &str = r#"{"name":"string","uid":"string","type":"=prometheus","access":"=proxy","url":"string",
    "basicAuth":"bool","basicAuthUser":"string","secureJsonData":{"basicAuthPassword":"string","tlsCACert?":"string"},
    "jsonData":{"httpMethod":"string","prometheusType":"string","prometheusVersion":"string","timeInterval":"string",
    "manageAlerts":"bool","tlsAuthWithCACert?":"bool","kubectlThanosHub":"string"}}"#;

/// Why a request is not documented; nothing if it is.
pub(crate) fn fault(
    documents: &[Document],
    method: &str,
    path: &str,
    query: &[(String, String)],
    body: &[u8],
) -> Option<String> {
    let same_path: Vec<&Document> = documents
        .iter()
        .filter(|document| matches(document.path, path))
        .collect();
    if same_path.is_empty() {
        return Some(format!("{method} {path}: no such path"));
    }
    let Some(document) = same_path.iter().find(|document| document.method == method) else {
        return Some(format!("{method} {path}: no such method"));
    };
    let mut expected: Vec<&str> = document.query.to_vec();
    if !document.version.is_empty() {
        expected.push("api-version");
    }
    // Every list may go on: the link to its next page is the server's own.
    let mut given: Vec<&str> = query
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| *name != "$skiptoken")
        .collect();
    expected.sort_unstable();
    given.sort_unstable();
    if expected != given {
        return Some(format!(
            "{method} {path}: query {given:?} and not {expected:?}"
        ));
    }
    let version = query.iter().find(|(name, _)| name == "api-version");
    if version.is_some_and(|(_, version)| version != document.version) {
        return Some(format!("{method} {path}: api-version {version:?}"));
    }
    if document.body.is_empty() {
        return (!body.is_empty()).then(|| format!("{method} {path}: has a body"));
    }
    let schema: Value = serde_json::from_str(document.body).expect("a schema");
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Some(format!("{method} {path}: the body is no JSON"));
    };
    check(&body, &schema, "")
        .err()
        .map(|why| format!("{method} {path}: {why}"))
}

/// Whether a path is of a template; Azure heeds no case.
fn matches(template: &str, path: &str) -> bool {
    if let Some(end) = template.strip_prefix("{scope}") {
        let Some(at) = path.find("/providers/Microsoft.Authorization/") else {
            return false;
        };
        return at > 0 && matches(end, &path[at..]);
    }
    let (template, path): (Vec<&str>, Vec<&str>) =
        (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template.iter().zip(&path).all(|(wanted, given)| {
            (wanted.starts_with('{') && !given.is_empty()) || wanted.eq_ignore_ascii_case(given)
        })
}

fn check(value: &Value, schema: &Value, at: &str) -> Result<(), String> {
    let no = |what: &str| Err(format!("{at} is not {what}: {value}"));
    match schema {
        Value::String(word) => match (word.as_str(), value) {
            ("any", Value::Object(_)) | ("bool", Value::Bool(_)) | ("number", Value::Number(_)) => {
                Ok(())
            }
            ("string", Value::String(text)) if !text.is_empty() => Ok(()),
            ("guid", Value::String(text)) if text.len() == 36 => Ok(()),
            ("map", Value::Object(map)) if map.values().all(Value::is_string) => Ok(()),
            (word, value) => match word.strip_prefix('=') {
                Some(literal)
                    if value.as_str() == Some(literal)
                        || serde_json::from_str(literal)
                            .is_ok_and(|wanted: Value| wanted == *value) =>
                {
                    Ok(())
                }
                _ => no(word),
            },
        },
        Value::Array(items) => {
            let Some(values) = value.as_array().filter(|values| !values.is_empty()) else {
                return no("a list of something");
            };
            values
                .iter()
                .try_for_each(|value| check(value, &items[0], &format!("{at}[]")))
        }
        Value::Object(fields) => {
            let Some(given) = value.as_object() else {
                return no("an object");
            };
            for (name, schema) in fields {
                let key = name.trim_end_matches('?');
                match given.get(key) {
                    Some(value) => check(value, schema, &format!("{at}.{key}"))?,
                    None if name.ends_with('?') => {}
                    None => return Err(format!("{at}.{key} is missing")),
                }
            }
            let unknown = given
                .keys()
                .find(|key| !fields.contains_key(*key) && !fields.contains_key(&format!("{key}?")));
            unknown.map_or(Ok(()), |key| Err(format!("{at}.{key} is not documented")))
        }
        _ => no("anything that is known"),
    }
}

#[test]
fn only_documented_requests_are_taken() {
    let query = |version: &str| vec![("api-version".to_owned(), version.to_owned())];
    let account = "/subscriptions/1/resourcegroups/g/providers/Microsoft.Storage/storageAccounts/a";
    let container = format!("{account}/blobServices/default/containers/c");
    let put = |path: &str, version: &str, body: &str| {
        fault(ARM, "PUT", path, &query(version), body.as_bytes())
    };
    let good = r#"{"properties":{"publicAccess":"None"}}"#;
    assert_eq!(put(&container, "2023-05-01", good), None);
    for (path, version, body, why) in [
        (container.as_str(), "2026-01-01", good, "api-version"),
        (
            &container,
            "2023-05-01",
            r#"{"properties":{"publicAccess":"Blob"}}"#,
            "is not =None",
        ),
        (
            &container,
            "2023-05-01",
            r#"{"properties":{"publicAccess":"None","x":1}}"#,
            "x is not documented",
        ),
        (
            &container,
            "2023-05-01",
            r#"{"properties":{}}"#,
            "is missing",
        ),
        (&container, "2023-05-01", "", "is no JSON"),
        ("/subscriptions/1/other", "2023-05-01", good, "no such path"),
    ] {
        let said = put(path, version, body).unwrap_or_default();
        assert!(said.contains(why), "{said}");
    }
    let deleted = fault(ARM, "DELETE", account, &query("2023-05-01"), b"").unwrap_or_default();
    assert!(deleted.contains("no such method"), "{deleted}");
    let more = fault(ARM, "GET", "/subscriptions", &[], b"").unwrap_or_default();
    assert!(more.contains("query"), "{more}");
}
