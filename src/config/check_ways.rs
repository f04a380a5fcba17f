//! Which tunnels are opened: bypasses, listed interception and the rule for opaque bytes, judged.

use std::sync::Arc;

use crate::policy::{Bypass, Clients, Grounds, Hosts, Interceptions, Opaque};
use crate::proxy::ListenerConfig;

use super::check::{listener_names, network};
use super::raw::Texts;
use super::raw_ways::RawBypass;
use super::source::At;
use super::table::Log;

/// What is referred to.
pub(super) struct Ground<'a> {
    pub(super) groups: &'a [(String, Vec<String>)],
    pub(super) listeners: &'a [ListenerConfig],
    pub(super) log: &'a Log,
}

/// `intercept` of each listener, beside its name.
pub(super) type Listed = Vec<(Arc<str>, Texts)>;

pub(super) fn check(
    bypasses: Vec<RawBypass>,
    listed: Listed,
    opaque: Option<At<&'static str>>,
    ground: &Ground<'_>,
) -> Interceptions {
    let word = opaque.map(|word| word.value);
    Interceptions {
        bypasses: bypasses.into_iter().filter_map(|raw| ground.bypass(raw)).collect(),
        listed: listed.into_iter().filter_map(|(name, words)| Some((name, ground.hosts(&words)?))).collect(),
        opaque: Opaque::ALL.into_iter().find(|known| Some(known.as_str()) == word).unwrap_or_default(),
    }
}

impl Ground<'_> {
    fn bypass(&self, raw: RawBypass) -> Option<Bypass> {
        if raw.hosts.as_ref().is_some_and(Vec::is_empty) {
            let what = "a bypass names the hosts that it is for";
            self.log.push(raw.place.complain(what).expected("hosts = [\"…\"]"));
        }
        let clients = self.clients(&raw.clients);
        let hosts = self.hosts(&raw.hosts)?;
        let grounds = Grounds { reason: raw.reason?.value.into(), owner: raw.owner?.value.into() };
        let midnight = raw.expires?.value.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Bypass::new(hosts, clients, grounds, midnight.timestamp().as_second()))
    }

    /// Each word is compiled alone first, so that what is wrong is said of its place.
    pub(super) fn hosts(&self, texts: &Texts) -> Option<Hosts> {
        let texts = texts.as_deref().unwrap_or_default();
        let words: Vec<String> = texts.iter().map(|text| text.value.clone()).collect();
        for text in texts {
            for why in
                Hosts::compile(std::slice::from_ref(&text.value), self.groups).err().into_iter().flatten()
            {
                let expected =
                    "a host such as \"api.example.com\", \"*.example.com\", or a group of [destinations]";
                self.log.push(text.place.complain(why).expected(expected));
            }
        }
        Hosts::compile(&words, self.groups).ok()
    }

    fn clients(&self, texts: &Texts) -> Clients {
        let mut clients = Clients::default();
        for text in texts.iter().flatten() {
            if self.listeners.iter().any(|listener| *listener.name == *text.value) {
                clients.listeners.push(text.value.clone());
            } else if let Some(network) = network(&text.value) {
                clients.networks.push(network);
            } else {
                let what = format!("`{}` is neither a network nor a listener", text.value);
                let expected = format!(
                    "a CIDR such as \"10.0.0.0/8\", or a listener: {}",
                    listener_names(self.listeners)
                );
                let known = self.listeners.iter().map(|known| &*known.name);
                self.log.push(text.place.complain(what).expected(expected).meant(&text.value, known));
            }
        }
        clients
    }
}
