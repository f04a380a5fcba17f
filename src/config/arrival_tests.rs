//! Each key of the language arrives: two values of it come to two configurations, all else being the same. Which outcome a
//! key changes is in `tests/it/keys.rs`; that no key is missing in either is checked against the sources.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::tls::Issuer;

/// A table as `raw*.rs` calls it, what a text needs around one of its keys, and each key with two values.
type Keys = (&'static str, &'static str, &'static [(&'static str, &'static str, &'static str)]);

const DEFAULTS: &str = "";
const RULE: &str = "[[listener]]\naddress = \"127.0.0.1:1\"\ntenant = \"t\"\n[[listener]]\naddress = \"127.0.0.1:2\"\n\
                    [[identity]]\nname = \"i\"\nclients = [\"10.0.0.0/8\"]\nenvironment = \"prod\"\n\
                    [[identity]]\nname = \"j\"\nclients = [\"11.0.0.0/8\"]\nenvironment = \"test\"\n\
                    [[rule]]\nid = \"r\"\nidentifiers = [\"payment.pan\"]\naction = \"block\"\n";
const SINK: &str = "[[sink]]\nname = \"s\"\nkind = \"stdout\"\n";
const SYSLOG: &str = "[[sink]]\nname = \"s\"\nkind = \"syslog\"\naddress = \"logs.example:6514\"\n";
const WEBHOOK: &str =
    "[[sink]]\nname = \"s\"\nkind = \"webhook\"\nurl = \"https://a.example/x\"\nsecret = \"a.secret\"\n";
const BYPASS: &str =
    "[[bypass]]\nhosts = [\"a.example\"]\nreason = \"r\"\nowner = \"o\"\nexpires = 2030-01-01\n";
const SUPPRESS: &str = "[[suppress]]\nidentifier = \"contact.email\"\ndestinations = [\"a.example\"]\nreason = \"r\"\nowner = \"o\"\nexpires = 2030-01-01\n";
const IDENTITY: &str = "[[identity]]\nname = \"i\"\nclients = [\"10.0.0.0/8\"]\n";
const PROVEN: &str = "[[identity]]\nname = \"i\"\n";
const ISSUED: &str = "[[identity]]\nname = \"i\"\ncertificates = [\"a.example\"]\n\
                      [[listener]]\naddress = \"127.0.0.1:1\"\ncertificate = \"issuer\"\n";
const ASKING: &str = "[[identity]]\nname = \"i\"\ncertificates = [\"a.example\"]\n\
                      [[listener]]\naddress = \"127.0.0.1:1\"\ncertificate = \"issuer\"\nclient_ca = \"a.pem\"\n";
const HASH_A: &str = "\"$pbkdf2-sha256$i=600000$c2FsdHNhbHQ$DeuvBZ/dTVwSM+hcXyaQGxJnZD8Be4HAoUQs8kAECxY\"";
const HASH_B: &str = "\"$pbkdf2-sha256$i=600001$c2FsdHNhbHQ$DeuvBZ/dTVwSM+hcXyaQGxJnZD8Be4HAoUQs8kAECxY\"";

