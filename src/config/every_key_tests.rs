//! What each key of the language comes to.

use super::tests::{complaints, read_ok};
use super::*;
use crate::detect::Confidence;
use crate::flow::Direction;
use crate::policy::{MaskKind, Mode};
use crate::proxy::ReplyDetail;

const EVERY_KEY: &str = r#"
node = "egress-1"
mode = "observe"
packs = ["payment"]
starter = false
[[listener]]
name = "a"
address = "[::1]:3128"
tenant = "t"
authentication = "basic"
reply = "minimal"
intercept = "listed"
intercept_destinations = ["crm"]
proxy_protocol = true
proxy_protocol_from = ["10.0.0.0/8", "192.0.2.7"]
[[listener]]
name = "caught"
address = "[::1]:3129"
kind = "transparent"
redirection = "tproxy"
[[listener]]
name = "shop"
address = "[::1]:3130"
kind = "reverse"
upstream = "https://app.example:8443"
upstreams = { "a.example" = ["http://b.example"] }
[[bypass]]
hosts = ["crm", "*.pinned.example"]
clients = ["a", "10.0.0.0/8"]
reason = "pins"
owner = "us"
expires = 2030-01-01
[admin]
address = "127.0.0.1:1"
token = "/run/token"
[issuer]
certificate = "ca.pem"
key = "../ca.key"
[upstream]
roots = ["mozilla", "system"]
min_tls = "1.3"
allow_addresses = ["10.0.0.0/8", "::1"]
connect_timeout = "3s"
first_byte = "4m"
events_idle = "2m"
resolve = { "Host.Example" = ["127.0.0.1"] }
mark = 77
[egress]
unlisted = "block"
[inspect]
hold = "1MiB"
hold_idle = "10ms"
undecodable = "allow"
opaque = "inspect"
[reload]
watch = true
[fingerprint]
key = "f.key"
epoch = "2d"
[audit]
directory = "records"
signing_key = "s.key"
segment_size = "1MiB"
max_disk = "1GiB"
compress = false
retention = "100d"
key_epoch = "12h"
[[identity]]
name = "billing"
tenant = "t"
environment = "prod"
password = "$pbkdf2-sha256$i=600000$c2FsdHNhbHQ$DeuvBZ/dTVwSM+hcXyaQGxJnZD8Be4HAoUQs8kAECxY"
[destinations]
crm = ["crm.example", "*.crm.example"]
[fields]
note = ["$..note"]
[[rule]]
id = "r"
identifiers = ["payment.*"]
action = "redact"
direction = "response"
destinations = ["crm", "localhost"]
except_destinations = ["payment-processors"]
clients = ["a", "10.0.0.0/8"]
tenants = ["t"]
methods = ["POST"]
paths = ["/v1/"]
media_types = ["application/json"]
status = ["4xx", "503"]
schemes = ["https"]
mask = "ff1"
confidence = "high"
at_least = 2
per = "flow"
mode = "enforce"
[[rule]]
id = "card"
identifiers = ["payment.pan"]
action = "allow"
destinations = ["crm"]
fields = ["of:note", "card[number]"]
at_most = 2
"#;

#[test]
fn every_key_of_the_language_arrives() {
    let config = read_ok(EVERY_KEY);
    assert_eq!(config.node, "egress-1");
    assert_eq!(config.policy.mode, Mode::Observe);
    assert_eq!(
        config.packs.iter().map(|pack| pack.value.clone()).collect::<Vec<_>>(),
        [PackChoice::BuiltIn("payment")]
    );
    let listener = config.listeners.first().unwrap();
    assert_eq!((&*listener.name, &*listener.tenant, listener.reply), ("a", "t", ReplyDetail::Minimal));
    assert_eq!(listener.address.to_string(), "[::1]:3128");
    assert_eq!(config.admin.token, Path::new("/run/token"));
    assert_eq!(config.issuer.certificate, Path::new("etc/ca.pem"));
    assert_eq!(config.upstream.roots, [RootSource::Mozilla, RootSource::System]);
    assert_eq!(config.upstream.min_tls, MinTls::Tls13);
    assert_eq!(config.upstream.allow_addresses.len(), 2);
    assert_eq!(config.upstream.connect_timeout, Duration::from_secs(3));
    assert_eq!(config.upstream.first_byte, Duration::from_secs(240));
    assert_eq!(config.upstream.events_idle, Duration::from_secs(120));
    assert_eq!(config.upstream.resolve["host.example"], ["127.0.0.1".parse::<IpAddr>().unwrap()]);
    assert!(config.watch && !read_ok("").watch);
    assert_eq!(config.inspect.hold, 1 << 20);
    assert_eq!(config.inspect.undecodable, Action::Allow);
    assert_eq!((config.audit.segment_size, config.audit.max_disk), (1 << 20, 1 << 30));
    assert!(!config.audit.compress);
    assert_eq!(config.audit.retention, Duration::from_secs(100 * 86_400));
    let prints = config.audit.print_epochs.as_ref().unwrap();
    assert_eq!((&*prints.file, prints.epoch), (Path::new("etc/f.key.epoch"), Duration::from_secs(172_800)));
    assert_eq!(read_ok("[fingerprint]\nepoch = \"0s\"").audit.print_epochs, None);
    let epochs = config.audit.key_epochs.as_ref().unwrap();
    assert_eq!((&*epochs.file, epochs.epoch), (Path::new("etc/s.key"), Duration::from_secs(43_200)));
    assert_eq!(read_ok("[audit]\nkey_epoch = \"0s\"").audit.key_epochs, None);
    assert_eq!(config.audit.directory, Path::new("etc/records"));
}

