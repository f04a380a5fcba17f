//! Segments whose time is over: removed whole, proved across, held where a hold says so.

use std::fs;
use std::path::Path;

use jiff::Timestamp;

use super::query::{Bundle, Filter, Period, Trust, export, summarize};
use super::retention::Retention;
use super::tests::{check, config, key, message, pack_all, public_key, records, run, temp};
use super::*;

/// A trail of several segments whose gate still runs: with `age`, the time of the next is over.
async fn trail(age: Duration) -> (tempfile::TempDir, Audit, Writer, Retention) {
    let dir = temp();
    run(AuditConfig { segment_size: 8 * 1024, ..config(dir.path()) }, 60).await;
    let (audit, writer) =
        Audit::open(AuditConfig { segment_size: 8 * 1024, ..config(dir.path()) }, &key()).unwrap();
    let shared = (Arc::clone(&audit.desk), Arc::clone(&audit.shared.disk));
    let retention = Retention::new(dir.path().to_owned(), shared, age, Duration::ZERO);
    (dir, audit, writer, retention)
}

fn sweep(retention: &mut Retention) {
    retention.round(&false.into()).unwrap();
}

fn firsts(directory: &Path) -> Vec<u64> {
    segment::list(directory).unwrap().iter().map(|found| found.first).collect()
}

fn admin(directory: &Path) -> Vec<(String, u64)> {
    let admin = records(directory).into_iter().filter(|record| record["kind"] == "admin");
    admin
        .map(|record| (record["action"].as_str().unwrap().to_owned(), record["first"].as_u64().unwrap_or(0)))
        .collect()
}

fn hold(id: &str) -> Hold {
    Hold {
        id: id.into(),
        reason: "case 17".into(),
        owner: "legal".into(),
        from: None,
        to: None,
        until: None,
        added: Timestamp::now(),
        end: None,
        recorded: Recorded::Not,
    }
}

#[tokio::test]
async fn what_is_over_is_removed_and_the_trail_is_proved_across_it() {
    let (dir, audit, writer, mut retention) = trail(Duration::ZERO).await;
    let before = firsts(dir.path());
    sweep(&mut retention);
    // All but the open one, each with its tombstone and its record.
    assert_eq!(firsts(dir.path()), before[before.len() - 1..]);
    let told = admin(dir.path());
    assert_eq!(told.len(), before.len() - 1);
    assert!(
        told.iter().zip(&before).all(|((action, first), found)| action == "audit.remove" && first == found)
    );
    let report = check(dir.path());
    assert_eq!((report.verdict(), report.removed.len()), (Verdict::Whole, before.len() - 1), "{report}");
    assert!(report.to_string().contains("removed by retention 0 days: records 1 to"), "{report}");
    assert_eq!(audit.stats().disk_bytes, segment::bytes_in(dir.path()).unwrap());
    // A second look finds nothing, a restart goes on, and later removals follow.
    sweep(&mut retention);
    assert_eq!(admin(dir.path()).len(), told.len());
    for n in 0..30 {
        audit.submit(message(n)).await.map(drop).unwrap();
    }
    sweep(&mut retention);
    writer.close();
    run(config(dir.path()), 3).await;
    let report = check(dir.path());
    assert_eq!(report.verdict(), Verdict::Whole, "{report}");
    assert!(report.removed.len() > told.len());
}

