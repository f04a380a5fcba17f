//! Kernels that classify 64 bytes at a time, chosen once per process; every level finds the same.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bytes;
mod kinds;
mod lanes;
#[cfg(target_arch = "aarch64")]
mod neon;
mod nibbles;
mod plain;
mod positions;
mod runs;
mod seek;
mod spell;
#[cfg(target_arch = "x86_64")]
mod vbmi;
mod walk;

use std::sync::LazyLock;

use crate::detect::anchor::MIN_RUN_DIGITS;
use crate::detect::outline::Outline;

pub use bytes::Bytes;
pub(super) use nibbles::{Nibbles, Sought};
pub(super) use seek::Possible;
pub(super) use spell::{Heads, Start};
pub(super) use walk::Visit;

/// A bit for each of 64 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Planes {
    digit: u64,
    separator: u64,
    word: u64,
    /// `@`, and `%`, which may begin what stands for one.
    at: u64,
}

/// What to look for; planes that no detector needs cost nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    pub digits: bool,
    pub at: bool,
    /// Also `%40`.
    pub encoded: bool,
    /// Bytes beyond `MIN_RUN_DIGITS`, at most as many again, without which a run of digits is of use only behind a letter, a digit or a
    /// separator; all ones in `anywhere` when it is of use behind anything.
    leading: u32,
    anywhere: u64,
    /// Shortest run of letters and digits wanted, of both and of either alone; 0 for none.
    word: usize,
    word_plain: usize,
    /// Fewest bytes of one that begins with a digit, where that is more.
    word_digit: usize,
    /// What matches begin with that are found by it, and whether no letter or digit stands before any.
    outline: Option<Outline>,
    bound: bool,
}

impl Wanted {
    /// Runs of digits: those of at least `leading` digits anywhere; shorter ones behind a letter, a digit or a separator,
    /// or, with `anywhere`, behind anything.
    pub fn want_digits(&mut self, leading: usize, anywhere: bool) {
        self.digits = true;
        self.leading = leading.saturating_sub(MIN_RUN_DIGITS).min(MIN_RUN_DIGITS) as u32;
        self.anywhere = if anywhere { u64::MAX } else { 0 };
    }

    /// Also runs of at least `least` letters and digits, with `mixed` only those that hold both.
    pub fn want_word(&mut self, least: usize, mixed: bool) {
        let shorter = |known: usize| if known == 0 { least } else { known.min(least) };
        self.word = shorter(self.word);
        if !mixed {
            self.word_plain = shorter(self.word_plain);
        }
    }

    /// Of runs that begin with a digit only those of so many letters and digits at least, and some others.
    pub fn want_word_of_digit(&mut self, least: usize) {
        self.word_digit = least;
    }

    /// Also what begins so; `bound`: not behind a letter or a digit.
    pub(super) fn want_outline(&mut self, outline: Outline, bound: bool) {
        self.bound = bound && (self.bound || self.outline.is_none());
        self.outline = Some(self.outline.map_or(outline, |known| known.or(outline)));
    }
}

/// How much of the machine is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// The same, and bytes looked up in tables of 64.
    #[cfg(target_arch = "x86_64")]
    Vbmi,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Level {
    /// What this machine can do, the plain twin first and the fastest last.
    #[must_use]
    pub fn all() -> Vec<Level> {
        let mut levels = vec![Level::Plain];
        #[cfg(target_arch = "x86_64")]
        {
            levels.extend(avx2::available().then_some(Level::Avx2));
            levels.extend(avx512::available().then_some(Level::Avx512));
            levels.extend(vbmi::available().then_some(Level::Vbmi));
        }
        #[cfg(target_arch = "aarch64")]
        levels.push(Level::Neon);
        levels
    }

    /// The best level of this machine.
    #[must_use]
    pub fn detect() -> Level {
        Level::all().pop().unwrap_or(Level::Plain)
    }
}

/// Looks through `text[from..to]` and calls `visit` for every run, `@` and `%40`, in order of their ends.
pub(super) fn walk<V: Visit>(
    level: Level,
    wanted: Wanted,
    text: &[u8],
    from: usize,
    to: usize,
    visit: &mut V,
) {
    match level {
        Level::Plain => walk::walk::<plain::Plain, V>(wanted, text, from, to, visit),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::walk(wanted, text, from, to, visit),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 | Level::Vbmi => avx512::walk(wanted, text, from, to, visit),
        #[cfg(target_arch = "aarch64")]
        Level::Neon => walk::walk::<neon::Neon, V>(wanted, text, from, to, visit),
    }
}

