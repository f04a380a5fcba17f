//! Signing keys that follow one another: each named by the one before, whatever step a crash comes after.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::TempDir;

use super::checkpoint::Cause;
use super::epochs::Keys;
use super::query::prove;
use super::tests::{config, key, message, public_key, records, seen, temp};
use super::*;

/// A trail whose key lies in a file; epochs as long as asked for.
struct Scene {
    folder: TempDir,
    file: PathBuf,
    config: AuditConfig,
}

impl Scene {
    fn new(epoch: Duration) -> Scene {
        let folder = temp();
        let file = folder.path().join("audit.key");
        fs::write(&file, key()).unwrap();
        let epochs = KeyEpochs { file: file.clone(), epoch };
        let config = AuditConfig { key_epochs: Some(epochs), ..config(&folder.path().join("audit")) };
        Scene { folder, file, config }
    }

    fn directory(&self) -> &Path {
        &self.config.directory
    }

    fn log(&self) -> Log {
        let signer = Signer::from_pkcs8(&fs::read(&self.file).unwrap()).unwrap();
        Log::open(&self.config, signer).unwrap().0
    }

    /// Writes a little, hands over, and writes on, so many times.
    fn hand_over(&self, times: usize) {
        let mut log = self.log();
        for _ in 0..times {
            log.append([b"\"kind\":\"heartbeat\"".as_slice()].into_iter()).unwrap();
            let next = log.next_key().unwrap();
            log.hand_over(next).unwrap();
            log.append([b"\"kind\":\"heartbeat\"".as_slice()].into_iter()).unwrap();
        }
        log.sign(Cause::Stop).unwrap();
    }

    fn check(&self) -> Report {
        verify(self.directory(), Some(&public_key()), Outside::default(), &mut |_| {}).unwrap()
    }

    /// Names of the key's folder, without the trail.
    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> =
            names.map(|name| name.into_string().unwrap()).filter(|name| name != "audit").collect();
        names.sort();
        names
    }
}

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn the_first_key_leads_to_the_last_and_old_ones_are_gone() {
    let scene = Scene::new(HOUR);
    let first = fs::File::open(&scene.file).unwrap();
    scene.hand_over(3);
    let report = scene.check();
    assert_eq!((report.verdict(), report.keys), (Verdict::Whole, 4), "{report}");
    assert!(report.to_string().contains("later keys: 3"), "{report}");
    assert_eq!(scene.files(), ["audit.key"]);
    assert_eq!(fs::metadata(&scene.file).unwrap().mode() & 0o777, 0o600);
    // The bytes themselves are overwritten, for whoever still has the file open.
    let mut bytes = vec![1; key().len()];
    std::os::unix::fs::FileExt::read_exact_at(&first, &mut bytes, 0).unwrap();
    assert!(bytes.iter().all(|byte| *byte == 0));
    // Without the list beside the records, the records lead there, too; and it is made again at the next start.
    let keys = scene.directory().join("keys.jsonl");
    let kept = fs::read(&keys).unwrap();
    fs::remove_file(&keys).unwrap();
    assert_eq!(scene.check().verdict(), Verdict::Whole);
    scene.log().sign(Cause::Stop).unwrap();
    assert_eq!(fs::read(&keys).unwrap(), kept);
    // A key of a later epoch alone does not prove the beginning.
    let last = Signer::from_pkcs8(&fs::read(&scene.file).unwrap()).unwrap().public();
    let report = verify(scene.directory(), Some(&last), Outside::default(), &mut |_| {}).unwrap();
    assert_eq!(report.verdict(), Verdict::UnknownKey);
}