#[tokio::test]
async fn a_report_tells_what_was_removed_under_which_tombstone_and_sees_through_a_false_one() {
    let (dir, _audit, writer, mut retention) = trail(Duration::ZERO).await;
    let before = firsts(dir.path());
    // The third segment is held: what is gone lies before and behind it.
    let all = records(dir.path());
    let of = |seq: u64| all.iter().find(|record| record["seq"] == seq).unwrap();
    let time = |seq: u64| of(seq)["time"].as_str().unwrap().parse::<Timestamp>().unwrap();
    let from = time(before[2] + 1);
    let to = from + Duration::from_micros(1);
    add_hold(dir.path(), &Hold { from: Some(from), to: Some(to), ..hold("third") }).unwrap();
    sweep(&mut retention);
    assert_eq!(firsts(dir.path()), [before[2], before[before.len() - 1]]);
    let period = |from: i64| Period { from, until: i64::MAX, sample: 0, seed: 0 };
    let key = public_key();
    let trust = Trust { key: Some(&key), witness: None };
    let report = |from: i64| summarize(dir.path(), period(from), trust).unwrap();
    let summary = report(0);
    assert!(summary.is_whole(), "{:?}", summary.fault);
    let gone: Vec<_> = summary.removed.iter().map(|gone| gone.first).collect();
    let expected: Vec<u64> =
        before[..before.len() - 1].iter().copied().filter(|first| *first != before[2]).collect();
    assert_eq!((gone, summary.gaps.len()), (expected, 0));
    let text = summary.to_markdown();
    assert!(text.contains(&format!("removed under tombstone {}", before[1])), "{text}");
    assert!(text.contains("whole, but for what retention removed"), "{text}");
    assert_eq!(report(0).to_json(), summary.to_json());
    // What was removed before the period is not of it.
    assert_eq!(report(from.as_microsecond()).removed.len(), before.len() - 2 - 2);
    writer.close();
    // A tombstone that was changed proves nothing; without it the records are missing.
    let path = dir.path().join(format!("segment-{:020}.tombstone", before[3]));
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, whole.replace("retention 0", "retention 9")).unwrap();
    let summary = report(0);
    assert!(!summary.is_whole() && summary.fault.unwrap().contains(&format!("record {}", before[3])));
    fs::remove_file(&path).unwrap();
    let summary = report(0);
    assert_eq!(summary.gaps, [(before[3], before[4] - 1)]);
    assert!(!summary.is_whole());
    // One that the trail has no record of is forged.
    fs::write(&path, whole).unwrap();
    let last = segment::list(dir.path()).unwrap().pop().unwrap();
    let text = fs::read_to_string(&last.path).unwrap();
    let id = |line: &str| line.contains("audit.remove") && line.contains(&format!("\"first\":{}", before[3]));
    let without: String = text.lines().filter(|line| !id(line)).map(|line| format!("{line}\n")).collect();
    assert_ne!(text, without);
    fs::write(&last.path, without).unwrap();
    assert!(report(0).fault.is_some());
}

#[tokio::test]
async fn what_is_not_over_stays() {
    let (dir, _audit, writer, mut retention) = trail(Duration::from_secs(3600)).await;
    let before = firsts(dir.path());
    sweep(&mut retention);
    assert_eq!((firsts(dir.path()), admin(dir.path()).len()), (before, 0));
    writer.close();
}

#[tokio::test]
async fn a_clock_that_was_set_or_a_long_absence_removes_nothing_at_first() {
    let (dir, audit, writer, mut retention) = trail(Duration::ZERO).await;
    let before = firsts(dir.path());
    let shared = (Arc::clone(&audit.desk), Arc::clone(&audit.shared.disk));
    let mut away = Retention::new(dir.path().to_owned(), shared, Duration::ZERO, limits::RETENTION_AWAY);
    sweep(&mut away);
    retention.set_clock(Timestamp::now() - Duration::from_secs(400 * 86_400));
    sweep(&mut retention);
    sweep(&mut retention);
    assert_eq!(firsts(dir.path()), before);
    retention.trust_clock();
    sweep(&mut retention);
    assert_eq!(firsts(dir.path()).len(), 1);
    writer.close();
}

