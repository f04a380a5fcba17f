//! Where the heads of the trail are shown: standard output, and the file that a configured witness is. Neither keeps the
//! trail waiting, and what becomes of the file is told.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use super::Failure;
use super::outlet::Outlet;
use crate::audit::{Witness, hands_over};
use crate::limits;
use crate::platform::disk;

/// Those who are shown the heads; nobody, unless opened.
#[derive(Clone, Debug, Default)]
pub(super) struct Heads {
    printed: Option<Outlet>,
    kept: Option<(PathBuf, Outlet)>,
    state: Arc<Mutex<State>>,
}

/// How the file is doing.
#[derive(Debug, Default)]
struct State {
    /// Why it cannot be written, while that is so.
    error: Option<String>,
    /// What became of it, until somebody asks.
    happened: Vec<String>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn no_thread(error: io::Error) -> Failure {
    Failure::unavailable(format!("a thread cannot be started: {error}"))
}

impl Heads {
    /// For standard output, where they wait until [`print`](Self::print), and for a file, which is written from now on.
    pub(super) fn open(file: Option<&Path>) -> Result<Heads, Failure> {
        let mut heads = Heads { printed: Some(Outlet::default()), ..Heads::default() };
        if let Some(path) = file {
            let failed = |error| Failure::file(path, "cannot be written (audit.witness)", &error);
            let mut kept = Kept::open(path).map_err(failed)?;
            let (outlet, state) = (Outlet::default(), Arc::clone(&heads.state));
            let theirs = outlet.clone();
            let write = move |line: &[u8]| kept.keep(line, &theirs, &state);
            outlet.drain("witness", write, |_| {}).map_err(no_thread)?;
            heads.kept = Some((path.to_owned(), outlet));
        }
        Ok(heads)
    }

    /// What shows them. Waits for nobody: the newest takes the place of one that was not taken yet.
    pub(super) fn witness(&self) -> Witness {
        let outlets = self.outlets();
        Box::new(move |line| {
            let line = format!("{}\n", line.trim_end()).into_bytes();
            let is_kept = |line: &[u8]| std::str::from_utf8(line).is_ok_and(hands_over);
            for (who, outlet) in &outlets {
                if !outlet.renew(line.clone(), is_kept, limits::HEADS_WAITING) {
                    tracing::error!("{who} has not taken a head of the trail that hands over its key");
                }
            }
        })
    }

    fn outlets(&self) -> Vec<(String, Outlet)> {
        let printed = self.printed.iter().map(|outlet| ("standard output".to_owned(), outlet.clone()));
        let kept = self.kept.iter().map(|(path, outlet)| (path.display().to_string(), outlet.clone()));
        printed.chain(kept).collect()
    }

    /// From now on standard output is written.
    pub(super) fn print(&self) -> Result<(), Failure> {
        let Some(printed) = &self.printed else { return Ok(()) };
        let write = |line: &[u8]| {
            let mut stdout = io::stdout().lock();
            // When nobody reads it there is nobody to tell.
            let _ = stdout.write_all(line).and_then(|()| stdout.flush());
        };
        printed.drain("heads", write, |_| {}).map_err(no_thread)
    }

    /// Who has not been shown the newest head for a while, or cannot be.
    pub(super) fn behind(&self) -> Vec<String> {
        let is_stuck = |(_, outlet): &(String, Outlet)| {
            outlet.stuck().is_some_and(|stuck| stuck >= limits::HEADS_BEHIND)
        };
        let stuck = self.outlets().into_iter().filter(is_stuck);
        let mut causes: Vec<String> =
            stuck.map(|(who, _)| format!("witness behind: {who} takes no heads of the trail")).collect();
        causes.extend(lock(&self.state).error.clone());
        causes
    }

    /// What became of the file since somebody asked last.
    pub(super) fn happened(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.state).happened)
    }

    /// Shows what waits, at most until the time for it is over.
    pub(super) fn finish(&self) {
        let deadline = Instant::now() + limits::HEADS_GOODBYE;
        for (who, outlet) in self.outlets() {
            if !outlet.finish(deadline) {
                tracing::error!("{who} has not taken the last head of the trail");
            }
        }
    }
}

/// The file that a configured witness is.
#[derive(Debug)]
struct Kept {
    path: PathBuf,
    file: File,
    /// What it held when it was opened, and was given since; of what is no file, nothing.
    bytes: u64,
    is_file: bool,
    /// It ends within a line.
    is_torn: bool,
}

