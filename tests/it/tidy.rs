//! The house rules that a machine can check, and proof that each check can fail.

#[path = "tidy/source.rs"]
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use source::Source;

type Rule = fn(&Source) -> Vec<String>;

/// Name and check of every rule about one file.
const RULES: &[(&str, Rule)] = &[
    ("purpose", purpose),
    ("length", length),
    ("depth", depth),
    ("purity", purity),
    ("floors", floors),
    ("homes", homes),
    ("shortcuts", shortcuts),
    ("indexing", indexing),
    ("wildcard arms", wildcard_arms),
    ("bounds", bounds),
];

#[test]
fn the_tree_keeps_the_house_rules() {
    let sources = source::tree(root());
    assert!(sources.len() > 40, "the tree was not found");
    let mut faults = Vec::new();
    for source in &sources {
        for (name, rule) in RULES {
            faults.extend(rule(source).into_iter().map(|fault| format!("{} [{name}] {fault}", source.path)));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn the_dependencies_hold_one_crypto_provider_and_no_known_holes() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let packages = packages(&lock);
    assert!(packages.len() > 50, "the lock file was not read");
    let faults = dependencies(&packages);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_architecture_names_every_module() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let lib = Source::new("src/lib.rs", &fs::read_to_string(root().join("src/lib.rs")).unwrap());
    let modules = lib
        .code
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "))
        .map(|name| name.trim_end_matches(';'));
    let missing = modules.filter(|name| !text.contains(&format!("`{name}`"))).collect::<Vec<_>>();
    assert!(missing.is_empty(), "ARCHITECTURE.md does not name {missing:?}");
}

#[test]
fn the_architecture_lists_every_file_and_no_other() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let listed = listed(&text);
    let there =
        source::tree(root()).into_iter().map(|source| source.path).filter(|path| !path.ends_with("/mod.rs"));
    let there = there.collect::<BTreeSet<_>>();
    let missing = there.difference(&listed).collect::<Vec<_>>();
    let gone = listed.difference(&there).collect::<Vec<_>>();
    assert!(missing.is_empty() && gone.is_empty(), "ARCHITECTURE.md lacks {missing:?} and lists {gone:?}");
}

/// The files below `src` that the tree of ARCHITECTURE.md lists: `folder/` opens a line, names of files follow it, and
/// a line that is set in by two spaces is about a folder inside the last.
fn listed(text: &str) -> BTreeSet<String> {
    let tree = text.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap_or_default();
    let (mut outer, mut folder) = ("", String::new());
    let mut files = BTreeSet::new();
    for line in tree.lines() {
        let first = line.split_whitespace().next().unwrap_or_default();
        if first.ends_with('/') && !line.starts_with(' ') {
            (outer, folder) = (first, first.to_owned());
        } else if first.ends_with('/') {
            folder = format!("{outer}{first}");
        }
        let names = line.split(|c: char| !(c.is_alphanumeric() || "._".contains(c)));
        let names = names.filter(|name| name.ends_with(".rs") && folder.starts_with("src/"));
        files.extend(names.map(|name| format!("{folder}{name}")));
    }
    files
}

#[test]
fn the_tree_of_the_architecture_is_read_as_it_looks() {
    let text = "x\n```text\nsrc/      a.rs b.rs (not c)\nsrc/d/    e.rs ·\n          f_g.rs\n  h/      i.rs\ntests/    j.rs\n```\nk.rs";
    let listed = listed(text).into_iter().collect::<Vec<_>>();
    assert_eq!(listed, ["src/a.rs", "src/b.rs", "src/d/e.rs", "src/d/f_g.rs", "src/d/h/i.rs"]);
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn at(source: &Source, offset: usize, what: &str) -> String {
    format!("line {}: {what}", source.line_of(offset))
}

/// Every file opens with one sentence of purpose.
fn purpose(source: &Source) -> Vec<String> {
    let first = source.text.lines().next().unwrap_or_default();
    let is_sentence = first.strip_prefix("//! ").is_some_and(|rest| rest.split_whitespace().count() >= 3);
    if is_sentence { vec![] } else { vec!["does not open with `//!` and a sentence of purpose".into()] }
}

/// Past 500 code lines there are two ideas in a file.
fn length(source: &Source) -> Vec<String> {
    let lines = source.code.lines().filter(|line| !line.trim().is_empty()).count();
    if lines > 500 { vec![format!("{lines} code lines")] } else { vec![] }
}

fn depth(source: &Source) -> Vec<String> {
    let depth = source.path.split('/').count() - 1;
    if depth > 3 { vec![format!("{depth} folders deep")] } else { vec![] }
}

const PURE: [&str; 5] = ["detect", "decode", "policy", "redact", "inspect"];
const IMPURE: [&str; 27] = [
    "tokio",
    "h2",
    "hyper",
    "hyper_util",
    "rustls",
    "tower",
    "socket2",
    "rustix",
    "metrics",
    "tracing",
    "std::fs",
    "std::io::stdin",
    "std::env",
    "std::process",
    "std::thread",
    "Instant",
    "SystemTime",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "SystemRandom",
    "counter!",
    "gauge!",
    "histogram!",
    "println!",
    "eprintln!",
    "jiff",
];

/// Pure floors know bytes and values alone.
fn purity(source: &Source) -> Vec<String> {
    if !source.is_in(&PURE) {
        return vec![];
    }
    let impure = IMPURE.iter().flat_map(|word| source.words(word).map(move |offset| (word, offset)));
    impure.map(|(word, offset)| at(source, offset, &format!("`{word}` on a pure floor"))).collect()
}

/// The floor of a module, in tenths: `platform` carries its own floor's other modules and so stands just below.
fn floor(module: &str) -> Option<u32> {
    Some(match module {
        "flow" | "limits" | "fingerprint" | "telemetry" => 0,
        "detect" | "decode" => 10,
        "policy" | "redact" => 20,
        "inspect" => 30,
        "platform" => 39,
        "audit" | "tls" | "incident" => 40,
        "proxy" | "sink" => 50,
        "admin" | "config" | "cli" => 60,
        "main" | "fuzzing" => 70,
        _ => return None,
    })
}

/// Imports go to lower floors only; on the top floor only `cli` sees `config`, and nothing but `main` sees `cli`.
fn floors(source: &Source) -> Vec<String> {
    let own = source.module();
    if own == "lib" {
        return vec![];
    }
    let Some(own_floor) = floor(own) else { return vec![format!("module `{own}` has no floor")] };
    let mut faults = Vec::new();
    for prefix in ["crate::", "tidegate::"] {
        for offset in source.words(prefix) {
            for module in imported(&source.code[offset + prefix.len()..]) {
                let Some(other) = floor(&module) else { continue };
                let neighbours = own_floor == 60 && other == 60 && own == "cli";
                let allowed = module == own || other < own_floor || neighbours;
                if !allowed {
                    faults.push(at(source, offset, &format!("`{own}` imports `{module}`")));
                }
            }
        }
    }
    faults
}

/// First names of the paths after `crate::`: one, or those of a brace group.
fn imported(rest: &str) -> Vec<String> {
    let name =
        |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let mut names = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(name(&group[start..at]));
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names
}

/// Crates and the only places that may name them.
const HOMES: [(&str, &[&str]); 21] = [
    ("aes", &["redact"]),
    ("aho_corasick", &["detect"]),
    ("regex_automata", &["detect"]),
    ("regex_syntax", &["detect"]),
    ("brotli", &["decode"]),
    ("flate2", &["decode"]),
    ("zstd", &["decode"]),
    ("rustls", &["tls"]),
    ("tokio_rustls", &["tls"]),
    ("rustls_native_certs", &["tls"]),
    ("webpki_roots", &["tls"]),
    ("x509_parser", &["tls"]),
    ("rcgen", &["tls"]),
    ("h2", &["proxy"]),
    ("hyper", &["proxy", "sink", "admin", "cli/demo"]),
    ("hyper_util", &["proxy", "sink", "admin", "cli/demo"]),
    ("tower", &["proxy", "sink", "admin", "cli/demo"]),
    ("httparse", &["proxy"]),
    ("clap", &["cli"]),
    ("tracing_subscriber", &["cli"]),
    ("metrics_exporter_prometheus", &["admin"]),
];

fn homes(source: &Source) -> Vec<String> {
    let strays = HOMES.iter().filter(|(_, homes)| !source.is_in(homes));
    let uses = strays.flat_map(|(name, homes)| source.words(name).map(move |offset| (name, homes, offset)));
    // `rustls::` and `use rustls` name the crate; a variable of the same name does not.
    let names_crate = |name: &str, offset: usize| {
        let (before, after) = (&source.code[..offset], &source.code[offset + name.len()..]);
        after.starts_with("::") && !before.ends_with("::")
    };
    uses.filter(|(name, _, offset)| names_crate(name, *offset))
        .map(|(name, homes, offset)| at(source, offset, &format!("`{name}` lives in {homes:?}")))
        .collect()
}

const SHORTCUTS: [&str; 11] = [
    ".unwrap()",
    ".unwrap_err()",
    ".expect(",
    "panic!",
    "todo!",
    "unimplemented!",
    "unreachable!",
    "dbg!",
    "get_unchecked",
    "#[allow(",
    "#![allow(",
];

/// Nothing panics by intent, nothing is silenced without a reason.
fn shortcuts(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    for word in SHORTCUTS {
        faults.extend(source.words(word).map(|offset| at(source, offset, &format!("`{word}`"))));
    }
    if !source.is_in(&["detect/simd", "platform"]) {
        faults.extend(source.words("unsafe").map(|offset| at(source, offset, "`unsafe`")));
    }
    let globs = source.code.match_indices("::*;").filter(|(offset, _)| {
        let line = source.code[..*offset].rsplit('\n').next().unwrap_or_default();
        line.trim_start().starts_with("use ") || line.trim_start().starts_with("pub use ")
    });
    faults.extend(globs.map(|(offset, _)| at(source, offset, "imports everything")));
    faults
}

/// `a[i]` only where the bound is local and fuzzed; a literal index into an array is checked by the compiler.
fn indexing(source: &Source) -> Vec<String> {
    if source.is_in(&["detect", "decode"]) {
        return vec![];
    }
    let bytes = source.code.as_bytes();
    let mut faults = Vec::new();
    for (offset, _) in source.code.match_indices('[') {
        let Some(&before) = offset.checked_sub(1).and_then(|at| bytes.get(at)) else { continue };
        if !(before.is_ascii_alphanumeric() || matches!(before, b'_' | b')' | b']' | b'?')) {
            continue;
        }
        let inner = source.code[offset + 1..].split(']').next().unwrap_or_default();
        if !inner.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'=' | b'_' | b' ')) {
            faults.push(at(source, offset, &format!("indexes with `[{inner}]`")));
        }
    }
    faults
}

