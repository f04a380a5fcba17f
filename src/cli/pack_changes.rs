//! What of a detector lets it find less than the one that it takes the place of.

use std::collections::BTreeMap;

use toml::Spanned;

use crate::detect::Pack;
use crate::detect::pack::{Around, Definition, Exclude, Keywords, Tier};

/// For each detector of both that may find less than before, what of it changed. Of what counts as a match nobody can say
/// that it takes as much.
pub(super) fn weaker(old: &[Pack], new: &[Pack]) -> Vec<String> {
    let (before, mut weaker) = (in_use(old), Vec::new());
    for (id, detector) in in_use(new) {
        let Some(was) = before.get(id) else { continue };
        let changed = weakened(was, detector);
        if !changed.is_empty() {
            weaker.push(format!("{}: {}", detector.id(), changed.join(", ")));
        }
    }
    weaker
}

/// The detectors in use: one of a later pack replaces that of the same id.
fn in_use(packs: &[Pack]) -> BTreeMap<&str, &Definition> {
    let all = packs.iter().flat_map(|pack| &pack.definitions);
    all.map(|definition| (definition.id(), definition)).collect()
}

fn weakened(old: &Definition, new: &Definition) -> Vec<String> {
    let mut changed = Vec::new();
    if rank(new.tier) < rank(old.tier) {
        changed.push(format!("tier {} to {}", old.tier.as_str(), new.tier.as_str()));
    } else if new.bare_confidence() < old.bare_confidence() {
        let (was, is) = (old.bare_confidence().as_str(), new.bare_confidence().as_str());
        changed.push(format!("bare {was} to {is}"));
    }
    let checks = |old: &[Spanned<String>], new: &[Spanned<String>]| {
        gained(texts(old), &texts(new).collect::<Vec<_>>())
    };
    let texts_of = [
        ("pattern", old.pattern.get_ref() != new.pattern.get_ref()),
        ("boundary", old.boundary != new.boundary),
        ("validators", checks(&old.validators, &new.validators)),
        ("invalidators", checks(&old.invalidators, &new.invalidators)),
        ("doubts", checks(&old.doubts, &new.doubts)),
        ("faint", differ(old.faint.as_ref(), new.faint.as_ref()) && new.faint.is_some()),
        ("keywords", keywords(old.keywords.as_ref(), new.keywords.as_ref())),
        ("beside", old.beside.is_some() && new.beside.is_none()),
        ("exclude", excludes(&old.exclude, &new.exclude)),
    ];
    changed.extend(texts_of.iter().filter(|(_, differs)| *differs).map(|(key, _)| format!("{key} changed")));
    changed
}

const fn rank(tier: Tier) -> u8 {
    match tier {
        Tier::Weak => 0,
        Tier::Medium => 1,
        Tier::Strong => 2,
    }
}

fn texts(list: &[Spanned<String>]) -> impl Iterator<Item = &String> {
    list.iter().map(Spanned::get_ref)
}

/// Whether `new` has any that is not among the old ones.
fn gained<'a>(old: impl Iterator<Item = &'a String>, new: &[&String]) -> bool {
    let old: Vec<_> = old.collect();
    new.iter().any(|word| !old.contains(word))
}

fn differ(old: Option<&Spanned<String>>, new: Option<&Spanned<String>>) -> bool {
    old.map(Spanned::get_ref) != new.map(Spanned::get_ref)
}

/// Whether fewer words speak for a value, or from nearer, or one must.
fn keywords(old: Option<&Spanned<Keywords>>, new: Option<&Spanned<Keywords>>) -> bool {
    let none = Keywords::default();
    let (old, new) = (old.map_or(&none, Spanned::get_ref), new.map_or(&none, Spanned::get_ref));
    let fewer = old.any.iter().any(|word| !new.any.contains(word));
    let nearer = new.before < old.before || new.after < old.after;
    fewer || nearer || old.scope != new.scope || new.required && !old.required
}

/// Whether more speaks against a value.
fn excludes(old: &Exclude, new: &Exclude) -> bool {
    let more = |old: &[String], new: &[String]| gained(old.iter(), &new.iter().collect::<Vec<_>>());
    let around = |old: &Around, new: &Around| {
        let sides = [(&old.before, &new.before), (&old.after, &new.after)];
        sides.iter().any(|(old, new)| differ(old.as_ref(), new.as_ref()) && new.is_some())
    };
    let own = |exclude: &Exclude| Around { before: exclude.before.clone(), after: exclude.after.clone() };
    let crowd = |exclude: &Exclude| exclude.crowd.as_ref().map(|crowd| *crowd.get_ref());
    more(&old.keywords, &new.keywords)
        || more(&old.values, &new.values)
        || around(&own(old), &own(new))
        || around(&old.unless_named, &new.unless_named)
        || around(&old.lower, &new.lower)
        || around(&old.low, &new.low)
        || differ(old.longer.as_ref(), new.longer.as_ref()) && new.longer.is_some()
        || crowd(old) != crowd(new) && new.crowd.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACK: &str = r#"[pack]
name = "own"
version = "1.0.0"
[[detector]]
id = "own.number"
description = "a number"
pattern = 'N-\d{8}'
tier = "strong"
[[detector.example]]
text = "N-12345678"
finds = ["N-12345678"]
[[detector.example]]
text = "N-1"
finds = []
"#;

    #[test]
    fn a_detector_that_may_find_less_is_named_with_what_changed() {
        let with = |from: &str, to: &str| vec![Pack::parse("own.toml", &PACK.replace(from, to)).unwrap()];
        let plain = with("", "");
        let exclude = "tier = \"strong\"\n[detector.exclude]\nkeywords = [\"order\"]\n";
        for (from, to, said) in [
            ("strong", "weak", Some("own.number: tier strong to weak")),
            (r"\d{8}", r"1234567\d", Some("own.number: pattern changed")),
            ("tier =", "validators = [\"luhn\"]\ntier =", Some("own.number: validators changed")),
            ("tier = \"strong\"\n", exclude, Some("own.number: exclude changed")),
            ("a number", "another number", None),
            ("1.0.0", "1.0.1", None),
        ] {
            assert_eq!(weaker(&plain, &with(from, to)), said.into_iter().collect::<Vec<_>>(), "{to}");
        }
        assert!(weaker(&with("strong", "weak"), &plain).is_empty());
        // One that takes the place of a detector that is built in.
        let built_in = Pack::built_in("payment").unwrap();
        let own = PACK.replace("own.number", "payment.pan").replace("\"own\"", "\"payment\"");
        let own = Pack::parse("own.toml", &own).unwrap();
        let plain = std::slice::from_ref(&built_in);
        let replaced = weaker(plain, &[built_in.clone(), own]);
        assert!(replaced[0].starts_with("payment.pan: "), "{replaced:?}");
        assert!(weaker(plain, plain).is_empty());
    }
}
