//! Records that a receiver does not take, whatever else it takes: named in a file beside the records, so that those after
//! them go on. The records themselves are in the trail.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

/// The file of a sink.
pub(super) fn name(sink: &str) -> String {
    format!("sink-{sink}.aside.jsonl")
}

/// Notes a record, safe on disk.
pub(super) fn keep(directory: &Path, sink: &str, seq: u64, cause: &str) -> io::Result<()> {
    let path = directory.join(name(sink));
    let mut file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    let line = json!({ "seq": seq, "time": format!("{:.6}", Timestamp::now()), "cause": cause });
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_data()
}
