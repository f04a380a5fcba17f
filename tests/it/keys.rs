//! Every key of the configuration changes an outcome: which test shows it, and the tests of those that are shown nowhere else.
//! (That what is written arrives is shown for each key in `src/config/arrival_tests.rs`.)

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use crate::commands::{Gate, configure, done, folder, records};
use crate::harness::client::{connector, name};
use crate::harness::origin::ok;
use crate::harness::wire::Reader;
use crate::harness::{Client, Origin, PAN, Setup, World, soon};
use crate::promises;

/// Of each table, as `src/config` calls it: keys, and the test in which they change an outcome. A file of tests/policy
/// holds flows that are judged under its text, as a configuration.
const KEYS: &[(&str, &str, &str)] = &[
    ("Raw", "node", "keys: each_name_and_place_is_where_it_is_said"),
    ("Raw", "mode", "shadows: what_a_rule_would_have_done_is_told_and_the_hints_do_what_they_say"),
    ("Raw", "packs fields", "tests/policy/fields.toml: fields = "),
    ("Raw", "pack_keys", "tools: a_signed_pack_is_believed_and_a_tampered_one_is_not"),
    ("Raw", "starter", "tests/policy/benign.toml: starter = "),
    ("Raw", "destinations", "tests/policy/fields.toml: [destinations]"),
    ("read_watch", "watch", "keys: a_changed_file_waits_to_be_read_unless_it_is_watched"),
    ("read_unlisted", "unlisted", "tests/policy/grants.toml: unlisted = "),
    ("read_fingerprint", "key", "keys: each_name_and_place_is_where_it_is_said"),
    (
        "read_fingerprint",
        "epoch",
        "audit/prints: values_compare_within_one_tenant_epoch_and_identifier_alone",
    ),
    ("RawState", "directory key", "keys: each_name_and_place_is_where_it_is_said"),
    ("RawAdmin", "address token", "keys: each_name_and_place_is_where_it_is_said"),
    ("RawIssuer", "certificate key", "keys: each_name_and_place_is_where_it_is_said"),
    ("RawListener", "name address tenant", "keys: each_name_and_place_is_where_it_is_said"),
    (
        "RawListener",
        "kind upstream upstreams reply",
        "keys: a_reverse_listener_leads_where_it_is_said_and_says_little",
    ),
    ("RawListener", "intercept intercept_destinations", "keys: what_is_not_listed_passes_unopened"),
    ("RawListener", "proxy_protocol proxy_protocol_from", "keys: a_balancer_is_believed_where_it_is_said"),
    ("RawListener", "redirection", "tests/netns/run: redirection"),
    (
        "RawListener",
        "certificate key client_ca",
        "certificates: certificates_are_exchanged_while_connections_go_on",
    ),
    ("RawListener", "names", "tests/clients/run: names = "),
    ("RawListener", "client_crls", "certificates: refusals_say_exactly_why"),
    (
        "RawListener",
        "client_certificate",
        "certificates: where_it_is_optional_a_password_serves_as_well_and_a_wrong_certificate_does_not",
    ),
    ("RawListener", "authentication", "identities: a_tunnel_is_for_those_who_say_who_they_are"),
    ("RawInspect", "hold", "streams: an_upload_reaches_the_origin_while_the_client_still_sends"),
    ("RawInspect", "hold_idle", "streams: a_silent_response_leaves_hold"),
    ("RawInspect", "undecodable", "keys: what_cannot_be_read_passes_where_it_may"),
    ("RawInspect", "opaque", "tunnels: opaque_bytes_are_blocked_scanned_or_passed_as_configured"),
    (
        "RawInspect",
        "coded_redact",
        "config/tests: every_complaint_names_its_place_and_what_was_expected_all_at_once",
    ),
    ("RawAudit", "directory signing_key", "keys: each_name_and_place_is_where_it_is_said"),
    (
        "RawAudit",
        "segment_size",
        "audit/tests: records_of_many_tasks_are_numbered_without_gaps_across_segments",
    ),
    ("RawAudit", "max_disk", "audit/log: a_full_disk_changes_nothing_and_leaves_no_gap"),
    ("RawAudit", "compress", "audit/tests_keep: the_keeper_packs_what_is_closed_and_the_budget_knows"),
    ("RawAudit", "key_epoch", "audit/tests_epochs: keys_change_by_themselves_and_a_witness_follows_them"),
    (
        "RawAudit",
        "retention",
        "audit/tests_retention: what_is_over_is_removed_and_the_trail_is_proved_across_it",
    ),
    ("RawAudit", "heartbeat witness", "evidence: a_gate_beats_tests_itself_and_shows_its_heads_elsewhere"),
    ("Grounds", "reason owner", "evidence: what_lets_pass_and_what_was_refused_is_on_record_with_its_end"),
    ("Grounds", "expires", "tests/policy/grants.toml: expires = "),
    ("RawRule", "id identifiers action direction destinations", "tests/policy/scopes.toml: destinations = "),
    ("RawRule", "except_destinations", "tests/policy/scopes.toml: except_destinations = "),
    ("RawRule", "clients", "tests/policy/scopes.toml: clients = "),
    ("RawRule", "tenants", "tests/policy/scopes.toml: tenants = "),
    ("RawRule", "methods", "tests/policy/scopes.toml: methods = "),
    ("RawRule", "paths", "tests/policy/scopes.toml: paths = "),
    ("RawRule", "media_types", "tests/policy/scopes.toml: media_types = "),
    ("RawRule", "status", "tests/policy/scopes.toml: status = "),
    ("RawRule", "schemes", "tests/policy/scopes.toml: schemes = "),
    ("RawRule", "fields at_most", "tests/policy/fields.toml: at_most = "),
    ("RawRule", "confidence", "tests/policy/scopes.toml: confidence = "),
    ("RawRule", "at_least per window", "tests/policy/windows.toml: window = "),
    ("RawRule", "at_least_bytes", "tests/policy/windows-tenants.toml: at_least_bytes = "),
    ("RawRule", "mode", "tests/policy/scopes.toml: mode = "),
    ("RawRule", "enforce_percent", "tests/policy/scopes.toml: enforce_percent = "),
    ("RawRule", "environments", "tests/policy/scopes.toml: environments = "),
    ("RawRule", "mask", "inspect/tests/tokens: a_value_has_one_token_however_it_is_written"),
    ("RawSuppress", "identifier destinations", "tests/policy/grants.toml: identifier = "),
    ("RawIdentity", "name clients tenant environment", "keys: an_address_stands_for_whom_it_is_said"),
    ("RawIdentity", "password password_file", "keys: an_address_stands_for_whom_it_is_said"),
    ("RawIdentity", "certificates", "certificates: certificates_are_exchanged_while_connections_go_on"),
    (
        "RawTransport",
        "destinations min_tls",
        "policies: nothing_goes_over_a_connection_that_is_protected_too_little",
    ),
    ("RawSink", "name kind url secret address", "sinks: collectors_are_sent_every_record_in_their_own_form"),
    ("RawSink", "kinds", "evidence: a_configured_sink_gets_what_its_filter_lets_through"),
    (
        "RawSink",
        "actions disclosures rules identifiers destinations tenants",
        "sinks: a_second_run_goes_on_where_the_first_was_acknowledged_and_filters_hold",
    ),
    ("RawSink", "begin", "evidence: a_configured_sink_gets_what_its_filter_lets_through"),
    ("RawSink", "alarm", "sinks: a_receiver_that_is_down_loses_nothing_and_its_silence_is_on_record"),
    ("RawSink", "tls", "sinks: syslog_over_tls_is_framed_and_what_a_broken_connection_took_is_sent_again"),
    ("RawSink", "format", "tests/ocsf/run: format = "),
    (
        "RawSample",
        "key identifiers",
        "samples: a_sample_is_opened_by_its_key_alone_and_its_opening_is_written_down",
    ),
    ("RawSample", "actions", "audit/sample/tests: what_is_not_to_be_sampled_is_not_and_the_record_says_why"),
    ("RawSample", "max_size", "audit/sample/tests: room_is_bounded_and_records_come_first"),
    (
        "RawSample",
        "retention",
        "audit/sample/tests: samples_go_when_their_time_is_over_unless_held_and_that_is_on_record",
    ),
    ("RawSelftest", "every", "evidence: a_gate_beats_tests_itself_and_shows_its_heads_elsewhere"),
    (
        "RawSelftest",
        "identifiers",
        "evidence: a_gate_proves_itself_through_its_own_listener_and_says_when_it_does_not",
    ),
    ("RawUpstream", "roots resolve allow_addresses", "hints: the_bypass_for_a_client_that_pins_lets_it_pass"),
    ("RawUpstream", "min_tls", "proxy/upstream/tests/reaching: bad_upstreams_are_refused_with_their_reason"),
    ("RawUpstream", "connect_timeout parent", "keys: a_tunnel_that_is_not_made_in_time_is_given_up"),
    ("RawUpstream", "first_byte", "streams: an_answer_may_be_awaited_for_as_long_as_is_configured"),
    ("RawUpstream", "events_idle", "streams: a_stream_of_events_may_be_silent_for_as_long_as_is_configured"),
    ("RawUpstream", "mark", "tests/netns/run: mark = "),
    (
        "RawUpstream",
        "parent_credentials no_parent",
        "upstreams: a_parent_proxy_is_asked_for_a_tunnel_to_all_but_its_exceptions",
    ),
    ("RawDestination", "hosts roots", "upstreams: own_roots_are_believed_for_their_hosts_and_prove_no_name"),
    ("RawDestination", "min_tls", "upstreams: a_least_version_holds_for_the_destinations_it_is_given_for"),
    (
        "RawDestination",
        "client_certificate client_key",
        "upstreams: an_upstream_that_asks_who_we_are_is_shown_our_certificate",
    ),
    ("RawDestination", "crls", "upstreams: a_revoked_certificate_is_refused_as_that"),
    ("RawDestination", "source_address", "upstreams: a_source_address_is_used_for_its_destinations"),
    ("RawBypass", "hosts clients", "hints: the_bypass_for_a_client_that_pins_lets_it_pass"),
    (
        "RawBypass",
        "reason owner expires",
        "evidence: what_lets_pass_and_what_was_refused_is_on_record_with_its_end",
    ),
];

