//! Files read by several threads, gzip taken off, everything in pieces of bounded size.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::order::{Order, Said};
use super::progress::Progress;
use super::report::Report;
use super::stats::Stats;
use super::text::{Hit, TextScan, Wanted};
use super::walk::{Entry, Walk};
use crate::cli::Output;
use crate::decode::{Coding, Decoder};
use crate::inspect::Engine;
use crate::limits;

const GZIP: [u8; 2] = [0x1f, 0x8b];

pub(super) struct Files<'a> {
    pub(super) engine: Arc<Engine>,
    pub(super) wanted: Wanted<'a>,
    /// Whether everything is said to be gzip.
    pub(super) gzip: bool,
    pub(super) report: Report<'a>,
    pub(super) progress: &'a Progress,
    /// With it, one thread.
    pub(super) stats: Option<Mutex<Stats<'a>>>,
    pub(super) ends: Ends,
}

/// What a scan could not read.
#[derive(Debug, Default)]
pub(super) struct Ends {
    pub(super) unread: AtomicU64,
    pub(super) special: AtomicU64,
}

/// Why a text was not read to its end.
enum Unread {
    Input(String),
    /// Nobody listens any more.
    Output,
}

impl Files<'_> {
    /// Scans everything below the paths; says what it finds in their order.
    pub(super) fn scan(&self, paths: &[PathBuf], threads: usize, output: &mut Output) -> io::Result<()> {
        let order = Order::new(output, self.progress);
        let walk = Mutex::new(Walk::new(paths).enumerate());
        let next = || walk.lock().unwrap_or_else(PoisonError::into_inner).next();
        thread::scope(|scope| {
            if self.progress.is_on() {
                scope.spawn(|| self.progress.measure(paths));
            }
            let work = || {
                let mut chunk = vec![0; limits::SCAN_CHUNK];
                while let Some((number, entry)) = next() {
                    // A file whose scan fails must not keep the others waiting for their turn.
                    let name = entry.name();
                    let scan = AssertUnwindSafe(|| self.entry(number, entry, &order, &mut chunk));
                    let said = catch_unwind(scan).unwrap_or_else(|_| {
                        self.ends.unread.fetch_add(1, Ordering::Relaxed);
                        Said { out: Vec::new(), err: vec![self.report.unread(&name, "its scan failed")] }
                    });
                    if !order.last(number, said) {
                        break;
                    }
                }
            };
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
            self.progress.end();
        });
        order.end()
    }

    fn entry(&self, number: usize, entry: Entry, order: &Order<'_>, chunk: &mut [u8]) -> Said {
        let mut said = Said::default();
        let (path, read) = match entry {
            Entry::Stdin => {
                let read =
                    self.text(number, Path::new("-"), &mut io::stdin().lock(), order, &mut said, chunk);
                (PathBuf::from("-"), read)
            }
            Entry::File(path) => {
                let file = File::open(&path).map_err(input);
                let read =
                    file.and_then(|mut file| self.text(number, &path, &mut file, order, &mut said, chunk));
                (path, read)
            }
            Entry::Special => {
                self.ends.special.fetch_add(1, Ordering::Relaxed);
                return said;
            }
            Entry::Unread(path, error) => (path, Err(input(error))),
        };
        if let Err(Unread::Input(why)) = read {
            self.ends.unread.fetch_add(1, Ordering::Relaxed);
            said.err.push(self.report.unread(&path.to_string_lossy(), &why));
        }
        said
    }

    fn text(
        &self,
        number: usize,
        path: &Path,
        reader: &mut dyn Read,
        order: &Order<'_>,
        said: &mut Said,
        chunk: &mut [u8],
    ) -> Result<(), Unread> {
        self.progress.file();
        let first = fill(reader, chunk).map_err(input)?;
        let head = chunk.get(..first).unwrap_or_default();
        let coded = self.gzip || head.starts_with(&GZIP);
        let codings: &[Coding] = if coded { &[Coding::Gzip] } else { &[] };
        let mut decoder = Decoder::new(codings);
        let mut text = TextScan::new(path, codings, Arc::clone(&self.engine), self.wanted);
        let mut stats = self.stats.as_ref().map(|stats| stats.lock().unwrap_or_else(PoisonError::into_inner));
        let mut counted = stats.as_ref().map(|stats| stats.text());
        let mut goes_on = true;
        let mut on_hit = |hit: &Hit<'_>| {
            self.progress.found();
            self.report.hit(hit, &mut said.out)?;
            goes_on = order.part(number, said);
            if goes_on { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
        };
        let mut read = first;
        while read > 0 {
            let piece = chunk.get(..read).unwrap_or_default();
            let mut told = Ok(());
            let mut push = |piece: &[u8]| {
                if let (Some(stats), Some(counted)) = (&mut stats, &mut counted) {
                    stats.push(counted, piece);
                }
                told = text.push(piece, &mut on_hit);
                if told.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            };
            let decoded = decoder.push(piece, &mut push);
            told.map_err(|_| Unread::Output)?;
            decoded.map_err(|error| Unread::Input(error.to_string()))?;
            self.progress.bytes(read);
            read = fill(reader, chunk).map_err(input)?;
        }
        let whole = decoder.finish();
        let unread = text.finish(&mut on_hit).map_err(|_| Unread::Output)?;
        if let (Some(stats), Some(counted)) = (&mut stats, counted) {
            stats.finish(counted);
        }
        whole.map_err(|error| Unread::Input(error.to_string()))?;
        match unread {
            None => Ok(()),
            Some(word) => Err(Unread::Input(format!("something in it could not be read: {word}"))),
        }
    }
}

fn input(error: io::Error) -> Unread {
    Unread::Input(format!("cannot be read: {error}"))
}

/// Reads until the buffer is full or there is no more.
fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
