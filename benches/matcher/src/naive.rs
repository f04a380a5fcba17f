//! The slow and plain way: every detector's pattern alone, by the regex crate, at every start. What the matcher finds
//! must be this.

use matcher_peers::detect::pack::{Boundary, Definition};
use matcher_peers::detect::validate::Check;
use regex::bytes::{Regex, RegexBuilder};

/// Furthest that an exclusion by shape looks.
const BESIDE: usize = 64;

/// Detector, start and end of a finding.
pub type Span = (String, u64, u64);

struct Plain<'a> {
    definition: &'a Definition,
    anywhere: Regex,
    whole: Regex,
    before: Option<Regex>,
    after: Option<Regex>,
    /// Before and behind.
    unnamed: [Option<Regex>; 2],
}

fn regex(pattern: &str) -> Regex {
    RegexBuilder::new(pattern)
        .unicode(false)
        .size_limit(64 << 20)
        .build()
        .expect("a pattern of a checked pack")
}

/// All findings of a text, of any confidence, ordered.
pub fn find<'a>(definitions: impl Iterator<Item = &'a Definition>, text: &[u8]) -> Vec<Span> {
    let mut out = Vec::new();
    for definition in definitions {
        let pattern = definition.pattern.get_ref();
        let around = |one: &Option<_>, form: &dyn Fn(&str) -> String| {
            one.as_ref().map(|p: &toml::Spanned<String>| regex(&form(p.get_ref())))
        };
        let plain = Plain {
            definition,
            anywhere: regex(pattern),
            whole: regex(&format!("^(?:{pattern})$")),
            before: around(&definition.exclude.before, &|p| format!("(?:{p})$")),
            after: around(&definition.exclude.after, &|p| format!("^(?:{p})")),
            // Names are not read here; the texts hold no such values under one.
            unnamed: [
                around(&definition.exclude.unless_named.before, &|p| format!("(?:{p})$")),
                around(&definition.exclude.unless_named.after, &|p| format!("^(?:{p})")),
            ],
        };
        plain.find(text, &mut out);
    }
    out.sort();
    out
}

impl Plain<'_> {
    fn find(&self, text: &[u8], out: &mut Vec<Span>) {
        let id = self.definition.id.get_ref();
        let (mut from, mut free) = (0, 0);
        while let Some(found) = self.anywhere.find_at(text, from) {
            let at = found.start();
            from = at + 1;
            if at < free {
                continue;
            }
            if let Some((start, end, whole_end)) = self.longest(text, at) {
                out.push((id.clone(), start as u64, end as u64));
                free = whole_end;
            }
            if from > text.len() {
                break;
            }
        }
    }

    /// The longest end that passes: value's start and end, and the end of the whole match.
    fn longest(&self, text: &[u8], at: usize) -> Option<(usize, usize, usize)> {
        if !self.free_before(text, at) || self.matches_before(text, at) {
            return None;
        }
        let most = text.len().min(at + 512);
        for end in (at + 1..=most).rev() {
            let Some(captures) = self.whole.captures(&text[at..end]) else { continue };
            let value = captures.name("value").map_or(at..end, |v| at + v.start()..at + v.end());
            let bytes = &text[value.clone()];
            let check = |name: &toml::Spanned<String>| {
                Check::named(name.get_ref()).is_some_and(|check| (check.passes)(bytes))
            };
            let behind = &text[end..text.len().min(end + BESIDE)];
            if self.free_after(text, end)
                && self.definition.validators.iter().all(check)
                && !self.definition.invalidators.iter().any(check)
                && !self.after.iter().chain(&self.unnamed[1]).any(|p| p.is_match(behind))
            {
                return Some((value.start, value.end, end));
            }
        }
        None
    }

    fn matches_before(&self, text: &[u8], at: usize) -> bool {
        let before = &text[at.saturating_sub(BESIDE)..at];
        self.before.iter().chain(&self.unnamed[0]).any(|p| p.is_match(before))
    }

    fn free_before(&self, text: &[u8], at: usize) -> bool {
        let one = at.checked_sub(1).map(|i| text[i]);
        let two = at.checked_sub(2).map(|i| text[i]);
        self.free(one, two)
    }

    fn free_after(&self, text: &[u8], end: usize) -> bool {
        self.free(text.get(end).copied(), text.get(end + 1).copied())
    }

    /// Whether a neighbour, and the byte beyond it, leave the match alone.
    fn free(&self, one: Option<u8>, two: Option<u8>) -> bool {
        let digit = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_digit());
        match self.definition.boundary {
            Boundary::None => true,
            Boundary::Digit => !digit(one),
            Boundary::Word => !one.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_'),
            Boundary::Number => !digit(one) && !(matches!(one, Some(b'.' | b',')) && digit(two)),
        }
    }
}
