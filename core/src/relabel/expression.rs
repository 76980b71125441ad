//! Regular expressions as Go reads them: where Rust's and Go's differ, the stricter reading counts.

use regex_syntax::ast::{self, Ast};

/// Go's `regexp/syntax` refuses a repetition above this, also as the product of nested ones.
const MOST_REPEATS: u32 = 1000;
/// The one-letter Unicode classes that Go's tables have.
const UNICODE_CLASSES: &str = "CLMNPSZ";

/// Whether Go compiles the expression; the sentence says why not.
pub(super) fn check(regex: &str) -> Result<(), String> {
    let parsed = ast::parse::Parser::new()
        .parse(regex)
        .map_err(|error| format!("does not compile: {}", error.kind()))?;
    node(&parsed, 1)
}

fn refuse(what: &str) -> Result<(), String> {
    Err(format!(
        "does not compile: {what} is not known to Go's regular expressions"
    ))
}

/// Refuses what Rust reads and Go does not, or reads differently.
fn node(tree: &Ast, repeats: u32) -> Result<(), String> {
    match tree {
        Ast::Empty(_) | Ast::Dot(_) | Ast::ClassPerl(_) => Ok(()),
        Ast::Literal(one) => literal(one),
        Ast::Assertion(assertion) => match assertion.kind {
            ast::AssertionKind::StartLine
            | ast::AssertionKind::EndLine
            | ast::AssertionKind::StartText
            | ast::AssertionKind::EndText
            | ast::AssertionKind::WordBoundary
            | ast::AssertionKind::NotWordBoundary => Ok(()),
            _ => refuse("this assertion"),
        },
        Ast::ClassUnicode(class) => unicode(class),
        Ast::ClassBracketed(class) => set(&class.kind),
        Ast::Flags(written) => flags(&written.flags),
        Ast::Group(group) => {
            match &group.kind {
                ast::GroupKind::NonCapturing(written) => flags(written)?,
                ast::GroupKind::CaptureName { name, .. } => capture(&name.name)?,
                ast::GroupKind::CaptureIndex(_) => {}
            }
            node(&group.ast, repeats)
        }
        Ast::Repetition(repetition) => repeated(repetition, repeats),
        Ast::Alternation(alternation) => alternation
            .asts
            .iter()
            .try_for_each(|tree| node(tree, repeats)),
        Ast::Concat(concat) => concat.asts.iter().try_for_each(|tree| node(tree, repeats)),
    }
}

fn repeated(repetition: &ast::Repetition, repeats: u32) -> Result<(), String> {
    let most = match repetition.op.kind {
        ast::RepetitionKind::Range(
            ast::RepetitionRange::Exactly(n)
            | ast::RepetitionRange::AtLeast(n)
            | ast::RepetitionRange::Bounded(_, n),
        ) => n.max(1),
        _ => 1,
    };
    let nested = repeats.saturating_mul(most);
    if nested > MOST_REPEATS {
        return Err(format!(
            "does not compile: repeats more than {MOST_REPEATS} times"
        ));
    }
    if matches!(*repetition.ast, Ast::Repetition(_)) {
        return refuse("a repetition of a repetition");
    }
    node(&repetition.ast, nested)
}

fn literal(one: &ast::Literal) -> Result<(), String> {
    match one.kind {
        ast::LiteralKind::HexBrace(ast::HexLiteralKind::X)
        | ast::LiteralKind::HexFixed(ast::HexLiteralKind::X) => Ok(()),
        ast::LiteralKind::HexBrace(_) | ast::LiteralKind::HexFixed(_) => refuse(r"\u"),
        _ => Ok(()),
    }
}

fn unicode(class: &ast::ClassUnicode) -> Result<(), String> {
    match class.kind {
        ast::ClassUnicodeKind::OneLetter(letter) if UNICODE_CLASSES.contains(letter) => Ok(()),
        _ => refuse("this unicode class"),
    }
}

fn capture(name: &str) -> Result<(), String> {
    let word = |character: char| character == '_' || character.is_ascii_alphanumeric();
    if name.chars().all(word) {
        Ok(())
    } else {
        refuse("this name of a group")
    }
}

fn flags(written: &ast::Flags) -> Result<(), String> {
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
    if written.items.iter().all(known) {
        Ok(())
    } else {
        refuse("this flag")
    }
}

fn set(class: &ast::ClassSet) -> Result<(), String> {
    match class {
        ast::ClassSet::BinaryOp(_) => refuse("an operation on classes"),
        ast::ClassSet::Item(one) => item(one),
    }
}

fn item(one: &ast::ClassSetItem) -> Result<(), String> {
    match one {
        ast::ClassSetItem::Empty(_) | ast::ClassSetItem::Ascii(_) | ast::ClassSetItem::Perl(_) => {
            Ok(())
        }
        ast::ClassSetItem::Literal(one) => literal(one),
        ast::ClassSetItem::Range(range) => literal(&range.start).and_then(|()| literal(&range.end)),
        ast::ClassSetItem::Unicode(class) => unicode(class),
        ast::ClassSetItem::Bracketed(_) => refuse("a class inside a class"),
        ast::ClassSetItem::Union(union) => union.items.iter().try_for_each(item),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_go_would_not_compile() {
        for regex in [
            "(.*",
            "a{2,1}",
            r"\u0041",
            r"[\u0041]",
            r"[\u0041-\u0042]",
            "a{1001}",
            "(a{100}){100}",
            "[a&&b]",
            "[a[b]]",
            "(?x)a",
            r"\p{script=Greek}",
            r"\pQ",
            r"[\pQ]",
            "a**",
            "(?P<a.b>x)",
            "(?P<é>x)",
            r"\b{start}a",
        ] {
            assert!(check(regex).is_err(), "{regex}");
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
            r"[\x41-\x{42}]",
            r"\bword\b",
            r"[\d_-]+",
        ] {
            assert_eq!(check(regex), Ok(()), "{regex}");
        }
    }
}