const KEYS: &[Keys] = &[
    (
        "Raw",
        DEFAULTS,
        &[
            ("node", "\"a\"", "\"b\""),
            ("mode", "\"enforce\"", "\"observe\""),
            ("packs", "[\"payment\"]", "[\"contact\"]"),
            ("pack_keys", "[\"a.pem\"]", "[\"b.pem\"]"),
            ("starter", "true", "false"),
            ("destinations", "{ a = [\"a.example\"] }", "{ a = [\"b.example\"] }"),
            ("fields", "", ""),
        ],
    ),
    ("read_watch", "[reload]\n", &[("watch", "true", "false")]),
    ("read_unlisted", "[egress]\n", &[("unlisted", "\"allow\"", "\"block\"")]),
    ("read_fingerprint", "[fingerprint]\n", &[("key", "\"a\"", "\"b\""), ("epoch", "\"1d\"", "\"2d\"")]),
    ("RawState", "[state]\n", &[("directory", "\"a\"", "\"b\""), ("key", "\"a\"", "\"b\"")]),
    (
        "RawAdmin",
        "[admin]\n",
        &[("address", "\"127.0.0.1:1\"", "\"127.0.0.1:2\""), ("token", "\"a\"", "\"b\"")],
    ),
    ("RawIssuer", "[issuer]\n", &[("certificate", "\"a\"", "\"b\""), ("key", "\"a\"", "\"b\"")]),
    (
        "RawListener",
        "[[listener]]\n",
        &[
            ("name", "\"a\"", "\"b\""),
            ("kind", "\"explicit\"", "\"transparent\""),
            ("address", "\"127.0.0.1:1\"", "\"127.0.0.1:2\""),
            ("tenant", "\"a\"", "\"b\""),
            ("reply", "\"full\"", "\"minimal\""),
        ],
    ),
    (
        "RawListener",
        "[[listener]]\nintercept_destinations = [\"a.example\"]\n",
        &[("intercept", "\"listed\"", "")],
    ),
    (
        "RawListener",
        "[[listener]]\nintercept = \"listed\"\n",
        &[("intercept_destinations", "[\"a.example\"]", "[\"b.example\"]")],
    ),
    (
        "RawListener",
        "[[listener]]\nproxy_protocol_from = [\"10.0.0.0/8\"]\n",
        &[("proxy_protocol", "true", "")],
    ),
    (
        "RawListener",
        "[[listener]]\nproxy_protocol = true\n",
        &[("proxy_protocol_from", "[\"10.0.0.0/8\"]", "[\"11.0.0.0/8\"]")],
    ),
    ("RawListener", "[[listener]]\nkind = \"transparent\"\n", &[("redirection", "\"nat\"", "\"tproxy\"")]),
    (
        "RawListener",
        "[[listener]]\nkind = \"reverse\"\n",
        &[
            ("upstream", "\"https://a.example\"", "\"https://b.example\""),
            (
                "upstreams",
                "{ \"a.example\" = [\"https://c.example\"] }",
                "{ \"b.example\" = [\"https://c.example\"] }",
            ),
        ],
    ),
    ("RawListener", "[[listener]]\nkey = \"a.key\"\n", &[("certificate", "\"a.pem\"", "\"a2.pem\"")]),
    ("RawListener", "[[listener]]\ncertificate = \"a.pem\"\n", &[("key", "\"a.key\"", "\"a2.key\"")]),
    (
        "RawListener",
        ISSUED,
        &[("names", "[\"a.example\"]", "[\"b.example\"]"), ("client_ca", "\"a.pem\"", "\"b.pem\"")],
    ),
    (
        "RawListener",
        ASKING,
        &[("client_crls", "", "[\"crl.pem\"]"), ("client_certificate", "\"required\"", "\"optional\"")],
    ),
    (
        "RawListener",
        "[[identity]]\nname = \"i\"\npassword_file = \"a.secret\"\n[[listener]]\n",
        &[("authentication", "\"none\"", "\"basic\"")],
    ),
    (
        "RawInspect",
        "[inspect]\n",
        &[
            ("hold", "\"4KiB\"", "\"8KiB\""),
            ("hold_idle", "\"10ms\"", "\"20ms\""),
            ("undecodable", "\"block\"", "\"allow\""),
            ("opaque", "\"block\"", "\"inspect\""),
        ],
    ),
    (
        "RawAudit",
        "[audit]\n",
        &[
            ("directory", "\"a\"", "\"b\""),
            ("signing_key", "\"a\"", "\"b\""),
            ("segment_size", "\"1MiB\"", "\"2MiB\""),
            ("max_disk", "\"1GiB\"", "\"2GiB\""),
            ("compress", "true", "false"),
            ("key_epoch", "\"12h\"", "\"24h\""),
            ("retention", "\"100d\"", "\"200d\""),
            ("heartbeat", "\"1s\"", "\"2s\""),
            ("witness", "\"a\"", "\"b\""),
        ],
    ),
    ("Grounds", BYPASS, &[("reason", "\"a\"", "\"b\""), ("owner", "\"a\"", "\"b\"")]),
    (
        "Grounds",
        SUPPRESS,
        &[("reason", "\"a\"", "\"b\""), ("owner", "\"a\"", "\"b\""), ("expires", "2030-01-01", "2031-01-01")],
    ),
    (
        "RawRule",
        RULE,
        &[
            ("id", "\"a\"", "\"b\""),
            ("identifiers", "[\"payment.pan\"]", "[\"payment.*\"]"),
            ("action", "\"block\"", "\"alert\""),
            ("direction", "\"request\"", "\"response\""),
            ("destinations", "[\"a.example\"]", "[\"b.example\"]"),
            ("except_destinations", "[\"a.example\"]", "[\"b.example\"]"),
            ("clients", "[\"10.0.0.0/8\"]", "[\"i\"]"),
            ("tenants", "[\"t\"]", "[\"default\"]"),
            ("methods", "[\"GET\"]", "[\"PUT\"]"),
            ("paths", "[\"/a\"]", "[\"/b\"]"),
            ("media_types", "[\"text/*\"]", "[\"text/html\"]"),
            ("status", "", "[\"4xx\"]"),
            ("schemes", "[\"http\"]", "[\"https\"]"),
            ("fields", "[\"a\"]", "[\"b\"]"),
            ("confidence", "\"low\"", "\"high\""),
            ("at_least", "1", "2"),
            ("mode", "\"enforce\"", "\"observe\""),
            ("enforce_percent", "10", "20"),
            ("environments", "[\"prod\"]", "[\"test\"]"),
        ],
    ),
    (
        "RawRule",
        "[[rule]]\nid = \"r\"\nidentifiers = [\"payment.pan\"]\naction = \"allow\"\ndestinations = [\"a.example\"]\n",
        &[("at_most", "1", "2")],
    ),
    (
        "RawRule",
        "[[rule]]\nid = \"r\"\nidentifiers = [\"payment.pan\"]\naction = \"redact\"\n",
        &[("mask", "\"shape\"", "\"token\"")],
    ),
    (
        "RawRule",
        "[[rule]]\nid = \"r\"\nidentifiers = [\"payment.pan\"]\naction = \"block\"\nwindow = \"1h\"\n",
        &[("per", "\"client\"", "\"tenant\"")],
    ),
    (
        "RawRule",
        "[[rule]]\nid = \"r\"\nidentifiers = [\"payment.pan\"]\naction = \"block\"\nper = \"client\"\n",
        &[("window", "\"1h\"", "\"2h\"")],
    ),
    (
        "RawRule",
        "[[rule]]\nid = \"r\"\naction = \"block\"\nper = \"client\"\nwindow = \"1h\"\n",
        &[("at_least_bytes", "\"1KiB\"", "\"2KiB\"")],
    ),
    (
        "RawSuppress",
        SUPPRESS,
        &[
            ("identifier", "\"contact.email\"", "\"payment.pan\""),
            ("destinations", "[\"a.example\"]", "[\"b.example\"]"),
        ],
    ),
    (
        "RawIdentity",
        IDENTITY,
        &[
            ("name", "\"a\"", "\"b\""),
            ("clients", "[\"10.0.0.0/8\"]", "[\"11.0.0.0/8\"]"),
            ("tenant", "\"a\"", "\"b\""),
            ("environment", "\"a\"", "\"b\""),
            ("certificates", "[\"a.example\"]", "[\"b.example\"]"),
        ],
    ),
    (
        "RawIdentity",
        PROVEN,
        &[("password", HASH_A, HASH_B), ("password_file", "\"a.secret\"", "\"b.secret\"")],
    ),
    (
        "RawTransport",
        "[[transport]]\nmin_tls = \"1.2\"\n",
        &[("destinations", "[\"a.example\"]", "[\"b.example\"]"), ("min_tls", "\"1.2\"", "\"1.3\"")],
    ),
    (
        "RawSink",
        SINK,
        &[
            ("name", "\"a\"", "\"b\""),
            ("format", "\"native\"", "\"ocsf\""),
            ("begin", "\"now\"", "\"start\""),
            ("alarm", "\"1m\"", "\"2m\""),
            ("kinds", "[\"decision\"]", "[\"end\"]"),
            ("actions", "[\"block\"]", "[\"alert\"]"),
            ("disclosures", "[\"none\"]", "[\"partial\"]"),
            ("rules", "[\"starter-pan\"]", "[\"starter-pans\"]"),
            ("identifiers", "[\"a\"]", "[\"b\"]"),
            ("destinations", "[\"a\"]", "[\"b\"]"),
            ("tenants", "[\"default\"]", "[\"*\"]"),
        ],
    ),
    ("RawSink", SYSLOG, &[("address", "\"a.example:1\"", "\"b.example:1\""), ("tls", "true", "false")]),
    (
        "RawSink",
        WEBHOOK,
        &[
            ("kind", "\"webhook\"", "\"splunk\""),
            ("url", "\"https://a.example/x\"", "\"https://b.example/x\""),
            ("secret", "\"a.secret\"", "\"b.secret\""),
        ],
    ),
    (
        "RawSample",
        "[audit.sample]\nkey = \"a.pub\"\nidentifiers = [\"payment.pan\"]\n",
        &[
            ("key", "\"a.pub\"", "\"b.pub\""),
            ("identifiers", "[\"payment.pan\"]", "[\"payment.*\"]"),
            ("actions", "[\"block\"]", "[\"redact\"]"),
            ("max_size", "\"1MiB\"", "\"2MiB\""),
            ("retention", "\"10d\"", "\"20d\""),
        ],
    ),
    (
        "RawSelftest",
        "[selftest]\n",
        &[("every", "\"1h\"", "\"2h\""), ("identifiers", "[\"payment.pan\"]", "[\"contact.email\"]")],
    ),
    (
        "RawUpstream",
        "[upstream]\n",
        &[
            ("roots", "[\"system\"]", "[\"a.pem\"]"),
            ("min_tls", "\"1.2\"", "\"1.3\""),
            ("allow_addresses", "[\"10.0.0.0/8\"]", "[\"11.0.0.0/8\"]"),
            ("connect_timeout", "\"1s\"", "\"2s\""),
            ("first_byte", "\"10s\"", "\"20s\""),
            ("events_idle", "\"10s\"", "\"20s\""),
            ("resolve", "{ \"a.example\" = [\"192.0.2.1\"] }", "{ \"a.example\" = [\"192.0.2.2\"] }"),
            ("mark", "1", "2"),
            ("parent", "\"http://a.example:1\"", "\"http://b.example:1\""),
        ],
    ),
    (
        "RawUpstream",
        "[upstream]\nparent = \"http://a.example:1\"\n",
        &[
            ("parent_credentials", "\"a.secret\"", "\"b.secret\""),
            ("no_parent", "[\"a.example\"]", "[\"b.example\"]"),
        ],
    ),
    (
        "RawDestination",
        "[[upstream.destination]]\nhosts = [\"a.example\"]\n",
        &[
            ("hosts", "[\"a.example\"]", "[\"b.example\"]"),
            ("roots", "[\"a.pem\"]", "[\"b.pem\"]"),
            ("min_tls", "\"1.2\"", "\"1.3\""),
            ("crls", "[\"a.pem\"]", "[\"b.pem\"]"),
            ("source_address", "\"192.0.2.1\"", "\"192.0.2.2\""),
        ],
    ),
    (
        "RawDestination",
        "[[upstream.destination]]\nhosts = [\"a.example\"]\nclient_certificate = \"a.pem\"\nclient_key = \"a.key\"\n",
        &[("client_certificate", "\"a.pem\"", "\"b.pem\""), ("client_key", "\"a.key\"", "\"b.key\"")],
    ),
    (
        "RawBypass",
        BYPASS,
        &[
            ("hosts", "[\"a.example\"]", "[\"b.example\"]"),
            ("clients", "[\"10.0.0.0/8\"]", "[\"11.0.0.0/8\"]"),
            ("reason", "\"a\"", "\"b\""),
            ("owner", "\"a\"", "\"b\""),
            ("expires", "2030-01-01", "2031-01-01"),
        ],
    ),
];

