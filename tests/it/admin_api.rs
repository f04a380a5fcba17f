//! The running gate is changed over its admin listener: with the token, on record, all or nothing.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::Value;

use crate::commands::{Gate, configure, done, folder, records};

const RULE: &str = "[[rule]]\nid = \"cards\"\nidentifiers = [\"payment.pan\"]\naction = \"block\"\n";

/// A gate, and where its admin listener is.
fn start(folder: &Path) -> (Gate, String) {
    let (gate, greeting) = Gate::start(folder);
    let admin = greeting.lines().find_map(|line| line.trim().strip_prefix("admin")).unwrap().trim();
    let admin = admin.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    (gate, admin)
}

fn proxy(greeting: &str) -> String {
    let line = greeting.lines().find_map(|line| line.trim().strip_prefix("proxy")).unwrap().trim();
    line.strip_prefix("http://").unwrap().split(' ').next().unwrap().to_owned()
}

/// Status, whole head and body of one request with these header lines.
fn ask(admin: &str, method: &str, path: &str, fields: &[&str], body: &str) -> (u16, String, Value) {
    let mut stream = TcpStream::connect(admin).unwrap();
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    let length = body.len();
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: {admin}\r\n{fields}Content-Length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

/// The text of a page.
fn page(admin: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(admin).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {admin}\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn overlay(folder: &Path, admin: &str, args: &[&str]) -> (i32, String, String) {
    let args: Vec<&str> = ["overlay"].iter().chain(args).copied().collect();
    let more = ["--config", "t.toml", "--admin", admin, "--actor", "alice"];
    done(folder, &[args.as_slice(), &more].concat())
}

fn trail(folder: &Path, kind: &str) -> Vec<Value> {
    let all = records(folder);
    let all = all.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|record| record["kind"] == kind).collect()
}

/// What a request through the gate is answered with.
fn through(proxy: &str, url: &str) -> u16 {
    let mut stream = TcpStream::connect(proxy).unwrap();
    let host = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
    write!(stream, "GET {url} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn an_overlay_is_added_bites_survives_a_restart_and_is_removed_all_on_record() {
    let folder = folder();
    let folder = folder.path();
    configure(folder, RULE);
    let (gate, greeting) = Gate::start(folder);
    let admin = greeting.split("admin").nth(1).unwrap().trim().strip_prefix("http://").unwrap();
    let admin = admin.split('/').next().unwrap();
    // Nothing is there to be reached: whatever is not blocked is a 502.
    let url = "http://blocked.invalid/";
    assert_eq!(through(&proxy(&greeting), url), 502);
    let add =
        ["add", "block", "--to", "*.invalid", "--reason", "key 4539148803436467 leaked", "--format", "json"];
    let (code, out, err) = overlay(folder, admin, &add);
    assert_eq!(code, 0, "{out}{err}");
    let made: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(through(&proxy(&greeting), url), 403);
    assert_eq!(ask(admin, "GET", "/api/v1/overlays", &[], "").2["overlays"][0]["id"], made["id"]);
    assert!(page(admin, "/metrics").contains("tidegate_overlays{effect=\"block\"} 1"));
    assert!(page(admin, "/readyz?verbose").contains("overlays: ok (1 in force)"));
    let (code, out, err) = done(folder, &["posture", "--config", "t.toml", "--admin", admin, "--fail"]);
    assert_eq!((code, out.as_str()), (0, "no destination was connected to yet\n"), "{err}");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);

    let (gate, greeting) = Gate::start(folder);
    let admin = greeting.split("admin").nth(1).unwrap().trim().strip_prefix("http://").unwrap();
    let admin = admin.split('/').next().unwrap();
    assert_eq!(through(&proxy(&greeting), url), 403, "it outlives the process");
    let (code, out, _) = overlay(folder, admin, &["list"]);
    assert!(code == 0 && out.contains("block to *.invalid, until removed, by alice: key"), "{out}");
    let id = made["id"].as_str().unwrap();
    let (code, out, err) = overlay(folder, admin, &["remove", id]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(through(&proxy(&greeting), url), 502);
    assert_eq!(overlay(folder, admin, &["remove", id]).0, 1, "it is gone");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    assert_eq!(overlay(folder, admin, &["list"]).0, 69, "no gate answers");

    let changes = trail(folder, "admin");
    let actions: Vec<_> = changes.iter().map(|record| record["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["overlay.add", "overlay.restore", "overlay.remove"], "{changes:#?}");
    assert!(changes.iter().all(|record| record["overlay"] == made["id"]));
    assert_eq!((&changes[0]["actor"], &changes[0]["weakens"]), (&"alice".into(), &Value::Null));
    assert!(changes[2]["weakens"].as_str().unwrap().contains("passes again"), "{}", changes[2]);
    assert!(!records(folder).contains("4539148803436467"), "a reason is masked");
    let decisions = trail(folder, "decision");
    let named = decisions.iter().filter(|record| record["overlay"] == made["id"]).count();
    assert_eq!(named, 2, "{decisions:#?}");
    let hashes: std::collections::BTreeSet<_> =
        decisions.iter().map(|r| r["policy"]["hash"].to_string()).collect();
    assert_eq!(hashes.len(), 1, "the policy's hash is what it was");
    let (code, out, _) = done(folder, &["audit", "verify", "audit"]);
    assert!(code == 0 || out.contains("whole"), "{out}");
}

#[test]
fn what_loosens_is_bound_and_ends_by_itself() {
    let folder = folder();
    let folder = folder.path();
    configure(folder, &format!("[destinations]\nvendors = [\"*.vendor.example\"]\n{RULE}"));
    let (gate, admin) = start(folder);
    let allow = ["add", "allow", "--to", "crm.example.com", "--identifier", "payment.*"];
    let (code, _, err) = overlay(folder, &admin, &allow);
    assert_eq!(code, 64, "{err}");
    for word in ["24 hours", "owner", "reason"] {
        assert!(err.contains(word), "{word} in {err}");
    }
    let bound = ["--owner", "crm", "--reason", "ticket 417", "--for", "2s"];
    let (code, out, err) = overlay(folder, &admin, &[&allow[..], &bound].concat());
    assert!(code == 0 && out.contains("allow to crm.example.com holding payment.*"), "{out}{err}");
    assert!(page(&admin, "/readyz?verbose").contains("allow, by alice"));
    let misspelt = ["add", "block", "--to", "vendros", "--from", "app", "--identifier", "payment.pam"];
    let (code, _, err) = overlay(folder, &admin, &misspelt);
    assert_eq!(code, 64);
    for word in ["`vendors`", "`apps`", "`payment.pan`"] {
        assert!(err.contains(&format!("did you mean {word}")), "{word} in {err}");
    }
    assert_eq!(overlay(folder, &admin, &["add", "block"]).0, 64, "all traffic must be meant");
    let began = std::time::Instant::now();
    while !overlay(folder, &admin, &["list"]).1.contains("no overlay") {
        assert!(began.elapsed().as_secs() < 20, "it does not end");
    }
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    let changes = trail(folder, "admin");
    assert_eq!(changes[0]["weakens"], "payment.* may leave to crm.example.com");
    assert_eq!((&changes[1]["action"], &changes[1]["actor"]), (&"overlay.expire".into(), &"tidegate".into()));
}

#[test]
fn nothing_is_changed_without_the_token_and_tries_are_on_record() {
    let folder = folder();
    let folder = folder.path();
    configure(folder, RULE);
    let (gate, admin) = start(folder);
    let token = fs::read_to_string(folder.join("certs/admin.token")).unwrap();
    let right = format!("Authorization: Bearer {}", token.trim());
    let json_type = "Content-Type: application/json";
    let block = r#"{"effect":"block","everything":true}"#;
    let actor = "Tidegate-Actor: bob";
    let long = format!(r#"{{"reason":"{}"}}"#, "x".repeat(70_000));
    let cases: [(&str, &str, Vec<&str>, &str, u16); 12] = [
        ("POST", "/api/v1/overlays", vec![json_type, actor], block, 401),
        ("POST", "/api/v1/overlays", vec![json_type, actor, "Authorization: Bearer nope"], block, 401),
        ("DELETE", "/api/v1/overlays/ov-1", vec![actor], "", 401),
        ("POST", "/api/v1/reload", vec![actor], "", 401),
        ("POST", "/api/v1/overlays", vec![json_type, &right], block, 400),
        ("POST", "/api/v1/overlays", vec![actor, &right], block, 415),
        ("POST", "/api/v1/overlays", vec![json_type, actor, &right], "{", 400),
        ("POST", "/api/v1/overlays", vec![json_type, actor, &right], &long, 413),
        ("PUT", "/api/v1/policy", vec![actor, &right], "", 405),
        ("DELETE", "/api/v1/overlays/ov-1", vec![actor, &right], "", 404),
        ("GET", "/api/v1/nothing", vec![], "", 404),
        ("GET", "/api/v1/status", vec![], "", 200),
    ];
    for (method, path, fields, body, expected) in cases {
        let (status, head, answer) = ask(&admin, method, path, &fields, body);
        assert_eq!(status, expected, "{method} {path} {fields:?}: {answer}");
        assert!(!head.to_lowercase().contains("access-control"), "{head}");
        if expected >= 400 {
            assert!(
                head.contains("application/problem+json") && answer["detail"].is_string(),
                "{head}{answer}"
            );
        }
    }
    for _ in 0..100 {
        assert_eq!(ask(&admin, "POST", "/api/v1/reload", &[], "").0, 401);
    }
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    let denied = trail(folder, "admin");
    assert_eq!(denied.len(), tidegate::limits::ADMIN_DENIALS as usize, "a flood is bounded");
    assert!(denied.iter().all(|record| record["action"] == "denied" && record["from"] == "127.0.0.1"));
    assert!(!records(folder).contains("nope"));
}

#[test]
fn a_reload_is_all_or_nothing_and_says_what_is_wrong() {
    let folder = folder();
    let folder = folder.path();
    configure(folder, RULE);
    let (gate, admin) = start(folder);
    let reload = || done(folder, &["reload", "--config", "good.toml", "--admin", &admin, "--actor", "carol"]);
    // The command finds the token by a configuration of its own: the gate's may be broken.
    fs::copy(folder.join("t.toml"), folder.join("good.toml")).unwrap();
    let policy = || ask(&admin, "GET", "/api/v1/policy", &[], "").2;
    let before = policy();
    assert_eq!(before["rules"][0]["id"], "cards");
    configure(folder, &format!("{RULE}mode = \"enforze\"\n"));
    let (code, _, err) = reload();
    assert_eq!(code, 78, "{err}");
    assert!(err.contains("t.toml:9:8: rule[0].mode") && err.contains("did you mean `enforce`?"), "{err}");
    assert_eq!(policy(), before);
    let ready = page(&admin, "/readyz?verbose");
    assert!(
        ready.starts_with("HTTP/1.1 200") && ready.contains("config: warning (a reload was refused"),
        "{ready}"
    );
    assert!(page(&admin, "/metrics").contains("tidegate_config_last_reload_successful 0"));
    configure(
        folder,
        &RULE.replace("\"cards\"", "\"no-cards\"").replace("[[rule]]", "packs = [\"payment\"]\n[[rule]]"),
    );
    // A key of the document after a table is one of that table: the packs belong in front.
    let text = fs::read_to_string(folder.join("t.toml")).unwrap().replace("packs = [\"payment\"]\n", "");
    fs::write(folder.join("t.toml"), format!("packs = [\"payment\"]\n{text}")).unwrap();
    let (code, out, err) = reload();
    assert!(code == 0 && out.starts_with("in force: policy "), "{out}{err}");
    let after = policy();
    assert_eq!(after["rules"][0]["id"], "no-cards");
    assert_ne!(after["hash"], before["hash"]);
    assert_eq!(after["packs"].as_array().unwrap().len(), 1);
    assert!(page(&admin, "/readyz?verbose").contains("config: ok"));
    assert!(page(&admin, "/metrics").contains("tidegate_config_last_reload_successful 1"));
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    let configs = trail(folder, "config");
    let said: Vec<_> =
        configs.iter().map(|r| (r["outcome"].as_str().unwrap(), r["by"].as_str().unwrap())).collect();
    assert_eq!(said, [("refused", "api"), ("loaded", "api")]);
    assert!(configs.iter().all(|record| record["actor"] == "carol"));
    let loaded = &configs[1];
    assert_eq!((&loaded["previous"], &loaded["policy"]), (&before["hash"], &after["hash"]));
    for (list, word) in [
        ("changed", "rule no-cards new: block"),
        ("changed", "rule cards gone: block"),
        ("weakens", "rule cards gone: block"),
        ("weakens", "pack contact gone"),
    ] {
        assert!(loaded[list].as_array().unwrap().contains(&word.into()), "{word} in {list} of {loaded}");
    }
    let removed = trail(folder, "pack");
    assert!(
        !removed.is_empty() && removed.iter().all(|record| record["outcome"] == "removed"),
        "{removed:#?}"
    );
    let failures = trail(folder, "control_failure");
    let config: Vec<_> = failures.iter().filter(|record| record["control"] == "config").collect();
    assert_eq!(config.len(), 2, "one that begins, one that ends: {failures:#?}");
}

#[test]
fn a_damaged_file_of_overlays_keeps_the_gate_from_starting() {
    let folder = folder();
    let folder = folder.path();
    configure(folder, RULE);
    let (gate, admin) = start(folder);
    assert_eq!(overlay(folder, &admin, &["add", "block", "--everything"]).0, 0);
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    let file = folder.join("state/overlays");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&file, bytes).unwrap();
    let (code, _, err) = done(folder, &["run", "--config", "t.toml"]);
    assert_eq!(code, 78, "{err}");
    assert!(err.contains("state/overlays") && err.contains("move it away"), "{err}");
    // The hint is the way out.
    fs::rename(&file, folder.join("away")).unwrap();
    let (gate, admin) = start(folder);
    assert!(overlay(folder, &admin, &["list"]).1.contains("no overlay"));
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
}

#[test]
fn the_admin_listener_is_not_reached_through_the_gate() {
    let folder = folder();
    configure(folder.path(), "[upstream]\nallow_addresses = [\"127.0.0.0/8\"]\n");
    let (gate, greeting) = Gate::start(folder.path());
    let admin = greeting.split("admin").nth(1).unwrap().trim().strip_prefix("http://").unwrap();
    let admin = admin.split('/').next().unwrap();
    assert_eq!(through(&proxy(&greeting), &format!("http://{admin}/api/v1/policy")), 403);
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
}

#[test]
fn who_asks_nothing_keeps_nobody_from_asking() {
    let folder = folder();
    configure(folder.path(), "");
    let (gate, admin) = start(folder.path());
    let silent: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(&admin).unwrap();
            stream.write_all(b"GET /li").unwrap();
            stream
        })
        .collect();
    let asked = std::time::Instant::now();
    assert!(page(&admin, "/livez").starts_with("HTTP/1.1 200 "));
    // Less than it takes until they are given up.
    assert!(asked.elapsed() < std::time::Duration::from_secs(9));
    drop(silent);
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
}

#[test]
fn a_file_that_was_emptied_or_cut_takes_no_force() {
    let folder = folder();
    let folder = folder.path();
    configure(folder, RULE);
    let (mut gate, admin) = start(folder);
    let policy = || ask(&admin, "GET", "/api/v1/policy", &[], "").2;
    let before = policy();
    for (text, why) in [
        ("", "t.toml: says nothing"),
        ("# \n\n", "t.toml: says nothing"),
        (RULE, "t.toml: has no [[listener]]"),
    ] {
        fs::write(folder.join("t.toml"), text).unwrap();
        gate.signal("HUP");
        gate.logged("configuration not reloaded");
        gate.logged(why);
        assert_eq!(policy(), before);
        assert!(page(&admin, "/readyz?verbose").contains("config: warning (a reload was refused"));
    }
    configure(folder, &RULE.replace("cards", "again"));
    gate.signal("HUP");
    gate.logged("configuration reloaded");
    assert_eq!(policy()["rules"][0]["id"], "again");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
}

#[test]
fn a_changed_file_is_read_by_itself_when_asked_for() {
    let folder = folder();
    let folder = folder.path();
    let with = |name: &str| {
        configure(folder, &format!("[reload]\nwatch = true\n{}", RULE.replace("cards", name)));
    };
    with("first");
    let (mut gate, admin) = start(folder);
    let rule = || ask(&admin, "GET", "/api/v1/policy", &[], "").2["rules"][0]["id"].clone();
    assert_eq!(rule(), "first");
    with("second");
    gate.logged("configuration reloaded");
    assert_eq!(rule(), "second");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    assert_eq!(trail(folder, "config")[0]["by"], "watch");
}

#[test]
fn what_cannot_be_recorded_takes_no_force() {
    let folder = folder();
    let folder = folder.path();
    let audit = "[audit]\nsegment_size = \"1MiB\"\nmax_disk = \"1MiB\"\n";
    let head = "mode = \"observe\"\n";
    configure(folder, &format!("{RULE}{audit}"));
    // Samples of an earlier run leave room for some records.
    fs::create_dir_all(folder.join("audit/samples")).unwrap();
    let filler = folder.join("audit/samples/old.sealed");
    fs::write(&filler, vec![0; (1 << 20) - (80 << 10)]).unwrap();
    let (mut gate, greeting) = Gate::start(folder);
    let admin = greeting.split("admin").nth(1).unwrap().trim().strip_prefix("http://").unwrap();
    let admin = admin.split('/').next().unwrap().to_owned();
    let url = "http://127.0.0.1/";
    let full = (0..200).any(|_| through(&proxy(&greeting), url) == 503);
    assert!(full, "records fill the budget");
    let text = fs::read_to_string(folder.join("t.toml")).unwrap();
    fs::write(folder.join("t.toml"), format!("{head}{text}")).unwrap();
    let mode = || ask(&admin, "GET", "/api/v1/policy", &[], "").2["mode"].clone();
    let reload = ["reload", "--config", "t.toml", "--admin", &admin];
    let (code, out, err) = done(folder, &reload);
    assert!(code == 69 && err.contains("could not be recorded"), "{code} {out}{err}");
    assert_eq!(mode(), "enforce");
    gate.logged("the reload could not be recorded");
    gate.signal("HUP");
    gate.logged("the reload could not be recorded; what was in force stays");
    assert_eq!(mode(), "enforce");
    let ready = page(&admin, "/readyz?verbose");
    assert!(ready.contains("config: warning (the reload could not be recorded"), "{ready}");
    assert!(
        ready.contains("audit: failed (records cannot be written: ") && ready.contains("needed to go on"),
        "{ready}"
    );
    fs::remove_file(&filler).unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while through(&proxy(&greeting), url) == 503 {
        assert!(std::time::Instant::now() < deadline, "room was made");
    }
    // Nobody has a name here: the account is asked for.
    let mut nameless = crate::commands::tidegate(folder, &reload);
    let done = nameless.env_clear().output().unwrap();
    assert!(done.status.success(), "{done:?}");
    assert_eq!(mode(), "observe");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    let configs = trail(folder, "config");
    assert_eq!(configs.len(), 1, "{configs:#?}");
    assert_eq!(configs[0]["weakens"], serde_json::json!(["mode: enforce to observe"]));
    assert!(!["", "unknown"].contains(&configs[0]["actor"].as_str().unwrap()), "{}", configs[0]);
}
