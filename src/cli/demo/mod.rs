//! `tidegate demo`: the main job on one machine with no network: a real TLS origin, a real client, the gate as `run`
//! starts it, and the records proved at the end.

mod client;
mod folder;
mod origin;
mod records;
mod scenes;

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::heads::Heads;
use super::running::Running;
use super::{Failure, Output};
use crate::admin::Meter;
use crate::audit::{self, Outside, Verdict};
use crate::config::{self, Compiled, Config, keys};
use crate::tls::Issuer;

use client::Client;
use folder::Folder;
use origin::Origin;
use scenes::SCENES;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  tidegate demo          exits 1 when anything came out other than promised

Everything runs on loopback with ports, keys and records of its own, in a folder that is removed at the end.")]
pub(super) struct Args {
    /// Keep the folder with keys and records, and say where it is.
    #[arg(long)]
    keep: bool,
}

/// How long flows may still take at the end; all have been answered by then.
const DRAIN: Duration = Duration::from_secs(5);

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let folder = Folder::new(args.keep)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::unavailable(format!("the runtime cannot be started: {error}")))?;
    let faults = runtime.block_on(show(folder.path(), output))?;
    if args.keep {
        writeln!(output, "\nkept: {}", folder.path().display())?;
    }
    if faults.is_empty() {
        return Ok(());
    }
    output.flush()?;
    Err(Failure::negative(format!("not as promised:\n  {}", faults.join("\n  "))))
}

/// Plays every scene and returns what was not as promised.
async fn show(folder: &Path, output: &mut Output) -> Result<Vec<String>, Failure> {
    let (authority, authority_key) =
        Issuer::generate("Tidegate demo origin").map_err(Failure::unavailable)?;
    let root = folder.join("origin.pem");
    fs::write(&root, &authority).map_err(|error| Failure::file(&root, "cannot be written", &error))?;
    let origin = Issuer::from_pem(&authority, &authority_key).map_err(Failure::unavailable)?;
    let origin = Origin::start(origin).await?;

    let (config, compiled) = configuration(folder, &origin)?;
    let keys = keys::open(&config)?;
    let meter = Meter::install().map_err(Failure::unavailable)?;
    let certificate = config.issuer.certificate.clone();
    let directory = config.audit.directory.clone();
    let running = Running::start(config, compiled, keys, meter, Heads::default()).await?;
    let proxy = proxy(&running)?;
    let client = Client::new(proxy, origin.address().port(), &certificate)?;
    writeln!(output, "gate on {proxy}, origin on {}, nothing leaves this machine\n", origin.address())?;

    let mut faults = Vec::new();
    for (number, scene) in (1..).zip(SCENES) {
        faults.extend(scene.play(number, &client, &origin, output).await?);
        output.flush()?;
    }
    let cut = running.stop("end of the demo", DRAIN, std::future::pending()).await;
    if cut > 0 {
        faults.push(format!("{cut} flows had to be cut at the end"));
    }
    writeln!(output, "Records")?;
    let records = records::read(&directory)?;
    for record in records.iter().filter(|record| record.is_shown()) {
        writeln!(output, "  {record}")?;
    }
    faults.extend(SCENES.iter().filter_map(|scene| scene.unrecorded(&records)));
    faults.extend(prove(&directory, output)?);
    Ok(faults)
}

fn configuration(folder: &Path, origin: &Origin) -> Result<(Config, Compiled), Failure> {
    let answer = |scene: &scenes::Scene| format!("\"{}\" = [\"{}\"]", scene.host, origin.address().ip());
    let mut answers = SCENES.iter().map(answer).collect::<Vec<_>>();
    answers.sort_unstable();
    answers.dedup();
    let text = format!(
        "node = \"demo\"\n[[listener]]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = \"127.0.0.1:0\"\n\
         [upstream]\nroots = [\"origin.pem\"]\nallow_addresses = [\"127.0.0.0/8\"]\nresolve = {{ {} }}\n",
        answers.join(", ")
    );
    Ok(config::load_text("demo configuration", &text, folder)?)
}

fn proxy(running: &Running) -> Result<SocketAddr, Failure> {
    let first = running.gate.addresses().into_iter().next();
    first.map(|(_, address)| address).ok_or_else(|| Failure::unavailable("the gate has no listener"))
}

/// Verifies the trail as `audit verify` does.
fn prove(directory: &Path, output: &mut Output) -> Result<Option<String>, Failure> {
    let report = audit::verify(directory, None, Outside::default(), &mut |_| {}).map_err(Failure::io)?;
    writeln!(output, "\nProof\n  {}", report.to_string().replace('\n', "\n  "))?;
    Ok(match report.verdict() {
        Verdict::Whole => None,
        verdict @ (Verdict::Tampered | Verdict::Unproven | Verdict::UnknownKey) => {
            Some(format!("the trail is not whole but {}", verdict.as_str()))
        }
    })
}
