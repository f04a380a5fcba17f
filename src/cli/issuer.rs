//! `tidegate issuer`: makes and shows the authority that clients trust.

use std::io::Write;
use std::path::Path;

use clap::Subcommand;

use super::{ConfigArg, Failure, Output};
use crate::config::{self, Config, IssuerFiles, keys, rotation};
use crate::tls::{self, Issuer};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tidegate issuer show                          what to compare before trusting it
  tidegate issuer bundle > bundle.pem           system roots and the issuer in one file, for SSL_CERT_FILE
  tidegate issuer rotate                        the next authority, trusted before it signs
  tidegate issuer init --config egress.toml     a new authority; never over an old one")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a new authority: certificate and key, the key readable by its owner alone.
    Init(ConfigArg),
    /// Shows where it is, until when it holds, and its SHA-256.
    Show(ConfigArg),
    /// Makes the next authority, which clients should trust before it signs; with --activate it takes over.
    Rotate {
        #[command(flatten)]
        config: ConfigArg,
        /// Puts the next authority in force; a running gate takes it up on SIGHUP.
        #[arg(long)]
        activate: bool,
    },
    /// Prints the issuer and the system's roots, for clients whose setting replaces their trust store.
    Bundle(ConfigArg),
}

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    match &args.command {
        Command::Init(arg) => {
            let config = config::read(arg.config.as_deref())?;
            rotation::settle(&config.issuer)?;
            if keys::read_issuer(&config.issuer)?.is_some() {
                let path = config.issuer.certificate.display();
                return Err(Failure::negative(format!(
                    "{path}: there is an issuer already; move it away first"
                )));
            }
            keys::make_issuer(&config.issuer, &config.node)?;
            show(&config, &existing(&config)?, output)
        }
        Command::Show(arg) => {
            let config = config::read(arg.config.as_deref())?;
            show(&config, &existing(&config)?, output)
        }
        Command::Rotate { config, activate } => {
            rotate(&config::read(config.config.as_deref())?, *activate, output)
        }
        Command::Bundle(arg) => {
            let config = config::read(arg.config.as_deref())?;
            let issuer = existing(&config)?;
            Ok(output.write_all(trusted(&config, &issuer)?.as_bytes())?)
        }
    }
}

/// What clients should trust: the issuer, those of another time while it gives way, and the system's roots.
pub(super) fn trusted(config: &Config, issuer: &Issuer) -> Result<String, Failure> {
    let others = rotation::others(&config.issuer)?;
    tls::bundle(issuer, &others).map_err(Failure::unavailable)
}

fn rotate(config: &Config, activate: bool, output: &mut Output) -> Result<(), Failure> {
    existing(config)?;
    let next = rotation::next(&config.issuer);
    if activate {
        rotation::activate(&config.issuer)?;
        writeln!(
            output,
            "in force; send SIGHUP to a running gate. When no client needs the old one any more, remove"
        )?;
        let old = rotation::previous(&config.issuer);
        writeln!(output, "  {}\n  {}", old.certificate.display(), old.key.display())?;
        return show(config, &existing(config)?, output);
    }
    if keys::read_issuer(&next)?.is_none() {
        keys::make_issuer(&next, &config.node)?;
    }
    writeln!(output, "next certificate  {}", next.certificate.display())?;
    writeln!(output, "Let clients trust it (`tidegate issuer bundle`, `tidegate env` hold both now), then:")?;
    writeln!(output, "  tidegate issuer rotate --activate")?;
    Ok(())
}

/// The issuer on disk.
pub(super) fn existing(config: &Config) -> Result<Issuer, Failure> {
    let missing = || {
        let path = config.issuer.certificate.display();
        Failure::negative(format!(
            "{path}: there is no issuer yet; `tidegate run` or `tidegate issuer init` makes it"
        ))
    };
    rotation::settle(&config.issuer)?;
    keys::read_issuer(&config.issuer)?.ok_or_else(missing)
}

/// The issuer in force, and those of another time that clients should trust beside it.
fn show(config: &Config, issuer: &Issuer, output: &mut Output) -> Result<(), Failure> {
    show_one("certificate  ", &config.issuer, issuer, output)?;
    let others = [("next", rotation::next(&config.issuer)), ("former", rotation::previous(&config.issuer))];
    for (which, files) in others {
        if let Some(other) = keys::read_issuer(&files)? {
            writeln!(output)?;
            show_one(&format!("{which:6} one   "), &files, &other, output)?;
        }
    }
    Ok(())
}

fn show_one(
    certificate: &str,
    files: &IssuerFiles,
    issuer: &Issuer,
    output: &mut Output,
) -> Result<(), Failure> {
    let show = |path: &Path| path.display().to_string();
    writeln!(output, "{certificate}{}", show(&files.certificate))?;
    writeln!(output, "key          {}", show(&files.key))?;
    let until = jiff::Timestamp::from_second(issuer.not_after()).map_err(Failure::configuration)?;
    writeln!(output, "valid until  {until}")?;
    writeln!(output, "sha256       {}", issuer.sha256())?;
    Ok(())
}
