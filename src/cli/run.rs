//! `tidegate run`: the proxy, until it is told to stop.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use super::check;
use super::env::{reachable, url};
use super::heads::Heads;
use super::live::By;
use super::logs::{LogFormat, Logs};
use super::running::Running;
use super::{ConfigArg, Failure};
use crate::admin::Meter;
use crate::config::keys::{self, Keys};
use crate::config::{self, Compiled, Config};
use crate::limits;
use crate::platform::process;
use crate::proxy::ListenerKind;
use crate::tls::ListenerTls;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate run                            built-in configuration: 127.0.0.1:8080, starter policy, enforce
  tidegate run --config egress.toml

Without a file, keys and the issuer are made in certs/ on first run and records go to audit/, in the working
directory. SIGHUP reloads policy and packs (a bad file changes nothing), SIGTERM and SIGINT drain, a second one
ends at once. Each signed checkpoint is also printed: keep that output elsewhere, and cutting the trail is seen.")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// How log lines on standard error look; RUST_LOG chooses which (unset: error,tidegate=info).
    #[arg(long, value_enum, default_value = "text")]
    log_format: LogFormat,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let logs = Logs::start(args.log_format)?;
    logs.end(gate(args))
}

fn gate(args: &Args) -> Result<(), Failure> {
    // Before there are keys.
    process::seal_memory();
    let (config, compiled) = config::load(args.config.config.as_deref())?;
    let taken = check::ports(&config);
    if !taken.is_empty() {
        // Before keys and a trail are made for a gate that will not run.
        return Err(Failure::unavailable(taken.join("\ntidegate: ")));
    }
    for warning in config.warnings(jiff::Timestamp::now().as_second()) {
        tracing::warn!("{warning}");
    }
    let keys = keys::open(&config)?;
    let meter = Meter::install().map_err(Failure::unavailable)?;
    process::raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::unavailable(format!("the runtime cannot be started: {error}")))?;
    let served = runtime.block_on(serve(config, compiled, keys, meter));
    // After a second signal, flows may still be under way: they end here.
    runtime.shutdown_background();
    served
}

/// The signals that a gate heeds.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

enum Told {
    Stop,
    Reload,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hangup.recv() => Told::Reload,
        }
    }

    async fn stop(&mut self) {
        while let Told::Reload = self.next().await {}
    }
}

async fn serve(config: Config, compiled: Compiled, keys: Keys, meter: Meter) -> Result<(), Failure> {
    // Before anything is accepted, so that no signal is missed.
    let signals = Signals::new();
    let mut signals =
        signals.map_err(|error| Failure::unavailable(format!("signals cannot be heard: {error}")))?;
    let made = keys.made.clone();
    let policy = compiled.policy.hash().to_owned();
    let heads = Heads::open(config.witness.as_deref())?;
    let running = Running::start(config, compiled, keys, meter, heads.clone()).await?;
    attend(&running, &heads, greeting(&running, &policy, &made)?, &mut signals).await?;
    tracing::info!(deadline = ?limits::DRAIN, "draining; a second signal cuts what is under way");
    let (hurry, hurried) = (Notify::new(), AtomicBool::new(false));
    let again = async {
        signals.stop().await;
        hurried.store(true, Ordering::Relaxed);
        hurry.notify_one();
        signals.stop().await;
    };
    tokio::select! {
        cut = running.stop("signal", limits::DRAIN, hurry.notified()) => {
            // The trail is closed and its last head on the way.
            heads.finish();
            tracing::info!(cut, "stopped");
            match hurried.load(Ordering::Relaxed) {
                false => Ok(()),
                true => Err(Failure::negative(format!("ended by a second signal; flows that were cut: {cut}"))),
            }
        }
        () = again => Err(Failure::negative("ended by a third signal; what was under way has no end on record")),
    }
}

/// Greets, and shows heads from then on; heeds signals until one says to stop, whether or not somebody reads.
async fn attend(
    running: &Running,
    heads: &Heads,
    greeting: Vec<u8>,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let heads = heads.clone();
    let mut greeted = spawn_blocking(move || {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&greeting).and_then(|()| stdout.flush())?;
        drop(stdout);
        heads.print()
    });
    let mut is_greeted = false;
    loop {
        tokio::select! {
            said = &mut greeted, if !is_greeted => {
                said.map_err(io::Error::other)??;
                is_greeted = true;
            }
            told = signals.next() => match told {
                Told::Reload => {
                    running.live().reload_aloud(&By::Signal);
                }
                Told::Stop => return Ok(()),
            },
        }
    }
}

