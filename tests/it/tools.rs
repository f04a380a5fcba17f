//! The tools around detection: packs and their signatures, explanations, samples, scans of many files.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::commands::{Gate, configure, done, folder, records, tidegate};

/// A pack with one detector: `TCK-` and eight digits that pass Luhn.
pub(super) const TICKETS: &str = r#"[pack]
name = "mine"
version = "1.2.0"

[[detector]]
id = "mine.ticket"
description = "ticket number"
pattern = 'TCK-\d{8}'
validators = ["luhn"]
tier = "strong"

[[detector.example]]
text = "see TCK-12345674"
finds = ["TCK-12345674"]
[[detector.example]]
text = "see TCK-12345678"
finds = []
"#;

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(super) fn with_input(folder: &Path, args: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut command = tidegate(folder, args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn packs_are_listed_with_what_replaces_what() {
    let folder = folder();
    let (code, out, err) = done(folder.path(), &["pack", "list"]);
    assert_eq!(code, 0, "{err}");
    for part in ["payment 1.", "payment.pan", "contact.email", "built in", "digits", "strong"] {
        assert!(out.contains(part), "{part} in {out}");
    }
    let mine = TICKETS.replace("mine", "payment").replace("payment.ticket", "payment.pan");
    let weak = "tier = \"weak\"\n[detector.keywords]\nany = [\"see\"]\nbefore = 10\n";
    write(folder.path(), "mine.toml", &mine.replace("tier = \"strong\"\n", weak));
    let both = ["pack", "list", "--pack", "payment", "--pack", "mine.toml", "--format", "json"];
    let (code, out, err) = done(folder.path(), &both);
    assert_eq!(code, 0, "{err}");
    let listed = json(&out);
    let pan = |pack: usize| {
        let rows = listed["packs"][pack]["detectors"].as_array().unwrap();
        rows.iter().find(|row| row["id"] == "payment.pan").unwrap().clone()
    };
    assert_eq!(pan(0)["replaced_by"], "payment 1.2.0");
    assert!(pan(1)["replaces"].as_str().unwrap().starts_with("payment 1."));
    assert_eq!((&pan(1)["tier"], &listed["packs"][1]["built_in"]), (&"weak".into(), &false.into()));

    // The later one is what finds.
    write(folder.path(), "t.txt", "see TCK-12345674 or 4539 1488 0343 6467\n");
    let (code, out, _) = done(
        folder.path(),
        &["scan", "--pack", "payment", "--pack", "mine.toml", "--detector", "payment.pan", "t.txt"],
    );
    assert_eq!(code, 0);
    assert!(out.starts_with("t.txt:1:5: payment.pan medium:") && out.lines().count() == 1, "{out}");
}

#[test]
fn a_detector_is_shown_in_full() {
    let folder = folder();
    let (code, out, err) = done(folder.path(), &["pack", "show", "payment.pan"]);
    assert_eq!(code, 0, "{err}");
    for part in ["ISO/IEC 7812", "luhn", "keywords", "boundary", "ns per byte", "finds", "anchor"] {
        assert!(out.contains(part), "{part} in {out}");
    }
    let (_, out, _) = done(folder.path(), &["pack", "show", "contact.email", "--format", "json"]);
    let shown = json(&out);
    assert_eq!((&shown["id"], &shown["tier"]), (&"contact.email".into(), &"strong".into()));
    assert!(shown["ns_per_byte"].as_f64().unwrap() > 0.0);
    let (code, _, err) = done(folder.path(), &["pack", "show", "payment.pann"]);
    assert_eq!(code, 64);
    assert!(err.contains("did you mean `payment.pan`?"), "{err}");
}

#[test]
fn examples_are_tests_that_fail_with_their_line() {
    let folder = folder();
    assert_eq!(done(folder.path(), &["pack", "test"]).0, 0, "the built-in packs keep their word");
    write(folder.path(), "mine.toml", TICKETS);
    let (code, out, _) = done(folder.path(), &["pack", "test", "mine.toml"]);
    assert_eq!((code, out.as_str()), (0, "ok  mine 1.2.0: 1 detectors, 2 examples\n"));
    write(folder.path(), "mine.toml", &TICKETS.replace("finds = []", "finds = [\"TCK-12345678\"]"));
    // Refused before it is run: no example finds nothing.
    assert_eq!(done(folder.path(), &["pack", "test", "mine.toml"]).0, 78);
    let wrong =
        format!("{TICKETS}[[detector.example]]\ntext = \"TCK-00000018\"\nfinds = [\"TCK-00000019\"]\n");
    write(folder.path(), "mine.toml", &wrong);
    let (code, out, err) = done(folder.path(), &["pack", "test", "mine.toml"]);
    assert_eq!(code, 1, "{out}{err}");
    let place = "mine.toml:20:1: `mine.ticket` finds `TCK-00000018` in this example\n  20 | finds = [\"TCK-00000019\"]\n     | ^^^^";
    assert!(out.contains(place), "{out}");
    assert!(err.contains("1 of 3 examples"), "{err}");
}

#[test]
fn what_is_wrong_with_a_pattern_is_shown_in_its_place() {
    let folder = folder();
    for (pattern, place, words) in [
        ("TCK-(a+)+b", "mine.toml:8:16:", "no finite maximum"),
        (r"TCK-\b\d{8}", "mine.toml:8:16:", "look-around"),
        ("TCK-[z-a]", "mine.toml:8:17:", "invalid character class range"),
        ("(?:.{0,100}a.{0,100}b){1,2}", "mine.toml:8:11:", "32,767 states"),
    ] {
        write(folder.path(), "mine.toml", &TICKETS.replace(r"TCK-\d{8}", pattern));
        let (code, _, err) = done(folder.path(), &["pack", "test", "mine.toml"]);
        assert_eq!(code, 78, "{err}");
        assert!(err.contains(place) && err.contains(words) && err.contains("^"), "{pattern}: {err}");
    }
}

#[test]
fn lint_says_what_cannot_hold_and_what_it_costs() {
    let folder = folder();
    write(folder.path(), "mine.toml", TICKETS);
    let (code, out, err) = done(folder.path(), &["pack", "lint", "mine.toml"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("1 packs, 1 detectors: 0 errors, 0 warnings") && out.contains("ns per byte"),
        "{out}"
    );
    let more = r#"
[[detector]]
id = "mine.slow"
description = "nothing rare in it"
pattern = '[a-z]{1,4}-[a-z]{1,4}'
tier = "medium"
[detector.keywords]
any = ["word", "a word that is far longer than the reach"]
before = 10
[[detector.example]]
text = "ab-cd"
finds = ["ab-cd"]
[[detector.example]]
text = "ab_cd"
finds = []

[[detector]]
id = "mine.never"
description = "all the same, and not"
pattern = '7{12}'
invalidators = ["all-same"]
tier = "medium"
[[detector.example]]
text = "777777777777"
finds = ["777777777777"]
[[detector.example]]
text = "ab_cd"
finds = []
"#;
    write(folder.path(), "mine.toml", &format!("{TICKETS}{more}"));
    let (code, out, err) = done(folder.path(), &["pack", "lint", "mine.toml"]);
    assert_eq!(code, 1, "{out}{err}");
    for part in [
        "warning: mine.toml:22:11: `mine.slow` has no anchor",
        "`mine.slow` never sees `a word that is far longer than the reach` near a value",
        "error: mine.toml:37:11: `mine.never` never matches",
        "invalidator all-same passes",
        "error: mine.toml:42:1: `mine.never` finds nothing in this example",
        "2 errors, 2 warnings",
    ] {
        assert!(out.contains(part), "{part} in {out}");
    }
    let twin =
        TICKETS.replace("mine", "payment").replace("1.2.0", "1.0.0").replace("payment.ticket", "payment.pan");
    write(folder.path(), "twin.toml", &twin);
    let (code, out, _) = done(folder.path(), &["pack", "lint", "twin.toml"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("replaces the detector of payment 1.") && out.contains("other contents"), "{out}");
}

#[test]
fn the_packs_that_come_with_it_have_no_faults() {
    let folder = folder();
    let lint = ["pack", "lint", "payment", "contact", "national-id", "secrets", "health", "travel"];
    let (code, out, err) = done(folder.path(), &lint);
    assert!(code == 0 && out.contains("6 packs, ") && out.contains(" 0 errors"), "{out}{err}");
}

#[test]
fn a_folder_of_files_is_one_pack() {
    let folder = folder();
    write(folder.path(), "mine/a.toml", TICKETS);
    write(folder.path(), "mine/b.toml", &TICKETS.replace("mine.ticket", "mine.tag").replace("TCK", "TAG"));
    write(folder.path(), "mine/notes.txt", "not a pack");
    write(folder.path(), "t.txt", "TCK-12345674 TAG-12345674\n");
    let (code, out, err) = done(folder.path(), &["scan", "--pack", "mine", "t.txt"]);
    assert_eq!((code, out.lines().count()), (0, 2), "{out}{err}");
    write(folder.path(), "mine/b.toml", &TICKETS.replace("1.2.0", "1.3.0"));
    let (code, _, err) = done(folder.path(), &["scan", "--pack", "mine", "t.txt"]);
    assert_eq!(code, 78);
    assert!(err.contains("mine/b.toml:1:1: `mine` 1.3.0 is not the pack `mine` 1.2.0"), "{err}");
    fs::create_dir(folder.path().join("empty")).unwrap();
    let (code, _, err) = done(folder.path(), &["scan", "--pack", "empty", "t.txt"]);
    assert!(code == 78 && err.contains("holds no .toml file"), "{err}");
}

#[test]
fn a_signed_pack_is_believed_and_a_tampered_one_is_not() {
    let folder = folder();
    let path = folder.path();
    let (code, out, err) = done(path, &["pack", "keygen", "certs/packs"]);
    assert_eq!(code, 0, "{err}");
    let id = out.lines().find_map(|line| line.strip_prefix("id ")).unwrap().trim().to_owned();
    assert_eq!(fs::metadata(path.join("certs/packs.key")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(done(path, &["pack", "keygen", "certs/packs"]).0, 74, "never over an old one");

    write(path, "mine.toml", TICKETS);
    write(path, "more/a.toml", &TICKETS.replace("mine", "more"));
    configure(path, "");
    let config = format!(
        "packs = [\"payment\", \"./mine.toml\", \"./more\"]\npack_keys = [\"certs/packs.pub\"]\n{}",
        fs::read_to_string(path.join("t.toml")).unwrap()
    );
    write(path, "t.toml", &config);
    let check = || done(path, &["check", "--config", "t.toml"]);
    let (code, _, err) = check();
    assert_eq!(code, 78);
    for part in
        ["t.toml:1:21: packs[1]: pack ./mine.toml: the pack is not signed", "./more: the pack is not signed"]
    {
        assert!(err.contains(part), "{part} in {err}");
    }
    let (code, out, err) = done(path, &["pack", "sign", "--key", "certs/packs.key", "mine.toml", "more"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains(&format!("mine.toml.sig: mine 1.2.0 signed by {id}")) && out.contains("more.sig"),
        "{out}"
    );
    let (code, out, err) = check();
    assert_eq!(code, 0, "{err}");
    assert_eq!(out.matches(&format!("signed by {id}")).count(), 2, "{out}");
    let (_, out, _) = done(path, &["pack", "list", "--config", "t.toml", "--format", "json"]);
    assert_eq!(json(&out)["packs"][1]["signed_by"], id.as_str());

    // One byte more, one file more, another's signature.
    write(path, "mine.toml", &format!("{TICKETS}\n"));
    write(path, "more/b.toml", &TICKETS.replace("mine.ticket", "more.tag").replace("mine", "more"));
    for command in [&["check"][..], &["run"], &["pack", "list"], &["scan", "t.toml"]] {
        let (code, _, err) = done(path, &[command, &["--config", "t.toml"]].concat());
        assert_eq!(code, 78, "{command:?}");
        assert_eq!(err.matches("the pack was changed after it was signed").count(), 2, "{err}");
    }
    let (code, _, err) = done(path, &["scan", "--config", "t.toml", "--pack", "mine.toml", "t.toml"]);
    assert!(code == 78 && err.contains("changed after it was signed"), "{err}");
    assert_eq!(done(path, &["pack", "keygen", "other"]).0, 0);
    assert_eq!(done(path, &["pack", "sign", "--key", "other.key", "mine.toml", "more"]).0, 0);
    assert_eq!(check().0, 78);
    fs::set_permissions(path.join("other.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let (code, _, err) = done(path, &["pack", "sign", "--key", "other.key", "mine.toml"]);
    assert!(code == 78 && err.contains("chmod 600"), "{err}");
}

#[test]
fn a_reload_with_a_tampered_pack_changes_nothing() {
    let folder = folder();
    let path = folder.path();
    assert_eq!(done(path, &["pack", "keygen", "packs"]).0, 0);
    write(path, "mine.toml", TICKETS);
    assert_eq!(done(path, &["pack", "sign", "--key", "packs.key", "mine.toml"]).0, 0);
    configure(path, "");
    let config = fs::read_to_string(path.join("t.toml")).unwrap();
    write(
        path,
        "t.toml",
        &format!("packs = [\"payment\", \"./mine.toml\"]\npack_keys = [\"packs.pub\"]\n{config}"),
    );
    let (mut gate, _) = Gate::start(path);
    gate.signal("HUP");
    gate.logged("configuration reloaded");
    write(path, "mine.toml", &TICKETS.replace(r"\d{8}", r"\d{9}"));
    gate.signal("HUP");
    let log = gate.logged("1 complaint");
    assert!(log.contains("nothing has changed") && log.contains("changed after it was signed"), "{log}");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    let trail = records(path);
    assert!(trail.contains("\"signed_by\":\"") && trail.contains("\"outcome\":\"refused\""), "{trail}");
}

#[test]
fn a_pack_whose_own_examples_fail_starts_no_gate_and_changes_none() {
    let folder = folder();
    let path = folder.path();
    configure(path, "");
    let config = fs::read_to_string(path.join("t.toml")).unwrap();
    write(path, "t.toml", &format!("packs = [\"payment\", \"./mine.toml\"]\n{config}"));
    write(path, "mine.toml", TICKETS);
    let (mut gate, _) = Gate::start(path);
    // What it finds is weak now, and so is none of what it says that it finds.
    write(path, "mine.toml", &TICKETS.replace("\"strong\"", "\"weak\""));
    gate.signal("HUP");
    let log = gate.logged("1 complaint");
    let said = "mine.toml:14:1: `mine.ticket` finds nothing in this example at medium confidence or more";
    assert!(log.contains("nothing has changed") && log.contains(said), "{log}");
    gate.signal("TERM");
    assert_eq!(gate.end().0, 0);
    assert!(records(path).contains("\"outcome\":\"refused\""));
    for command in ["run", "check"] {
        let (code, _, err) = done(path, &[command, "--config", "t.toml"]);
        assert!(code == 78 && err.contains(said), "{command}: {err}");
    }
    let (code, out, _) = done(path, &["check", "--config", "t.toml", "--format", "json"]);
    let told = json(&out);
    assert_eq!((code, &told["complaints"][0]["line"]), (78, &14.into()), "{out}");
}

#[test]
fn a_detector_that_replaces_a_built_in_one_may_find_less_than_the_examples_beside_it_say() {
    let folder = folder();
    let path = folder.path();
    configure(path, "");
    let config = fs::read_to_string(path.join("t.toml")).unwrap();
    write(path, "t.toml", &format!("packs = [\"payment\", \"./own.toml\"]\n{config}"));
    let own = TICKETS.replace("mine.ticket", "payment.pan").replace("mine", "payment");
    let own = own.replace(r"TCK-\d{8}", r"471625\d{10}").replace("TCK-12345674", "4716253098472014");
    write(path, "own.toml", &own.replace("TCK-12345678", "4539148803436467"));
    let (code, _, err) = done(path, &["check", "--config", "t.toml"]);
    assert_eq!(code, 0, "{err}");
}

#[test]
fn explain_tells_every_stage_and_no_value() {
    let folder = folder();
    let text = "order, card: 4539 1488 0343 6467 and 4539148803436468";
    let (code, out, err) = done(folder.path(), &["explain", text]);
    assert_eq!(code, 0, "{err}");
    for part in [
        "payment.pan  1:14  #### #### #### ####",
        "luhn passes, groups passes, issuer-range passes",
        "`order` before speaks against it",
        "`card` before speaks for it",
        "a keyword stands near",
        "found, high confidence",
        "near misses",
        "1:38  payment.pan  ################  validator luhn fails",
    ] {
        assert!(out.contains(part), "{part} in {out}");
    }
    assert!(!out.contains("4539") && !out.contains("6467"), "{out}");
    let (_, out, _) = done(folder.path(), &["explain", "--detector", "payment.pan", "4539148803436468"]);
    assert!(out.contains("not found: validator luhn fails"), "{out}");

    // What stands below escapes is found as by the gate.
    let worn = r#"{"a":"card \u0034539148803436467","b":"Y2FyZCA0NzE2MjUzMDk4NDcyMDE0"}"#;
    let (_, out, _) = done(folder.path(), &["explain", worn]);
    for part in ["0 of them count", "1:12  payment.pan  high  in json", "payment.pan  high  in base64"] {
        assert!(out.contains(part), "{part} in {out}");
    }
    let (_, out, _) = done(folder.path(), &["explain", "--format", "json", worn]);
    let below = &json(&out)["below"];
    assert_eq!((&below[0]["start"], &below[0]["carrier"][0]), (&11.into(), &"json".into()), "{out}");
    assert_eq!(below.as_array().map(Vec::len), Some(2), "{out}");

    write(folder.path(), "t.txt", text);
    let (code, out, _) = done(folder.path(), &["explain", "--format", "json", "t.txt"]);
    assert_eq!(code, 0);
    let places = json(&out)["places"].as_array().unwrap().clone();
    let pan =
        places.iter().find(|place| place["found"] == true && place["detector"] == "payment.pan").unwrap();
    assert_eq!(
        (&pan["start"], &pan["confidence"], &pan["counts"]),
        (&13.into(), &"high".into(), &true.into())
    );
    assert!(!out.contains("4539"), "{out}");
    let (_, out, _) = with_input(folder.path(), &["explain", "-"], text.as_bytes());
    assert!(out.contains("found, high confidence"), "{out}");
    assert_eq!(done(folder.path(), &["explain", "--detector", "none.*", "x"]).0, 64);
    let (code, _, err) = done(folder.path(), &["explain", "--as", "file", "none.txt"]);
    assert!(code == 74 && err.contains("none.txt"), "{err}");
}

#[test]
fn excerpts_show_nothing_of_a_value_that_they_cut() {
    let folder = folder();
    for (text, part) in [
        ("card 4539148803436467 and then we write margaretthatcher@corp-mail.com", "margaret"),
        ("to margaretthatcher@corpmail.example zzzz card 4539148803436467", "corpmail"),
        ("card 4539148803436467 and then we write margaret\\u0074hatcher@corp-mail.com", "margaret"),
    ] {
        for command in [&["explain", "-"][..], &["explain", "--detector", "payment.pan", "-"], &["scan", "-"]]
        {
            let (code, out, err) = with_input(folder.path(), command, text.as_bytes());
            assert!(code == 0 && out.contains("################"), "{command:?} {out}{err}");
            assert!(!out.contains(part) && out.contains("card"), "{command:?} {out}");
        }
    }
}

#[test]
fn explain_tells_a_recorded_decision() {
    let folder = folder();
    let id = "0199a8d2-6f1c-7c3e-8b5d-2f6f0a1b2c3d";
    let (code, _, err) = done(folder.path(), &["explain", "--audit", ".", id]);
    assert!(code == 1 && err.contains("no record of"), "{code} {err}");
    let record = format!(
        r#"{{"seq":7,"time":"2026-03-01T10:00:00Z","kind":"decision","decision":"{id}","flow":"f","mode":"enforce","client":{{"address":"10.0.0.1"}},"destination":{{"host":"crm.example","port":443,"proven":true}},"http":{{"method":"POST","path_template":"/v1"}},"direction":"request","bytes":{{"seen":40,"inspected":40,"uninspected":[],"forwarded_before_decision":0,"forwarded":0}},"findings":[{{"identifier":"payment.pan","confidence":"high","matched":1,"distinct":1,"forwarded":0,"withheld":1,"suppressed":0,"at":[{{"part":"body","carrier":[],"path":null,"keyword":true,"validators":["luhn"]}}],"fingerprints":[]}}],"rules":["pan-leaves"],"action":"block","would":null,"reason":null,"disclosure":"prevented","packs":[{{"name":"payment","version":"1.0.0"}}]}}"#
    );
    write(folder.path(), "audit/segment-00000000000000000001.jsonl", &format!("{{\"seq\":6}}\n{record}\n"));
    let (code, out, err) = done(folder.path(), &["explain", id]);
    assert_eq!(code, 0, "{err}");
    for part in [
        "record 7",
        "request POST /v1",
        "crm.example:443, name proven",
        "payment.pan high: 1 matched, 1 distinct, 0 forwarded, 1 withheld",
        "body: passed luhn, with a keyword near",
        "pan-leaves",
        "block",
        "none of them left",
    ] {
        assert!(out.contains(part), "{part} in {out}");
    }
}

#[test]
fn samples_are_found_and_the_same_for_a_seed() {
    let folder = folder();
    write(folder.path(), "mine.toml", TICKETS);
    let draw = |args: &[&str]| {
        let (code, out, err) = done(folder.path(), &[&["sample"], args].concat());
        assert_eq!(code, 0, "{args:?} {err}");
        out
    };
    let cards = draw(&["payment.pan", "-n", "30", "--seed", "4"]);
    assert_eq!(cards, draw(&["payment.pan", "-n", "30", "--seed", "4"]));
    assert_ne!(cards, draw(&["payment.pan", "-n", "30"]));
    for (number, card) in cards.lines().enumerate() {
        write(folder.path(), &format!("cards/{number}"), card);
    }
    let (_, found, _) = done(folder.path(), &["scan", "--detector", "payment.pan", "cards"]);
    assert_eq!(found.lines().count(), 30, "{found}");
    let tickets = draw(&["--pack", "mine.toml", "mine.ticket", "-n", "50", "--in-text"]);
    let (_, found, _) = with_input(folder.path(), &["scan", "--pack", "mine.toml", "-"], tickets.as_bytes());
    assert_eq!(found.lines().count(), 50, "{found}");
    let (code, _, err) = done(folder.path(), &["sample", "mine.nothing"]);
    assert!(code == 64 && err.contains("pack list"), "{err}");
    let never = TICKETS
        .replace("validators", "invalidators = [\"all-same\"]\nvalidators")
        .replace(r"TCK-\d{8}", "0{16}");
    write(folder.path(), "mine.toml", &never);
    let (code, _, err) = done(folder.path(), &["sample", "--pack", "mine.toml", "mine.ticket"]);
    assert!(
        code == 1 && err.contains("`mine.ticket`: no value was found in") && err.contains("all-same"),
        "{err}"
    );
}

#[test]
fn many_files_are_scanned_by_many_threads_in_the_order_of_names() {
    let folder = folder();
    for n in 0..120 {
        let lines = "card 4539 1488 0343 6467\n".repeat(1 + n % 7 * 40);
        write(folder.path(), &format!("d/{}/{n:03}.log", n % 5), &lines);
    }
    symlink("0/000.log", folder.path().join("d/link")).unwrap();
    let scan = |more: &[&str]| done(folder.path(), &[&["scan", "d"], more].concat());
    let (code, one, err) = scan(&["--threads", "1"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("1 symbolic links"), "{err}");
    for _ in 0..3 {
        assert_eq!(scan(&[]).1, one);
    }
    let paths = one.lines().map(|line| line.split(':').next().unwrap()).collect::<Vec<_>>();
    assert!(paths.is_sorted() && paths.len() > 120, "{} findings", paths.len());

    let hidden = folder.path().join("d/2/secret");
    fs::create_dir(&hidden).unwrap();
    fs::write(hidden.join("x"), [0xff, 0, 1, 2]).unwrap();
    fs::set_permissions(folder.path().join("d/3/003.log"), fs::Permissions::from_mode(0o000)).unwrap();
    let (code, out, err) = scan(&[]);
    // Root reads everything.
    if fs::read(folder.path().join("d/3/003.log")).is_err() {
        assert_eq!(code, 74, "{err}");
        assert!(err.contains("003.log: cannot be read"), "{err}");
    }
    assert!(out.contains("d/4/119.log"), "what follows is still scanned");
}

#[test]
fn scan_chooses_by_detector_and_confidence_and_counts_what_each_did() {
    let folder = folder();
    write(folder.path(), "t.txt", "card 4539 1488 0343 6467, ann@shop.example, order 4539148803436467\n");
    let scan = |more: &[&str]| done(folder.path(), &[&["scan", "t.txt"], more].concat());
    assert_eq!(scan(&["--detector", "contact.*"]).1.lines().count(), 1);
    let low = scan(&["--detector", "payment.pan", "--confidence", "low"]).1;
    assert!(low.contains("payment.pan low:"), "{low}");
    assert!(!scan(&["--confidence", "high"]).1.contains("low"));
    let (code, _, err) = scan(&["--detector", "nothing.*"]);
    assert!(code == 64 && err.contains("`nothing.*`"), "{err}");
    let (code, _, err) = scan(&["--stats"]);
    assert_eq!(code, 0);
    let row = err.lines().find(|line| line.starts_with("payment.pan ")).unwrap();
    assert!(row.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >= 2, "{err}");
    assert!(err.contains("ns/byte") && err.contains("1 files"), "{err}");
}

#[test]
fn a_huge_file_takes_little_memory() {
    let folder = folder();
    let file = fs::File::create(folder.path().join("sparse.bin")).unwrap();
    file.set_len(1 << 30).unwrap();
    let mut end = fs::OpenOptions::new().append(true).open(folder.path().join("sparse.bin")).unwrap();
    end.write_all(b"\ncard 4539 1488 0343 6467\n").unwrap();
    // Address space, threads' stacks and allocator arenas included.
    let limited = format!("ulimit -v 1000000 && exec {} scan sparse.bin", env!("CARGO_BIN_EXE_tidegate"));
    let out =
        std::process::Command::new("sh").arg("-c").arg(limited).current_dir(folder.path()).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(
        text.starts_with("sparse.bin:2:6: payment.pan high:"),
        "{text} {}",
        String::from_utf8_lossy(&out.stderr)
    );
}

#[test]
fn completions_and_manual_know_every_command() {
    let folder = folder();
    let (_, man, _) = done(folder.path(), &["man"]);
    for name in [
        "TIDEGATE PACK LINT",
        "TIDEGATE PACK SIGN",
        "TIDEGATE EXPLAIN",
        "TIDEGATE SAMPLE",
        "TIDEGATE AUDIT VERIFY",
    ] {
        assert!(man.contains(name), "{name}");
    }
    let (_, bash, _) = done(folder.path(), &["completions", "bash"]);
    for word in ["keygen", "--in-text", "--stats", "--detector"] {
        assert!(bash.contains(word), "{word}");
    }
}

#[test]
fn scan_shows_people_what_a_text_reads() {
    let folder = folder();
    let text = "first\nmy card: 4539 1488 0343 6467 ok\n";
    let wide = |swap: fn(u16) -> [u8; 2]| {
        format!("\u{feff}{text}").encode_utf16().flat_map(swap).collect::<Vec<u8>>()
    };
    for (name, bytes) in [("le.txt", wide(u16::to_le_bytes)), ("be.txt", wide(u16::to_be_bytes))] {
        fs::write(folder.path().join(name), bytes).unwrap();
        let (code, out, err) = done(folder.path(), &["scan", name]);
        assert_eq!(code, 0, "{err}");
        assert_eq!(out, format!("{name}:2:10: payment.pan high: my card: #### #### #### #### ok\n"));
    }
    // A member of an archive has no lines: the place is said to be one in bytes.
    fs::write(folder.path().join("a.tar"), tar("a.txt", text.as_bytes())).unwrap();
    let (_, out, _) = done(folder.path(), &["scan", "a.tar"]);
    assert_eq!(out, "a.tar!a.txt:byte 15: payment.pan high: #### #### #### ####\n");
}

/// An archive of one file.
fn tar(name: &str, text: &[u8]) -> Vec<u8> {
    let mut head = [0u8; 512];
    head[..name.len()].copy_from_slice(name.as_bytes());
    head[100..108].copy_from_slice(b"0000644\0");
    head[124..136].copy_from_slice(format!("{:011o}\0", text.len()).as_bytes());
    head[148..156].copy_from_slice(b"        ");
    head[156] = b'0';
    head[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = head.iter().map(|&byte| u32::from(byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut archive = [&head[..], text].concat();
    archive.resize(archive.len().div_ceil(512) * 512 + 1024, 0);
    archive
}

#[test]
fn what_is_wrong_with_a_pack_is_said_all_at_once() {
    let folder = folder();
    let slips = [
        ("\"strong\"", "\"strng\""),
        ("validators = [\"luhn\"]", "boundry = \"word\"\nvalidators = \"luhn\""),
    ];
    let bad = slips.iter().fold(TICKETS.to_owned(), |text, (from, to)| text.replace(from, to));
    assert_ne!(bad, TICKETS);
    write(folder.path(), "mine.toml", &bad);
    let (code, _, err) = done(folder.path(), &["pack", "test", "mine.toml"]);
    assert_eq!(code, 78, "{err}");
    for part in [
        "mine.toml:",
        "`detector[0].tier` is `strng`; expected `strong`, `medium` or `weak`; did you mean `strong`?",
        "`detector[0].boundry` is no key of a pack; did you mean `boundary`?",
        "`detector[0].validators` is a string; expected an array of strings",
        "3 complaints",
    ] {
        assert!(err.contains(part), "{part} in {err}");
    }
    // An argument has no lines.
    let (code, _, err) = done(folder.path(), &["scan", "--pack", "paymant", "."]);
    assert_eq!(code, 78);
    assert!(err.contains("--pack: unknown pack `paymant`") && !err.contains("1 |"), "{err}");
    let (code, _, err) = done(folder.path(), &["sample", "payment.*"]);
    assert_eq!(code, 64);
    assert!(err.contains("`payment.*` is a pattern; one identifier is wanted, such as `payment."), "{err}");
}
