//! Packs opened: built-in ones, files and folders, with their signatures where keys are trusted.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::audit::{PublicKey, Signer};
use crate::detect::{Matcher, Pack, PackError};
use crate::limits;

use super::source::{At, Complaint, Place, Source, read_file};
use super::table::one_of;
use super::{BUILT_IN_NAME, signature};

/// A pack as the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackChoice {
    BuiltIn(&'static str),
    /// A file, or a folder whose files make one pack.
    Path(PathBuf),
}

impl PackChoice {
    /// What holds when the configuration names no pack.
    pub(super) fn of_default() -> Vec<At<PackChoice>> {
        let source = Arc::new(Source { name: BUILT_IN_NAME.to_owned(), text: String::new() });
        let place = Place::new(&source, 0..0, "packs".to_owned());
        let names = Pack::default_names().iter();
        names.map(|name| At { value: PackChoice::BuiltIn(name), place: place.clone() }).collect()
    }
}

/// The texts that make a pack.
#[derive(Debug)]
pub struct PackFiles {
    /// Where it stands on disk; `None` for a pack that is built in.
    path: Option<PathBuf>,
    is_folder: bool,
    files: Vec<PackFile>,
}

#[derive(Debug)]
struct PackFile {
    /// Within its folder.
    name: String,
    /// What it goes by in complaints, and its text.
    source: Arc<Source>,
}

impl PackFiles {
    /// The files of a pack that is part of the binary.
    pub(super) fn built_in(name: &str) -> PackFiles {
        let file = |(name, text): &(&str, &str)| PackFile {
            name: (*name).to_owned(),
            source: Arc::new(Source { name: (*name).to_owned(), text: (*text).to_owned() }),
        };
        let files = Pack::built_in_files(name).iter().map(file).collect();
        PackFiles { path: None, is_folder: true, files }
    }

    /// Reads a pack file, or every `.toml` file that stands directly in a folder.
    pub fn read(path: &Path) -> Result<PackFiles, String> {
        let is_folder = path.is_dir();
        let paths = if is_folder { toml_files(path)? } else { vec![path.to_owned()] };
        let read = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text =
                read_file(path).map_err(|why| if is_folder { format!("{name} {why}") } else { why })?;
            let source = Arc::new(Source { name: path.display().to_string(), text });
            Ok(PackFile { name, source })
        };
        let (files, wrong): (Vec<_>, Vec<_>) = paths.iter().map(read).partition(Result::is_ok);
        let wrong: Vec<String> = wrong.into_iter().filter_map(Result::err).collect();
        if !wrong.is_empty() {
            return Err(wrong.join("; "));
        }
        let files = files.into_iter().flatten().collect();
        Ok(PackFiles { path: Some(path.to_owned()), is_folder, files })
    }

    /// The checked pack, or everything that is wrong with it, each with its place.
    pub fn parse(&self) -> Result<Pack, Vec<Complaint>> {
        let files = self.files.iter().map(|file| (file.source.name.as_str(), file.source.text.as_str()));
        let files = files.collect::<Vec<_>>();
        // A single file keeps the hash of its own bytes.
        let parsed = match files.as_slice() {
            [(name, text)] if !self.is_folder => Pack::parse(name, text),
            files => Pack::parse_files(files),
        };
        parsed.map_err(|errors| errors.iter().map(|error| self.complaint(error)).collect())
    }

    fn source(&self, file: &str) -> Option<&Arc<Source>> {
        self.files.iter().map(|file| &file.source).find(|source| source.name == file)
    }

    /// A complaint about this pack, with the line that it speaks of.
    #[must_use]
    pub fn complaint(&self, error: &PackError) -> Complaint {
        pack_complaint(error, self.source(&error.file).map(|source| source.text.as_str()))
    }

    /// A complaint about a part of one of the pack's files; `None` when the file is not of this pack.
    #[must_use]
    pub fn complain(&self, file: &str, part: Range<usize>, message: &str) -> Option<Complaint> {
        Some(Place::new(self.source(file)?, part, String::new()).complain(message))
    }

    /// Text of one of the pack's files.
    #[must_use]
    pub fn text(&self, file: &str) -> Option<&str> {
        self.source(file).map(|source| source.text.as_str())
    }

    /// Where the pack stands on disk; `None` for a pack that is built in.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Where the pack's signature stands: beside it.
    #[must_use]
    pub fn signature_path(&self) -> PathBuf {
        let plain = self.path.as_deref().unwrap_or(Path::new("")).components().as_path();
        let mut name = plain.file_name().unwrap_or_default().to_owned();
        name.push(".sig");
        plain.with_file_name(name)
    }

    /// The text of a signature file for what was read.
    #[must_use]
    pub fn sign(&self, key: &Signer) -> String {
        signature::sign(key, &self.message())
    }

    fn message(&self) -> Vec<u8> {
        let files = self.files.iter().map(|file| (file.name.as_str(), file.source.text.as_str()));
        signature::message(self.is_folder, &files.collect::<Vec<_>>())
    }

    /// The id of the trusted key that signed the pack, or why it cannot be trusted.
    pub fn signed_by(&self, keys: &[PublicKey]) -> Result<String, String> {
        let path = self.signature_path();
        let shown = path.display();
        if !path.exists() {
            return Err(format!("the pack is not signed: there is no {shown}"));
        }
        let text = read_file(&path).map_err(|why| format!("the signature {shown} {why}"))?;
        signature::verify(&self.message(), &text, keys).map_err(|why| format!("the signature {shown} {why}"))
    }
}

