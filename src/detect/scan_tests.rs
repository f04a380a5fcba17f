//! Any chunking gives the findings of the whole text, and those are what a naive reading gives.

use proptest::prelude::*;
use regex_automata::dfa::{Automaton, dense};
use regex_automata::nfa::thompson::{self, Compiler as Thompson};
use regex_syntax::hir::Hir;

use super::Scan;
use crate::detect::pack::{Boundary, Definition, Normalize};
use crate::detect::pattern;
use crate::detect::region::How;
use crate::detect::simd::Level;
use crate::detect::trace_words::Traced;
use crate::detect::validate::Check;
use crate::detect::{Confidence, Finding, Matcher, Pack};
use crate::fingerprint::FingerprintKey;
use crate::limits;

#[cfg(test)]
#[path = "scan_list_tests.rs"]
mod lists;

fn matcher() -> Matcher {
    let packs = Pack::built_in_names().iter().map(|n| Pack::built_in(n).unwrap()).collect();
    Matcher::compile(packs).unwrap()
}

fn key() -> FingerprintKey {
    FingerprintKey::new(&[1; 32])
}

fn chunked(matcher: &Matcher, text: &[u8], cuts: &[usize]) -> Vec<Finding> {
    let (mut scan, mut out) = (Scan::new(), Vec::new());
    let mut at = 0;
    for &cut in cuts {
        let end = (at + cut).min(text.len());
        push_checked(&mut scan, matcher, &text[at..end], &mut out);
        at = end;
    }
    let (mut at_once, mut same) = (scan.clone(), out.clone());
    at_once.last(matcher, &key(), &text[at..], &mut same);
    push_checked(&mut scan, matcher, &text[at..], &mut out);
    let settled = scan.settled_exact(matcher);
    let before = out.len();
    scan.finish(matcher, &key(), &mut out);
    assert!(
        out[before..].iter().all(|f| f.start >= settled),
        "a finding began below the exact settled offset"
    );
    assert_eq!(sorted(same), sorted(out.clone()), "the last chunk in one look");
    assert!(at_once.settled() == scan.seen() && at_once.seen() == scan.seen());
    out
}

/// Pushes, and holds every finding to what was said to be settled before.
fn push_checked(scan: &mut Scan, matcher: &Matcher, chunk: &[u8], out: &mut Vec<Finding>) {
    let settled = scan.settled().max(scan.settled_exact(matcher));
    assert!(scan.settled() <= scan.settled_exact(matcher) && settled <= scan.seen());
    let before = out.len();
    scan.push(matcher, &key(), chunk, out);
    assert!(out[before..].iter().all(|f| f.start >= settled), "a finding began below the settled offset");
}

fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_unstable_by_key(|f| (f.start, f.end, f.detector));
    findings
}

/// Spans by the letter of the contract: every start of every detector, longest end first, with the automaton of
/// another library and no anchors.
fn naive(matcher: &Matcher, text: &[u8]) -> Vec<(u16, u64, u64)> {
    let mut out = Vec::new();
    for (number, detector) in naive_detectors(matcher).iter().enumerate() {
        let mut at = 0;
        while at < text.len() {
            let named = |value| {
                let one = &matcher.compiled[number];
                matcher.is_named(super::super::DetectorId(number as u16), one, &Traced::new(text), &value)
            };
            let found = detector.at(text, at, &named);
            if let Some((_, start, end)) = found {
                out.push((number as u16, start as u64, end as u64));
            }
            at = found.map_or(at + 1, |(end, ..)| end);
        }
    }
    out.sort_unstable_by_key(|&(d, s, e)| (s, e, d));
    out
}

type Dfa = dense::DFA<Vec<u32>>;

struct Naive {
    definition: Definition,
    prefix: Option<Dfa>,
    value: Dfa,
    suffix: Option<Dfa>,
    not_before: Option<Dfa>,
    not_after: Option<Dfa>,
    unnamed_before: Option<Dfa>,
    unnamed_after: Option<Dfa>,
}

