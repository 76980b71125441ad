//! CEL, written: literals, and a look at every place of a path that lets pass what the old object had there.
//!
//! A place that is wrong is let pass where the old object had the same value at the same place and it was wrong there,
//! too. The items of a list are told apart by their name, or by their content where they have none.

use serde_json::Value;

use super::paths;
use crate::fields::sensitive::segments;

/// The object's `spec`, and what it was before: an empty map where there was none.
pub(super) const SPEC: &str = "variables.spec";
pub(super) const OLD: &str = "variables.old";
/// The whole object, likewise.
pub(super) const WHOLE: &str = "variables.whole";
pub(super) const WHOLE_OLD: &str = "variables.wholeOld";

/// One value, as an expression names it.
pub(super) struct Here<'a> {
    /// The value, which is there.
    pub(super) value: &'a str,
    /// The item or the object that holds the path.
    pub(super) holder: &'a str,
    /// The key, below a map.
    pub(super) key: &'a str,
    /// The map or the object that holds the value itself.
    pub(super) parent: &'a str,
}

/// A text. JSON's escapes are CEL's, too.
pub(super) fn text(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// A list of texts.
pub(super) fn texts<T: AsRef<str>>(all: impl IntoIterator<Item = T>) -> String {
    let all: Vec<String> = all.into_iter().map(|one| text(one.as_ref())).collect();
    format!("[{}]", all.join(", "))
}

/// Any value; `string` writes a text, told the name of the member that holds it. The API server wants lists and maps of
/// one type: `dyn` is one.
pub(super) fn value(value: &Value, name: &str, string: &dyn Fn(&str, &str) -> String) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => string(name, text),
        Value::Array(items) => {
            let items = items
                .iter()
                .map(|item| format!("dyn({})", self::value(item, name, string)));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let member = |(name, member): (&String, &Value)| {
                let value = self::value(member, name, string);
                format!("{}: dyn({value})", text(name))
            };
            let members: Vec<String> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}

/// All of them; `true` where there is none.
pub(super) fn all(parts: impl IntoIterator<Item = String>) -> String {
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        "true".to_owned()
    } else {
        parts.join(" && ")
    }
}

/// Any of them; `false` where there is none.
pub(super) fn any(parts: impl IntoIterator<Item = String>) -> String {
    let parts: Vec<String> = parts.into_iter().map(|part| format!("({part})")).collect();
    if parts.is_empty() {
        "false".to_owned()
    } else {
        parts.join(" || ")
    }
}

/// Whether a path of members below `base` is there: `has(x.a) && has(x.a.b)`.
pub(super) fn there(base: &str, names: &[&str]) -> String {
    all((1..=names.len()).map(|end| format!("has({base}.{})", names[..end].join("."))))
}

/// Whether a text is one of a list.
pub(super) fn is_in<T: AsRef<str>>(value: &str, all: impl IntoIterator<Item = T>) -> String {
    format!("{value} in {}", texts(all))
}

/// Right where no value at the path is wrong.
pub(super) fn path(path: &str, wrong: &dyn Fn(&Here<'_>) -> String) -> String {
    let walk = Walk {
        steps: segments(path),
        wrong,
    };
    walk.fine(0, SPEC, SPEC, "", 0)
}

/// Right where something about the spec as a whole is not wrong. `value` is what must not change for it to pass.
pub(super) fn spec(wrong: &dyn Fn(&str) -> String, value: &dyn Fn(&str) -> String) -> String {
    either(&wrong(SPEC), OLD, &wrong(OLD), &value(SPEC), &value(OLD))
}

/// The same about the whole object.
pub(super) fn whole(wrong: &dyn Fn(&str) -> String, value: &dyn Fn(&str) -> String) -> String {
    either(
        &wrong(WHOLE),
        WHOLE_OLD,
        &wrong(WHOLE_OLD),
        &value(WHOLE),
        &value(WHOLE_OLD),
    )
}

fn either(wrong: &str, old: &str, was: &str, value: &str, before: &str) -> String {
    format!("!({wrong}) || ({old}.size() > 0 && ({was}) && {value} == {before})")
}

/// Right where nothing about an item of a list below `spec` is wrong.
pub(super) fn items(
    list: &str,
    wrong: &dyn Fn(&str) -> String,
    value: &dyn Fn(&str) -> String,
) -> String {
    let names: Vec<&str> = list.split('.').collect();
    let same = same_item(&format!("{list}[]"), "o", "e");
    format!(
        "!({}) || {SPEC}.{list}.all(e, !({}) || ({} && {OLD}.{list}.exists(o, {same} && ({}) && {} == {})))",
        there(SPEC, &names),
        wrong("e"),
        there(OLD, &names),
        wrong("o"),
        value("o"),
        value("e"),
    )
}

/// Whether two items of a list are the same place.
fn same_item(path: &str, old: &str, now: &str) -> String {
    // Below a field that is judged as a whole no path is listed.
    const NAMED: [&str; 5] = [
        "containers[]",
        "initContainers[]",
        "volumes[]",
        "containers[].ports[]",
        "initContainers[].ports[]",
    ];
    if NAMED.contains(&path) || paths::knows(&format!("{path}.name")) {
        format!("(has({now}.name) ? has({old}.name) && {old}.name == {now}.name : {old} == {now})")
    } else {
        format!("{old} == {now}")
    }
}

struct Walk<'a> {
    steps: Vec<&'a str>,
    wrong: &'a dyn Fn(&Here<'_>) -> String,
}

