//! Where records go besides the trail, judged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::audit::Kind;
use crate::audit::query::{Field, Filter, Pattern};
use crate::flow::Host;
use crate::limits;
use crate::policy::{Action, Disclosure};
use crate::sink::{Begin, Format, NAME_BYTES, Server, SinkConfig, Target};

use super::raw::Texts;
use super::raw_sink::{RawSelftest, RawSink};
use super::source::At;
use super::table::{Log, one_of};
use super::units;

/// A sink, and the file that its secret is read from.
#[derive(Clone, Debug)]
pub struct SinkSettings {
    pub config: SinkConfig,
    pub secret: Option<PathBuf>,
}

/// Shortest and longest silence before it is on record.
const ALARM: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(86_400));
const SPLUNK_PATH: &str = "/services/collector/event";
const DATADOG_PATH: &str = "/api/v2/logs";

pub(super) fn check(raw: Vec<RawSink>, folder: &Path, log: &Log) -> Vec<SinkSettings> {
    let mut sinks: Vec<SinkSettings> = Vec::new();
    for raw in raw {
        let Some(sink) = one(raw, folder, log) else { continue };
        let (At { value: sink, place }, name) = sink;
        if sinks.iter().any(|other| other.config.name == name) {
            log.push(
                place.complain(format!("another sink is called `{name}`")).expected("a name of its own"),
            );
        }
        sinks.push(sink);
    }
    sinks
}

fn one(raw: RawSink, folder: &Path, log: &Log) -> Option<(At<SinkSettings>, String)> {
    let (Some(name), Some(kind)) = (&raw.name, &raw.kind) else {
        for key in ["name", "kind"] {
            // One that was written and is wrong has had its complaint.
            if !raw.written.iter().any(|written| *written == key) {
                log.push(raw.place.complain(format!("a sink needs `{key}`")));
            }
        }
        return None;
    };
    let plain = name.value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !plain || name.value.len() > NAME_BYTES {
        let expected = format!("letters, digits, `-` and `_`, {NAME_BYTES} at most");
        log.push(name.place.complain("bad name for a sink").expected(expected));
    }
    let target = target(&raw, kind, log)?;
    let alarm = raw.alarm.as_ref().map_or(limits::SINK_ALARM, |alarm| alarm.value);
    if let Some(written) = raw.alarm.as_ref().filter(|_| !(ALARM.0..=ALARM.1).contains(&alarm)) {
        let expected = format!("{} to {}", units::show_duration(ALARM.0), units::show_duration(ALARM.1));
        log.push(written.place.complain("out of range").expected(expected));
    }
    let needs_secret =
        matches!(target, Target::Splunk { .. } | Target::Datadog { .. } | Target::Webhook { .. });
    if needs_secret && raw.secret.is_none() {
        let what = format!("a {} sink needs `secret`", target.as_str());
        log.push(raw.place.complain(what).expected("the path of a file of mode 0600"));
    }
    if let (false, Some(secret)) = (needs_secret, &raw.secret) {
        log.push(secret.place.complain(format!("a {} sink has no secret", target.as_str())));
    }
    let config = SinkConfig {
        name: name.value.clone(),
        target,
        format: raw.format.as_ref().map_or(Format::Native, |format| format.value),
        filter: filter(&raw, log),
        begin: raw.begin.as_ref().map_or(Begin::Now, |begin| begin.value),
        alarm,
        secret: None,
    };
    let secret = raw.secret.as_ref().map(|path| folder.join(&path.value));
    let name_of = name.value.clone();
    Some((At { value: SinkSettings { config, secret }, place: name.place.clone() }, name_of))
}