/// Keys by the tables that read them, as in `src/config/arrival_tests.rs`.
fn read_by(source: &str) -> Vec<(String, String)> {
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
    let mut found = Vec::new();
    let mut table = String::new();
    for line in source.replace("table\n", "table ").lines() {
        if let Some(name) = line.strip_prefix("impl ").or_else(|| line.strip_prefix("fn ")) {
            table = name.split(['(', ' ', '<']).next().unwrap().to_owned();
        }
        for call in line.split("table").skip(1).filter_map(|rest| rest.trim_start().strip_prefix('.')) {
            if let Some((method, rest)) = call.split_once("(\"")
                && reads.contains(&method)
            {
                found.push((table.clone(), rest.split('"').next().unwrap().to_owned()));
            }
        }
    }
    found
}

#[test]
fn every_key_has_a_test_in_which_it_changes_an_outcome() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = ["raw", "raw_rule", "raw_sink", "raw_upstream", "raw_ways"];
    let source = |file| fs::read_to_string(root.join(format!("src/config/{file}.rs"))).unwrap();
    let all: Vec<_> = files.into_iter().flat_map(|file| read_by(&source(file))).collect();
    assert!(all.len() > 120);
    for (table, key) in &all {
        let known = KEYS.iter().any(|(of, keys, _)| of == table && keys.split(' ').any(|name| name == key));
        assert!(known, "`{key}` of {table} is in no row");
    }
    for (table, keys, proof) in KEYS {
        let is_read = |key: &str| all.iter().any(|(of, name)| of == table && name == key);
        assert!(keys.split(' ').all(is_read), "no such key: {table} {keys}");
        let (file, mark) = promises::place(root, proof).unwrap();
        assert!(fs::read_to_string(&file).is_ok_and(|text| text.contains(&mark)), "no such test: {proof}");
    }
}