impl Naive {
    /// End of the match at `at`, and the span of its value; `named`: whether a name of its own speaks for one.
    fn at(
        &self,
        text: &[u8],
        at: usize,
        named: &dyn Fn(std::ops::Range<usize>) -> bool,
    ) -> Option<(usize, usize, usize)> {
        let check = |names: &[toml::Spanned<String>], value: &[u8]| -> Vec<bool> {
            names.iter().map(|n| (Check::named(n.get_ref()).unwrap().passes)(value)).collect()
        };
        let d = &self.definition;
        let prefixes = self.prefix.as_ref().map_or(vec![0], |p| ends(p, &text[at..]));
        for start in prefixes.into_iter().rev().map(|len| at + len) {
            for value_end in ends(&self.value, &text[start..]).into_iter().rev().map(|len| start + len) {
                let suffixes = self.suffix.as_ref().map_or(vec![0], |s| ends(s, &text[value_end..]));
                let Some(end) = suffixes.last().map(|len| value_end + len) else { continue };
                let value = &text[start..value_end];
                if edge(d.boundary, text, at, end)
                    && check(&d.validators, value).iter().all(|&ok| ok)
                    && !check(&d.invalidators, value).iter().any(|&ok| ok)
                {
                    let before = |a: &Dfa| (0..at).any(|i| ends(a, &text[i..at]).contains(&(at - i)));
                    let after = |a: &Dfa| !ends(a, &text[end..]).is_empty();
                    let ruled_out = self.not_before.as_ref().is_some_and(before)
                        || self.not_after.as_ref().is_some_and(after)
                        || (self.unnamed_before.as_ref().is_some_and(before)
                            || self.unnamed_after.as_ref().is_some_and(after))
                            && !named(start..value_end)
                        || d.exclude.values.iter().any(|v| same(d.normalize, v.as_bytes(), value));
                    return (!ruled_out).then_some((end, start, value_end));
                }
            }
        }
        None
    }
}

/// Whether two spellings are one value.
fn same(normalize: Normalize, a: &[u8], b: &[u8]) -> bool {
    let spell = |text: &[u8]| -> Vec<u8> {
        match normalize {
            Normalize::Digits => text.iter().copied().filter(u8::is_ascii_digit).collect(),
            Normalize::AlnumUpper => {
                text.to_ascii_uppercase().into_iter().filter(u8::is_ascii_alphanumeric).collect()
            }
            Normalize::Lower => text.to_ascii_lowercase(),
            Normalize::Raw => text.to_vec(),
        }
    };
    spell(a) == spell(b)
}

fn naive_detectors(matcher: &Matcher) -> &'static Vec<Naive> {
    static NAIVE: std::sync::OnceLock<Vec<Naive>> = std::sync::OnceLock::new();
    NAIVE.get_or_init(|| {
        let build = |hir: &Hir| {
            let nfa = Thompson::new()
                .configure(thompson::Config::new().utf8(false).which_captures(thompson::WhichCaptures::None))
                .build_from_hir(hir)
                .unwrap();
            dense::Builder::new()
                .configure(
                    dense::Config::new()
                        .start_kind(regex_automata::dfa::StartKind::Anchored)
                        .match_kind(regex_automata::MatchKind::All),
                )
                .build_from_nfa(&nfa)
                .unwrap()
        };
        let parse = |pattern: &toml::Spanned<String>| pattern::parse(pattern.get_ref()).unwrap();
        let definitions = matcher.packs().iter().flat_map(|p| &p.definitions);
        definitions
            .map(|d| {
                let around = |p: &Option<toml::Spanned<String>>| p.as_ref().map(|p| build(&parse(p)));
                let pattern = d.pattern.get_ref();
                let parts = pattern::value_group(pattern, &pattern::parse(pattern).unwrap()).unwrap();
                let (prefix, value, suffix) = parts.unwrap_or_else(|| (None, parse(&d.pattern), None));
                Naive {
                    prefix: prefix.as_ref().map(build),
                    value: build(&value),
                    suffix: suffix.as_ref().map(build),
                    not_before: around(&d.exclude.before),
                    not_after: around(&d.exclude.after),
                    unnamed_before: around(&d.exclude.unless_named.before),
                    unnamed_after: around(&d.exclude.unless_named.after),
                    definition: d.clone(),
                }
            })
            .collect()
    })
}

/// Lengths of all matches at the beginning of `text`, shortest first.
fn ends(automaton: &dense::DFA<Vec<u32>>, text: &[u8]) -> Vec<usize> {
    let start = regex_automata::util::start::Config::new().anchored(regex_automata::Anchored::Yes);
    let mut state = automaton.start_state(&start).unwrap();
    let mut ends = Vec::new();
    for (i, &byte) in text.iter().enumerate() {
        state = automaton.next_state(state, byte);
        if automaton.is_dead_state(state) {
            break;
        }
        if automaton.is_match_state(automaton.next_eoi_state(state)) {
            ends.push(i + 1);
        }
    }
    ends
}

