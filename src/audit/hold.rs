//! Legal holds: files beside the records that keep segments from being removed. A command writes them, the gate puts them
//! on record and heeds them from the moment they are there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::segment::FILE_MODE;
use crate::limits;
use crate::platform::disk;

/// One process at a time changes holds.
const LOCK_FILE: &str = "holds.lock";

/// Why segments are kept beyond their time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub id: String,
    pub reason: String,
    pub owner: String,
    /// Which records: not before, and before. Without either, all of them.
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    pub added: Timestamp,
    /// Asked to end: when, by whom and why.
    pub end: Option<End>,
    /// How far the trail knows of it.
    pub recorded: Recorded,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    pub time: Timestamp,
    pub by: String,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recorded {
    #[default]
    Not,
    Added,
    Ended,
}

impl Hold {
    /// Whether it keeps records of this time from being removed: until the trail says that it has ended.
    pub(super) fn covers(&self, from: Timestamp, until: Timestamp) -> bool {
        let outside =
            self.from.is_some_and(|first| until < first) || self.to.is_some_and(|last| from >= last);
        self.recorded != Recorded::Ended && !outside
    }

    /// Whether it is to end now, and why.
    pub(super) fn ends(&self, now: Timestamp) -> Option<End> {
        let by_itself = self.until.filter(|until| *until <= now).map(|until| End {
            time: until,
            by: "tidegate".to_owned(),
            reason: "its time is over".to_owned(),
        });
        self.end.clone().or(by_itself)
    }

    /// In one word.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> &'static str {
        match (self.recorded, self.ends(now)) {
            (Recorded::Ended, _) => "ended",
            (_, Some(_)) => "in force, ends when the gate has recorded it",
            (Recorded::Added, None) => "in force",
            (Recorded::Not, None) => "in force, not yet recorded",
        }
    }
}

/// Why a hold cannot be added or ended.
#[derive(Debug)]
pub enum HoldError {
    Io(io::Error),
    /// What is wrong with the request.
    Wrong(String),
}

impl From<io::Error> for HoldError {
    fn from(error: io::Error) -> Self {
        HoldError::Io(error)
    }
}

fn path_of(directory: &Path, id: &str) -> PathBuf {
    directory.join(format!("hold-{id}.json"))
}

/// The id in a file's name; `None` for other files.
fn id_of(name: &str) -> Option<&str> {
    name.strip_prefix("hold-")?.strip_suffix(".json")
}

/// All holds, ended ones included, and the ids of files that are none.
pub fn holds(directory: &Path) -> io::Result<(Vec<Hold>, Vec<String>)> {
    let (mut holds, mut broken) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(id) = name.to_str().and_then(id_of) else { continue };
        let fits = entry.metadata()?.len() <= limits::HOLD_BYTES;
        let text = if fits { disk::read_regular_text(&entry.path()).ok() } else { None };
        let hold = text.and_then(|text| serde_json::from_str::<Hold>(&text).ok());
        match hold.filter(|hold| hold.id == id) {
            Some(hold) => holds.push(hold),
            None => broken.push(id.to_owned()),
        }
    }
    holds.sort_by(|a, b| (a.added, &a.id).cmp(&(b.added, &b.id)));
    broken.sort();
    Ok((holds, broken))
}

fn lock(directory: &Path) -> io::Result<File> {
    let path = directory.join(LOCK_FILE);
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(FILE_MODE)
        .custom_flags(disk::NO_WAIT)
        .open(path)?;
    file.lock()?;
    Ok(file)
}

/// Writes a hold, whole or not at all.
fn write(directory: &Path, hold: &Hold) -> io::Result<()> {
    let path = path_of(directory, &hold.id);
    let draft = directory.join(format!("hold-{}.json.new", hold.id));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .custom_flags(disk::NO_WAIT)
        .open(&draft)?;
    writeln!(file, "{}", serde_json::to_string_pretty(hold)?)?;
    file.sync_all()?;
    fs::rename(&draft, &path)?;
    File::open(directory)?.sync_all()
}

/// Adds a hold under an id that none has had.
pub fn add_hold(directory: &Path, hold: &Hold) -> Result<(), HoldError> {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if hold.id.is_empty() || hold.id.len() > limits::HOLD_ID || !plain(&hold.id) {
        let most = limits::HOLD_ID;
        return Err(HoldError::Wrong(format!("an id is 1 to {most} letters, digits, `-`, `_` and `.`")));
    }
    if [&hold.reason, &hold.owner]
        .iter()
        .any(|text| text.trim().is_empty() || text.len() > limits::RECORD_TEXT)
    {
        let most = limits::RECORD_TEXT;
        return Err(HoldError::Wrong(format!("a hold has a reason and an owner of at most {most} bytes")));
    }
    if hold.from.zip(hold.to).is_some_and(|(from, to)| from >= to) {
        return Err(HoldError::Wrong("the time of the records ends before it begins".to_owned()));
    }
    let _lock = lock(directory)?;
    if path_of(directory, &hold.id).exists() {
        return Err(HoldError::Wrong(format!("there is, or was, a hold `{}`", hold.id)));
    }
    Ok(write(directory, hold)?)
}

/// Asks a hold to end.
pub fn end_hold(directory: &Path, id: &str, end: End) -> Result<(), HoldError> {
    let _lock = lock(directory)?;
    let (holds, _) = holds(directory)?;
    let Some(mut hold) = holds.into_iter().find(|hold| hold.id == id) else {
        return Err(HoldError::Wrong(format!("there is no hold `{id}`")));
    };
    if hold.end.is_some() || hold.recorded == Recorded::Ended {
        return Err(HoldError::Wrong(format!("the hold `{id}` has ended already")));
    }
    hold.end = Some(end);
    Ok(write(directory, &hold)?)
}

/// Notes how far the trail knows of a hold; one whose file is gone is written again.
pub(super) fn note(directory: &Path, hold: &Hold, recorded: Recorded) -> io::Result<()> {
    let _lock = lock(directory)?;
    // A command may have asked it to end meanwhile.
    let now = holds(directory)?.0.into_iter().find(|now| now.id == hold.id);
    write(directory, &Hold { recorded, ..now.unwrap_or_else(|| hold.clone()) })
}
