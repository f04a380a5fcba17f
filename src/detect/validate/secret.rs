//! Checks of secrets: what a token must decode to, and what is a placeholder rather than a secret.

use std::sync::LazyLock;

use super::hangs::Opening;
use super::{Check, Hangs};
use crate::detect::shape::Ends;
use crate::limits;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "jwt",
        about: "RFC 7519: the first part decodes to a JSON object with `alg` (or `enc`), the second begins one",
        least_digits: 0,
        passes: jwt,
    },
    Check {
        name: "basic-credentials",
        about: "RFC 7617: base64 of printable text with a colon",
        least_digits: 0,
        passes: basic_credentials,
    },
    Check {
        name: "entropy",
        about: "at least ten characters, two digits and two letters among them, and 3 bits of Shannon entropy a character",
        least_digits: 2,
        passes: entropy,
    },
    Check {
        name: "mixed-case",
        about: "capital and small letters and digits: what random text has and a name made of words has not",
        least_digits: 1,
        passes: mixed_case,
    },
    Check {
        name: "placeholder",
        about: "what stands where a secret will be: `changeme`, `xxxx`, `****`, `${VAR}`, `{{var}}`, `<token>`, `%s`, `your-…`",
        least_digits: 0,
        passes: placeholder,
    },
];

/// Read once for all ends that a value may have.
pub(super) const HANGS: &[(&str, Hangs)] = &[
    ("jwt", Hangs::Beginnings(jwts)),
    ("basic-credentials", Hangs::Beginnings(basics)),
    ("entropy", Hangs::Beginnings(entropies)),
    ("placeholder", Hangs::Beginnings(placeholders)),
];

/// Asked before a match is looked for.
pub(super) const OPENS: &[(&str, Opening)] = &[("jwt", opens_jwt), ("entropy", is_mixed)];

/// Shannon entropy that a random value of ten characters or more has, in bits a character. English text has about
/// 2.5 to 3 over so short a stretch, sixteen random hex digits 3.2, random letters and digits 3.5 and more.
const ENTROPY: f64 = 3.0;
const SHORTEST: usize = 10;

/// Whole values, in small letters, that are written for any secret.
const DUMMIES: &[&str] = &[
    "changeme",
    "changeit",
    "change_me",
    "change-me",
    "password",
    "passwd",
    "pass",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "key",
    "user",
    "username",
    "example",
    "sample",
    "test",
    "dummy",
    "fake",
    "placeholder",
    "redacted",
    "removed",
    "masked",
    "hidden",
    "filtered",
    "none",
    "null",
    "nil",
    "undefined",
    "empty",
    "todo",
    "true",
    "false",
    "string",
    "value",
    "secretkey",
    "mysecret",
    "mypassword",
    "yourpassword",
];
/// The longest of them.
const DUMMY_LEN: usize = 12;
/// What only a placeholder has in it, besides `<` and the same character four times.
const INSIDE: &[&str] = &["changeme", "placeholder", "redacted", "your_", "your-", "${"];
/// How a placeholder begins.
const OPENINGS: &[&str] = &[
    "your",
    "my-",
    "my_",
    "example-",
    "example_",
    "dummy-",
    "dummy_",
    "fake-",
    "fake_",
    "insert-",
    "insert_",
    "replace-",
    "replace_",
    "<",
    "${",
    "$(",
    "{{",
    "{",
    "%(",
    "%s",
    "%{",
    "[",
    "...",
    "process.env",
    "os.environ",
    "env.",
    "vault:",
    "ssm:",
];

/// Characters of the claims that are looked at.
const CLAIMS: usize = 18;

/// Bytes of a header that are decoded.
const HEADER: usize = 192;

fn jwt(text: &[u8]) -> bool {
    let mut parts = text.split(|&b| b == b'.');
    let (Some(header), Some(claims)) = (parts.next(), parts.next()) else { return false };
    let claims = claims.get(..CLAIMS).unwrap_or(claims);
    is_jwt_header(header) && opens_object(decoded::<12>(claims).as_slice())
}

/// Whether a token can begin with a text: its header goes to the first dot.
fn opens_jwt(text: &[u8]) -> bool {
    memchr::memchr(b'.', text).is_some_and(|dot| is_jwt_header(&text[..dot]))
}

