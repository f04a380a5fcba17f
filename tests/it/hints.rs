//! What messages advise is tried as it is printed, and helps: a test for each hint, and a table that knows all of them.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use tokio::net::TcpStream;

use crate::commands::{Gate, configure, done, folder, tidegate};
use crate::harness::client::{connector, get, name};
use crate::harness::origin::ok;
use crate::harness::wire::Reader;
use crate::harness::{Client, Origin, Setup, World, soon};

/// Words in the source by which a text is known to advise something.
const MARKS: [&str; 11] = [
    "chmod 600",
    "`openssl ",
    "$(tidegate ",
    "{curl} {origin}",
    "`tidegate ",
    ": tidegate ",
    "\"  tidegate ",
    "\"tidegate audit",
    "would allow it",
    "\"[[bypass]]",
    "\"[[rule]]\\nid = {}",
];

/// Each file and line with such a text, by some words of it, and the test that does what it says.
const HINTS: &[(&str, &str, &str)] = &[
    (
        "config/check_audit.rs",
        "`tidegate audit sample-key` made",
        "samples::a_sample_is_opened_by_its_key_alone_and_its_opening_is_written_down",
    ),
    ("audit/prints.rs", "chmod 600", "hints::a_key_that_others_may_read_is_made_ones_own"),
    ("config/keys.rs", "chmod 600", "hints::a_key_that_others_may_read_is_made_ones_own"),
    ("tls/issuer.rs", "`openssl pkcs8 ", "hints::a_key_in_an_older_form_is_converted"),
    ("cli/run.rs", "eval ", "tests/clients/run: def greeting"),
    ("cli/run.rs", "{curl} {origin}", "tests/clients/run: def greeting"),
    (
        "cli/would.rs",
        "# to enforce it: tidegate promote",
        "shadows::what_a_rule_would_have_done_is_told_and_the_hints_do_what_they_say",
    ),
    (
        "cli/would.rs",
        "[[rule]]\\nid = {}",
        "shadows::what_a_rule_would_have_done_is_told_and_the_hints_do_what_they_say",
    ),
    ("proxy/pinned.rs", "`tidegate env`", "commands::the_environment_makes_a_client_trust_and_use_the_gate"),
    ("proxy/pinned.rs", "[[bypass]]", "hints::the_bypass_for_a_client_that_pins_lets_it_pass"),
    ("proxy/upstream/address.rs", "would allow it", "hints::the_line_that_would_allow_an_address_allows_it"),
    ("config/keys.rs", "`tidegate issuer init`", "hints::an_issuer_that_is_gone_is_made_anew_knowingly"),
    ("cli/issuer.rs", "`tidegate issuer init` makes it", "hints::an_issuer_that_is_missing_is_made"),
    (
        "cli/issuer.rs",
        "`tidegate issuer bundle`, `tidegate env`",
        "hints::the_next_issuer_is_made_trusted_and_activated",
    ),
    (
        "cli/issuer.rs",
        "tidegate issuer rotate --activate",
        "hints::the_next_issuer_is_made_trusted_and_activated",
    ),
    (
        "config/rotation.rs",
        "`tidegate issuer rotate` makes it",
        "hints::the_next_issuer_is_made_trusted_and_activated",
    ),
    (
        "cli/check.rs",
        "`tidegate issuer rotate` makes the next",
        "hints::the_next_issuer_is_made_trusted_and_activated",
    ),
    ("config/packs.rs", "`tidegate pack keygen` makes one", "hints::the_keys_of_packs_are_made"),
    ("config/check.rs", "`tidegate pack keygen` makes one", "hints::the_keys_of_packs_are_made"),
    ("config/check_identity.rs", "as `tidegate identity hash` prints it", "hints::a_password_is_hashed"),
    ("config/check_identity.rs", "what `tidegate identity hash` prints", "hints::a_password_is_hashed"),
    ("cli/packs.rs", "`tidegate pack list` names all", "hints::all_detectors_are_named"),
    ("config/compiled.rs", "one of `tidegate pack list`", "hints::all_detectors_are_named"),
    ("config/check_names.rs", "identifiers of `tidegate pack list`", "hints::all_detectors_are_named"),
    ("cli/scan/mod.rs", "`tidegate pack list` names all", "hints::all_detectors_are_named"),
    ("cli/overlay.rs", "`tidegate overlay list` shows them", "hints::overlays_are_listed"),
    (
        "audit/query/report_text.rs",
        "tidegate audit report DIR",
        "hints::a_report_is_made_again_by_the_command_that_it_names",
    ),
];

