//! Paths to texts: directories walked in order, gzip taken off, everything in pieces of bounded size.

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use super::text::{Hit, TextScan};
use crate::decode::{Coding, Decoder};
use crate::detect::{Confidence, Matcher};
use crate::fingerprint::FingerprintKey;
use crate::limits;

const GZIP: [u8; 2] = [0x1f, 0x8b];

pub(super) struct Files<'a> {
    pub(super) matcher: &'a Matcher,
    pub(super) key: &'a FingerprintKey,
    pub(super) least: Confidence,
    /// Whether everything is said to be gzip.
    pub(super) gzip: bool,
}

/// Why a text was not read to its end.
#[derive(Debug)]
pub(super) enum Unread {
    Input(String),
    Output(io::Error),
}

type OnHit<'a> = &'a mut dyn FnMut(&Hit<'_>) -> io::Result<()>;
type Tell<'a> = &'a mut dyn FnMut(&Path, &str);

impl Files<'_> {
    /// A path as given: `-` is standard input, a directory is everything below it.
    pub(super) fn path(&self, path: &Path, on_hit: OnHit<'_>, tell: Tell<'_>) -> Result<(), Unread> {
        if path.as_os_str() == "-" {
            return self.text(path, &mut io::stdin().lock(), on_hit);
        }
        let metadata = fs::metadata(path).map_err(input)?;
        if metadata.is_dir() { self.folder(path, on_hit, tell) } else { self.file(path, on_hit) }
    }

    /// Everything below a folder; what cannot be read is told and passed over.
    fn folder(&self, folder: &Path, on_hit: OnHit<'_>, tell: Tell<'_>) -> Result<(), Unread> {
        let mut waiting = vec![folder.to_owned()];
        while let Some(path) = waiting.pop() {
            let kind = fs::symlink_metadata(&path).map(|metadata| metadata.file_type());
            let done = match kind {
                Ok(kind) if kind.is_dir() || path == folder => {
                    listed(&path).map(|paths| waiting.extend(paths))
                }
                Ok(kind) if kind.is_file() => self.file(&path, on_hit),
                Ok(_) => Ok(()),
                Err(error) => Err(input(error)),
            };
            match done {
                Ok(()) => {}
                Err(Unread::Input(why)) => tell(&path, &why),
                Err(error @ Unread::Output(_)) => return Err(error),
            }
        }
        Ok(())
    }

    fn file(&self, path: &Path, on_hit: OnHit<'_>) -> Result<(), Unread> {
        self.text(path, &mut File::open(path).map_err(input)?, on_hit)
    }

    fn text(&self, path: &Path, reader: &mut dyn Read, on_hit: OnHit<'_>) -> Result<(), Unread> {
        let mut chunk = vec![0; limits::SCAN_CHUNK];
        let first = fill(reader, &mut chunk).map_err(input)?;
        let head = chunk.get(..first).unwrap_or_default();
        let coded = self.gzip || head.starts_with(&GZIP);
        let codings: &[Coding] = if coded { &[Coding::Gzip] } else { &[] };
        let mut decoder = Decoder::new(codings);
        let mut text = TextScan::new(path, codings, self.matcher, self.key, self.least);
        let mut read = first;
        while read > 0 {
            let piece = chunk.get(..read).unwrap_or_default();
            let mut told = Ok(());
            let mut push = |piece: &[u8]| {
                told = text.push(piece, on_hit);
                if told.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            };
            decoder.push(piece, &mut push).map_err(|error| Unread::Input(error.to_string()))?;
            told.map_err(Unread::Output)?;
            read = fill(reader, &mut chunk).map_err(input)?;
        }
        let whole = decoder.finish();
        text.finish(on_hit).map_err(Unread::Output)?;
        whole.map_err(|error| Unread::Input(error.to_string()))
    }
}

fn input(error: io::Error) -> Unread {
    Unread::Input(format!("cannot be read: {error}"))
}

/// What a folder holds, last name first: the list is taken from its end.
fn listed(folder: &Path) -> Result<Vec<std::path::PathBuf>, Unread> {
    let entries = fs::read_dir(folder).map_err(input)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.map_err(input)?;
    paths.sort_by(|a, b| b.cmp(a));
    Ok(paths)
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
