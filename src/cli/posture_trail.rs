//! What destinations negotiated in a period, from the records: as far as they tell, which is the version.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::audit::query::{Filter, search};
use crate::limits;

/// More of a record than is searched by.
#[derive(Deserialize)]
struct More {
    destination: Option<Dialled>,
    protocol: Option<Spoken>,
}

#[derive(Deserialize)]
struct Dialled {
    address: Option<String>,
}

#[derive(Deserialize)]
struct Spoken {
    tls_upstream: Option<String>,
}

#[derive(Debug, Default)]
struct Sum {
    clear: u64,
    /// Requests by version.
    versions: BTreeMap<String, u64>,
    last_version: Option<String>,
    since: String,
    last: String,
}

/// Each destination that requests went to between two times (seconds since the Unix epoch), in the form of the live one.
pub(super) fn gather(directory: &Path, from: i64, until: Option<i64>) -> io::Result<Value> {
    let mut all: BTreeMap<(String, u16), Sum> = BTreeMap::new();
    let mut beyond = 0u64;
    let filter = Filter { from: Some(from), until, ..Filter::default() };
    search(directory, &filter, &mut |line, facts| {
        // What a WebSocket says comes behind its request.
        let is_decided = &*facts.kind == "decision" && !facts.interim;
        let is_request = is_decided && facts.direction.as_deref() == Some("request");
        let (true, Some(to)) = (is_request, &facts.destination) else { return Ok(true) };
        let Some(more) = serde_json::from_slice::<More>(line).ok() else { return Ok(true) };
        // What was stopped before anybody was dialled says nothing of a connection.
        if more.destination.and_then(|to| to.address).is_none() {
            return Ok(true);
        }
        let key = (to.host.as_deref().unwrap_or_default().to_owned(), to.port);
        if !all.contains_key(&key) && all.len() >= limits::POSTURE_HOSTS {
            beyond += 1;
            return Ok(true);
        }
        let sum = all.entry(key).or_default();
        if sum.since.is_empty() {
            sum.since = facts.time.to_string();
        }
        sum.last = facts.time.to_string();
        match more.protocol.and_then(|spoken| spoken.tls_upstream) {
            Some(version) => {
                *sum.versions.entry(version.clone()).or_default() += 1;
                sum.last_version = Some(version);
            }
            None => sum.clear += 1,
        }
        Ok(true)
    })?;
    let destinations = all.iter().map(|((host, port), sum)| shown(host, *port, sum));
    Ok(json!({ "destinations": destinations.collect::<Value>(), "requests_to_others": beyond }))
}

fn shown(host: &str, port: u16, sum: &Sum) -> Value {
    // The words sort as the versions do.
    let lowest = sum.versions.keys().next();
    let mut notices = Vec::new();
    if sum.clear > 0 {
        notices.push(format!("clear text: {} requests", sum.clear));
    }
    if let Some(lowest) = lowest.filter(|lowest| *lowest != "TLSv1.3") {
        notices.push(format!("agreed on no more than {lowest}"));
    }
    json!({
        "host": host,
        "port": port,
        "requests": { "clear": sum.clear, "tls": sum.versions },
        "version": sum.last_version,
        "lowest_version": lowest,
        "notices": notices,
        "since": sum.since,
        "last": sum.last,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_version_and_clear_text_draw_a_notice() {
        let sum = |clear, versions: &[&str]| Sum {
            clear,
            versions: versions.iter().map(|version| ((*version).to_owned(), 2)).collect(),
            ..Sum::default()
        };
        assert_eq!(shown("a", 1, &sum(0, &["TLSv1.3"]))["notices"], json!([]));
        let both = shown("a", 1, &sum(3, &["TLSv1.3", "TLSv1.2"]));
        assert_eq!(both["notices"], json!(["clear text: 3 requests", "agreed on no more than TLSv1.2"]));
        assert_eq!(
            (&both["lowest_version"], &both["requests"]["tls"]["TLSv1.3"]),
            (&json!("TLSv1.2"), &json!(2))
        );
    }
}
