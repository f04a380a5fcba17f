//! The configuration as written: every key of the language, typed and placed, nothing judged yet.

use std::net::SocketAddr;
use std::time::Duration;

use crate::policy::{Action, Mode};
use crate::proxy::{Authentication, Redirection};

use super::raw_rule::{RawIdentity, RawRule, RawSuppress, RawTransport};
use super::raw_sink::{RawSample, RawSelftest, RawSink};
use super::raw_upstream::RawUpstream;
use super::raw_ways::RawBypass;
use super::source::At;
use super::table::Table;

/// A list that was written, or not.
pub(super) type Texts = Option<Vec<At<String>>>;
/// Names of the user's own, each with a list.
pub(super) type Lists = Vec<(At<String>, Vec<At<String>>)>;

#[derive(Debug, Default)]
pub(super) struct Raw {
    pub(super) node: Option<At<String>>,
    pub(super) mode: Option<At<Mode>>,
    pub(super) packs: Texts,
    pub(super) pack_keys: Texts,
    pub(super) starter: Option<At<bool>>,
    pub(super) listeners: Option<Vec<RawListener>>,
    pub(super) admin: RawAdmin,
    pub(super) issuer: RawIssuer,
    pub(super) upstream: RawUpstream,
    pub(super) unlisted: Option<At<Action>>,
    pub(super) inspect: RawInspect,
    pub(super) fingerprint_key: Option<At<String>>,
    pub(super) fingerprint_epoch: Option<At<Duration>>,
    pub(super) audit: RawAudit,
    pub(super) state: RawState,
    pub(super) watch: Option<At<bool>>,
    pub(super) destinations: Lists,
    pub(super) fields: Lists,
    pub(super) bypasses: Vec<RawBypass>,
    pub(super) rules: Vec<RawRule>,
    pub(super) suppressions: Vec<RawSuppress>,
    pub(super) sinks: Vec<RawSink>,
    pub(super) selftest: RawSelftest,
    pub(super) identities: Vec<RawIdentity>,
    pub(super) transports: Vec<RawTransport>,
}

#[derive(Debug, Default)]
pub(super) struct RawListener {
    pub(super) name: Option<At<String>>,
    pub(super) kind: Option<At<&'static str>>,
    pub(super) address: Option<At<SocketAddr>>,
    pub(super) intercept: Option<At<&'static str>>,
    pub(super) intercept_destinations: Texts,
    pub(super) proxy_protocol: Option<At<bool>>,
    pub(super) proxy_protocol_from: Texts,
    pub(super) redirection: Option<At<&'static str>>,
    pub(super) upstream: Option<At<String>>,
    pub(super) upstreams: Lists,
    pub(super) certificate: Option<At<String>>,
    pub(super) key: Option<At<String>>,
    pub(super) names: Texts,
    pub(super) client_ca: Option<At<String>>,
    pub(super) client_crls: Texts,
    pub(super) client_certificate: Option<At<&'static str>>,
    pub(super) tenant: Option<At<String>>,
    pub(super) reply: Option<At<&'static str>>,
    pub(super) authentication: Option<At<Authentication>>,
}

#[derive(Debug, Default)]
pub(super) struct RawAdmin {
    pub(super) address: Option<At<SocketAddr>>,
    pub(super) token: Option<At<String>>,
}

#[derive(Debug, Default)]
pub(super) struct RawIssuer {
    pub(super) certificate: Option<At<String>>,
    pub(super) key: Option<At<String>>,
}

#[derive(Debug, Default)]
pub(super) struct RawInspect {
    pub(super) hold: Option<At<u64>>,
    pub(super) hold_idle: Option<At<Duration>>,
    pub(super) undecodable: Option<At<Action>>,
    pub(super) opaque: Option<At<&'static str>>,
    pub(super) coded_redact: Option<At<&'static str>>,
}

#[derive(Debug, Default)]
pub(super) struct RawAudit {
    pub(super) directory: Option<At<String>>,
    pub(super) signing_key: Option<At<String>>,
    pub(super) segment_size: Option<At<u64>>,
    pub(super) max_disk: Option<At<u64>>,
    pub(super) compress: Option<At<bool>>,
    pub(super) key_epoch: Option<At<Duration>>,
    pub(super) retention: Option<At<Duration>>,
    pub(super) heartbeat: Option<At<Duration>>,
    pub(super) witness: Option<At<String>>,
    pub(super) sample: Option<RawSample>,
}

#[derive(Debug, Default)]
pub(super) struct RawState {
    pub(super) directory: Option<At<String>>,
    pub(super) key: Option<At<String>>,
}

impl RawState {
    fn read(mut table: Table<'_>) -> RawState {
        let raw = RawState { directory: table.name("directory"), key: table.name("key") };
        table.finish();
        raw
    }
}

fn read_watch(mut table: Table<'_>) -> Option<At<bool>> {
    let watch = table.flag("watch");
    table.finish();
    watch
}

const ADDRESS: &str = "an address and a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\"";