#[tokio::test]
async fn a_hold_keeps_its_records_until_its_end_is_on_record() {
    let (dir, _audit, writer, mut retention) = trail(Duration::ZERO).await;
    let before = firsts(dir.path());
    // Of the third segment alone.
    let times: Vec<Timestamp> = records(dir.path())
        .iter()
        .filter(|record| record["seq"] == before[2] + 1)
        .map(|record| record["time"].as_str().unwrap().parse().unwrap())
        .collect();
    let to = times[0] + Duration::from_micros(1);
    add_hold(dir.path(), &Hold { from: Some(times[0]), to: Some(to), ..hold("case-17") }).unwrap();
    sweep(&mut retention);
    assert_eq!(firsts(dir.path()), [before[2], before[before.len() - 1]]);
    assert_eq!(admin(dir.path())[0].0, "audit.hold_add");
    let report = check(dir.path());
    assert_eq!(report.verdict(), Verdict::Whole, "{report}");
    // Whoever takes the file away has not ended the hold.
    fs::remove_file(dir.path().join("hold-case-17.json")).unwrap();
    sweep(&mut retention);
    assert!(dir.path().join("hold-case-17.json").exists());
    assert!(admin(dir.path()).iter().any(|(action, _)| action == "audit.hold_restore"));
    assert_eq!(firsts(dir.path()).len(), 2);
    let end = End { time: Timestamp::now(), by: "legal".into(), reason: "settled".into() };
    end_hold(dir.path(), "case-17", end.clone()).unwrap();
    assert!(matches!(end_hold(dir.path(), "case-17", end.clone()), Err(HoldError::Wrong(_))));
    assert!(matches!(end_hold(dir.path(), "case-18", end), Err(HoldError::Wrong(_))));
    sweep(&mut retention);
    assert_eq!(firsts(dir.path()).len(), 1);
    let told: Vec<_> = admin(dir.path()).into_iter().map(|(action, _)| action).collect();
    assert_eq!(told[told.len() - 2..], ["audit.hold_end", "audit.remove"]);
    assert_eq!(check(dir.path()).verdict(), Verdict::Whole);
    assert!(matches!(add_hold(dir.path(), &hold("case-17")), Err(HoldError::Wrong(_))), "an id is used once");
    writer.close();
}

#[tokio::test]
async fn a_hold_ends_by_itself_and_a_broken_one_holds_everything() {
    let (dir, _audit, writer, mut retention) = trail(Duration::ZERO).await;
    add_hold(dir.path(), &Hold { until: Some(Timestamp::now() + Duration::from_secs(60)), ..hold("a") })
        .unwrap();
    fs::write(dir.path().join("hold-b.json"), "{").unwrap();
    let before = firsts(dir.path());
    sweep(&mut retention);
    assert_eq!(firsts(dir.path()), before);
    fs::remove_file(dir.path().join("hold-b.json")).unwrap();
    sweep(&mut retention);
    assert_eq!(firsts(dir.path()), before);
    let path = dir.path().join("hold-a.json");
    let mut now: Hold = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(now.recorded, Recorded::Added);
    now.until = Some(Timestamp::now());
    fs::write(&path, serde_json::to_vec(&now).unwrap()).unwrap();
    sweep(&mut retention);
    assert_eq!(firsts(dir.path()).len(), 1);
    for wrong in [Hold { id: "../x".into(), ..hold("") }, Hold { owner: " ".into(), ..hold("c") }] {
        assert!(matches!(add_hold(dir.path(), &wrong), Err(HoldError::Wrong(_))));
    }
    writer.close();
}

#[tokio::test]
async fn a_segment_that_was_changed_is_kept_as_evidence() {
    let (dir, _audit, writer, mut retention) = trail(Duration::ZERO).await;
    let second = segment::list(dir.path()).unwrap().remove(1);
    let text = fs::read_to_string(&second.path).unwrap();
    fs::write(&second.path, text.replacen("example.com", "example.net", 1)).unwrap();
    sweep(&mut retention);
    sweep(&mut retention);
    assert_eq!(firsts(dir.path()).len(), 2);
    assert!(second.path.exists());
    let failures = records(dir.path()).into_iter().filter(|record| record["control"] == "retention").count();
    assert_eq!(failures, 1);
    writer.close();
}

