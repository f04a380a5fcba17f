//! Takes up a trail where it ended: checks the last segment and puts a torn last line aside.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::audit::OpenError;
use crate::audit::chain::{link, sha256};
use crate::audit::checkpoint::Cause;
use crate::audit::epochs::Keys;
use crate::audit::line::Line;
use crate::audit::pack;
use crate::audit::reader::{Lines, Next};
use crate::audit::segment::{self, FILE_MODE, Found, Segment};
use crate::audit::text::{from_hex, hex};
use crate::audit::text_of::Text;
use crate::audit::walk::Walk;

/// Most side files for one sequence: a crash in the middle of recovery makes another, a loop must not.
const TORN_FILES: usize = 100;

/// What the last run left behind.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    /// The beginnings of lines that a crash left.
    pub(super) torn: Vec<Torn>,
    /// The last record of a run that never said goodbye.
    pub(super) cut_off: Option<u64>,
    /// How long nothing was written before this run.
    pub(super) away: Duration,
}

/// A torn line, put aside.
#[derive(Debug)]
pub(super) struct Torn {
    /// Name of the side file.
    pub(super) file: String,
    pub(super) bytes: usize,
    pub(super) sha256: String,
}

/// The end of a trail: what was checked, and the file to go on with.
pub(super) type End = (Walk, Segment);

/// Where to go on (`None` when there is no record yet), and what had to be done for it.
pub(super) fn recover(directory: &Path, keys: &Keys) -> Result<(Option<End>, Recovery), OpenError> {
    let in_directory = |error: io::Error| OpenError::new(directory, format!("cannot be read: {error}"));
    let mut recovery = Recovery::default();
    let mut segments = segment::list(directory).map_err(in_directory)?;
    while let Some(last) = segments.pop() {
        let at = |error: io::Error| OpenError::new(&last.path, format!("cannot be recovered: {error}"));
        let changed = fs::metadata(&last.path).and_then(|metadata| metadata.modified());
        let away = changed.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
        recovery.away = away.unwrap_or_default();
        let (walk, whole, tail) = walk_through(&last, keys)?;
        if !tail.is_empty() {
            recovery.torn.push(put_aside(directory, walk.seq + 1, &tail).map_err(at)?);
        }
        if whole == 0 {
            // Its first line was never whole: the segment before is the last one.
            fs::remove_file(&last.path).map_err(at)?;
            continue;
        }
        if let Some(before) = segments.last() {
            follows(before, &walk, &last.path)?;
        }
        let segment = pack::resume(directory, &last, whole).map_err(at)?;
        segment.file.sync_all().map_err(at)?;
        recovery.cut_off = (walk.cause != Some(Cause::Stop)).then_some(walk.seq);
        return Ok((Some((walk, segment)), recovery));
    }
    Ok((None, recovery))
}

/// The walk over a segment's whole lines, their bytes, and what follows them.
fn walk_through(found: &Found, keys: &Keys) -> Result<(Walk, u64, Vec<u8>), OpenError> {
    let unreadable = |error: io::Error| OpenError::new(&found.path, format!("cannot be read: {error}"));
    let mut lines = Lines::open(found).map_err(unreadable)?;
    let mut walk = Walk::new(keys.clone());
    walk.enter(found.first);
    let mut whole = 0;
    let tail = loop {
        match lines.next().map_err(unreadable)? {
            Next::Line(line) => {
                walk.line(line).map_err(|fault| broken(&found.path, &fault))?;
                whole += line.len() as u64 + 1;
            }
            Next::Torn(tail) => break tail.to_vec(),
            Next::End => break Vec::new(),
            Next::TooLong => {
                return Err(OpenError::new(
                    &found.path,
                    format!("record {} is longer than any that the gate writes", walk.seq + 1),
                ));
            }
        }
    };
    walk.finish().map_err(|fault| broken(&found.path, &fault))?;
    match &walk.unknown_key {
        None => Ok((walk, whole, tail)),
        Some((seq, other)) => Err(OpenError::new(
            &found.path,
            format!(
                "record {seq} is signed by the key {other}, but the key of the trail is {}; \
                 restore that key, or keys.jsonl, which names it and of which each export and the witness's lines have \
                 a copy, or begin a new trail in another directory",
                keys.at(found.first).id()
            ),
        )),
    }
}

fn broken(path: &Path, fault: &super::Fault) -> OpenError {
    OpenError::new(
        path,
        format!(
            "record {} {}; the trail was changed after it was written, and nothing will be added to it: \
             keep it as evidence and begin a new one in another directory",
            fault.seq, fault.what
        ),
    )
}

/// Whether `walk` goes on from the last line of the segment before it.
fn follows(before: &Found, walk: &Walk, path: &Path) -> Result<(), OpenError> {
    let line = Text::open(before)
        .and_then(|mut text| text.last_line())
        .map_err(|error| OpenError::new(&before.path, format!("cannot be read: {error}")))?;
    let head = Line::parse(&line)
        .filter(|fields| fields.seq + 1 == walk.segment)
        .and_then(|fields| from_hex(fields.prev))
        .map(|prev| link(&prev, &line));
    if head == Some(walk.base) {
        return Ok(());
    }
    Err(OpenError::new(
        path,
        format!("record {} does not follow the last one of {}", walk.segment, before.path.display()),
    ))
}

fn put_aside(directory: &Path, seq: u64, bytes: &[u8]) -> io::Result<Torn> {
    for attempt in 0..TORN_FILES {
        let name = match attempt {
            0 => format!("torn-{seq:020}.bin"),
            n => format!("torn-{seq:020}.{n}.bin"),
        };
        let path: PathBuf = directory.join(&name);
        match OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path) {
            Ok(mut file) => {
                file.write_all(bytes)?;
                file.sync_all()?;
                return Ok(Torn { file: name, bytes: bytes.len(), sha256: hex(&sha256(bytes)) });
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many side files of this sequence"))
}
