//! What is on disk and on record of a sample, when there is one and when not.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;

use super::*;
use crate::audit::tests::{check, config, key, message, public_key, records, temp};
use crate::audit::{Audit, AuditConfig, Draft, Verdict};
use crate::detect::Confidence;
use crate::fingerprint::FingerprintKey;
use crate::policy::Disclosure;

const PAN: &str = "4539148803436467";

struct Lab {
    dir: tempfile::TempDir,
    opener: SampleOpener,
    jar: Arc<Jar>,
    prints: FingerprintKey,
}

impl Lab {
    fn new() -> Lab {
        let (dir, opener, jar) = (temp(), SampleOpener::generate().unwrap(), Arc::new(Jar::new(100, 100)));
        fs::write(dir.path().join("sample.pub"), opener.public().to_pem()).unwrap();
        jar.want(["payment.pan", "contact.email"], ["payment.cvv"]);
        let prints = FingerprintKey::new(&[7; 32]).with_jar(Arc::clone(&jar));
        Lab { dir, opener, jar, prints }
    }

    fn trail(&self) -> std::path::PathBuf {
        self.dir.path().join("audit")
    }

    fn config(&self) -> AuditConfig {
        let samples = SampleConfig {
            key: self.dir.path().join("sample.pub"),
            identifiers: vec!["payment.pan".into()],
            actions: vec![Action::Redact, Action::Block],
            max_size: 1 << 20,
            jar: Arc::clone(&self.jar),
        };
        AuditConfig { samples: Some(samples), ..config(&self.trail()) }
    }

    /// A blocked message in which these were found.
    fn blocked(&self, n: u64, values: &[(&str, &str)]) -> Draft {
        let Draft::Message(mut draft) = message(n) else { unreachable!() };
        let decision = draft.decision.as_mut().unwrap();
        (decision.action, decision.disclosure) = (Action::Block, Disclosure::Prevented);
        let found = |(identifier, value): &(&str, &str)| Found {
            identifier: (*identifier).into(),
            confidence: Confidence::High,
            matched: 1,
            distinct: 1,
            forwarded: 0,
            withheld: 1,
            suppressed: 0,
            at: Vec::new(),
            fingerprints: vec![self.prints.of(identifier, value.as_bytes())],
            rules: Vec::new(),
        };
        decision.found = values.iter().map(found).collect();
        Draft::Message(draft)
    }

    fn files(&self) -> Vec<std::path::PathBuf> {
        let Ok(folder) = fs::read_dir(self.trail().join("samples")) else { return Vec::new() };
        folder.map(|entry| entry.unwrap().path()).collect()
    }

    /// What the records say of samples, in order.
    fn said(&self) -> Vec<Json> {
        let decisions = records(&self.trail()).into_iter().filter(|record| record["kind"] == "decision");
        decisions.map(|mut record| record["sample"].take()).collect()
    }
}

/// Everything below a folder, read.
fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn a_sample_is_sealed_on_disk_and_its_hash_is_in_the_record() {
    let lab = Lab::new();
    let (audit, writer) = Audit::open(lab.config(), &key()).unwrap();
    audit.submit(lab.blocked(1, &[("payment.pan", PAN), ("national-id.x", "1")])).await.map(drop).unwrap();
    writer.close();
    let [file] = &lab.files()[..] else { panic!("{:?}", lab.files()) };
    let bytes = fs::read(file).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(file), mode(file.parent().unwrap())), (0o600, 0o700));
    let said = lab.said();
    assert_eq!(said[0]["sha256"], hex(&sha256(&bytes)));
    assert_eq!((&said[0]["values"], &said[0]["key"]), (&1.into(), &lab.opener.public().id().into()));
    assert_eq!(find_sample(&lab.trail(), said[0]["sha256"].as_str().unwrap()).unwrap().unwrap(), bytes);
    assert_eq!(find_sample(&lab.trail(), "00").unwrap(), None);
    let trail = records(&lab.trail());
    assert_eq!(trail[1]["sample_key"], lab.opener.public().id(), "{}", trail[1]);
    let decision = trail.iter().find(|record| record["kind"] == "decision").unwrap();
    let content = unseal(&lab.opener, decision["decision"].as_str().unwrap(), &bytes).unwrap();
    let content: Json = serde_json::from_slice(&content).unwrap();
    assert_eq!(content["values"], serde_json::json!([{"identifier": "payment.pan", "value": PAN}]));
    assert_eq!(content["destination"], "api.example.com");
    assert!(!holds(lab.dir.path(), PAN), "a value is on disk");
    assert_eq!(check(&lab.trail()).verdict(), Verdict::Whole);
}

