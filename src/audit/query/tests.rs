//! Questions are answered as a full look at every record would.

use std::fs;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::audit::tests::{config, message, pack_all, records, run, temp};
use crate::audit::{AuditConfig, segment};
use crate::detect::Confidence;
use crate::inspect::{Found, RuleHit};
use crate::policy::{Action, Disclosure};

/// A record of one of several clients, hosts, actions, with or without findings.
pub(crate) fn varied(n: u64) -> crate::audit::Draft {
    let crate::audit::Draft::Message(mut draft) = message(n) else { unreachable!() };
    let mut flow = (*draft.flow).clone();
    flow.client = [192, 0, (n % 3) as u8, (n % 7) as u8].into();
    flow.host =
        ["api.example.com", "crm.example.com", "a.b.other.test", "=cmd.test"][(n % 4) as usize].into();
    flow.tenant = ["red", "blue"][(n % 2) as usize].into();
    draft.flow = flow.into();
    if let Some(decision) = draft.decision.as_mut().filter(|_| n.is_multiple_of(5)) {
        decision.action = Action::Block;
        decision.disclosure = Disclosure::Prevented;
        decision.rules = vec![RuleHit {
            id: "pan-leaves".into(),
            action: Action::Block,
            mode: crate::policy::Mode::Enforce,
        }];
        decision.found = vec![Found {
            identifier: ["payment.pan", "contact.email"][(n / 5 % 2) as usize].into(),
            confidence: Confidence::High,
            matched: 2,
            distinct: 1,
            forwarded: 0,
            withheld: 2,
            suppressed: 0,
            at: Vec::new(),
            fingerprints: Vec::new(),
            rules: vec!["pan-leaves".into()],
        }];
    }
    crate::audit::Draft::Message(draft)
}

/// A trail of several segments.
pub(crate) async fn trail(directory: &std::path::Path, count: u64) {
    let config = AuditConfig { segment_size: 64 * 1024, ..config(directory) };
    let (audit, writer) = crate::audit::Audit::open(config, &crate::audit::tests::key()).unwrap();
    for n in 0..count {
        audit.submit(varied(n)).await.map(drop).unwrap();
    }
    tokio::task::spawn_blocking(|| writer.close()).await.unwrap();
}

fn found(directory: &std::path::Path, filter: &Filter) -> Vec<u64> {
    let mut seqs = Vec::new();
    search(directory, filter, &mut |_, facts| {
        seqs.push(facts.seq);
        Ok(true)
    })
    .unwrap();
    seqs
}

fn by(field: Field, pattern: &str) -> Filter {
    Filter { fields: vec![(field, vec![Pattern::read(field, pattern)])], ..Filter::default() }
}

