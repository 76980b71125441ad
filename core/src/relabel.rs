//! Relabel rules as prometheus-operator writes them, and whether Prometheus would load them.
//!
//! The operator copies `writeRelabelConfigs` without a look, and a rule that Prometheus cannot load stops every
//! later configuration of that object. So a rule of ours is refused unless it is surely loaded: where Rust's and
//! Go's regular expressions differ, the stricter reading counts.

use regex_syntax::ast::{self, Ast};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One rule (prometheus-operator's `RelabelConfig`).
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RelabelConfig {
    /// Labels whose values are joined.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    pub source_labels: Vec<String>,
    /// What joins them; `;` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub separator: Option<String>,
    /// The label that is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub target_label: Option<String>,
    /// Matched against the joined values, anchored; `(.*)` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub regex: Option<String>,
    /// For `hashmod`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub modulus: Option<i64>,
    /// The value that is written; `$1` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000))]
    pub replacement: Option<String>,
    /// What is done; `replace` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
}

/// What a rule does (Prometheus `model/relabel`).
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "the names are Prometheus' own and documented there"
)]
pub enum Action {
    #[default]
    Replace,
    Keep,
    Drop,
    KeepEqual,
    DropEqual,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
}

impl RelabelConfig {
    /// The rule as it is put into an object: `action` written out, as the CRD would default it.
    pub fn to_value(&self) -> Value {
        let mut rule = Map::new();
        rule.insert(
            "action".into(),
            serde_json::to_value(self.action.unwrap_or_default()).unwrap_or_default(),
        );
        if let Ok(Value::Object(fields)) = serde_json::to_value(self) {
            rule.extend(fields.into_iter().filter(|(name, _)| name != "action"));
        }
        Value::Object(rule)
    }

    /// Every reason why Prometheus would not load the rule, as (field, sentence).
    ///
    /// Follows `Config.Validate` in Prometheus `model/relabel/relabel.go`.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        use Action::{
            DropEqual, HashMod, KeepEqual, LabelDrop, LabelKeep, LabelMap, Lowercase, Replace,
            Uppercase,
        };
        let mut faults = Vec::new();
        let action = self.action.unwrap_or_default();
        let target = self.target_label.as_deref().unwrap_or_default();
        if let Some(regex) = &self.regex
            && let Err(sentence) = check_regex(regex)
        {
            faults.push(("regex", sentence));
        }
        if action == HashMod && self.modulus.unwrap_or_default() == 0 {
            faults.push(("modulus", "must not be zero with action hashmod".to_owned()));
        }
        if matches!(
            action,
            Replace | HashMod | Lowercase | Uppercase | KeepEqual | DropEqual
        ) && target.is_empty()
        {
            faults.push(("targetLabel", "must be set with this action".to_owned()));
        }
        let template = target.contains('$');
        if matches!(
            action,
            HashMod | Lowercase | Uppercase | KeepEqual | DropEqual
        ) && template
        {
            faults.push((
                "targetLabel",
                "must be a label name with this action".to_owned(),
            ));
        }
        if matches!(action, LabelDrop | LabelKeep)
            && (!self.source_labels.is_empty()
                || !target.is_empty()
                || self.modulus.unwrap_or_default() != 0
                || self
                    .separator
                    .as_deref()
                    .is_some_and(|separator| separator != ";")
                || self
                    .replacement
                    .as_deref()
                    .is_some_and(|replacement| replacement != "$1"))
        {
            faults.push((
                "action",
                "labeldrop and labelkeep take a regex and nothing else".to_owned(),
            ));
        }
        if matches!(action, KeepEqual | DropEqual)
            && (self.regex.as_deref().is_some_and(|regex| regex != "(.*)")
                || self.modulus.unwrap_or_default() != 0
                || self
                    .separator
                    .as_deref()
                    .is_some_and(|separator| separator != ";")
                || self
                    .replacement
                    .as_deref()
                    .is_some_and(|replacement| replacement != "$1"))
        {
            faults.push((
                "action",
                "keepequal and dropequal take sourceLabels, targetLabel and nothing else"
                    .to_owned(),
            ));
        }
        if action == LabelMap && self.replacement.as_deref().is_some_and(str::is_empty) {
            faults.push((
                "replacement",
                "must not be empty with action labelmap".to_owned(),
            ));
        }
        if self.modulus.is_some_and(i64::is_negative) {
            faults.push(("modulus", "must not be negative".to_owned()));
        }
        faults
    }
}

