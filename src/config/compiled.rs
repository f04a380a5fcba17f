//! Packs opened and compiled, and the policy compiled against them.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::audit::SampleConfig;
use crate::detect::{Confidence, Detector, Matcher};
use crate::inspect::{Engine, HeldBytes};
use crate::policy::{Board, Budgets, Policy, PolicyError};

use super::packs::PackSet;
use super::source::{At, Complaint};
use super::{BUILT_IN_NAME, Config};

/// What a flow is judged by.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub matcher: Arc<Matcher>,
    pub policy: Arc<Policy>,
}

impl Compiled {
    /// The engine that flows share from now on, with nothing laid over its policy.
    #[must_use]
    pub fn engine(
        &self,
        config: &Config,
        key: crate::fingerprint::FingerprintKey,
        budgets: Arc<dyn Budgets>,
        held: Arc<HeldBytes>,
    ) -> Engine {
        Engine {
            matcher: Arc::clone(&self.matcher),
            policy: Arc::clone(&self.policy),
            interceptions: Arc::new(config.interceptions.clone()),
            key,
            hold: config.inspect.hold,
            undecodable: config.inspect.undecodable,
            budgets,
            overlays: Arc::new(Board::default()),
            held,
        }
    }

    /// Tells the jar of samples which values of these packs it is to keep, and of which there must be none.
    pub fn sample(&self, samples: &SampleConfig) {
        let detectors = self.matcher.detectors();
        let asked = |detector: &&Detector| samples.identifiers.iter().any(|written| names(written, detector));
        let (wanted, barred) = (detectors.iter().filter(asked), detectors.iter().filter(|d| is_sensitive(d)));
        samples.jar.want(wanted.map(|detector| &*detector.id), barred.map(|detector| &*detector.id));
    }
}

/// Whether what was written for identifiers means a detector.
fn names(written: &str, detector: &Detector) -> bool {
    match (written.strip_prefix("tag:"), written.strip_suffix('*')) {
        (Some(tag), _) => detector.tags.iter().any(|own| own == tag),
        (None, Some(prefix)) => detector.id.starts_with(prefix),
        (None, None) => detector.id == written,
    }
}

/// Compiles packs, then the policy; the policy only when nothing else is wrong, since rules that were misread
/// would be complained of twice.
pub(super) fn compile(config: &Config, mut complaints: Vec<Complaint>) -> Result<Compiled, Vec<Complaint>> {
    let matcher = match PackSet::open(&config.packs, &config.pack_keys) {
        Ok(set) => {
            // A detector that does not find what it says it does would let pass what it was written for.
            complaints.extend(set.own_failures());
            set.matcher
        }
        Err(more) => {
            complaints.extend(more);
            return Err(complaints);
        }
    };
    complaints.extend(identifiers(config, &matcher));
    complaints.extend(barred(config, &matcher));
    if !complaints.is_empty() {
        return Err(complaints);
    }
    let mut spec = config.policy.clone();
    // What no rule counts is not looked for; without such a rule, what is sure enough to be told of.
    let floor = spec.rules.iter().map(|rule| rule.confidence).min().unwrap_or(Confidence::Medium);
    let matcher = matcher.reporting(floor.min(Confidence::Medium));
    // Decisions depend on the packs as much as on the configuration.
    spec.hash =
        sha256([spec.hash.as_str()].into_iter().chain(matcher.packs().iter().map(|pack| pack.hash.as_str())));
    match Policy::compile(spec, &matcher) {
        Ok(policy) => Ok(Compiled { matcher: Arc::new(matcher), policy: Arc::new(policy) }),
        Err(errors) => Err(errors.iter().map(|error| policy_complaint(config, error)).collect()),
    }
}

/// Complains of identifiers that no pack in use has.
fn identifiers(config: &Config, matcher: &Matcher) -> Vec<Complaint> {
    let known = || matcher.detectors().iter().map(|detector| detector.id.as_str());
    let has = |written: &str| {
        if let Some(tag) = written.strip_prefix("tag:") {
            return matcher.detectors().iter().any(|detector| detector.tags.iter().any(|known| known == tag));
        }
        match written.strip_suffix('*') {
            Some("") => true,
            Some(prefix) => prefix.ends_with('.') && known().any(|id| id.starts_with(prefix)),
            None => known().any(|id| id == written),
        }
    };
    let written = config.origins.iter().flat_map(|origin| &origin.identifiers).chain(&config.sampled);
    let unknown = written.filter(|id| !has(&id.value)).map(|id| unknown_identifier(id, matcher));
    unknown.chain(config.names.identifiers(matcher)).collect()
}

/// The complaint about an identifier that no pack in use has. There are too many to name them all.
pub(super) fn unknown_identifier(written: &At<String>, matcher: &Matcher) -> Complaint {
    let detectors = matcher.detectors();
    let packs: BTreeSet<&str> =
        detectors.iter().filter_map(|detector| detector.id.split('.').next()).collect();
    let tags: BTreeSet<&str> =
        detectors.iter().flat_map(|detector| &detector.tags).map(String::as_str).collect();
    let ids = detectors.iter().map(|detector| detector.id.clone());
    let known = ids
        .chain(packs.iter().map(|pack| format!("{pack}.*")))
        .chain(tags.iter().map(|tag| format!("tag:{tag}")));
    let known: Vec<String> = known.collect();
    let complaint = written.place.complain(format!("no pack in use finds `{}`", written.value));
    let all: Vec<String> = packs.iter().map(|pack| format!("`{pack}.*`")).collect();
    let expected = format!("one of `tidegate pack list`, {}, `tag:…` or `*`", all.join(", "));
    complaint.expected(expected).meant(&written.value, known.iter().map(String::as_str))
}

/// The tag of detectors whose values are never kept, in any form (sensitive authentication data, PCI DSS 3.3.1).
const SENSITIVE: &str = "sad";
/// The same by name, for packs that have no tags.
const SENSITIVE_NAMES: [&str; 2] = ["payment.cvv", "payment.track"];

fn is_sensitive(detector: &Detector) -> bool {
    let named = SENSITIVE_NAMES.iter().any(|name| detector.id.starts_with(name));
    named || detector.tags.iter().any(|tag| tag == SENSITIVE)
}

/// Complains of what is asked to be sampled and never is.
fn barred(config: &Config, matcher: &Matcher) -> Vec<Complaint> {
    let is_barred = |written: &&At<String>| {
        matcher.detectors().iter().any(|detector| detector.id == written.value && is_sensitive(detector))
    };
    let complain = |written: &At<String>| {
        let what = format!("`{}` is sensitive authentication data, which is never kept", written.value);
        written.place.complain(what).expected("other identifiers")
    };
    config.sampled.iter().filter(is_barred).map(complain).collect()
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

pub(super) fn sha256_of(bytes: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().to_vec()
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