/// Known, and only of use to refuse other values: there is one that this version honours.
const ONE_VALUE: [(&str, &str); 1] = [("RawInspect", "coded_redact")];

/// The text around a key, with this value of it.
fn text(around: &str, key: &str, value: &str) -> String {
    // The last table is the key's own: what it is for stands before it.
    let own = around.rfind("\n[").map_or(0, |at| at + 1);
    let (before, own) = around.split_at(own);
    let rest = own.lines().filter(|line| !line.starts_with(&format!("{key} = ")));
    let mut text = before.to_owned();
    rest.for_each(|line| text.push_str(&format!("{line}\n")));
    if !value.is_empty() {
        text.push_str(&format!("{key} = {value}\n"));
    }
    text
}

fn shown(text: &str, folder: &Path) -> String {
    let config = read_text("t.toml", text, folder).unwrap_or_else(|why| panic!("{text}\n{why}"));
    let mut policy = config.policy.clone();
    // It is of the whole text.
    policy.hash = String::new();
    let origins = config.origins.len();
    let tls = config.listeners.iter().map(|listener| {
        let tls = listener.tls.as_ref()?;
        let identity = tls.identity();
        Some((
            tls.files().map(Path::to_path_buf).collect::<Vec<_>>(),
            identity.asks(),
            identity.requires(),
            identity.name().cloned(),
        ))
    });
    let tls: Vec<_> = tls.collect();
    let config = Config { policy, origins: Vec::new(), ..config };
    format!("{config:?} {origins} {tls:?}")
}

