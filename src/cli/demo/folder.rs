//! A folder of the demo's own, for its owner alone, removed at the end.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};

use crate::cli::Failure;

pub(super) struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Folder {
    pub(super) fn new(keep: bool) -> Result<Folder, Failure> {
        let mut random = [0; 8];
        SystemRandom::new()
            .fill(&mut random)
            .map_err(|_| Failure::unavailable("the system gives no random bytes"))?;
        let path = std::env::temp_dir().join(format!("tidegate-demo-{:016x}", u64::from_be_bytes(random)));
        // Not over an existing one: somebody else may have made it.
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| Failure::file(&path, "cannot be made", &error))?;
        Ok(Folder { path, keep })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            // What is left behind holds keys and records of a demo alone.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
