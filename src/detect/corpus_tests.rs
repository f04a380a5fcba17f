//! The built-in packs on texts that carry what they look for, and on texts that only look like it.

use serde::Deserialize;

use super::region::How;
use super::simd::Level;
use super::{Confidence, Finding, Matcher, Pack, Scan};
use crate::fingerprint::FingerprintKey;

#[derive(Deserialize)]
struct Corpus {
    row: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    text: String,
    /// `identifier value confidence`, in order.
    finds: Vec<String>,
}

/// Of overlapping findings the surer, then the longer, then the earlier detector's.
fn resolved(mut all: Vec<Finding>) -> Vec<Finding> {
    all.retain(|f| f.confidence > Confidence::Low);
    all.sort_by_key(|f| (std::cmp::Reverse((f.confidence, f.end - f.start)), f.detector));
    let mut kept: Vec<Finding> = Vec::new();
    for finding in all {
        if kept.iter().all(|k| k.end <= finding.start || finding.end <= k.start) {
            kept.push(finding);
        }
    }
    kept.sort_by_key(|f| f.start);
    kept
}

#[test]
fn payment_contact_and_secrets_find_what_they_should_and_nothing_else() {
    holds(&["payment", "contact", "secrets"], include_str!("../../tests/corpus/payment.toml"));
}

#[test]
fn people_are_found_wherever_they_live() {
    holds(&["national-id", "health", "travel"], include_str!("../../tests/corpus/people.toml"));
}

fn holds(packs: &[&str], corpus: &str) {
    let matcher = Matcher::compile(packs.iter().filter_map(|name| Pack::built_in(name)).collect()).unwrap();
    let key = FingerprintKey::new(&[3; 32]);
    let corpus: Corpus = toml::from_str(corpus).unwrap();
    let mut wrong = Vec::new();
    for Row { text, finds } in corpus.row {
        let spell = |found: Vec<Finding>| -> Vec<String> {
            resolved(found)
                .iter()
                .map(|f| {
                    let value = &text[f.start as usize..f.end as usize];
                    format!("{} {value} {}", matcher.detector(f.detector).id, f.confidence.as_str())
                })
                .collect()
        };
        let whole = spell(matcher.find(&key, None, text.as_bytes()));
        if whole != finds {
            wrong.push(format!("{text}\n  finds  {whole:?}\n  wanted {finds:?}"));
        }
        for level in Level::all() {
            let how = How { level, key: Some(&key), floor: matcher.floor };
            assert_eq!(spell(matcher.find_at(how, None, text.as_bytes())), whole, "{level:?}");
        }
        let (mut scan, mut out) = (Scan::new(), Vec::new());
        for byte in text.as_bytes().chunks(1) {
            scan.push(&matcher, &key, byte, &mut out);
        }
        scan.finish(&matcher, &key, &mut out);
        assert_eq!(spell(out), whole, "byte by byte");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_built_in_is_tried_at_every_byte() {
    let packs = Pack::built_in_names().iter().filter_map(|name| Pack::built_in(name)).collect();
    let matcher = Matcher::compile(packs).unwrap();
    let unanchored = matcher.detectors().iter().filter(|detector| detector.anchor == "none");
    assert_eq!(unanchored.map(|detector| &detector.id).collect::<Vec<_>>(), [""; 0]);
}
