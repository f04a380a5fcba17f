//! From a configuration as written to a checked one: defaults, ranges, paths, references between keys.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::audit::AuditConfig;
use crate::detect::Pack;
use crate::flow::Host;
use crate::limits;
use crate::policy::{Action, Mode};
use crate::proxy::{ListenerConfig, ReplyDetail};
use crate::tls::{MinTls, RootSource};

use super::check_audit::{self, Files};
use super::check_names::Names;
use super::packs::PackChoice;
use super::raw::{Lists, Raw, RawAdmin, RawInspect, RawListener, RawState, Texts};
use super::raw_upstream::{ROOTS, RawUpstream};
use super::source::{At, Place, Source};
use super::table::{Log, one_of};
use super::{
    AdminSettings, Config, InspectSettings, IssuerFiles, StateSettings, UpstreamSettings, check_identity,
    check_listener, check_rules, check_tls, check_upstream, check_ways, units,
};

const LISTENER_NAME: &str = "apps";
const LISTENER_PORT: u16 = 8080;
const ADMIN_PORT: u16 = 9090;
const TENANT: &str = "default";

/// Builds the configuration with a default in place of everything that draws a complaint, so that one look finds
/// all of them; the result is of use only when there was none.
pub(super) fn check(
    mut raw: Raw,
    source: &Source,
    file: Option<PathBuf>,
    folder: &Path,
    log: &Log,
) -> Config {
    let paths = Paths { folder };
    let node = raw.node.as_ref().map_or_else(host_name, |node| node.value.clone());
    let (audit, audit_key, fingerprint_key) = trail(&raw, &node, &paths, log);
    let sampled = raw.audit.sample.as_mut().and_then(|sample| sample.identifiers.take()).unwrap_or_default();
    check_identity::answerable(&raw, log);
    let listeners_named = raw.listeners.is_some();
    let (listeners, listed) = listeners(raw.listeners, folder, log);
    let admin = admin(&raw.admin, &listeners, &paths, log);
    let packs = packs(raw.packs, &paths, log);
    let pack_keys = pack_keys(raw.pack_keys, &paths, log);
    let scene = check_rules::Scene {
        mode: raw.mode.map_or(Mode::Enforce, |mode| mode.value),
        unlisted: raw.unlisted.map_or(Action::Allow, |unlisted| unlisted.value),
        starter: raw.starter.as_ref().map_or(raw.rules.is_empty(), |starter| starter.value),
        text: &source.text,
        listeners: &listeners,
        packs: &packs,
        folder,
    };
    let names = Names::of(&raw.sinks, &raw.selftest);
    let sinks = super::check_sink::check(raw.sinks, folder, log);
    let selftest = super::check_sink::selftest(&raw.selftest, log);
    let heartbeat = raw.audit.heartbeat.as_ref();
    let heartbeat = heartbeat.map_or(limits::HEARTBEAT, |written| super::check_sink::period(written, log));
    let groups_named = !raw.destinations.is_empty();
    let written = check_rules::Written {
        rules: raw.rules,
        suppressions: raw.suppressions,
        destinations: raw.destinations,
        fields: raw.fields,
        identities: raw.identities,
        transports: raw.transports,
    };
    let (policy, origins) = check_rules::check(written, &scene, log);
    names.check(&policy, &listeners, log);
    let ground = check_ways::Ground { groups: &policy.groups, listeners: &listeners, log };
    let interceptions = check_ways::check(raw.bypasses, listed, raw.inspect.opaque.clone(), &ground);
    let upstream = upstreams(raw.upstream, &ground, &paths, log);
    Config {
        file,
        node,
        packs,
        pack_keys,
        admin,
        issuer: IssuerFiles {
            certificate: paths.or(raw.issuer.certificate.as_ref(), "certs/issuer.pem"),
            key: paths.or(raw.issuer.key.as_ref(), "certs/issuer.key"),
        },
        upstream,
        inspect: inspect(&raw.inspect, log),
        fingerprint_key,
        audit,
        audit_key,
        watch: raw.watch.is_some_and(|watch| watch.value),
        state: state(&raw.state, &paths),
        sinks,
        selftest,
        heartbeat,
        witness: raw.audit.witness.as_ref().map(|path| paths.resolve(&path.value)),
        policy,
        interceptions,
        origins,
        sampled,
        names,
        groups_named,
        says_something: true,
        listeners_named,
        listeners,
    }
}

fn admin(raw: &RawAdmin, listeners: &[ListenerConfig], paths: &Paths<'_>, log: &Log) -> AdminSettings {
    let admin = AdminSettings {
        address: raw.address.as_ref().map_or_else(|| loopback(ADMIN_PORT), |address| address.value),
        token: paths.or(raw.token.as_ref(), "certs/admin.token"),
    };
    if let Some(address) = &raw.address
        && let Some(taken) = listeners.iter().find(|listener| clash(listener.address, address.value))
    {
        let what = format!("listener `{}` already has this address", taken.name);
        log.push(address.place.complain(what).expected("an address of its own"));
    }
    admin
}

