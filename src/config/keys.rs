//! Secrets on disk: files of mode 0600, made on first run and never overwritten.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::compiled::hex;
use super::{Config, IssuerFiles, rotation};

use crate::audit::{self, SampleKey, SampleOpener, Signer, generate_signing_key};
use crate::fingerprint::FingerprintKey;
use crate::limits;
use crate::platform::disk;
use crate::tls::Issuer;

/// Everything secret that a running gate needs.
pub struct Keys {
    pub issuer: Issuer,
    /// PKCS#8.
    pub audit: Zeroizing<Vec<u8>>,
    pub fingerprint: FingerprintKey,
    pub admin_token: Zeroizing<String>,
    /// Of what outlives a restart beside records; never that of fingerprints, which may be changed.
    pub state: FingerprintKey,
    /// Of each sink, in order.
    pub sinks: Vec<Option<Arc<Zeroizing<String>>>>,
    /// Files that did not exist before.
    pub made: Vec<PathBuf>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("made", &self.made).finish_non_exhaustive()
    }
}

/// Why a secret cannot be used.
#[derive(Debug)]
pub struct KeyError {
    pub path: PathBuf,
    pub message: String,
    /// Whether the operating system failed, rather than the file being wrong.
    pub is_io: bool,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.message)
    }
}

impl std::error::Error for KeyError {}

impl KeyError {
    pub(super) fn wrong(path: &Path, message: impl Into<String>) -> KeyError {
        KeyError { path: path.to_owned(), message: message.into(), is_io: false }
    }

    fn missing(path: &Path) -> KeyError {
        KeyError {
            path: path.to_owned(),
            message: "cannot be read: there is no such file".to_owned(),
            is_io: true,
        }
    }

    fn there(path: &Path) -> KeyError {
        let message = "cannot be made: it is there already".to_owned();
        KeyError { path: path.to_owned(), message, is_io: true }
    }

    pub(super) fn io(path: &Path, doing: &str, error: &io::Error) -> KeyError {
        KeyError { path: path.to_owned(), message: format!("{doing}: {error}"), is_io: true }
    }
}

/// Opens every secret; those that are missing are made. All errors at once.
pub fn open(config: &Config) -> Result<Keys, Vec<KeyError>> {
    let mut made = Vec::new();
    let mut errors = Vec::new();
    let issuer = issuer(config, &mut made).map_err(|error| errors.push(error)).ok();
    let audit = audit_key(config, &mut made).map_err(|error| errors.push(error)).ok();
    let fingerprint =
        fingerprint_key(&config.fingerprint_key, &mut made).map_err(|error| errors.push(error)).ok();
    let admin_token = admin_token(&config.admin.token, &mut made).map_err(|error| errors.push(error)).ok();
    let state = fingerprint_key(&config.state.key, &mut made).map_err(|error| errors.push(error)).ok();
    let secret = |path: &PathBuf| read_sink_secret(path).map(Arc::new);
    let sinks = config.sinks.iter().map(|sink| sink.secret.as_ref().map(secret).transpose());
    let sinks = sinks.collect::<Result<Vec<_>, _>>().map_err(|error| errors.push(error)).ok();
    match (issuer, audit, fingerprint, admin_token, state, sinks) {
        (Some(issuer), Some(audit), Some(fingerprint), Some(admin_token), Some(state), Some(sinks)) => {
            Ok(Keys { issuer, audit, fingerprint, admin_token, state, sinks, made })
        }
        _ => Err(errors),
    }
}

/// Says what is wrong with the bytes of a secret.
type Judge = fn(&Path, &[u8]) -> Result<(), KeyError>;

