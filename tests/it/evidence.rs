//! The trail answers questions, and what it answers can be handed on.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::commands::{Gate, configure, done, folder, records, tidegate};
use crate::tools::TICKETS;

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
    assert_eq!(ask(&["--kind", "start", "--kind", "stop", "--count"]), "2\n");
    assert_eq!(kinds(&ask(&["--from-seq", "2", "--limit", "1"])), ["start"]);
    assert_eq!(ask(&["--until", "2001-01-01"]), "");
    assert_eq!(ask(&["--from", "2000-01-01", "--to", "2001-01-01"]), "");
    assert_eq!(ask(&["--from", "2000-01-01", "--to", "2099-01-01"]), ask(&[]));
    assert!(ask(&["--format", "csv", "--kind", "stop"]).starts_with("seq,time,kind,"));
    assert!(ask(&["--format", "table", "--since", "1h"]).lines().count() > 4);
    let (code, _, err) = done(folder.path(), &["audit", "query", "audit", "--since", "yesterday"]);
    assert_eq!((code, err.contains("15m, 2h or 7d")), (64, true), "{err}");
    assert_eq!(done(folder.path(), &["audit", "query", "nowhere"]).0, 74);
    // A name that is spelled wrong is not taken for one of which there is nothing to tell.
    for (command, option, said) in [
        ("query", "--rule", "no record names the rule `typo`"),
        ("query", "--identifier", "no record names the identifier `typo`"),
        ("would", "--rule", "no record names the rule `typo`"),
    ] {
        let (code, _, err) = done(folder.path(), &["audit", command, "audit", option, "typo"]);
        assert_eq!((code, err.contains(said)), (0, true), "{command} {option}: {err}");
    }
    let asked = ["audit", "would", "audit", "--rule", "typo", "--config", "t.toml"];
    let (code, _, err) = done(folder.path(), &asked);
    assert_eq!((code, err.contains("no rule is called `typo`")), (64, true), "{err}");

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
    // A key of the day before yesterday is handed over at the next start.
    let key = fs::File::options().append(true).open(folder.path().join("certs/audit.key")).unwrap();
    key.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 86_400)).unwrap();
    trail(folder.path());
    let (code, out, err) = done(folder.path(), &["audit", "verify", "audit", "--key", "audit/audit.pub"]);
    assert!(code == 0 && out.contains("later keys: 1"), "{out}{err}");
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
    assert!(out.contains("2 of them asked for"), "{out}");
    assert_eq!(done(folder.path(), &export).0, 74, "a bundle is never written over");
    let (code, proof, err) = done(folder.path(), &["audit", "prove", "audit", "2"]);
    assert_eq!(code, 0, "{err}");
    let handed = fs::read_to_string(folder.path().join("audit/keys.jsonl")).unwrap();
    let handed: serde_json::Value = serde_json::from_str(handed.trim()).unwrap();
    let later = (handed["seq"].as_u64().unwrap() + 1).to_string();
    let (code, of_later, err) = done(folder.path(), &["audit", "prove", "audit", &later]);
    assert_eq!(code, 0, "{err}");
    fs::write(folder.path().join("later.json"), of_later).unwrap();
    fs::write(folder.path().join("proof.json"), proof).unwrap();
    let manifest = fs::read_to_string(folder.path().join("evidence/manifest.json")).unwrap();
    let names = [
        "records/segment-",
        "selection.jsonl",
        "checkpoints.jsonl",
        "audit.pub",
        "keys.jsonl",
        "verify.py",
        "README.md",
    ];
    assert!(names.iter().all(|name| manifest.contains(name)), "{manifest}");
    assert!(
        !folder.path().join("evidence/certs").exists() && !manifest.contains("key\": \"-----BEGIN PRIVATE")
    );
    let checks: [&[&str]; 3] = [
        &["evidence/verify.py", "evidence"],
        &["evidence/verify.py", "--proof", "proof.json"],
        &["evidence/verify.py", "--proof", "later.json"],
    ];
    for words in checks {
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

#[test]
fn a_trail_that_was_removed_and_begun_anew_is_missed() {
    let folder = folder();
    configure(folder.path(), "[audit]\nwitness = \"heads\"\n");
    let run = || {
        let (gate, _) = Gate::start(folder.path());
        gate.signal("TERM");
        assert_eq!(gate.end().0, 0);
        let (_, out, _) = done(folder.path(), &["audit", "verify", "audit", "--format", "json"]);
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        report["trail"].as_str().unwrap().to_owned()
    };
    let gone = run();
    fs::copy(folder.path().join("audit/audit.pub"), folder.path().join("own.pem")).unwrap();
    fs::remove_dir_all(folder.path().join("audit")).unwrap();
    run();
    let held = ["audit", "verify", "audit", "--witness", "heads", "--require-witness", "--key", "own.pem"];
    let (code, out, _) = done(folder.path(), &held);
    assert!(
        code == 2 && out.contains(&format!("not here: records 1 to 5 of the log {gone}, ")),
        "{code} {out}"
    );
    let (code, out, _) = done(folder.path(), &[&held[..], &["--other-logs", &gone]].concat());
    assert!(code == 0 && out.contains("kept elsewhere"), "{code} {out}");
}

#[test]
fn a_trail_that_is_cut_back_to_a_checkpoint_is_whole_to_itself_and_not_to_its_witness() {
    let folder = folder();
    configure(folder.path(), "");
    let (mut gate, _) = Gate::start(folder.path());
    gate.signal("HUP");
    gate.logged("configuration reloaded");
    gate.signal("TERM");
    let (code, heads) = gate.end();
    assert_eq!(code, 0);
    fs::write(folder.path().join("heads"), heads).unwrap();
    let segment = folder.path().join("audit/segment-00000000000000000001.jsonl");
    let text = fs::read_to_string(&segment).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let verify = |more: &[&str]| done(folder.path(), &[&["audit", "verify", "audit"], more].concat());
    for last in 1..lines.len() {
        fs::write(&segment, lines[..last].iter().map(|line| format!("{line}\n")).collect::<String>())
            .unwrap();
        let (code, out, _) = verify(&[]);
        let signed = lines[last - 1].contains("\"kind\":\"checkpoint\"");
        assert_eq!(code, if signed { 0 } else { 2 }, "{last}: {out}");
        assert!(out.contains("nothing outside has witnessed any record"), "{last}: {out}");
        let (code, out, _) = verify(&["--witness", "heads"]);
        let said = format!("record {} is not there, though a witness has seen", last + 1);
        assert!(code == 1 && out.contains(&said), "{last}: {out}");
    }
}

#[test]
fn a_configured_sink_gets_what_its_filter_lets_through() {
    let folder = folder();
    configure(
        folder.path(),
        "[[sink]]\nname = \"out\"\nkind = \"stdout\"\nbegin = \"start\"\nkinds = [\"config\", \"stop\"]\n",
    );
    let (mut gate, _) = Gate::start(folder.path());
    gate.signal("HUP");
    gate.logged("configuration reloaded");
    gate.signal("TERM");
    let (code, out) = gate.end();
    assert_eq!(code, 0);
    let kinds = ["\"kind\":\"config\"", "\"kind\":\"stop\"", "\"kind\":\"start\""];
    assert_eq!(kinds.map(|kind| out.matches(kind).count()), [1, 1, 0], "{out}");
    let more =
        "[[sink]]\nname = \"siem\"\nkind = \"splunk\"\nurl = \"https://hec.test\"\nsecret = \"certs/none\"\n";
    configure(folder.path(), more);
    let (code, _, err) = done(folder.path(), &["run", "--config", "t.toml"]);
    assert_eq!(code, 74, "{err}");
    assert!(err.contains("certs/none: cannot be read"), "{err}");
}

#[test]
fn what_lets_pass_and_what_was_refused_is_on_record_with_its_end() {
    let folder = folder();
    let lax = "[inspect]\nundecodable = \"allow\"\n";
    configure(folder.path(), lax);
    let (mut gate, _) = Gate::start(folder.path());
    configure(folder.path(), "[[rule]]\nid = \"broken\"\n");
    for _ in 0..2 {
        gate.signal("HUP");
        gate.logged("nothing has changed");
    }
    configure(folder.path(), "");
    gate.signal("HUP");
    gate.logged("configuration reloaded");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    let (_, records, _) = done(folder.path(), &["audit", "query", "audit", "--kind", "control_failure"]);
    let records: Vec<Value> = records.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> =
        records.iter().map(|r| (r["control"].as_str().unwrap(), r["until"].is_string())).collect();
    assert_eq!(told, [("policy", false), ("config", false), ("config", true), ("policy", true)]);
    assert!(records[0]["cause"].as_str().unwrap().contains("inspect.undecodable"));
    assert_eq!(records[0]["from"], records[3]["from"]);
}

#[test]
fn a_pack_that_was_changed_is_a_control_failure_until_it_is_signed_again() {
    let folder = folder();
    let run = |words: &[&str]| {
        let (code, out, err) = done(folder.path(), words);
        assert_eq!(code, 0, "{out}{err}");
    };
    let pack = folder.path().join("tickets.toml");
    fs::write(&pack, TICKETS).unwrap();
    run(&["pack", "keygen", "packs"]);
    run(&["pack", "sign", "--key", "packs.key", "tickets.toml"]);
    configure(folder.path(), "");
    let file = folder.path().join("t.toml");
    let text = fs::read_to_string(&file).unwrap();
    let packs = "packs = [\"payment\", \"./tickets.toml\"]\npack_keys = [\"packs.pub\"]\n";
    fs::write(&file, format!("{packs}{text}")).unwrap();
    let (mut gate, _) = Gate::start(folder.path());
    fs::write(&pack, TICKETS.replace("1.2.0", "1.2.1")).unwrap();
    gate.signal("HUP");
    gate.logged("nothing has changed");
    run(&["pack", "sign", "--key", "packs.key", "tickets.toml"]);
    gate.signal("HUP");
    gate.logged("configuration reloaded");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    let (_, records, _) = done(folder.path(), &["audit", "query", "audit", "--kind", "control_failure"]);
    let records: Vec<Value> = records.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ends: Vec<_> = records.iter().map(|record| record["until"].is_string()).collect();
    assert_eq!(ends, [false, true], "{records:?}");
    assert!(records.iter().all(|record| record["control"] == "config"), "{records:?}");
    assert_eq!(records[0]["from"], records[1]["from"]);
    let (_, packs, _) = done(folder.path(), &["audit", "query", "audit", "--kind", "pack"]);
    assert!(packs.lines().count() == 1 && packs.contains("\"version\":\"1.2.1\""), "{packs}");
}

fn selftest(folder: &Path) -> (i32, String, String) {
    done(folder, &["selftest", "--config", "t.toml"])
}

#[test]
fn a_gate_proves_itself_through_its_own_listener_and_says_when_it_does_not() {
    let folder = folder();
    let identifiers = "[selftest]\nidentifiers = [\"payment.pan\", \"secrets.private-key\"]\n";
    configure(folder.path(), identifiers);
    let (gate, _) = Gate::start(folder.path());
    let (code, out, err) = selftest(folder.path());
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("ok      clean") && out.contains("payment.pan          did not arrive, answered 403"),
        "{out}"
    );
    let (code, told, err) = done(folder.path(), &["selftest", "--config", "t.toml", "--format", "json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert!(code == 0 && told["passed"] == true && told["cases"][0]["passed"] == true, "{told}{err}");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    let (_, records, _) =
        done(folder.path(), &["audit", "query", "audit", "--kind", "control_test", "--limit", "1"]);
    let record: Value = serde_json::from_str(records.trim()).unwrap();
    assert_eq!((&record["passed"], &record["cases"][1]["requests_received"]), (&true.into(), &0.into()));
    // The decision of the test is a decision like any other.
    let decision = record["cases"][1]["decision"].as_str().unwrap();
    let (_, decided, _) = done(folder.path(), &["audit", "query", "audit", "--decision", decision]);
    let decided: Value = serde_json::from_str(decided.lines().next().unwrap()).unwrap();
    assert_eq!((&decided["action"], &decided["disclosure"]), (&"block".into(), &"prevented".into()));
    assert!(decided["destination"]["host"].as_str().unwrap().ends_with(".selftest.invalid"));

    for (more, word) in [
        ("mode = \"observe\"", "FAILED  payment.pan          arrived, answered 200"),
        ("packs = [\"contact\"]", "no detector of this identifier is in use"),
    ] {
        configure(folder.path(), "");
        let text = fs::read_to_string(folder.path().join("t.toml")).unwrap();
        fs::write(folder.path().join("t.toml"), format!("{more}\n{text}")).unwrap();
        let (gate, _) = Gate::start(folder.path());
        let (code, out, err) = selftest(folder.path());
        assert!(code == 1 && out.contains(word), "{more}: {out}{err}");
        gate.signal("TERM");
        assert_eq!(gate.end().0, 0);
    }
}

#[test]
fn a_gate_beats_tests_itself_and_shows_its_heads_elsewhere() {
    let folder = folder();
    let often = "[audit]\nheartbeat = \"1s\"\nwitness = \"heads\"\n[selftest]\nevery = \"1s\"\n";
    configure(folder.path(), often);
    let (gate, _) = Gate::start(folder.path());
    let mut follower = tidegate(
        folder.path(),
        &["audit", "tail", "audit", "-f", "--kind", "heartbeat", "--kind", "control_test"],
    );
    let mut follower = follower.stdout(Stdio::piped()).spawn().unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for line in BufReader::new(follower.stdout.take().unwrap()).lines() {
        let record: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_ne!(record["passed"], false, "{record}");
        kinds.insert(record["kind"].as_str().unwrap().to_owned());
        if kinds.len() == 2 {
            break;
        }
    }
    follower.kill().unwrap();
    follower.wait().unwrap();
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    let verify = ["audit", "verify", "audit", "--witness", "heads", "--require-witness"];
    let (code, out, _) = done(folder.path(), &verify);
    assert_eq!(code, 0, "{out}");
}

#[test]
fn a_second_signal_cuts_with_an_end_on_record_and_the_stop_says_so() {
    let folder = folder();
    configure(folder.path(), "[upstream]\nallow_addresses = [\"127.0.0.0/8\"]\n");
    let (mut gate, greeting) = Gate::start(folder.path());
    let line = greeting.lines().find_map(|line| line.trim().strip_prefix("proxy")).unwrap().trim();
    let proxy = line.strip_prefix("http://").unwrap().split(' ').next().unwrap();
    let origin = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = origin.local_addr().unwrap();
    let mut client = std::net::TcpStream::connect(proxy).unwrap();
    std::io::Write::write_all(
        &mut client,
        format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes(),
    )
    .unwrap();
    // It has the request, and never answers.
    let (waiting, _) = origin.accept().unwrap();
    let mut head = String::new();
    BufReader::new(&waiting).read_line(&mut head).unwrap();
    gate.signal("TERM");
    gate.logged("draining");
    gate.signal("TERM");
    let (code, _, log) = gate.end_with_log();
    assert!(code == 1 && log.contains("second signal"), "{code} {log}");
    let all = records(folder.path());
    let all: Vec<serde_json::Value> = all.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let stop = all.iter().find(|record| record["kind"] == "stop").unwrap();
    assert_eq!((&stop["reason"], &stop["cut"]), (&"second signal".into(), &1.into()), "{stop}");
    assert!(all.iter().any(|record| record["kind"] == "end"), "{all:#?}");
    let (code, out, _) = done(folder.path(), &["audit", "verify", "audit"]);
    assert!(code == 0 && out.contains("it ends with a stop"), "{out}");
}

#[test]
fn a_question_that_cannot_be_meant_is_refused() {
    let folder = folder();
    trail(folder.path());
    let hold = ["hold", "add", "audit", "--id", "x", "--owner", "o", "--reason", "r"];
    let with = |more: &[&'static str]| [&hold[..], more].concat();
    let cases: [(Vec<&str>, &str); 9] = [
        (vec!["query", "audit", "--action", "blok"], "'block'"),
        (vec!["query", "audit", "--kind", "decison"], "'decision'"),
        (vec!["tail", "audit", "--disclosure", "foo"], "prevented"),
        (vec!["query", "audit", "--direction", "up"], "request"),
        (vec!["query", "audit", "--client", "10.0.0.0/99"], "a network such as"),
        (vec!["query", "audit", "--since", "2026-12-01", "--until", "2026-11-01"], "before --until"),
        (vec!["export", "audit", "--to", "ev", "--action", "nope"], "block"),
        (with(&["--until", "2020-01-01"]), "is over"),
        (with(&["--from", "2026-02-01", "--to", "2026-01-01"]), "before --to"),
    ];
    for (words, said) in cases {
        let (code, out, err) = done(folder.path(), &[&["audit"], words.as_slice()].concat());
        assert!(code == 64 && err.contains(said), "{words:?}: {code} {out}{err}");
    }
    assert!(!folder.path().join("ev").exists());
    // One period, in either spelling.
    for words in
        [["--from", "2026-01-01", "--to", "2030-01-01"], ["--since", "2026-01-01", "--until", "2030-01-01"]]
    {
        let (code, out, err) = done(folder.path(), &[&["audit", "report", "audit"], &words[..]].concat());
        assert!(code == 0 && out.contains("Policies in force"), "{words:?}: {code} {out}{err}");
    }
    let (code, out, _) = done(folder.path(), &["audit", "verify", "audit", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report["verdict"], &report["stopped"]), (0, &"whole".into(), &true.into()), "{out}");
    let added = done(folder.path(), &[&["audit"], with(&["--until", "2099-01-01"]).as_slice()].concat());
    assert_eq!(added.0, 0, "{added:?}");
    let (_, out, _) = done(folder.path(), &["audit", "hold", "list", "audit", "--format", "json"]);
    let holds: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(holds["holds"][0]["id"], "x", "{out}");
    // What is said goes on record for good: no value may be in it.
    let card = "4539148803436467";
    let words =
        ["hold", "add", "audit", "--owner", "ann@mail.shop.com", "--reason", "ssn 536-22-1845 of Ann"];
    let add = |id: &str| done(folder.path(), &[&["audit"], &words[..], &["--id", id]].concat());
    let (code, out, err) = add(card);
    assert!(
        code == 64 && err.contains("looks like a value") && !format!("{out}{err}").contains(card),
        "{err}"
    );
    assert_eq!(add("y").0, 0);
    let remove = ["audit", "hold", "remove", "audit", "y", "--by", "ann@mail.shop.com", "--reason", card];
    assert_eq!(done(folder.path(), &remove).0, 0);
    let file = std::fs::read_to_string(folder.path().join("audit/hold-y.json")).unwrap();
    assert!(file.contains("ssn ***-**-**** of Ann") && file.contains("ann@mail.shop.com"), "{file}");
    assert!(!file.contains("536-22") && !file.contains(card), "{file}");
}

#[test]
fn a_gate_that_no_test_can_go_through_says_so_at_once() {
    let folder = folder();
    configure(folder.path(), "[selftest]\nevery = \"1h\"\n");
    let text = fs::read_to_string(folder.path().join("t.toml")).unwrap();
    let text = text.replacen(
        "[[listener]]\n",
        "[[listener]]\nproxy_protocol = true\nproxy_protocol_from = [\"127.0.0.1\"]\n",
        1,
    );
    fs::write(folder.path().join("t.toml"), text).unwrap();
    let (mut gate, _) = Gate::start(folder.path());
    gate.logged("no listener can be tested through");
    let (code, out, err) = selftest(folder.path());
    assert!(code == 1 && out.contains("no listener can be tested through"), "{code} {out}{err}");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    let all = records(folder.path());
    let tests: Vec<Value> = all.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let tests: Vec<&Value> = tests.iter().filter(|record| record["kind"] == "control_test").collect();
    assert!(tests.len() == 2 && tests.iter().all(|test| test["passed"] == false), "{tests:#?}");
}
