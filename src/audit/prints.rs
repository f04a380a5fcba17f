//! Fingerprints as records show them: hashed once more under a key of their tenant and time. When its time is over the key
//! is overwritten, and nobody, with whatever else they have, can try values against the records of that time.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::audit::chain::sha256;
use crate::audit::keyring::{KeyEpochs, Keyring};
use crate::audit::segment::FILE_MODE;
use crate::audit::text::{from_hex, hex};
use crate::fingerprint::Fingerprint;
use crate::platform::disk;

const TENANT: &[u8] = b"tidegate.fingerprint.tenant.v1\0";
const RECORD: &[u8] = b"tidegate.fingerprint.record.v1\0";
const EPOCH: &[u8] = b"tidegate.fingerprint.epoch.v1\0";

/// The key of now.
#[derive(Debug)]
pub(super) struct Epoch {
    key: hmac::Key,
    /// Names it in records: fingerprints compare within one epoch and one tenant.
    id: String,
}

impl Epoch {
    fn new(secret: &[u8; 32]) -> Epoch {
        let id = sha256(&[EPOCH, secret].concat()).first_chunk::<4>().map(|short| hex(short));
        Epoch { key: hmac::Key::new(hmac::HMAC_SHA256, secret), id: id.unwrap_or_default() }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The key of a tenant.
    pub(super) fn of(&self, tenant: &str) -> TenantKey {
        let tag = hmac::sign(&self.key, &[TENANT, tenant.as_bytes()].concat());
        TenantKey(hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref()))
    }
}

/// The key of one tenant's records.
#[derive(Debug)]
pub(super) struct TenantKey(hmac::Key);

impl TenantKey {
    /// What a record shows of a value.
    pub(super) fn shown(&self, identifier: &str, fingerprint: &Fingerprint) -> Fingerprint {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(RECORD);
        context.update(identifier.as_bytes());
        context.update(b"\0");
        context.update(fingerprint.as_bytes());
        let tag = context.sign();
        Fingerprint::from_tag(tag.as_ref())
    }
}

/// The keys of a gate's records, one after the other.
#[derive(Debug)]
pub(super) struct Prints {
    ring: Mutex<Keyring>,
    now: ArcSwap<Epoch>,
}

impl Prints {
    /// Reads the key in use, or makes one.
    pub(super) fn open(epochs: &KeyEpochs) -> io::Result<Prints> {
        let mut ring = Keyring::new(epochs);
        ring.tidy()?;
        let secret = match read(epochs)? {
            Some(secret) => secret,
            None => {
                let secret = random()?;
                disk::create(&epochs.file, hex(secret.as_ref()).as_bytes(), FILE_MODE)?;
                ring.begin();
                secret
            }
        };
        let prints = Prints { ring: Mutex::new(ring), now: ArcSwap::from_pointee(Epoch::new(&secret)) };
        prints.renew()?;
        Ok(prints)
    }

    pub(super) fn now(&self) -> Arc<Epoch> {
        self.now.load_full()
    }

    /// Makes the next key when the one in use has had its time, which is then overwritten.
    pub(super) fn renew(&self) -> io::Result<Option<Arc<Epoch>>> {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if !ring.is_due() {
            return Ok(None);
        }
        let secret = random()?;
        ring.write_next(hex(secret.as_ref()).as_bytes())?;
        ring.take_up()?;
        let epoch = Arc::new(Epoch::new(&secret));
        self.now.store(Arc::clone(&epoch));
        Ok(Some(epoch))
    }
}

fn random() -> io::Result<Zeroizing<[u8; 32]>> {
    let mut secret = Zeroizing::new([0; 32]);
    let filled = SystemRandom::new().fill(secret.as_mut());
    filled.map_err(|_| io::Error::other("the system gives no random bytes"))?;
    Ok(secret)
}

fn read(epochs: &KeyEpochs) -> io::Result<Option<Zeroizing<[u8; 32]>>> {
    let text = match fs::metadata(&epochs.file) {
        Ok(metadata) if metadata.is_file() && metadata.len() == 0 => {
            tracing::warn!(file = %epochs.file.display(), "the key of fingerprints is empty; it is made anew");
            fs::remove_file(&epochs.file)?;
            return Ok(None);
        }
        Ok(metadata) if metadata.mode() & 0o077 != 0 => {
            return Err(io::Error::other("others may read it; make it yours alone: chmod 600"));
        }
        Ok(_) => Zeroizing::new(disk::read_regular(&epochs.file)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let secret =
        from_hex::<32>(text.trim_ascii()).ok_or_else(|| io::Error::other("is not 64 hexadecimal digits"))?;
    Ok(Some(Zeroizing::new(secret)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::audit::tests::temp;
    use crate::fingerprint::FingerprintKey;

    #[test]
    fn values_compare_within_one_tenant_epoch_and_identifier_alone() {
        let folder = temp();
        let file = folder.path().join("print.key");
        let epochs = KeyEpochs { file: file.clone(), epoch: Duration::from_secs(3600) };
        let value = FingerprintKey::new(&[7; 32]).of("a", b"1");
        let shown = |prints: &Prints, tenant: &str, identifier: &str| {
            prints.now().of(tenant).shown(identifier, &value)
        };
        let prints = Prints::open(&epochs).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        let first = shown(&prints, "red", "a");
        assert_eq!(shown(&Prints::open(&epochs).unwrap(), "red", "a"), first, "a restart changes nothing");
        assert_ne!(first, value);
        assert_ne!(first, shown(&prints, "blue", "a"));
        assert_ne!(first, shown(&prints, "red", "b"));
        assert!(prints.renew().unwrap().is_none(), "its time is not over");
        // Over: the next start has another key, and the bytes of the old one are gone.
        let old = fs::File::open(&file).unwrap();
        let aged = std::time::SystemTime::now() - Duration::from_secs(7200);
        fs::File::options().append(true).open(&file).unwrap().set_modified(aged).unwrap();
        let next = Prints::open(&epochs).unwrap();
        assert_ne!((next.now().id(), shown(&next, "red", "a")), (prints.now().id(), first));
        let mut bytes = [1; 64];
        std::os::unix::fs::FileExt::read_exact_at(&old, &mut bytes, 0).unwrap();
        assert_eq!(bytes, [0; 64]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_whose_making_ended_half_way_is_made_by_the_next_start() {
        let folder = temp();
        let file = folder.path().join("certs/print.key");
        let epochs = KeyEpochs { file: file.clone(), epoch: Duration::from_secs(3600) };
        let first = Prints::open(&epochs).unwrap().now().id().to_owned();
        fs::write(&file, "").unwrap();
        let next = Prints::open(&epochs).unwrap().now().id().to_owned();
        assert_ne!(next, first);
        assert_eq!(Prints::open(&epochs).unwrap().now().id(), next);
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_is_no_key_of_ones_own_is_refused() {
        let folder = temp();
        let file = folder.path().join("print.key");
        let epochs = KeyEpochs { file: file.clone(), epoch: Duration::from_secs(3600) };
        fs::write(&file, "00").unwrap();
        let mode =
            |mode| fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        mode(0o644);
        assert!(Prints::open(&epochs).unwrap_err().to_string().contains("chmod 600"));
        mode(0o600);
        assert!(Prints::open(&epochs).unwrap_err().to_string().contains("hexadecimal"));
    }
}