#[tokio::test]
async fn each_filter_finds_what_a_look_at_every_record_finds() {
    let dir = temp();
    trail(dir.path(), 400).await;
    let records = records(dir.path());
    assert!(segment::list(dir.path()).unwrap().len() > 3);
    let time = |record: &Value| {
        record["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_microsecond()
    };
    let (from, until) = (time(&records[100]), time(&records[300]));
    let blocked = records.iter().find(|record| record["action"] == "block").unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    type Look<'a> = Box<dyn Fn(&Value) -> bool + 'a>;
    let cases: Vec<(Filter, Look<'_>)> = vec![
        (Filter::default(), Box::new(|_| true)),
        (by(Field::Action, "block"), Box::new(|r| r["action"] == "block")),
        (by(Field::Kind, "checkpoint"), Box::new(|r| r["kind"] == "checkpoint")),
        (by(Field::Rule, "pan-*"), Box::new(|r| !r["rules"].as_array().is_none_or(Vec::is_empty))),
        (by(Field::Identifier, "payment.*"), Box::new(|r| r["findings"][0]["identifier"] == "payment.pan")),
        (
            by(Field::Client, "192.0.1.0/24"),
            Box::new(move |r| text(&r["client"]["address"]).starts_with("192.0.1.")),
        ),
        (
            by(Field::Destination, "*.example.com"),
            Box::new(move |r| text(&r["destination"]["host"]).ends_with("e.com")),
        ),
        (by(Field::Tenant, "red"), Box::new(|r| r["tenant"] == "red")),
        (by(Field::Disclosure, "prevented"), Box::new(|r| r["disclosure"] == "prevented")),
        (
            Filter { from: Some(from), until: Some(until), ..by(Field::Direction, "request") },
            Box::new(move |r| r["direction"] == "request" && (from..until).contains(&time(r))),
        ),
        (Filter { from_seq: Some(250), ..Filter::default() }, Box::new(|r| r["seq"].as_u64() >= Some(250))),
        (
            Filter { ids: vec![text(&blocked["decision"])], ..Filter::default() },
            Box::new(|r| r["decision"] == blocked["decision"]),
        ),
        (Filter { ids: vec![text(&blocked["flow"])], ..by(Field::Action, "allow") }, Box::new(|_| false)),
    ];
    for round in ["built", "kept", "packed", "packed and built again"] {
        if round == "packed" {
            assert!(pack_all(dir.path()) > 3);
        }
        if round == "packed and built again" {
            let paths = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
            let indexes = paths.filter(|path| path.extension().is_some_and(|ext| ext == "index"));
            indexes.for_each(|path| fs::remove_file(path).unwrap());
        }
        for (at, (filter, look)) in cases.iter().enumerate() {
            let expected: Vec<u64> =
                records.iter().filter(|r| look(r)).map(|r| r["seq"].as_u64().unwrap()).collect();
            assert_eq!(found(dir.path(), filter), expected, "case {at}, index {round}");
        }
    }
}

#[tokio::test]
async fn an_index_spares_reading_and_is_made_again_when_it_does_not_fit() {
    let dir = temp();
    trail(dir.path(), 400).await;
    let ask = || search(dir.path(), &by(Field::Rule, "pan-leaves"), &mut |_, _| Ok(true)).unwrap();
    let first = ask();
    assert_eq!(first.matched, 80);
    assert!(first.read < 400, "{first:?}");
    let indexes = || -> Vec<_> {
        let paths = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|ext| ext == "index")).collect()
    };
    assert_eq!(indexes().len() + 1, segment::list(dir.path()).unwrap().len());
    // Another's, a broken one, none at all: the answer stays.
    let kept = indexes();
    fs::copy(&kept[0], &kept[1]).unwrap();
    fs::write(&kept[0], b"tgindex1 nonsense").unwrap();
    fs::remove_file(&kept[2]).unwrap();
    assert_eq!(ask(), first);
    assert_eq!(indexes().len(), kept.len());
    // Packed, the same text has the same index.
    pack_all(dir.path());
    assert_eq!(ask(), first);
    assert_eq!(crate::audit::tests::check(dir.path()).verdict(), crate::audit::Verdict::Whole);
}

#[tokio::test]
async fn enough_is_enough() {
    let dir = temp();
    run(config(dir.path()), 20).await;
    let mut taken = 0;
    search(dir.path(), &Filter::default(), &mut |_, _| {
        taken += 1;
        Ok(taken < 5)
    })
    .unwrap();
    assert_eq!(taken, 5);
}

proptest! {
    #[test]
    fn any_line_is_read_or_left(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        assert!(Facts::parse(&bytes).is_none());
    }
}

#[tokio::test]
async fn a_follower_sees_every_record_that_comes_across_segments() {
    let dir = temp();
    trail(dir.path(), 30).await;
    let mut followed = follow(dir.path()).unwrap();
    assert!(followed.next_line().unwrap().is_none());
    let before = records(dir.path()).len();
    trail(dir.path(), 200).await;
    let mut seqs = Vec::new();
    while let Some(line) = followed.next_line().unwrap() {
        seqs.push(Facts::parse(line).unwrap().seq);
    }
    let expected: Vec<u64> = (before as u64 + 1..=records(dir.path()).len() as u64).collect();
    assert_eq!(seqs, expected);
}

fn whole() -> Period {
    Period { from: 0, until: i64::MAX, sample: 7, seed: 3 }
}

#[tokio::test]
async fn a_report_adds_up_and_says_the_same_twice() {
    let dir = temp();
    trail(dir.path(), 400).await;
    let summary = summarize(dir.path(), whole(), Trust::default()).unwrap();
    let again = summarize(dir.path(), whole(), Trust::default()).unwrap();
    assert!(summary.is_whole(), "{:?}", summary.fault);
    assert_eq!((summary.messages, summary.actions["block"], summary.actions["allow"]), (400, 80, 320));
    assert_eq!(summary.rules["pan-leaves"], Sum { messages: 80, blocked: 80, values: 80, ..Sum::default() });
    assert_eq!(summary.identifiers.values().map(|sum| sum.messages).collect::<Vec<_>>(), [40, 40]);
    assert_eq!((summary.seen, summary.destinations.len(), summary.tenants.len()), (400 * 812, 4, 2));
    assert_eq!(summary.sample.len(), 7);
    for form in [Summary::to_json, Summary::to_markdown, Summary::to_html] {
        assert_eq!(form(&summary), form(&again));
        for word in
            ["pan-leaves", "SOC 2", "CC6.7", "ISO/IEC 27001:2022", "A.8.12", "PCI DSS 4.0.1", "10.2–10.7"]
        {
            assert!(form(&summary).contains(word), "{word}");
        }
    }
    assert!(!summary.to_markdown().to_lowercase().contains("compliant"));
    // Another seed draws others.
    let other = summarize(dir.path(), Period { seed: 4, ..whole() }, Trust::default()).unwrap();
    assert_ne!(summary.sample, other.sample);
    // A hostile name is text in every form.
    let hostile = crate::audit::query::report_text::plain("a|b<script>\n#");
    assert_eq!(hostile, ("a\\|b\\<script\\> \\#".to_owned(), "a|b&lt;script&gt;\n#".to_owned()));
}