/// Looks at every secret without making any: what is wrong, and which files a first run would make.
#[must_use]
pub fn look(config: &Config) -> (Vec<KeyError>, Vec<PathBuf>) {
    let mut errors = Vec::new();
    let mut missing = Vec::new();
    match read_issuer(&config.issuer) {
        Ok(Some(_)) => {}
        Ok(None) => match may_make_issuer(config) {
            Ok(()) => missing.extend([config.issuer.certificate.clone(), config.issuer.key.clone()]),
            Err(error) => errors.push(error),
        },
        Err(error) => errors.push(error),
    }
    let checks: [(&Path, Judge); 4] = [
        (&config.state.key, |path, bytes| parse_fingerprint_key(path, bytes).map(drop)),
        (&config.audit_key, |path, bytes| parse_audit_key(path, bytes).map(drop)),
        (&config.fingerprint_key, |path, bytes| parse_fingerprint_key(path, bytes).map(drop)),
        (&config.admin.token, |path, bytes| parse_token(path, bytes).map(drop)),
    ];
    errors.extend(config.audit.samples.iter().filter_map(|samples| read_sample_key(&samples.key).err()));
    errors.extend(config.sinks.iter().filter_map(|sink| read_sink_secret(sink.secret.as_ref()?).err()));
    for (path, check) in checks {
        match read_secret(path) {
            Ok(Some(bytes)) => errors.extend(check(path, &bytes).err()),
            Ok(None) if path == config.audit_key => match may_make_audit_key(config) {
                Ok(()) => missing.push(path.to_owned()),
                Err(error) => errors.push(error),
            },
            Ok(None) => missing.push(path.to_owned()),
            Err(error) => errors.push(error),
        }
    }
    (errors, missing)
}

/// Opens the fingerprint key, or makes it.
pub fn fingerprint_key(path: &Path, made: &mut Vec<PathBuf>) -> Result<FingerprintKey, KeyError> {
    let bytes = secret(path, made, || Ok(Zeroizing::new(format!("{}\n", *random_hex()?).into_bytes())))?;
    parse_fingerprint_key(path, &bytes)
}

/// Reads a fingerprint key that must be there.
pub fn read_fingerprint_key(path: &Path) -> Result<FingerprintKey, KeyError> {
    let bytes = read_secret(path)?.ok_or_else(|| KeyError::missing(path))?;
    parse_fingerprint_key(path, &bytes)
}

/// Makes a key pair for signing packs, never over an old one; gives the id of its public half.
pub fn make_signing_pair(key: &Path, public: &Path) -> Result<String, KeyError> {
    let wrong = |error: audit::KeyError| KeyError::wrong(key, error.to_string());
    if public.exists() {
        return Err(KeyError::there(public));
    }
    let secret = generate_signing_key().map_err(wrong)?;
    let signer = Signer::from_pkcs8(&secret).map_err(wrong)?;
    create(key, &secret, 0o600)?;
    create(public, signer.public().to_pem().as_bytes(), 0o644)?;
    Ok(signer.public().id())
}

/// Reads a signing key that must be there.
pub fn read_signing_key(path: &Path) -> Result<Signer, KeyError> {
    let bytes = read_secret(path)?.ok_or_else(|| KeyError::missing(path))?;
    parse_audit_key(path, &bytes)
}

/// Makes a key pair for samples, never over an old one; gives the id of its public half.
pub fn make_sample_pair(key: &Path, public: &Path) -> Result<String, KeyError> {
    if public.exists() {
        return Err(KeyError::there(public));
    }
    let opener = SampleOpener::generate().map_err(|error| KeyError::wrong(key, error.to_string()))?;
    create(key, opener.to_pem().as_bytes(), 0o600)?;
    create(public, opener.public().to_pem().as_bytes(), 0o644)?;
    Ok(opener.public().id())
}

/// Reads the public key that samples are sealed to.
fn read_sample_key(path: &Path) -> Result<SampleKey, KeyError> {
    let text = fs::read_to_string(path).map_err(|error| KeyError::io(path, "cannot be read", &error))?;
    SampleKey::from_pem(&text).map_err(|error| KeyError::wrong(path, error.to_string()))
}

/// SHA-256 of bytes, in hex.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    super::compiled::hex(&super::compiled::sha256_of(bytes))
}