fn is_jwt_header(header: &[u8]) -> bool {
    // Its last characters tell most that is none.
    let whole = header.len() - usize::from(header.len() % 4 == 1);
    let last = &header[whole.saturating_sub(1) / 4 * 4..whole];
    if whole <= 4 * HEADER / 3 && decoded::<3>(last).as_slice().last() != Some(&b'}') {
        return false;
    }
    let header = decoded::<HEADER>(header);
    let header = header.as_slice();
    let holds = |name: &[u8]| header.windows(name.len()).any(|w| w == name);
    opens_object(header)
        && header.ends_with(b"}")
        && (holds(b"\"alg\"") || holds(b"\"enc\""))
        && header.iter().all(|b| *b >= b' ')
}

/// The beginnings of a text that are tokens.
fn jwts(text: &[u8]) -> Ends {
    let mut lengths = Ends::default();
    let Some(dot) = memchr::memchr(b'.', text) else { return lengths };
    if !is_jwt_header(&text[..dot]) {
        return lengths;
    }
    // Behind what is looked at of the claims all are alike.
    let looked = (dot + 1 + CLAIMS).min(text.len());
    (dot + 1..looked).filter(|&end| jwt(&text[..end])).for_each(|end| lengths.insert(end));
    if jwt(&text[..looked]) {
        (looked..=text.len()).for_each(|end| lengths.insert(end));
    }
    lengths
}

/// Whether a text can be the beginning of a JSON object with a name in it.
fn opens_object(text: &[u8]) -> bool {
    let mut rest = text.iter().filter(|b| !b.is_ascii_whitespace());
    rest.next() == Some(&b'{') && matches!(rest.next(), Some(b'"' | b'}'))
}

fn basic_credentials(text: &[u8]) -> bool {
    let body = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let decoded = decoded::<CREDENTIALS>(body);
    let clear = decoded.as_slice();
    let printable = clear.iter().all(|b| matches!(b, b' '..=b'~'));
    text.len().is_multiple_of(4)
        && printable
        && clear.iter().position(|&b| b == b':').is_some_and(|at| at > 0)
}

/// The beginnings of a text that [`basic_credentials`] lets pass, group by group.
fn basics(text: &[u8]) -> Ends {
    let mut lengths = Ends::NONE;
    // How much is clear so far, and where the first colon stands in it.
    let (mut clear, mut colon) = (0, None);
    for (nth, group) in text.chunks_exact(4).enumerate() {
        let length = 4 * (nth + 1);
        if length * 3 / 4 > CREDENTIALS {
            (length..=text.len())
                .filter(|&end| basic_credentials(&text[..end]))
                .for_each(|end| lengths.insert(end));
            break;
        }
        let body = group.strip_suffix(b"==").or_else(|| group.strip_suffix(b"=")).unwrap_or(group);
        let decoded = decoded::<3>(body);
        let bytes = decoded.as_slice();
        if bytes.is_empty() || !bytes.iter().all(|b| matches!(b, b' '..=b'~')) {
            break;
        }
        colon = colon.or_else(|| bytes.iter().position(|&b| b == b':').map(|at| clear + at));
        if colon.is_some_and(|at| at > 0) {
            lengths.insert(length);
        }
        if body.len() < group.len() {
            break;
        }
        clear += bytes.len();
    }
    lengths
}

/// Bytes of credentials that are decoded.
const CREDENTIALS: usize = 256;

/// The beginning of a base64 or base64url text, decoded; empty when it is none.
struct Decoded<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Decoded<N> {
    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

fn decoded<const N: usize>(text: &[u8]) -> Decoded<N> {
    let mut out = Decoded { bytes: [0; N], len: 0 };
    let (mut bits, mut held) = (0u32, 0);
    for &byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return Decoded { bytes: [0; N], len: 0 },
        };
        (bits, held) = (bits << 6 | u32::from(value), held + 6);
        if held >= 8 {
            held -= 8;
            let Some(slot) = out.bytes.get_mut(out.len) else { break };
            *slot = (bits >> held) as u8;
            out.len += 1;
        }
    }
    out
}

fn entropy(text: &[u8]) -> bool {
    if text.len() < SHORTEST || !is_mixed(text) {
        return false;
    }
    let (mut counts, mut sum) = ([0u16; 256], 0.0);
    let growth = &*GROWTH;
    text.iter().for_each(|&byte| sum += one_more(growth, &mut counts, byte));
    let beyond = n_log_n(text.len()) - sum - ENTROPY * text.len() as f64;
    if beyond.abs() > CLOSE { beyond > 0.0 } else { shannon(text) >= ENTROPY }
}