#[tokio::test]
async fn a_report_says_what_is_missing_or_changed() {
    let dir = temp();
    trail(dir.path(), 400).await;
    let segments = segment::list(dir.path()).unwrap();
    let removed = fs::read(&segments[1].path).unwrap();
    fs::remove_file(&segments[1].path).unwrap();
    let summary = summarize(dir.path(), whole(), Trust::default()).unwrap();
    assert_eq!(summary.gaps, [(segments[1].first, segments[2].first - 1)]);
    assert!(!summary.is_whole());
    let text = String::from_utf8(removed).unwrap().replace("\"action\":\"block\"", "\"action\":\"allow\"");
    fs::write(&segments[1].path, text).unwrap();
    let summary = summarize(dir.path(), whole(), Trust::default()).unwrap();
    assert!(summary.gaps.is_empty() && summary.fault.is_some_and(|fault| fault.contains("was changed")));
}

/// Runs the program that a bundle brings; `None` where there is no Python.
pub(super) fn python(arguments: &[&std::path::Path]) -> Option<(bool, String)> {
    let done = std::process::Command::new("python3").args(arguments).output().ok()?;
    let said = [done.stdout, done.stderr].concat();
    Some((done.status.success(), String::from_utf8_lossy(&said).into_owned()))
}

#[tokio::test]
async fn a_bundle_and_a_proof_are_checked_by_an_independent_program() {
    let dir = temp();
    trail(&dir.path().join("audit"), 250).await;
    let (audit, to) = (dir.path().join("audit"), dir.path().join("bundle"));
    let signer = crate::audit::Signer::from_pkcs8(&crate::audit::tests::key()).unwrap();
    let filter = by(Field::Action, "block");
    let bundle = Bundle {
        directory: &audit,
        to: &to,
        filter: &filter,
        key: None,
        only_matching: false,
        signer: Some(&signer),
    };
    let exported = export(&bundle).unwrap();
    let count = records(&audit).len() as u64;
    assert_eq!(exported, Exported { records: count, matched: 50, left_out: None });
    assert!(export(&bundle).is_err(), "a folder that is there is not written to");
    let checker = to.join("verify.py");
    let Some((holds, said)) = python(&[&checker, &to]) else {
        eprintln!("SKIPPED: there is no python3");
        return;
    };
    assert!(holds && said.contains(&format!("records 1 to {count}")), "{said}");
    // One record proved, and the same proof for another one refused.
    let proof = prove(&audit, 100, None).unwrap();
    let file = dir.path().join("proof.json");
    fs::write(&file, &proof).unwrap();
    let (holds, said) = python(&[&checker, "--proof".as_ref(), &file]).unwrap();
    assert!(holds && said.contains("record 100"), "{said}");
    for (from, into) in
        [("\\\"action\\\":\\\"allow\\\"", "\\\"action\\\":\\\"alert\\\""), ("\"index\": ", "\"index\": 1")]
    {
        let changed = proof.replacen(from, into, 1);
        assert_ne!(changed, proof, "{from}");
        fs::write(&file, changed).unwrap();
        assert!(!python(&[&checker, "--proof".as_ref(), &file]).unwrap().0, "{from}");
    }
    assert!(prove(&audit, 10_000, None).is_err());
    // A changed record is found, even by one who mends the manifest's hash.
    let segment = to.join("records").join(segment::name(1));
    let text = fs::read_to_string(&segment).unwrap();
    let changed = text.replacen("\"seen\":812", "\"seen\":813", 1);
    fs::write(&segment, &changed).unwrap();
    assert!(!python(&[&checker, &to]).unwrap().0);
    let hash = |text: &str| crate::audit::text::hex(&crate::audit::chain::sha256(text.as_bytes()));
    let manifest = fs::read_to_string(to.join("manifest.json")).unwrap();
    fs::write(to.join("manifest.json"), manifest.replace(&hash(&text), &hash(&changed))).unwrap();
    let (holds, said) = python(&[&checker, &to]).unwrap();
    assert!(!holds && said.contains("the manifest was changed"), "{said}");
    fs::remove_file(to.join("manifest.sig")).unwrap();
    let (holds, said) = python(&[&checker, &to]).unwrap();
    assert!(!holds && said.contains("was changed"), "{said}");
}
