//! Lines on their way to somebody who may not read them: a full pipe, a terminal that stands still, a hanging disk. They wait
//! in a bounded queue for a thread of its own, so that nobody else has to.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A queue of lines; its thread is started by [`Outlet::drain`].
#[derive(Clone, Default)]
pub(super) struct Outlet(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Since when nothing was taken, while something waits.
    since: Option<Instant>,
    is_writing: bool,
    is_closed: bool,
    /// Lines for which there was no room, of which nobody was told yet.
    lost: u64,
}

impl Queue {
    fn push(&mut self, line: Vec<u8>) {
        self.bytes += line.len();
        self.lines.push_back(line);
        self.since.get_or_insert_with(Instant::now);
    }

    fn pop(&mut self) -> Option<Vec<u8>> {
        let line = self.lines.pop_front()?;
        self.bytes -= line.len();
        Some(line)
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet").finish_non_exhaustive()
    }
}

impl Outlet {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a line unless `bound` bytes wait; whether it did. The one that comes first is kept: it tells how it began.
    pub(super) fn offer(&self, line: Vec<u8>, bound: usize) -> bool {
        let mut queue = self.queue();
        if queue.bytes + line.len() > bound {
            queue.lost += 1;
            return false;
        }
        queue.push(line);
        self.0.changed.notify_all();
        true
    }

    /// Takes a line in place of the last one that waits, unless that one is to be `kept`. Of those that are, no more than
    /// `most` wait: then the first of them goes, which is told.
    pub(super) fn renew(&self, line: Vec<u8>, kept: impl Fn(&[u8]) -> bool, most: usize) -> bool {
        let mut queue = self.queue();
        if queue.lines.back().is_some_and(|last| !kept(last))
            && let Some(last) = queue.lines.pop_back()
        {
            queue.bytes -= last.len();
        }
        let has_room = queue.lines.len() < most;
        if !has_room {
            queue.pop();
        }
        queue.push(line);
        self.0.changed.notify_all();
        has_room
    }

    /// For how long nothing was taken, while something waits.
    pub(super) fn stuck(&self) -> Option<Duration> {
        self.queue().since.map(|since| since.elapsed())
    }

    /// Starts the thread: `write` is given one line after the other, and, when it goes on after some were lost, `told`
    /// how many.
    pub(super) fn drain(
        &self,
        name: &str,
        mut write: impl FnMut(&[u8]) + Send + 'static,
        told: impl Fn(u64) + Send + 'static,
    ) -> io::Result<()> {
        let outlet = self.clone();
        let work = move || {
            while let Some(line) = outlet.next() {
                write(&line);
                let lost = outlet.written();
                if lost > 0 {
                    told(lost);
                }
            }
        };
        thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
    }

    fn next(&self) -> Option<Vec<u8>> {
        let mut queue = self.queue();
        loop {
            if let Some(line) = queue.pop() {
                queue.is_writing = true;
                return Some(line);
            }
            if queue.is_closed {
                return None;
            }
            queue = self.0.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn written(&self) -> u64 {
        let mut queue = self.queue();
        queue.is_writing = false;
        queue.since = (!queue.lines.is_empty()).then(Instant::now);
        self.0.changed.notify_all();
        std::mem::take(&mut queue.lost)
    }

    /// Whether no more lines will come than those that wait.
    pub(super) fn is_closed(&self) -> bool {
        self.queue().is_closed
    }

    /// Takes no more lines and waits for those that there are, at most until `deadline`; whether all were taken.
    pub(super) fn finish(&self, deadline: Instant) -> bool {
        let mut queue = self.queue();
        queue.is_closed = true;
        self.0.changed.notify_all();
        loop {
            if queue.lines.is_empty() && !queue.is_writing {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.0.changed.wait_timeout(queue, left);
            (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A pipe whose reader does nothing until it is asked to, and the outlet that writes into it.
    fn pipe() -> (Outlet, io::PipeReader, Arc<AtomicU64>) {
        let (reader, mut writer) = io::pipe().unwrap();
        let (outlet, told) = (Outlet::default(), Arc::new(AtomicU64::new(0)));
        let lost = Arc::clone(&told);
        let write = move |line: &[u8]| writer.write_all(line).unwrap();
        let told_too = move |lines| {
            lost.fetch_add(lines, Ordering::SeqCst);
        };
        outlet.drain("test", write, told_too).unwrap();
        (outlet, reader, told)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    #[test]
    fn nobody_waits_for_a_reader_and_what_was_lost_is_told_when_he_is_back() {
        let (outlet, mut reader, told) = pipe();
        let line = |n: u64| format!("{n:>1023}\n").into_bytes();
        let begun = Instant::now();
        let taken: Vec<u64> = (0..2_000).filter(|n| outlet.offer(line(*n), 64 * 1024)).collect();
        assert!(begun.elapsed() < Duration::from_secs(10) && taken.len() < 1_000, "{}", taken.len());
        assert!(outlet.stuck().is_some());
        assert!(!outlet.finish(Instant::now()), "a reader who does not read ends no gate");
        let lost = 2_000 - taken.len() as u64;
        let read = thread::spawn(move || {
            let mut all = String::new();
            reader.read_to_string(&mut all).unwrap();
            all
        });
        assert!(outlet.finish(soon()));
        assert_eq!((outlet.stuck(), told.load(Ordering::SeqCst)), (None, lost));
        let read: Vec<u64> = read.join().unwrap().lines().map(|line| line.trim().parse().unwrap()).collect();
        assert_eq!(read, taken, "those that were taken arrive, in order");
    }

    #[test]
    fn the_newest_wins_and_what_is_kept_stays() {
        let outlet = Outlet::default();
        let kept = |line: &[u8]| line.starts_with(b"k");
        for line in ["1", "2", "k3", "4", "5", "k6", "k7", "8", "9"] {
            assert!(outlet.renew(line.into(), kept, 100));
        }
        let waiting = |outlet: &Outlet| -> Vec<String> {
            outlet.queue().lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
        };
        assert_eq!(waiting(&outlet), ["k3", "k6", "k7", "9"]);
        assert!(!outlet.renew("k10".into(), kept, 3), "it is told that one was lost");
        assert_eq!(waiting(&outlet), ["k6", "k7", "k10"]);
        let bytes: usize = outlet.queue().lines.iter().map(Vec::len).sum();
        assert_eq!(outlet.queue().bytes, bytes);
    }
}
