//! How connections come to a listener, judged: its kind, and who may speak for clients.

use std::sync::Arc;

use ipnet::IpNet;

use crate::flow::{Destination, Host, Scheme};
use crate::proxy::{ListenerKind, Redirection, Reverse, Routes};

use super::check::network;
use super::raw::{Lists, RawListener, Texts};
use super::source::At;
use super::table::Log;

/// The kind of a listener, with what belongs to it; keys of another kind are complained of.
pub(super) fn kind(raw: &RawListener, log: &Log) -> ListenerKind {
    let word = raw.kind.as_ref().map_or("explicit", |kind| kind.value);
    let reverse_only =
        [raw.upstream.as_ref().map(|key| &key.place), raw.upstreams.first().map(|(name, _)| &name.place)];
    if word != "reverse" {
        for place in reverse_only.into_iter().flatten() {
            log.push(
                place.complain("of use to a reverse listener alone").expected("kind = \"reverse\" beside it"),
            );
        }
    }
    if let Some(At { place, .. }) = raw.redirection.as_ref().filter(|_| word != "transparent") {
        log.push(place.complain("of use to a transparent listener alone").expected("kind = \"transparent\""));
    }
    match word {
        "transparent" => {
            let word = raw.redirection.as_ref().map(|word| word.value);
            let known = Redirection::ALL.into_iter().find(|known| Some(known.as_str()) == word);
            ListenerKind::Transparent(known.unwrap_or(Redirection::Nat))
        }
        "reverse" => ListenerKind::Reverse(Arc::new(reverse(raw, log))),
        _ => ListenerKind::Explicit,
    }
}

fn reverse(raw: &RawListener, log: &Log) -> Reverse {
    if let (None, [], Some(kind)) = (&raw.upstream, raw.upstreams.as_slice(), &raw.kind) {
        let expected =
            "upstream = \"https://app.example\", or upstreams = { \"a.example\" = [\"https://…\"] }";
        log.push(kind.place.complain("it leads nowhere").expected(expected));
    }
    let routes = Routes {
        fixed: raw.upstream.as_ref().and_then(|text| upstream(text, log)),
        hosts: hosts(&raw.upstreams, log),
    };
    Reverse { routes }
}

fn hosts(written: &Lists, log: &Log) -> Vec<(Host, Destination)> {
    let mut hosts = Vec::new();
    for (name, targets) in written {
        let host = match name.value.parse::<Host>() {
            Ok(host) => host,
            Err(why) => {
                log.push(name.place.complain(why.to_string()).expected("a host such as \"a.example\""));
                continue;
            }
        };
        match targets.as_slice() {
            [one] => hosts.extend(upstream(one, log).map(|to| (host, to))),
            _ => log.push(name.place.complain("leads to other than one place").expected("[\"https://…\"]")),
        }
    }
    hosts
}

/// `https://host[:port]`, nothing behind it.
pub(super) fn upstream(text: &At<String>, log: &Log) -> Option<Destination> {
    let parsed = [Scheme::Http, Scheme::Https].into_iter().find_map(|scheme| {
        let rest = text.value.strip_prefix(scheme.as_str())?.strip_prefix("://")?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok().filter(|port| *port > 0)?),
            _ => (rest, scheme.default_port()),
        };
        Some(Destination { scheme, host: host.parse().ok()?, port })
    });
    if parsed.is_none() {
        let what = format!("`{}` is no upstream", text.value);
        log.push(
            text.place.complain(what).expected("a URL without a path, such as \"https://app.example:8443\""),
        );
    }
    parsed
}

/// Whose PROXY header is believed; nobody's must be said by leaving it out.
pub(super) fn introductions(on: Option<&At<bool>>, from: &Texts, log: &Log) -> Option<Vec<IpNet>> {
    let mut networks = Vec::new();
    for text in from.iter().flatten() {
        match network(&text.value) {
            Some(network) => networks.push(network),
            None => {
                let what = format!("`{}` is not a network", text.value);
                log.push(text.place.complain(what).expected("a CIDR such as \"10.0.0.0/8\", or an address"));
            }
        }
    }
    match on.filter(|on| on.value) {
        Some(on) if networks.is_empty() => {
            let what = "whoever connects could say to be anybody";
            log.push(
                on.place.complain(what).expected("proxy_protocol_from = [\"…\"]: the balancers' networks"),
            );
            None
        }
        Some(_) => Some(networks),
        None => {
            if let Some(first) = from.iter().flatten().next() {
                log.push(
                    first.place.complain("of no use by itself").expected("proxy_protocol = true beside it"),
                );
            }
            None
        }
    }
}
