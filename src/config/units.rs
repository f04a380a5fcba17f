//! Sizes and times as people write them: `256KiB`, `50ms`, `365d`.

use std::time::Duration;

const SIZES: [(&str, u64); 9] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

const TIMES_MS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Bytes of a text such as `256KiB`; `None` when it is not a size.
pub(super) fn size(text: &str) -> Option<u64> {
    scaled(text, &SIZES)
}

/// The time that a text such as `50ms` speaks of; `None` when it is not a time.
pub(super) fn duration(text: &str) -> Option<Duration> {
    scaled(text, &TIMES_MS).map(Duration::from_millis)
}

/// A size in the largest binary unit that divides it.
pub fn show_size(bytes: u64) -> String {
    let binary =
        SIZES.iter().take(5).rev().find(|(_, factor)| bytes >= *factor && bytes.is_multiple_of(*factor));
    binary.map_or_else(|| format!("{bytes}B"), |(unit, factor)| format!("{}{unit}", bytes / factor))
}

/// A time in the largest unit that divides it.
pub fn show_duration(time: Duration) -> String {
    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let fits = TIMES_MS.iter().rev().find(|(_, factor)| ms >= *factor && ms.is_multiple_of(*factor));
    fits.map_or_else(|| format!("{ms}ms"), |(unit, factor)| format!("{}{unit}", ms / factor))
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = unit.trim_start();
    let (_, factor) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_read_and_shown() {
        for (text, bytes) in
            [("256KiB", 262_144), ("1 MiB", 1 << 20), ("50GiB", 50 << 30), ("7B", 7), ("2kb", 2_000)]
        {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in ["", "KiB", "12", "1.5MiB", "-1B", "99999999999TiB", "1KiB2", "1 parsec"] {
            assert_eq!(size(text), None, "{text}");
        }
        for (text, ms) in
            [("50ms", 50), ("10s", 10_000), ("5m", 300_000), ("1h", 3_600_000), ("365d", 31_536_000_000)]
        {
            assert_eq!(duration(text), Some(Duration::from_millis(ms)), "{text}");
            assert_eq!(show_duration(Duration::from_millis(ms)), text);
        }
        assert_eq!(duration("10"), None);
        assert_eq!(show_size(262_144), "256KiB");
        assert_eq!(show_size(1_000), "1000B");
        assert_eq!(show_size(0), "0B");
    }
}
