//! A report says what nobody looked at, what changed and what the trail does not prove.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::*;
use crate::audit::query::facts::micros;
use crate::audit::tests::{config, key, message, public_key, seen as outside, temp};
use crate::audit::{Audit, Draft, Kind, Outside};
use crate::detect::Confidence;
use crate::inspect::{Coverage, Found, RuleHit};
use crate::policy::{Action, Disclosure, Mode};

fn whole() -> Period {
    Period { from: 0, until: i64::MAX, sample: 0, seed: 0 }
}

fn event(kind: Kind, detail: Value) -> Draft {
    let Value::Object(detail) = detail else { unreachable!() };
    Draft::Event { kind, detail }
}

/// The end of a flow to `host`.
fn end(n: u64, host: &str, change: impl Fn(&mut crate::audit::MessageDraft)) -> Draft {
    let Draft::Message(mut draft) = message(n) else { unreachable!() };
    let mut flow = (*draft.flow).clone();
    flow.host = host.into();
    flow.method = "CONNECT".into();
    draft.flow = Arc::new(flow);
    draft.kind = Kind::End;
    change(&mut draft);
    Draft::Message(draft)
}

#[tokio::test]
async fn what_nobody_looked_at_and_what_changed_is_said() {
    let dir = temp();
    let mut heads = Vec::new();
    let (send, seen) = std::sync::mpsc::channel();
    let witness = Box::new(move |line: &str| drop(send.send(line.to_owned())));
    let (audit, writer) = Audit::open_with(config(dir.path()), &key(), witness).unwrap();
    let unopened = end(1, "help.example.com", |draft| {
        draft.reason = Some("pins (owner: me)".into());
        let decision = draft.decision.as_mut().unwrap();
        decision.coverage =
            Coverage { seen: 822, forwarded: 822, uninspected: vec![("bypass", 822)], ..Coverage::default() };
    });
    let failed = end(2, "gone.example.com", |draft| {
        draft.status = Some(502);
        draft.decision = None;
        draft.reason = Some("the name does not resolve".into());
    });
    let reload = json!({
        "outcome": "loaded", "by": "signal", "actor": "signal", "previous": "a".repeat(64),
        "policy": "b".repeat(64), "weakens": ["mode: enforce to observe"],
    });
    let overlay = json!({ "action": "overlay.add", "actor": "alice", "overlay": "ov-1", "effect": "allow" });
    let selftests = [3, 4].map(|n| {
        let Draft::Message(mut draft) = message(n) else { unreachable!() };
        let mut flow = (*draft.flow).clone();
        flow.host = format!("t{n}.selftest.invalid").into();
        draft.flow = Arc::new(flow);
        Draft::Message(draft)
    });
    let events = [event(Kind::Config, reload), event(Kind::Admin, overlay)];
    for draft in [unopened, failed, message(5)].into_iter().chain(events).chain(selftests) {
        audit.submit(draft).await.map(drop).unwrap();
    }
    tokio::task::spawn_blocking(|| writer.close()).await.unwrap();
    heads.extend(seen);
    let summary = summarize(dir.path(), whole(), Trust::default()).unwrap();
    assert!(summary.is_whole() && summary.is_unfinished(), "{:?}", summary.fault);
    assert_eq!((summary.seen, summary.uninspected["bypass"]), (3 * 812 + 822, 822));
    assert_eq!(summary.destinations["(self-tests)"].messages, 2);
    assert_eq!(summary.destinations.len(), 4);
    let markdown = summary.to_markdown();
    for words in [
        "| help.example.com | bypass: pins (owner: me) | 1 | 822 | 822 |",
        "| gone.example.com | the name does not resolve | 1 |",
        "weakens mode: enforce to observe",
        "previous aaaaaaaaaaaaaaaa; ",
        "action overlay.add; effect allow; overlay ov-1 | alice |",
        "| 9f86d081884c7d65",
        "found beside the records",
        "nobody was asked",
        "this is not the last word",
    ] {
        assert!(markdown.contains(words), "{words} in {markdown}");
    }
    assert!(markdown.contains("start; ") && markdown.contains("| stop"), "{markdown}");

    // The same, held to a witness; and without its end.
    let trust = |heads: &[String]| {
        let trust = Trust { key: Some(&public_key()), witness: Some(outside(heads)) };
        summarize(dir.path(), whole(), trust).unwrap()
    };
    assert!(trust(&heads).is_witnessed() && trust(&heads).is_whole());
    assert!(!trust(&heads[..1]).is_witnessed() && trust(&heads[..1]).is_whole());
    let path = &crate::audit::segment::list(dir.path()).unwrap()[0].path;
    let text = std::fs::read_to_string(path).unwrap();
    let cut: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
    std::fs::write(path, cut).unwrap();
    let fault = trust(&heads).fault.unwrap();
    assert!(fault.contains("though a witness has seen the trail up to record"), "{fault}");
}

