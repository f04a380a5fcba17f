//! Packs closed segments, and unpacks one: written beside it, compared with it, and only then put in its place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::audit::log::Disk;
use crate::audit::segment::{self, FILE_MODE, Found, Segment};
use crate::audit::text_of::Text;
use crate::decode::BlockWriter;
use crate::limits;
use crate::platform::disk;

/// What a file is called until it is whole.
const DRAFT: &str = "new";

/// Takes away what a crash left half done.
pub(super) fn tidy(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("segment-") && name.ends_with(&format!(".{DRAFT}")) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// Packs a closed segment; `false` when there is no room for it, or no time (`closing`).
pub(super) fn pack(directory: &Path, found: &Found, disk: &Disk, closing: &AtomicBool) -> io::Result<bool> {
    let packed = found.packed_path();
    if !packed.exists() {
        let draft = segment::beside(&packed, DRAFT);
        let mut room = Room { disk, taken: 0 };
        let written = write(found, &draft, &mut room, closing);
        if !matches!(written, Ok(true)) {
            let _ = fs::remove_file(&draft);
            room.give_back();
            return written;
        }
        if !is_whole(found, &draft)? {
            fs::remove_file(&draft)?;
            room.give_back();
            return Err(io::Error::other("what was packed is not what was written"));
        }
        fs::rename(&draft, &packed)?;
        File::open(directory)?.sync_all()?;
    } else if !is_whole(found, &packed)? {
        // Of a crash, or of a stranger: the text itself is what counts.
        let bytes = fs::metadata(&packed)?.len();
        fs::remove_file(&packed)?;
        disk.give_back(bytes);
        return Ok(false);
    }
    let bytes = fs::metadata(&found.path)?.len();
    fs::remove_file(&found.path)?;
    disk.give_back(bytes);
    File::open(directory)?.sync_all()?;
    Ok(true)
}

/// Room that a draft takes of the budget.
struct Room<'a> {
    disk: &'a Disk,
    taken: u64,
}

impl Room<'_> {
    /// Takes more; `false` when that would leave records too little.
    fn take(&mut self, bytes: u64) -> bool {
        let (used, max) = (self.disk.used.load(Ordering::Relaxed), self.disk.max.load(Ordering::Relaxed));
        let spare = limits::AUDIT_RESERVE + 2 * limits::AUDIT_BATCH_BYTES as u64;
        self.disk.used.fetch_add(bytes, Ordering::Relaxed);
        self.taken += bytes;
        used.saturating_add(bytes) <= max.saturating_sub(spare)
    }

    fn give_back(&self) {
        self.disk.give_back(self.taken);
    }
}

fn write(found: &Found, draft: &Path, room: &mut Room<'_>, closing: &AtomicBool) -> io::Result<bool> {
    let mut text = Text::open(found)?;
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .custom_flags(disk::NO_WAIT)
        .open(draft)?;
    let mut blocks = BlockWriter::new(file)?;
    let mut block = vec![0; limits::BLOCK_TEXT];
    let mut at = 0;
    loop {
        let read = text.read_at(&mut block, at)?;
        let taken = blocks.block(block.get(..read).unwrap_or_default())?;
        if !room.take(taken) || closing.load(Ordering::Relaxed) {
            return Ok(false);
        }
        at += read as u64;
        if read < block.len() {
            break;
        }
    }
    let (file, table) = blocks.finish()?;
    file.sync_all()?;
    Ok(room.take(table))
}

/// Whether a packed file holds the text of a segment.
fn is_whole(found: &Found, packed: &Path) -> io::Result<bool> {
    let other = Found { path: packed.to_owned(), is_packed: true, ..found.clone() };
    match is_same(found, &other) {
        Err(error) if [io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof].contains(&error.kind()) => {
            Ok(false)
        }
        result => result,
    }
}

/// Whether both hold the same text.
fn is_same(one: &Found, other: &Found) -> io::Result<bool> {
    let (mut one, mut other) = (Text::open(one)?, Text::open(other)?);
    if one.len()? != other.len()? {
        return Ok(false);
    }
    let (mut left, mut right) = (vec![0; limits::BLOCK_TEXT], vec![0; limits::BLOCK_TEXT]);
    let mut at = 0;
    loop {
        let read = one.read_at(&mut left, at)?;
        if other.read_at(&mut right, at)? != read || left.get(..read) != right.get(..read) {
            return Ok(false);
        }
        at += read as u64;
        if read < left.len() {
            return Ok(true);
        }
    }
}

/// Unpacks a segment that is to be written again: a crash came between its end and the next one's first line.
pub(super) fn unpack(directory: &Path, found: &Found) -> io::Result<Found> {
    let path = directory.join(segment::name(found.first));
    let draft = segment::beside(&path, DRAFT);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .custom_flags(disk::NO_WAIT)
        .open(&draft)?;
    let bytes = io::copy(&mut Text::open(found)?.by_ref(), &mut file)?;
    file.flush()?;
    file.sync_all()?;
    fs::rename(&draft, &path)?;
    File::open(directory)?.sync_all()?;
    fs::remove_file(&found.path)?;
    Ok(Found { first: found.first, path, bytes, is_packed: false })
}

/// Continues a segment, unpacked if need be.
pub(super) fn resume(directory: &Path, found: &Found, bytes: u64) -> io::Result<Segment> {
    if found.is_packed {
        return Segment::resume(&unpack(directory, found)?, bytes);
    }
    Segment::resume(found, bytes)
}