/// What stands directly in a folder under a name that ends with `.toml`, by name. What of it is no file is complained of when
/// it is read: left out, its detectors would be gone without a word.
fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let cannot = |error| format!("cannot be read: {error}");
    let entries = fs::read_dir(folder).map_err(cannot)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.map_err(cannot)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")));
    // A link that leads nowhere is an editor's lock, by such a name alone.
    paths.retain(|path| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        !name.starts_with(b".#") || path.exists()
    });
    paths.sort();
    match paths.len() {
        0 => Err("holds no .toml file".to_owned()),
        n if n > limits::PACK_FILES => Err(format!("holds {n} .toml files; at most {}", limits::PACK_FILES)),
        _ => Ok(paths),
    }
}

/// Packs in force together: compiled, and the texts they were made of, in the same order.
#[derive(Debug)]
pub struct PackSet {
    pub matcher: Matcher,
    pub files: Vec<PackFiles>,
}

impl PackSet {
    /// Opens and compiles packs; all complaints of all of them at once. With `trust`, whatever is not built in must
    /// be signed by one of its keys.
    pub(super) fn open(choices: &[At<PackChoice>], trust: &[At<PathBuf>]) -> Result<PackSet, Vec<Complaint>> {
        let (packs, files) = open_all(choices, trust)?;
        let complaint = |error: &PackError| {
            let own = files.iter().find(|files| files.source(&error.file).is_some());
            own.map_or_else(|| pack_complaint(error, None), |files| files.complaint(error))
        };
        match Matcher::compile(packs) {
            Ok(matcher) => Ok(PackSet { matcher, files }),
            Err(errors) => Err(errors.iter().map(complaint).collect()),
        }
    }

    /// A complaint about a part of the file that a detector stands in.
    #[must_use]
    pub fn complain(&self, file: &str, part: Range<usize>, message: &str) -> Complaint {
        let placed = self.files.iter().find_map(|files| files.complain(file, part.clone(), message));
        placed.unwrap_or_else(|| Complaint::elsewhere(file, 0, 0, message))
    }
}

