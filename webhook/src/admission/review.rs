//! The envelope of an AdmissionReview: read first, with the objects kept raw, so that every answer carries its uid.
//!
//! No error of the parser's is passed on: it would quote what it read.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

/// Deeper objects are not read: the operator's schema is far from it.
const DEPTH: usize = 512;

/// Why a body is no review: one sentence.
pub(crate) type Unreadable = &'static str;

/// One request for judgement, borrowed from the body.
#[derive(Debug)]
pub(crate) struct Review<'a> {
    pub uid: Cow<'a, str>,
    pub group: Cow<'a, str>,
    pub kind: Cow<'a, str>,
    /// Group and plural of what is asked about: of a Scale, of what is scaled.
    pub resource: GroupResource<'a>,
    pub sub_resource: Cow<'a, str>,
    pub namespace: Cow<'a, str>,
    pub name: Cow<'a, str>,
    pub operation: Operation,
    /// Nothing will be stored, and nothing may be left behind.
    pub dry_run: bool,
    object: Option<&'a RawValue>,
    old_object: Option<&'a RawValue>,
}

/// What is being done to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
    Connect,
    Other,
}

impl Operation {
    /// Whether the object is written.
    pub(crate) fn writes(self) -> bool {
        matches!(self, Operation::Create | Operation::Update)
    }

    /// The word for counters and log lines.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Operation::Create => "CREATE",
            Operation::Update => "UPDATE",
            Operation::Delete => "DELETE",
            Operation::Connect => "CONNECT",
            Operation::Other => "other",
        }
    }
}

// Every key of the API is named, also the ones that nobody looks at: so that a second one of its name is an error.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    request: Option<Request<'a>>,
    #[serde(default, rename = "response")]
    _response: IgnoredAny,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow)]
    uid: Cow<'a, str>,
    #[serde(borrow)]
    kind: GroupKind<'a>,
    #[serde(borrow, default)]
    sub_resource: Cow<'a, str>,
    #[serde(borrow, default)]
    namespace: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    operation: Cow<'a, str>,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
    #[serde(borrow, default)]
    old_object: Option<&'a RawValue>,
    #[serde(borrow, default)]
    resource: GroupResource<'a>,
    #[serde(default, rename = "requestKind")]
    _request_kind: IgnoredAny,
    #[serde(default, rename = "requestResource")]
    _request_resource: IgnoredAny,
    #[serde(default, rename = "requestSubResource")]
    _request_sub_resource: IgnoredAny,
    #[serde(default, rename = "userInfo")]
    _user_info: IgnoredAny,
    #[serde(default)]
    dry_run: Option<bool>,
    #[serde(default, rename = "options")]
    _options: IgnoredAny,
}

#[derive(Deserialize)]
struct GroupKind<'a> {
    #[serde(borrow, default)]
    group: Cow<'a, str>,
    #[serde(default, rename = "version")]
    _version: IgnoredAny,
    #[serde(borrow)]
    kind: Cow<'a, str>,
}

/// Group and plural of a resource; both empty where the request names none.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct GroupResource<'a> {
    #[serde(borrow, default)]
    pub group: Cow<'a, str>,
    #[serde(default, rename = "version")]
    _version: IgnoredAny,
    #[serde(borrow, default, rename = "resource")]
    pub plural: Cow<'a, str>,
}

/// Reads the envelope.
pub(crate) fn read(body: &[u8]) -> Result<Review<'_>, Unreadable> {
    let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8")?;
    // A list would be read as a struct without names.
    if !text
        .trim_start_matches([' ', '\t', '\r', '\n'])
        .starts_with('{')
    {
        return Err("the body is not a JSON object");
    }
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(
        |_| "the body is not an AdmissionReview that can be read, or names a field twice",
    )?;
    if envelope.api_version != "admission.k8s.io/v1" || envelope.kind != "AdmissionReview" {
        return Err("the body is not an AdmissionReview of admission.k8s.io/v1");
    }
    let request = envelope
        .request
        .ok_or("the AdmissionReview holds no request")?;
    if request.uid.is_empty() || request.uid.len() > 128 {
        return Err("request.uid must have 1 to 128 bytes");
    }
    let operation = match request.operation.as_ref() {
        "CREATE" => Operation::Create,
        "UPDATE" => Operation::Update,
        "DELETE" => Operation::Delete,
        "CONNECT" => Operation::Connect,
        _ => Operation::Other,
    };
    Ok(Review {
        uid: request.uid,
        group: request.kind.group,
        kind: request.kind.kind,
        resource: request.resource,
        sub_resource: request.sub_resource,
        namespace: request.namespace,
        name: request.name,
        operation,
        dry_run: request.dry_run.unwrap_or_default(),
        object: request.object,
        old_object: request.old_object,
    })
}

impl Review<'_> {
    /// About how many bytes both objects will take when they are read; an error when they cannot be read at all.
    pub(crate) fn weight(&self) -> Result<usize, Unreadable> {
        let raws = [self.object, self.old_object].into_iter().flatten();
        raws.map(|raw| weigh(DEPTH, raw.get()))
            .try_fold(0, |sum, weight| {
                Ok(sum + weight.ok_or("the object is nested deeper than 512 levels")?)
            })
    }

    /// The object as it is to be, and as it was; `None` where there is none. To be asked after [`Review::weight`].
    pub(crate) fn objects(&self) -> Result<(Option<Value>, Option<Value>), Unreadable> {
        let read = |raw: Option<&RawValue>| raw.map(|raw| parse(raw.get())).transpose();
        Ok((read(self.object)?, read(self.old_object)?))
    }
}

