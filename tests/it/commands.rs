//! Commands as a script sees them: what they print, what they leave behind, how they exit.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const CARD: &str = "card: 4539 1488 0343 6467\n";

pub fn tidegate(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.current_dir(folder).args(args).env_remove("RUST_LOG");
    command
}

/// Exit code, standard output, standard error.
pub fn done(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = tidegate(folder, args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A configuration on free ports, with `more` after it.
pub fn configure(folder: &Path, more: &str) {
    let text = format!("[[listener]]\naddress = \"127.0.0.1:0\"\n[admin]\naddress = \"127.0.0.1:0\"\n{more}");
    fs::write(folder.join("t.toml"), text).unwrap();
}

/// A running gate; killed when a test fails before it ends.
pub struct Gate {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Gate {
    /// Starts one and waits until it has said where it listens.
    pub fn start(folder: &Path) -> (Gate, String) {
        Gate::spawn(tidegate(folder, &["run", "--config", "t.toml"]))
    }

    /// As [`start`](Self::start), of a command that runs one.
    pub fn spawn(mut command: Command) -> (Gate, String) {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut gate = Gate { child, stdout, stderr };
        let mut greeting = String::new();
        while !(greeting.contains(" -d 'card=") && greeting.ends_with("\n\n")) {
            let before = greeting.len();
            gate.stdout.read_line(&mut greeting).unwrap();
            assert!(greeting.len() > before, "ended early: {greeting}");
        }
        (gate, greeting)
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Reads the log until a line holds `word`.
    pub fn logged(&mut self, word: &str) -> String {
        let mut log = String::new();
        while !log.contains(word) {
            let before = log.len();
            self.stderr.read_line(&mut log).unwrap();
            assert!(log.len() > before, "no `{word}` in: {log}");
        }
        log
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Exit code, and what was still to come on standard output and standard error.
    pub fn end_with_log(mut self) -> (i32, String, String) {
        let (mut rest, mut log) = (String::new(), String::new());
        self.stdout.read_to_string(&mut rest).unwrap();
        self.stderr.read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code().unwrap(), rest, log)
    }

    pub fn end(mut self) -> (i32, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code().unwrap(), rest)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn records(folder: &Path) -> String {
    let mut paths =
        fs::read_dir(folder.join("audit")).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
}

#[test]
fn the_demo_keeps_its_promises() {
    let folder = folder();
    let (code, out, err) = done(folder.path(), &["demo"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("403 Forbidden") && out.contains("whole: "), "{out}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "it leaves nothing behind");
}

#[test]
fn the_printed_default_passes_its_own_check_and_changes_nothing() {
    let folder = folder();
    let (code, text, _) = done(folder.path(), &["check", "--print-default"]);
    assert_eq!(code, 0);
    let free = text.replace("127.0.0.1:8080", "127.0.0.1:0").replace("127.0.0.1:9090", "127.0.0.1:0");
    assert_ne!(free, text);
    fs::write(folder.path().join("t.toml"), free).unwrap();
    let (code, out, err) = done(folder.path(), &["check", "--config", "t.toml"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.ends_with("all is well\n"), "{out}");
    let told = check_json(folder.path(), 0);
    assert_eq!((&told["ok"], &told["mode"], &told["faults"]), (&true.into(), &"enforce".into(), &json!([])));
    assert!(told["packs"].as_array().unwrap().iter().any(|pack| pack["name"] == "payment"), "{told}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a check makes no file");
}

fn check_json(folder: &Path, expected: i32) -> Value {
    let (code, out, err) = done(folder, &["check", "--config", "t.toml", "--format", "json"]);
    assert_eq!(code, expected, "{out}{err}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn wrong_configurations_end_every_command_with_78_and_all_complaints() {
    let folder = folder();
    fs::write(folder.path().join("t.toml"), "mode = \"enforze\"\nnod = \"x\"\npacks = [\"none\"]\n").unwrap();
    for command in [&["run"][..], &["check"], &["scan", "."], &["env"], &["issuer", "show"]] {
        let (code, _, err) = done(folder.path(), &[command, &["--config", "t.toml"]].concat());
        assert_eq!(code, 78, "{command:?}: {err}");
        for place in ["t.toml:1:8: mode: ", "t.toml:2:1: nod: ", "t.toml:3:10: packs[0]: "] {
            assert!(err.contains(place), "{place} in {err}");
        }
    }
    let told = check_json(folder.path(), 78);
    let first = &told["complaints"][0];
    assert_eq!((&told["ok"], &first["line"], &first["key"]), (&false.into(), &1.into(), &"mode".into()));
    assert_eq!(first["similar"], "enforce");
}

#[test]
fn usage_errors_end_with_64_and_help_with_0() {
    let folder = folder();
    for args in [&["bogus"][..], &[], &["run", "--bogus"], &["scan"], &["env", "--shell", "tcl"]] {
        assert_eq!(done(folder.path(), args).0, 64, "{args:?}");
    }
    for args in [&["--help"][..], &["--version"], &["run", "--help"], &["help", "scan"]] {
        assert_eq!(done(folder.path(), args).0, 0, "{args:?}");
    }
}

#[test]
fn a_machine_that_is_not_ready_is_told_apart_from_a_wrong_configuration() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    configure(folder.path(), &format!("[[listener]]\nname = \"taken\"\naddress = \"{address}\"\n"));
    let (code, _, err) = done(folder.path(), &["check", "--config", "t.toml"]);
    assert_eq!(code, 1);
    assert!(err.contains("taken") && err.contains(&address), "{err}");
    let told = check_json(folder.path(), 1);
    assert!(told["ok"] == false && told["faults"][0].as_str().unwrap().contains(&address), "{told}");
    let (code, _, err) = done(folder.path(), &["run", "--config", "t.toml"]);
    assert_eq!(code, 69, "{err}");
    assert!(err.contains(&address), "{err}");
    let made = |name: &str| folder.path().join(name).exists();
    assert!(!made("certs") && !made("audit"), "nothing is made for a gate that cannot run");

    configure(folder.path(), "[audit]\nwitness = \"none/such/heads\"\n");
    let (code, _, err) = done(folder.path(), &["check", "--config", "t.toml"]);
    assert!(code == 1 && err.contains("audit.witness: "), "{code} {err}");

    configure(folder.path(), "");
    let key = folder.path().join("certs/audit.key");
    fs::create_dir(folder.path().join("certs")).unwrap();
    fs::write(&key, "").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, _, err) = done(folder.path(), &["run", "--config", "t.toml"]);
    assert_eq!(code, 78);
    assert!(err.contains("chmod 600"), "{err}");
}

#[test]
fn a_configuration_is_checked_beside_the_gate_that_runs_with_it() {
    let folder = folder();
    let free = || TcpListener::bind("127.0.0.1:0").unwrap();
    let (listener, admin) = (free(), free());
    let (listens, manages) = (listener.local_addr().unwrap(), admin.local_addr().unwrap());
    let text = format!("[[listener]]\naddress = \"{listens}\"\n[admin]\naddress = \"{manages}\"\n");
    fs::write(folder.path().join("t.toml"), text).unwrap();
    let check = || done(folder.path(), &["check", "--config", "t.toml"]);
    let (code, _, err) = check();
    assert_eq!((code, err.matches("cannot be bound").count()), (1, 2), "{err}");
    drop((listener, admin));
    let (gate, _) = Gate::start(folder.path());
    let (code, out, err) = check();
    assert_eq!((code, out.contains("all is well")), (0, true), "{err}");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
}

#[test]
fn an_audit_folder_that_cannot_be_made_ends_run_with_74() {
    let folder = folder();
    configure(folder.path(), "[audit]\ndirectory = \"t.toml/audit\"\n");
    let (code, _, err) = done(folder.path(), &["run", "--config", "t.toml"]);
    assert_eq!(code, 74, "{err}");
    assert!(err.contains("t.toml/audit"), "{err}");
}

#[test]
fn scan_finds_masks_and_answers() {
    let folder = folder();
    let nested = folder.path().join("a/b");
    fs::create_dir_all(&nested).unwrap();
    fs::write(nested.join("clean.txt"), "nothing here\n").unwrap();
    assert_eq!(done(folder.path(), &["scan", "--fail", "."]).0, 0);
    fs::write(nested.join("dirty.txt"), CARD).unwrap();

    let (code, out, _) = done(folder.path(), &["scan", "a"]);
    assert_eq!((code, out.as_str()), (0, "a/b/dirty.txt:1:7: payment.pan high: card: #### #### #### ####\n"));
    let (code, out, _) = done(folder.path(), &["scan", "--fail", "--format", "jsonl", "a"]);
    assert_eq!(code, 1);
    let line = serde_json::from_str::<serde_json::Value>(&out).unwrap();
    assert_eq!(line["detector"], "payment.pan");
    assert_eq!(
        (line["start"].as_u64(), line["end"].as_u64(), &line["base"]),
        (Some(6), Some(25), &"file".into())
    );
    assert_eq!(line["masked"], "#### #### #### ####");

    // Who reads no further hears the answer all the same.
    let many = "card 4539148803436467\n".repeat(20_000);
    fs::write(folder.path().join("many"), many).unwrap();
    for (args, code) in [(&["scan", "--fail", "many"][..], 1), (&["scan", "many"], 0)] {
        let mut child = tidegate(folder.path(), args).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{args:?}");
    }
    let (code, out, err) = done(folder.path(), &["scan", "a", "missing"]);
    assert_eq!(code, 74, "{err}");
    assert!(out.contains("dirty.txt") && err.contains("missing: cannot be read"), "{out}{err}");
    let (code, _, err) = done(folder.path(), &["scan", "--pack", "paymant", "a"]);
    assert_eq!(code, 78);
    assert!(err.contains("did you mean `payment`?"), "{err}");
    assert_eq!(done(folder.path(), &["scan", "--pack", "contact", "--fail", "a"]).0, 0);
}

#[test]
fn a_gate_starts_reloads_drains_and_leaves_a_whole_trail() {
    let folder = folder();
    configure(folder.path(), "");
    let (mut gate, greeting) = Gate::start(folder.path());
    assert!(
        greeting.contains("--cacert certs/issuer.pem") && greeting.contains("/readyz?verbose"),
        "{greeting}"
    );

    gate.signal("HUP");
    gate.logged("configuration reloaded");
    configure(folder.path(), "[[rule]]\nid = \"broken\"\n");
    gate.signal("HUP");
    let log = gate.logged("complaints");
    assert!(log.contains("nothing has changed") && log.contains("t.toml:5:1: rule[0]"), "{log}");
    configure(folder.path(), "[upstream]\nmin_tls = \"1.3\"\n");
    gate.signal("HUP");
    let log = gate.logged("need a restart");
    assert!(log.contains("upstream"), "{log}");

    gate.signal("TERM");
    let (code, heads) = gate.end();
    assert_eq!(code, 0);
    assert!(heads.lines().last().unwrap().contains("\"cause\":\"stop\""), "{heads}");

    let trail = records(folder.path());
    let outcomes = ["\"outcome\":\"loaded\"", "\"outcome\":\"refused\"", "\"waiting\":[\"upstream\"]"];
    assert!(outcomes.iter().all(|outcome| trail.contains(outcome)), "{trail}");
    fs::write(folder.path().join("heads"), heads).unwrap();
    let (code, out, _) = done(folder.path(), &["audit", "verify", "audit", "--witness", "heads"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("all of it is witnessed outside"), "{out}");

    let (code, out, err) = done(folder.path(), &["issuer", "init", "--config", "t.toml"]);
    assert_eq!(code, 1, "{out}{err}");
    let (code, out, _) = done(folder.path(), &["issuer", "show", "--config", "t.toml"]);
    assert!(code == 0 && out.contains("sha256"), "{out}");
}

#[test]
fn a_gate_leaves_no_core_file() {
    let folder = folder();
    configure(folder.path(), "");
    let (gate, _) = Gate::start(folder.path());
    let limits = fs::read_to_string(format!("/proc/{}/limits", gate.child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).collect::<Vec<_>>(), ["0", "0", "bytes"], "no core of a gate");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
}

#[test]
fn a_second_gate_in_a_folder_writes_over_neither_state_nor_key() {
    let folder = folder();
    configure(folder.path(), "");
    let (gate, _) = Gate::start(folder.path());
    for (more, said) in [
        ("[audit]\ndirectory = \"other\"\n", "another process keeps its overlays and windows here"),
        (
            "[audit]\ndirectory = \"other\"\n[state]\ndirectory = \"elsewhere\"\n",
            "certs/audit.key: another process signs with this key",
        ),
    ] {
        configure(folder.path(), more);
        let (code, _, err) = done(folder.path(), &["run", "--config", "t.toml"]);
        assert!(code == 74 && err.contains(said), "{code} {err}");
    }
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    configure(folder.path(), "");
    let (again, _) = Gate::start(folder.path());
    again.signal("TERM");
    assert_eq!(again.end().0, 0);
}

#[test]
fn a_changed_record_is_named_by_its_sequence() {
    let folder = folder();
    configure(folder.path(), "");
    let (gate, _) = Gate::start(folder.path());
    gate.signal("INT");
    assert_eq!(gate.end().0, 0);
    let segment = fs::read_dir(folder.path().join("audit"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .unwrap();
    let text = fs::read_to_string(&segment).unwrap();
    fs::write(&segment, text.replacen("\"mode\":\"enforce\"", "\"mode\":\"observe\"", 1)).unwrap();
    let (code, out, _) = done(folder.path(), &["audit", "verify", "audit"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("tampered") && out.contains("record 2 "), "{out}");
}

#[test]
fn a_missing_issuer_beside_records_is_an_error_not_a_new_issuer() {
    let folder = folder();
    configure(folder.path(), "");
    let (gate, _) = Gate::start(folder.path());
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    for file in ["certs/issuer.pem", "certs/issuer.key"] {
        fs::remove_file(folder.path().join(file)).unwrap();
    }
    let (code, _, err) = done(folder.path(), &["run", "--config", "t.toml"]);
    assert_eq!(code, 78, "{err}");
    assert!(err.contains("tidegate issuer init"), "{err}");
    assert!(!folder.path().join("certs/issuer.key").exists());
    // The hint is the way out.
    assert_eq!(done(folder.path(), &["issuer", "init", "--config", "t.toml"]).0, 0);
    let (gate, _) = Gate::start(folder.path());
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
}

#[test]
fn the_environment_makes_a_client_trust_and_use_the_gate() {
    let folder = folder();
    configure(folder.path(), "");
    let (code, _, err) = done(folder.path(), &["env", "--config", "t.toml"]);
    assert_eq!(code, 1);
    assert!(err.contains("tidegate issuer init"), "{err}");
    assert_eq!(done(folder.path(), &["issuer", "init", "--config", "t.toml"]).0, 0);
    let script = format!(
        "eval \"$({} env --config t.toml)\" && printf '%s\\n' \"$HTTPS_PROXY\" \"$SSL_CERT_FILE\" \"$NODE_EXTRA_CA_CERTS\"",
        env!("CARGO_BIN_EXE_tidegate")
    );
    let out = Command::new("sh").arg("-c").arg(script).current_dir(folder.path()).output().unwrap();
    let out = String::from_utf8(out.stdout).unwrap();
    let [proxy, bundle, issuer] = out.lines().collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(proxy, "http://127.0.0.1:0");
    let (bundle, issuer) = (fs::read_to_string(bundle).unwrap(), fs::read_to_string(issuer).unwrap());
    assert!(bundle.contains(issuer.trim_end()));
}