fn state(raw: &RawState, paths: &Paths<'_>) -> StateSettings {
    StateSettings {
        directory: paths.or(raw.directory.as_ref(), "state"),
        key: paths.or(raw.key.as_ref(), "certs/state.key"),
    }
}

/// Relative paths stand against the configuration file's folder.
struct Paths<'a> {
    folder: &'a Path,
}

impl Paths<'_> {
    fn resolve(&self, written: &str) -> PathBuf {
        self.folder.join(written)
    }

    fn or(&self, written: Option<&At<String>>, default: &str) -> PathBuf {
        self.resolve(written.map_or(default, |written| &written.value))
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Whether two listeners cannot both be bound; port 0 is a new port each time.
fn clash(a: SocketAddr, b: SocketAddr) -> bool {
    // A socket for all of IPv6 takes IPv4 as well.
    let covers =
        |all: SocketAddr, one: SocketAddr| all.ip().is_unspecified() && (all.is_ipv6() || one.is_ipv4());
    a.port() == b.port() && a.port() != 0 && (a.ip() == b.ip() || covers(a, b) || covers(b, a))
}

/// Complains when a known word is not the one that this version honours.
fn only(written: Option<&At<&'static str>>, honoured: &str, log: &Log) {
    if let Some(At { place, .. }) = written.filter(|word| word.value != honoured) {
        log.push(place.unavailable(&format!("\"{honoured}\"")));
    }
}

fn listeners(
    raw: Option<Vec<RawListener>>,
    folder: &Path,
    log: &Log,
) -> (Vec<ListenerConfig>, check_ways::Listed) {
    let mut listeners: Vec<ListenerConfig> = Vec::new();
    let mut listed = Vec::new();
    for (index, raw) in raw.unwrap_or_else(|| vec![RawListener::default()]).into_iter().enumerate() {
        let kind = check_listener::kind(&raw, log);
        let proxy_protocol =
            check_listener::introductions(raw.proxy_protocol.as_ref(), &raw.proxy_protocol_from, log);
        let default_name =
            || if index == 0 { LISTENER_NAME.to_owned() } else { format!("{LISTENER_NAME}-{}", index + 1) };
        let name = raw.name.as_ref().map_or_else(default_name, |name| name.value.clone());
        let address = raw.address.as_ref().map_or_else(|| loopback(LISTENER_PORT), |address| address.value);
        let tls = check_tls::tls(&raw, address, folder, log);
        let place_of_name = raw.name.as_ref().map(|name| &name.place);
        let place_of_address = raw.address.as_ref().map(|address| &address.place);
        for earlier in &listeners {
            let complain = |place: Option<&Place>, message: String, expected: &str| {
                if let Some(place) = place.or(place_of_name).or(place_of_address) {
                    log.push(place.complain(message).expected(expected));
                }
            };
            if *earlier.name == *name {
                let what = format!("another listener is already named `{name}`");
                complain(place_of_name, what, "a name of its own");
            }
            if clash(earlier.address, address) {
                let what = format!("listener `{}` already has {}", earlier.name, earlier.address);
                complain(place_of_address, what, "an address of its own");
            }
        }
        let name = Arc::from(name);
        match (raw.intercept, raw.intercept_destinations) {
            (Some(At { value: "listed", place }), destinations) => {
                if destinations.is_none() {
                    let what = "nothing is listed";
                    log.push(place.complain(what).expected("intercept_destinations = [\"…\"] beside it"));
                }
                listed.push((Arc::clone(&name), destinations));
            }
            (_, Some(destinations)) => {
                if let Some(first) = destinations.first() {
                    let what = "these destinations make no difference: every one is intercepted";
                    log.push(first.place.complain(what).expected("intercept = \"listed\" beside them"));
                }
            }
            (_, None) => {}
        }
        listeners.push(ListenerConfig {
            name,
            address,
            tenant: Arc::from(raw.tenant.map_or_else(|| TENANT.to_owned(), |tenant| tenant.value)),
            reply: match raw.reply.map(|reply| reply.value) {
                Some("minimal") => ReplyDetail::Minimal,
                _ => ReplyDetail::Full,
            },
            authentication: check_identity::authentication(raw.authentication.as_ref(), &kind, log),
            kind,
            proxy_protocol,
            tls,
        });
    }
    (listeners, listed)
}

fn packs(written: Texts, paths: &Paths<'_>, log: &Log) -> Vec<At<PackChoice>> {
    let built_in = Pack::built_in_names();
    let Some(written) = written else {
        return PackChoice::of_default();
    };
    let mut choices: Vec<At<PackChoice>> = Vec::new();
    for text in written {
        let is_path = text.value.contains(['/', '\\']) || text.value.ends_with(".toml");
        let choice = if is_path {
            let path = paths.resolve(&text.value);
            if !path.exists() {
                let complaint = text.place.complain(format!("no such file: {}", path.display()));
                log.push(complaint.expected("a pack file, or a folder of them"));
                continue;
            }
            PackChoice::Path(path)
        } else if let Some(name) = built_in.iter().find(|name| **name == text.value) {
            PackChoice::BuiltIn(name)
        } else {
            let complaint = text.place.complain(format!("unknown pack `{}`", text.value));
            let expected = format!("{} or the path of a pack file", built_in.join(", "));
            log.push(complaint.expected(expected).meant(&text.value, built_in.iter().copied()));
            continue;
        };
        if choices.iter().any(|earlier| earlier.value == choice) {
            log.push(text.place.complain(format!("pack `{}` is listed twice", text.value)));
            continue;
        }
        choices.push(text.map(|_| choice));
    }
    choices
}

fn pack_keys(written: Texts, paths: &Paths<'_>, log: &Log) -> Vec<At<PathBuf>> {
    let mut keys = Vec::new();
    for text in written.unwrap_or_default() {
        let path = paths.resolve(&text.value);
        if path.is_file() {
            keys.push(text.map(|_| path));
        } else {
            let complaint = text.place.complain(format!("no such file: {}", path.display()));
            log.push(complaint.expected("the path of a public key: `tidegate pack keygen` makes one"));
        }
    }
    keys
}

/// Packs named on the command line; each name is a text of its own in complaints.
pub(super) fn packs_of(names: &[String], log: &Log) -> Vec<At<PackChoice>> {
    let at = |name: &String| {
        let source = Arc::new(Source { name: "--pack".to_owned(), text: name.clone() });
        At { value: name.clone(), place: Place::new(&source, 0..name.len(), String::new()) }
    };
    packs(Some(names.iter().map(at).collect()), &Paths { folder: Path::new("") }, log)
}

/// How upstreams are reached, in general and in particular.
fn upstreams(
    mut raw: RawUpstream,
    ground: &check_ways::Ground<'_>,
    paths: &Paths<'_>,
    log: &Log,
) -> UpstreamSettings {
    let folder = paths.folder;
    let destinations = std::mem::take(&mut raw.destinations);
    let (parent, credentials) = (raw.parent.take(), raw.parent_credentials.take());
    let parent =
        check_upstream::parent(parent.as_ref(), credentials.as_ref(), &raw.no_parent, ground, folder);
    let general = upstream(raw, paths, log);
    let own_roots = |written| roots(written, paths, log);
    let settings = destinations.into_iter();
    let settings = settings
        .filter_map(|raw| check_upstream::destination(raw, &general, ground, folder, own_roots))
        .collect();
    UpstreamSettings { destinations: settings, parent, ..general }
}

fn upstream(raw: RawUpstream, paths: &Paths<'_>, log: &Log) -> UpstreamSettings {
    let roots = match raw.roots {
        None => vec![RootSource::System],
        Some(written) => roots(written, paths, log),
    };
    UpstreamSettings {
        roots,
        min_tls: match raw.min_tls.map(|version| version.value) {
            Some("1.3") => MinTls::Tls13,
            _ => MinTls::Tls12,
        },
        allow_addresses: allowed(raw.allow_addresses, log),
        connect_timeout: bounded_time(
            raw.connect_timeout.as_ref(),
            limits::CONNECT_TIMEOUT,
            (Duration::from_millis(1), limits::FIRST_BYTE_TIMEOUT),
            log,
        ),
        first_byte: bounded_time(
            raw.first_byte.as_ref(),
            limits::FIRST_BYTE_TIMEOUT,
            (Duration::from_secs(1), limits::EVENTS_IDLE_MOST),
            log,
        ),
        events_idle: bounded_time(
            raw.events_idle.as_ref(),
            limits::EVENTS_IDLE,
            (Duration::from_secs(1), limits::EVENTS_IDLE_MOST),
            log,
        ),
        resolve: resolve(raw.resolve, log),
        mark: raw.mark.map(|mark| mark.value),
        destinations: Vec::new(),
        parent: None,
    }
}

fn roots(written: Vec<At<String>>, paths: &Paths<'_>, log: &Log) -> Vec<RootSource> {
    let mut roots = Vec::new();
    for text in written {
        match text.value.as_str() {
            "system" => roots.push(RootSource::System),
            "mozilla" => roots.push(RootSource::Mozilla),
            path => {
                let path = paths.resolve(path);
                if path.is_file() {
                    roots.push(RootSource::Pem(path));
                } else {
                    let complaint = text.place.complain(format!("no such file: {}", path.display()));
                    log.push(complaint.expected(ROOTS).meant(&text.value, ["system", "mozilla"]));
                }
            }
        }
    }
    roots
}

/// A network, or one address.
pub(super) fn network(text: &str) -> Option<ipnet::IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(ipnet::IpNet::from))
}