/// Reads the private key that opens samples.
pub fn read_sample_opener(path: &Path) -> Result<SampleOpener, KeyError> {
    let bytes = read_secret(path)?.ok_or_else(|| KeyError::missing(path))?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    SampleOpener::from_pem(text).map_err(|error| KeyError::wrong(path, error.to_string()))
}

/// Reads the token or key of a sink: one line.
pub fn read_sink_secret(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let bytes = read_secret(path)?.ok_or_else(|| KeyError::missing(path))?;
    let text = std::str::from_utf8(&bytes).map(str::trim).unwrap_or_default();
    let is_one_line = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    if is_one_line {
        Ok(Zeroizing::new(text.to_owned()))
    } else {
        Err(KeyError::wrong(path, "is not one word on one line"))
    }
}

/// Writes a file that may be read by all, whole or not at all, in place of an old one.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), KeyError> {
    let failed = |error: io::Error| KeyError::io(path, "cannot be written", &error);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let draft = path.with_file_name(name);
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        fs::write(&draft, bytes)?;
        File::open(&draft)?.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(failed)
}

/// A fingerprint key that lives as long as the process.
pub fn random_fingerprint_key() -> Result<FingerprintKey, KeyError> {
    random()
        .map(|secret| FingerprintKey::new(&secret))
        .map_err(|message| KeyError::wrong(Path::new("random"), message))
}

/// Reads the key of the trail; makes one only where no trail can have been signed with another.
fn audit_key(config: &Config, made: &mut Vec<PathBuf>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let path = &config.audit_key;
    if read_secret(path)?.is_none() {
        may_make_audit_key(config)?;
    }
    let bytes = secret(path, made, || generate_signing_key().map_err(|error| error.to_string()))?;
    parse_audit_key(path, &bytes)?;
    Ok(bytes)
}

fn parse_audit_key(path: &Path, bytes: &[u8]) -> Result<Signer, KeyError> {
    Signer::from_pkcs8(bytes).map_err(|error| KeyError::wrong(path, error.to_string()))
}

fn may_make_audit_key(config: &Config) -> Result<(), KeyError> {
    let message = "holds records signed with it; restore it, or begin a new trail in another directory";
    may_make(&config.audit_key, &config.audit.directory, message)
}

fn admin_token(path: &Path, made: &mut Vec<PathBuf>) -> Result<Zeroizing<String>, KeyError> {
    let bytes = secret(path, made, || Ok(Zeroizing::new(format!("{}\n", *random_hex()?).into_bytes())))?;
    parse_token(path, &bytes)
}

/// Reads the issuer; makes one only where no earlier one can have been: a second authority must never appear
/// silently beside records that speak of the first.
fn issuer(config: &Config, made: &mut Vec<PathBuf>) -> Result<Issuer, KeyError> {
    rotation::settle(&config.issuer)?;
    if let Some(issuer) = read_issuer(&config.issuer)? {
        return Ok(issuer);
    }
    may_make_issuer(config)?;
    make_issuer(&config.issuer, &config.node)?;
    made.extend([config.issuer.certificate.clone(), config.issuer.key.clone()]);
    read_issuer(&config.issuer)?
        .ok_or_else(|| KeyError::wrong(&config.issuer.key, "vanished while it was made"))
}

/// The issuer on disk; `None` when neither of its files exists. One whose making ended before its certificate had its
/// name counts: [`rotation::settle`] completes it.
pub fn read_issuer(files: &IssuerFiles) -> Result<Option<Issuer>, KeyError> {
    let key = read_secret(&files.key)?;
    let certificate = match read_file(&files.certificate, |_| Ok(()))? {
        None if key.is_some() => read_file(&rotation::half(&files.certificate), |_| Ok(()))?,
        certificate => certificate,
    };
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            let not_text = |path: &Path| KeyError::wrong(path, "is not PEM text");
            let certificate = std::str::from_utf8(&certificate).map_err(|_| not_text(&files.certificate))?;
            let key = std::str::from_utf8(&key).map_err(|_| not_text(&files.key))?;
            let issuer = Issuer::from_pem(certificate, key);
            issuer.map(Some).map_err(|error| KeyError::wrong(&files.certificate, error.message))
        }
        (None, Some(_)) => Err(half(&files.certificate, &files.key)),
        (Some(_), None) => Err(half(&files.key, &files.certificate)),
    }
}

