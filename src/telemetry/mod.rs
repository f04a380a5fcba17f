//! Every metric name, in one place; handles are registered once by those who count.
//!
//! Names follow the Prometheus conventions: base units, `_total` for counters. Label values come from the
//! `as_str` of a closed enum or from the configuration, never from a client: their number is bounded.

pub mod latency;

/// Messages judged, by `action` and `direction`.
pub const FLOWS: &str = "tidegate_flows_total";
/// Distinct values found, by `identifier`.
pub const FINDINGS: &str = "tidegate_findings_total";
/// Body bytes that were inspected, by `direction`.
pub const INSPECTED_BYTES: &str = "tidegate_inspected_bytes_total";
/// Body bytes that were not inspected, by `reason`.
pub const UNINSPECTED_BYTES: &str = "tidegate_uninspected_bytes_total";
/// Requests refused before or without a decision on their content, by `reason`.
pub const REFUSED: &str = "tidegate_refused_total";
/// Handshakes that failed, by `side` and `reason`.
pub const HANDSHAKE_FAILURES: &str = "tidegate_handshake_failures_total";
/// Bytes that wait for a decision.
pub const HELD_BYTES: &str = "tidegate_held_bytes";
/// Bytes that may wait for a decision, all flows together: past it messages are refused.
pub const HELD_BYTES_MAX: &str = "tidegate_held_bytes_max";
/// Client connections accepted, by `listener`.
pub const CONNECTIONS: &str = "tidegate_connections_total";
/// Client connections open, by `listener`.
pub const CONNECTIONS_OPEN: &str = "tidegate_connections_open";
/// Requests between their head and the end of their response.
pub const FLOWS_OPEN: &str = "tidegate_flows_open";
/// Failures to accept a connection (descriptors used up, most often).
pub const ACCEPT_ERRORS: &str = "tidegate_accept_errors_total";
/// Time that the gate added to a message, by `stage`: `inspect` (in the inspector), `hold` (from a message's
/// head to the first moment that it could leave), `record` (waiting for its record).
pub const LATENCY_ADDED: &str = "tidegate_latency_added_seconds";
/// Upstreams that could not be reached or broke off, by `stage`.
pub const UPSTREAM_ERRORS: &str = "tidegate_upstream_errors_total";
/// Upstream connections, by `origin`: `dialled` or `pooled`.
pub const UPSTREAM_CONNECTIONS: &str = "tidegate_upstream_connections_total";
/// Idle upstream connections kept.
pub const POOL_IDLE: &str = "tidegate_pool_idle_connections";
/// Leaf certificates minted.
pub const LEAVES_MINTED: &str = "tidegate_leaves_minted_total";
/// Bypasses, by `state`: `in_force`, `expiring` (within 14 days) or `expired`.
pub const BYPASSES: &str = "tidegate_bypasses";
/// Overlays in force, by `effect`.
pub const OVERLAYS: &str = "tidegate_overlays";
/// Tunnels that passed unopened, by `reason`.
pub const UNOPENED: &str = "tidegate_unopened_tunnels_total";
/// Whether the last reload took force: 1, or 0 when it was refused.
pub const CONFIG_RELOADED: &str = "tidegate_config_last_reload_successful";
/// Since when the configuration in force has been so, in seconds since the Unix epoch.
pub const CONFIG_SINCE: &str = "tidegate_config_last_reload_success_timestamp_seconds";
/// Records written.
pub const RECORDS: &str = "tidegate_records_total";
/// Records that wait for the writer.
pub const RECORDS_WAITING: &str = "tidegate_records_waiting";
/// How long the record that waits longest has waited.
pub const RECORDS_LAG: &str = "tidegate_records_lag_seconds";
/// Flows that got no permit since their record could not be written.
pub const RECORDS_REFUSED: &str = "tidegate_records_refused_total";
/// Log lines that nobody read in time.
pub const LOG_LOST: &str = "tidegate_log_lines_lost_total";
/// Bytes of the audit directory in use.
pub const AUDIT_DISK_BYTES: &str = "tidegate_audit_disk_bytes";
/// Days until the audit disk budget is spent at the present rate.
pub const AUDIT_DISK_DAYS: &str = "tidegate_audit_disk_days";
/// Samples asked for, by `outcome`: `kept`, or why not, as their records say.
pub const SAMPLES: &str = "tidegate_audit_samples_total";
/// Records of a sink, by `sink` and `outcome`: `delivered` (sent; again after a failure) or `filtered`.
pub const SINK_RECORDS: &str = "tidegate_sink_records_total";
/// Tries of a sink that failed, by `sink`.
pub const SINK_FAILURES: &str = "tidegate_sink_failures_total";
/// Records that a sink has not read yet, by `sink`.
pub const SINK_BEHIND: &str = "tidegate_sink_behind_records";
/// 1 while a sink takes nothing, by `sink`.
pub const SINK_DOWN: &str = "tidegate_sink_down";
/// File descriptors in use.
pub const DESCRIPTORS: &str = "tidegate_descriptors_open";
/// File descriptors that may be in use.
pub const DESCRIPTORS_MAX: &str = "tidegate_descriptors_max";

