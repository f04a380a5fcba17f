//! The trail answers questions, and what it answers can be handed on.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::commands::{Gate, configure, done, folder, tidegate};

/// A trail of a gate that ran and was reloaded.
fn trail(folder: &Path) {
    configure(folder, "");
    let (mut gate, _) = Gate::start(folder);
    gate.signal("HUP");
    gate.logged("configuration reloaded");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
}

#[test]
fn records_are_asked_for_in_every_form() {
    let folder = folder();
    trail(folder.path());
    let ask = |more: &[&str]| {
        let (code, out, err) = done(folder.path(), &[&["audit", "query", "audit"], more].concat());
        assert_eq!(code, 0, "{err}");
        out
    };
    let kinds = |out: &str| -> Vec<String> {
        let kind =
            |line: &str| serde_json::from_str::<Value>(line).unwrap()["kind"].as_str().unwrap().to_owned();
        out.lines().map(kind).collect()
    };
    assert_eq!(kinds(&ask(&["--kind", "start", "--kind", "config"])), ["start", "config"]);
    assert_eq!(ask(&["--kind", "st*", "--count"]), "2\n");
    assert_eq!(kinds(&ask(&["--from-seq", "2", "--limit", "1"])), ["start"]);
    assert_eq!(ask(&["--until", "2001-01-01"]), "");
    assert!(ask(&["--format", "csv", "--kind", "stop"]).starts_with("seq,time,kind,"));
    assert!(ask(&["--format", "table", "--since", "1h"]).lines().count() > 4);
    let (code, _, err) = done(folder.path(), &["audit", "query", "audit", "--since", "yesterday"]);
    assert_eq!((code, err.contains("15m, 2h or 7d")), (64, true), "{err}");
    assert_eq!(done(folder.path(), &["audit", "query", "nowhere"]).0, 74);

    let (code, out, _) = done(folder.path(), &["audit", "tail", "audit", "-n", "2"]);
    assert_eq!((code, kinds(&out)), (0, vec!["stop".to_owned(), "checkpoint".to_owned()]));
    let report =
        ["audit", "report", "audit", "--from", "2020-01-01", "--to", "2090-01-01", "--format", "json"];
    let (code, once, err) = done(folder.path(), &report);
    assert_eq!(code, 0, "{err}");
    assert_eq!(done(folder.path(), &report).1, once);
    assert_eq!(serde_json::from_str::<Value>(&once).unwrap()["integrity"]["whole"], true);
}

#[test]
fn a_follower_is_told_as_it_happens() {
    let folder = folder();
    configure(folder.path(), "");
    let (gate, _) = Gate::start(folder.path());
    let mut follower =
        tidegate(folder.path(), &["audit", "tail", "audit", "--follow", "--kind", "start", "--kind", "stop"]);
    let mut follower = follower.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("\"kind\":\"start\""));
    gate.signal("TERM");
    assert!(lines.next().unwrap().unwrap().contains("\"kind\":\"stop\""));
    assert_eq!(gate.end().0, 0);
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
fn evidence_leaves_the_house_and_is_checked_elsewhere() {
    let folder = folder();
    trail(folder.path());
    let export = [
        "audit",
        "export",
        "audit",
        "--to",
        "evidence",
        "--sign-with",
        "certs/audit.key",
        "--kind",
        "config",
    ];
    let (code, out, err) = done(folder.path(), &export);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("1 of them asked for"), "{out}");
    assert_eq!(done(folder.path(), &export).0, 74, "a bundle is never written over");
    let (code, proof, err) = done(folder.path(), &["audit", "prove", "audit", "2"]);
    assert_eq!(code, 0, "{err}");
    fs::write(folder.path().join("proof.json"), proof).unwrap();
    let manifest = fs::read_to_string(folder.path().join("evidence/manifest.json")).unwrap();
    let names =
        ["records/segment-", "selection.jsonl", "checkpoints.jsonl", "audit.pub", "verify.py", "README.md"];
    assert!(names.iter().all(|name| manifest.contains(name)), "{manifest}");
    assert!(
        !folder.path().join("evidence/certs").exists() && !manifest.contains("key\": \"-----BEGIN PRIVATE")
    );
    for words in [&["evidence/verify.py", "evidence"][..], &["evidence/verify.py", "--proof", "proof.json"]] {
        match Command::new("python3").args(words).current_dir(folder.path()).output() {
            Ok(checked) => assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr)),
            Err(error) => eprintln!("SKIPPED: python3: {error}"),
        }
    }
}

#[test]
fn a_witness_can_be_required() {
    let folder = folder();
    configure(folder.path(), "");
    let (gate, _) = Gate::start(folder.path());
    gate.signal("TERM");
    let (code, heads) = gate.end();
    assert_eq!(code, 0);
    fs::write(folder.path().join("all"), &heads).unwrap();
    let first = heads.lines().find(|line| line.contains("\"kind\":\"checkpoint\"")).unwrap();
    fs::write(folder.path().join("first"), first).unwrap();
    fs::write(folder.path().join("none"), "").unwrap();
    for (file, expected) in [("all", 0), ("first", 2), ("none", 2)] {
        let verify = ["audit", "verify", "audit", "--witness", file, "--require-witness"];
        let (code, out, _) = done(folder.path(), &verify);
        assert_eq!(code, expected, "{file}: {out}");
    }
}