/// Text of a source file without comments, help texts of commands and tests.
fn said(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let mut lines = Vec::new();
    let mut helps = false;
    for line in code.lines() {
        helps |= line.trim_start().starts_with("#[command(") || line.trim_start().starts_with("after_help");
        if !helps && !line.trim_start().starts_with("//") {
            lines.push(line.to_owned());
        }
        helps &= !(line.ends_with(")]") || line.ends_with("\","));
    }
    lines
}

fn sources(folder: &Path, out: &mut Vec<(String, String)>, root: &Path) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, out, root);
        } else if entry.extension().is_some_and(|extension| extension == "rs")
            && !entry.file_name().unwrap().to_str().unwrap().ends_with("tests.rs")
        {
            let name = entry.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            out.push((name, fs::read_to_string(&entry).unwrap()));
        }
    }
}

#[test]
fn every_hint_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files, &root.join("src"));
    let mut unknown = Vec::new();
    let mut used = vec![false; HINTS.len()];
    for (file, text) in files.iter().filter(|(file, _)| !file.contains("tests/")) {
        for line in said(text).iter().filter(|line| MARKS.iter().any(|mark| line.contains(mark))) {
            let mut known = false;
            for (used, (of, words, _)) in used.iter_mut().zip(HINTS) {
                if of == file && line.contains(words) {
                    (*used, known) = (true, true);
                }
            }
            if !known {
                unknown.push(format!("{file}: {}", line.trim()));
            }
        }
    }
    assert!(unknown.is_empty(), "hints that no test tries:\n{}", unknown.join("\n"));
    for ((file, words, test), used) in HINTS.iter().zip(used) {
        assert!(used, "no such hint in {file}: {words}");
        let (source, shows) = match test.split_once("::") {
            Some((module, test)) => (format!("tests/it/{module}.rs"), format!("fn {test}(")),
            None => test.split_once(": ").map(|(file, words)| (file.to_owned(), words.to_owned())).unwrap(),
        };
        assert!(fs::read_to_string(root.join(source)).unwrap().contains(&shows), "no test {test}");
    }
}

/// The command in back quotes that begins so, as it is printed.
fn command<'a>(text: &'a str, begins: &str) -> Vec<&'a str> {
    let at = text.find(begins).unwrap_or_else(|| panic!("no `{begins}` in {text}"));
    let rest = text[at..].trim_start_matches('`');
    let line = rest.split(['`', '\n']).next().unwrap().trim();
    line.split(' ').skip(1).collect()
}

fn config(folder: &Path) -> String {
    fs::read_to_string(folder.join("t.toml")).unwrap()
}

async fn to(port: u16) -> Client {
    Client { reader: Reader::new(TcpStream::connect(("127.0.0.1", port)).await.unwrap()) }
}