fn open_all(
    choices: &[At<PackChoice>],
    trust: &[At<PathBuf>],
) -> Result<(Vec<Pack>, Vec<PackFiles>), Vec<Complaint>> {
    let keys = trusted(trust)?;
    let keys = (!trust.is_empty()).then_some(keys.as_slice());
    let (mut packs, mut files, mut complaints) = (Vec::new(), Vec::new(), Vec::new());
    for choice in choices {
        match open(choice, keys) {
            Ok((pack, read)) => {
                packs.push(pack);
                files.push(read);
            }
            Err(more) => complaints.extend(more),
        }
    }
    if complaints.is_empty() { Ok((packs, files)) } else { Err(complaints) }
}

fn open(choice: &At<PackChoice>, keys: Option<&[PublicKey]>) -> Result<(Pack, PackFiles), Vec<Complaint>> {
    match &choice.value {
        PackChoice::BuiltIn(name) => {
            let known = one_of(Pack::built_in_names());
            let unknown = || vec![choice.place.complain(format!("unknown pack `{name}`")).expected(known)];
            Pack::built_in(name).map(|pack| (pack, PackFiles::built_in(name))).ok_or_else(unknown)
        }
        PackChoice::Path(path) => {
            let refuse = |why: String| vec![choice.place.complain(format!("pack {}: {why}", path.display()))];
            let files = PackFiles::read(path).map_err(refuse)?;
            // Nothing is made of a text before it is known to be the one that was signed.
            let signed_by = keys.map(|keys| files.signed_by(keys)).transpose().map_err(refuse)?;
            let mut pack = files.parse()?;
            pack.signed_by = signed_by;
            Ok((pack, files))
        }
    }
}

fn trusted(paths: &[At<PathBuf>]) -> Result<Vec<PublicKey>, Vec<Complaint>> {
    let (mut keys, mut complaints) = (Vec::new(), Vec::new());
    for At { value: path, place } in paths {
        let text = read_file(path);
        match text.and_then(|text| PublicKey::from_pem(&text).map_err(|error| error.to_string())) {
            Ok(key) => keys.push(key),
            Err(why) => {
                let complaint = place.complain(format!("{}: {why}", path.display()));
                complaints.push(
                    complaint.expected("an Ed25519 public key in PEM: `tidegate pack keygen` makes one"),
                );
            }
        }
    }
    if complaints.is_empty() { Ok(keys) } else { Err(complaints) }
}

/// A complaint about a pack, with its line when the text is at hand.
fn pack_complaint(error: &PackError, text: Option<&str>) -> Complaint {
    let complaint = Complaint::elsewhere(&error.file, error.line, error.column, &error.message);
    match text {
        Some(text) if error.line > 0 => complaint.shown(text, error.width),
        Some(_) | None => complaint,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_of_a_folder_cannot_be_read_is_named_all_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let pack = Pack::built_in_files("payment").first().unwrap().1;
        fs::write(at("a.toml"), pack).unwrap();
        fs::write(at("notes.md"), "# no pack").unwrap();
        fs::create_dir(at("folder")).unwrap();
        assert_eq!(PackFiles::read(folder.path()).unwrap().files.len(), 1);
        symlink("/nowhere/at/all", at(".#a.toml")).unwrap();
        assert_eq!(PackFiles::read(folder.path()).unwrap().files.len(), 1, "an editor's lock is no pack");
        symlink(at("a.toml"), at("link.toml")).unwrap();
        assert_eq!(PackFiles::read(folder.path()).unwrap().files.len(), 2);
        symlink("/nowhere/at/all", at("dangling.toml")).unwrap();
        symlink("/dev/full", at("device.toml")).unwrap();
        fs::create_dir(at("within.toml")).unwrap();
        fs::write(at("B.TOML"), [0xff]).unwrap();
        let why = PackFiles::read(folder.path()).unwrap_err();
        for name in ["dangling.toml", "device.toml", "within.toml", "B.TOML"] {
            assert!(why.contains(name), "{name}: {why}");
        }
        assert!(!why.contains("link.toml") && !why.contains("a.toml"), "{why}");
    }
}
