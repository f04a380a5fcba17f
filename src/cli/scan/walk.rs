//! What there is to scan, in an order that does not depend on the machine: names sorted, folders in depth.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One thing that the walk came by.
#[derive(Debug)]
pub(super) enum Entry {
    Stdin,
    File(PathBuf),
    /// A symbolic link, a socket or the like inside a folder: not followed.
    Special,
    Unread(PathBuf, io::Error),
}

impl Entry {
    /// What it goes by in messages.
    pub(super) fn name(&self) -> String {
        match self {
            Entry::Stdin => "-".to_owned(),
            Entry::File(path) | Entry::Unread(path, _) => path.display().to_string(),
            Entry::Special => "a special file".to_owned(),
        }
    }
}

/// Walks paths as given on the command line.
#[derive(Debug)]
pub(super) struct Walk {
    /// The next one last; whether it was named by the user, whose links are followed.
    waiting: Vec<(PathBuf, bool)>,
}

impl Walk {
    pub(super) fn new(paths: &[PathBuf]) -> Walk {
        Walk { waiting: paths.iter().rev().map(|path| (path.clone(), true)).collect() }
    }
}

impl Iterator for Walk {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            let (path, named) = self.waiting.pop()?;
            if named && path.as_os_str() == "-" {
                return Some(Entry::Stdin);
            }
            let metadata = if named { fs::metadata(&path) } else { fs::symlink_metadata(&path) };
            match metadata {
                Ok(metadata) if metadata.is_dir() => match listed(&path) {
                    Ok(paths) => self.waiting.extend(paths.into_iter().map(|path| (path, false))),
                    Err(error) => return Some(Entry::Unread(path, error)),
                },
                // A pipe or a device is read when it was asked for by name.
                Ok(metadata) if metadata.is_file() || named => return Some(Entry::File(path)),
                Ok(_) => return Some(Entry::Special),
                Err(error) => return Some(Entry::Unread(path, error)),
            }
        }
    }
}

/// What a folder holds, last name first: the list is taken from its end.
fn listed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.sort_by(|a, b| b.cmp(a));
    Ok(paths)
}