/// Quotes a text for a regular expression exactly as Go's `regexp.QuoteMeta` does.
pub fn quote_meta(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 4);
    for character in text.chars() {
        if r"\.+*?()|[]{}^$".contains(character) {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

/// Go's `regexp/syntax` refuses a repetition above this, also as the product of nested ones.
const MOST_REPEATS: u32 = 1000;

fn check_regex(regex: &str) -> Result<(), String> {
    let parsed = ast::parse::Parser::new()
        .parse(regex)
        .map_err(|error| format!("does not compile: {}", error.kind()))?;
    check_ast(&parsed, 1)
}

/// Refuses what Rust reads and Go does not, or reads differently.
fn check_ast(node: &Ast, repeats: u32) -> Result<(), String> {
    let refuse = |what: &str| {
        Err(format!(
            "does not compile: {what} is not known to Go's regular expressions"
        ))
    };
    match node {
        Ast::Empty(_) | Ast::Dot(_) | Ast::ClassPerl(_) => Ok(()),
        Ast::Literal(literal) => match literal.kind {
            ast::LiteralKind::HexBrace(ast::HexLiteralKind::X)
            | ast::LiteralKind::HexFixed(ast::HexLiteralKind::X) => Ok(()),
            ast::LiteralKind::HexBrace(_) | ast::LiteralKind::HexFixed(_) => refuse(r"\u"),
            _ => Ok(()),
        },
        Ast::Assertion(assertion) => match assertion.kind {
            ast::AssertionKind::StartLine
            | ast::AssertionKind::EndLine
            | ast::AssertionKind::StartText
            | ast::AssertionKind::EndText
            | ast::AssertionKind::WordBoundary
            | ast::AssertionKind::NotWordBoundary => Ok(()),
            _ => refuse("this assertion"),
        },
        Ast::ClassUnicode(class) => match class.kind {
            ast::ClassUnicodeKind::OneLetter(_) => Ok(()),
            _ => refuse("this unicode class"),
        },
        Ast::ClassBracketed(class) => check_set(&class.kind),
        Ast::Flags(flags) => check_flags(&flags.flags),
        Ast::Group(group) => {
            if let ast::GroupKind::NonCapturing(flags) = &group.kind {
                check_flags(flags)?;
            }
            check_ast(&group.ast, repeats)
        }
        Ast::Repetition(repetition) => {
            let most = match repetition.op.kind {
                ast::RepetitionKind::Range(
                    ast::RepetitionRange::Exactly(n)
                    | ast::RepetitionRange::AtLeast(n)
                    | ast::RepetitionRange::Bounded(_, n),
                ) => n,
                _ => 1,
            }
            .max(1);
            let nested = repeats.saturating_mul(most);
            if nested > MOST_REPEATS {
                return Err(format!(
                    "does not compile: repeats more than {MOST_REPEATS} times"
                ));
            }
            if matches!(*repetition.ast, Ast::Repetition(_)) {
                return refuse("a repetition of a repetition");
            }
            check_ast(&repetition.ast, nested)
        }
        Ast::Alternation(alternation) => alternation
            .asts
            .iter()
            .try_for_each(|node| check_ast(node, repeats)),
        Ast::Concat(concat) => concat
            .asts
            .iter()
            .try_for_each(|node| check_ast(node, repeats)),
    }
}

fn check_flags(flags: &ast::Flags) -> Result<(), String> {
    let known = |item: &ast::FlagsItem| match item.kind {
        ast::FlagsItemKind::Negation => true,
        ast::FlagsItemKind::Flag(flag) => matches!(
            flag,
            ast::Flag::CaseInsensitive
                | ast::Flag::MultiLine
                | ast::Flag::DotMatchesNewLine
                | ast::Flag::SwapGreed
        ),
    };
    if flags.items.iter().all(known) {
        Ok(())
    } else {
        Err("does not compile: this flag is not known to Go's regular expressions".to_owned())
    }
}

fn check_set(set: &ast::ClassSet) -> Result<(), String> {
    let refuse = || {
        Err("does not compile: a class inside a class is read differently by Go's regular expressions".to_owned())
    };
    match set {
        ast::ClassSet::BinaryOp(_) => refuse(),
        ast::ClassSet::Item(item) => check_item(item, &refuse),
    }
}

fn check_item(
    item: &ast::ClassSetItem,
    refuse: &dyn Fn() -> Result<(), String>,
) -> Result<(), String> {
    match item {
        ast::ClassSetItem::Bracketed(_) => refuse(),
        ast::ClassSetItem::Unicode(class)
            if !matches!(class.kind, ast::ClassUnicodeKind::OneLetter(_)) =>
        {
            refuse()
        }
        ast::ClassSetItem::Union(union) => union
            .items
            .iter()
            .try_for_each(|item| check_item(item, refuse)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go_does() {
        assert_eq!(
            quote_meta("a.b+c*d?e(f)g|h[i]j{k}l^m$n\\o-p/q"),
            r"a\.b\+c\*d\?e\(f\)g\|h\[i\]j\{k\}l\^m\$n\\o-p/q"
        );
    }

    #[test]
    fn refuses_what_go_would_not_compile() {
        for regex in [
            "(.*",
            "a{2,1}",
            r"\u0041",
            "a{1001}",
            "(a{100}){100}",
            "[a&&b]",
            "[a[b]]",
            "(?x)a",
            r"\p{script=Greek}",
            "a**",
        ] {
            assert!(check_regex(regex).is_err(), "{regex}");
        }
        for regex in [
            "",
            "(.*)",
            "a|b",
            "[^;]+;(.+)",
            r"\d+\.\d+",
            "(?i)prod",
            "(?P<n>a)",
            "go_(gc|memstats)_.*",
            r"\pL",
            "[[:alpha:]]x",
        ] {
            assert_eq!(check_regex(regex), Ok(()), "{regex}");
        }
    }

    #[test]
    fn follows_prometheus_own_validation() {
        let rule = |json: Value| {
            serde_json::from_value::<RelabelConfig>(json)
                .unwrap()
                .faults()
                .into_iter()
                .map(|(field, _)| field)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            rule(serde_json::json!({"action": "replace"})),
            ["targetLabel"]
        );
        assert_eq!(
            rule(serde_json::json!({"action": "hashmod", "targetLabel": "x"})),
            ["modulus"]
        );
        assert_eq!(
            rule(serde_json::json!({"action": "labeldrop", "regex": "a", "sourceLabels": ["b"]})),
            ["action"]
        );
        assert_eq!(
            rule(serde_json::json!({"action": "drop", "sourceLabels": ["a"], "regex": "b("})),
            ["regex"]
        );
        assert!(
            rule(serde_json::json!({"action": "keep", "sourceLabels": ["a"], "regex": "b.*"}))
                .is_empty()
        );
    }
}
