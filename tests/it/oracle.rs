//! Checks and detectors agree with independent implementations; `tests/oracle/run` writes what these say.

use std::collections::BTreeMap;

use tidegate::detect::validate::Check;
use tidegate::detect::{Confidence, Matcher, Pack};
use tidegate::fingerprint::FingerprintKey;

/// Fewest values with which a check counts as tested, and fewest of them, in a hundred, that are valid.
const FEWEST: usize = 2000;
const FEWEST_VALID: usize = 20;
/// Disagreements of one check that are printed.
const PRINTED: usize = 8;

/// Line number, text and whether the oracle finds it valid.
type Case = (usize, String, bool);

/// The cases of each check (a name without a point) and of each detector; none when there is no oracle.
fn cases() -> Option<BTreeMap<String, Vec<Case>>> {
    let Some(path) = std::env::var_os("TIDEGATE_ORACLE") else {
        eprintln!(
            "SKIPPED: TIDEGATE_ORACLE names no file of cases; tests/oracle/run writes one and runs this"
        );
        return None;
    };
    let text = std::fs::read_to_string(&path).unwrap();
    let mut cases: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let [name, text, answer] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("line {} is not name, text and answer", number + 1)
        };
        let case = (number + 1, text.replace("\\n", "\n"), answer == "1");
        cases.entry(name.to_owned()).or_default().push(case);
    }
    Some(cases)
}

/// Prints each case on which `ours` and the oracle differ, up to a number, and counts them.
fn differences(name: &str, cases: &[Case], ours: impl Fn(usize, &str) -> bool) -> usize {
    let mut count = 0;
    for (nth, (line, text, theirs)) in cases.iter().enumerate() {
        if ours(nth, text) != *theirs {
            count += 1;
            if count <= PRINTED {
                eprintln!("{name}: line {line}: {text:?}: oracle {theirs}, here {}", !theirs);
            }
        }
    }
    count
}

#[test]
fn checks_agree_with_the_oracle() {
    let Some(cases) = cases() else { return };
    let mut faults = Vec::new();
    for (name, cases) in cases.iter().filter(|(name, _)| !name.contains('.')) {
        let Some(check) = Check::named(name) else {
            faults.push(format!("{name}: there is no such check"));
            continue;
        };
        let valid = cases.iter().filter(|case| case.2).count();
        if cases.len() < FEWEST || valid * 100 < cases.len() * FEWEST_VALID {
            faults.push(format!("{name}: {} cases, {valid} of them valid, are too few", cases.len()));
        }
        let wrong = differences(name, cases, |_, text| (check.passes)(text.as_bytes()));
        println!("{name}: {} cases, {valid} valid, {wrong} differ", cases.len());
        if wrong > 0 {
            faults.push(format!("{name}: {wrong} of {} cases differ", cases.len()));
        }
    }
    let without: Vec<&str> = Check::all().map(|c| c.name).filter(|name| !cases.contains_key(*name)).collect();
    println!("checks without an oracle: {}", without.join(" "));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn detectors_find_what_the_oracle_calls_valid_beside_a_keyword_and_no_near_miss() {
    let Some(cases) = cases() else { return };
    let packs: Vec<Pack> =
        Pack::built_in_names().iter().map(|name| Pack::built_in(name).expect("a whole pack")).collect();
    let matcher = Matcher::compile(packs).unwrap();
    let key = FingerprintKey::new(&[7; 32]);
    let mut faults = Vec::new();
    for (name, cases) in cases.iter().filter(|(name, _)| name.contains('.')) {
        let Some(words) = keywords(&matcher, name) else {
            faults.push(format!("{name}: there is no such detector"));
            continue;
        };
        let found = |nth: usize, text: &str| {
            let word = words.get(nth % words.len().max(1)).map_or("", String::as_str);
            let sentence = format!("{word}: {text}");
            let start = (sentence.len() - text.len()) as u64;
            matcher.find(&key, None, sentence.as_bytes()).iter().any(|finding| {
                let whole = (finding.start, finding.end) == (start, sentence.len() as u64);
                matcher.detector(finding.detector).id == *name
                    && finding.confidence >= Confidence::Medium
                    && whole
            })
        };
        let wrong = differences(name, cases, found);
        println!("{name}: {} cases, {wrong} differ", cases.len());
        if wrong > 0 {
            faults.push(format!("{name}: {wrong} of {} cases differ", cases.len()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The keywords of the detector with this id.
fn keywords(matcher: &Matcher, id: &str) -> Option<Vec<String>> {
    let definition =
        matcher.packs().iter().flat_map(|pack| &pack.definitions).find(|d| d.id.get_ref() == id)?;
    Some(definition.keywords.as_ref().map(|k| k.get_ref().any.clone()).unwrap_or_default())
}