/// Every name with its kind and what `/metrics` says of it.
pub const ALL: &[(&str, Kind, &str)] = &[
    (FLOWS, Kind::Counter, "messages judged"),
    (FINDINGS, Kind::Counter, "distinct values found"),
    (INSPECTED_BYTES, Kind::Counter, "body bytes inspected"),
    (UNINSPECTED_BYTES, Kind::Counter, "body bytes not inspected"),
    (REFUSED, Kind::Counter, "requests refused without a decision on their content"),
    (HANDSHAKE_FAILURES, Kind::Counter, "TLS handshakes that failed"),
    (HELD_BYTES, Kind::Gauge, "bytes waiting for a decision"),
    (HELD_BYTES_MAX, Kind::Gauge, "bytes that may wait for a decision"),
    (CONNECTIONS, Kind::Counter, "client connections accepted"),
    (CONNECTIONS_OPEN, Kind::Gauge, "client connections open"),
    (FLOWS_OPEN, Kind::Gauge, "requests in flight"),
    (ACCEPT_ERRORS, Kind::Counter, "connections that could not be accepted"),
    (LATENCY_ADDED, Kind::Histogram, "time added to a message"),
    (UPSTREAM_ERRORS, Kind::Counter, "upstreams that could not be reached or broke off"),
    (UPSTREAM_CONNECTIONS, Kind::Counter, "upstream connections used"),
    (POOL_IDLE, Kind::Gauge, "idle upstream connections"),
    (LEAVES_MINTED, Kind::Counter, "leaf certificates minted"),
    (BYPASSES, Kind::Gauge, "bypasses configured"),
    (OVERLAYS, Kind::Gauge, "overlays in force"),
    (UNOPENED, Kind::Counter, "tunnels passed on unopened"),
    (CONFIG_RELOADED, Kind::Gauge, "1 unless the last reload was refused"),
    (CONFIG_SINCE, Kind::Gauge, "since when the configuration in force has been so"),
    (RECORDS, Kind::Counter, "audit records written"),
    (RECORDS_WAITING, Kind::Gauge, "audit records waiting for the writer"),
    (RECORDS_LAG, Kind::Gauge, "longest wait of an audit record for the writer"),
    (RECORDS_REFUSED, Kind::Counter, "flows refused for want of a record"),
    (LOG_LOST, Kind::Counter, "log lines that nobody read in time"),
    (AUDIT_DISK_BYTES, Kind::Gauge, "bytes of the audit directory in use"),
    (AUDIT_DISK_DAYS, Kind::Gauge, "days until the audit disk budget is spent"),
    (SAMPLES, Kind::Counter, "samples asked for by decisions, kept or not"),
    (SINK_RECORDS, Kind::Counter, "records sent to a sink, or filtered out"),
    (SINK_FAILURES, Kind::Counter, "tries of a sink that failed"),
    (SINK_BEHIND, Kind::Gauge, "records that a sink has not read yet"),
    (SINK_DOWN, Kind::Gauge, "1 while a sink takes nothing"),
    (DESCRIPTORS, Kind::Gauge, "file descriptors open"),
    (DESCRIPTORS_MAX, Kind::Gauge, "file descriptors allowed"),
];

/// What kind of figure a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_keep_the_conventions() {
        let mut seen = HashSet::new();
        for (name, kind, help) in ALL {
            assert!(name.starts_with("tidegate_"), "{name}");
            assert!(seen.insert(*name), "{name} twice");
            assert!(!help.is_empty());
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
        }
    }

    #[test]
    fn every_name_is_documented_and_no_other() {
        let text = include_str!("../../docs/operating.md");
        let rows = text.lines().filter_map(|line| line.strip_prefix("| `tidegate_"));
        let rows: Vec<(&str, &str)> = rows.filter_map(|row| row.split_once("` | ")).collect();
        assert_eq!(rows.len(), ALL.len());
        for (name, kind, _) in ALL {
            let kind = format!("{kind:?} | ").to_lowercase();
            let row = rows.iter().find(|(row, _)| name.strip_prefix("tidegate_") == Some(row));
            assert!(row.is_some_and(|(_, rest)| rest.starts_with(&kind)), "{name}");
        }
    }
}
