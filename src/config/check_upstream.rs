//! How upstreams are reached, judged: what differs for some of them, and the parent proxy.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::flow::Scheme;
use crate::policy::Hosts;
use crate::proxy::{DestinationConfig, Parent};
use crate::tls::{ClientIdentity, IssuerError, MinTls, RootSource, Trust, UpstreamTls};

use super::check_listener::upstream;
use super::check_ways::Ground;
use super::keys;
use super::raw::Texts;
use super::raw_upstream::RawDestination;
use super::source::At;
use super::table::Log;
use super::{KeyError, UpstreamSettings};

/// One `[[upstream.destination]]`; its files are opened when the gate is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationSettings {
    pub hosts: Hosts,
    /// `None`: as everywhere.
    pub roots: Option<Vec<RootSource>>,
    pub min_tls: MinTls,
    /// Certificate and key.
    pub identity: Option<(PathBuf, PathBuf)>,
    pub crls: Vec<PathBuf>,
    pub source_address: Option<IpAddr>,
}

/// `[upstream] parent`; its credentials are read when the gate is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentSettings {
    pub parent: Parent,
    pub credentials: Option<PathBuf>,
}

/// What cannot be opened, in words.
#[derive(Debug)]
pub struct UpstreamFault(pub String);

impl std::fmt::Display for UpstreamFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UpstreamFault {}

impl From<KeyError> for UpstreamFault {
    fn from(error: KeyError) -> Self {
        UpstreamFault(error.to_string())
    }
}

impl From<IssuerError> for UpstreamFault {
    fn from(error: IssuerError) -> Self {
        UpstreamFault(error.to_string())
    }
}

impl DestinationSettings {
    /// Opens every file that it names.
    pub fn open(&self, upstream: &UpstreamSettings) -> Result<DestinationConfig, UpstreamFault> {
        let identity = match &self.identity {
            Some((certificate, key)) => {
                let (chain, key) = keys::read_pair(certificate, key)?;
                Some(ClientIdentity::from_pem(&chain, &key)?)
            }
            None => None,
        };
        let roots = self.roots.as_ref().unwrap_or(&upstream.roots);
        let tls = UpstreamTls::with(Trust { roots, min_tls: self.min_tls, identity, crls: &self.crls })?;
        Ok(DestinationConfig {
            hosts: self.hosts.clone(),
            tls: Arc::new(tls),
            ordinary: self.roots.is_none(),
            source_address: self.source_address,
        })
    }
}

impl ParentSettings {
    pub fn open(&self) -> Result<Parent, UpstreamFault> {
        let credentials = match &self.credentials {
            Some(path) => {
                let text = keys::read_text(path)?;
                if !text.contains(':') {
                    return Err(UpstreamFault(format!("{}: expected user:password", path.display())));
                }
                Some(text)
            }
            None => None,
        };
        Ok(Parent { credentials, ..self.parent.clone() })
    }
}

pub(super) fn destination(
    raw: RawDestination,
    upstream: &UpstreamSettings,
    ground: &Ground<'_>,
    folder: &Path,
    roots: impl Fn(Vec<At<String>>) -> Vec<RootSource>,
) -> Option<DestinationSettings> {
    let log = ground.log;
    if raw.hosts.as_ref().is_some_and(Vec::is_empty) {
        log.push(raw.place.complain("it is for no host").expected("hosts = [\"…\"]"));
    }
    let file = |text: &At<String>| existing(text, "the path of a PEM file", folder, log);
    let identity = match (&raw.client_certificate, &raw.client_key) {
        (Some(certificate), Some(key)) => Some((file(certificate)?, file(key)?)),
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => {
            let expected = "client_certificate and client_key together";
            log.push(one.place.complain("half of a pair").expected(expected));
            None
        }
    };
    Some(DestinationSettings {
        hosts: ground.hosts(&raw.hosts)?,
        roots: raw.roots.map(roots),
        min_tls: match raw.min_tls.map(|version| version.value) {
            Some("1.3") => MinTls::Tls13,
            Some(_) => MinTls::Tls12,
            None => upstream.min_tls,
        },
        identity,
        crls: raw.crls.iter().flatten().filter_map(file).collect(),
        source_address: raw.source_address.map(|address| address.value),
    })
}

fn existing(text: &At<String>, expected: &str, folder: &Path, log: &Log) -> Option<PathBuf> {
    let path = folder.join(&text.value);
    if path.is_file() {
        return Some(path);
    }
    log.push(text.place.complain(format!("no such file: {}", path.display())).expected(expected));
    None
}

pub(super) fn parent(
    written: Option<&At<String>>,
    credentials: Option<&At<String>>,
    except: &Texts,
    ground: &Ground<'_>,
    folder: &Path,
) -> Option<ParentSettings> {
    let log = ground.log;
    let Some(text) = written else {
        let alone =
            credentials.map(|text| &text.place).or(except.iter().flatten().next().map(|text| &text.place));
        if let Some(place) = alone {
            log.push(place.complain("of no use by itself").expected("parent = \"http://…\" beside it"));
        }
        return None;
    };
    let to = upstream(text, log)?;
    if to.scheme == Scheme::Https {
        let what = "a parent proxy is spoken to in clear text";
        log.push(text.place.complain(what).expected("http://host:port"));
    }
    let parent = Parent {
        host: to.host,
        port: to.port,
        credentials: None,
        except: ground.hosts(except).unwrap_or_default(),
    };
    let expected = "the path of a file that holds user:password";
    let credentials = credentials.and_then(|text| existing(text, expected, folder, log));
    Some(ParentSettings { parent, credentials })
}