fn target(raw: &RawSink, kind: &At<&'static str>, log: &Log) -> Option<Target> {
    let unused = |what: &Option<At<String>>, key: &str| {
        if let Some(written) = what {
            log.push(written.place.complain(format!("a {} sink has no `{key}`", kind.value)));
        }
    };
    if let (Some(tls), true) = (&raw.tls, kind.value != "syslog") {
        log.push(
            tls.place.complain(format!("a {} sink has no `tls`", kind.value)).expected("https:// in `url`"),
        );
    }
    match kind.value {
        "stdout" => {
            unused(&raw.address, "address");
            unused(&raw.url, "url");
            Some(Target::Stdout)
        }
        "syslog" => {
            unused(&raw.url, "url");
            let Some(address) = &raw.address else {
                log.push(raw.place.complain("a syslog sink needs `address`").expected("\"host:port\""));
                return None;
            };
            let tls = raw.tls.as_ref().is_none_or(|tls| tls.value);
            let server = split(&address.value).map(|(host, port)| Server { host, port, tls });
            if server.is_none() {
                log.push(
                    address
                        .place
                        .complain("bad address")
                        .expected("\"host:port\", such as \"logs.example:6514\""),
                );
            }
            Some(Target::Syslog { server: server? })
        }
        kind => {
            unused(&raw.address, "address");
            let Some(url) = &raw.url else {
                log.push(
                    raw.place
                        .complain(format!("a {kind} sink needs `url`"))
                        .expected("\"https://host/path\""),
                );
                return None;
            };
            let Some((server, path)) = server(&url.value) else {
                log.push(url.place.complain("bad URL").expected("\"https://host[:port][/path]\""));
                return None;
            };
            let or = |default: &str| if path == "/" { default.to_owned() } else { path.clone() };
            Some(match kind {
                "splunk" => Target::Splunk { server, path: or(SPLUNK_PATH) },
                "datadog" => Target::Datadog { server, path: or(DATADOG_PATH) },
                _ => Target::Webhook { server, path },
            })
        }
    }
}

fn split(address: &str) -> Option<(Host, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some((host.parse().ok()?, port.parse().ok().filter(|port| *port > 0)?))
}

fn server(url: &str) -> Option<(Server, String)> {
    let uri = url.parse::<http::Uri>().ok()?;
    let (tls, default) = match uri.scheme_str()? {
        "https" => (true, 443),
        "http" => (false, 80),
        _ => return None,
    };
    // Credentials would be a secret in a file that all may read.
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    let server =
        Server { host: authority.host().parse().ok()?, port: uri.port_u16().unwrap_or(default), tls };
    Some((server, uri.path_and_query().map_or("/", |path| path.as_str()).to_owned()))
}

/// Words of closed sets are checked; names of rules, hosts and so on may be patterns.
fn filter(raw: &RawSink, log: &Log) -> Filter {
    let actions = [Action::Allow, Action::Alert, Action::Redact, Action::Block].map(Action::as_str);
    let kinds = Kind::ALL.map(Kind::as_str);
    let disclosures = [
        Disclosure::None,
        Disclosure::Prevented,
        Disclosure::Redacted,
        Disclosure::Partial,
        Disclosure::Disclosed,
    ]
    .map(Disclosure::as_str);
    let closed: [(&Texts, Field, &[&'static str]); 3] = [
        (&raw.kinds, Field::Kind, &kinds),
        (&raw.actions, Field::Action, &actions),
        (&raw.disclosures, Field::Disclosure, &disclosures),
    ];
    let mut fields = Vec::new();
    for (texts, field, words) in closed {
        for text in texts.iter().flatten().filter(|text| !words.contains(&text.value.as_str())) {
            let complaint = text.place.complain(format!("unknown word `{}`", text.value));
            log.push(complaint.expected(one_of(words)).meant(&text.value, words.to_vec()));
        }
        push(&mut fields, field, texts);
    }
    for (texts, field) in [
        (&raw.rules, Field::Rule),
        (&raw.identifiers, Field::Identifier),
        (&raw.destinations, Field::Destination),
        (&raw.tenants, Field::Tenant),
    ] {
        push(&mut fields, field, texts);
    }
    Filter { fields, ..Filter::default() }
}

fn push(fields: &mut Vec<(Field, Vec<Pattern>)>, field: Field, texts: &Texts) {
    let patterns: Vec<Pattern> =
        texts.iter().flatten().map(|text| Pattern::read(field, &text.value)).collect();
    if !patterns.is_empty() {
        fields.push((field, patterns));
    }
}

/// How the gate proves itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelftestSettings {
    /// `None`: only when asked.
    pub every: Option<Duration>,
    /// What must not arrive.
    pub identifiers: Vec<String>,
}

/// Shortest and longest time between two self-tests and two heartbeats.
const EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(7 * 86_400));

pub(super) fn selftest(raw: &RawSelftest, log: &Log) -> SelftestSettings {
    let identifiers = raw.identifiers.as_ref().map_or_else(
        || vec!["payment.pan".to_owned()],
        |ids| ids.iter().map(|id| id.value.clone()).collect(),
    );
    SelftestSettings { every: raw.every.as_ref().map(|every| period(every, log)), identifiers }
}

/// A time between two things that are done again and again.
pub(super) fn period(written: &At<Duration>, log: &Log) -> Duration {
    if !(EVERY.0..=EVERY.1).contains(&written.value) {
        let expected = format!("{} to {}", units::show_duration(EVERY.0), units::show_duration(EVERY.1));
        log.push(written.place.complain("out of range").expected(expected));
    }
    written.value
}