fn parse(text: &str) -> Result<Value, Unreadable> {
    let mut reader = serde_json::Deserializer::from_str(text);
    // The library's own limit of 128 is below what recursive schemas may hold; ours was counted before.
    reader.disable_recursion_limit();
    Value::deserialize(&mut reader)
        .map_err(|_| "the object holds text or numbers that cannot be read")
}

/// What a container takes besides its members, and what a member takes besides its text, in bytes. Measured: a list of
/// 400 000 times `{"a":1}`, 3 MiB of JSON, takes 200 MiB.
const CONTAINER: usize = 448;
const MEMBER: usize = 256;

/// About how many bytes the value will take, counted without recursion; `None` when it is nested deeper than `limit`.
fn weigh(limit: usize, text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut weight = text.len();
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > limit {
                    return None;
                }
                weight += CONTAINER;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => weight += MEMBER,
            _ => {}
        }
    }
    Some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(object: &str) -> String {
        format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u-1","kind":
            {{"group":"monitoring.coreos.com","version":"v1","kind":"Prometheus"}},"operation":"CREATE","object":{object}}}}}"#
        )
    }

    fn nested(depth: usize) -> String {
        "[".repeat(depth) + &"]".repeat(depth)
    }

    #[test]
    fn garbage_is_unreadable_and_never_quoted() {
        let long = "x".repeat(129);
        let corpus: Vec<Vec<u8>> = [
            "", " ", "{}", "null", "[]", "\"x\"", "aaaaaa", "{", "\u{feff}{}", "1e400", "true",
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#,
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":null}"#,
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}"#,
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":"canary-5f1c"}"#,
            r#"["admission.k8s.io/v1","AdmissionReview",{"uid":"u","kind":{"kind":"X"},"operation":"CREATE"}]"#,
            &envelope("{}").replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1"),
            &envelope("{}").replace("AdmissionReview", "Pod"),
            &envelope("{}").replace("u-1", ""),
            &envelope("{}").replace("u-1", &long),
            &envelope("{}").replace("\"u-1\"", "7"),
            &envelope("{}").replace("\"uid\"", "\"uid\":\"canary-5f1c\",\"uid\""),
            &envelope(r#"{},"object":{}"#),
            &envelope(r#"{},"dryRun":true,"dryRun":false"#),
            &envelope(r#"{},"name":"\ud800""#),
            &(envelope("{}") + "{}"),
            &envelope("{"),
            &envelope("{}")[..80],
        ]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .chain([vec![0xff, 0xfe, 0x00], envelope("\"\u{e9}\"").replace('\u{e9}', "\u{0}").into_bytes()])
        .chain([[b"{\"a\":\"".as_slice(), &[0xc3, 0x28], b"\"}"].concat()])
        .collect();
        for body in corpus {
            let sentence = read(&body).expect_err(&String::from_utf8_lossy(&body));
            assert!(!sentence.contains("canary"), "{sentence}");
        }
    }

    #[test]
    fn the_uid_is_there_whatever_the_object_is() {
        for object in [
            "{}",
            "null",
            "7",
            "1e400",
            r#""\ud800""#,
            r#"{"a":{"a":[]}}"#,
            &nested(127),
            &nested(128),
            &nested(512),
            &nested(513),
            &nested(1_000_000),
        ] {
            let body = envelope(object);
            let review = read(body.as_bytes()).unwrap();
            assert_eq!(review.uid, "u-1");
            if review.weight().is_ok() {
                let _ = review.objects();
            }
        }
    }

    #[test]
    fn depth_is_counted_up_to_the_limit() {
        for (depth, right) in [
            (127, true),
            (128, true),
            (512, true),
            (513, false),
            (1_000_000, false),
        ] {
            let body = envelope(&nested(depth));
            assert_eq!(
                read(body.as_bytes()).unwrap().weight().is_ok(),
                right,
                "{depth}"
            );
        }
        assert!(weigh(1, r#"{"a[[{{":"\"[{\\"}"#).is_some());
        assert!(weigh(1, r#"{"a":{}}"#).is_none());
    }

    #[test]
    fn many_small_parts_weigh_more_than_one_long_text() {
        let text = format!("[\"{}\"]", ",{[".repeat(1000));
        let parts = format!("[{}]", vec![r#"{"a":1}"#; 400].join(","));
        assert!(weigh(DEPTH, &text).unwrap() < text.len() + 2 * CONTAINER);
        assert!(weigh(DEPTH, &parts).unwrap() > 50 * parts.len());
    }

    #[test]
    fn what_cannot_be_read_is_told_without_its_words() {
        for object in [r#"{"a":"\ud800 canary"}"#, r#"{"a":1e999}"#] {
            let body = envelope(object);
            let sentence = read(body.as_bytes()).unwrap().objects().unwrap_err();
            assert!(!sentence.contains("canary") && !sentence.contains("999"));
        }
        let body = envelope("null");
        assert_eq!(read(body.as_bytes()).unwrap().objects(), Ok((None, None)));
    }

    #[test]
    fn escapes_in_names_are_read() {
        let body = envelope(r#"{},"name":"a\"b","namespace":"caf\u00e9""#);
        let review = read(body.as_bytes()).unwrap();
        assert_eq!(
            (review.name.as_ref(), review.namespace.as_ref()),
            ("a\"b", "caf\u{e9}")
        );
    }
}