fn networks(written: Texts, log: &Log) -> Vec<ipnet::IpNet> {
    let mut networks = Vec::new();
    for text in written.unwrap_or_default() {
        match network(&text.value) {
            Some(network) => networks.push(network),
            None => {
                let complaint = text.place.complain(format!("`{}` is not a network", text.value));
                log.push(complaint.expected("a CIDR such as \"10.0.0.0/8\", or an address"));
            }
        }
    }
    networks
}

/// Networks that may be dialled although they are not public; some never are.
fn allowed(written: Texts, log: &Log) -> Vec<ipnet::IpNet> {
    for text in written.iter().flatten() {
        let one = network(&text.value).filter(|net| net.prefix_len() == net.max_prefix_len());
        if one.is_some_and(|net| crate::proxy::never_dialled(net.addr())) {
            let what = format!("`{}` is a cloud's metadata service, which is never dialled", text.value);
            log.push(text.place.complain(what).expected("other addresses"));
        }
    }
    networks(written, log)
}

fn resolve(written: Lists, log: &Log) -> HashMap<Arc<str>, Vec<IpAddr>> {
    let mut table = HashMap::new();
    for (name, addresses) in written {
        let Ok(Host::Name(host)) = name.value.parse() else {
            let complaint = name.place.complain(format!("`{}` is not a DNS name", name.value));
            log.push(complaint.expected("a host name, such as \"api.example.com\""));
            continue;
        };
        let mut answers = Vec::new();
        for text in &addresses {
            match text.value.parse() {
                Ok(ip) => answers.push(ip),
                Err(_) => {
                    let complaint = text.place.complain(format!("`{}` is not an address", text.value));
                    log.push(complaint.expected("an IP address, such as \"192.0.2.7\""));
                }
            }
        }
        if addresses.is_empty() {
            log.push(name.place.complain("no addresses given").expected("at least one IP address"));
        }
        table.insert(host, answers);
    }
    table
}