#[tokio::test]
async fn without_the_setting_there_is_nothing() {
    let lab = Lab::new();
    let (audit, writer) = Audit::open(config(&lab.trail()), &key()).unwrap();
    audit.submit(lab.blocked(1, &[("payment.pan", PAN)])).await.map(drop).unwrap();
    assert!(audit.stats().samples.is_empty());
    writer.close();
    assert!(!lab.trail().join("samples").exists());
    assert_eq!(lab.said(), [Json::Null]);
}

#[tokio::test]
async fn what_is_not_to_be_sampled_is_not_and_the_record_says_why() {
    let lab = Lab::new();
    let (audit, writer) = Audit::open(lab.config(), &key()).unwrap();
    let change = |draft: Draft, change: fn(&mut MessageDraft)| {
        let Draft::Message(mut draft) = draft else { unreachable!() };
        change(&mut draft);
        Draft::Message(draft)
    };
    let pan = |n| lab.blocked(n, &[("payment.pan", PAN)]);
    let drafts = [
        // Beside CVV nothing is sampled, whatever else is found.
        lab.blocked(1, &[("payment.pan", PAN), ("payment.cvv", "123")]),
        // Nobody asked for these.
        lab.blocked(2, &[("national-id.x", "1")]),
        change(pan(3), |draft| draft.decision.as_mut().unwrap().action = Action::Alert),
        change(pan(4), |draft| draft.kind = Kind::End),
        // An exemption lets it pass.
        change(pan(5), |draft| draft.decision.as_mut().unwrap().found[0].suppressed = 1),
    ];
    for draft in drafts {
        audit.submit(draft).await.map(drop).unwrap();
    }
    // Found long ago.
    let late = pan(6);
    lab.jar.turn();
    lab.jar.turn();
    audit.submit(late).await.map(drop).unwrap();
    let counted = [("kept", 0), ("sensitive", 1), ("gone", 1), ("full", 0), ("busy", 0), ("unwritable", 0)];
    assert_eq!(audit.stats().samples, counted);
    writer.close();
    let not = |why: &str| serde_json::json!({ "not_kept": why });
    assert_eq!(lab.said(), [not("sensitive"), Json::Null, Json::Null, Json::Null, not("gone")]);
    assert!(lab.files().is_empty());
}

