//! The TLS that a listener speaks itself, judged: what it shows, and whom it asks for a certificate.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::flow::Host;
use crate::tls::{Alpn, ClientTrust, ListenerTls, ServerIdentity};

use super::keys;
use super::raw::RawListener;
use super::source::At;
use super::table::Log;

/// The word in the place of a path: a certificate of the gate's own issuer.
const ISSUER: &str = "issuer";

pub(super) fn tls(raw: &RawListener, address: SocketAddr, folder: &Path, log: &Log) -> Option<ListenerTls> {
    let kind = raw.kind.as_ref().map_or("explicit", |kind| kind.value);
    let written = [
        raw.certificate.as_ref().map(|key| &key.place),
        raw.key.as_ref().map(|key| &key.place),
        raw.names.iter().flatten().next().map(|name| &name.place),
        raw.client_ca.as_ref().map(|key| &key.place),
    ];
    if kind == "transparent" {
        for place in written.into_iter().flatten() {
            let complaint = place.complain("a transparent listener shows what it stands for");
            log.push(complaint.expected("kind = \"explicit\" or \"reverse\" beside it"));
        }
        return None;
    }
    let mut files = Vec::new();
    let identity = shown(raw, address, folder, &mut files, log);
    let asked = clients(raw, folder, &mut files, log);
    if let (None, Some(at)) = (&raw.certificate, &raw.client_ca) {
        let complaint = at.place.complain("clients are asked within TLS, and this listener speaks none");
        log.push(complaint.expected("certificate = \"issuer\", or certificate and key, beside it"));
    }
    let identity = identity?;
    let identity = match asked {
        Some(asked) => identity.asking(asked),
        None => identity,
    };
    // A proxy is spoken to in HTTP/1.1; what tunnels carry is another matter.
    let alpn = if kind == "explicit" { Alpn::Http1 } else { Alpn::Http2 };
    match identity.speaking(alpn) {
        Ok(identity) => Some(ListenerTls::new(identity, files)),
        Err(error) => {
            raw.certificate.iter().for_each(|at| log.push(at.place.complain(error.to_string())));
            None
        }
    }
}

/// The certificate: of files, or of the issuer.
fn shown(
    raw: &RawListener,
    address: SocketAddr,
    folder: &Path,
    files: &mut Vec<PathBuf>,
    log: &Log,
) -> Option<ServerIdentity> {
    let issued = raw.certificate.as_ref().filter(|certificate| certificate.value == ISSUER);
    if let Some(first) = raw.names.iter().flatten().next().filter(|_| issued.is_none()) {
        let what = "names make no difference: the certificate has its own";
        log.push(first.place.complain(what).expected("certificate = \"issuer\" beside them"));
    }
    match (&raw.certificate, &raw.key) {
        (None, None) => None,
        (Some(_), Some(key)) if issued.is_some() => {
            log.push(
                key.place.complain("the issuer's certificates have keys of their own").expected("no key"),
            );
            None
        }
        (Some(at), None) if issued.is_some() => {
            let names = names(raw, address, log);
            if names.is_empty() && raw.names.is_none() {
                let what = "nobody can tell by what name clients call this address";
                log.push(at.place.complain(what).expected("names = [\"proxy.example.com\"] beside it"));
            }
            (!names.is_empty()).then(|| ServerIdentity::of_issuer(names))
        }
        (Some(certificate), Some(key)) => {
            let pair = (folder.join(&certificate.value), folder.join(&key.value));
            let read = keys::read_pair(&pair.0, &pair.1).map_err(|error| error.to_string());
            let identity = read.and_then(|(chain, key)| {
                ServerIdentity::from_pem(&chain, &key).map_err(|error| error.to_string())
            });
            files.extend([pair.0, pair.1]);
            identity.map_err(|why| log.push(certificate.place.complain(why).expected("PEM files"))).ok()
        }
        (Some(one), None) | (None, Some(one)) => {
            log.push(one.place.complain("half of a pair").expected("certificate and key together"));
            None
        }
    }
}

/// What clients call the listener: as it is said, else its address.
fn names(raw: &RawListener, address: SocketAddr, log: &Log) -> Vec<Host> {
    let Some(written) = &raw.names else {
        return if address.ip().is_unspecified() { Vec::new() } else { vec![Host::Ip(address.ip())] };
    };
    let mut names = Vec::new();
    for text in written {
        match text.value.parse::<Host>() {
            Ok(host) => names.push(host),
            Err(why) => log
                .push(text.place.complain(why.to_string()).expected("a host such as \"proxy.example.com\"")),
        }
    }
    names
}

/// Whom clients must be vouched for by.
fn clients(raw: &RawListener, folder: &Path, files: &mut Vec<PathBuf>, log: &Log) -> Option<ClientTrust> {
    let Some(authorities) = &raw.client_ca else {
        let alone = raw.client_certificate.as_ref().map(|word| &word.place);
        if let Some(place) = alone.or(raw.client_crls.iter().flatten().next().map(|text| &text.place)) {
            log.push(place.complain("of no use by itself").expected("client_ca = \"ca.pem\" beside it"));
        }
        return None;
    };
    let existing = |text: &At<String>| {
        let path = folder.join(&text.value);
        match path.is_file() {
            true => Some(path),
            false => {
                let complaint = text.place.complain(format!("no such file: {}", path.display()));
                log.push(complaint.expected("the path of a PEM file"));
                None
            }
        }
    };
    let path = existing(authorities)?;
    let crls: Vec<PathBuf> = raw.client_crls.iter().flatten().filter_map(existing).collect();
    let required = raw.client_certificate.as_ref().is_none_or(|word| word.value == "required");
    let read = keys::read_public(&path).map_err(|error| error.to_string());
    let trust = read.and_then(|text| {
        ClientTrust::from_pem(&text, &crls, required).map_err(|error| format!("{}: {error}", path.display()))
    });
    files.push(path.clone());
    files.extend(crls);
    trust
        .map_err(|why| {
            log.push(
                authorities.place.complain(why).expected("PEM certificates of those who vouch for clients"),
            )
        })
        .ok()
}
