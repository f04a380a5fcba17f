//! The file of the signing key, and how the next one takes its place: written beside it, named in the trail by the old
//! one, put in its place; then the old one is overwritten. Each step may be the last before a crash.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use zeroize::Zeroizing;

use crate::audit::segment::{self, FILE_MODE};
use crate::audit::signing::{PublicKey, Signer, generate_signing_key};
use crate::limits;

/// How long each signing key is used, and where it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEpochs {
    pub file: PathBuf,
    pub epoch: Duration,
}

/// The key's file at work.
#[derive(Debug)]
pub(super) struct Keyring {
    epochs: KeyEpochs,
    /// When the key in use began to be used, and how old it was then.
    since: Instant,
    age: Duration,
    /// When a next key was tried to be made in vain.
    tried: Option<Instant>,
}

impl Keyring {
    pub(super) fn new(epochs: &KeyEpochs) -> Keyring {
        // A key is as old as its file; a file from the future is new.
        let made = fs::metadata(&epochs.file).and_then(|metadata| metadata.modified());
        let age = made.ok().and_then(|made| SystemTime::now().duration_since(made).ok()).unwrap_or_default();
        Keyring { epochs: epochs.clone(), since: Instant::now(), age, tried: None }
    }

    /// Whether the key in use has had its time.
    pub(super) fn is_due(&self) -> bool {
        self.since.elapsed().saturating_add(self.age) >= self.epochs.epoch
            && self.tried.is_none_or(|tried| tried.elapsed() >= limits::KEY_RETRY)
    }

    fn next(&self) -> PathBuf {
        segment::beside(&self.epochs.file, "next")
    }

    fn old(&self) -> PathBuf {
        segment::beside(&self.epochs.file, "old")
    }

    /// Makes the next key, safe on disk before anything names it.
    pub(super) fn prepare(&mut self) -> io::Result<Signer> {
        self.tried = Some(Instant::now());
        let key = generate_signing_key().map_err(io::Error::other)?;
        self.write_next(&key)?;
        Signer::from_pkcs8(&key).map_err(io::Error::other)
    }

    /// Writes the next key beside the one in use.
    pub(super) fn write_next(&self, key: &[u8]) -> io::Result<()> {
        let path = self.next();
        erase(&path)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&path)?;
        file.write_all(key)?;
        file.sync_all()?;
        sync_folder(&path)
    }

    /// Takes away what a crash left, where nothing outside names keys.
    pub(super) fn tidy(&mut self) -> io::Result<()> {
        erase(&self.next())?;
        self.bury()
    }

    /// A key was just made.
    pub(super) fn begin(&mut self) {
        (self.since, self.age, self.tried) = (Instant::now(), Duration::ZERO, None);
    }

    /// Puts the next key in the place of the one in use, which is overwritten.
    pub(super) fn take_up(&mut self) -> io::Result<()> {
        let (next, old) = (self.next(), self.old());
        if next.exists() {
            self.bury()?;
            fs::hard_link(&self.epochs.file, &old)?;
            fs::rename(&next, &self.epochs.file)?;
            sync_folder(&next)?;
        }
        self.bury()?;
        self.begin();
        Ok(())
    }

    /// Overwrites an old key that a crash has left; one that is still in use keeps its bytes.
    fn bury(&self) -> io::Result<()> {
        let old = self.old();
        match (fs::metadata(&old), fs::metadata(&self.epochs.file)) {
            (Ok(old_one), Ok(used)) if (old_one.dev(), old_one.ino()) == (used.dev(), used.ino()) => {
                fs::remove_file(&old)
            }
            _ => erase(&old),
        }
    }

    /// After a start: the key that the trail asks for, if a crash has left it beside the one given. Whatever else was
    /// left is taken away.
    pub(super) fn recover(&mut self, given: Signer, asked: &PublicKey) -> io::Result<Signer> {
        let path = self.next();
        let next = match read(&path)? {
            Some(key) => Signer::from_pkcs8(&key).ok(),
            None => None,
        };
        match next {
            Some(next) if next.public() == *asked => {
                if given.public() == *asked {
                    // Two names of one key.
                    erase(&path)?;
                    self.bury()?;
                    return Ok(given);
                }
                self.take_up()?;
                Ok(next)
            }
            // Never named: half written, or the trail has lost nothing by it.
            _ if given.public() == *asked => {
                if let Err(error) = erase(&path) {
                    tracing::warn!("a signing key that nothing names cannot be taken away: {error}");
                }
                self.bury()?;
                Ok(given)
            }
            _ => Ok(given),
        }
    }
}

fn read(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() || metadata.len() > limits::KEY_FILE => Ok(None),
        Ok(_) => fs::read(path).map(|key| Some(Zeroizing::new(key))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Overwrites a file and takes it away.
fn erase(path: &Path) -> io::Result<()> {
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let length = usize::try_from(file.metadata()?.len().min(limits::KEY_FILE)).unwrap_or_default();
    file.write_all(&vec![0; length])?;
    file.sync_all()?;
    fs::remove_file(path)?;
    sync_folder(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
