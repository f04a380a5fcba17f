//! Whom addresses stand for, and who proves to be somebody: identities, judged.

use std::path::Path;

use ipnet::IpNet;

use super::check::network;
use super::check_rules::plain;
use super::keys;
use super::raw::{Raw, RawListener};
use super::raw_rule::RawIdentity;
use super::source::At;
use super::table::Log;
use crate::limits;
use crate::policy::{IdentitySpec, SubjectPattern};
use crate::proxy::{Authentication, ListenerKind, PasswordHash};

pub(super) fn check(written: Vec<RawIdentity>, folder: &Path, log: &Log) -> Vec<IdentitySpec> {
    let mut seen: Vec<(IpNet, String)> = Vec::new();
    let mut certified = Vec::new();
    let mut specs: Vec<IdentitySpec> = Vec::new();
    for raw in written {
        let name = raw.name.as_ref().map_or_else(String::new, |name| name.value.clone());
        if let Some(at) = raw.name.as_ref().filter(|_| specs.iter().any(|spec| spec.name == name)) {
            let what = format!("another identity is already named `{name}`");
            log.push(at.place.complain(what).expected("a name of its own"));
        }
        networks(&raw, &name, &mut seen, log);
        let password = password(&raw, folder, log);
        let certificates = certificates(raw.certificates.as_deref(), &name, &mut certified, log);
        specs.push(IdentitySpec {
            name,
            clients: plain(raw.clients),
            tenant: raw.tenant.map(|tenant| tenant.value),
            environment: raw.environment.map(|environment| environment.value),
            password,
            certificates,
        });
    }
    specs
}

/// Who is asked must be able to answer.
pub(super) fn answerable(raw: &Raw, log: &Log) {
    let asks = |listener: &RawListener| {
        listener.authentication.clone().filter(|asked| asked.value == Authentication::Basic)
    };
    let asked = raw.listeners.iter().flatten().find_map(asks);
    let vouched = raw.listeners.iter().flatten().find_map(|listener| listener.client_ca.as_ref());
    let certified =
        |identity: &RawIdentity| identity.certificates.as_ref().is_some_and(|all| !all.is_empty());
    if let Some(at) = vouched.filter(|_| !raw.identities.iter().any(certified)) {
        let complaint = at.place.complain("clients are asked for certificates, and none stands for anybody");
        log.push(complaint.expected(
            "an [[identity]] with certificates = [\"…\"]: names that stand in the certificates of its clients",
        ));
    }
    let knows = |identity: &RawIdentity| identity.password.is_some() || identity.password_file.is_some();
    if let Some(asked) = asked.filter(|_| !raw.identities.iter().any(knows)) {
        let complaint = asked.place.complain("clients are asked who they are, and nobody could say");
        log.push(
            complaint.expected("an [[identity]] with a password, as `tidegate identity hash` prints it"),
        );
    }
}

/// The names of certificates that stand for an identity.
fn certificates(
    written: Option<&[At<String>]>,
    name: &str,
    seen: &mut Vec<(SubjectPattern, String)>,
    log: &Log,
) -> Vec<String> {
    for text in written.into_iter().flatten() {
        match SubjectPattern::parse(&text.value) {
            Ok(pattern) => match seen.iter().find(|(known, _)| *known == pattern) {
                Some((_, other)) => {
                    let what = format!("`{}` already stands for `{other}`", text.value);
                    log.push(text.place.complain(what).expected("each name once"));
                }
                None => seen.push((pattern, name.to_owned())),
            },
            Err(why) => log.push(text.place.complain(why)),
        }
    }
    written.into_iter().flatten().map(|text| text.value.clone()).collect()
}

fn networks(raw: &RawIdentity, name: &str, seen: &mut Vec<(IpNet, String)>, log: &Log) {
    for text in raw.clients.iter().flatten() {
        let Some(net) = network(&text.value).map(|net| net.trunc()) else {
            let complaint = text.place.complain(format!("`{}` is not a network", text.value));
            log.push(complaint.expected("a CIDR such as \"10.0.0.0/8\", or an address"));
            continue;
        };
        if let Some((_, other)) = seen.iter().find(|(known, _)| *known == net) {
            let complaint = text.place.complain(format!("{net} already stands for `{other}`"));
            log.push(
                complaint.expected("each network once; the narrowest that holds a client tells who it is"),
            );
        }
        seen.push((net, name.to_owned()));
    }
    let proves = raw.password.is_some() || raw.password_file.is_some() || raw.certificates.is_some();
    if raw.clients.as_ref().is_some_and(Vec::is_empty) && !proves {
        log.push(raw.place.complain("names no client").expected("clients = [\"10.1.0.0/16\"]"));
    }
}

/// The hash of an identity's password, as it is written or in a file of its own.
fn password(raw: &RawIdentity, folder: &Path, log: &Log) -> Option<String> {
    let (at, hash) = match (&raw.password, &raw.password_file) {
        (None, None) => return None,
        (Some(_), Some(file)) => {
            log.push(file.place.complain("a password is said twice").expected("password or password_file"));
            return None;
        }
        (Some(written), None) => (written, written.value.clone()),
        (None, Some(file)) => match keys::read_sink_secret(&folder.join(&file.value)) {
            Ok(hash) => (file, hash.to_string()),
            Err(error) => {
                log.push(file.place.complain(error.to_string()).expected(EXPECTED));
                return None;
            }
        },
    };
    if let Some(name) = raw.name.as_ref().filter(|name| name.value.contains(':')) {
        let what = "a name that a client says beside a password has no colon";
        log.push(name.place.complain(what).expected("another name"));
    }
    judged(at, &hash, log).then_some(hash)
}

const EXPECTED: &str = "what `tidegate identity hash` prints, a password on its standard input";

fn judged(at: &At<String>, hash: &str, log: &Log) -> bool {
    match PasswordHash::parse(hash) {
        Err(what) => log.push(at.place.complain(what).expected(EXPECTED)),
        Ok(hash) if hash.is_cheap() => {
            let least = limits::PASSWORD_ITERATIONS_MIN;
            log.push(
                at.place.complain("too cheap to guess").expected(format!("at least {least} iterations")),
            );
        }
        Ok(_) => return true,
    }
    false
}

/// Whether clients of a listener must say who they are.
pub(super) fn authentication(
    written: Option<&At<Authentication>>,
    kind: &ListenerKind,
    log: &Log,
) -> Authentication {
    let Some(written) = written else { return Authentication::None };
    match (written.value, kind) {
        (Authentication::Basic, ListenerKind::Transparent(_) | ListenerKind::Reverse(_)) => {
            let what = "only clients that know of a proxy can be asked by it";
            log.push(written.place.complain(what).expected("kind = \"explicit\" beside authentication"));
            Authentication::None
        }
        (authentication, _) => authentication,
    }
}