impl Raw {
    pub(super) fn read(mut table: Table<'_>) -> Raw {
        let (fingerprint_key, fingerprint_epoch) =
            table.table("fingerprint").map(read_fingerprint).unwrap_or_default();
        let raw = Raw {
            node: table.name("node"),
            mode: table.word("mode", &[Mode::Observe, Mode::Enforce], Mode::as_str),
            packs: table.texts("packs"),
            pack_keys: table.texts("pack_keys"),
            starter: table.flag("starter"),
            listeners: table.tables("listener").map(|all| all.into_iter().map(RawListener::read).collect()),
            admin: table.table("admin").map(RawAdmin::read).unwrap_or_default(),
            issuer: table.table("issuer").map(RawIssuer::read).unwrap_or_default(),
            upstream: table.table("upstream").map(RawUpstream::read).unwrap_or_default(),
            unlisted: table.table("egress").and_then(read_unlisted),
            inspect: table.table("inspect").map(RawInspect::read).unwrap_or_default(),
            fingerprint_key,
            fingerprint_epoch,
            audit: table.table("audit").map(RawAudit::read).unwrap_or_default(),
            state: table.table("state").map(RawState::read).unwrap_or_default(),
            watch: table.table("reload").and_then(read_watch),
            destinations: table.lists("destinations"),
            fields: table.lists("fields"),
            bypasses: each(&mut table, "bypass", RawBypass::read),
            rules: each(&mut table, "rule", RawRule::read),
            suppressions: each(&mut table, "suppress", RawSuppress::read),
            sinks: each(&mut table, "sink", RawSink::read),
            selftest: table.table("selftest").map(RawSelftest::read).unwrap_or_default(),
            identities: each(&mut table, "identity", RawIdentity::read),
            transports: each(&mut table, "transport", RawTransport::read),
        };
        table.finish();
        raw
    }
}

fn each<'a, T>(table: &mut Table<'a>, key: &'static str, read: impl FnMut(Table<'a>) -> T) -> Vec<T> {
    table.tables(key).unwrap_or_default().into_iter().map(read).collect()
}

fn read_unlisted(mut table: Table<'_>) -> Option<At<Action>> {
    let unlisted = table.word("unlisted", &[Action::Allow, Action::Alert, Action::Block], Action::as_str);
    table.finish();
    unlisted
}

type Fingerprints = (Option<At<String>>, Option<At<Duration>>);

fn read_fingerprint(mut table: Table<'_>) -> Fingerprints {
    let read = (table.name("key"), table.duration("epoch"));
    table.finish();
    read
}

/// Words that are their own spelling.
pub(super) fn plain(word: &'static str) -> &'static str {
    word
}

impl RawListener {
    fn read(mut table: Table<'_>) -> RawListener {
        let raw = RawListener {
            name: table.name("name"),
            kind: table.word("kind", &["explicit", "transparent", "reverse"], plain),
            address: table.parsed("address", ADDRESS),
            intercept: table.word("intercept", &["all", "listed"], plain),
            intercept_destinations: table.texts("intercept_destinations"),
            proxy_protocol: table.flag("proxy_protocol"),
            proxy_protocol_from: table.texts("proxy_protocol_from"),
            redirection: table.word("redirection", &Redirection::ALL.map(Redirection::as_str), plain),
            upstream: table.name("upstream"),
            upstreams: table.lists("upstreams"),
            certificate: table.name("certificate"),
            key: table.name("key"),
            names: table.texts("names"),
            client_ca: table.name("client_ca"),
            client_crls: table.texts("client_crls"),
            client_certificate: table.word("client_certificate", &["required", "optional"], plain),
            tenant: table.name("tenant"),
            reply: table.word("reply", &["full", "minimal"], plain),
            authentication: table.word("authentication", &Authentication::ALL, Authentication::as_str),
        };
        table.finish();
        raw
    }
}

impl RawAdmin {
    fn read(mut table: Table<'_>) -> RawAdmin {
        let raw = RawAdmin { address: table.parsed("address", ADDRESS), token: table.name("token") };
        table.finish();
        raw
    }
}

impl RawIssuer {
    fn read(mut table: Table<'_>) -> RawIssuer {
        let raw = RawIssuer { certificate: table.name("certificate"), key: table.name("key") };
        table.finish();
        raw
    }
}

impl RawInspect {
    fn read(mut table: Table<'_>) -> RawInspect {
        let raw = RawInspect {
            hold: table.size("hold"),
            hold_idle: table.duration("hold_idle"),
            undecodable: table.word("undecodable", &[Action::Block, Action::Allow], Action::as_str),
            opaque: table.word("opaque", &["block", "inspect", "allow"], plain),
            coded_redact: table.word("coded_redact", &["transcode", "abort"], plain),
        };
        table.finish();
        raw
    }
}

impl RawAudit {
    fn read(mut table: Table<'_>) -> RawAudit {
        let raw = RawAudit {
            directory: table.name("directory"),
            signing_key: table.name("signing_key"),
            segment_size: table.size("segment_size"),
            max_disk: table.size("max_disk"),
            compress: table.flag("compress"),
            key_epoch: table.duration("key_epoch"),
            retention: table.duration("retention"),
            heartbeat: table.duration("heartbeat"),
            witness: table.name("witness"),
            sample: table.table("sample").map(RawSample::read),
        };
        table.finish();
        raw
    }
}
