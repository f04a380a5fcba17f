//! `tidegate check`: configuration, packs, keys, issuer, ports: all complaints at once, nothing changed.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::ask::{self, Format};
use super::{ConfigArg, Failure, Output};
use crate::config::{self, Compiled, Complaint, Complaints, Config, keys};
use crate::policy::{Action, RuleSpec};
use crate::tls::UpstreamTls;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate check --config egress.toml
  tidegate check --format json | jq '.faults[]?, .complaints[]?.message'
  tidegate check --print-default > egress.toml

Exits 78 when the configuration or a pack is wrong, 1 when they are right but the machine is not ready for them.")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// Prints the built-in configuration, commented, and does nothing else.
    #[arg(long)]
    print_default: bool,
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    if args.print_default {
        return Ok(output.write_all(config::BUILT_IN.as_bytes())?);
    }
    let (config, compiled) = match config::load(args.config.config.as_deref()) {
        Ok(loaded) => loaded,
        Err(complaints) => {
            if args.format == Format::Json {
                writeln!(output, "{}", refused(&complaints))?;
                output.flush()?;
            }
            return Err(complaints.into());
        }
    };
    let found = Found::look(&config);
    match args.format {
        Format::Text => describe(&config, &compiled, &found, output)?,
        Format::Json => writeln!(output, "{}", json(&config, &compiled, &found))?,
    }
    if found.faults.is_empty() {
        if args.format == Format::Text {
            writeln!(output, "all is well")?;
        }
        return Ok(());
    }
    output.flush()?;
    Err(Failure::negative(found.faults.join("\ntidegate: ")))
}

fn name(config: &Config) -> String {
    config.file.as_ref().map_or_else(|| "built in".to_owned(), |file| file.display().to_string())
}

fn describe(config: &Config, compiled: &Compiled, found: &Found, output: &mut Output) -> Result<(), Failure> {
    let (name, mode, rules) = (name(config), config.policy.mode.as_str(), config.policy.rules.len());
    writeln!(output, "configuration  {name}: {mode}, {rules} rules")?;
    writeln!(output, "policy         {}", compiled.policy.hash())?;
    for warning in &found.warnings {
        writeln!(output, "warning        {warning}")?;
    }
    for exemption in exemptions(config) {
        writeln!(output, "exemption      {}", exemption.line(found.now))?;
    }
    if let Some(samples) = &config.audit.samples {
        let (ids, key) = (samples.identifiers.join(", "), samples.key.display());
        writeln!(output, "samples        {ids} of what is decided on, sealed to {key}")?;
    }
    for pack in compiled.matcher.packs() {
        let signed = pack.signed_by.as_ref().map_or_else(String::new, |id| format!(", signed by {id}"));
        writeln!(output, "pack           {} {} {}{signed}", pack.name, pack.version, pack.hash)?;
    }
    for path in &found.missing {
        writeln!(output, "first run      will make {}", path.display())?;
    }
    Ok(())
}

/// The same for programs.
fn json(config: &Config, compiled: &Compiled, found: &Found) -> Value {
    let packs = compiled.matcher.packs().iter().map(|pack| {
        let (name, version) = (&pack.name, &pack.version);
        json!({ "name": name, "version": version, "hash": pack.hash, "signed_by": pack.signed_by })
    });
    json!({
        "ok": found.faults.is_empty(),
        "configuration": name(config),
        "mode": config.policy.mode.as_str(),
        "rules": config.policy.rules.len(),
        "policy": compiled.policy.hash(),
        "warnings": found.warnings,
        "exemptions": exemptions(config).map(|exemption| exemption.json()).collect::<Value>(),
        "samples": config.audit.samples.as_ref().map(|samples| {
            json!({ "identifiers": samples.identifiers, "key": samples.key.display().to_string() })
        }),
        "packs": packs.collect::<Value>(),
        "first_run_makes": found.missing.iter().map(|path| path.display().to_string()).collect::<Value>(),
        "faults": found.faults,
    })
}

/// What is wrong with a configuration, for programs.
fn refused(complaints: &Complaints) -> Value {
    let complaints = complaints.0.iter().map(Complaint::masked).map(|complaint| {
        json!({
            "file": complaint.file,
            "line": complaint.line,
            "column": complaint.column,
            "key": complaint.key,
            "message": complaint.message,
            "expected": complaint.expected,
            "similar": complaint.similar,
        })
    });
    json!({ "ok": false, "complaints": complaints.collect::<Value>() })
}

/// What is let pass, where, until when, and who answers for it.
struct Exemption<'c> {
    rule: &'c RuleSpec,
    ends: Option<jiff::Timestamp>,
}

fn exemptions(config: &Config) -> impl Iterator<Item = Exemption<'_>> {
    let exempt = config.policy.rules.iter().filter(|rule| rule.action == Action::Allow);
    exempt.map(|rule| {
        let ends = rule.expires_ms.map(|ms| i64::try_from(ms / 1000).unwrap_or(i64::MAX));
        Exemption { rule, ends: ends.map(|end| jiff::Timestamp::from_second(end).unwrap_or_default()) }
    })
}