const CLOSED: [&str; 6] = ["Action::", "Interception::", "Side::", "Step::", "Mode::", "Direction::"];

/// A new word must break every match that forgets it.
fn wildcard_arms(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    for offset in source.words("match") {
        let Some(open) = body_of(&source.code[offset..]).map(|open| open + offset) else { continue };
        let patterns = patterns(&source.code[open..]);
        let closed = CLOSED.iter().find(|word| patterns.iter().any(|pattern| names_variant(pattern, word)));
        if let (Some(word), true) = (closed, patterns.iter().any(|pattern| pattern == "_")) {
            faults.push(at(source, offset, &format!("a wildcard arm beside `{word}`")));
        }
    }
    faults
}

fn names_variant(pattern: &str, word: &str) -> bool {
    pattern
        .match_indices(word)
        .any(|(at, _)| !pattern[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// Offset just inside the braces of the `match` that starts here.
fn body_of(code: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.checked_sub(1)?,
            '{' if depth == 0 => return Some(at + 1),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The patterns of a match body, without guards.
fn patterns(body: &str) -> Vec<String> {
    let mut patterns = Vec::new();
    let (mut depth, mut start, mut in_pattern) = (0usize, 0, true);
    let bytes = body.as_bytes();
    for (at, c) in body.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => break,
            ')' | ']' | '}' => {
                depth -= 1;
                // An arm in braces needs no comma.
                if c == '}' && depth == 0 && !in_pattern {
                    (start, in_pattern) = (at + 1, true);
                }
            }
            '=' if depth == 0 && in_pattern && bytes.get(at + 1) == Some(&b'>') => {
                let pattern = body[start..at].trim_start_matches([',', ' ', '\n']).trim();
                patterns.push(pattern.split(" if ").next().unwrap_or_default().trim().to_owned());
                in_pattern = false;
            }
            ',' if depth == 0 && !in_pattern => (start, in_pattern) = (at + 1, true),
            _ => {}
        }
    }
    patterns
}

/// Every bound has its reason: a doc comment over it, or over the group that it stands in.
fn bounds(source: &Source) -> Vec<String> {
    if source.path != "src/limits.rs" {
        return vec![];
    }
    let mut documented = false;
    let mut faults = Vec::new();
    for (index, line) in source.text.lines().enumerate() {
        if line.starts_with("///") {
            documented = true;
        } else if line.trim().is_empty() {
            documented = false;
        } else if line.starts_with("pub const ") && !documented {
            faults.push(format!("line {}: a bound without its reason", index + 1));
        }
    }
    faults
}

/// Name and version of every package of a lock file.
fn packages(lock: &str) -> Vec<(String, String)> {
    let value = |line: &str, key: &str| Some(line.strip_prefix(key)?.trim_matches('"').to_owned());
    let mut lines = lock.lines();
    let mut packages = Vec::new();
    while let Some(line) = lines.next() {
        let Some(name) = value(line, "name = ") else { continue };
        if let Some(version) = lines.next().and_then(|line| value(line, "version = ")) {
            packages.push((name, version));
        }
    }
    packages
}

/// Crates that must not come in, by the start of their name.
const BANNED: [&str; 6] = ["aws-lc", "openssl", "native-tls", "rustls-pemfile", "serde_yml", "boring"];
/// Versions with every advisory of RustSec mended.
const FLOORS: [(&str, &str); 13] = [
    ("hyper", "1.11.0"),
    ("h2", "0.4.18"),
    ("rustls", "0.23.18"),
    ("rustls-webpki", "0.103.13"),
    ("ring", "0.17.12"),
    ("tokio", "1.44.2"),
    ("bytes", "1.11.1"),
    ("tracing-subscriber", "0.3.20"),
    ("hickory-proto", "0.26.1"),
    ("slab", "0.4.11"),
    ("idna", "1.0.3"),
    ("time", "0.3.47"),
    ("crossbeam-channel", "0.5.15"),
];

fn dependencies(packages: &[(String, String)]) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, version) in packages {
        // `openssl-probe` finds certificate folders and links nothing.
        if BANNED.iter().any(|banned| name.starts_with(banned)) && name != "openssl-probe" {
            faults.push(format!("{name} must not come in"));
        }
        let too_old = FLOORS.iter().find(|(known, least)| known == name && numbers(version) < numbers(least));
        if let Some((_, least)) = too_old {
            faults.push(format!("{name} {version} is below {least}"));
        }
    }
    faults
}

