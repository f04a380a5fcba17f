//! `tidegate check`: configuration, packs, keys, issuer, ports: all complaints at once, nothing changed.

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use super::{ConfigArg, Failure, Output};
use crate::config::{self, Compiled, Config, keys};
use crate::policy::Action;
use crate::tls::UpstreamTls;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate check --config egress.toml
  tidegate check --print-default > egress.toml

Exits 78 when the configuration or a pack is wrong, 1 when they are right but the machine is not ready for them.")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// Prints the built-in configuration, commented, and does nothing else.
    #[arg(long)]
    print_default: bool,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    if args.print_default {
        return Ok(output.write_all(config::BUILT_IN.as_bytes())?);
    }
    let (config, compiled) = config::load(args.config.config.as_deref())?;
    examples(&compiled)?;
    describe(&config, &compiled, output)?;
    let faults = environment(&config, output)?;
    if faults.is_empty() {
        writeln!(output, "all is well")?;
        return Ok(());
    }
    output.flush()?;
    Err(Failure::negative(faults.join("\ntidegate: ")))
}

/// A pack's examples are its tests.
fn examples(compiled: &Compiled) -> Result<(), Failure> {
    let errors = compiled.matcher.check_examples();
    if errors.is_empty() {
        return Ok(());
    }
    let lines = errors.iter().map(|error| format!("{}:{}: {}", error.file, error.line, error.message));
    Err(Failure::configuration(format!(
        "a pack fails its own examples\n{}",
        lines.collect::<Vec<_>>().join("\n")
    )))
}

fn describe(config: &Config, compiled: &Compiled, output: &mut Output) -> Result<(), Failure> {
    let name = config.file.as_ref().map_or_else(|| "built in".to_owned(), |file| file.display().to_string());
    writeln!(
        output,
        "configuration  {name}: {}, {} rules",
        config.policy.mode.as_str(),
        config.policy.rules.len()
    )?;
    writeln!(output, "policy         {}", compiled.policy.hash())?;
    let now = jiff::Timestamp::now().as_second();
    for warning in config.warnings(now) {
        writeln!(output, "warning        {warning}")?;
    }
    for line in exemptions(config, now) {
        writeln!(output, "exemption      {line}")?;
    }
    if let Some(samples) = &config.audit.samples {
        let (ids, key) = (samples.identifiers.join(", "), samples.key.display());
        writeln!(output, "samples        {ids} of what is decided on, sealed to {key}")?;
    }
    for pack in compiled.matcher.packs() {
        let signed = pack.signed_by.as_ref().map_or_else(String::new, |id| format!(", signed by {id}"));
        writeln!(output, "pack           {} {} {}{signed}", pack.name, pack.version, pack.hash)?;
    }
    Ok(())
}

/// What is let pass, where, until when, and who answers for it.
fn exemptions(config: &Config, now: i64) -> impl Iterator<Item = String> {
    let exempt = config.policy.rules.iter().filter(|rule| rule.action == Action::Allow);
    exempt.map(move |rule| {
        let ends = rule.expires_ms.map(|ms| i64::try_from(ms / 1000).unwrap_or(i64::MAX));
        let until = match ends {
            None => "without end".to_owned(),
            Some(end) => {
                let day = jiff::Timestamp::from_second(end).unwrap_or_default();
                let word = if end <= now { "ended" } else { "until" };
                format!("{word} {}", day.strftime("%Y-%m-%d"))
            }
        };
        let somebody = |who: &Option<String>| who.clone().unwrap_or_else(|| "nobody".to_owned());
        let why = rule.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        let (what, to) = (rule.identifiers.join(", "), rule.destinations.join(", "));
        format!("{}: {what} to {to}, {until}, {}{why}", rule.id, somebody(&rule.owner))
    })
}

/// What of the machine does not fit the configuration.
fn environment(config: &Config, output: &mut Output) -> Result<Vec<String>, Failure> {
    let (errors, missing) = keys::look(config);
    let mut faults = errors.iter().map(ToString::to_string).collect::<Vec<_>>();
    if let Ok(Some(issuer)) = keys::read_issuer(&config.issuer) {
        let left = issuer.not_after().saturating_sub(jiff::Timestamp::now().as_second());
        if left <= crate::limits::ISSUER_WARNING.as_secs().cast_signed() {
            let days = left / 86_400;
            writeln!(
                output,
                "warning        the issuer expires in {days} days; `tidegate issuer rotate` makes the next"
            )?;
        }
    }
    for path in missing {
        writeln!(output, "first run      will make {}", path.display())?;
    }
    if let Err(error) = UpstreamTls::new(&config.upstream.roots, config.upstream.min_tls) {
        faults.push(format!("upstream.roots: {error}"));
    }
    for settings in &config.upstream.destinations {
        faults.extend(
            settings.open(&config.upstream).err().map(|error| format!("upstream.destination: {error}")),
        );
    }
    if let Some(Err(error)) = config.upstream.parent.as_ref().map(config::ParentSettings::open) {
        faults.push(format!("upstream.parent_credentials: {error}"));
    }
    faults.extend(ports(config));
    faults.extend(writable("audit", &config.audit.directory));
    faults.extend(config.witness.as_deref().and_then(appendable));
    Ok(faults)
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