#[test]
fn listeners_of_two_families_may_share_a_port_unless_one_takes_both() {
    let two = |a: &str, b: &str| {
        format!(
            "[[listener]]\nname = \"a\"\naddress = \"{a}\"\n[[listener]]\nname = \"b\"\naddress = \"{b}\""
        )
    };
    read_ok(&two("0.0.0.0:8443", "[2001:db8::1]:8443"));
    for (a, b) in [("[::]:8443", "192.0.2.1:8443"), ("0.0.0.0:8443", "192.0.2.1:8443"), ("[::]:1", "[::1]:1")]
    {
        assert!(complaints(&two(a, b)).iter().any(|complaint| complaint.contains("already has")), "{a} {b}");
    }
}

#[test]
fn every_key_of_a_listener_arrives() {
    use crate::proxy::{ListenerKind, Redirection};
    let config = read_ok(EVERY_KEY);
    assert_eq!(config.upstream.mark, Some(77));
    let [apps, caught, shop] = config.listeners.as_slice() else { panic!("three listeners") };
    assert!(matches!(apps.kind, ListenerKind::Explicit));
    assert_eq!(apps.authentication, crate::proxy::Authentication::Basic);
    let [billing] = config.policy.identities.as_slice() else { panic!("one identity") };
    assert!(billing.clients.is_empty() && billing.password.as_ref().unwrap().starts_with("$pbkdf2"));
    assert_eq!((billing.tenant.as_deref(), billing.environment.as_deref()), (Some("t"), Some("prod")));
    assert_eq!(apps.proxy_protocol.as_ref().map(Vec::len), Some(2));
    assert!(matches!(caught.kind, ListenerKind::Transparent(Redirection::Tproxy)));
    assert_eq!(caught.proxy_protocol, None);
    let ListenerKind::Reverse(reverse) = &shop.kind else { panic!("a reverse listener") };
    assert_eq!(reverse.routes.fixed.as_ref().unwrap().authority(), "app.example:8443");
    let [(host, to)] = reverse.routes.hosts.as_slice() else { panic!("one host") };
    assert_eq!(
        (host.to_string(), to.authority(), to.scheme.as_str()),
        ("a.example".into(), "b.example:80".into(), "http")
    );
    assert!(shop.tls.is_none());
}

#[test]
fn every_key_of_a_tunnel_that_is_not_opened_arrives() {
    use crate::policy::{Grounds, Opaque};
    let ways = read_ok(EVERY_KEY).interceptions;
    assert_eq!(ways.opaque, Opaque::Inspect);
    let [(listener, hosts)] = ways.listed.as_slice() else { panic!("one listener") };
    assert_eq!((&**listener, hosts.words()), ("a", ["crm".to_owned()].as_slice()));
    assert!(hosts.contains(&"x.crm.example".parse().unwrap()));
    let [bypass] = ways.bypasses.as_slice() else { panic!("one bypass") };
    assert_eq!(bypass.hosts().words(), ["crm", "*.pinned.example"]);
    assert_eq!(*bypass.grounds(), Grounds { reason: "pins".into(), owner: "us".into() });
    assert_eq!(bypass.expires(), 1_893_456_000);
    assert!(read_ok("").interceptions.bypasses.is_empty());
}

#[test]
fn every_key_of_a_rule_arrives() {
    let config = read_ok(EVERY_KEY);
    assert_eq!(config.policy.unlisted, Action::Block);
    // A default group that a rule names is there; the rest of the starter policy is not.
    let groups = config.policy.groups.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    assert_eq!(groups, ["crm", "payment-processors"]);
    let [rule, card] = config.policy.rules.as_slice() else { panic!("two rules") };
    assert_eq!((card.fields.clone(), card.at_most), (vec!["$..note".into(), "card[number]".into()], Some(2)));
    assert_eq!(
        (rule.id.as_str(), rule.action, rule.direction),
        ("r", Action::Redact, Some(Direction::Response))
    );
    assert_eq!((rule.confidence, rule.at_least, rule.mode), (Confidence::High, 2, Some(Mode::Enforce)));
    assert_eq!((rule.mask, card.mask), (MaskKind::Ff1, MaskKind::Shape));
    assert_eq!(rule.clients, ["a", "10.0.0.0/8"]);
    assert_eq!(
        (rule.status.len(), rule.schemes.len(), rule.paths.len(), rule.media_types.len()),
        (2, 1, 1, 1)
    );
}