/// Calls `hit` for every position of `text[from..to]` at which a literal could begin, and for few others.
pub(super) fn literals(
    level: Level,
    nibbles: &Nibbles,
    text: &[u8],
    from: usize,
    to: usize,
    hit: &mut impl Possible,
) {
    match level {
        Level::Plain => seek::seek::<plain::Plain>(nibbles, text, from, to, hit),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::seek(nibbles, text, from, to, hit),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::seek(nibbles, text, from, to, hit),
        #[cfg(target_arch = "x86_64")]
        Level::Vbmi => vbmi::seek(nibbles, text, from, to, hit),
        #[cfg(target_arch = "aarch64")]
        Level::Neon => seek::seek::<neon::Neon>(nibbles, text, from, to, hit),
    }
}

/// Calls `hit` for every position of `text[from..to]` at which a word with one of `heads` begins.
pub(super) fn word_starts(
    level: Level,
    heads: &Heads,
    text: &[u8],
    from: usize,
    to: usize,
    hit: &mut impl FnMut(Start),
) {
    match level {
        Level::Plain => spell::spell::<plain::Plain>(heads, text, from, to, hit),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => avx2::spell(heads, text, from, to, hit),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => avx512::spell(heads, text, from, to, hit),
        #[cfg(target_arch = "x86_64")]
        Level::Vbmi => vbmi::spell(heads, text, from, to, hit),
        #[cfg(target_arch = "aarch64")]
        Level::Neon => spell::spell::<neon::Neon>(heads, text, from, to, hit),
    }
}

/// Where the first run begins of so many digits of base64 that it is looked into; or where the one begins, if any, that
/// reaches the end.
pub fn first_run(text: &[u8]) -> Result<usize, usize> {
    runs::first_run(*LEVEL, text)
}

/// Of which kinds bytes are, by two tables of eight kinds each, by the low half of a byte and by its high half: it is of those
/// that both have. For each of `sets` which bytes are of any of these kinds of either table; where none is of the first, of
/// none.
#[must_use]
pub fn kinds<const SETS: usize>(
    window: &[u8; 128],
    halves: &[[[u8; 16]; 2]; 2],
    sets: &[[u8; 2]; SETS],
) -> [u128; SETS] {
    kinds::kinds(*LEVEL, window, halves, sets)
}

/// Whether `text` holds any of these bytes.
#[must_use]
pub fn holds_any(bytes: &Bytes, text: &[u8]) -> bool {
    bytes::holds(*LEVEL, bytes, text)
}