/// A configuration with `listener` in its listener, and `more` after it.
fn written(folder: &Path, listener: &str, more: &str) {
    configure(folder, more);
    let text = fs::read_to_string(folder.join("t.toml")).unwrap();
    let text = text.replacen("[admin]", &format!("{listener}\n[admin]"), 1);
    fs::write(folder.join("t.toml"), format!("packs = [\"payment\"]\n{text}")).unwrap();
}

/// Of the first listener.
fn port(greeting: &str) -> u16 {
    let rest = greeting.split_once("  http://127.0.0.1:").unwrap().1;
    rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

async fn to(port: u16) -> Client {
    Client { reader: Reader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap()) }
}

fn end(gate: Gate) {
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
}

fn all_records(folder: &Path) -> Vec<Value> {
    records(folder).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn each_name_and_place_is_where_it_is_said() {
    let folder = folder();
    let at = folder.path();
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (own, admin) = (free(), free());
    fs::create_dir(at.join("k")).unwrap();
    let text = format!(
        "node = \"here\"\npacks = [\"payment\"]\n[[listener]]\nname = \"front\"\naddress = \"{own}\"\ntenant = \"shop\"\n\
         [admin]\naddress = \"{admin}\"\ntoken = \"k/token\"\n[issuer]\ncertificate = \"k/ca.pem\"\nkey = \"k/ca.key\"\n\
         [fingerprint]\nkey = \"k/prints\"\n[audit]\ndirectory = \"records\"\nsigning_key = \"k/sign\"\n\
         [state]\ndirectory = \"kept\"\nkey = \"k/state\"\n"
    );
    fs::write(at.join("t.toml"), text).unwrap();
    let (gate, greeting) = Gate::start(at);
    assert!(greeting.contains(&format!("http://{own}   listener front")), "{greeting}");
    assert!(greeting.contains(&format!("http://{admin}/readyz")), "{greeting}");
    use std::io::{Read, Write};
    let mut client = std::net::TcpStream::connect(own).unwrap();
    client
        .write_all(b"GET http://a.invalid:1/ HTTP/1.1\r\nHost: a.invalid:1\r\nConnection: close\r\n\r\n")
        .unwrap();
    client.read_to_end(&mut Vec::new()).unwrap();
    // An overlay is kept in the state's folder, and wants the token of that file.
    let (code, out, err) =
        done(at, &["overlay", "add", "block", "--to", "a.example", "--reason", "x", "--config", "t.toml"]);
    assert_eq!(code, 0, "{out}{err}");
    end(gate);
    for file in ["k/token", "k/ca.pem", "k/ca.key", "k/prints", "k/sign", "k/state", "kept"] {
        assert!(at.join(file).exists(), "{file}");
    }
    assert!(!at.join("certs").exists() && !at.join("audit").exists() && !at.join("state").exists());
    assert!(fs::read_dir(at.join("kept")).unwrap().count() > 0);
    let segment = fs::read_dir(at.join("records")).unwrap().map(|entry| entry.unwrap().path());
    let segment = segment.filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    let text: String = segment.map(|path| fs::read_to_string(path).unwrap()).collect();
    let all: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(all.iter().all(|record| record["node"] == "here"));
    let request = all.iter().find(|record| record["http"]["method"] == "GET").unwrap();
    assert_eq!((&request["tenant"], &request["protocol"]["listener"]), (&"shop".into(), &"front".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reverse_listener_leads_where_it_is_said_and_says_little() {
    let folder = folder();
    let one = Origin::cleartext("127.0.0.1", |conn| conn.serve(|_| ok("one"))).await;
    let two = Origin::cleartext("127.0.0.1", |conn| conn.serve(|_| ok("two"))).await;
    let listener = format!(
        "kind = \"reverse\"\nreply = \"minimal\"\nupstream = \"http://{}\"\nupstreams = {{ \"b.test\" = [\"http://{}\"] }}",
        one.authority(),
        two.authority()
    );
    written(folder.path(), &listener, "[upstream]\nallow_addresses = [\"127.0.0.0/8\"]\n");
    let (gate, greeting) = Gate::start(folder.path());
    let port = port(&greeting);
    let told = [
        format!("  reverse  http://127.0.0.1:{port}   listener"),
        format!("  curl http://127.0.0.1:{port}/ -d"),
    ];
    assert!(told.iter().all(|told| greeting.contains(told)) && !greeting.contains("proxy"), "{greeting}");
    for (host, expected) in [("a.test", "one"), ("b.test", "two")] {
        let response = to(port).await.exchange(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(response.body.bytes, expected.as_bytes());
    }
    let request = format!("POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 22\r\n\r\ncard: {PAN}");
    let refused = to(port).await.exchange(request).await;
    assert_eq!((refused.status, &refused.json()["title"]), (403, &"refused".into()));
    assert!(refused.json().get("rule").is_none());
    end(gate);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_listed_passes_unopened() {
    let folder = folder();
    let world = World::start(Setup::default()).await;
    fs::write(folder.path().join("roots.pem"), world.authority.pem()).unwrap();
    let listener = "intercept = \"listed\"\nintercept_destinations = [\"origin.test\"]";
    let upstream = "[upstream]\nroots = [\"roots.pem\"]\nallow_addresses = [\"127.0.0.0/8\"]\n\
                    resolve = { \"origin.test\" = [\"127.0.0.1\"], \"other.test\" = [\"127.0.0.1\"] }\n";
    written(folder.path(), listener, upstream);
    let (gate, greeting) = Gate::start(folder.path());
    let port = port(&greeting);
    for (host, is_opened) in [("origin.test", true), ("other.test", false)] {
        let origin = Origin::agreeable(&world, host).await;
        let mut client = to(port).await;
        let authority = origin.authority();
        client.send(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n")).await;
        assert_eq!(client.head().await.line, "HTTP/1.1 200 Connection established");
        // Who believes the origin's authority alone meets it only where nobody opens the tunnel.
        let connector = connector(&world.authority.pem());
        let shaken = soon("a handshake", connector.connect(name(host), client.reader.io)).await;
        assert_eq!(shaken.is_err(), is_opened, "{host}");
    }
    end(gate);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balancer_is_believed_where_it_is_said() {
    for (network, is_believed) in [("127.0.0.1", true), ("10.0.0.0/8", false)] {
        let folder = folder();
        let listener = format!("proxy_protocol = true\nproxy_protocol_from = [\"{network}\"]");
        written(folder.path(), &listener, "");
        let (gate, greeting) = Gate::start(folder.path());
        let mut client = to(port(&greeting)).await;
        client.send("PROXY TCP4 203.0.113.9 192.0.2.1 1 2\r\nGET http://a.invalid:1/ HTTP/1.1\r\nHost: a.invalid:1\r\n\r\n").await;
        let answer = client.response_if_any().await;
        assert_eq!(answer.is_some(), is_believed, "{network}");
        end(gate);
        let all = all_records(folder.path());
        let known = all.iter().any(|record| record["client"]["address"] == "203.0.113.9");
        assert_eq!(known, is_believed, "{network}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_passes_where_it_may() {
    for (word, status) in [("block", 403), ("allow", 200)] {
        let folder = folder();
        let origin = Origin::cleartext("127.0.0.1", |conn| conn.serve(|_| ok("{}"))).await;
        let more =
            format!("[inspect]\nundecodable = \"{word}\"\n[upstream]\nallow_addresses = [\"127.0.0.1\"]\n");
        written(folder.path(), "", &more);
        let (gate, greeting) = Gate::start(folder.path());
        let to_origin = origin.authority();
        let request = format!(
            "POST http://{to_origin}/ HTTP/1.1\r\nHost: {to_origin}\r\nContent-Encoding: x-own\r\nContent-Length: 2\r\n\r\nab"
        );
        assert_eq!(to(port(&greeting)).await.exchange(request).await.status, status, "{word}");
        end(gate);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tunnel_that_is_not_made_in_time_is_given_up() {
    let folder = folder();
    // A parent that takes connections and never answers.
    let parent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = parent.local_addr().unwrap();
    let asked = tokio::spawn(async move { parent.accept().await.unwrap() });
    let upstream = format!(
        "[upstream]\nparent = \"http://{address}\"\nconnect_timeout = \"100ms\"\nallow_addresses = [\"127.0.0.1\"]\n"
    );
    written(folder.path(), "", &upstream);
    let (gate, greeting) = Gate::start(folder.path());
    let begun = Instant::now();
    let response =
        to(port(&greeting)).await.exchange("GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    assert!([502, 504].contains(&response.status), "{response:?}");
    // Unset, it would be ten seconds.
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    soon("the parent to be asked", asked).await.unwrap();
    end(gate);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_stands_for_whom_it_is_said() {
    let folder = folder();
    let origin = Origin::cleartext("127.0.0.1", |conn| conn.serve(|_| ok("{}"))).await;
    let rule = |environment: &str| {
        format!(
            "[upstream]\nallow_addresses = [\"127.0.0.1\"]\n[[identity]]\nname = \"mine\"\nclients = [\"127.0.0.0/8\"]\n\
             tenant = \"shop\"\nenvironment = \"prod\"\n[[identity]]\nname = \"other\"\nclients = [\"10.0.0.0/8\"]\n\
             environment = \"test\"\n[[rule]]\nid = \"r\"\nidentifiers = [\"payment.pan\"]\naction = \"block\"\n\
             environments = [\"{environment}\"]\n"
        )
    };
    let to_origin = origin.authority();
    let request =
        format!("POST http://{to_origin}/ HTTP/1.1\r\nHost: {to_origin}\r\nContent-Length: 16\r\n\r\n{PAN}");
    for (environment, status) in [("prod", 403), ("test", 200)] {
        written(folder.path(), "", &rule(environment));
        let (gate, greeting) = Gate::start(folder.path());
        assert_eq!(to(port(&greeting)).await.exchange(&request).await.status, status, "{environment}");
        end(gate);
    }
    let all = all_records(folder.path());
    let request = all.iter().find(|record| record["http"]["method"] == "POST").unwrap();
    assert_eq!((&request["client"]["identity"], &request["tenant"]), (&"mine".into(), &"shop".into()));
    // A password in the file and one in a file of its own.
    let hash = tidegate::proxy::PasswordHash::make(b"s3cret", b"some salt", 100_000).to_string();
    fs::write(folder.path().join("b.secret"), &hash).unwrap();
    fs::set_permissions(folder.path().join("b.secret"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let more = format!(
        "[upstream]\nallow_addresses = [\"127.0.0.1\"]\n[[identity]]\nname = \"a\"\npassword = \"{hash}\"\n\
         [[identity]]\nname = \"b\"\npassword_file = \"b.secret\"\n"
    );
    written(folder.path(), "authentication = \"basic\"", &more);
    let (gate, greeting) = Gate::start(folder.path());
    for (said, status) in [("a:s3cret", 200), ("b:s3cret", 200), ("b:other", 407)] {
        let said = tidegate::audit::base64(said.as_bytes());
        let request = format!(
            "GET http://{to_origin}/ HTTP/1.1\r\nHost: {to_origin}\r\nProxy-Authorization: Basic {said}\r\n\r\n"
        );
        assert_eq!(to(port(&greeting)).await.exchange(request).await.status, status, "{said}");
    }
    end(gate);
}

/// Two gates whose files change: the one that watches its file has read it twice by the time at which the other is asked.
#[test]
fn a_changed_file_waits_to_be_read_unless_it_is_watched() {
    let (watched, other) = (folder(), folder());
    let put = |folder: &Path, watch: bool, id: &str| {
        let rule = format!(
            "[reload]\nwatch = {watch}\n[[rule]]\nid = \"{id}\"\nidentifiers = [\"payment.pan\"]\naction = \"block\"\n"
        );
        written(folder, "", &rule);
    };
    put(watched.path(), true, "first");
    put(other.path(), false, "first");
    let (mut gate, _) = Gate::start(watched.path());
    let (quiet, _) = Gate::start(other.path());
    put(other.path(), false, "second");
    for id in ["second", "third"] {
        put(watched.path(), true, id);
        gate.logged("configuration reloaded");
    }
    end(gate);
    end(quiet);
    let reloads =
        |folder: &Path| all_records(folder).iter().filter(|record| record["kind"] == "config").count();
    assert_eq!((reloads(watched.path()), reloads(other.path())), (2, 0));
}