fn numbers(version: &str) -> Vec<u64> {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    plain.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// A rule, a file that keeps it, and files that break it.
type Sample = (&'static str, (&'static str, &'static str), &'static [(&'static str, &'static str)]);

const SAMPLES: &[Sample] = &[
    ("purpose", ("src/a.rs", "//! Says what it is.\n"), &[("src/a.rs", "use x;\n"), ("src/a.rs", "//! x\n")]),
    ("depth", ("src/a/b/c.rs", ""), &[("src/a/b/c/d.rs", "")]),
    (
        "purity",
        (
            "src/detect/a.rs",
            "// tokio\nfn f() { let instant = \"std::fs\"; }\n#[cfg(test)]\nmod tests { use std::fs; }",
        ),
        &[
            ("src/detect/a.rs", "use tokio::net;"),
            ("src/inspect/mod.rs", "fn f() { std::time::Instant::now(); }"),
            ("src/policy/a.rs", "fn f() { counter!(\"x\"); }"),
            ("src/redact/mod.rs", "use std::fs;"),
        ],
    ),
    (
        "floors",
        ("src/audit/a.rs", "use crate::{flow::Host, inspect, audit::{chain, line}};\nuse crate::platform;"),
        &[
            ("src/audit/a.rs", "use crate::tls::Issuer;"),
            ("src/detect/a.rs", "fn f() { crate::policy::x() }"),
            ("src/flow.rs", "use crate::{limits, detect};"),
            ("src/admin/mod.rs", "use crate::config::Config;"),
            ("src/config/mod.rs", "use crate::cli;"),
            ("src/strange/mod.rs", ""),
        ],
    ),
    (
        "homes",
        ("src/tls/a.rs", "use rustls::ServerConfig;"),
        &[
            ("src/proxy/a.rs", "fn f(c: rustls::ServerConfig) {}"),
            ("src/cli/run.rs", "use hyper::body::Body;"),
            ("src/inspect/a.rs", "use flate2::Decompress;"),
        ],
    ),
    (
        "shortcuts",
        (
            "src/a.rs",
            "fn f() { x.unwrap_or(1); \"panic!\"; }\n#[cfg(test)]\nmod tests { fn f() { x.unwrap() } }",
        ),
        &[
            ("src/a.rs", "fn f() { x.unwrap(); }"),
            ("src/a.rs", "fn f() { panic!(\"a\") }"),
            ("src/a.rs", "#[allow(dead_code)]\nfn f() {}"),
            ("src/audit/a.rs", "fn f() { unsafe { g() } }"),
            ("src/a.rs", "use super::*;"),
            ("src/a.rs", "#[cfg(test)]\nmod tests;\nfn f() { todo!() }"),
        ],
    ),
    (
        "indexing",
        ("src/flow.rs", "fn f(a: &[u8], b: [u8; 4]) { b[0]; b[..2]; vec![x]; a.get(1..n); }"),
        &[("src/proxy/a.rs", "fn f() { a[i] }"), ("src/proxy/a.rs", "fn f() { g()[n..] }")],
    ),
    (
        "wildcard arms",
        (
            "src/a.rs",
            "fn f() { match a { Action::Block if b => 1, Action::Allow | Action::Alert => { _ = 2; 3 } } match n { _ => 0 } }",
        ),
        &[
            ("src/a.rs", "fn f() { match a { Action::Block => 1, _ => 2 } }"),
            ("src/a.rs", "fn f() { match step(x) { Step::Stop => { g() } _ if y => 2, Step::Wait => 1 } }"),
            ("src/a.rs", "fn f() { match m { Some(Mode::Observe) => match n { _ => 1 }, _ => 2 } }"),
        ],
    ),
    (
        "bounds",
        ("src/limits.rs", "/// Why.\npub const A: u8 = 1;\npub const B: u8 = 2;\n"),
        &[("src/limits.rs", "/// Why.\npub const A: u8 = 1;\n\npub const B: u8 = 2;\n")],
    ),
];

#[test]
fn each_rule_can_fail_and_only_where_it_should() {
    for (name, good, bad) in SAMPLES {
        let rule = RULES.iter().find(|(known, _)| known == name).unwrap().1;
        let faults = rule(&Source::new(good.0, good.1));
        assert!(faults.is_empty(), "{name}: {faults:?} in {}", good.1);
        for (path, text) in *bad {
            assert!(!rule(&Source::new(path, text)).is_empty(), "{name} found nothing in {text}");
        }
    }
    let long = format!("//! A file that is long.\n{}", "fn f() {}\n".repeat(501));
    assert_eq!(length(&Source::new("src/a.rs", &long)).len(), 1);
    assert!(length(&Source::new("src/a.rs", &long.replace("fn f", "// fn f"))).is_empty());
}

#[test]
fn the_dependency_check_can_fail() {
    let lock = "[[package]]\nname = \"rustls\"\nversion = \"0.23.9\"\n\n[[package]]\nname = \"aws-lc-sys\"\nversion = \"1.0.0\"\n\n\
                [[package]]\nname = \"openssl-probe\"\nversion = \"0.1.0\"\n";
    let faults = dependencies(&packages(lock));
    assert_eq!(faults, ["rustls 0.23.9 is below 0.23.18", "aws-lc-sys must not come in"]);
}

#[test]
fn test_modules_in_files_of_their_own_are_known() {
    let text = "#[cfg(test)]\n#[path = \"scan_tests.rs\"]\nmod tests;\n#[cfg(test)]\nmod more;\n#[cfg(test)]\nmod inline { }\n";
    assert_eq!(
        source::test_files("src/detect/scan.rs", text),
        ["src/detect/scan_tests.rs", "src/detect/scan/more.rs"]
    );
    assert_eq!(
        source::test_files("src/tls/mod.rs", "#[cfg(test)]\npub(crate) mod testing;"),
        ["src/tls/testing.rs"]
    );
}

#[test]
fn comments_and_literals_are_not_code() {
    let text =
        "let a = 'x'; let b: &'static str = \"//\"; /* /* x */ y */ r#\"z\"#; b'\\''; 'l: loop {} // end";
    let blanked = source::blank(text);
    assert_eq!(blanked.len(), text.len());
    for gone in ["//", "x", "y", "z", "end"] {
        assert!(!blanked.contains(gone), "{gone} in {blanked}");
    }
    assert!(blanked.contains("&'static str") && blanked.contains("'l: loop {}"), "{blanked}");
}
