//! `tidegate run`: the proxy, until it is told to stop.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use clap::ValueEnum;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::check;
use super::env::{reachable, url};
use super::live::By;
use super::running::Running;
use super::{ConfigArg, Failure, Output};
use crate::admin::Meter;
use crate::config::keys::{self, Keys};
use crate::config::{self, Compiled, Config};
use crate::limits;
use crate::platform::process;
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    log_to_stderr(args.log_format);
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
    let served = runtime.block_on(serve(config, compiled, keys, meter, output));
    // After a second signal, flows may still be under way: they end here.
    runtime.shutdown_background();
    served
}

/// Unless RUST_LOG says otherwise. Libraries warn of what a client does, and in its words: whoever is a client could fill
/// the log.
const LOGGED: &str = "error,tidegate=info";

fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOGGED));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    let logs = logs.with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    match format {
        LogFormat::Text => logs.finish().with(filter_fn(may_be_logged)).init(),
        LogFormat::Json => logs.json().finish().with(filter_fn(may_be_logged)).init(),
    }
}

/// Whatever RUST_LOG asks for: below `info`, libraries print what clients sent (names in a ClientHello, fields of
/// heads), which is masked nowhere.
fn may_be_logged(metadata: &tracing::Metadata<'_>) -> bool {
    *metadata.level() <= tracing::Level::INFO || metadata.target().starts_with("tidegate")
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

async fn serve(
    config: Config,
    compiled: Compiled,
    keys: Keys,
    meter: Meter,
    output: &mut Output,
) -> Result<(), Failure> {
    // Before anything is accepted, so that no signal is missed.
    let signals = Signals::new();
    let mut signals =
        signals.map_err(|error| Failure::unavailable(format!("signals cannot be heard: {error}")))?;
    let made = keys.made.clone();
    let policy = compiled.policy.hash().to_owned();
    let (heads, waiting) = mpsc::channel();
    let mut kept = config.witness.as_deref().map(Kept::open).transpose()?;
    let witness = Box::new(move |line: &str| {
        kept.iter_mut().for_each(|kept| kept.add(line));
        // Fails when the printer is gone, and with it whoever could have kept the line.
        let _ = heads.send(line.to_owned());
    });
    let running = Running::start(config, compiled, keys, meter, witness).await?;
    greet(&running, &policy, &made, output)?;
    let printer = print_heads(waiting)?;
    while let Told::Reload = signals.next().await {
        running.live().reload_aloud(&By::Signal);
    }
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
            // The trail is closed and its last head on the way; a printer that panicked has nothing to add.
            let _ = printer.join();
            tracing::info!(cut, "stopped");
            match hurried.load(Ordering::Relaxed) {
                false => Ok(()),
                true => Err(Failure::negative(format!("ended by a second signal; flows that were cut: {cut}"))),
            }
        }
        () = again => Err(Failure::negative("ended by a third signal; what was under way has no end on record")),
    }
}

/// The file that a configured witness is.
struct Kept {
    file: File,
    failing: bool,
}

impl Kept {
    /// Only ever appended to: who has a file for it that the gate cannot rewrite (`chattr +a`) keeps it so.
    fn open(path: &Path) -> Result<Kept, Failure> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        let file = file.map_err(|error| Failure::file(path, "cannot be written (audit.witness)", &error))?;
        Ok(Kept { file, failing: false })
    }

    fn add(&mut self, line: &str) {
        let written = writeln!(self.file, "{}", line.trim_end()).and_then(|()| self.file.sync_data());
        if let (Err(error), false) = (&written, self.failing) {
            tracing::error!("the witness of the audit trail cannot be written: {error}");
        }
        self.failing = written.is_err();
    }
}

/// Shows checkpoints on standard output as they come, after the greeting, until the trail is closed.
fn print_heads(heads: mpsc::Receiver<String>) -> Result<JoinHandle<()>, Failure> {
    let print = move || {
        for line in heads {
            let mut stdout = io::stdout().lock();
            // When nobody reads it there is nobody to tell.
            let _ = writeln!(stdout, "{}", line.trim_end()).and_then(|()| stdout.flush());
        }
    };
    let thread = thread::Builder::new().name("heads".to_owned()).spawn(print);
    thread.map_err(|error| Failure::unavailable(format!("a thread cannot be started: {error}")))
}

/// What to paste to try it.
fn greet(running: &Running, policy: &str, made: &[PathBuf], output: &mut Output) -> Result<(), Failure> {
    let config = running.config();
    let certificate = shown(&config.issuer.certificate);
    let is_new = made.contains(&config.issuer.certificate);
    let note = if is_new { "   made just now; its key never leaves this machine" } else { "" };
    let short = policy.get(..12).unwrap_or(policy);
    writeln!(
        output,
        "tidegate {} · {} · policy {short}",
        env!("CARGO_PKG_VERSION"),
        config.policy.mode.as_str()
    )?;
    let called = |name: &str, address| {
        let listener = config.listeners.iter().find(|listener| *listener.name == *name);
        listener.map_or_else(|| format!("http://{}", reachable(address)), |listener| url(listener, address))
    };
    for (name, address) in running.gate.addresses() {
        writeln!(output, "  proxy    {}   listener {name}", called(&name, address))?;
    }
    writeln!(output, "  trust    {certificate}{note}")?;
    writeln!(output, "  records  {}", shown(&config.audit.directory))?;
    writeln!(output, "  admin    http://{}/readyz?verbose", reachable(running.admin.address()))?;
    if let Some((name, address)) = running.gate.addresses().first() {
        let tls = config.listeners.iter().find(|listener| listener.name == *name);
        let tls = tls.and_then(|listener| listener.tls.as_ref()).map(ListenerTls::identity);
        let secured = match tls {
            Some(tls) if tls.asks() => {
                format!(" --proxy-cacert {certificate} --proxy-cert client.pem --proxy-key client.key")
            }
            Some(_) => format!(" --proxy-cacert {certificate}"),
            None => String::new(),
        };
        let curl = format!("curl -x {}{secured} --cacert {certificate}", called(name, *address));
        writeln!(
            output,
            "\nTry it from another terminal: the first passes, the second is blocked with its reason."
        )?;
        writeln!(output, "  {curl} https://example.com/")?;
        writeln!(output, "  {curl} https://example.com/ -d 'card=4716 2530 9847 2014'")?;
        let file = config.file.as_ref().map_or_else(String::new, |file| format!(" --config {}", shown(file)));
        writeln!(output, "A whole shell: eval \"$(tidegate env{file})\"\n")?;
    }
    output.flush()?;
    Ok(())
}

/// A path as it can be pasted into a shell.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+".contains(&b));
    if is_plain { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use tracing::{Level, enabled};

    use super::*;

    #[test]
    fn by_default_no_library_warns_in_the_words_of_a_client() {
        let log = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(LOGGED)).with_writer(io::sink);
        tracing::subscriber::with_default(log.finish(), || {
            assert!(!enabled!(target: "h2::proto::ping_pong", Level::WARN));
            assert!(!enabled!(target: "rustls::conn", Level::WARN));
            assert!(!enabled!(target: "hyper_util::client::legacy", Level::WARN));
            assert!(enabled!(target: "rustls::conn", Level::ERROR));
            assert!(enabled!(Level::INFO) && !enabled!(Level::DEBUG), "{}", module_path!());
        });
    }
}
