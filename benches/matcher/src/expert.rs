//! What an expert gives Vectorscan instead of the patterns: literals where matches begin with some, and few loose
//! shapes for all others. A hit lies in every match, and still has to be checked.

use matcher_peers::detect::pack::Definition;
use regex::bytes::{Regex, RegexSet, RegexSetBuilder};
use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Class, Hir, HirKind};

/// As few and as cheap as leave no detector out.
const LOOSE: &[&str] = &[
    // Nearly all hold as many digits in a row.
    r"\d(?:[ ./-]?\d){5}",
    // Letters and fewer digits.
    r"[A-Za-z]{5}\d{4}[A-Za-z]",
    r"[A-Za-z]{6}[0-9A-Za-z]{2}[A-Za-z][0-9A-Za-z]{2}[A-Za-z]",
    r"\d[A-Za-z][0-9A-Za-z]\d-?[A-Za-z][0-9A-Za-z]\d",
    r"[A-Za-z]{2}\d\d[ -]?[0-9A-Za-z]{4}",
    r"[A-Z]{6}[0-9A-Z]{2}",
    r"SK[0-9a-f]{32}",
    // Addresses.
    r"[A-Za-z0-9_.+-](?:@|%40)[A-Za-z0-9]",
];

/// Most literals that a pattern is looked for by, and most bytes of each.
const LITERALS: usize = 64;
const LITERAL_BYTES: usize = 8;

/// What is looked for in place of the patterns. Panics where what an example holds would go unreported.
pub fn shapes(definitions: &[Definition]) -> Vec<String> {
    let mut shapes: Vec<String> = LOOSE.iter().map(|&shape| shape.to_owned()).collect();
    shapes.extend(definitions.iter().filter_map(literals).flatten());
    shapes.sort();
    shapes.dedup();
    let set = RegexSetBuilder::new(&shapes).unicode(false).build().expect("shapes are regular expressions");
    let missed: Vec<String> = definitions.iter().filter_map(|definition| missed(&set, definition)).collect();
    assert!(missed.is_empty(), "no shape tells of {}", missed.join(", "));
    shapes
}

/// What an example finds that lies in a match without a hit.
fn missed(set: &RegexSet, definition: &Definition) -> Option<String> {
    let id = definition.id.get_ref();
    let pattern = format!("(?-u){}", definition.pattern.get_ref());
    let pattern = Regex::new(&pattern).unwrap_or_else(|e| panic!("{id}: {e}"));
    let examples = definition.examples.iter().map(|example| example.get_ref());
    examples
        .flat_map(|example| pattern.captures_iter(example.text.as_bytes()).map(move |found| (example, found)))
        .find_map(|(example, found)| {
            let value = found.name("value").unwrap_or_else(|| found.get_match()).as_bytes();
            let finds = example.finds.iter().any(|finds| finds.as_bytes() == value);
            (finds && !set.is_match(&found[0])).then(|| format!("{id} in {}", value.escape_ascii()))
        })
}

/// What every match begins with, where that is a few literals worth looking for; in either case where the pattern has
/// both.
fn literals(definition: &Definition) -> Option<Vec<String>> {
    let parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
    let hir = { parser }.parse(definition.pattern.get_ref()).ok()?;
    let small = folded(&hir);
    let mut prefixes = Extractor::new().kind(ExtractKind::Prefix).limit_total(LITERALS).extract(&small);
    prefixes.keep_first_bytes(LITERAL_BYTES);
    prefixes.dedup();
    let fit = |text: &[u8]| text.len() >= 3 && !text.iter().all(u8::is_ascii_digit);
    let literals = prefixes.literals().filter(|all| all.iter().all(|l| fit(l.as_bytes())))?;
    let case = if hir == small { "" } else { "(?i)" };
    Some(
        literals
            .iter()
            .map(|l| l.as_bytes().iter().fold(case.to_owned(), |all, &b| all + &escaped(b)))
            .collect(),
    )
}

/// The small one for the two cases of a letter.
fn folded(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Class(Class::Bytes(class)) => match class.ranges() {
            [a, b] if a.len() + b.len() == 2 && a.start().eq_ignore_ascii_case(&b.start()) => {
                Hir::literal([b.start()])
            }
            _ => hir.clone(),
        },
        HirKind::Capture(capture) => folded(&capture.sub),
        HirKind::Repetition(repetition) => {
            let mut repetition = repetition.clone();
            repetition.sub = Box::new(folded(&repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(folded).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(folded).collect()),
        _ => hir.clone(),
    }
}

fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("\\x{byte:02x}") }
}
