//! How the trail is kept, judged: sizes, times, keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::audit::{AuditConfig, KeyEpochs, SampleConfig};
use crate::fingerprint::Jar;
use crate::limits;
use crate::policy::Action;

use super::check::{bounded_size, bounded_time};
use super::raw::RawAudit;
use super::raw_sink::RawSample;
use super::source::At;
use super::table::{Log, one_of};
use super::units;

/// Where the trail and its keys are.
pub(super) struct Files<'a> {
    pub(super) directory: PathBuf,
    pub(super) signing: &'a Path,
    pub(super) prints: &'a Path,
    /// What paths stand against.
    pub(super) folder: &'a Path,
}

const SEGMENT_RANGE: (u64, u64) = (64 << 10, 16 << 30);
const KEY_EPOCH_RANGE: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(400 * 86_400));
const PRINT_EPOCH_RANGE: (Duration, Duration) =
    (Duration::from_secs(3600), Duration::from_secs(400 * 86_400));
const DAY: Duration = Duration::from_secs(86_400);
const SAMPLE_RETENTION_RANGE: (Duration, Duration) =
    (Duration::from_secs(3600), Duration::from_secs(400 * 86_400));
const SAMPLE_SIZE_MIN: u64 = 64 << 10;
/// What may be sampled: nobody asked about what was let pass.
const SAMPLED: [Action; 3] = [Action::Alert, Action::Redact, Action::Block];
const RETENTION_MIN: Duration = Duration::from_secs(90 * 86_400);

pub(super) fn check(
    raw: &RawAudit,
    node: String,
    files: Files<'_>,
    print_epoch: Option<&At<Duration>>,
    log: &Log,
) -> AuditConfig {
    if let Some(retention) = raw.retention.as_ref().filter(|retention| retention.value < RETENTION_MIN) {
        let days = retention.value.as_secs() / DAY.as_secs();
        let what = format!("{days} days is shorter than records must be kept");
        log.push(retention.place.complain(what).expected("at least 90d"));
    }
    let segment_size = bounded_size(raw.segment_size.as_ref(), limits::AUDIT_SEGMENT, SEGMENT_RANGE, log);
    let max_disk = raw.max_disk.as_ref().map_or(limits::AUDIT_DISK, |size| size.value);
    if max_disk < segment_size
        && let Some(place) = raw.max_disk.as_ref().or(raw.segment_size.as_ref()).map(|size| &size.place)
    {
        let what = "the disk budget does not hold one segment";
        log.push(
            place.complain(what).expected(format!("max_disk of at least {}", units::show_size(segment_size))),
        );
    }
    let retention = raw.retention.as_ref().map_or(limits::RETENTION, |retention| retention.value);
    let compress = raw.compress.as_ref().is_none_or(|compress| compress.value);
    let keyed = |file: PathBuf, epoch: Option<Duration>| epoch.map(|epoch| KeyEpochs { file, epoch });
    let key_epoch = epochs(raw.key_epoch.as_ref(), limits::KEY_EPOCH, KEY_EPOCH_RANGE, log);
    let print_epoch = epochs(print_epoch, limits::PRINT_EPOCH, PRINT_EPOCH_RANGE, log);
    let sample = raw.sample.as_ref();
    let sample_retention = sample.and_then(|sample| sample.retention.as_ref());
    AuditConfig {
        segment_size,
        max_disk,
        compress,
        retention,
        key_epochs: keyed(files.signing.to_owned(), key_epoch),
        print_epochs: keyed(epoch_file(files.prints), print_epoch),
        samples: sample.and_then(|sample| samples(sample, files.folder, max_disk, log)),
        sample_retention: bounded_time(
            sample_retention,
            limits::SAMPLE_RETENTION,
            SAMPLE_RETENTION_RANGE,
            log,
        ),
        ..AuditConfig::new(files.directory, node)
    }
}

/// What is sampled. That packs in use find it is judged when they are open.
fn samples(raw: &RawSample, folder: &Path, max_disk: u64, log: &Log) -> Option<SampleConfig> {
    if raw.key.is_none() {
        let what = "samples are sealed to a public key: `key` is missing";
        log.push(raw.place.complain(what).expected("a file that `tidegate audit sample-key` made"));
    }
    let identifiers: Vec<_> = raw.identifiers.iter().flatten().map(|id| id.value.clone()).collect();
    if identifiers.is_empty() {
        let what = "which values are sampled must be said: `identifiers` is missing";
        log.push(raw.place.complain(what).expected("ids, `payment.*`"));
    }
    let mut actions = Vec::new();
    for written in raw.actions.iter().flatten() {
        match SAMPLED.into_iter().find(|action| action.as_str() == written.value) {
            Some(action) => actions.push(action),
            None => {
                let words = SAMPLED.map(Action::as_str);
                let complaint = written.place.complain(format!("unknown word `{}`", written.value));
                log.push(complaint.expected(one_of(&words)).meant(&written.value, words));
            }
        }
    }
    if raw.actions.is_none() {
        actions.extend([Action::Redact, Action::Block]);
    }
    let most = (SAMPLE_SIZE_MIN, max_disk.max(SAMPLE_SIZE_MIN));
    Some(SampleConfig {
        key: folder.join(&raw.key.as_ref()?.value),
        identifiers,
        actions,
        max_size: bounded_size(raw.max_size.as_ref(), limits::SAMPLE_DISK.min(most.1), most, log),
        jar: Arc::new(Jar::new(limits::SAMPLE_JAR, limits::SAMPLE_VALUE)),
    })
}

/// How long a key is used; nothing for good.
fn epochs(
    written: Option<&At<Duration>>,
    default: Duration,
    range: (Duration, Duration),
    log: &Log,
) -> Option<Duration> {
    match written {
        Some(epoch) if epoch.value.is_zero() => None,
        epoch => Some(bounded_time(epoch, default, range, log)),
    }
}

/// The key of the records' fingerprints stands beside that of policy.
fn epoch_file(key: &Path) -> PathBuf {
    let mut name = key.file_name().unwrap_or_default().to_owned();
    name.push(".epoch");
    key.with_file_name(name)
}
