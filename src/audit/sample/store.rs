//! The folder of samples beside the records: names that tell time and hash, files that their owner alone reads.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::audit::segment::{self, FILE_MODE};
use crate::limits;
use crate::platform::disk;

/// Its name below the audit directory.
pub(super) const FOLDER: &str = "samples";
const ENDING: &str = ".sealed";

/// When samples could not be written: from when, until when, why.
type Outage = (Timestamp, Option<Timestamp>, String);

/// What the writer met, until it is on record.
#[derive(Debug, Default)]
pub(super) struct Trouble(Mutex<Option<Outage>>);

impl Trouble {
    pub(super) fn begin(&self, name: &str, error: &io::Error) {
        let mut outage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *outage {
            Some((_, until, _)) => *until = None,
            none => {
                tracing::error!("the sample {name} cannot be written: {error}");
                *none = Some((Timestamp::now(), None, format!("samples cannot be written: {error}")));
            }
        }
    }

    pub(super) fn end(&self) {
        if let Some((_, until, _)) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            until.get_or_insert_with(Timestamp::now);
        }
    }

    /// Whether there is any that is not on record yet: until then no more are tried.
    pub(super) fn is_open(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The interval, ended now if nothing else has ended it; the next sample tries again.
    pub(super) fn take(&self) -> Option<(Timestamp, Timestamp, String)> {
        let (from, until, cause) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some((from, until.unwrap_or_else(Timestamp::now), cause))
    }
}

/// Makes the folder; gives its path.
pub(super) fn open(trail: &Path) -> io::Result<PathBuf> {
    let folder = trail.join(FOLDER);
    DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    // What a crash left half written is none.
    for entry in fs::read_dir(&folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(".new") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(folder)
}

/// What all samples beside a trail take on disk.
pub(in crate::audit) fn bytes_in(trail: &Path) -> io::Result<u64> {
    match segment::bytes_in(&trail.join(FOLDER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        bytes => bytes,
    }
}

pub(super) fn weigh(folder: &Path) -> io::Result<(u64, u64)> {
    Ok((list(folder)?.len() as u64, segment::bytes_in(folder)?))
}

pub(super) fn name(now: Timestamp, hash: &str) -> String {
    format!("{:014}-{hash}{ENDING}", now.as_millisecond())
}

/// Writes a sample, whole or not at all.
pub(super) fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = folder.join(format!("{name}.new"));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&draft)?;
    let written = file.write_all(bytes).and_then(|()| fs::rename(&draft, folder.join(name)));
    if written.is_err() {
        // Half a sample is none.
        let _ = fs::remove_file(&draft);
    }
    written
}

/// Samples by age, oldest first.
pub(super) fn list(folder: &Path) -> io::Result<Vec<(Timestamp, String)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let time = name.strip_suffix(ENDING).and_then(|stem| stem.split_once('-'));
        let time = time.and_then(|(millis, _)| millis.parse().ok());
        if let Some(time) = time.and_then(|millis| Timestamp::from_millisecond(millis).ok()) {
            all.push((time, name));
        }
    }
    all.sort();
    Ok(all)
}

/// The sample beside a trail that has this hash in its name.
pub fn find(trail: &Path, hash: &str) -> io::Result<Option<Vec<u8>>> {
    let folder = trail.join(FOLDER);
    let ending = format!("-{hash}{ENDING}");
    let all = match list(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        all => all?,
    };
    let Some((_, name)) = all.iter().find(|(_, name)| name.ends_with(&ending)) else { return Ok(None) };
    let path = folder.join(name);
    if fs::metadata(&path)?.len() > limits::SAMPLE_BYTES {
        return Err(io::Error::other("the file is too long to be a sample"));
    }
    disk::read_regular(&path).map(Some)
}

/// Samples that were taken before this time, oldest first.
pub(in crate::audit) fn over(trail: &Path, before: Timestamp) -> io::Result<Vec<(Timestamp, PathBuf)>> {
    let folder = trail.join(FOLDER);
    let all = match list(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        all => all?,
    };
    let over = all.into_iter().filter(|(time, _)| *time < before);
    Ok(over.map(|(time, name)| (time, folder.join(name))).collect())
}