#[tokio::test]
async fn a_tombstone_proves_nothing_but_what_it_was_signed_for() {
    let (dir, _audit, writer, mut retention) = trail(Duration::ZERO).await;
    // A crash between the tombstone and the removal: it is made anew, and the trail stays whole.
    let first = segment::list(dir.path()).unwrap().remove(0);
    let text = fs::read(&first.path).unwrap();
    sweep(&mut retention);
    fs::write(&first.path, &text).unwrap();
    assert_eq!(check(dir.path()).verdict(), Verdict::Whole);
    sweep(&mut retention);
    writer.close();
    assert_eq!(check(dir.path()).verdict(), Verdict::Whole);
    // Each byte of it counts.
    let path = dir.path().join("segment-00000000000000000001.tombstone");
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() - 1 {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        let report = check(dir.path());
        assert_eq!(report.verdict(), Verdict::Tampered, "{at}: {report}");
        let (fault, file) = report.fault.unwrap();
        assert_eq!((fault.seq, &file), (1, &path), "{at}");
    }
    fs::write(&path, &whole).unwrap();
    // One that is gone is missed by itself: those behind it hold.
    let stones: Vec<u64> = tombstone::list(dir.path()).unwrap().into_keys().collect();
    for at in [0, 2] {
        let path = dir.path().join(tombstone::name(stones[at]));
        let whole = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let report = check(dir.path());
        let missing = vec![stones[at]..=stones[at + 1] - 1];
        assert_eq!((report.verdict(), &report.missing), (Verdict::Unproven, &missing), "{report}");
        assert_eq!(report.removed.len(), stones.len() - 1);
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(check(dir.path()).verdict(), Verdict::Whole);
    // Under another key it is not said to be tampered with.
    let other = Signer::from_pkcs8(&generate_signing_key().unwrap()).unwrap().public();
    let report = verify(dir.path(), Some(&other), Outside::default(), &mut |_| {}).unwrap();
    assert_eq!(report.verdict(), Verdict::UnknownKey);
}

#[tokio::test]
async fn a_tombstone_that_the_trail_does_not_know_of_is_forged() {
    let (dir, _audit, writer, mut retention) = trail(Duration::ZERO).await;
    let copy = temp();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    sweep(&mut retention);
    writer.close();
    // The same trail, in which nothing was removed; with the tombstone, whoever has the key could say otherwise.
    run(config(copy.path()), 3).await;
    let name = "segment-00000000000000000001.tombstone";
    fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    fs::remove_file(copy.path().join(segment::name(1))).unwrap();
    let report = check(copy.path());
    assert_eq!(report.verdict(), Verdict::Tampered, "{report}");
    assert!(report.fault.unwrap().0.what.contains("no record of its removal"));
}

#[tokio::test]
async fn a_bundle_across_removed_segments_is_checked_elsewhere() {
    for is_held in [true, false] {
        bundle_is_checked(is_held).await;
    }
}

/// The removed segments lie behind the first one, which is held, or before all that is left.
async fn bundle_is_checked(is_held: bool) {
    let (dir, _audit, writer, mut retention) = trail(Duration::ZERO).await;
    pack_all(dir.path());
    let first: Timestamp = records(dir.path())[2]["time"].as_str().unwrap().parse().unwrap();
    if is_held {
        add_hold(dir.path(), &Hold { to: Some(first), ..hold("first") }).unwrap();
    }
    sweep(&mut retention);
    writer.close();
    assert_eq!((firsts(dir.path()).len(), firsts(dir.path())[0] == 1), (1 + usize::from(is_held), is_held));
    let to = temp();
    let folder = to.path().join("bundle");
    let filter = Filter::default();
    let key = public_key();
    let bundle = Bundle {
        directory: dir.path(),
        to: &folder,
        filter: &filter,
        key: Some(&key),
        only_matching: false,
        signer: None,
    };
    export(&bundle).unwrap();
    let verify = |folder: &Path| {
        let checked =
            std::process::Command::new("python3").arg(folder.join("verify.py")).arg(folder).output();
        checked.map(|out| {
            (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
        })
    };
    match verify(&folder) {
        Err(error) => eprintln!("SKIPPED: python3: {error}"),
        Ok((passes, said)) => {
            let stones = tombstone::list(dir.path()).unwrap().len();
            assert!(passes && said.matches("removed by").count() == stones, "{said}");
            assert_eq!(said.contains("removed by retention 0 days: records 1 to "), !is_held, "{said}");
        }
    }
}