impl Walk<'_> {
    /// The members from a step on, up to the next list or map.
    fn members(&self, at: usize) -> &[&str] {
        let rest = &self.steps[at..];
        let end = rest.iter().position(|step| matches!(*step, "[]" | "{}"));
        &rest[..end.unwrap_or(rest.len())]
    }

    /// The path up to a list, as the table of paths has it.
    fn list(&self, end: usize) -> String {
        let mut path = String::new();
        for step in &self.steps[..=end] {
            if !matches!(*step, "[]" | "{}") && !path.is_empty() {
                path.push('.');
            }
            path.push_str(step);
        }
        path
    }

    fn fine(&self, at: usize, base: &str, holder: &str, key: &str, level: usize) -> String {
        let names = self.members(at);
        let end = at + names.len();
        let (reach, value) = (there(base, names), below(base, names));
        let holder = if names.is_empty() { holder } else { base };
        let inner = match self.steps.get(end) {
            None => {
                let parent = parent(base, names);
                let wrong = (self.wrong)(&Here {
                    value: &value,
                    holder,
                    key,
                    parent: &parent,
                });
                return format!(
                    "!({reach} && ({wrong})) || ({})",
                    self.had(0, OLD, OLD, "", 0)
                );
            }
            Some(&"[]") => {
                let item = format!("e{level}");
                let fine = self.fine(end + 1, &item, base, "", level + 1);
                format!("{value}.all({item}, {fine})")
            }
            Some(_) => {
                let key = format!("k{level}");
                let fine = self.fine(end + 1, &format!("{value}[{key}]"), base, &key, level + 1);
                format!("{value}.all({key}, {fine})")
            }
        };
        format!("!({reach}) || {inner}")
    }

    /// Whether the old object had the value that `fine` is at; its items are `o0`, `o1`, the new ones `e0`, `e1`.
    fn had(&self, at: usize, base: &str, holder: &str, key: &str, level: usize) -> String {
        let names = self.members(at);
        let end = at + names.len();
        let (reach, value) = (there(base, names), below(base, names));
        let holder = if names.is_empty() { holder } else { base };
        let inner = match self.steps.get(end) {
            None => {
                let parent = parent(base, names);
                let wrong = (self.wrong)(&Here {
                    value: &value,
                    holder,
                    key,
                    parent: &parent,
                });
                format!("{value} == {} && ({wrong})", self.now(level, names))
            }
            Some(&"[]") => {
                let (item, now) = (format!("o{level}"), format!("e{level}"));
                let same = same_item(&self.list(end), &item, &now);
                let had = self.had(end + 1, &item, base, "", level + 1);
                format!("{value}.exists({item}, {same} && {had})")
            }
            Some(_) => {
                let key = format!("k{level}");
                let had = self.had(end + 1, &format!("{value}[{key}]"), base, &key, level + 1);
                format!("{key} in {value} && {had}")
            }
        };
        format!("{reach} && {inner}")
    }

    /// The new value at the end of the path.
    fn now(&self, level: usize, names: &[&str]) -> String {
        let mut base = SPEC.to_owned();
        let (mut at, mut depth) = (0, 0);
        while depth < level {
            let members = self.members(at);
            let end = at + members.len();
            base = if self.steps[end] == "[]" {
                format!("e{depth}")
            } else {
                format!("{}[k{depth}]", below(&base, members))
            };
            at = end + 1;
            depth += 1;
        }
        below(&base, names)
    }
}

fn below(base: &str, names: &[&str]) -> String {
    if names.is_empty() {
        base.to_owned()
    } else {
        format!("{base}.{}", names.join("."))
    }
}

/// What holds the value at `names` below `base`: a map, where there are no names.
fn parent(base: &str, names: &[&str]) -> String {
    match names.split_last() {
        Some((_, before)) => below(base, before),
        None => base
            .rsplit_once('[')
            .map_or(base, |(map, _)| map)
            .to_owned(),
    }
}