fn port(greeting: &str) -> u16 {
    let rest = greeting.split_once("proxy    http://127.0.0.1:").unwrap().1;
    rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_line_that_would_allow_an_address_allows_it() {
    let folder = folder();
    configure(folder.path(), "");
    let origin = Origin::cleartext("127.0.0.1", |conn| conn.serve(|_| ok("{}"))).await;
    let request = format!("GET http://{0}/ HTTP/1.1\r\nHost: {0}\r\n\r\n", origin.authority());
    let (gate, greeting) = Gate::start(folder.path());
    let refused = to(port(&greeting)).await.exchange(&request).await;
    assert_eq!(refused.status, 403);
    let problem = refused.json();
    let line = problem["detail"].as_str().unwrap().split('`').nth(1).unwrap().to_owned();
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    fs::write(folder.path().join("t.toml"), format!("{line}\n{}", config(folder.path()))).unwrap();
    let (_gate, greeting) = Gate::start(folder.path());
    assert_eq!(to(port(&greeting)).await.exchange(&request).await.status, 200, "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bypass_for_a_client_that_pins_lets_it_pass() {
    let folder = folder();
    let world = World::start(Setup::default()).await;
    let origin = Origin::agreeable(&world, "origin.test").await;
    fs::write(folder.path().join("roots.pem"), world.authority.pem()).unwrap();
    configure(
        folder.path(),
        "[upstream]\nroots = [\"roots.pem\"]\nallow_addresses = [\"127.0.0.0/8\"]\n\
         resolve = { \"origin.test\" = [\"127.0.0.1\"] }\n",
    );
    let (mut gate, greeting) = Gate::start(folder.path());
    let port = port(&greeting);
    // The client believes the origin's own authority alone.
    let attempt = async || {
        let mut client = to(port).await;
        let authority = origin.authority();
        client.send(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n")).await;
        assert_eq!(client.head().await.line, "HTTP/1.1 200 Connection established");
        let connector = connector(&world.authority.pem());
        soon("a handshake", connector.connect(name("origin.test"), client.reader.io)).await
    };
    assert!(attempt().await.is_err());
    let logged = gate.logged("expires = ");
    let bypass = &logged[logged.find("[[bypass]]").unwrap()..];
    fs::write(folder.path().join("t.toml"), format!("{}{bypass}", config(folder.path()))).unwrap();
    gate.signal("HUP");
    gate.logged("configuration reloaded");
    let tls = attempt().await.expect("the bypass holds");
    let mut client = Client { reader: Reader::new(tls) };
    assert_eq!(client.exchange(get(&origin, "/")).await.status, 200);
}

#[test]
fn an_issuer_that_is_gone_is_made_anew_knowingly() {
    let folder = folder();
    configure(folder.path(), "");
    let (gate, _) = Gate::start(folder.path());
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    fs::remove_file(folder.path().join("certs/issuer.pem")).unwrap();
    fs::remove_file(folder.path().join("certs/issuer.key")).unwrap();
    let (code, out, err) = done(folder.path(), &["run", "--config", "t.toml"]);
    assert_ne!(code, 0, "{out}{err}");
    let (code, out, err) = done(folder.path(), &command(&err, "`tidegate issuer init`"));
    assert_eq!(code, 0, "{out}{err}");
    let (gate, _) = Gate::start(folder.path());
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
}

#[test]
fn an_issuer_that_is_missing_is_made() {
    let folder = folder();
    configure(folder.path(), "");
    let (code, _, err) = done(folder.path(), &["env", "--config", "t.toml"]);
    assert_eq!(code, 1, "{err}");
    assert_eq!(done(folder.path(), &command(&err, "`tidegate issuer init`")).0, 0);
    let (code, out, err) = done(folder.path(), &["env", "--config", "t.toml"]);
    assert!(code == 0 && out.contains("HTTPS_PROXY"), "{out}{err}");
}

#[test]
fn the_next_issuer_is_made_trusted_and_activated() {
    let folder = folder();
    let at = folder.path();
    assert_eq!(done(at, &["issuer", "init"]).0, 0);
    let shown = || done(at, &["issuer", "show"]).1;
    let before = shown();
    let (code, _, err) = done(at, &["issuer", "rotate", "--activate"]);
    assert_ne!(code, 0);
    let (code, told, err) = done(at, &command(&err, "`tidegate issuer rotate` makes it"));
    assert_eq!(code, 0, "{told}{err}");
    // What clients are to trust holds both by now.
    let (code, bundle, _) = done(at, &command(&told, "`tidegate issuer bundle`"));
    let own = |file: &str| fs::read_to_string(at.join(file)).unwrap().trim().to_owned();
    let mut next = fs::read_dir(at.join("certs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let next = next.find(|file| file.ends_with(".pem") && file != "issuer.pem").unwrap();
    assert!(
        code == 0
            && bundle.contains(&own("certs/issuer.pem"))
            && bundle.contains(&own(&format!("certs/{next}")))
    );
    let (code, env, err) = done(at, &command(&told, "`tidegate env`"));
    assert!(code == 0 && env.contains("SSL_CERT_FILE"), "{env}{err}");
    let (code, out, err) = done(at, &command(&told, "tidegate issuer rotate --activate"));
    assert_eq!(code, 0, "{out}{err}");
    assert_ne!(shown(), before);
}

#[test]
fn the_keys_of_packs_are_made() {
    let folder = folder();
    configure(folder.path(), "");
    let text = format!("pack_keys = [\"packs.pub\"]\n{}", config(folder.path()));
    fs::write(folder.path().join("t.toml"), text).unwrap();
    let check = || done(folder.path(), &["check", "--config", "t.toml"]);
    // There is none, and then there is something else.
    let (code, _, err) = check();
    assert_eq!(code, 78, "{err}");
    let missing = command(&err, "`tidegate pack keygen`");
    fs::write(folder.path().join("packs.pub"), "no key").unwrap();
    let (code, _, err) = check();
    assert_eq!((code, &command(&err, "`tidegate pack keygen`")), (78, &missing), "{err}");
    fs::remove_file(folder.path().join("packs.pub")).unwrap();
    assert_eq!(done(folder.path(), &missing).0, 0);
    let (code, out, err) = check();
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn a_password_is_hashed() {
    let folder = folder();
    configure(folder.path(), "[[identity]]\nname = \"a\"\npassword = \"s3cret\"\n");
    let text = config(folder.path()).replacen("[admin]", "authentication = \"basic\"\n[admin]", 1);
    fs::write(folder.path().join("t.toml"), &text).unwrap();
    let check = || done(folder.path(), &["check", "--config", "t.toml"]);
    let (code, _, err) = check();
    assert_eq!(code, 78);
    let mut child = tidegate(folder.path(), &command(&err, "`tidegate identity hash` prints"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"s3cret").unwrap();
    let hash = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    fs::write(folder.path().join("t.toml"), text.replace("s3cret", hash.trim())).unwrap();
    let (code, out, err) = check();
    assert_eq!(code, 0, "{out}{err}");
    // And where nobody could say who it is.
    fs::write(folder.path().join("t.toml"), text.split("[[identity]]").next().unwrap()).unwrap();
    let (code, _, err) = check();
    assert_eq!((code, command(&err, "`tidegate identity hash`")), (78, vec!["identity", "hash"]), "{err}");
}

#[test]
fn all_detectors_are_named() {
    let folder = folder();
    let (_, _, sought) = done(folder.path(), &["scan", "--detector", "no.such.*", "-"]);
    let (_, _, sampled) = done(folder.path(), &["sample", "zzzz"]);
    for told in [sought, sampled] {
        let (code, out, _) = done(folder.path(), &command(&told, "`tidegate pack list`"));
        assert!(code == 0 && out.contains("payment.pan") && out.contains("contact.email"), "{out}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn overlays_are_listed() {
    let folder = folder();
    configure(folder.path(), "");
    let (gate, greeting) = Gate::start(folder.path());
    let admin = greeting.split_once("admin    http://").unwrap().1.split('/').next().unwrap().to_owned();
    // The commands ask the gate of the configuration, which has ports of its own choice.
    let fixed = config(folder.path())
        .replace("[admin]\naddress = \"127.0.0.1:0\"", &format!("[admin]\naddress = \"{admin}\""));
    fs::write(folder.path().join("t.toml"), fixed).unwrap();
    let ask = |args: &[&str]| done(folder.path(), &[args, &["--config", "t.toml"]].concat());
    let (code, out, err) = ask(&["overlay", "add", "block", "--to", "a.example", "--reason", "leak"]);
    assert_eq!(code, 0, "{out}{err}");
    let (code, _, err) = ask(&["overlay", "remove", "no overlay"]);
    assert_eq!(code, 64, "{err}");
    let (code, out, err) = ask(&command(&err, "`tidegate overlay list`"));
    assert!(code == 0 && out.contains("a.example"), "{out}{err}");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
}

#[test]
fn a_report_is_made_again_by_the_command_that_it_names() {
    let folder = folder();
    configure(folder.path(), "");
    let (gate, _) = Gate::start(folder.path());
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    let first = [
        "audit",
        "report",
        "audit",
        "--from",
        "2026-01-01",
        "--to",
        "2100-01-01",
        "--sample",
        "2",
        "--seed",
        "7",
    ];
    let (code, report, err) = done(folder.path(), &first);
    assert_eq!(code, 0, "{report}{err}");
    let again = command(&report, "tidegate audit report DIR")
        .iter()
        .map(|word| if *word == "DIR" { "audit" } else { word })
        .collect::<Vec<_>>();
    let (code, second, err) = done(folder.path(), &again);
    assert_eq!(code, 0, "{again:?} {err}");
    assert_eq!(second, report);
}

#[test]
fn a_key_that_others_may_read_is_made_ones_own() {
    let folder = folder();
    assert_eq!(done(folder.path(), &["issuer", "init"]).0, 0);
    let key = folder.path().join("certs/issuer.key");
    fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let (code, out, err) = done(folder.path(), &["issuer", "show"]);
    assert_ne!(code, 0, "{out}");
    let at = err.find("chmod 600").unwrap();
    let line = err[at..].split(['`', '\n']).next().unwrap();
    let done_so =
        std::process::Command::new("sh").args(["-c", line]).current_dir(folder.path()).status().unwrap();
    assert!(done_so.success(), "{line}");
    let (code, out, err) = done(folder.path(), &["issuer", "show"]);
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn a_key_in_an_older_form_is_converted() {
    let folder = folder();
    let at = folder.path();
    assert_eq!(done(at, &["issuer", "init"]).0, 0);
    let sh = |line: &str| {
        let command = ["umask 077; ", line].concat();
        std::process::Command::new("sh").args(["-c", &command]).current_dir(at).status().unwrap().success()
    };
    assert!(sh("openssl pkey -in certs/issuer.key -traditional -out old && mv old certs/issuer.key"));
    let (code, out, err) = done(at, &["issuer", "show"]);
    assert_ne!(code, 0, "{out}");
    let begins = err.find("openssl pkcs8").unwrap_or_else(|| panic!("{err}"));
    let line = err[begins..].split('`').next().unwrap();
    assert!(sh(&line.replace("NEWKEY", "new").replace("KEY", "certs/issuer.key")), "{line}");
    assert!(sh("mv new certs/issuer.key"));
    let (code, out, err) = done(at, &["issuer", "show"]);
    assert_eq!(code, 0, "{out}{err}");
}
