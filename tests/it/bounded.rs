//! Patterns that look catastrophic: refused with their bound, or compiled and run in bounded time.

use std::time::{Duration, Instant};

use tidegate::detect::{Matcher, Pack, PackError};
use tidegate::fingerprint::FingerprintKey;

fn pack(pattern: &str) -> Result<Pack, Vec<PackError>> {
    Pack::parse(
        "hostile.toml",
        &format!(
            "[pack]\nname = \"t\"\nversion = \"1.0.0\"\n[[detector]]\nid = \"t.a\"\ndescription = \"d\"\n\
             tier = \"strong\"\nboundary = \"none\"\npattern = '{pattern}'\n[[detector.example]]\ntext = \"a\"\n\
             finds = [\"a\"]\n[[detector.example]]\ntext = \"\"\nfinds = []\n"
        ),
    )
}

/// Far more than any takes on an idle machine, far less than a blow-up.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn patterns_without_a_bound_are_refused_with_their_place() {
    for (pattern, column, words) in [
        ("(a+)+b", 12, "no finite maximum"),
        ("(a|aa)*c", 12, "no finite maximum"),
        ("x(?:a{1,600})", 11, "at most 512"),
        ("(?:[ab]{1,16}){1,40}", 11, "at most 512"),
    ] {
        let error = pack(pattern).unwrap_err().remove(0);
        assert_eq!((error.line, error.column), (9, column), "{error}");
        assert!(error.message.contains(words), "{error}");
    }
}

#[test]
fn what_looks_catastrophic_is_bounded_in_time_and_memory() {
    let from = Instant::now();
    let mut compiled = 0;
    for pattern in [
        "(a{1,20}){1,20}b",
        r"(\w{1,50}\s?){1,10}x",
        "(x?){1,200}y{1,200}",
        "(?:a|b|ab){1,200}c",
        r"(?:\d{1,19}[ -]?){1,20}\d",
        r"[a-z]{0,200}[0-9]{6}[a-z]{0,200}",
        "(?:.{0,100}a.{0,100}b){1,2}",
        "(?:a.{12}|b.{13}|c.{14}){1,20}",
        "(?:[ab]{0,30}a[ab]{20}){1,3}",
    ] {
        match pack(pattern) {
            Err(errors) => assert!(
                errors[0].message.contains("states") || errors[0].message.contains("MiB"),
                "{errors:?}"
            ),
            Ok(pack) => {
                let matcher = Matcher::compile(vec![pack]).unwrap();
                assert!(matcher.size() < 16 << 20, "{pattern}: {} bytes", matcher.size());
                compiled += 1;
            }
        }
        assert!(from.elapsed() < PATIENCE, "{pattern} after {:?}", from.elapsed());
    }
    assert!(compiled >= 3, "{compiled}");
}

#[test]
fn run_time_is_linear_whatever_the_text() {
    let matcher = Matcher::compile(vec![pack("(a{1,20}){1,20}b").unwrap()]).unwrap();
    let key = FingerprintKey::new(&[0; 32]);
    let time = |length: usize| {
        let text = vec![b'a'; length];
        let from = Instant::now();
        assert!(matcher.find(&key, None, &text).is_empty());
        from.elapsed().as_secs_f64()
    };
    let best = |length| (0..3).map(|_| time(length)).fold(f64::MAX, f64::min);
    let (short, long) = (best(50_000), best(400_000));
    assert!(long < 8.0 * 3.0 * short, "{short} s for 50,000 bytes, {long} s for 400,000");
}
