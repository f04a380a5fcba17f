//! What the trail keeps beyond its records, through commands: samples that one key opens, holds, exports of what matches.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;

use crate::commands::{Gate, configure, done, folder};

const PAN: &str = "4539148803436467";

/// Records that match, as the command prints them.
fn asked(folder: &Path, more: &[&str]) -> Vec<Value> {
    let (code, out, err) = done(folder, &[&["audit", "query", "audit"], more].concat());
    assert_eq!(code, 0, "{err}");
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The listener's address, from the record of the start.
fn listener(folder: &Path, greeting: &str) -> String {
    let port = greeting.split("http://127.0.0.1:").nth(1).unwrap();
    let port: String = port.chars().take_while(char::is_ascii_digit).collect();
    assert!(folder.join("audit").exists());
    format!("127.0.0.1:{port}")
}

/// A request in clear text that holds `body`; the answer.
fn send(address: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST http://crm.example.test/ HTTP/1.1\r\nHost: crm.example.test\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// What the admin listener says of figures; its address is in the greeting.
fn figures(greeting: &str) -> String {
    let admin = greeting.lines().find(|line| line.trim_start().starts_with("admin")).unwrap();
    let admin = admin.split("http://").nth(1).unwrap().split(['/', ' ']).next().unwrap();
    let mut stream = TcpStream::connect(admin).unwrap();
    let head = format!("GET /metrics HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Whether any file below a folder holds a text.
fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        fs::read(&path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn a_sample_is_opened_by_its_key_alone_and_its_opening_is_written_down() {
    let folder = folder();
    let run = |words: &[&str]| done(folder.path(), words);
    for name in ["sample", "other"] {
        let (code, out, err) = run(&["audit", "sample-key", name]);
        assert!(code == 0 && out.contains(&format!("key = \"{name}.pub\"")), "{out}{err}");
    }
    assert_eq!(run(&["audit", "sample-key", "sample"]).0, 74, "a key is never written over");
    let section = "[audit.sample]\nkey = \"sample.pub\"\nidentifiers = [\"payment.*\"]\n";
    configure(folder.path(), section);
    let (code, out, err) = run(&["check", "--config", "t.toml"]);
    assert!(code == 0 && out.contains("samples        payment.* of what"), "{out}{err}");
    let (gate, greeting) = Gate::start(folder.path());
    let address = listener(folder.path(), &greeting);
    let answer = send(&address, &format!("{{\"card\":\"{PAN}\"}}"));
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    // CVV beside it: nothing of this message is kept.
    let answer = send(&address, &format!("{{\"card\":\"{PAN}\",\"cvv\":\"737\"}}"));
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    let metrics = figures(&greeting);
    for (outcome, count) in [("kept", 1), ("sensitive", 1), ("full", 0)] {
        let line = format!("tidegate_audit_samples_total{{outcome=\"{outcome}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    let decided = asked(folder.path(), &["--kind", "decision", "--action", "block"]);
    assert_eq!(decided.len(), 2);
    assert_eq!(decided[0]["sample"]["values"], 1, "{}", decided[0]);
    assert_eq!(decided[1]["sample"], serde_json::json!({"not_kept": "sensitive"}), "{}", decided[1]);
    assert_eq!(fs::read_dir(folder.path().join("audit/samples")).unwrap().count(), 1);
    assert!(!holds(folder.path(), PAN), "a value is in a file");
    let id = |record: &Value| record["decision"].as_str().unwrap().to_owned();
    let (first, second) = (id(&decided[0]), id(&decided[1]));
    let who = ["--by", "anna", "--reason", &format!("incident 12, card {PAN}")];
    let unseal = |decision: &str, key: &str| {
        run(&[&["audit", "unseal", "audit", decision, "--key", key], who.as_slice()].concat())
    };
    let (code, out, err) = unseal(&first, "other.key");
    assert!(code == 1 && err.contains("sealed to the key") && out.is_empty(), "{out}{err}");
    let (code, _, err) = unseal(&second, "sample.key");
    assert!(code == 1 && err.contains("no sample was kept of this decision: sensitive"), "{err}");
    assert!(!folder.path().join("unsealed.jsonl").exists());
    let (code, out, err) = unseal(&first, "sample.key");
    assert_eq!(code, 0, "{err}");
    let opened: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(opened["values"][0]["value"], PAN);
    let statement = fs::read_to_string(folder.path().join("unsealed.jsonl")).unwrap();
    let statement: Value = serde_json::from_str(statement.trim()).unwrap();
    assert_eq!((&statement["by"], &statement["decision"]), (&"anna".into(), &first.as_str().into()));
    assert_eq!(statement["reason"], "incident 12, card ****************");
    assert_eq!(statement["sample"], decided[0]["sample"]["sha256"]);
    // No statement, no value.
    let nowhere = ["audit", "unseal", "audit", &first, "--key", "sample.key", "--statement", "none/s.jsonl"];
    let (code, out, _) = run(&[nowhere.as_slice(), &who].concat());
    assert_eq!((code, out.as_str()), (74, ""));
    let (code, out, _) =
        run(&["audit", "unseal", "audit", &first, "--key", "sample.key", "--by", " ", "--reason", "x"]);
    assert_eq!((code, out.as_str()), (64, ""));
    // One that was changed is not opened.
    let sample = fs::read_dir(folder.path().join("audit/samples")).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&sample).unwrap();
    fs::write(&sample, text.replacen("v1", "v2", 1)).unwrap();
    let (code, _, err) = unseal(&first, "sample.key");
    assert!(code == 1 && err.contains("is not the one that record"), "{err}");
    fs::remove_file(&sample).unwrap();
    let (code, _, err) = unseal(&first, "sample.key");
    assert!(code == 1 && err.contains("which is not there"), "{err}");
}

#[test]
fn what_is_never_sampled_is_refused_and_without_the_section_there_is_nothing() {
    let folder = folder();
    let check = |section: &str| {
        configure(folder.path(), section);
        let (code, out, err) = done(folder.path(), &["check", "--config", "t.toml"]);
        (code, out + &err)
    };
    for (section, word) in [
        ("[audit.sample]\nkey = \"k.pub\"\nidentifiers = [\"payment.cvv\"]", "which is never kept"),
        ("[audit.sample]\nkey = \"k.pub\"\nidentifiers = [\"payment.track2\"]", "which is never kept"),
        ("[audit.sample]\nkey = \"k.pub\"\nidentifiers = [\"payment.pna\"]", "payment.pan"),
        ("[audit.sample]\nidentifiers = [\"payment.pan\"]", "`key` is missing"),
        ("[audit.sample]\nkey = \"k.pub\"", "`identifiers` is missing"),
        (
            "[audit.sample]\nkey = \"k.pub\"\nidentifiers = [\"*\"]\nactions = [\"allow\"]",
            "alert, redact or block",
        ),
        ("[audit.sample]\nkey = \"k.pub\"\nidentifiers = [\"*\"]\nretention = \"1s\"", "out of range"),
        ("[audit.sample]\nkey = \"k.pub\"\nidentifiers = [\"*\"]", "k.pub: cannot be read"),
    ] {
        let (code, said) = check(section);
        assert!(code != 0 && said.contains(word), "{section}: {code} {said}");
    }
    configure(folder.path(), "");
    let (gate, greeting) = Gate::start(folder.path());
    send(&listener(folder.path(), &greeting), PAN);
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    assert!(!folder.path().join("audit/samples").exists());
    let decided = asked(folder.path(), &["--kind", "decision"]);
    assert!(!decided.is_empty() && decided.iter().all(|record| record.get("sample").is_none()));
}

#[test]
fn a_hold_is_placed_listed_put_on_record_and_released() {
    let folder = folder();
    configure(folder.path(), "");
    let run = |words: &[&str]| done(folder.path(), words);
    let (gate, _) = Gate::start(folder.path());
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    let add =
        ["audit", "hold", "add", "audit", "--id", "case-17", "--owner", "legal", "--reason", "litigation"];
    let (code, out, err) = run(&[add.as_slice(), &["--from", "2026-01-01", "--to", "2027-01-01"]].concat());
    assert!(code == 0 && out.contains("case-17: in force"), "{out}{err}");
    assert_eq!(run(&add).0, 64, "an id is used once");
    assert_eq!(run(&["audit", "hold", "add", "audit", "--id", "x", "--owner", " ", "--reason", "r"]).0, 64);
    let upside_down = ["--from", "2027-01-01", "--to", "2026-01-01"];
    let other = ["audit", "hold", "add", "audit", "--id", "y", "--owner", "o", "--reason", "r"];
    assert_eq!(run(&[other.as_slice(), &upside_down].concat()).0, 64);
    let listed = || run(&["audit", "hold", "list", "audit"]).1;
    assert!(
        listed().contains("case-17: in force, not yet recorded; records from 2026-01-01"),
        "{}",
        listed()
    );
    // The gate puts it on record when it starts, and its end.
    let told = |action: &str| {
        let admin = asked(folder.path(), &["--kind", "admin"]);
        admin.into_iter().filter(|record| record["action"] == action).collect::<Vec<_>>()
    };
    let start_and_stop = |until: &dyn Fn() -> bool| {
        let (gate, _) = Gate::start(folder.path());
        let begun = std::time::Instant::now();
        while !until() {
            assert!(begun.elapsed() < std::time::Duration::from_secs(30), "the gate does not record it");
            std::thread::yield_now();
        }
        gate.signal("TERM");
        assert_eq!(gate.end().0, 0);
    };
    start_and_stop(&|| !told("audit.hold_add").is_empty());
    assert_eq!(told("audit.hold_add")[0]["actor"], "legal");
    assert!(listed().contains("case-17: in force; "), "{}", listed());
    let remove =
        |id: &str| run(&["audit", "hold", "remove", "audit", id, "--by", "anna", "--reason", "settled"]);
    assert_eq!(remove("case-18").0, 64);
    assert_eq!(remove("case-17").0, 0);
    assert_eq!(remove("case-17").0, 64, "it has ended");
    start_and_stop(&|| !told("audit.hold_end").is_empty());
    assert_eq!((&told("audit.hold_end")[0]["actor"], told("audit.hold_end").len()), (&"anna".into(), 1));
    assert!(listed().contains("case-17: ended"), "{}", listed());
    // One that is none holds everything, and says so.
    fs::write(folder.path().join("audit/hold-broken.json"), "{}").unwrap();
    assert!(listed().contains("broken: its file is none of a hold"), "{}", listed());
    assert_eq!(run(&["audit", "verify", "audit"]).0, 0);
}

#[test]
fn an_export_of_what_matches_holds_nothing_else_and_is_checked_elsewhere() {
    let folder = folder();
    configure(folder.path(), "");
    let (gate, greeting) = Gate::start(folder.path());
    let address = listener(folder.path(), &greeting);
    send(&address, PAN);
    send(&address, "nothing");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    let run = |words: &[&str]| done(folder.path(), words);
    let export = ["audit", "export", "audit", "--to", "out", "--only-matching", "--action", "block"];
    let (code, out, err) = run(&export);
    assert!(code == 0 && out.contains("1 of them asked for"), "{out}{err}");
    let names: Vec<_> =
        fs::read_dir(folder.path().join("out")).unwrap().map(|e| e.unwrap().file_name()).collect();
    let has = |name: &str| names.iter().any(|found| found.to_string_lossy() == name);
    assert!(has("proofs.jsonl") && has("verify.py") && has("manifest.json"), "{names:?}");
    assert_eq!(fs::read_dir(folder.path().join("out/records")).unwrap().count(), 0);
    // The other message, and all that is not a message, stay at home.
    let blocked = asked(folder.path(), &["--action", "block"]);
    let others = asked(folder.path(), &["--action", "allow"]);
    let proofs = fs::read_to_string(folder.path().join("out/proofs.jsonl")).unwrap();
    assert!(proofs.contains(blocked[0]["decision"].as_str().unwrap()));
    assert!(!others.is_empty());
    for other in &others {
        assert!(!holds(&folder.path().join("out"), other["decision"].as_str().unwrap()));
    }
    assert!(!holds(&folder.path().join("out"), "\\\"kind\\\":\\\"start\\\""));
    let check = || {
        let python = std::process::Command::new("python3")
            .args(["out/verify.py", "out"])
            .current_dir(folder.path())
            .output();
        python.map(|out| {
            (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
        })
    };
    match check() {
        Err(error) => eprintln!("SKIPPED: python3: {error}"),
        Ok((passes, said)) => {
            assert!(passes, "{said}");
            let changed = proofs.replacen("block", "allow", 1);
            assert_ne!(changed, proofs);
            fs::write(folder.path().join("out/proofs.jsonl"), changed).unwrap();
            assert!(!check().unwrap().0, "a changed record passes");
        }
    }
}
