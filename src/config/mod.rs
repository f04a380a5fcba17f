//! The configuration: text to a checked [`Config`], and a checked configuration to a compiled policy.
//!
//! May import every floor but `cli`; only `cli` and `main` import it. Two steps: [`raw`](self) values as written,
//! each with its place, then checked. Invariants: every complaint is made at once and names file, line, column and
//! key path; a key is never silently ignored: what this version would not honour is refused; a failed read
//! changes nothing.

mod check;
mod check_audit;
mod check_fields;
mod check_identity;
mod check_listener;
mod check_names;
mod check_rules;
mod check_sink;
mod check_tls;
mod check_upstream;
mod check_ways;
mod compiled;
mod examples;
pub mod keys;
mod packs;
mod raw;
mod raw_rule;
mod raw_sink;
mod raw_upstream;
mod raw_ways;
pub mod rotation;
mod schema;
mod signature;
mod source;
mod starter;
mod table;
mod units;
mod warnings;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use check_sink::{SelftestSettings, SinkSettings};
pub use check_upstream::{DestinationSettings, ParentSettings};
pub use compiled::Compiled;
pub use packs::{PackChoice, PackFiles, PackSet};
pub use schema::schema;
pub use source::{Complaint, Complaints};
pub use units::{show_duration, show_size};

use crate::audit::AuditConfig;
use crate::policy::{Action, Interceptions, PolicySpec};
use crate::proxy::ListenerConfig;
use crate::tls::{MinTls, RootSource};

use keys::KeyError;
use source::{At, Source};
use table::{Log, Table};

/// The built-in configuration, commented: what `run` uses without a file.
pub const BUILT_IN: &str = include_str!("default.toml");
/// What the built-in configuration goes by in complaints.
const BUILT_IN_NAME: &str = "built-in configuration";