/// What `n log n` grows by where `n` is how often a byte has come, which comes once more.
#[inline(always)]
fn one_more(growth: &Growth, counts: &mut [u16; 256], byte: u8) -> f64 {
    let known = &mut counts[usize::from(byte)];
    let before = usize::from(*known);
    *known += 1;
    growth.get(before).copied().unwrap_or_else(|| n_log_n(before + 1) - n_log_n(before))
}

fn n_log_n(n: usize) -> f64 {
    if n == 0 { 0.0 } else { n as f64 * (n as f64).log2() }
}

/// Whether two digits and two letters are among the characters.
fn is_mixed(text: &[u8]) -> bool {
    // So few at once that a byte holds their number.
    let count = |kind: fn(&u8) -> bool| {
        let count = |part: &[u8]| part.iter().map(|b| u8::from(kind(b))).fold(0, u8::wrapping_add);
        text.chunks(128).map(|part| usize::from(count(part))).sum::<usize>()
    };
    count(u8::is_ascii_digit) > 1 && count(u8::is_ascii_alphabetic) > 1
}

/// Bits a character, by how often each occurs.
fn shannon(text: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    text.iter().for_each(|&b| counts[usize::from(b)] += 1);
    let whole = text.len() as f64;
    counts.iter().filter(|&&c| c > 0).map(|&c| f64::from(c) / whole).map(|p| -p * p.log2()).sum()
}

/// The beginnings of a text that [`entropy`] lets pass. The sum of `n log n` over the counts grows byte by byte; where it
/// comes out too close to tell, the beginning is judged by itself.
fn entropies(text: &[u8]) -> Ends {
    let mut lengths = Ends::default();
    if !is_mixed(text) {
        return lengths;
    }
    let (mut counts, mut sum) = ([0u16; 256], 0.0);
    let (mut digits, mut letters) = (0, 0);
    let (growth, sums) = (&*GROWTH, &*N_LOG_N);
    for (at, &byte) in text.iter().enumerate() {
        sum += one_more(growth, &mut counts, byte);
        digits += usize::from(byte.is_ascii_digit());
        letters += usize::from(byte.is_ascii_alphabetic());
        let length = at + 1;
        if length < SHORTEST || digits < 2 || letters < 2 {
            continue;
        }
        let all = sums.get(length).copied().unwrap_or_else(|| n_log_n(length));
        let beyond = all - sum - ENTROPY * length as f64;
        if beyond > CLOSE || beyond > -CLOSE && entropy(&text[..length]) {
            lengths.insert(length);
        }
    }
    lengths
}

/// Bits, of all characters together, that rounding may come to.
const CLOSE: f64 = 1e-6;

/// `n log n`, for as many of one character as a value can have.
static N_LOG_N: LazyLock<[f64; limits::MATCH_LEN + 1]> = LazyLock::new(|| std::array::from_fn(n_log_n));

/// What it grows by from each number to the next.
type Growth = [f64; limits::MATCH_LEN];
static GROWTH: LazyLock<Growth> = LazyLock::new(|| std::array::from_fn(|n| n_log_n(n + 1) - n_log_n(n)));

fn mixed_case(text: &[u8]) -> bool {
    // All in one reading, which the compiler takes many bytes at a time.
    let kinds = |byte: &u8| {
        u8::from(byte.is_ascii_uppercase())
            | u8::from(byte.is_ascii_lowercase()) << 1
            | u8::from(byte.is_ascii_digit()) << 2
    };
    text.iter().map(kinds).fold(0, |all, kind| all | kind) == 0b111
}

fn placeholder(text: &[u8]) -> bool {
    let begins = |at: usize, words: &[&str]| {
        let rest = text.get(at..).unwrap_or_default();
        let first = rest.first().map(u8::to_ascii_lowercase);
        let is = |word: &&str| {
            word.as_bytes().first() == first.as_ref()
                && rest.get(..word.len()).is_some_and(|t| t.eq_ignore_ascii_case(word.as_bytes()))
        };
        words.iter().any(is)
    };
    // `xxxx`, `****`, `....`, `0000`: one character throughout, dashes aside.
    let mut letters = text.iter().filter(|b| !matches!(b, b'-' | b'_'));
    let first = letters.next();
    if letters.all(|b| Some(b) == first) || begins(0, OPENINGS) {
        return true;
    }
    if text.len() <= DUMMY_LEN && DUMMIES.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes())) {
        return true;
    }
    // Most bytes tell nothing.
    text.iter().enumerate().filter(|(_, byte)| TELLS[usize::from(**byte)]).any(|(at, byte)| match byte {
        b'x' | b'X' | b'*' | b'.' | b'_' => {
            let before = at.checked_sub(3).and_then(|from| text.get(from..at));
            before.is_some_and(|before| before.iter().all(|other| other.eq_ignore_ascii_case(byte)))
        }
        b'<' => true,
        _ => begins(at, INSIDE),
    })
}