#[tokio::test]
async fn room_is_bounded_and_records_come_first() {
    let lab = Lab::new();
    let with = |max_size: u64, max_disk: u64| {
        let mut config = lab.config();
        config.samples.as_mut().unwrap().max_size = max_size;
        AuditConfig { max_disk, ..config }
    };
    // Room for two of about 700 bytes.
    let (audit, writer) = Audit::open(with(1500, 1 << 30), &key()).unwrap();
    for n in 0..5 {
        audit.submit(lab.blocked(n, &[("payment.pan", PAN)])).await.map(drop).unwrap();
    }
    writer.close();
    let full = |said: &[Json]| said.iter().filter(|said| said["not_kept"] == "full").count();
    assert_eq!((lab.files().len(), full(&lab.said())), (2, 3), "{:?}", lab.said());
    // A restart knows what is there.
    let (audit, writer) = Audit::open(with(1500, 1 << 30), &key()).unwrap();
    audit.submit(lab.blocked(9, &[("payment.pan", PAN)])).await.map(drop).unwrap();
    let used: u64 = lab.files().iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(audit.stats().disk_bytes > used, "samples count in the trail's budget");
    writer.close();
    assert_eq!(full(&lab.said()), 4);
    // The disk budget is at its first alarm.
    let used = fs::read_dir(lab.trail()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum::<u64>();
    let (audit, writer) =
        Audit::open(with(1 << 20, (used + limits::AUDIT_RESERVE) * 10 / 8), &key()).unwrap();
    let stats = audit.stats();
    audit.submit(lab.blocked(10, &[("payment.pan", PAN)])).await.map(drop).ok();
    writer.close();
    if stats.disk_alarms > 0 {
        assert_eq!(lab.files().len(), 2);
    }
}

#[tokio::test]
async fn samples_go_when_their_time_is_over_unless_held_and_that_is_on_record() {
    let lab = Lab::new();
    let removed = |directory: &Path| {
        let all = records(directory).into_iter();
        all.filter(|record| record["action"] == "audit.sample_remove").collect::<Vec<_>>()
    };
    let (audit, writer) = Audit::open(lab.config(), &key()).unwrap();
    audit.submit(lab.blocked(1, &[("payment.pan", PAN)])).await.map(drop).unwrap();
    writer.close();
    let shared = |audit: &Audit| (Arc::clone(&audit.desk), Arc::clone(&audit.shared.disk));
    // Sampling is off by now: what is there has its time all the same.
    let (audit, writer) = Audit::open(config(&lab.trail()), &key()).unwrap();
    let mut retention = crate::audit::retention::Retention::new(
        lab.trail(),
        shared(&audit),
        Duration::from_secs(1 << 30),
        Duration::ZERO,
    );
    retention.samples.0 = Duration::from_secs(3600);
    retention.round(&false.into()).unwrap();
    assert_eq!((lab.files().len(), removed(&lab.trail()).len()), (1, 0), "its time is not over");
    let hold = crate::audit::Hold {
        id: "case".into(),
        reason: "r".into(),
        owner: "o".into(),
        from: None,
        to: None,
        until: None,
        added: Timestamp::now(),
        end: None,
        recorded: crate::audit::Recorded::Not,
    };
    crate::audit::add_hold(&lab.trail(), &hold).unwrap();
    retention.samples.0 = Duration::ZERO;
    std::thread::sleep(Duration::from_millis(2));
    retention.round(&false.into()).unwrap();
    assert_eq!(lab.files().len(), 1, "held");
    let end = crate::audit::End { time: Timestamp::now(), by: "o".into(), reason: "r".into() };
    crate::audit::end_hold(&lab.trail(), "case", end).unwrap();
    retention.round(&false.into()).unwrap();
    let removed = removed(&lab.trail());
    assert_eq!((lab.files().len(), removed.len()), (0, 1));
    assert_eq!((&removed[0]["samples"], &removed[0]["actor"]), (&1.into(), &"tidegate".into()));
    writer.close();
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_a_control_failure_and_delays_no_record() {
    let lab = Lab::new();
    let (audit, writer) = Audit::open(lab.config(), &key()).unwrap();
    let folder = lab.trail().join("samples");
    fs::remove_dir(&folder).unwrap();
    fs::write(&folder, "").unwrap();
    let sampler = audit.samples.clone().unwrap();
    let unwritable = serde_json::json!({"not_kept": "unwritable"});
    // A round of the trail's own, soon after the start, may put the first failure on record: then another is tried.
    while lab.said().last() != Some(&unwritable) {
        audit.submit(lab.blocked(1, &[("payment.pan", PAN)])).await.map(drop).unwrap();
        (0..100_000).take_while(|_| !sampler.trouble.is_open()).for_each(|_| std::thread::yield_now());
    }
    fs::remove_file(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    let shared = (Arc::clone(&audit.desk), Arc::clone(&audit.shared.disk));
    let (long, none) = (Duration::from_secs(1 << 30), Duration::ZERO);
    let mut retention = crate::audit::retention::Retention::new(lab.trail(), shared, long, none);
    retention.samples = (long, Some(sampler));
    retention.round(&false.into()).unwrap();
    audit.submit(lab.blocked(3, &[("payment.pan", PAN)])).await.map(drop).unwrap();
    writer.close();
    let said = lab.said();
    let [first, .., refused, last] = &said[..] else { panic!("{said:?}") };
    assert!(first["sha256"].is_string() && last["sha256"].is_string() && *refused == unwritable, "{said:?}");
    let hash = last["sha256"].as_str().unwrap();
    assert!(lab.files().iter().any(|path| path.to_string_lossy().contains(hash)));
    let failure = records(&lab.trail()).into_iter().find(|record| record["control"] == "samples").unwrap();
    assert!(failure["from"].is_string() && failure["until"].is_string(), "{failure}");
}

#[test]
fn a_key_that_is_none_is_refused_at_the_start() {
    let lab = Lab::new();
    fs::write(lab.dir.path().join("sample.pub"), public_key().to_pem()).unwrap();
    let error = Audit::open(lab.config(), &key()).unwrap_err().to_string();
    assert!(error.contains("sample.pub") && error.contains("is not an X25519 key"), "{error}");
}