/// A checked configuration: plain values, paths already resolved.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file it came from; `None` for the built-in one.
    pub file: Option<PathBuf>,
    pub node: String,
    pub packs: Vec<At<PackChoice>>,
    /// Public keys of whom to believe packs that are not built in; empty: they need no signature.
    pub pack_keys: Vec<At<PathBuf>>,
    pub listeners: Vec<ListenerConfig>,
    pub admin: AdminSettings,
    pub issuer: IssuerFiles,
    pub upstream: UpstreamSettings,
    pub inspect: InspectSettings,
    pub fingerprint_key: PathBuf,
    pub audit: AuditConfig,
    pub audit_key: PathBuf,
    pub state: StateSettings,
    pub sinks: Vec<SinkSettings>,
    pub selftest: SelftestSettings,
    /// Whether a file that has changed is read by itself.
    pub watch: bool,
    /// Time between two heartbeats.
    pub heartbeat: Duration,
    /// A file that each checkpoint is appended to, besides standard output.
    pub witness: Option<PathBuf>,
    pub policy: PolicySpec,
    /// Which tunnels are opened.
    pub interceptions: Interceptions,
    origins: Vec<check_rules::Origin>,
    /// What is sampled, as written.
    sampled: Vec<At<String>>,
    names: check_names::Names,
    /// Whether `[destinations]` has a group of its own.
    groups_named: bool,
    /// Whether the text has any key, and any `[[listener]]`.
    says_something: bool,
    listeners_named: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminSettings {
    pub address: SocketAddr,
    pub token: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What outlives a restart beside records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSettings {
    pub directory: PathBuf,
    pub key: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamSettings {
    pub roots: Vec<RootSource>,
    pub min_tls: MinTls,
    pub allow_addresses: Vec<ipnet::IpNet>,
    pub connect_timeout: Duration,
    /// How long a request that is whole may go without an answer.
    pub first_byte: Duration,
    /// How long a response that is a stream of events may say nothing.
    pub events_idle: Duration,
    pub resolve: HashMap<Arc<str>, Vec<IpAddr>>,
    pub mark: Option<u32>,
    pub destinations: Vec<DestinationSettings>,
    pub parent: Option<ParentSettings>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectSettings {
    pub hold: usize,
    pub hold_idle: Duration,
    pub undecodable: Action,
}

impl Config {
    /// The configuration's text with a rule enforced that is observed, or only for some; else, why it cannot be.
    pub fn promoted(&self, rule: &str) -> Result<String, String> {
        let all = || self.policy.rules.iter().zip(&self.origins);
        let Some((spec, origin)) = all().find(|(spec, _)| spec.id == rule) else {
            let known = all().map(|(spec, _)| spec.id.as_str()).collect::<Vec<_>>();
            return Err(format!("there is no rule `{rule}`; expected {}", table::one_of(&known)));
        };
        if self.policy.mode == crate::policy::Mode::Observe {
            return Err("all rules are observed: `mode` at the top of the file says so".to_owned());
        }
        match (spec.mode, spec.enforce_percent) {
            (Some(crate::policy::Mode::Observe), _) => Ok(origin.place_of("mode").replaced("\"enforce\"")),
            (_, 0..100) => Ok(origin.place_of("enforce_percent").replaced("100")),
            (_, _) => Err(format!("rule `{rule}` is enforced already")),
        }
    }

    /// Whether it may take the place of `before` in a gate that was started with `first`. A full disk, an editor or a
    /// template that fails leaves a file that is empty or cut, which would be taken for the built-in configuration.
    pub fn may_follow(&self, before: &Config, first: &Config) -> Result<(), Complaints> {
        let Some(file) = &self.file else { return Ok(()) };
        let what = if before.says_something && !self.says_something {
            "says nothing, where the one in force does: it was emptied"
        } else if first.listeners_named && !self.listeners_named {
            "has no [[listener]], where the one of the start does: it was cut, or else this takes a restart"
        } else {
            return Ok(());
        };
        Err(Complaints(vec![Complaint::whole(&file.display().to_string(), what)]))
    }

    /// The files and folders that a reload reads.
    pub fn sources(&self) -> impl Iterator<Item = &Path> {
        let packs = self.packs.iter().filter_map(|pack| match &pack.value {
            PackChoice::Path(path) => Some(path.as_path()),
            PackChoice::BuiltIn(_) => None,
        });
        let tls = self.listeners.iter().filter_map(|listener| listener.tls.as_ref());
        let tls = tls.flat_map(crate::tls::ListenerTls::files);
        self.file.as_deref().into_iter().chain(packs).chain(tls)
    }
}

/// Reads a configuration file, or the built-in configuration; packs are not opened.
pub fn read(file: Option<&Path>) -> Result<Config, Complaints> {
    let (config, complaints) = assess(file)?;
    if complaints.is_empty() { Ok(config) } else { Err(sorted(complaints)) }
}

/// Reads a configuration and compiles its packs and policy: everything that can be known without touching keys,
/// sockets or records.
pub fn load(file: Option<&Path>) -> Result<(Config, Compiled), Complaints> {
    let (config, complaints) = assess(file)?;
    compile(config, complaints)
}

/// Like [`read`], of a text; relative paths stand against `folder`.
pub fn read_text(name: &str, text: &str, folder: &Path) -> Result<Config, Complaints> {
    let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
    let (config, complaints) = judge(&source, None, folder)?;
    if complaints.is_empty() { Ok(config) } else { Err(sorted(complaints)) }
}

/// Like [`load`], of a text; relative paths stand against `folder`.
pub fn load_text(name: &str, text: &str, folder: &Path) -> Result<(Config, Compiled), Complaints> {
    let source = Arc::new(Source { name: name.to_owned(), text: text.to_owned() });
    let (config, complaints) = judge(&source, None, folder)?;
    compile(config, complaints)
}

/// The packs of a configuration alone.
pub fn packs(config: &Config) -> Result<PackSet, Complaints> {
    PackSet::open(&config.packs, &config.pack_keys).map_err(sorted)
}

/// Packs named as in `packs`: built-in names, or paths relative to the working directory. They are held to the keys
/// that `config` trusts.
pub fn packs_of(names: &[String], config: Option<&Config>) -> Result<PackSet, Complaints> {
    let log = Log::default();
    let packs = check::packs_of(names, &log);
    let complaints = log.take();
    let said =
        |complaints: Vec<Complaint>| sorted(complaints.into_iter().map(Complaint::of_argument).collect());
    if !complaints.is_empty() {
        return Err(said(complaints));
    }
    let trust = config.map(|config| config.pack_keys.as_slice()).unwrap_or_default();
    PackSet::open(&packs, trust).map_err(said)
}

fn compile(config: Config, complaints: Vec<Complaint>) -> Result<(Config, Compiled), Complaints> {
    let compiled = compiled::compile(&config, complaints).map_err(sorted)?;
    Ok((config, compiled))
}

fn assess(file: Option<&Path>) -> Result<(Config, Vec<Complaint>), Complaints> {
    let Some(path) = file else {
        let source = Source { name: BUILT_IN_NAME.to_owned(), text: BUILT_IN.to_owned() };
        return judge(&Arc::new(source), None, Path::new(""));
    };
    let name = path.display().to_string();
    let text =
        source::read_file(path).map_err(|message| Complaints(vec![Complaint::whole(&name, message)]))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    judge(&Arc::new(Source { name, text }), Some(path.to_owned()), folder)
}

/// Text to a configuration and all that is wrong with it; complaints alone when the text is not TOML.
fn judge(
    source: &Arc<Source>,
    file: Option<PathBuf>,
    folder: &Path,
) -> Result<(Config, Vec<Complaint>), Complaints> {
    let log = Log::default();
    match Table::document(source, &log) {
        Some(table) => {
            let says_something = !table.is_blank();
            let raw = raw::Raw::read(table);
            let config = check::check(raw, source, file, folder, &log);
            Ok((Config { says_something, ..config }, log.take()))
        }
        None => Err(sorted(log.take())),
    }
}

/// In the order they were written, each once.
fn sorted(mut complaints: Vec<Complaint>) -> Complaints {
    complaints.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    complaints.dedup();
    Complaints(complaints)
}

#[cfg(test)]
mod arrival_tests;
#[cfg(test)]
mod every_key_tests;
#[cfg(test)]
mod reload_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tls_tests;
