//! What this process uses: descriptors and memory, and how many descriptors it may have.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that this process may have open (the soft limit); `None` when there is no limit.
#[must_use]
pub fn descriptor_limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// Raises the soft limit of descriptors to the hard one and returns the limit that now holds. The soft limit is
/// low by default for the sake of programs that use `select`, which this is not.
pub fn raise_descriptor_limit() -> Option<u64> {
    let now = getrlimit(Resource::Nofile);
    if now.current != now.maximum {
        // Refused only where the platform caps below the hard limit; then the old limit holds.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: now.maximum, maximum: now.maximum });
    }
    descriptor_limit()
}

/// Keeps what this process has in memory to itself: no core file of it is written, and no process of the same account may
/// look into it or be handed it by the kernel.
pub fn seal_memory() {
    // Both are granted always; where the platform has no such thing, the other holds.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Lets this thread give way to all others.
pub fn step_back() {
    // Where it is refused, the thread just has its share.
    let _ = rustix::process::nice(19);
}

/// The account that this process runs under.
#[must_use]
pub fn user_id() -> u32 {
    rustix::process::getuid().as_raw()
}

/// Descriptors open now.
#[must_use]
pub fn descriptor_count() -> Option<u64> {
    let entries = fs::read_dir("/proc/self/fd").ok()?;
    // The directory being read is one of them.
    let count = entries.count().saturating_sub(1);
    u64::try_from(count).ok()
}

/// Bytes of memory in use.
#[must_use]
pub fn resident_memory() -> Option<u64> {
    status_bytes("VmRSS:")
}

/// The most bytes of memory that were ever in use.
#[must_use]
pub fn peak_memory() -> Option<u64> {
    status_bytes("VmHWM:")
}

fn status_bytes(field: &str) -> Option<u64> {
    read_field(&fs::read_to_string("/proc/self/status").ok()?, field)
}

/// The field's value, which the kernel states in KiB, as bytes.
fn read_field(status: &str, field: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_fields_are_kibibytes() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t     10 kB\nThreads:\t1\n";
        assert_eq!(read_field(status, "VmHWM:"), Some(2048 * 1024));
        assert_eq!(read_field(status, "VmRSS:"), Some(10 * 1024));
        assert_eq!(read_field(status, "VmSwap:"), None);
        assert_eq!(read_field("VmRSS:\tmany kB", "VmRSS:"), None);
    }

    #[test]
    fn memory_is_kept_in_the_process() {
        seal_memory();
        let core = rustix::process::getrlimit(Resource::Core);
        assert_eq!((core.current, core.maximum), (Some(0), Some(0)));
        #[cfg(target_os = "linux")]
        {
            use rustix::process::{DumpableBehavior, dumpable_behavior};
            assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        }
        // It still sees itself.
        assert!(descriptor_count().is_some() && resident_memory().is_some());
    }

    #[test]
    fn this_process_is_seen() {
        let before = descriptor_count().unwrap();
        // Other tests open and close files meanwhile; enough of them show through that.
        let files: Vec<_> = (0..64).map(|_| fs::File::open("/proc/self/status").unwrap()).collect();
        assert!(descriptor_count().unwrap() > before);
        drop(files);
        assert!(peak_memory().unwrap() >= 1024 * 1024);
        assert!(resident_memory().unwrap() >= 1024 * 1024);
        assert!(descriptor_limit().is_none_or(|limit| limit >= 64));
    }
}