fn edge(boundary: Boundary, text: &[u8], start: usize, end: usize) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let before = start.checked_sub(1).map(|i| text[i]);
    let after = text.get(end).copied();
    let touches = |is: &dyn Fn(u8) -> bool| before.is_some_and(is) || after.is_some_and(is);
    match boundary {
        Boundary::None => true,
        Boundary::Word => !touches(&word),
        Boundary::Digit => !touches(&|b| b.is_ascii_digit()),
        Boundary::Number => {
            let point = |b: Option<u8>| matches!(b, Some(b'.' | b','));
            let joined_before =
                point(before) && start.checked_sub(2).is_some_and(|i| text[i].is_ascii_digit());
            let joined_after = point(after) && text.get(end + 1).is_some_and(u8::is_ascii_digit);
            !touches(&|b| b.is_ascii_digit()) && !joined_before && !joined_after
        }
    }
}

/// Texts thick with values, near misses and words.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => Just("4539 1488 0343 6467".to_owned()),
        3 => Just("378282246310005".to_owned()),
        2 => Just("536-90-4399".to_owned()),
        2 => Just("jane.doe@example.co.uk".to_owned()),
        2 => Just("RSSMRA85T10A562S".to_owned()),
        2 => Just("AB 12 34 56 C".to_owned()),
        1 => Just("2 95 10 99 126 111 93".to_owned()),
        1 => Just("AKIAIOSFODNN7EXAMPLE".to_owned()),
        1 => Just("-----BEGIN EC PRIVATE KEY-----".to_owned()),
        2 => Just("card order pesel dni cpf ".to_owned()),
        2 => Just("152473944ZZ0 15247394-4 ZZ0".to_owned()),
        2 => Just("78563412Z 120174-3399 850709-9805 131052-308T".to_owned()),
        1 => Just("nhs ssn kennitala bsn steuer-id ".to_owned()),
        3 => "[0-9]{1,20}",
        3 => "[0-9 -]{1,30}",
        // Runs longer than what is looked at in one step.
        2 => "([0-9]{1,6}[ ./-]){14,40}",
        1 => "[0-9]{30,150}[ .-]",
        2 => "[a-z@.]{1,12}",
        3 => "[ -~]{1,40}",
        1 => "[A-Z0-9]{10,40}",
        2 => Just("card_number=0x 4716253098472014abcd,\"pan\":\"ffe".to_owned()),
        1 => Just("x".repeat(300)),
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat().into_bytes())
}

