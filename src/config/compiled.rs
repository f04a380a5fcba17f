//! Packs opened and compiled, and the policy compiled against them.

use std::path::PathBuf;
use std::sync::Arc;

use crate::detect::{Matcher, Pack, PackError};
use crate::inspect::{Engine, HeldBytes};
use crate::policy::{Policy, PolicyError};

use super::source::{At, Complaint, Place, Source, read_file};
use super::table::one_of;
use super::{BUILT_IN_NAME, Config};

/// A pack as the configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PackChoice {
    BuiltIn(&'static str),
    File(PathBuf),
}

impl PackChoice {
    /// Every pack of the binary: what holds when the configuration names none.
    pub(super) fn all_built_in() -> Vec<At<PackChoice>> {
        let source = Arc::new(Source { name: BUILT_IN_NAME.to_owned(), text: String::new() });
        let place = Place::new(&source, 0..0, "packs".to_owned());
        let names = Pack::built_in_names().iter();
        names.map(|name| At { value: PackChoice::BuiltIn(name), place: place.clone() }).collect()
    }
}

/// What a flow is judged by.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub matcher: Arc<Matcher>,
    pub policy: Arc<Policy>,
}

impl Compiled {
    /// The engine that flows share from now on.
    #[must_use]
    pub fn engine(
        &self,
        config: &Config,
        key: crate::fingerprint::FingerprintKey,
        held: Arc<HeldBytes>,
    ) -> Engine {
        Engine {
            matcher: Arc::clone(&self.matcher),
            policy: Arc::clone(&self.policy),
            key,
            hold: config.inspect.hold,
            undecodable: config.inspect.undecodable,
            held,
        }
    }
}

/// Compiles packs, then the policy; the policy only when nothing else is wrong, since rules that were misread
/// would be complained of twice.
pub(super) fn compile(config: &Config, mut complaints: Vec<Complaint>) -> Result<Compiled, Vec<Complaint>> {
    let matcher = match matcher(&config.packs) {
        Ok(matcher) => matcher,
        Err(more) => {
            complaints.extend(more);
            return Err(complaints);
        }
    };
    complaints.extend(identifiers(config, &matcher));
    if !complaints.is_empty() {
        return Err(complaints);
    }
    let mut spec = config.policy.clone();
    // Decisions depend on the packs as much as on the configuration.
    spec.hash =
        sha256([spec.hash.as_str()].into_iter().chain(matcher.packs().iter().map(|pack| pack.hash.as_str())));
    match Policy::compile(spec, &matcher) {
        Ok(policy) => Ok(Compiled { matcher: Arc::new(matcher), policy: Arc::new(policy) }),
        Err(errors) => Err(errors.iter().map(|error| policy_complaint(config, error)).collect()),
    }
}

/// Opens and compiles packs; all complaints of all of them at once.
pub(super) fn matcher(choices: &[At<PackChoice>]) -> Result<Matcher, Vec<Complaint>> {
    let mut packs = Vec::new();
    let mut complaints = Vec::new();
    for choice in choices {
        match open(choice) {
            Ok(pack) => packs.push(pack),
            Err(more) => complaints.extend(more),
        }
    }
    if !complaints.is_empty() {
        return Err(complaints);
    }
    Matcher::compile(packs).map_err(|errors| errors.iter().map(pack_complaint).collect())
}

fn open(choice: &At<PackChoice>) -> Result<Pack, Vec<Complaint>> {
    match &choice.value {
        PackChoice::BuiltIn(name) => Pack::built_in(name).ok_or_else(|| {
            let known = one_of(Pack::built_in_names());
            vec![choice.place.complain(format!("unknown pack `{name}`")).expected(known)]
        }),
        PackChoice::File(path) => {
            let text = read_file(path).map_err(|message| {
                vec![choice.place.complain(format!("pack {} {message}", path.display()))]
            })?;
            let file = path.display().to_string();
            Pack::parse(&file, &text).map_err(|errors| errors.iter().map(pack_complaint).collect())
        }
    }
}

fn pack_complaint(error: &PackError) -> Complaint {
    Complaint::elsewhere(&error.file, error.line, error.column, &error.message)
}

/// Complains of identifiers that no pack in use has.
fn identifiers(config: &Config, matcher: &Matcher) -> Vec<Complaint> {
    let known = || matcher.detectors().iter().map(|detector| detector.id.as_str());
    let tags = || matcher.detectors().iter().flat_map(|detector| detector.tags.iter().map(String::as_str));
    let has = |written: &str| {
        if let Some(tag) = written.strip_prefix("tag:") {
            return tags().any(|known| known == tag);
        }
        match written.strip_suffix('*') {
            Some("") => true,
            Some(prefix) => prefix.ends_with('.') && known().any(|id| id.starts_with(prefix)),
            None => known().any(|id| id == written),
        }
    };
    let written = config.origins.iter().flat_map(|origin| &origin.identifiers);
    let unknown = written.filter(|id| !has(&id.value));
    unknown
        .map(|id| {
            let complaint = id.place.complain(format!("no pack in use finds `{}`", id.value));
            let expected = format!("{}, `pack.*`, `tag:…` or `*`", known().collect::<Vec<_>>().join(", "));
            complaint.expected(expected).meant(&id.value, known())
        })
        .collect()
}

/// SHA-256 of texts one after another, each with its length, in hex.
pub(super) fn sha256<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    for text in texts {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    hex(context.finish().as_ref())
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn policy_complaint(config: &Config, error: &PolicyError) -> Complaint {
    let origin = error.rule.and_then(|index| config.origins.get(index));
    match origin {
        Some(origin) => origin.place_of(error.key).complain(&error.message),
        None => {
            let file = config
                .file
                .as_ref()
                .map_or_else(|| BUILT_IN_NAME.to_owned(), |file| file.display().to_string());
            Complaint::elsewhere(&file, 0, 0, &format!("{}: {}", error.key, error.message))
        }
    }
}