/// The bytes at which a placeholder may be told: what it repeats, and what the words that only it holds begin with.
static TELLS: [bool; 256] = {
    let (mut tells, mut nth) = ([false; 256], 0);
    let telling = b"xX*._<$cCpPrRyY";
    while nth < telling.len() {
        tells[telling[nth] as usize] = true;
        nth += 1;
    }
    tells
};

/// The beginnings of a text that are placeholders: those of one character throughout, whole words, and from where on
/// what only placeholders hold is among them.
fn placeholders(text: &[u8]) -> Ends {
    let mut lengths = Ends::default();
    let word_at = |at: usize, words: &[&str]| {
        let rest = text.get(at..).unwrap_or_default();
        let is =
            |word: &&&str| rest.get(..word.len()).is_some_and(|t| t.eq_ignore_ascii_case(word.as_bytes()));
        words.iter().filter(is).map(|word| at + word.len()).min()
    };
    let is_dash = |b: u8| matches!(b, b'-' | b'_');
    let first = text.iter().copied().find(|&b| !is_dash(b));
    let same = text.iter().take_while(|&&b| is_dash(b) || Some(b) == first).count();
    let mut from = word_at(0, OPENINGS).unwrap_or(usize::MAX);
    let (mut last, mut repeated) = (0, 0);
    for (at, byte) in text.iter().map(u8::to_ascii_lowercase).enumerate() {
        if at >= from {
            break;
        }
        repeated = if byte == last { repeated + 1 } else { 1 };
        last = byte;
        let told = match byte {
            b'x' | b'*' | b'.' | b'_' if repeated == 4 => Some(at + 1),
            b'<' => Some(at + 1),
            b'$' | b'c' | b'p' | b'r' | b'y' => word_at(at, INSIDE),
            _ => None,
        };
        from = from.min(told.unwrap_or(from));
    }
    for length in 1..=text.len() {
        let is_word = || length <= DUMMY_LEN && placeholder(&text[..length]);
        if length <= same || length >= from || is_word() {
            lengths.insert(length);
        }
    }
    lengths
}

const _: () = {
    let mut at = 0;
    while at < DUMMIES.len() {
        assert!(DUMMIES[at].len() <= DUMMY_LEN);
        at += 1;
    }
};

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    (
        "jwt",
        true,
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    ),
    ("jwt", true, "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxMjM0NTY3ODkwIn0."),
    ("jwt", false, "eyJ0eXAiOiJKV1QifQ.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc"),
    ("jwt", false, "eyJhbGciOiJIUzI1NiJ9.c3ViMTIzNDU2Nzg5MA.abc"),
    ("jwt", false, "eyJhbGciOiJIUzI1NiJ9"),
    ("basic-credentials", true, "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
    ("basic-credentials", false, "QWxhZGRpbg=="),
    ("basic-credentials", false, "information"),
    ("entropy", true, "k3J9xQ2mVb7Tz"),
    ("entropy", true, "9f86d081884c7d65"),
    ("entropy", false, "configurationKey"),
    ("entropy", false, "aaaa1111aaaa1111"),
    ("entropy", false, "k3J9xQ"),
    ("mixed-case", true, "pypi-AgEIcHlwaS5vcmcCJ"),
    ("mixed-case", false, "pypi-publish-action-v2"),
    ("placeholder", true, "changeme"),
    ("placeholder", true, "XXXXXXXXXXXX"),
    ("placeholder", true, "${DB_PASSWORD}"),
    ("placeholder", true, "<your-token>"),
    ("placeholder", true, "****-****"),
    ("placeholder", true, "your-api-key-here-123"),
    ("placeholder", false, "k3J9xQ2mVb7Tz"),
    ("placeholder", false, "hunter2"),
];
