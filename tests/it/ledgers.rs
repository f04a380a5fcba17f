//! The coverage ledger of the running program: what its records state of every flow is what its figures add up to.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use tidegate::decode::{Coding, Encoder};

use crate::commands::{Gate, configure, done, folder, records};
use crate::harness::Origin;
use crate::harness::origin::ok;

fn exchange(to: SocketAddr, request: &[u8]) -> String {
    let mut tcp = TcpStream::connect(to).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    tcp.write_all(request).unwrap();
    let mut answer = Vec::new();
    let _ = tcp.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn address(greeting: &str, line: &str) -> SocketAddr {
    let found = greeting.lines().find(|text| text.trim_start().starts_with(line)).unwrap();
    found.split("http://").nth(1).unwrap().split(['/', ' ']).next().unwrap().parse().unwrap()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(&[Coding::Gzip]).unwrap();
    encoder.push(text).unwrap();
    encoder.finish().unwrap()
}

/// The value of each label of one figure.
fn figures(metrics: &str, name: &str) -> BTreeMap<String, u64> {
    let labelled = |line: &str| {
        let (label, value) = line.strip_prefix(name)?.strip_prefix('{')?.split_once("} ")?;
        Some((label.split('"').nth(1)?.to_owned(), value.parse::<f64>().ok()? as u64))
    };
    metrics.lines().filter_map(labelled).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_pass_unread_are_counted_alike_in_records_and_figures() {
    let origin = Origin::cleartext("origin.test", |conn| conn.serve(|_| ok("{}"))).await;
    let folder = folder();
    let own = origin.address.ip();
    let upstream = format!(
        "[upstream]\nroots = [\"mozilla\"]\nallow_addresses = [\"{own}/32\"]\nresolve = {{ \"origin.test\" = [\"127.0.0.1\"] }}\n"
    );
    configure(folder.path(), &format!("[inspect]\nundecodable = \"allow\"\nopaque = \"allow\"\n{upstream}"));
    let (gate, greeting) = Gate::start(folder.path());
    let (proxy, admin) = (address(&greeting, "proxy"), address(&greeting, "admin"));
    let (host, whole) = (origin.authority(), gzip(&b"words ".repeat(500)));
    let bodies: [(&str, Option<&str>, Vec<u8>); 6] = [
        ("", None, b"plain words".to_vec()),
        ("", Some("gzip"), whole.clone()),
        ("unknown_coding", Some("rot13"), b"uryyb".to_vec()),
        ("trailing", Some("gzip"), [whole.as_slice(), b"garbage"].concat()),
        // All that there is of it was read.
        ("", Some("gzip"), whole[..whole.len() - 3].to_vec()),
        ("depth", Some("gzip, gzip, gzip, gzip"), b"x".to_vec()),
    ];
    for (reason, coding, body) in &bodies {
        let coding = coding.map_or_else(String::new, |coding| format!("Content-Encoding: {coding}\r\n"));
        let head = format!(
            "POST http://{host}/ HTTP/1.1\r\nHost: {host}\r\n{coding}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let answer = exchange(proxy, &[head.as_bytes(), body].concat());
        assert!(answer.starts_with("HTTP/1.1 200"), "{reason}: {answer}");
    }
    let metrics = exchange(
        admin,
        format!("GET /metrics HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n").as_bytes(),
    );
    gate.signal("TERM");
    let (code, _, log) = gate.end_with_log();
    assert_eq!(code, 0, "{log}");

    let (mut inspected, mut unread) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, u64>::new());
    for line in records(folder.path()).lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        let bytes = &record["bytes"];
        if record["kind"] != "decision" || !bytes.is_object() {
            continue;
        }
        let direction = record["direction"].as_str().unwrap().to_owned();
        let count = |value: &Value| value.as_u64().unwrap();
        *inspected.entry(direction).or_default() += count(&bytes["inspected"]);
        let mut all = count(&bytes["inspected"]);
        for part in bytes["uninspected"].as_array().unwrap() {
            *unread.entry(part["reason"].as_str().unwrap().to_owned()).or_default() += count(&part["bytes"]);
            all += count(&part["bytes"]);
        }
        assert_eq!(all, count(&bytes["seen"]), "every byte is accounted for: {record}");
    }
    assert_eq!(figures(&metrics, "tidegate_inspected_bytes_total"), inspected, "{metrics}");
    assert_eq!(figures(&metrics, "tidegate_uninspected_bytes_total"), unread, "{metrics}");
    for (reason, _, _) in bodies.iter().filter(|body| !body.0.is_empty()) {
        assert!(unread.get(*reason).is_some_and(|bytes| *bytes > 0), "{reason}: {unread:?}");
    }
    let cap = metrics.lines().find_map(|line| line.strip_prefix("tidegate_held_bytes_max ")).unwrap();
    assert_eq!(cap.parse::<f64>().unwrap() as usize, tidegate::limits::HELD_BYTES);
    assert_eq!(done(folder.path(), &["audit", "verify", "audit"]).0, 0);
}
