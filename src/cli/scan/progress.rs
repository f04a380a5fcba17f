//! A line on the terminal that tells how far a scan has come; nothing where there is no terminal.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::walk::{Entry, Walk};

/// Time between two drawings: fast enough to look alive, too slow to cost.
const REDRAW: Duration = Duration::from_millis(120);
/// Nothing is drawn for scans that are over at once.
const PATIENCE: Duration = Duration::from_millis(400);
const BAR: u64 = 24;

#[derive(Debug)]
pub(super) struct Progress {
    on: bool,
    began: Instant,
    files: AtomicU64,
    bytes: AtomicU64,
    found: AtomicU64,
    /// Bytes of all files; 0 until they are counted.
    total: AtomicU64,
    over: AtomicBool,
    /// When the line was drawn last; `None` while none stands there.
    drawn: Mutex<Option<Instant>>,
}

impl Progress {
    pub(super) fn new(wanted: bool) -> Progress {
        Progress {
            on: wanted && io::stderr().is_terminal(),
            began: Instant::now(),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            found: AtomicU64::new(0),
            total: AtomicU64::new(0),
            over: AtomicBool::new(false),
            drawn: Mutex::new(None),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.on
    }

    /// Adds up what there is to read, so that the line can say how much is left.
    pub(super) fn measure(&self, paths: &[PathBuf]) {
        let mut total = 0;
        for entry in Walk::new(paths) {
            if self.over.load(Ordering::Relaxed) {
                return;
            }
            match entry {
                Entry::File(path) => total += std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
                // Nobody knows how much will come.
                Entry::Stdin => return,
                Entry::Special | Entry::Unread(..) => {}
            }
        }
        self.total.store(total, Ordering::Relaxed);
    }

    pub(super) fn file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn found(&self) {
        self.found.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn bytes(&self, read: usize) {
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        if !self.on || self.began.elapsed() < PATIENCE {
            return;
        }
        // Whoever finds another drawing goes on scanning.
        let Ok(mut drawn) = self.drawn.try_lock() else { return };
        if drawn.is_none_or(|at| at.elapsed() >= REDRAW) {
            *drawn = Some(Instant::now());
            let mut stderr = io::stderr().lock();
            let _ = write!(stderr, "\r{}\x1b[K", self.line()).and_then(|()| stderr.flush());
        }
    }

    /// Takes the line away, so that something else can be written.
    pub(super) fn clear(&self) {
        if self.on && self.drawn.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            let mut stderr = io::stderr().lock();
            let _ = write!(stderr, "\r\x1b[K").and_then(|()| stderr.flush());
        }
    }

    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
        self.clear();
    }

    /// Files, bytes, findings and seconds so far.
    pub(super) fn so_far(&self) -> (u64, u64, u64, f64) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (load(&self.files), load(&self.bytes), load(&self.found), self.began.elapsed().as_secs_f64())
    }

    fn line(&self) -> String {
        let (files, bytes, found, seconds) = self.so_far();
        let total = self.total.load(Ordering::Relaxed);
        let rate = readable((bytes as f64 / seconds.max(0.001)) as u64);
        let rest = format!("{files} files  {found} findings  {rate}/s");
        if total == 0 {
            return format!("{}  {rest}", readable(bytes));
        }
        // What grows while it is read never passes its end.
        let done = bytes.min(total);
        let filled = usize::try_from(done * BAR / total).unwrap_or_default();
        let bar = format!("{}{}", "█".repeat(filled), "░".repeat(BAR as usize - filled));
        format!("{:3} % {bar} {} of {}  {rest}", done * 100 / total, readable(done), readable(total))
    }
}

/// A size of three or four digits.
pub(super) fn readable(bytes: u64) -> String {
    let (mut size, mut unit) = (bytes as f64, "B");
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if size >= 1000.0 {
            (size, unit) = (size / 1024.0, larger);
        }
    }
    if unit == "B" { format!("{size:.0} {unit}") } else { format!("{size:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_tells_how_much_of_how_much() {
        let progress = Progress::new(false);
        progress.bytes(1 << 20);
        assert!(progress.line().contains("0 files  0 findings"), "{}", progress.line());
        progress.total.store(4 << 20, Ordering::Relaxed);
        progress.file();
        let line = progress.line();
        assert!(line.starts_with(" 25 % ██████░░░") && line.contains("1 files"), "{line}");
        progress.bytes(10 << 20);
        assert!(progress.line().starts_with("100 %"), "{}", progress.line());
        assert!(!progress.is_on());
        let sizes = [0, 999, 1000, 166_710_662, 5 << 40].map(readable);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 KiB", "159.0 MiB", "5.0 TiB"]);
    }
}
