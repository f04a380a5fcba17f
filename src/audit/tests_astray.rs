//! What is done to a trail while it is written: moved away, removed, cut. Nothing passes that no record will tell of.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::tests::{check, config, key, message, records, run, temp};
use super::*;

/// A gate whose trail is about to be disturbed.
struct Disturbed {
    what: &'static str,
    folder: TempDir,
    audit: Audit,
    writer: Writer,
}

impl Disturbed {
    async fn new(what: &'static str, disturb: impl FnOnce(&Path, &Path)) -> Disturbed {
        let folder = temp();
        let directory = folder.path().join("audit");
        let (audit, writer) = Audit::open(config(&directory), &key()).unwrap();
        for n in 0..3 {
            audit.submit(message(n)).await.map(drop).unwrap();
        }
        disturb(&directory, &open_file(&directory));
        Disturbed { what, folder, audit, writer }
    }

    fn directory(&self) -> PathBuf {
        self.folder.path().join("audit")
    }

    /// Waits until it is noticed, by the writer alone: no flow comes meanwhile.
    async fn is_noticed(&self) {
        while self.audit.is_writable() {
            tokio::task::yield_now().await;
        }
        let said = self.audit.stats().last_error.unwrap();
        assert!(said.contains("audit/segment-00000000000000000001.jsonl"), "{}: {said}", self.what);
        let refused = self.audit.submit(message(9)).await;
        assert_eq!(refused.unwrap_err(), AuditError::Unwritable, "{}", self.what);
    }
}

fn open_file(directory: &Path) -> PathBuf {
    segment::list(directory).unwrap().pop().unwrap().path
}

#[tokio::test]
async fn a_trail_that_is_taken_away_or_cut_refuses_flows() {
    let all = [
        Disturbed::new("directory removed", |directory, _| fs::remove_dir_all(directory).unwrap()).await,
        Disturbed::new("file removed", |_, file| fs::remove_file(file).unwrap()).await,
        Disturbed::new("file cut", |_, file| fs::write(file, "").unwrap()).await,
        Disturbed::new("last record cut", |_, file| {
            let bytes = fs::metadata(file).unwrap().len();
            fs::OpenOptions::new().write(true).open(file).unwrap().set_len(bytes - 1).unwrap();
        })
        .await,
        Disturbed::new("file replaced", |_, file| {
            let copy = file.with_extension("copy");
            fs::copy(file, &copy).unwrap();
            fs::rename(copy, file).unwrap();
        })
        .await,
        Disturbed::new("directory replaced", |directory, file| {
            let bytes = fs::read(file).unwrap();
            fs::rename(directory, directory.with_extension("old")).unwrap();
            fs::create_dir(directory).unwrap();
            fs::write(file, bytes).unwrap();
        })
        .await,
    ];
    for one in &all {
        one.is_noticed().await;
    }
    for one in all {
        let (what, file, writer) = (one.what, one.directory().join(segment::name(1)), one.writer);
        let before = fs::read(&file).ok();
        tokio::task::spawn_blocking(|| writer.close()).await.unwrap();
        assert_eq!(fs::read(&file).ok(), before, "{what}: nothing is added");
    }
}

#[tokio::test]
async fn what_was_moved_away_is_gone_on_with_when_it_is_back() {
    let all = [
        Disturbed::new("directory", |directory, _| {
            fs::rename(directory, directory.with_extension("away")).unwrap();
        })
        .await,
        Disturbed::new("file", |directory, file| {
            fs::rename(file, directory.with_extension("away")).unwrap();
        })
        .await,
    ];
    for one in &all {
        one.is_noticed().await;
        let (directory, away) = (one.directory(), one.directory().with_extension("away"));
        let place = if one.what == "file" { directory.join(segment::name(1)) } else { directory };
        fs::rename(away, place).unwrap();
        while one.audit.submit(message(10)).await.is_err() {
            tokio::task::yield_now().await;
        }
    }
    for one in all {
        let (what, directory, writer) = (one.what, one.directory(), one.writer);
        tokio::task::spawn_blocking(|| writer.close()).await.unwrap();
        let report = check(&directory);
        assert_eq!(report.verdict(), Verdict::Whole, "{what}: {report}");
        let told = records(&directory);
        let failure = told.iter().find(|record| record["kind"] == "control_failure").unwrap();
        assert!(failure["cause"].as_str().unwrap().contains("was moved or removed"), "{failure}");
        assert!(failure["refused"].as_u64().unwrap() >= 1, "{failure}");
    }
}

#[tokio::test]
async fn a_trail_that_begins_where_another_was_is_told_from_the_first() {
    let folder = temp();
    let prints = folder.path().join("fingerprint.key.epoch");
    let epochs = KeyEpochs { file: prints.clone(), epoch: Duration::from_secs(86_400) };
    let config = AuditConfig { print_epochs: Some(epochs), ..config(&folder.path().join("audit")) };
    assert_eq!(log::left_behind(&config), None);
    run(config.clone(), 3).await;
    let published = config.directory.join("audit.pub");
    assert_eq!(log::left_behind(&config), Some(published));
    fs::remove_dir_all(&config.directory).unwrap();
    assert_eq!(log::left_behind(&config), Some(prints));
}

#[test]
fn what_is_no_regular_file_in_the_directory_of_a_trail_is_refused_and_not_waited_for() {
    let pipe = |path: &Path| {
        let _ = fs::remove_file(path);
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    };
    let device = |path: &Path| {
        let _ = fs::remove_file(path);
        std::os::unix::fs::symlink("/dev/zero", path).unwrap();
    };
    let places: [&dyn Fn(&Path); 2] = [&pipe, &device];
    let later = "segment-00000000000000099999.jsonl";
    for (name, put) in
        [later, "keys.jsonl", "audit.pub", "hold-h1.json", "segment-00000000000000000000.tombstone"]
            .into_iter()
            .flat_map(|name| places.map(|put| (name, put)))
    {
        let folder = temp();
        Audit::open(config(folder.path()), &key()).unwrap().1.close();
        put(&folder.path().join(name));
        let (directory, (send, answer)) = (folder.path().to_owned(), std::sync::mpsc::channel());
        let asked = std::thread::spawn(move || {
            let whole = query::Period { from: 0, until: i64::MAX, sample: 0, seed: 0 };
            let said = [
                verify(&directory, None, Outside::default(), &mut |_| {})
                    .map_err(|error| error.to_string())
                    .and_then(|report| if report.fault.is_some() { Err(report.to_string()) } else { Ok(()) }),
                query::summarize(&directory, whole, query::Trust::default())
                    .map(drop)
                    .map_err(|e| e.to_string()),
                Audit::open(config(&directory), &key()).map(drop).map_err(|e| e.to_string()),
            ];
            send.send((said, holds(&directory).unwrap().1)).unwrap();
        });
        let (said, broken) = answer.recv_timeout(std::time::Duration::from_secs(20)).expect(name);
        asked.join().unwrap();
        if name.starts_with("hold-") {
            assert_eq!(broken, ["h1"]);
        } else if !name.ends_with(".tombstone") {
            // A segment that none leads to is named for that first.
            let named = |why: &String| why.contains("no regular file") || name == later;
            let refused = said.iter().filter(|said| said.as_ref().is_err_and(named));
            assert_eq!(refused.count(), said.len(), "{name}: {said:?}");
        }
    }
}