/// What to paste to try it.
fn greeting(running: &Running, policy: &str, made: &[PathBuf]) -> Result<Vec<u8>, Failure> {
    let mut output = Vec::new();
    let config = running.config();
    let certificate = path(&config.issuer.certificate);
    let is_new = made.contains(&config.issuer.certificate);
    let note = if is_new { "   made just now; its key never leaves this machine" } else { "" };
    let short = policy.get(..12).unwrap_or(policy);
    writeln!(
        output,
        "tidegate {} · {} · policy {short}",
        env!("CARGO_PKG_VERSION"),
        config.policy.mode.as_str()
    )?;
    for (name, address) in running.gate.addresses() {
        let Some(listener) = config.listeners.iter().find(|listener| listener.name == name) else { continue };
        let (is, called) = match listener.kind {
            ListenerKind::Explicit => ("proxy", url(listener, address)),
            ListenerKind::Reverse(_) => ("reverse", url(listener, address)),
            ListenerKind::Transparent(_) => ("redirect", reachable(address).to_string()),
        };
        writeln!(output, "  {is:<8} {called}   listener {name}")?;
    }
    writeln!(output, "  trust    {certificate}{note}")?;
    writeln!(output, "  records  {}", path(&config.audit.directory))?;
    writeln!(output, "  admin    http://{}/readyz?verbose", reachable(running.admin.address()))?;
    try_it(running, &certificate, &mut output)?;
    Ok(output)
}

/// What to paste: through the first listener that clients know for a proxy, or else to one that they take for the origin.
fn try_it(running: &Running, certificate: &str, output: &mut Vec<u8>) -> Result<(), Failure> {
    let config = running.config();
    let addresses = running.gate.addresses();
    let listener = |name: &str| config.listeners.iter().find(|listener| *listener.name == *name);
    let mut open = addresses.iter().filter_map(|(name, address)| Some((listener(name)?, *address)));
    let is_explicit = |kind: &ListenerKind| matches!(kind, ListenerKind::Explicit);
    let explicit = open.clone().find(|(listener, _)| is_explicit(&listener.kind));
    let reverse = || open.find(|(listener, _)| matches!(listener.kind, ListenerKind::Reverse(_)));
    let Some((listener, address)) = explicit.or_else(reverse) else {
        writeln!(output)?;
        return Ok(());
    };
    let identity = listener.tls.as_ref().map(ListenerTls::identity);
    let asks = identity.as_ref().is_some_and(|identity| identity.asks());
    let (curl, origin) = if is_explicit(&listener.kind) {
        let trust = if identity.is_some() { format!(" --proxy-cacert {certificate}") } else { String::new() };
        let shown = if asks { " --proxy-cert client.pem --proxy-key client.key" } else { "" };
        let curl = format!("curl -x {}{trust}{shown} --cacert {certificate}", url(listener, address));
        (curl, "https://example.com".to_owned())
    } else {
        let is_issued = identity.as_ref().is_some_and(|identity| identity.is_issued());
        let trust = if is_issued { format!(" --cacert {certificate}") } else { String::new() };
        let shown = if asks { " --cert client.pem --key client.key" } else { "" };
        (format!("curl{trust}{shown}"), url(listener, address))
    };
    writeln!(
        output,
        "\nTry it from another terminal: the first passes, the second is blocked with its reason."
    )?;
    writeln!(output, "  {curl} {origin}/")?;
    writeln!(output, "  {curl} {origin}/ -d 'card=4716 2530 9847 2014'")?;
    if is_explicit(&listener.kind) {
        let file = config.file.as_ref().map_or_else(String::new, |file| format!(" --config {}", path(file)));
        writeln!(output, "A whole shell: eval \"$(tidegate env{file})\"")?;
    }
    writeln!(output)?;
    Ok(())
}

/// A path as it can be pasted into a shell.
fn path(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+".contains(&b));
    if is_plain { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