/// A record of message `n` in which so many addresses were found, and so many of them left; one number beside them.
fn told(n: u64, kind: Kind, interim: bool, found: u64, left: u64) -> Draft {
    let Draft::Message(mut draft) = message(n) else { unreachable!() };
    (draft.kind, draft.interim) = (kind, interim);
    let decision = draft.decision.as_mut().unwrap();
    (decision.action, decision.disclosure) = (Action::Redact, Disclosure::Partial);
    let of = |identifier: &str, found: u64, left: u64, rule: &str| Found {
        identifier: identifier.into(),
        confidence: Confidence::High,
        matched: found,
        distinct: found,
        forwarded: left,
        withheld: found - left,
        suppressed: 0,
        at: Vec::new(),
        fingerprints: Vec::new(),
        rules: vec![rule.into()],
    };
    decision.found = vec![of("contact.email", found, left, "told"), of("national-id.us-ssn", 1, 0, "masked")];
    let rule = |id: &str, action| RuleHit { id: id.into(), action, mode: Mode::Enforce };
    decision.rules = vec![rule("told", Action::Alert), rule("masked", Action::Redact)];
    let bytes = 10 * found;
    decision.coverage = Coverage { seen: bytes, inspected: bytes, forwarded: bytes, ..Coverage::default() };
    Draft::Message(draft)
}

#[tokio::test]
async fn each_message_counts_once_by_the_record_that_tells_all_of_it() {
    let dir = temp();
    let (audit, writer) = Audit::open(config(dir.path()), &key()).unwrap();
    // Answered by the gate itself, before anything of it left.
    let unreached = |n, kind, action| {
        let Draft::Message(mut draft) = message(n) else { unreachable!() };
        (draft.kind, draft.status) = (kind, Some(502));
        draft.decision.as_mut().unwrap().action = action;
        draft.reason = Some("upstream cannot be reached".into());
        Draft::Message(draft)
    };
    let drafts = [
        // A socket that was told of twice, and then ended.
        told(1, Kind::Decision, true, 1, 1),
        told(2, Kind::Decision, true, 3, 2),
        told(1, Kind::Decision, true, 2, 2),
        told(1, Kind::End, false, 500, 500),
        // An upload that broke off: nothing but its end tells of it.
        told(3, Kind::End, false, 100, 90),
        told(4, Kind::Decision, false, 7, 0),
        unreached(5, Kind::End, Action::Allow),
        unreached(6, Kind::Decision, Action::Block),
    ];
    for draft in drafts {
        audit.submit(draft).await.map(drop).unwrap();
    }
    tokio::task::spawn_blocking(|| writer.close()).await.unwrap();
    let summary = summarize(dir.path(), Period { sample: 9, ..whole() }, Trust::default()).unwrap();
    // The second socket is open still, or was when its gate died.
    let sum = |values, forwarded| Sum { messages: 4, redacted: 4, values, forwarded, ..Sum::default() };
    assert_eq!(summary.messages, 6);
    assert_eq!(summary.identifiers["contact.email"], sum(610, 592));
    assert_eq!(summary.identifiers["national-id.us-ssn"], sum(4, 0));
    assert_eq!((summary.rules["told"], summary.rules["masked"]), (sum(610, 592), sum(4, 0)));
    assert_eq!((summary.seen, summary.forwarded), (6100 + 2 * 812, 6100 + 2 * 812));
    assert_eq!((summary.actions["redact"], summary.disclosures["partial"]), (4, 4));
    assert_eq!(summary.sample.len(), 6);
    let text = summary.to_markdown();
    assert!(text.contains("| api.example.com | upstream cannot be reached | 2 |"), "{text}");
}

#[tokio::test]
async fn where_values_went_stands_in_a_table_however_many_rows_there_are() {
    let dir = temp();
    let (audit, writer) = Audit::open(config(dir.path()), &key()).unwrap();
    let to = |n: u64, host: String, found, left, times: usize| {
        let Draft::Message(mut draft) = told(n, Kind::Decision, false, found, left) else { unreachable!() };
        let mut flow = (*draft.flow).clone();
        (flow.host, flow.client_identity) = (host.as_str().into(), Some(host.as_str().into()));
        draft.flow = Arc::new(flow);
        std::iter::repeat_n(Draft::Message(draft), times)
    };
    let quiet = (1..=120).flat_map(|n| to(n, format!("h{n}.example"), 1, 0, 2));
    for draft in quiet.chain(to(900, "leak.example".into(), 50, 49, 1)) {
        audit.submit(draft).await.map(drop).unwrap();
    }
    tokio::task::spawn_blocking(|| writer.close()).await.unwrap();
    let summary = summarize(dir.path(), whole(), Trust::default()).unwrap();
    let json: Value = serde_json::from_str(&summary.to_json()).unwrap();
    for name in ["destinations", "clients"] {
        assert_eq!(json[name][0]["name"], "leak.example", "{name}");
        let shown = json[name].as_array().unwrap().len();
        assert_eq!((shown, &json[format!("more_{name}")]), (100, &21.into()), "{name}");
    }
    assert_eq!(json["more_identifiers"], 0);
    let text = summary.to_markdown();
    // What the rest comes to, so that a column adds up.
    assert_eq!(text.matches("| and 21 more | 42 | 0 | 42 | 0 | 84 | 0 |").count(), 2, "{text}");
}