static LEVEL: LazyLock<Level> = LazyLock::new(Level::detect);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::shape::Shape;
    use proptest::prelude::*;

    #[derive(Default, Debug, PartialEq, Eq)]
    struct Log(Vec<(char, usize, usize)>, Vec<(usize, u64)>);

    impl Visit for Log {
        fn digits(&mut self, start: usize, end: usize, digits: u64) {
            self.0.push(('d', start, end));
            self.1.push((start, digits));
        }
        fn at(&mut self, position: usize, encoded: bool) {
            self.0.push((if encoded { '%' } else { '@' }, position, position));
        }
        fn word(&mut self, start: usize, end: usize, _mixed: bool) {
            self.0.push(('w', start, end));
        }
        fn outline(&mut self, position: usize) {
            self.0.push(('o', position, position));
        }
    }

    /// The same by the letter of the definition, one byte after the other.
    fn naive(text: &[u8], from: usize, to: usize, word: usize) -> Log {
        let digit = |i: usize| (from..to).contains(&i) && text[i].is_ascii_digit();
        let in_run = |i: usize| {
            digit(i)
                || (i > from
                    && i < to
                    && crate::detect::anchor::is_separator(text[i])
                    && digit(i - 1)
                    && digit(i + 1))
        };
        let mut log = Log::default();
        let mut run = |kind, least: usize, within: &dyn Fn(usize) -> bool| {
            let mut start = from;
            for i in from..=to {
                if i == to || !within(i) {
                    if i - start >= least {
                        log.0.push((kind, start, i));
                    }
                    start = i + 1;
                }
            }
        };
        run('d', crate::detect::anchor::MIN_RUN_DIGITS, &in_run);
        run('w', word, &|i| text[i].is_ascii_alphanumeric());
        log.0.extend((from..to).filter(|&i| text[i] == b'@').map(|i| ('@', i, i)));
        log.0.extend((from..to).filter(|&i| text[i..].starts_with(b"%40")).map(|i| ('%', i, i)));
        // What begins behind no letter and no digit, where the text goes on for as long.
        let begins = |i: &usize| {
            outline().begins(&text[*i..to]) && (*i == from || !text[i - 1].is_ascii_alphanumeric())
        };
        log.0.extend((from..to.saturating_sub(OUTLINED)).filter(begins).map(|i| ('o', i, i)));
        log.0.sort_unstable();
        log
    }

    /// Digit, letter, digit.
    fn outline() -> Outline {
        Outline::of(&Shape::compile("[0-9][a-z][0-9]-[0-9]").unwrap()).unwrap()
    }

    const OUTLINED: usize = 8;

    struct Asked(usize);

    impl Possible for Asked {
        fn at(&mut self, _: usize, _: Option<[u8; 4]>) {
            self.0 += 1;
        }
    }

    #[test]
    fn no_level_asks_about_digits_where_literals_are_letters() {
        let sought = |text| Sought { text, bound: false, next: [u64::MAX; 4] };
        let nibbles = Nibbles::new([&b"pqrstuvw"[..], b"wxyl"].into_iter().map(sought));
        for (text, asked) in [("01234567,789,", 0), ("pqrstuvw WXYL", 2)] {
            for level in Level::all() {
                let (text, mut counted) = (text.repeat(90), Asked(0));
                literals(level, &nibbles, text.as_bytes(), 0, text.len(), &mut counted);
                assert_eq!(counted.0, 90 * asked, "{level:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn every_level_sees_the_same_beginnings_of_words(
            text in proptest::collection::vec(
                prop_oneof![4 => b'a'..=b'd', 2 => b'A'..=b'D', 1 => Just(b' '), 1 => Just(b'_'), 1 => any::<u8>()],
                0..300,
            ),
            cut in 0usize..80,
            tail in 0usize..80,
        ) {
            let from = cut.min(text.len());
            let to = text.len().saturating_sub(tail).max(from);
            let mut heads = Heads::default();
            [&b"a"[..], b"bc", b"dad b"].iter().for_each(|word| heads.add(word, b" _-."));
            let starts = |level| {
                let mut starts = Vec::new();
                word_starts(level, &heads, &text, from, to, &mut |start| starts.push(format!("{start:?}")));
                starts
            };
            for level in Level::all() {
                prop_assert_eq!(starts(level), starts(Level::Plain), "{:?}", level);
            }
        }

        #[test]
        fn every_level_sees_what_a_plain_reading_sees(
            text in proptest::collection::vec(
                prop_oneof![8 => b'0'..=b'9', 2 => Just(b' '), 2 => Just(b'-'), 1 => Just(b'@'), 1 => Just(b'%'), 1 => Just(b'4'), 1 => Just(b'0'), 3 => b'a'..=b'z', 1 => any::<u8>()],
                0..400,
            ),
            cut in 0usize..100,
            tail in 0usize..100,
            word in 8usize..20,
            leading in 6usize..=12,
            anywhere in any::<bool>(),
            plain in 0usize..12,
            of_digit in 0usize..40,
        ) {
            let from = cut.min(text.len());
            let to = text.len().saturating_sub(tail).max(from);
            let mut wanted = Wanted { at: true, encoded: true, ..Wanted::default() };
            wanted.want_digits(leading, anywhere);
            wanted.want_word(word, true);
            wanted.want_outline(outline(), true);
            wanted.want_word_of_digit(of_digit);
            if plain != 0 {
                wanted.want_word(word + plain, false);
            }
            for level in Level::all() {
                let mut log = Log::default();
                walk(level, wanted, &text, from, to, &mut log);
                log.0.retain(|&(kind, start, _)| kind != 'o' || start + OUTLINED < to);
                log.0.sort_unstable();
                let mut expected = naive(&text, from, to, word).0;
                // Shorter runs that begin with a digit may be told of.
                let short = |&(kind, start, end): &(char, usize, usize)| {
                    kind == 'w' && text[start].is_ascii_digit() && end - start < of_digit
                };
                log.0.retain(|found| !short(found));
                expected.retain(|found| !short(found));
                // Past 64 bytes a run is taken to hold both.
                expected.retain(|&(kind, start, end)| {
                    let digits = text[start..end].iter().filter(|b| b.is_ascii_digit()).count();
                    kind != 'w' || plain != 0 && end - start >= word + plain || end - start > 64 || digits != 0 && digits != end - start
                });
                expected.retain(|&(kind, start, end)| {
                    kind != 'd' || anywhere || end - start >= leading || start == 0
                        || walk::can_precede(text[start - 1])
                });
                prop_assert_eq!(&log.0, &expected);
                for &(_, start, end) in log.0.iter().filter(|l| l.0 == 'd') {
                    let mask = log.1.iter().find(|m| m.0 == start).map(|m| m.1);
                    let digit = |i: usize| start + i < end && text[start + i].is_ascii_digit();
                    prop_assert_eq!(mask, Some((0..64).map(|i| u64::from(digit(i)) << i).sum::<u64>()));
                }
            }
        }
    }
}