fn half(missing: &Path, present: &Path) -> KeyError {
    let present = present.display();
    KeyError::wrong(
        missing,
        format!("is missing while {present} exists; restore it, or move the other file away"),
    )
}

/// Makes a new issuer; never over an old one.
pub fn make_issuer(files: &IssuerFiles, node: &str) -> Result<(), KeyError> {
    let (certificate, key) = Issuer::generate(&format!("Tidegate issuer {node}"))
        .map_err(|error| KeyError::wrong(&files.certificate, error.message))?;
    let key = Zeroizing::new(key);
    if files.certificate.exists() {
        return Err(KeyError::there(&files.certificate));
    }
    // A key alone would be half of an issuer that nobody can complete: its certificate is there before it, by another name.
    replace(&rotation::half(&files.certificate), certificate.as_bytes())?;
    create(&files.key, key.as_bytes(), 0o600)?;
    rotation::complete(files)
}

fn may_make_issuer(config: &Config) -> Result<(), KeyError> {
    let message = "holds records made with an issuer; restore both issuer files, or make a new issuer knowingly \
                   with `tidegate issuer init`";
    may_make(&config.issuer.certificate, &config.audit.directory, message)
}

/// Refuses to make what records were made with: nothing new may come silently beside them.
fn may_make(file: &Path, records: &Path, message: &str) -> Result<(), KeyError> {
    let has_records = audit::has_records(records).map_err(|error| {
        let doing = "earlier records, and with them the need for a file, cannot be looked for";
        KeyError::io(records, doing, &error)
    })?;
    if !has_records {
        return Ok(());
    }
    Err(KeyError::wrong(file, format!("is missing, but {} {message}", records.display())))
}

fn parse_fingerprint_key(path: &Path, bytes: &[u8]) -> Result<FingerprintKey, KeyError> {
    let wrong = || KeyError::wrong(path, "is not a fingerprint key: expected 64 hexadecimal digits");
    let text = std::str::from_utf8(bytes).map_err(|_| wrong())?.trim();
    let digits = text.bytes().map(|digit| char::from(digit).to_digit(16)).collect::<Option<Vec<_>>>();
    let digits = Zeroizing::new(digits.filter(|digits| digits.len() == 64).ok_or_else(wrong)?);
    let mut secret = Zeroizing::new([0u8; 32]);
    for (byte, pair) in secret.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().fold(0, |byte, &digit| byte << 4 | u8::try_from(digit).unwrap_or_default());
    }
    Ok(FingerprintKey::new(&secret))
}