fn scene() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["a", "b"] {
        let (certificate, key) = Issuer::generate(name).unwrap();
        fs::write(at(&format!("{name}.pem")), &certificate).unwrap();
        fs::write(at(&format!("{name}2.pem")), &certificate).unwrap();
        for file in [format!("{name}.key"), format!("{name}2.key")] {
            fs::write(at(&file), &key).unwrap();
            fs::set_permissions(at(&file), fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
    for (name, hash) in [("a.secret", HASH_A), ("b.secret", HASH_B)] {
        fs::write(at(name), hash.trim_matches('"')).unwrap();
        fs::set_permissions(at(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::write(at("crl.pem"), revoking_nothing()).unwrap();
    folder
}

fn revoking_nothing() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = rcgen::CertifiedIssuer::self_signed(params, key).unwrap();
    let list = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2024, 1, 1),
        next_update: rcgen::date_time_ymd(2090, 1, 1),
        crl_number: rcgen::SerialNumber::from(1u64),
        issuing_distribution_point: None,
        revoked_certs: vec![],
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    list.signed_by(&issuer).unwrap().pem().unwrap()
}

#[test]
fn two_values_of_a_key_come_to_two_configurations() {
    let folder = scene();
    for (table, around, keys) in KEYS {
        for (key, one, other) in keys.iter().filter(|(key, ..)| (*table, *key) != ("Raw", "fields")) {
            let shown = |value: &str| shown(&text(around, key, value), folder.path());
            let one = if one.is_empty() { shown("") } else { shown(one) };
            match (*key, *other) {
                // Where it is left out its companion has no meaning, and that is said.
                ("intercept" | "proxy_protocol", "") => {
                    assert!(read_text("t.toml", &text(around, key, ""), folder.path()).is_err(), "{key}");
                }
                (_, other) => assert_ne!(one, shown(other), "{table}: {key} makes no difference"),
            }
        }
    }
    let fields = |name: &str| {
        let rule = "[[rule]]\nid = \"r\"\nidentifiers = [\"payment.pan\"]\naction = \"block\"\nfields = [\"of:own\"]\n";
        shown(&format!("[fields]\nown = [\"{name}\"]\n{rule}"), folder.path())
    };
    assert_ne!(fields("a"), fields("b"));
}

/// Keys of a table as the sources read them: methods of `Table` that take a name.
pub(super) fn read_by(source: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut table = String::new();
    let flat = source.replace("table\n", "table ").split('\n').map(str::to_owned).collect::<Vec<_>>();
    for line in flat {
        if let Some(name) = line.strip_prefix("impl ").or_else(|| line.strip_prefix("fn ")) {
            table = name.split(['(', ' ', '<']).next().unwrap_or_default().to_owned();
        }
        for call in line.split("table").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('.')) {
            let Some((method, rest)) = call.split_once("(\"") else { continue };
            let reads = [
                "name",
                "texts",
                "some_texts",
                "lists",
                "flag",
                "word",
                "parsed",
                "duration",
                "size",
                "count",
                "percent",
                "moment",
                "date",
            ];
            if reads.contains(&method) {
                found.push((table.clone(), rest.split('"').next().unwrap_or_default().to_owned()));
            }
        }
    }
    found
}

#[test]
fn no_key_is_missing_here() {
    let sources = [
        include_str!("raw.rs"),
        include_str!("raw_rule.rs"),
        include_str!("raw_sink.rs"),
        include_str!("raw_upstream.rs"),
        include_str!("raw_ways.rs"),
    ];
    let all: Vec<_> = sources.iter().flat_map(|source| read_by(source)).collect();
    assert!(all.len() > 120, "{}", all.len());
    for (table, key) in all {
        let known =
            KEYS.iter().any(|(of, _, keys)| *of == table && keys.iter().any(|(name, ..)| *name == key));
        assert!(known || ONE_VALUE.contains(&(&table, &key)), "`{key}` of {table} is in no row");
    }
}
