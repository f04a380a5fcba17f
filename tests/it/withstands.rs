//! The real program under hostile input and short of means: it lives, says what is wrong, and tells nothing it must not.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tidegate::platform::process;

use crate::commands::{Gate, configure, done, folder, records};
use crate::harness::origin::ok;
use crate::harness::{Origin, PAN, SSN};

/// The address that a line of the greeting names.
fn address(greeting: &str, line: &str) -> SocketAddr {
    let found = greeting.lines().find(|text| text.trim_start().starts_with(line)).unwrap();
    let after = found.split("http://").nth(1).unwrap();
    after.split(['/', ' ']).next().unwrap().parse().unwrap()
}

/// All that is answered until the other end closes.
fn exchange(to: SocketAddr, request: &[u8]) -> String {
    let mut tcp = TcpStream::connect(to).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let _ = tcp.write_all(request);
    let mut answer = Vec::new();
    let _ = tcp.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(to: SocketAddr, path: &str) -> String {
    exchange(to, format!("GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n").as_bytes())
}

fn upstream(origin: &Origin) -> String {
    let resolve = "resolve = { \"origin.test\" = [\"127.0.0.1\"] }";
    let own = origin.address.ip();
    format!("[upstream]\nroots = [\"mozilla\"]\nallow_addresses = [\"{own}/32\"]\n{resolve}\n")
}

/// A figure of `/metrics`.
fn figure(metrics: &str, name: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_run_leaves_no_value_in_records_replies_figures_or_log() {
    let origin = Origin::cleartext("origin.test", |conn| conn.serve(|_| ok("{}"))).await;
    let folder = folder();
    configure(folder.path(), &upstream(&origin));
    let (gate, greeting) = Gate::start(folder.path());
    let (proxy, admin) = (address(&greeting, "proxy"), address(&greeting, "admin"));
    let host = origin.authority();
    let mut shown = String::new();
    for value in [PAN, SSN] {
        let end = "Connection: close\r\n\r\n";
        let mut requests = vec![
            format!(
                "CONNECT {value}.example:443 HTTP/1.1\r\nHost: {value}.example:443\r\n\r\nSSH-2.0-{value}\r\n"
            ),
            format!("CONNECT a.example:{value} HTTP/1.1\r\nHost: a.example:{value}\r\n\r\n"),
            format!("GET http://{value}.example/ HTTP/1.1\r\nHost: {value}.example\r\n{end}"),
            format!("GET http://{value}.example/ HTTP/1.1\r\nHost: a.example\r\n{end}"),
            format!("GET {value}://a.example/ HTTP/1.1\r\nHost: a.example\r\n{end}"),
            format!("GET http://{value}@{host}/ HTTP/1.1\r\nHost: {host}\r\n{end}"),
            format!("{value} {value} {value}\r\n\r\n"),
            format!("GET / HTTP/{value}\r\nHost: a.example\r\n\r\n"),
            format!("{value} http://{host}/ HTTP/1.1\r\nHost: {host}\r\n{end}"),
            format!("GET http://{host}/{value}/?a={value} HTTP/1.1\r\nHost: {host}\r\n{end}"),
            format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n{value}: 1\r\n{end}"),
            format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n{value} 1\r\n{end}"),
            format!(
                "POST http://{host}/ HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n{end}{value}",
                value.len()
            ),
        ];
        for name in [
            "User-Agent",
            "Content-Type",
            "Traceparent",
            "Upgrade",
            "Transfer-Encoding",
            "Content-Length",
            "Expect",
            "Content-Encoding",
            "Connection",
            "Cookie",
            "Authorization",
            "Proxy-Authorization",
        ] {
            requests.push(format!(
                "POST http://{host}/ HTTP/1.1\r\nHost: {host}\r\n{name}: {value}\r\nContent-Length: 1\r\n{end}x"
            ));
        }
        for request in requests {
            let before = shown.len();
            shown += &exchange(proxy, request.as_bytes());
            // All but the refused tunnel are answered.
            assert!(shown.len() > before, "no answer to {request}");
        }
    }
    let metrics = get(admin, "/metrics");
    shown += &(get(admin, "/readyz?verbose") + &metrics);
    // What stands rather than runs is told, too.
    assert!(figure(&metrics, "tidegate_upstream_connections_total{origin=\"dialled\"}") >= 1.0);
    assert_eq!(figure(&metrics, "tidegate_flows_open"), 0.0);
    assert_eq!(figure(&metrics, "tidegate_held_bytes"), 0.0);
    assert_eq!(figure(&metrics, "tidegate_records_refused_total"), 0.0);
    gate.signal("TERM");
    let (code, heads, log) = gate.end_with_log();
    assert_eq!(code, 0, "{log}");
    let trail = records(folder.path());
    for (place, text) in [("replies", &shown), ("records", &trail), ("heads", &heads), ("log", &log)] {
        for value in [PAN, SSN] {
            assert!(!text.contains(value), "{value} in {place}: {text}");
        }
    }
    assert!(trail.matches("\"action\":\"block\"").count() > 20, "{trail}");
    assert_eq!(done(folder.path(), &["audit", "verify", "audit"]).0, 0);
}

/// Processor time that a process has used, in clock ticks (hundredths of a second).
fn ticks(id: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptors_used_up_neither_kill_nor_spin_the_gate() {
    process::raise_descriptor_limit();
    let origin = Origin::cleartext("origin.test", |conn| conn.serve(|_| ok("{}"))).await;
    let folder = folder();
    configure(folder.path(), &upstream(&origin));
    let mut command = Command::new("sh");
    let run = format!("ulimit -n 256; exec {} run --config t.toml", env!("CARGO_BIN_EXE_tidegate"));
    command.current_dir(folder.path()).args(["-c", &run]).env_remove("RUST_LOG");
    let (gate, greeting) = Gate::spawn(command);
    let (proxy, admin) = (address(&greeting, "proxy"), address(&greeting, "admin"));
    let host = origin.authority();
    let head = format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n");
    let last = format!("{head}Connection: close\r\n\r\n");

    // One client has been served before, and may come back.
    let mut known = TcpStream::connect(proxy).unwrap();
    known.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    known.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    assert!(known.read(&mut [0; 4096]).unwrap() > 0);
    // Those that are not accepted wait in the kernel's queue; once that is full, too, they cannot connect.
    let connect = |_| TcpStream::connect_timeout(&proxy, Duration::from_millis(3)).ok();
    let idle: Vec<TcpStream> = (0..1000).filter_map(connect).collect();
    assert!(idle.len() > 200, "{}", idle.len());
    let before = ticks(gate.id());
    for _ in 0..50 {
        // The reserve serves the operator all the while.
        assert!(get(admin, "/livez").starts_with("HTTP/1.1 200"));
    }
    let metrics = get(admin, "/metrics");
    assert!(figure(&metrics, "tidegate_descriptors_open") <= 256.0 * 0.9, "{metrics}");
    assert_eq!(figure(&metrics, "tidegate_accept_errors_total"), 0.0);
    assert!(ticks(gate.id()) - before < 100, "it spins");
    known.write_all(last.as_bytes()).unwrap();
    let mut answer = String::new();
    known.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("HTTP/1.1 200"), "{answer}");
    drop(idle);
    assert!(exchange(proxy, last.as_bytes()).starts_with("HTTP/1.1 200"));
    gate.signal("TERM");
    let (code, _, log) = gate.end_with_log();
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("ulimit -n") && !log.contains("Too many open files"), "{log}");
}

#[test]
fn every_bad_start_ends_with_its_error_and_exit_code() {
    let key = |path: &str, bytes: &'static [u8]| (path.to_owned(), bytes);
    type Case = (&'static str, Option<(String, &'static [u8])>, i32, &'static [&'static str]);
    let cases: [Case; 8] = [
        ("packs = [\"paymant\"]", None, 78, &["t.toml:1:10: packs[0]", "did you mean `payment`?"]),
        ("packs = [\"own.toml\"]", None, 78, &["t.toml:1:10: packs[0]", "own.toml"]),
        ("packs = [\"own.toml\"]", Some(key("own.toml", b"[pack")), 78, &["own.toml:1"]),
        ("mode = ", None, 78, &["t.toml:1:"]),
        ("[audit]\ndirectory = \"file\"", Some(key("file", b"x")), 74, &["file", "cannot be looked for"]),
        ("[issuer]\nkey = \"i.key\"", Some(key("i.key", b"x")), 78, &["issuer.pem: is missing while"]),
        (
            "[audit]\nsigning_key = \"a.key\"",
            Some(key("a.key", b"x")),
            78,
            &["a.key: the signing key is not an Ed25519 key"],
        ),
        (
            "[fingerprint]\nkey = \"f.key\"",
            Some(key("f.key", b"xyz")),
            78,
            &["f.key: is not a fingerprint key"],
        ),
    ];
    for (config, file, expected, words) in cases {
        let folder = folder();
        let listeners = "[[listener]]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = \"127.0.0.1:0\"\n";
        fs::write(folder.path().join("t.toml"), format!("{config}\n{listeners}")).unwrap();
        if let Some((path, bytes)) = file {
            secret(&folder.path().join(path), bytes);
        }
        let (code, out, err) = done(folder.path(), &["run", "--config", "t.toml"]);
        assert_eq!(code, expected, "{config}: {out}{err}");
        assert!(words.iter().all(|word| err.contains(word)), "{config}: {err}");
        assert!(!err.contains("panicked"), "{err}");
        if code == 78 && config.contains("pack") {
            assert!(!folder.path().join("certs").exists(), "nothing is made: {config}");
        }
    }
    // A folder that cannot be looked into may hold records: no second issuer appears beside them.
    let folder = folder();
    configure(folder.path(), "[audit]\ndirectory = \"file\"\n");
    fs::write(folder.path().join("file"), "x").unwrap();
    assert_eq!(done(folder.path(), &["run", "--config", "t.toml"]).0, 74);
    assert!(!folder.path().join("certs/issuer.key").exists());
    let (code, _, err) = done(folder.path(), &["check", "--config", "t.toml"]);
    assert!(code == 1 && err.contains("cannot be looked for"), "{code} {err}");
}

#[test]
fn files_longer_than_any_real_one_are_not_read() {
    let folder = folder();
    let long = "#".repeat(usize::try_from(tidegate::limits::CONFIG_FILE).unwrap() + 1);
    for (name, config) in [("t.toml", long.as_str()), ("own.toml", "packs = [\"own.toml\"]\n")] {
        fs::write(folder.path().join("own.toml"), &long).unwrap();
        fs::write(folder.path().join("t.toml"), config).unwrap();
        let (code, _, err) = done(folder.path(), &["check", "--config", "t.toml"]);
        assert_eq!(code, 78, "{err}");
        assert!(err.contains(name) && err.contains("is longer than 4 MiB"), "{err}");
    }
}

fn secret(path: &Path, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}