impl Kept {
    /// Only ever appended to: who has a file for it that the gate cannot rewrite (`chattr +a`) keeps it so.
    fn open(path: &Path) -> io::Result<Kept> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        let found = file.metadata()?;
        let is_file = found.is_file();
        let bytes = if is_file { found.len() } else { 0 };
        Ok(Kept { path: path.to_owned(), file, bytes, is_file, is_torn: bytes > 0 && is_torn(path) })
    }

    /// Appends a line, and tries again until it is there or the gate ends.
    fn keep(&mut self, line: &[u8], outlet: &Outlet, state: &Mutex<State>) {
        loop {
            let added = self.look(state).and_then(|()| self.add(line));
            let error = added
                .err()
                .map(|error| format!("the witness {} cannot be written: {error}", self.path.display()));
            let is_new = std::mem::replace(&mut lock(state).error, error.clone()).is_none();
            let Some(error) = error else { return };
            if is_new {
                tracing::error!("{error}");
            }
            if outlet.is_closed() {
                return;
            }
            thread::sleep(limits::HEADS_RETRY);
        }
    }

    /// Opens it anew where it is no longer the file that it was: a file without a name keeps nothing. Whoever finds only the
    /// new one is told by the trail that there was another.
    fn look(&mut self, state: &Mutex<State>) -> io::Result<()> {
        let Some(what) = disk::astray(fs::metadata(&self.path), &self.file, self.bytes) else {
            return Ok(());
        };
        *self = Kept::open(&self.path)?;
        let what =
            format!("the witness {} {what} while the gate ran; it is gone on with", self.path.display());
        tracing::error!("{what}");
        lock(state).happened.push(what);
        Ok(())
    }

    fn add(&mut self, line: &[u8]) -> io::Result<()> {
        let mut text = if self.is_torn { b"\n".to_vec() } else { Vec::new() };
        text.extend_from_slice(line);
        // Half of it may be there when this fails.
        self.is_torn = true;
        self.file.write_all(&text)?;
        self.is_torn = false;
        if self.is_file {
            self.bytes += text.len() as u64;
        }
        self.file.sync_data()
    }
}

/// Whether a file ends within a line; one that cannot be read is taken to be whole.
fn is_torn(path: &Path) -> bool {
    let last = || {
        let mut file = File::open(path)?;
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last).map(|()| last)
    };
    last().is_ok_and(|last: [u8; 1]| last != *b"\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A witness in a folder of its own, and how to add to it.
    struct Scene {
        _folder: tempfile::TempDir,
        path: PathBuf,
        heads: Heads,
        show: Witness,
    }

    impl Scene {
        fn new() -> Scene {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("kept/heads");
            fs::create_dir(folder.path().join("kept")).unwrap();
            fs::write(&path, "before\nhal").unwrap();
            let heads = Heads { printed: None, ..Heads::open(Some(&path)).unwrap() };
            let show = heads.witness();
            Scene { _folder: folder, path, heads, show }
        }

        fn lines(&self) -> Vec<String> {
            fs::read_to_string(&self.path).unwrap_or_default().lines().map(str::to_owned).collect()
        }

        /// Shows a head and waits until it is in the file.
        fn show(&mut self, line: &str) {
            (self.show)(line);
            self.is_there(line.trim_end());
        }

        fn is_there(&self, line: &str) {
            let until = Instant::now() + Duration::from_secs(20);
            while self.lines().last().is_none_or(|last| last != line) {
                assert!(Instant::now() < until, "{line} is not there: {:?}", self.lines());
                thread::sleep(Duration::from_millis(5));
            }
        }
    }

    #[test]
    fn a_witness_that_is_taken_away_or_cut_is_gone_on_with_and_that_is_told() {
        let mut scene = Scene::new();
        scene.show("one\n");
        assert_eq!(
            scene.lines(),
            ["before", "hal", "one"],
            "half a line of an earlier run takes none with it"
        );
        assert!(scene.heads.happened().is_empty());
        let said = |scene: &Scene, word: &str| {
            let happened = scene.heads.happened();
            assert!(happened.len() == 1 && happened[0].contains(word), "{word}: {happened:?}");
            assert!(happened[0].contains("kept/heads"), "{happened:?}");
        };
        fs::remove_file(&scene.path).unwrap();
        scene.show("two");
        said(&scene, "was moved or removed");
        fs::rename(&scene.path, scene.path.with_extension("1")).unwrap();
        fs::write(&scene.path, "").unwrap();
        scene.show("three");
        said(&scene, "was replaced");
        fs::write(&scene.path, "thr").unwrap();
        scene.show("four");
        said(&scene, "was cut to 3 of 6 bytes");
        assert_eq!(scene.lines(), ["thr", "four"]);
        assert!(scene.heads.behind().is_empty() && scene.heads.happened().is_empty());
    }

    #[test]
    fn a_witness_that_cannot_be_written_loses_no_hand_over_and_is_told_while_it_lasts() {
        let mut scene = Scene::new();
        let (kept, away) =
            (scene.path.parent().unwrap(), scene.path.parent().unwrap().with_extension("away"));
        fs::rename(kept, &away).unwrap();
        let handover = |n: u64| format!("{{\"seq\":{n},\"cause\":\"handover\",\"log\":\"x\"}}");
        for line in ["one", &handover(2), "three", "four", &handover(5), "six", "seven"] {
            (scene.show)(line);
        }
        while scene.heads.behind().is_empty() {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(scene.heads.behind()[0].contains("cannot be written"), "{:?}", scene.heads.behind());
        fs::rename(&away, kept).unwrap();
        scene.is_there("seven");
        let lines = scene.lines();
        assert!(lines.contains(&handover(2)) && lines.contains(&handover(5)), "{lines:?}");
        scene.heads.finish();
        assert!(scene.heads.behind().is_empty());
    }

    #[test]
    fn a_gate_ends_though_its_witness_cannot_be_written() {
        let mut scene = Scene::new();
        fs::remove_dir_all(scene.path.parent().unwrap()).unwrap();
        (scene.show)("one");
        let begun = Instant::now();
        scene.heads.finish();
        assert!(begun.elapsed() <= limits::HEADS_GOODBYE + Duration::from_secs(5));
    }
}