#[test]
fn a_lost_list_of_keys_is_made_again_from_the_records_or_its_loss_is_told() {
    let scene = Scene::new(HOUR);
    let mut log = scene.log();
    for _ in 0..3 {
        let next = log.next_key().unwrap();
        log.hand_over(next).unwrap();
        log.rotate().unwrap();
    }
    log.sign(Cause::Stop).unwrap();
    drop(log);
    let keys = scene.directory().join("keys.jsonl");
    let kept = fs::read(&keys).unwrap();
    let first = kept.iter().position(|b| *b == b'\n').unwrap() + 1;
    for left in [None, Some(b"".as_slice()), Some(&kept[..first])] {
        fs::remove_file(&keys).unwrap();
        if let Some(left) = left {
            fs::write(&keys, left).unwrap();
        }
        scene.log().sign(Cause::Stop).unwrap();
        assert_eq!(fs::read(&keys).unwrap(), kept);
        assert_eq!(scene.check().verdict(), Verdict::Whole);
    }
    // Where the records that name them are gone as well, nothing is written, and what helps is said.
    let segments = segment::list(scene.directory()).unwrap();
    let away = scene.folder.path().join("away");
    fs::rename(&segments[1].path, &away).unwrap();
    fs::remove_file(&keys).unwrap();
    let signer = || Signer::from_pkcs8(&fs::read(&scene.file).unwrap()).unwrap();
    let told = Log::open(&scene.config, signer()).unwrap_err().to_string();
    assert!(
        told.contains("is signed by the key") && told.contains("or keys.jsonl, which names it"),
        "{told}"
    );
    fs::write(&keys, &kept).unwrap();
    fs::rename(&away, &segments[1].path).unwrap();
    assert!(Log::open(&scene.config, signer()).is_ok());
}

#[test]
fn keys_are_followed_over_segments_that_are_gone() {
    let scene = Scene::new(HOUR);
    let mut log = scene.log();
    for _ in 0..4 {
        let next = log.next_key().unwrap();
        log.hand_over(next).unwrap();
        log.rotate().unwrap();
    }
    log.sign(Cause::Stop).unwrap();
    drop(log);
    let segments = segment::list(scene.directory()).unwrap();
    fs::remove_file(&segments[1].path).unwrap();
    fs::remove_file(&segments[2].path).unwrap();
    let report = scene.check();
    assert_eq!((report.verdict(), report.missing.len(), report.signed), (Verdict::Unproven, 1, report.last));
    let proof = prove(scene.directory(), segments[3].first, Some(&public_key())).unwrap();
    let proof: serde_json::Value = serde_json::from_str(&proof).unwrap();
    assert_eq!(proof["keys"].as_array().unwrap().len(), 3);
    // With the list gone nothing says whose signature that is.
    fs::remove_file(scene.directory().join("keys.jsonl")).unwrap();
    assert_eq!(scene.check().verdict(), Verdict::Tampered);
}

#[test]
fn an_old_key_signs_no_more() {
    for keeps_list in [true, false] {
        let scene = Scene::new(HOUR);
        scene.hand_over(2);
        let mut log = scene.log();
        // Whoever kept a copy of the first key.
        log.sign_as(Signer::from_pkcs8(&key()).unwrap());
        log.append([b"\"kind\":\"heartbeat\"".as_slice()].into_iter()).unwrap();
        log.sign(Cause::Stop).unwrap();
        let last = log.seq();
        drop(log);
        if !keeps_list {
            fs::remove_file(scene.directory().join("keys.jsonl")).unwrap();
        }
        let report = scene.check();
        assert_eq!(report.verdict(), Verdict::Tampered);
        let fault = report.fault.unwrap().0;
        assert_eq!(fault.seq, last);
        assert!(fault.what.contains("handed over: rolled back"), "{}", fault.what);
    }
}

