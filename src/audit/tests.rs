//! What the writer promises, kept by real files: order, recovery, refusal and return.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::flow::{Direction, FlowId};
use crate::inspect::{Coverage, Decision};
use crate::policy::{Action, Disclosure, Mode};

/// A key for all tests: making one is not what they are about.
pub(super) fn key() -> Vec<u8> {
    static KEY: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    KEY.get_or_init(|| generate_signing_key().unwrap().to_vec()).clone()
}

pub(super) fn public_key() -> PublicKey {
    Signer::from_pkcs8(&key()).unwrap().public()
}

/// A directory in memory where there is one: what is tested here is order, not the disk.
pub(super) fn temp() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

pub(super) fn config(directory: &Path) -> AuditConfig {
    AuditConfig {
        boot: "boot-1".into(),
        segment_size: 1 << 20,
        max_disk: 1 << 30,
        compress: false,
        ..AuditConfig::new(directory.to_owned(), "node-1".into())
    }
}

/// The record of a clean request.
pub(super) fn message(n: u64) -> Draft {
    let dialled = Dialled { address: IpAddr::from([198, 51, 100, 1]), tls: Some("TLSv1.3"), proven: true };
    let flow = FlowFacts {
        flow: FlowId::new(n, [7; 10]),
        tenant: "default".into(),
        listener: "apps".into(),
        client: IpAddr::from([192, 0, 2, 7]),
        client_identity: None,
        client_certificate: None,
        host: "api.example.com".into(),
        port: 443,
        group: None,
        http: Some("HTTP/1.1"),
        tls_client: Some("TLSv1.3"),
        method: "POST".into(),
        path_template: "/v1/orders/{}".into(),
        traceparent: None,
    };
    Draft::Message(Box::new(MessageDraft {
        kind: Kind::Decision,
        decision_id: FlowId::new(n, [8; 10]),
        flow: Arc::new(flow),
        dialled: Some(dialled),
        direction: Direction::Request,
        mode: Mode::Enforce,
        status: None,
        content_type: Some("application/json".into()),
        decision: Some(Decision {
            action: Action::Allow,
            would: None,
            reason: None,
            rules: Vec::new(),
            found: Vec::new(),
            disclosure: Disclosure::None,
            coverage: Coverage { seen: 812, inspected: 812, forwarded: 812, ..Coverage::default() },
            edits: 0,
        }),
        action: Action::Allow,
        reason: None,
        overlay: None,
        policy_hash: "9f86d081884c7d659a2feaa0c55ad015".into(),
        packs: Arc::new(PackStamps::new(&[PackStamp {
            name: "payment".into(),
            version: "1.0.0".into(),
            hash: "ab12".into(),
        }])),
        inspect_us: 41,
        hold_us: 3,
        interim: false,
        told: None,
    }))
}

pub(super) fn records(directory: &Path) -> Vec<Value> {
    let mut reader = Reader::open(directory).unwrap();
    let mut out = Vec::new();
    while let Some(line) = reader.next_line().unwrap() {
        out.push(serde_json::from_slice(line).unwrap());
    }
    out
}

fn kinds(records: &[Value]) -> Vec<&str> {
    records.iter().map(|record| record["kind"].as_str().unwrap()).collect()
}

/// Packs every closed segment; how many.
pub(super) fn pack_all(directory: &Path) -> usize {
    let disk = log::Disk { used: 0.into(), max: u64::MAX.into() };
    let mut segments = segment::list(directory).unwrap();
    segments.pop();
    let closed = segments.iter().filter(|found| !found.is_packed);
    closed.map(|found| assert!(pack::pack(directory, found, &disk, &false.into()).unwrap())).count()
}

/// What a witness kept.
pub(super) fn seen(lines: &[String]) -> Outside<'_> {
    Outside { lines, other_logs: &[] }
}

pub(super) fn check(directory: &Path) -> Report {
    verify(directory, Some(&public_key()), Outside::default(), &mut |_| {}).unwrap()
}

fn segments(directory: &Path) -> Vec<PathBuf> {
    segment::list(directory).unwrap().into_iter().map(|found| found.path).collect()
}

/// Writes `count` records and closes.
pub(super) async fn run(config: AuditConfig, count: u64) {
    let (audit, writer) = Audit::open(config, &key()).unwrap();
    for n in 0..count {
        audit.submit(message(n)).await.map(drop).unwrap();
    }
    tokio::task::spawn_blocking(|| writer.close()).await.unwrap();
}