#[tokio::test]
async fn what_was_under_way_as_its_gate_died_is_named() {
    let dir = temp();
    let (audit, writer) = Audit::open(config(dir.path()), &key()).unwrap();
    let drafts = [
        told(1, Kind::Opening, false, 0, 0),
        told(2, Kind::Opening, false, 0, 0),
        told(3, Kind::Opening, false, 0, 0),
        told(3, Kind::Decision, true, 1, 1),
        told(1, Kind::End, false, 5, 5),
    ];
    for draft in drafts {
        audit.submit(draft).await.map(drop).unwrap();
    }
    tokio::task::spawn_blocking(|| writer.close()).await.unwrap();
    let looked = || {
        let summary = summarize(dir.path(), whole(), Trust::default()).unwrap();
        let report = crate::audit::verify(dir.path(), None, Outside::default(), &mut |_| {}).unwrap();
        (summary, report)
    };
    let (summary, report) = looked();
    assert_eq!((summary.unended.count(), summary.unended.under_way()), (0, 2), "perhaps they go on");
    assert_eq!((report.unended.count(), report.unended.under_way()), (0, 2));
    let again = Audit::open(config(dir.path()), &key()).unwrap().1;
    tokio::task::spawn_blocking(|| again.close()).await.unwrap();
    let (summary, report) = looked();
    assert_eq!((summary.unended.count(), report.unended.count(), summary.unended.under_way()), (2, 2, 0));
    let markdown = summary.to_markdown();
    assert_eq!(markdown.matches("| request | api.example.com:443 |").count(), 2, "{markdown}");
    let said = report.to_string();
    assert!(
        said.contains("2 messages were under way as the gate died; how much of each left is unknown"),
        "{said}"
    );
    assert!(said.contains(", api.example.com:443"), "{said}");
}

#[test]
fn a_log_that_is_gone_is_missed_in_the_periods_that_it_reached() {
    let (dir, kept) = (temp(), Arc::new(Mutex::new(Vec::new())));
    let (gone, here) = (dir.path().join("gone"), dir.path().join("here"));
    for directory in [&gone, &here] {
        let kept = Arc::clone(&kept);
        let witness = Box::new(move |line: &str| kept.lock().unwrap().push(line.to_owned()));
        Audit::open_with(config(directory), &key(), witness).unwrap().1.close();
    }
    let heads = kept.lock().unwrap().clone();
    let summary = |from: i64, until: i64, other_logs: &[String]| {
        let witness = Some(Outside { lines: &heads, other_logs });
        let trust = Trust { key: Some(&public_key()), witness };
        summarize(&here, Period { from, until, ..whole() }, trust).unwrap()
    };
    let all = summary(0, i64::MAX, &[]);
    assert!(all.is_witnessed() && !all.is_whole());
    assert!(all.to_markdown().contains("not here: records 1 to "), "{}", all.to_markdown());
    let json: Value = serde_json::from_str(&all.to_json()).unwrap();
    let [told] = &all.other_logs[..] else { panic!("{:?}", all.other_logs) };
    assert_eq!(json["integrity"]["other_logs"][0]["trail"], told.log, "{json:#}");
    let known = summary(0, i64::MAX, std::slice::from_ref(&told.log));
    assert!(known.is_whole() && known.to_markdown().contains("kept elsewhere: records 1 to "));
    let after = micros(&told.times.1).unwrap() + 1;
    let later = summary(after, i64::MAX, &[]);
    assert!(later.is_whole() && later.other_logs.is_empty(), "{:?}", later.other_logs);
}

#[tokio::test]
async fn a_period_without_records_and_a_tail_without_signature_are_not_proven() {
    let dir = temp();
    let (audit, writer) = Audit::open(config(dir.path()), &key()).unwrap();
    audit.submit(message(1)).await.map(drop).unwrap();
    writer.close();
    let path = &crate::audit::segment::list(dir.path()).unwrap()[0].path;
    let text = std::fs::read_to_string(path).unwrap();
    let all = text.lines().collect::<Vec<_>>();
    let decision = all.iter().position(|line| line.contains("\"kind\":\"decision\"")).unwrap();
    std::fs::write(path, all[..=decision].join("\n") + "\n").unwrap();
    let summary = summarize(dir.path(), whole(), Trust::default()).unwrap();
    let (first, last) = summary.unsigned().unwrap();
    assert!(!summary.is_whole() && first == last && last == summary.last.unwrap(), "{summary:?}");
    assert!(summary.to_markdown().contains(&format!("- Not signed for: {first} to {last}")));
    let long_ago = Period { until: 1_000_000, ..whole() };
    let summary = summarize(dir.path(), long_ago, Trust::default()).unwrap();
    assert!(!summary.is_whole() && !summary.is_unfinished());
    let text = summary.to_markdown();
    assert!(text.contains("there are no records in this period"), "{text}");
    assert!(text.contains("- The trail reaches from: 20"), "{text}");
}