fn inspect(raw: &RawInspect, log: &Log) -> InspectSettings {
    only(raw.coded_redact.as_ref(), "transcode", log);
    let hold = bounded_size(
        raw.hold.as_ref(),
        limits::HOLD as u64,
        (limits::HOLD_MIN as u64, limits::HOLD_MAX as u64),
        log,
    );
    InspectSettings {
        hold: usize::try_from(hold).unwrap_or(limits::HOLD),
        hold_idle: bounded_time(
            raw.hold_idle.as_ref(),
            limits::HOLD_IDLE,
            (Duration::from_millis(1), limits::BODY_IDLE_TIMEOUT),
            log,
        ),
        undecodable: raw.undecodable.as_ref().map_or(Action::Block, |action| action.value),
    }
}

/// The trail, and the files of its keys.
fn trail(raw: &Raw, node: &str, paths: &Paths<'_>, log: &Log) -> (AuditConfig, PathBuf, PathBuf) {
    let signing = paths.or(raw.audit.signing_key.as_ref(), "certs/audit.key");
    let prints = paths.or(raw.fingerprint_key.as_ref(), "certs/fingerprint.key");
    let directory = paths.or(raw.audit.directory.as_ref(), "audit");
    let files = Files { directory, signing: &signing, prints: &prints, folder: paths.folder };
    let audit = check_audit::check(&raw.audit, node.to_owned(), files, raw.fingerprint_epoch.as_ref(), log);
    (audit, signing, prints)
}

pub(super) fn bounded_size(
    written: Option<&At<u64>>,
    default: u64,
    (min, max): (u64, u64),
    log: &Log,
) -> u64 {
    let Some(size) = written else { return default };
    if !(min..=max).contains(&size.value) {
        let what = format!("{} is out of range", units::show_size(size.value));
        let expected = format!("{} to {}", units::show_size(min), units::show_size(max));
        log.push(size.place.complain(what).expected(expected));
    }
    size.value
}

pub(super) fn bounded_time(
    written: Option<&At<Duration>>,
    default: Duration,
    (min, max): (Duration, Duration),
    log: &Log,
) -> Duration {
    let Some(time) = written else { return default };
    if !(min..=max).contains(&time.value) {
        let what = format!("{} is out of range", units::show_duration(time.value));
        let expected = format!("{} to {}", units::show_duration(min), units::show_duration(max));
        log.push(time.place.complain(what).expected(expected));
    }
    time.value
}

/// Names of listeners, for complaints.
pub(super) fn listener_names(listeners: &[ListenerConfig]) -> String {
    one_of(&listeners.iter().map(|listener| &*listener.name).collect::<Vec<_>>())
}