fn parse_token(path: &Path, bytes: &[u8]) -> Result<Zeroizing<String>, KeyError> {
    let text = std::str::from_utf8(bytes).unwrap_or_default().trim();
    let is_token = text.len() >= limits::TOKEN_MIN && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_token {
        let expected =
            format!("is not a token: expected at least {} printable characters", limits::TOKEN_MIN);
        return Err(KeyError::wrong(path, expected));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

fn random() -> Result<Zeroizing<[u8; 32]>, String> {
    let mut secret = Zeroizing::new([0u8; 32]);
    SystemRandom::new().fill(secret.as_mut()).map_err(|_| "the system gives no random bytes".to_owned())?;
    Ok(secret)
}

fn random_hex() -> Result<Zeroizing<String>, String> {
    random().map(|secret| Zeroizing::new(hex(secret.as_ref())))
}

/// The secret at `path`, or a new one.
fn secret(
    path: &Path,
    made: &mut Vec<PathBuf>,
    make: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, String>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    if let Some(bytes) = read_secret(path)? {
        return Ok(bytes);
    }
    let bytes = make().map_err(|message| KeyError::wrong(path, format!("cannot be made: {message}")))?;
    create(path, &bytes, 0o600)?;
    made.push(path.to_owned());
    Ok(bytes)
}

/// The bytes of a secret; `None` when there is no such file. Refused when others may read it.
fn read_secret(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    read_file(path, |metadata| {
        let mode = metadata.mode() & 0o777;
        if mode & 0o077 == 0 {
            return Ok(());
        }
        let message = format!(
            "others may read it (mode {mode:04o}); make it yours alone: chmod 600 {}",
            path.display()
        );
        Err(KeyError::wrong(path, message))
    })
}

/// A secret in words, without the space around it.
pub fn read_text(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    let bytes = read_secret(path)?.ok_or_else(|| KeyError::missing(path))?;
    let text = std::str::from_utf8(&bytes).map_err(|_| KeyError::wrong(path, "is not text"))?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// A certificate chain and its key, as PEM; the key must be readable by its owner alone.
pub fn read_pair(chain: &Path, key: &Path) -> Result<(String, Zeroizing<String>), KeyError> {
    let missing = |path: &Path| KeyError::missing(path);
    let text = |path: &Path, bytes: &[u8]| {
        String::from_utf8(bytes.to_vec()).map_err(|_| KeyError::wrong(path, "is not PEM"))
    };
    let secret = read_secret(key)?.ok_or_else(|| missing(key))?;
    let public = read_file(chain, |_| Ok(()))?.ok_or_else(|| missing(chain))?;
    Ok((text(chain, &public)?, Zeroizing::new(text(key, &secret)?)))
}

/// A text that everybody may read, such as certificates.
pub(super) fn read_public(path: &Path) -> Result<String, KeyError> {
    let bytes = read_file(path, |_| Ok(()))?.ok_or_else(|| KeyError::missing(path))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| KeyError::wrong(path, "is not text"))
}

fn read_file(
    path: &Path,
    accept: impl FnOnce(&fs::Metadata) -> Result<(), KeyError>,
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    let failed = |error: &io::Error| KeyError::io(path, "cannot be read", error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
    };
    // Asked of the open file, so that what is judged is what is read.
    let metadata = file.metadata().map_err(|error| failed(&error))?;
    if !metadata.is_file() {
        return Err(KeyError::wrong(path, "is not a file"));
    }
    accept(&metadata)?;
    if metadata.len() > limits::KEY_FILE {
        return Err(KeyError::wrong(path, format!("is longer than any key ({} bytes)", metadata.len())));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(limits::KEY_FILE).unwrap_or_default()));
    file.take(limits::KEY_FILE).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    Ok(Some(bytes))
}

/// Creates a file whole or not at all, never over an old one, and makes it last.
fn create(path: &Path, bytes: &[u8], mode: u32) -> Result<(), KeyError> {
    disk::create(path, bytes, mode).map_err(|error| KeyError::io(path, "cannot be made", &error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn config(folder: &Path) -> Config {
        super::super::read_text("t.toml", "", folder).unwrap()
    }

    #[test]
    fn a_first_run_makes_every_key_for_its_owner_alone_and_a_second_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        assert_eq!(look(&config).1.len(), 6);
        let first = open(&config).unwrap();
        assert_eq!(first.made.len(), 6);
        for path in first.made.iter().filter(|path| **path != config.issuer.certificate) {
            assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o600, "{}", path.display());
        }
        let second = open(&config).unwrap();
        assert!(second.made.is_empty());
        assert_eq!(first.issuer.sha256(), second.issuer.sha256());
        assert_eq!(first.admin_token, second.admin_token);
        assert_eq!(first.fingerprint.of("a", b"b"), second.fingerprint.of("a", b"b"));
        assert_eq!(first.audit, second.audit);
        let (errors, missing) = look(&config);
        assert!(errors.is_empty() && missing.is_empty(), "{errors:?} {missing:?}");
    }

    #[test]
    fn keys_that_others_may_read_are_refused_with_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        open(&config).unwrap();
        let paths = [&config.issuer.key, &config.audit_key, &config.fingerprint_key, &config.admin.token];
        for path in paths {
            fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
        }
        let errors = open(&config).unwrap_err();
        assert_eq!(errors.iter().map(|error| &error.path).collect::<Vec<_>>(), paths);
        for error in errors {
            assert!(error.message.contains("0640") && error.message.contains("chmod 600"), "{error}");
            assert!(!error.is_io);
        }
    }

    #[test]
    fn an_issuer_never_appears_beside_earlier_records_or_half_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        fs::create_dir(&config.audit.directory).unwrap();
        fs::write(config.audit.directory.join("segment-00000000000000000001.jsonl"), "{}\n").unwrap();
        let errors = open(&config).unwrap_err();
        assert!(errors.iter().any(|error| error.message.contains("issuer init")), "{errors:?}");
        assert!(!config.issuer.key.exists() && !config.issuer.certificate.exists());

        make_issuer(&config.issuer, "n").unwrap();
        let errors = open(&config).unwrap_err();
        assert!(errors.iter().any(|error| error.path == config.audit_key), "{errors:?}");
        assert!(look(&config).0.iter().any(|error| error.message.contains("signed with it")));
        create(&config.audit_key, &generate_signing_key().unwrap(), 0o600).unwrap();
        open(&config).unwrap();
        fs::remove_file(&config.issuer.key).unwrap();
        let errors = open(&config).unwrap_err();
        assert_eq!(errors.first().unwrap().path, config.issuer.key);
        assert!(make_issuer(&config.issuer, "n").is_err(), "the certificate is not overwritten");
    }

    #[test]
    fn a_first_run_may_end_at_any_step_and_the_next_one_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let half = rotation::half(&config.issuer.certificate);
        let all = open(&config).unwrap();
        fs::create_dir_all(&config.audit.directory).unwrap();
        // The certificate has not got its name yet.
        fs::rename(&config.issuer.certificate, &half).unwrap();
        assert!(look(&config).0.is_empty(), "{:?}", look(&config));
        assert_eq!(open(&config).unwrap().issuer.sha256(), all.issuer.sha256());
        assert!(config.issuer.certificate.exists() && !half.exists());
        // It has both names.
        fs::copy(&config.issuer.certificate, &half).unwrap();
        assert_eq!(open(&config).unwrap().issuer.sha256(), all.issuer.sha256());
        // The key is not there yet; and the draft of another one was left.
        fs::rename(&config.issuer.certificate, &half).unwrap();
        fs::remove_file(&config.issuer.key).unwrap();
        fs::write(config.issuer.key.with_file_name(".issuer.key.1"), "half a k").unwrap();
        let next = open(&config).unwrap();
        assert_ne!(next.issuer.sha256(), all.issuer.sha256());
        assert!(!half.exists());
        // A certificate that belongs to another key completes nothing.
        let other = tempfile::tempdir().unwrap();
        let files = IssuerFiles { certificate: other.path().join("i.pem"), key: other.path().join("i.key") };
        make_issuer(&files, "n").unwrap();
        fs::remove_file(&config.issuer.certificate).unwrap();
        fs::rename(&files.certificate, &half).unwrap();
        assert_eq!(open(&config).unwrap_err().first().unwrap().path, config.issuer.certificate);
        // Nor does a key alone, which somebody may have brought.
        fs::remove_file(&half).unwrap();
        let errors = open(&config).unwrap_err();
        assert!(errors.first().unwrap().message.contains("is missing while"), "{errors:?}");
    }

    #[test]
    fn what_is_not_a_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        open(&config).unwrap();
        fs::write(&config.fingerprint_key, "0011").unwrap();
        fs::write(&config.admin.token, "short").unwrap();
        fs::write(&config.audit_key, "none").unwrap();
        fs::write(&config.issuer.certificate, [0xff, 0xfe]).unwrap();
        let errors = open(&config).unwrap_err();
        assert_eq!(errors.len(), 4, "{errors:?}");
        assert_eq!(look(&config).0.len(), 4);
    }
}