/// Lists one behind the other, with rows of all lengths, of which some hold values.
fn lists() -> impl Strategy<Value = Vec<u8>> {
    let heads = [
        "INSERT INTO t (id, ssn, nhs) VALUES ",
        "; INSERT INTO u (ssn, id, mail) VALUES ",
        "COPY t (id, ssn, nhs) FROM stdin;\n",
        "\\.\n",
        "{\"columns\":[\"id\",\"ssn\",\"nhs\"],\"rows\":[",
        "]}\n",
        "<table><tr><th>Id</th><th>SSN</th><th>NHS</th></tr>\n",
        "</table>",
        "\n\nid,ssn,nhs\n",
        "\n\nid,phone,passport\n",
        "\n\nid;nhs;ssn\n",
        "\n\n",
        "{\"ssn\":[",
        "\n\nid    ssn        nhs\n",
        "{\"csv\":\"id,ssn,nhs\n",
        "{\"fields\":[{\"name\":\"id\"},{\"name\":\"ssn\"},{\"name\":\"nhs\"}],\"rows\":[",
    ];
    let row = |kind: usize, n: u64, filler: &str| {
        let ssn = if n.is_multiple_of(5) { "NULL".to_owned() } else { (412_345_000 + n).to_string() };
        let nhs = if n.is_multiple_of(7) {
            "R75046179"
        } else if n.is_multiple_of(3) {
            "a.b@example.com"
        } else {
            "9434765919"
        };
        match kind {
            0 => format!("({n}{filler}, '{ssn}', '{nhs}'),\n"),
            1 => format!("{n}{filler}\t{ssn}\t{nhs}\n"),
            2 => format!("[\"{n}{filler}\",\"{ssn}\", {nhs}],"),
            3 => format!("<tr><td>{n}{filler}</td><td>{ssn}</td><td>{nhs}</td></tr>\n"),
            4 => format!("{n}{filler},{ssn},{nhs}\n"),
            5 => format!("{n}{filler};{nhs};{ssn}\n"),
            6 => format!("\"{ssn}\", "),
            7 => format!("{n:<5} {ssn:<9}  {nhs}{filler}\n"),
            _ => format!("{{\"f\":[{{\"v\":\"{n}{filler}\"}},{{\"v\":\"{ssn}\"}},{{\"v\":\"{nhs}\"}}]}},"),
        }
    };
    let rows = (0usize..9, 1u64..99, 0usize..400, 1usize..30).prop_map(move |(kind, n, length, count)| {
        let filler = |nth: usize| "x ".repeat(if nth.is_multiple_of(3) { length } else { length / 40 });
        (0..count).map(|nth| row(kind, n + nth as u64, &filler(nth))).collect::<String>()
    });
    let piece = prop_oneof![(0..heads.len()).prop_map(move |nth| heads[nth].to_owned()), rows];
    proptest::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_chunking_gives_the_same_findings(
        text in texts(),
        cuts in proptest::collection::vec(prop_oneof![0usize..40, 300usize..900], 0..40),
    ) {
        let matcher = matcher_cached();
        let whole = matcher.find(&key(), None, &text);
        prop_assert_eq!(sorted(chunked(matcher, &text, &cuts)), whole.clone());
        prop_assert_eq!(sorted(chunked(matcher, &text, &vec![1; text.len()])), whole.clone());
        for level in Level::all() {
            prop_assert_eq!(&matcher.find_at(How { level, key: Some(&key()), floor: Confidence::Low }, None, &text), &whole, "{:?}", level);
        }
    }

    #[test]
    fn lists_are_read_alike_at_any_chunking(
        text in lists(),
        cuts in proptest::collection::vec(prop_oneof![1usize..300, 300usize..2000], 1..60),
    ) {
        let matcher = matcher_cached();
        let whole = matcher.find(&key(), None, &text);
        prop_assert_eq!(sorted(chunked(matcher, &text, &cuts)), whole.clone());
        for size in [64, 256, 1024] {
            let cuts = vec![size; text.len() / size];
            prop_assert_eq!(sorted(chunked(matcher, &text, &cuts)), whole.clone(), "{}", size);
        }
        let how = How { level: Level::detect(), key: Some(&key()), floor: Confidence::Medium };
        let wanted = matcher.find_at(how, None, &text);
        for finding in whole.iter().filter(|found| found.confidence >= Confidence::Medium) {
            let same = |other: &Finding| other.detector == finding.detector && other.start == finding.start;
            prop_assert!(wanted.iter().any(same), "{}..{}", finding.start, finding.end);
        }
    }

    /// What is not wanted costs no work, and nothing else is lost with it.
    #[test]
    fn a_floor_loses_nothing_above_it(text in texts()) {
        let matcher = matcher_cached();
        let how = How { level: Level::detect(), key: Some(&key()), floor: Confidence::Medium };
        let wanted = matcher.find_at(how, None, &text);
        for finding in matcher.find(&key(), None, &text) {
            let same = |other: &&Finding| {
                other.detector == finding.detector && other.start < finding.end && finding.start < other.end
            };
            prop_assert!(
                finding.confidence < Confidence::Medium || wanted.iter().any(|other| same(&other)),
                "{} at {}..{}", matcher.detector(finding.detector).id, finding.start, finding.end
            );
        }
    }

    #[test]
    fn findings_are_those_of_a_naive_reading(text in texts()) {
        let matcher = matcher_cached();
        let found: Vec<_> =
            matcher.find(&key(), None, &text).iter().map(|f| (f.detector.0, f.start, f.end)).collect();
        prop_assert_eq!(found, naive(matcher, &text));
    }
}

fn matcher_cached() -> &'static Matcher {
    static MATCHER: std::sync::OnceLock<Matcher> = std::sync::OnceLock::new();
    MATCHER.get_or_init(matcher)
}

/// What stands far before a value or behind it tells what it is by chance, wherever the text is cut.
#[test]
fn values_by_chance_are_the_same_at_any_chunking() {
    // Some of these are cards, here and there two in a row.
    let number = |n: u64| 4_539_148_803_436_467 + n * n % 5 * 37 + n / 5 % 3 * 1_000_000;
    let four = |n: u64| 1000 + n * 2971 % 8999;
    let rows: [&dyn Fn(u64) -> String; 6] = [
        &|n| format!("{{\"nr\":\"{}\",\"t\":\"{}\"}},", number(n), "x".repeat(n as usize % 90)),
        &|n| format!("x{n},{},y\n", number(n)),
        &|n| format!("({n}, {}), ", number(n)),
        &|n| format!("{}{},\n", " ".repeat(n as usize % 60), number(n)),
        &|n| {
            let grouped = number(n).to_string();
            format!("item {}-{}-{}-{} ", &grouped[..4], &grouped[4..8], &grouped[8..12], &grouped[12..])
        },
        &|n| format!("{} {} 4539 1488 0343 {} {} -7\n", four(n), four(n + 1), 6467 + n % 2, four(n + 2)),
    ];
    let matcher = matcher_cached();
    for row in rows {
        let text: String = (0..60).map(row).collect();
        let whole = matcher.find(&key(), None, text.as_bytes());
        let seen = |confidence| whole.iter().any(|found| found.confidence == confidence);
        assert!(seen(Confidence::Low), "{text}");
        for cut in [1, 13, 127, 128, 300, 1024, 1500] {
            let cuts = vec![cut; text.len() / cut];
            assert_eq!(sorted(chunked(matcher, text.as_bytes(), &cuts)), whole, "{cut}: {text}");
        }
    }
}