#[test]
fn a_hand_over_goes_on_whatever_step_a_crash_came_after() {
    let scene = Scene::new(HOUR);
    scene.log().sign(Cause::Stop).unwrap();
    let old = fs::read(&scene.file).unwrap();
    let segment = segment::list(scene.directory()).unwrap().remove(0).path;
    let before = fs::read(&segment).unwrap();
    let mut log = scene.log();
    let next = log.next_key().unwrap();
    log.hand_over(next).unwrap();
    drop(log);
    let (new, after) = (fs::read(&scene.file).unwrap(), fs::read(&segment).unwrap());
    let list = fs::read(scene.directory().join("keys.jsonl")).unwrap();
    let half = &after[..(before.len() + after.len()) / 2];
    // The trail, the list, the key's file, the next one, the old one, and whether the trail goes on with the new key.
    type Bytes<'a> = Option<&'a [u8]>;
    type State<'a> = (&'a str, &'a [u8], Bytes<'a>, &'a [u8], Bytes<'a>, Bytes<'a>, bool);
    let states: [State<'_>; 9] = [
        ("half a key was made", &before, None, &old, Some(&new[..9]), None, false),
        ("a key was made", &before, None, &old, Some(&new), None, false),
        ("half a line names it", half, None, &old, Some(&new), None, false),
        ("the trail names it", &after, None, &old, Some(&new), None, true),
        ("so does the list", &after, Some(&list), &old, Some(&new), None, true),
        ("the old one has two names", &after, Some(&list), &old, Some(&new), Some(b"link"), true),
        ("it was put in its place", &after, Some(&list), &new, None, Some(&old), true),
        ("half of the old one is overwritten", &after, Some(&list), &new, None, Some(&[0; 20]), true),
        ("all was done", &after, Some(&list), &new, None, None, true),
    ];
    for (state, trail, listed, given, next, aside, is_new) in states {
        let list = scene.directory().join("keys.jsonl");
        let (next_file, old_file) =
            (segment::beside(&scene.file, "next"), segment::beside(&scene.file, "old"));
        for path in [&list, &next_file, &old_file] {
            let _ = fs::remove_file(path);
        }
        fs::write(&segment, trail).unwrap();
        fs::write(&scene.file, given).unwrap();
        for (path, bytes) in [(&list, listed), (&next_file, next), (&old_file, aside)] {
            match bytes {
                Some(b"link") => fs::hard_link(&scene.file, path).unwrap(),
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => {}
            }
        }
        let mut log = scene.log();
        log.append([b"\"kind\":\"heartbeat\"".as_slice()].into_iter()).unwrap();
        log.sign(Cause::Stop).unwrap();
        drop(log);
        let report = scene.check();
        assert_eq!(
            (report.verdict(), report.keys),
            (Verdict::Whole, 1 + usize::from(is_new)),
            "{state}: {report}"
        );
        assert_eq!(scene.files(), ["audit.key"], "{state}");
        assert_eq!(fs::read(&scene.file).unwrap(), if is_new { &new[..] } else { &old[..] }, "{state}");
    }
    // What was handed over is no longer gone on with by the old key, nor is a trail that was cut back before that.
    fs::write(&scene.file, &old).unwrap();
    let refused =
        |key: &[u8]| Log::open(&scene.config, Signer::from_pkcs8(key).unwrap()).unwrap_err().to_string();
    assert!(refused(&old).contains("belongs to the key"));
    fs::write(&segment, &before).unwrap();
    assert!(refused(&new).contains("the trail was cut"), "{}", refused(&new));
}

#[tokio::test]
async fn keys_change_by_themselves_and_a_witness_follows_them() {
    let scene = Scene::new(Duration::ZERO);
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    let witness: Witness = Box::new(move |line| kept.lock().unwrap().push(line.to_owned()));
    let (audit, writer) = Audit::open_with(scene.config.clone(), &key(), witness).unwrap();
    let list = scene.directory().join("keys.jsonl");
    let lines = || fs::read_to_string(&list).map_or(0, |text| text.lines().count());
    while lines() < 3 {
        audit.submit(message(0)).await.map(drop).unwrap();
    }
    tokio::task::spawn_blocking(|| writer.close()).await.unwrap();
    let heads = heads.lock().unwrap().clone();
    // The witness knows the keys by itself.
    let listed = fs::read(&list).unwrap();
    fs::remove_file(&list).unwrap();
    let report = verify(scene.directory(), Some(&public_key()), seen(&heads), &mut |_| {}).unwrap();
    assert_eq!((report.verdict(), report.witness_ignored), (Verdict::Whole, 0), "{report}");
    assert_eq!(report.witnessed, Some(report.last));
    assert!(report.keys > 3);
    // Once more, from where the last run ended.
    fs::write(&list, listed).unwrap();
    let given = fs::read(&scene.file).unwrap();
    Audit::open(scene.config.clone(), &given).unwrap().1.close();
    assert_eq!(scene.check().verdict(), Verdict::Whole);
}

