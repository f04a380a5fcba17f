//! What `docs/protocol.md` names as proof is there to be run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tidegate::limits;

/// The file that a proof stands in, and what to look for in it.
pub fn place(root: &Path, proof: &str) -> Option<(PathBuf, String)> {
    let (file, name) = proof.split_once(": ")?;
    if file.starts_with("tests/") {
        return Some((root.join(file), name.to_owned()));
    }
    let folder = if file.contains('/') { "src" } else { "tests/it" };
    Some((root.join(folder).join(format!("{file}.rs")), format!("fn {name}(")))
}

/// Spans of code in the last column of tables.
fn proofs(text: &str) -> Vec<&str> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    rows.flat_map(|(_, shown)| shown.split('`').skip(1).step_by(2))
        .filter(|span| span.contains(": "))
        .collect()
}

fn missing(root: &Path, text: &str) -> Vec<String> {
    let gone = |proof: &&str| {
        let Some((file, mark)) = place(root, proof) else { return true };
        !fs::read_to_string(file).is_ok_and(|source| source.contains(&mark))
    };
    proofs(text).into_iter().filter(gone).map(str::to_owned).collect()
}

#[test]
fn every_test_that_the_documents_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/protocol.md")).unwrap();
    assert_eq!(missing(root, &text), Vec::<String>::new());
    let rows = text.lines().filter(|line| line.starts_with("| ") && line.contains(" | `"));
    assert!(rows.count() > 40 && proofs(&text).len() > 100);
    let wrong =
        "| a | `http2: no_such_test` `nowhere: a` `tests/netns/run: no such words` `tls/hello: nothing` |";
    assert_eq!(missing(root, wrong).len(), 4);
}

/// What the tests that run on every way are called.
const EVERY_WAY: [&str; 6] = [
    "every_way",
    "ways: ",
    "on_redirected_connections",
    "every_way: ",
    "tests/smuggling/",
    "tests/reliability/ways.py",
];

/// Rows that do not say on which ways they are tried, or say all and name no test of all.
fn untold(text: &str) -> Vec<&str> {
    let rows = text.lines().filter(|line| line.starts_with("| ") && line.contains(" | `"));
    rows.filter(|line| {
        let columns: Vec<&str> = line.trim_matches(['|', ' ']).split(" | ").collect();
        let [_, ways, shown] = columns[..] else { return true };
        ways.is_empty() || (ways == "all" && !EVERY_WAY.iter().any(|test| shown.contains(test)))
    })
    .collect()
}

#[test]
fn every_promise_says_on_which_ways_it_is_tried() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/protocol.md")).unwrap();
    assert_eq!(untold(&text), Vec::<&str>::new());
    let right = "| a | all | `ways: x` |\n| a | tunnel | `b: c` |\n";
    assert_eq!(untold(right), Vec::<&str>::new());
    assert_eq!(untold("| a | `ways: x` |\n| a | all | `b: c` |\n").len(), 2);
}

#[test]
fn no_peer_is_waited_for_longer_than_six_minutes() {
    for wait in [
        limits::HEAD_TIMEOUT,
        limits::HANDSHAKE_TIMEOUT,
        limits::FIRST_BYTE_TIMEOUT,
        limits::BODY_IDLE_TIMEOUT,
        limits::CALL_IDLE,
        limits::EVENTS_IDLE,
        limits::WRITE_STALL_TIMEOUT,
        limits::KEEP_ALIVE_TIMEOUT,
        limits::POOL_IDLE,
        limits::TUNNEL_HALF_IDLE,
        limits::TUNNEL_IDLE + limits::TUNNEL_HALF_IDLE,
        limits::KEEP_ALIVE_TIMEOUT + 2 * limits::H2_PING,
    ] {
        assert!(wait <= Duration::from_secs(360), "{wait:?}");
    }
}
