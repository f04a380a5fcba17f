//! `tidegate env`: the variables that make a client trust and use the proxy.

use std::fs;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::{ConfigArg, Failure, Output, issuer};
use crate::config::{self, Config};
use crate::flow::Host;
use crate::proxy::{ListenerConfig, ListenerKind};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eval \"$(tidegate env)\"                 this shell and what it starts
  tidegate env --shell fish | source
  tidegate env --shell dotenv > .env      for containers

Variables that replace a client's trust store get a bundle of the system's roots and the issuer, written beside the
issuer's certificate; those that add to it get the issuer alone. Java wants a trust store of its own. Node heeds the proxy from version 24
on (NODE_USE_ENV_PROXY); the fetch of an older one goes past it unless its code names a proxy agent, and only a
firewall, or a transparent listener, keeps it from that.")]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// Whose syntax to print.
    #[arg(long, value_enum, default_value = "sh")]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    Sh,
    Fish,
    Powershell,
    Dotenv,
}

/// Variables that name the proxy. curl reads `http_proxy` in lower case alone.
const PROXY: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
const LOOPBACK: &str = "localhost,127.0.0.1,::1";
/// Variables whose file replaces the client's trust store.
const REPLACE: [&str; 8] = [
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
];
/// Variables whose file is added to it.
const ADD: [&str; 2] = ["NODE_EXTRA_CA_CERTS", "DENO_CERT"];

pub(super) fn run(args: &Args, output: &mut Output) -> Result<(), Failure> {
    let config = config::read(args.config.config.as_deref())?;
    for (name, value) in variables(&config)? {
        writeln!(output, "{}", args.shell.assignment(name, &value))?;
    }
    Ok(())
}

/// The variables that make a client trust and use the proxy; the bundle that they name is written.
pub(super) fn variables(config: &Config) -> Result<Vec<(&'static str, String)>, Failure> {
    let issuer = issuer::existing(config)?;
    let bundle = config.issuer.certificate.with_file_name("bundle.pem");
    write_bundle(&bundle, &issuer::trusted(config, &issuer)?)?;
    let explicit = config.listeners.iter().find(|listener| matches!(listener.kind, ListenerKind::Explicit));
    let proxy = explicit.map(|listener| url(listener, listener.address));
    let proxy =
        proxy.ok_or_else(|| Failure::configuration("there is no explicit listener to send clients to"))?;
    let certificate = absolute(&config.issuer.certificate)?;
    let bundle = absolute(&bundle)?;
    let values = [
        (PROXY.as_slice(), proxy.as_str()),
        (&NO_PROXY, LOOPBACK),
        (&REPLACE, &bundle),
        (&ADD, &certificate),
        // Node's fetch heeds the proxy variables only when it is told to.
        (&["NODE_USE_ENV_PROXY"], "1"),
    ];
    Ok(values
        .iter()
        .flat_map(|(names, value)| names.iter().map(|name| (*name, (*value).to_owned())))
        .collect())
}

/// What a client on this machine calls a listener that is bound to `address`.
pub(super) fn url(listener: &ListenerConfig, address: SocketAddr) -> String {
    let reached = reachable(address);
    let Some(tls) = &listener.tls else { return format!("http://{reached}") };
    match tls.identity().name() {
        Some(Host::Name(name)) => format!("https://{name}:{}", reached.port()),
        Some(Host::Ip(_)) | None => format!("https://{reached}"),
    }
}

/// Where a client on this machine reaches a listener.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Whole or not at all: a client may be reading the old one.
fn write_bundle(path: &Path, text: &str) -> Result<(), Failure> {
    let draft = path.with_extension(format!("pem.{}", std::process::id()));
    let written = fs::write(&draft, text).and_then(|()| fs::rename(&draft, path));
    written.map_err(|error| Failure::file(path, "cannot be written", &error))
}

fn absolute(path: &PathBuf) -> Result<String, Failure> {
    let path =
        std::path::absolute(path).map_err(|error| Failure::file(path, "has no absolute path", &error))?;
    Ok(path.display().to_string())
}

impl Shell {
    fn assignment(self, name: &str, value: &str) -> String {
        match self {
            Shell::Sh => format!("export {name}='{}'", value.replace('\'', "'\\''")),
            Shell::Fish => {
                format!("set -gx {name} '{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
            }
            Shell::Powershell => format!("$env:{name} = '{}'", value.replace('\'', "''")),
            // Read literally by container runtimes: quotes would become part of the value.
            Shell::Dotenv => format!("{name}={value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_as_each_shell_reads_them() {
        let value = "/a b/it's";
        assert_eq!(Shell::Sh.assignment("A", value), "export A='/a b/it'\\''s'");
        assert_eq!(Shell::Fish.assignment("A", value), "set -gx A '/a b/it\\'s'");
        assert_eq!(Shell::Powershell.assignment("A", value), "$env:A = '/a b/it''s'");
        assert_eq!(Shell::Dotenv.assignment("A", value), "A=/a b/it's");
    }

    #[test]
    fn a_listener_on_every_address_is_reached_over_loopback() {
        let shown = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(shown("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(shown("[::]:8080"), "[::1]:8080");
        assert_eq!(shown("10.0.0.1:1"), "10.0.0.1:1");
    }
}
