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

/// Puts the next issuer in the place of the one in force, which becomes the previous one. At every moment there is an
/// issuer: what an end half-way leaves, [`settle`] completes.
pub fn activate(files: &IssuerFiles) -> Result<(), KeyError> {
    settle(files)?;
    let next = next(files);
    if keys::read_issuer(&next)?.is_none() {
        let why = "is not there: `tidegate issuer rotate` makes it, and clients must trust it first";
        return Err(KeyError::wrong(&next.certificate, why.to_owned()));
    }
    for step in STEPS {
        step(files)?;
    }
    Ok(())
}

/// Where the certificate of an issuer stands while it is made.
pub(super) fn half(certificate: &Path) -> PathBuf {
    let files = IssuerFiles { certificate: certificate.to_owned(), key: PathBuf::new() };
    beside(&files, "half").certificate
}

/// Gives the certificate of an issuer that is being made its name, if the key beside it is its own.
pub(super) fn complete(files: &IssuerFiles) -> Result<(), KeyError> {
    let half = half(&files.certificate);
    if !half.exists() {
        return Ok(());
    }
    if !files.certificate.exists() {
        if !keys::read_issuer(files).is_ok_and(|issuer| issuer.is_some()) {
            return Ok(());
        }
        // A link fails where a rename would replace.
        let linked = fs::hard_link(&half, &files.certificate);
        linked.map_err(|error| KeyError::io(&files.certificate, "cannot be made", &error))?;
    }
    fs::remove_file(&half).map_err(|error| KeyError::io(&half, "cannot be removed", &error))
}

/// Completes what an [`activate`] that ended half-way left: the next key in force, and its certificate not yet. And what an
/// end left while an issuer was made.
pub fn settle(files: &IssuerFiles) -> Result<(), KeyError> {
    let next = next(files);
    complete(files)?;
    complete(&next)?;
    let half = next.certificate.exists() && !next.key.exists() && files.key.exists();
    let certificate = next.certificate.clone();
    let pair = IssuerFiles { certificate, key: files.key.clone() };
    if half && keys::read_issuer(&pair).is_ok_and(|issuer| issuer.is_some()) {
        rename(&next.certificate, &files.certificate)?;
    }
    Ok(())
}

type Step = fn(&IssuerFiles) -> Result<(), KeyError>;

/// The one in force is copied before anything is moved; the certificate follows its key.
const STEPS: [Step; 4] = [
    |files| copy(&files.key, &previous(files).key),
    |files| copy(&files.certificate, &previous(files).certificate),
    |files| rename(&next(files).key, &files.key),
    |files| rename(&next(files).certificate, &files.certificate),
];

/// With its mode, and whole or not at all.
fn copy(from: &Path, to: &Path) -> Result<(), KeyError> {
    let half = to.with_extension("half");
    fs::copy(from, &half).map_err(|error| KeyError::io(&half, "cannot be written", &error))?;
    rename(&half, to)
}

fn rename(from: &Path, to: &Path) -> Result<(), KeyError> {
    fs::rename(from, to).map_err(|error| KeyError::io(from, "cannot be moved", &error))
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

    #[test]
    fn an_end_half_way_leaves_an_issuer_and_is_completed() {
        for done in 0..=STEPS.len() {
            let folder = tempfile::tempdir().unwrap();
            let (certificate, key) = (folder.path().join("issuer.pem"), folder.path().join("issuer.key"));
            let files = IssuerFiles { certificate, key };
            keys::make_issuer(&files, "t").unwrap();
            keys::make_issuer(&next(&files), "t").unwrap();
            let id = |files: &IssuerFiles| keys::read_issuer(files).unwrap().unwrap().sha256();
            let (first, second) = (id(&files), id(&next(&files)));
            STEPS.iter().take(done).for_each(|step| step(&files).unwrap());
            settle(&files).unwrap();
            assert_eq!(id(&files), if done < 3 { first.clone() } else { second.clone() }, "{done}");
            if done < 3 {
                activate(&files).unwrap();
            }
            assert_eq!((id(&files), id(&previous(&files))), (second, first), "{done}");
            assert!(keys::read_issuer(&next(&files)).unwrap().is_none());
        }
    }
}