#[test]
fn a_value_is_found_at_every_split() {
    let matcher = matcher_cached();
    let filler = "lorem ipsum ".repeat(90);
    let text = format!("{filler}{{\"card\":\"4539 1488 0343 6467\",\"to\":\"a.b@example.com\"}}{filler}");
    let whole = matcher.find(&key(), None, text.as_bytes());
    assert_eq!(whole.iter().filter(|f| f.confidence == Confidence::High).count(), 2);
    for cut in 0..text.len() {
        assert_eq!(sorted(chunked(matcher, text.as_bytes(), &[cut])), whole, "cut at {cut}");
    }
}

#[test]
fn built_in_examples_come_out_as_written() {
    let errors = matcher_cached().check_examples();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn a_stream_keeps_little() {
    let matcher = matcher_cached();
    let mut scan = Scan::new();
    let mut out = Vec::new();
    for size in [1usize, 17, 700, 5000, 3, 16384, 900] {
        for _ in 0..50 {
            scan.push(matcher, &key(), &vec![b'7'; size], &mut out);
            let held = scan.carry.capacity() + scan.scratch.bytes();
            assert!(held <= 4096, "a stream holds {held} bytes");
        }
    }
}

#[test]
fn what_cannot_be_the_start_of_a_value_is_settled_at_once() {
    let matcher = matcher_cached();
    let cases = [
        ("data: {\"text\":\"hello\"}\n\n", 0),
        ("data: 4539 1488 03", 12),
        ("mail jane.do", 7),
        ("ssn 536-90-4399", 11),
    ];
    for (text, open) in cases {
        let (mut scan, mut out) = (Scan::new(), Vec::new());
        scan.push(matcher, &key(), text.as_bytes(), &mut out);
        assert_eq!(text.len() as u64 - scan.settled_exact(matcher), open, "{text:?}");
    }
}

#[test]
fn what_names_alone_prove_is_found_however_the_text_is_cut() {
    let matcher = matcher_cached();
    let rows: String = (0..90).map(|n| format!("{n},{},943 476 5919,x\n", "note ".repeat(n % 30))).collect();
    let fields: String =
        (0..60).map(|n| format!("{{\"t\":\"{}\",\"v\":9434765919}},", "w ".repeat(20 + n * 9))).collect();
    let texts = [format!("id,text,nhs,z\n{rows}"), format!("{{\"nhs\":[{fields}0]}}")];
    for text in texts {
        let whole = matcher.find(&key(), None, text.as_bytes());
        let sure = whole.iter().filter(|f| f.confidence > Confidence::Low && f.keyword).count();
        assert!(sure > 5, "{sure}");
        // Whoever wants no less does not look at what no word speaks for.
        for level in Level::all() {
            let how = How { level, key: Some(&key()), floor: Confidence::Medium };
            let wanted = matcher.find_at(how, None, text.as_bytes());
            let lost = |f: &&Finding| f.confidence > Confidence::Low && !wanted.contains(f);
            assert_eq!(whole.iter().filter(lost).count(), 0, "{level:?}");
        }
        for size in [400, 1000, 1700, 4000] {
            let cuts = vec![size; text.len() / size];
            assert_eq!(sorted(chunked(matcher, text.as_bytes(), &cuts)), whole, "{size}");
        }
    }
}

#[test]
fn the_place_of_a_finding_is_sought_in_so_many_findings() {
    let matcher = matcher();
    for (unnamed, told) in [(limits::PLACES_SOUGHT - 1, 1), (limits::PLACES_SOUGHT, 0)] {
        let text = "to anna@acme.com, ".repeat(unnamed) + r#"{"to":"anna@acme.com"}"#;
        let (mut scan, mut out) = (Scan::new(), Vec::new());
        scan.push(&matcher, &key(), text.as_bytes(), &mut out);
        scan.finish(&matcher, &key(), &mut out);
        assert_eq!((out.len(), scan.places().count()), (unnamed + 1, told));
    }
}