#[tokio::test]
async fn a_run_begins_and_ends_signed_and_every_record_is_there() {
    let dir = temp();
    let mut config = config(&dir.path().join("new/audit"));
    config.start.insert("configuration".into(), "c0ffee".into());
    let directory = config.directory.clone();
    run(config, 3).await;
    let records = records(&directory);
    let expected =
        ["checkpoint", "start", "checkpoint", "decision", "decision", "decision", "stop", "checkpoint"];
    assert_eq!(kinds(&records), expected);
    for (i, record) in records.iter().enumerate() {
        assert_eq!(record["seq"], i + 1);
        assert_eq!((&record["node"], &record["boot"]), (&json!("node-1"), &json!("boot-1")));
        record["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    }
    assert_eq!(records[1]["configuration"], "c0ffee");
    assert_eq!(records[1]["key"], public_key().id());
    let report = verify(&directory, None, Outside::default(), &mut |_| {}).unwrap();
    assert_eq!(report.verdict(), Verdict::Whole, "{report}");
    assert_eq!((report.records, report.signed, report.key_beside_records), (8, 8, true));
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_clean_restart_goes_on_in_the_same_trail() {
    let dir = temp();
    run(config(dir.path()), 2).await;
    assert!(has_records(dir.path()).unwrap());
    assert!(!has_records(&dir.path().join("missing")).unwrap());
    let file = segments(dir.path()).remove(0);
    assert!(has_records(&file).is_err(), "what cannot be looked into is not taken for empty");
    run(config(dir.path()), 1).await;
    let records = records(dir.path());
    assert_eq!(kinds(&records)[6..], ["checkpoint", "start", "checkpoint", "decision", "stop", "checkpoint"]);
    assert_eq!(segments(dir.path()).len(), 1);
    assert_eq!(check(dir.path()).verdict(), Verdict::Whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_many_tasks_are_numbered_without_gaps_across_segments() {
    let dir = temp();
    let config = AuditConfig { segment_size: 64 * 1024, ..config(dir.path()) };
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    let witness: Witness = Box::new(move |line| kept.lock().unwrap().push(line.to_owned()));
    let (audit, writer) = Audit::open_with(config, &key(), witness).unwrap();
    let tasks: Vec<_> = (0..64u64)
        .map(|task| {
            let audit = audit.clone();
            tokio::spawn(async move {
                for n in 0..50 {
                    audit.submit(message(task * 50 + n)).await.map(drop).unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    // What nobody waits for is written all the same.
    drop(audit.submit(message(3200)));
    assert!(audit.is_writable());
    tokio::task::spawn_blocking(|| writer.close()).await.unwrap();
    assert_eq!(audit.submit(message(0)).await.unwrap_err(), AuditError::Closed);

    let records = records(dir.path());
    let seqs: Vec<_> = records.iter().map(|record| record["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=records.len() as u64).collect::<Vec<_>>());
    let flows: BTreeSet<_> = records.iter().filter_map(|record| record["flow"].as_str()).collect();
    assert_eq!(flows.len(), 3201);
    assert!(segments(dir.path()).len() > 10);
    let heads = lines.lock().unwrap().clone();
    let report = verify(dir.path(), Some(&public_key()), seen(&heads), &mut |_| {}).unwrap();
    assert_eq!(report.verdict(), Verdict::Whole, "{report}");
    assert_eq!(report.witnessed, Some(report.last));
    let stats = audit.stats();
    assert_eq!((stats.seq, stats.queued, stats.disk_alarms), (report.last, 0, 0));
    assert_eq!(stats.disk_bytes, segment::bytes_in(dir.path()).unwrap());
}

#[tokio::test]
async fn a_checkpoint_comes_after_so_many_records() {
    let dir = temp();
    let config = AuditConfig { segment_size: 1 << 26, ..config(dir.path()) };
    let (audit, writer) = Audit::open(config, &key()).unwrap();
    let waiting: Vec<_> = (0..2 * limits::CHECKPOINT_RECORDS).map(|n| audit.submit(message(n))).collect();
    for pending in waiting {
        pending.await.map(drop).unwrap();
    }
    writer.close();
    let causes: Vec<_> =
        records(dir.path()).iter().filter_map(|r| r["cause"].as_str().map(str::to_owned)).collect();
    assert_eq!(causes.iter().filter(|cause| *cause == "records").count(), 2, "{causes:?}");
    assert_eq!(check(dir.path()).verdict(), Verdict::Whole);
}

#[test]
fn only_one_writer_has_the_directory() {
    let dir = temp();
    let (_audit, writer) = Audit::open(config(dir.path()), &key()).unwrap();
    let error = Audit::open(config(dir.path()), &key()).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    writer.close();
    Audit::open(config(dir.path()), &key()).unwrap().1.close();
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    // Unwritable for root, too.
    for directory in ["/proc/self", "/proc/tidegate-audit", "/dev/null/audit"] {
        let error = Audit::open(config(Path::new(directory)), &key()).unwrap_err();
        assert_eq!(error.path, Path::new(directory));
        assert!(error.to_string().contains("cannot be written to"), "{error}");
    }
}

#[test]
fn another_key_does_not_go_on() {
    let dir = temp();
    Audit::open(config(dir.path()), &key()).unwrap().1.close();
    let other = generate_signing_key().unwrap();
    let error = Audit::open(config(dir.path()), &other).unwrap_err();
    assert!(error.to_string().contains(&public_key().id()), "{error}");
    // Nor when the published key is taken away.
    fs::remove_file(dir.path().join("audit.pub")).unwrap();
    let error = Audit::open(config(dir.path()), &other).unwrap_err();
    assert!(error.to_string().contains("is signed by the key"), "{error}");
    let error = Audit::open(config(dir.path()), b"not a key").unwrap_err();
    assert!(error.to_string().contains("PKCS#8"), "{error}");
}

/// A trail of a run that was killed after its last record, in memory.
async fn cut_off() -> (TempDir, PathBuf, Vec<u8>) {
    let dir = temp();
    run(config(dir.path()), 3).await;
    let path = segments(dir.path()).remove(0);
    let bytes = fs::read(&path).unwrap();
    // Without `stop` and the last checkpoint.
    let ends: Vec<_> = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1).collect();
    let bytes = bytes[..ends[5]].to_vec();
    (dir, path, bytes)
}

#[tokio::test]
async fn a_line_torn_anywhere_is_put_aside_and_the_trail_goes_on() {
    let (dir, path, bytes) = cut_off().await;
    let last = bytes[..bytes.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    for end in last..=bytes.len() {
        for old in fs::read_dir(dir.path()).unwrap() {
            fs::remove_file(old.unwrap().path()).unwrap();
        }
        fs::write(&path, &bytes[..end]).unwrap();
        Audit::open(config(dir.path()), &key()).unwrap().1.close();

        let whole = end == last || end == bytes.len();
        let kept = if end == bytes.len() { 6 } else { 5 };
        let after = fs::read(&path).unwrap();
        let untouched = if whole { end } else { last };
        assert_eq!(after[..untouched], bytes[..untouched], "{end}");
        let records = records(dir.path());
        assert_eq!(
            kinds(&records)[kept..],
            ["recovered", "start", "checkpoint", "stop", "checkpoint"],
            "{end}"
        );
        assert_eq!(records[kept]["after"], kept);
        let aside = dir.path().join(format!("torn-{:020}.bin", kept + 1));
        if whole {
            assert_eq!(records[kept]["torn"], json!([]));
            assert!(!aside.exists());
        } else {
            assert_eq!(fs::read(&aside).unwrap(), bytes[last..end]);
            let torn = &records[kept]["torn"][0];
            assert_eq!(torn["file"], aside.file_name().unwrap().to_str().unwrap());
            assert_eq!(torn["bytes"], end - last);
        }
        assert_eq!(check(dir.path()).verdict(), Verdict::Whole, "{end}");
    }
}

#[tokio::test]
async fn a_segment_torn_in_its_first_line_is_begun_again() {
    let dir = temp();
    run(AuditConfig { segment_size: 8 * 1024, ..config(dir.path()) }, 30).await;
    let all = segments(dir.path());
    let (last, before) = (&all[all.len() - 1], &all[..all.len() - 1]);
    let first_line = fs::read(last).unwrap().iter().position(|b| *b == b'\n').unwrap();
    for end in [0, 1, first_line] {
        let copy = temp();
        for path in before {
            fs::copy(path, copy.path().join(path.file_name().unwrap())).unwrap();
        }
        let torn = copy.path().join(last.file_name().unwrap());
        fs::write(&torn, &fs::read(last).unwrap()[..end]).unwrap();
        run(config(copy.path()), 1).await;
        let report = check(copy.path());
        assert_eq!(report.verdict(), Verdict::Whole, "{end}: {report}");
        assert!(kinds(&records(copy.path())).contains(&"recovered"));
    }
    // The very first line of a trail.
    let copy = temp();
    fs::write(copy.path().join(segment::name(1)), b"{\"seq\":1,").unwrap();
    run(config(copy.path()), 1).await;
    assert_eq!(check(copy.path()).verdict(), Verdict::Whole);
    assert_eq!(kinds(&records(copy.path()))[..3], ["checkpoint", "recovered", "start"]);
}

#[tokio::test]
async fn a_changed_trail_is_never_added_to() {
    let (dir, path, bytes) = cut_off().await;
    let third = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(2).unwrap().0 + 300;
    let mut changed = bytes.clone();
    changed[third] ^= 1;
    fs::write(&path, &changed).unwrap();
    let error = Audit::open(config(dir.path()), &key()).unwrap_err();
    assert!(error.to_string().contains("record 4 was changed"), "{error}");
    assert_eq!(error.path, path);
    assert_eq!(fs::read(&path).unwrap(), changed);
}

#[tokio::test]
async fn a_last_segment_that_does_not_follow_is_refused() {
    let dir = temp();
    run(AuditConfig { segment_size: 8 * 1024, ..config(dir.path()) }, 40).await;
    let all = segments(dir.path());
    fs::remove_file(&all[all.len() - 2]).unwrap();
    let error = Audit::open(config(dir.path()), &key()).unwrap_err();
    assert!(error.to_string().contains("does not follow"), "{error}");
}

/// Submits until one is refused, and says how long that one took.
async fn until_refused(audit: &Audit) -> (AuditError, Duration) {
    loop {
        let begun = Instant::now();
        if let Err(error) = audit.submit(message(0)).await {
            return (error, begun.elapsed());
        }
    }
}

async fn until_written(audit: &Audit) -> Duration {
    let begun = Instant::now();
    while audit.submit(message(1)).await.is_err() {
        tokio::task::yield_now().await;
    }
    begun.elapsed()
}

#[tokio::test]
async fn a_spent_budget_refuses_and_more_room_is_noticed() {
    let dir = temp();
    let small = AuditConfig { max_disk: 400 * 1024, segment_size: 100 * 1024, ..config(dir.path()) };
    let (audit, writer) = Audit::open(small, &key()).unwrap();
    let (error, took) = until_refused(&audit).await;
    assert_eq!(error, AuditError::Unwritable);
    assert!(took < limits::AUDIT_WAIT * 2, "{took:?}");
    assert!(!audit.is_writable());
    let begun = Instant::now();
    assert_eq!(audit.submit(message(0)).await.unwrap_err(), AuditError::Unwritable);
    assert!(begun.elapsed() < Duration::from_millis(500), "once down, refusals are immediate");
    let stats = audit.stats();
    assert!(stats.disk_bytes <= 400 * 1024 && stats.disk_alarms == 1, "{stats:?}");
    assert!(stats.refused >= 1 && stats.last_error.unwrap().contains("audit.max_disk"));

    audit.set_max_disk(1 << 20);
    assert!(until_written(&audit).await < Duration::from_secs(2));
    assert!(audit.is_writable());

    // Room is made by taking old segments away, too.
    assert_eq!(until_refused(&audit).await.0, AuditError::Unwritable);
    for path in segments(dir.path()).iter().take(3) {
        fs::remove_file(path).unwrap();
    }
    assert!(until_written(&audit).await < Duration::from_secs(2));
    tokio::task::spawn_blocking(|| writer.close()).await.unwrap();

    let records = records(dir.path());
    let failure = records.iter().rfind(|record| record["kind"] == "control_failure").unwrap();
    assert!(failure["refused"].as_u64().unwrap() >= 1, "{failure}");
    assert!(audit.stats().refused_total > failure["refused"].as_u64().unwrap(), "both outages count");
    assert!(failure["from"].as_str() < failure["until"].as_str());
    let report = check(dir.path());
    assert_eq!(report.verdict(), Verdict::Unproven, "{report}");
    assert_eq!((report.missing.len(), report.fault), (1, None));
    assert_eq!(report.signed, report.last);
}

#[tokio::test]
async fn a_trail_with_a_spent_budget_is_still_closed_with_a_signature() {
    let dir = temp();
    let small = AuditConfig { max_disk: 200 * 1024, ..config(dir.path()) };
    let (audit, writer) = Audit::open(small.clone(), &key()).unwrap();
    until_refused(&audit).await;
    tokio::task::spawn_blocking(|| writer.close()).await.unwrap();
    let report = check(dir.path());
    assert_eq!(report.verdict(), Verdict::Whole, "{report}");
    assert!(report.bytes <= 200 * 1024);
    // And it is not opened where not even a start could be recorded.
    let error = Audit::open(AuditConfig { max_disk: 1024, ..small }, &key()).unwrap_err();
    assert!(error.to_string().contains("budget"), "{error}");
}

#[tokio::test]
async fn refusals_without_an_outage_are_on_record() {
    let dir = temp();
    let (audit, writer) = Audit::open(config(dir.path()), &key()).unwrap();
    for _ in 0..3 {
        let unwritable = Draft::Event { kind: Kind::Checkpoint, detail: Map::new() };
        assert!(audit.submit(unwritable).await.is_err());
    }
    tokio::task::spawn_blocking(|| writer.close()).await.unwrap();
    let told: Vec<_> = records(dir.path()).iter().filter_map(|record| record["refused"].as_u64()).collect();
    assert_eq!(told.iter().sum::<u64>(), 3);
    assert_eq!((audit.stats().refused, check(dir.path()).verdict()), (0, Verdict::Whole));
}

#[tokio::test]
async fn every_record_synced_is_a_policy() {
    let dir = temp();
    run(AuditConfig { sync: SyncPolicy::Always, ..config(dir.path()) }, 5).await;
    assert_eq!(check(dir.path()).records, 10);
}

#[tokio::test]
async fn only_the_writer_makes_checkpoints() {
    let dir = temp();
    let (audit, writer) = Audit::open(config(dir.path()), &key()).unwrap();
    let forged = Draft::Event { kind: Kind::Checkpoint, detail: Map::new() };
    assert_eq!(audit.submit(forged).await.unwrap_err(), AuditError::Unwritable);
    let detail = json!({"seq": 1, "prev": "x", "actor": "a\u{9b}", "text": "x".repeat(100)});
    let Value::Object(detail) = detail else { unreachable!() };
    audit.submit(Draft::Event { kind: Kind::Admin, detail }).await.map(drop).unwrap();
    let long = Map::from_iter([("x".to_owned(), Value::from("x".repeat(limits::RECORD_BYTES)))]);
    assert!(audit.submit(Draft::Event { kind: Kind::Admin, detail: long }).await.is_err());
    tokio::task::spawn_blocking(|| writer.close()).await.unwrap();
    let records = records(dir.path());
    let admin: Vec<_> = records.iter().filter(|record| record["kind"] == "admin").collect();
    assert_eq!((admin.len(), &admin[0]["actor"], &admin[0]["seq"]), (1, &json!("a\u{9b}"), &json!(4)));
    assert_eq!(check(dir.path()).verdict(), Verdict::Whole);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    /// However runs end and however small segments are, the trail goes on.
    #[test]
    fn any_history_of_runs_and_crashes_verifies(
        runs in proptest::collection::vec((0u64..12, 0usize..900, any::<bool>()), 1..6),
        segment_size in 1u64..6000,
    ) {
        let dir = temp();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for (count, cut, crash) in runs {
            let config = AuditConfig { segment_size, ..config(dir.path()) };
            runtime.block_on(run(config, count));
            if crash {
                // Only what was not yet promised to a witness can be lost: part of the end of the last file.
                let last = segments(dir.path()).pop().unwrap();
                let bytes = fs::metadata(&last).unwrap().len();
                fs::OpenOptions::new().write(true).open(&last).unwrap()
                    .set_len(bytes.saturating_sub(cut as u64)).unwrap();
            }
        }
        runtime.block_on(run(config(dir.path()), 1));
        let report = check(dir.path());
        prop_assert_eq!(report.verdict(), Verdict::Whole, "{}", report);
    }
}
