//! The moves: each does one thing to a plan, and has a name to be told by.

mod leaving;
mod lists;
mod names;
mod places;
mod shapes;
mod spelling;
mod values;

use serde_json::Value;

use super::chance::Chance;
use super::plan::Plan;

pub(super) use leaving::later;

/// One move.
pub(super) type Move = fn(&mut Plan, &mut Chance);

macro_rules! moves {
    ($($room:ident::$name:ident;)*) => {
        /// All of them, by name.
        pub(super) const MOVES: &[(&str, Move)] = &[$((concat!(stringify!($room), "::", stringify!($name)), $room::$name)),*];
    };
}

moves! {
    names::rename_object;
    names::rename_entry;
    names::rename_label;
    names::rename_secret;
    names::label_object;
    names::switch_kind;
    places::elsewhere;
    places::elsewhere_too;
    places::as_another_credential;
    places::between_entries;
    places::nest;
    places::as_argument;
    spelling::url;
    spelling::url_again;
    spelling::header;
    spelling::header_twice;
    spelling::text;
    spelling::member_name;
    spelling::quantity;
    values::nothing;
    values::number;
    values::other_type;
    values::beside;
    lists::reorder;
    lists::repeat;
    lists::pad;
    lists::swap_names;
    lists::old_fault;
    lists::old_fault_elsewhere;
    leaving::label_clash;
    leaving::ambiguous_entries;
    leaving::conflicting_entry;
    leaving::old_version;
    leaving::huge_annotation;
    leaving::record_by_hand;
    leaving::newer_record;
    leaving::opt_out;
    leaving::touch;
    leaving::hostile_mutator;
}

/// The pointers of everything below a value that `wanted` takes.
fn pointers(value: &Value, wanted: &dyn Fn(&str, &Value) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    collect(value, "", wanted, &mut found);
    found
}

fn collect(
    value: &Value,
    at: &str,
    wanted: &dyn Fn(&str, &Value) -> bool,
    found: &mut Vec<String>,
) {
    if wanted(at, value) {
        found.push(at.to_owned());
    }
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(value, &format!("{at}/{name}"), wanted, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, &format!("{at}/{index}"), wanted, found);
            }
        }
        _ => {}
    }
}

/// Takes the value at a pointer out.
fn take(value: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, last) = pointer.rsplit_once('/')?;
    match value.pointer_mut(parent)? {
        Value::Object(members) => members.shift_remove(&last.replace("~1", "/").replace("~0", "~")),
        Value::Array(items) => {
            let at: usize = last.parse().ok()?;
            (at < items.len()).then(|| items.remove(at))
        }
        _ => None,
    }
}

/// The last step of a pointer that is no index.
fn last_name(pointer: &str) -> &str {
    pointer
        .rsplit('/')
        .find(|step| step.parse::<usize>().is_err())
        .unwrap_or_default()
}

fn is_url_field(pointer: &str) -> bool {
    matches!(
        last_name(pointer),
        "url"
            | "proxyUrl"
            | "tokenUrl"
            | "host"
            | "endpoint"
            | "alertmanagersUrl"
            | "queryEndpoints"
            | "alertQueryUrl"
    )
}
