//! One issuer gives way to the next: both are trusted for a while, so that no client is ever without.
//!
//! Beside `issuer.pem` stand `issuer.next.pem`, made ahead so that clients can learn of it, and `issuer.previous.pem`,
//! which signed what clients may still hold.

use std::fs;
use std::path::{Path, PathBuf};

use super::IssuerFiles;
use super::keys::{self, KeyError};

/// Where an issuer of another time stands.
fn beside(files: &IssuerFiles, when: &str) -> IssuerFiles {
    let named = |path: &Path| {
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        path.with_extension(if extension.is_empty() {
            when.to_owned()
        } else {
            format!("{when}.{extension}")
        })
    };
    IssuerFiles { certificate: named(&files.certificate), key: named(&files.key) }
}

/// The issuer to come.
#[must_use]
pub fn next(files: &IssuerFiles) -> IssuerFiles {
    beside(files, "next")
}

/// The issuer that was.
#[must_use]
pub fn previous(files: &IssuerFiles) -> IssuerFiles {
    beside(files, "previous")
}

/// Certificates that clients should trust beside the issuer's own, as PEM.
pub fn others(files: &IssuerFiles) -> Result<Vec<String>, KeyError> {
    let mut others = Vec::new();
    for path in [next(files).certificate, previous(files).certificate] {
        match fs::read_to_string(&path) {
            Ok(text) => others.push(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(KeyError::io(&path, "cannot be read", &error)),
        }
    }
    Ok(others)
}

/// Puts the next issuer in the place of the one in force, which becomes the previous one.
pub fn activate(files: &IssuerFiles) -> Result<(), KeyError> {
    let (next, previous) = (next(files), previous(files));
    if keys::read_issuer(&next)?.is_none() {
        let why = "is not there: `tidegate issuer rotate` makes it, and clients must trust it first";
        return Err(KeyError::wrong(&next.certificate, why.to_owned()));
    }
    let moved = |from: &PathBuf, to: &PathBuf| {
        fs::rename(from, to).map_err(|error| KeyError::io(from, "cannot be moved", &error))
    };
    // A gate that starts between two of these finds a pair that does not belong together, and says so.
    moved(&files.key, &previous.key)?;
    moved(&files.certificate, &previous.certificate)?;
    moved(&next.key, &files.key)?;
    moved(&next.certificate, &files.certificate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_issuer_takes_over_and_the_old_one_stays_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let files = IssuerFiles {
            certificate: folder.path().join("issuer.pem"),
            key: folder.path().join("issuer.key"),
        };
        keys::make_issuer(&files, "t").unwrap();
        let first = keys::read_issuer(&files).unwrap().unwrap().sha256();
        assert!(activate(&files).unwrap_err().to_string().contains("issuer.next.pem"));
        assert!(others(&files).unwrap().is_empty());
        keys::make_issuer(&next(&files), "t").unwrap();
        let second = keys::read_issuer(&next(&files)).unwrap().unwrap().sha256();
        assert_eq!(others(&files).unwrap().len(), 1);
        activate(&files).unwrap();
        assert_eq!(keys::read_issuer(&files).unwrap().unwrap().sha256(), second);
        assert_eq!(keys::read_issuer(&previous(&files)).unwrap().unwrap().sha256(), first);
        assert_eq!(others(&files).unwrap().len(), 1);
        assert!(keys::read_issuer(&next(&files)).unwrap().is_none());
    }
}