impl Exemption<'_> {
    fn line(&self, now: i64) -> String {
        let until = self.ends.map_or_else(
            || "without end".to_owned(),
            |end| {
                let word = if end.as_second() <= now { "ended" } else { "until" };
                // A bare date is its midnight, and reads as if the day were in it.
                let is_midnight = end.as_second().rem_euclid(86_400) == 0;
                let form = if is_midnight { "%Y-%m-%dT00:00Z" } else { "%Y-%m-%dT%H:%M:%SZ" };
                format!("{word} {}", end.strftime(form))
            },
        );
        let rule = self.rule;
        let owner = rule.owner.as_deref().unwrap_or("nobody");
        let why = rule.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        let (what, to) = (rule.identifiers.join(", "), rule.destinations.join(", "));
        format!("{}: {what} to {to}, {until}, {owner}{why}", rule.id)
    }

    fn json(&self) -> Value {
        let rule = self.rule;
        json!({
            "rule": rule.id,
            "identifiers": rule.identifiers,
            "destinations": rule.destinations,
            "expires": self.ends.map(|end| end.to_string()),
            "owner": rule.owner,
            "reason": rule.reason,
        })
    }
}

/// What of the machine fits the configuration, and what does not.
struct Found {
    now: i64,
    warnings: Vec<String>,
    missing: Vec<PathBuf>,
    faults: Vec<String>,
}

impl Found {
    fn look(config: &Config) -> Found {
        let now = jiff::Timestamp::now().as_second();
        let mut warnings = config.warnings(now);
        let (errors, missing) = keys::look(config);
        let mut faults = errors.iter().map(ToString::to_string).collect::<Vec<_>>();
        if let Ok(Some(issuer)) = keys::read_issuer(&config.issuer) {
            let left = issuer.not_after().saturating_sub(now);
            if left <= crate::limits::ISSUER_WARNING.as_secs().cast_signed() {
                let days = left / 86_400;
                warnings.push(format!(
                    "the issuer expires in {days} days; `tidegate issuer rotate` makes the next"
                ));
            }
        }
        if let Err(error) = UpstreamTls::new(&config.upstream.roots, config.upstream.min_tls) {
            faults.push(format!("upstream.roots: {error}"));
        }
        for settings in &config.upstream.destinations {
            let fault = settings.open(&config.upstream).err();
            faults.extend(fault.map(|error| format!("upstream.destination: {error}")));
        }
        if let Some(Err(error)) = config.upstream.parent.as_ref().map(config::ParentSettings::open) {
            faults.push(format!("upstream.parent_credentials: {error}"));
        }
        if !runs(config) {
            faults.extend(ports(config));
        }
        faults.extend(writable("audit", &config.audit.directory));
        faults.extend(config.witness.as_deref().and_then(appendable));
        Found { now, warnings, missing, faults }
    }
}

/// Whether a gate runs that takes the token of this configuration: its ports are in use by right.
fn runs(config: &Config) -> bool {
    let Ok(token) = keys::read_text(&config.admin.token) else { return false };
    ask::answers(config.admin.address, &token)
}

/// Why addresses that are to be listened on cannot be.
pub(super) fn ports(config: &Config) -> Vec<String> {
    let listeners = config.listeners.iter();
    let listeners = listeners.map(|listener| (format!("listener {}", listener.name), listener.address));
    let all = listeners.chain([("admin".to_owned(), config.admin.address)]);
    all.filter_map(|(name, address)| bound(&name, address)).collect()
}

/// Why an address cannot be bound, if it cannot.
fn bound(name: &str, address: SocketAddr) -> Option<String> {
    let error = TcpListener::bind(address).err()?;
    Some(format!("{name}: {address} cannot be bound: {error}"))
}

/// Why the witness cannot be appended to. Its folder is not made: it is to be kept by somebody else.
fn appendable(file: &Path) -> Option<String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let error = match file.exists() {
        true => fs::OpenOptions::new().append(true).open(file).err()?.to_string(),
        false if !folder.exists() => format!("there is no folder {}", folder.display()),
        false => return writable("audit.witness", folder),
    };
    Some(format!("audit.witness: {} cannot be written: {error}", file.display()))
}

/// Why a folder, or the nearest one above it that exists, cannot be written.
fn writable(name: &str, folder: &Path) -> Option<String> {
    let existing = folder.ancestors().find(|folder| folder.exists() || folder.as_os_str().is_empty())?;
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    let probe = existing.join(format!(".tidegate-check-{}", std::process::id()));
    let tried = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&probe)
        .and_then(|_| fs::remove_file(&probe));
    let error = tried.err()?;
    Some(format!("{name}: {} cannot be written: {error}", existing.display()))
}