#[test]
fn a_log_that_was_removed_is_missed_whichever_of_its_keys_signs_now() {
    let scene = Scene::new(HOUR);
    let heads = || {
        let lines = super::tests_tamper::read(scene.directory()).into_iter().flat_map(|(_, lines)| lines);
        let lines = lines.map(|line| String::from_utf8(line).unwrap());
        lines.filter(|line| line.contains("\"kind\":\"checkpoint\"")).collect::<Vec<_>>()
    };
    scene.hand_over(3);
    let before = heads();
    fs::remove_dir_all(scene.directory()).unwrap();
    scene.hand_over(3);
    let lines = [before.clone(), heads()].concat();
    let report = verify(scene.directory(), None, seen(&lines), &mut |_| {}).unwrap();
    assert_eq!(report.verdict(), Verdict::Unproven, "{report}");
    let last: Vec<u64> = report.other_logs.iter().map(|other| other.last).collect();
    assert_eq!(last, [before.len() as u64 + 6], "{report}");
    // Those that only keys from before the trail's first one signed prove nothing.
    assert!(report.witness_ignored > 0 && report.witness_ignored < before.len(), "{report}");
    assert_eq!(report.witnessed, Some(report.last));
    // The first key of the log that is gone leads to all of its own heads, and not to this trail.
    let report = verify(scene.directory(), Some(&public_key()), seen(&lines), &mut |_| {}).unwrap();
    assert_ne!(report.verdict(), Verdict::Whole, "{report}");
}

#[tokio::test]
async fn a_key_that_cannot_be_made_is_on_record_and_the_old_one_signs_on() {
    let scene = Scene::new(Duration::ZERO);
    let obstacle = segment::beside(&scene.file, "next");
    fs::create_dir(&obstacle).unwrap();
    let (audit, writer) = Audit::open(scene.config.clone(), &key()).unwrap();
    let failures = || -> Vec<_> {
        let all = records(scene.directory());
        all.into_iter().filter(|record| record["control"] == "signing_key").collect()
    };
    while failures().is_empty() {
        audit.submit(message(0)).await.map(drop).unwrap();
    }
    tokio::task::spawn_blocking(|| writer.close()).await.unwrap();
    assert_eq!(failures().len(), 1);
    assert!(failures()[0]["until"].is_null());
    let report = scene.check();
    assert_eq!((report.verdict(), report.keys), (Verdict::Whole, 1), "{report}");
}

#[test]
fn a_list_that_does_not_lead_from_the_first_key_is_not_followed() {
    let scene = Scene::new(HOUR);
    scene.hand_over(3);
    let keys = |first| Keys::read(scene.directory(), first).unwrap();
    assert_eq!(keys(public_key()).count(), 4);
    let other = Signer::from_pkcs8(&generate_signing_key().unwrap()).unwrap().public();
    assert_eq!(keys(other).count(), 1);
    let list = scene.directory().join("keys.jsonl");
    let text = fs::read_to_string(&list).unwrap();
    let lines: Vec<_> = text.lines().collect();
    for (order, followed) in [([1, 0, 2], 2), ([0, 2, 1], 3), ([0, 0, 1], 2)] {
        let text: String = order.iter().map(|at| format!("{}\n", lines[*at])).collect();
        fs::write(&list, text).unwrap();
        let most = keys(public_key()).count();
        assert!(most <= followed, "{order:?}: {most}");
        // The records themselves lead on.
        assert_eq!(scene.check().verdict(), Verdict::Whole, "{order:?}");
    }
}
