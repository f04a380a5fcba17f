//! Checks of secrets: what a token must decode to, and what is a placeholder rather than a secret.

use super::{Check, Hangs};

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

/// A token is refused by its beginning.
pub(super) const HANGS: &[(&str, Hangs)] = &[("jwt", Hangs::Beginning(jwt_refused_by))];

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

fn jwt(text: &[u8]) -> bool {
    let mut parts = text.split(|&b| b == b'.');
    let (Some(header), Some(claims)) = (parts.next(), parts.next()) else { return false };
    // Looked at first: sixteen characters tell most that is none.
    let claims = claims.get(..CLAIMS).unwrap_or(claims);
    opens_object(decoded::<12>(claims).as_slice()) && is_jwt_header(header)
}

fn is_jwt_header(header: &[u8]) -> bool {
    let header = decoded::<192>(header);
    let header = header.as_slice();
    let holds = |name: &[u8]| header.windows(name.len()).any(|w| w == name);
    opens_object(header)
        && header.ends_with(b"}")
        && (holds(b"\"alg\"") || holds(b"\"enc\""))
        && header.iter().all(|b| *b >= b' ')
}

/// How many of the first bytes of a text that is no token tell that; more than it has where they do not.
fn jwt_refused_by(text: &[u8]) -> usize {
    let Some(dot) = memchr::memchr(b'.', text) else { return usize::MAX };
    let (header, claims) = (&text[..dot], &text[dot + 1..]);
    if !is_jwt_header(header) {
        return dot + 1;
    }
    let looked = claims.iter().take(CLAIMS).position(|&b| b == b'.').map_or(CLAIMS, |end| end + 1);
    dot + 1 + looked
}

/// Whether a text can be the beginning of a JSON object with a name in it.
fn opens_object(text: &[u8]) -> bool {
    let mut rest = text.iter().filter(|b| !b.is_ascii_whitespace());
    rest.next() == Some(&b'{') && matches!(rest.next(), Some(b'"' | b'}'))
}

fn basic_credentials(text: &[u8]) -> bool {
    let body = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let decoded = decoded::<256>(body);
    let clear = decoded.as_slice();
    let printable = clear.iter().all(|b| matches!(b, b' '..=b'~'));
    text.len().is_multiple_of(4)
        && printable
        && clear.iter().position(|&b| b == b':').is_some_and(|at| at > 0)
}

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
    let count = |kind: fn(&u8) -> bool| text.iter().filter(|b| kind(b)).count();
    text.len() >= SHORTEST
        && count(u8::is_ascii_digit) > 1
        && count(u8::is_ascii_alphabetic) > 1
        && shannon(text) >= ENTROPY
}

/// Bits a character, by how often each occurs.
fn shannon(text: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    text.iter().for_each(|&b| counts[usize::from(b)] += 1);
    let whole = text.len() as f64;
    counts.iter().filter(|&&c| c > 0).map(|&c| f64::from(c) / whole).map(|p| -p * p.log2()).sum()
}

fn mixed_case(text: &[u8]) -> bool {
    let any = |kind: fn(&u8) -> bool| text.iter().any(kind);
    any(u8::is_ascii_uppercase) && any(u8::is_ascii_lowercase) && any(u8::is_ascii_digit)
}

fn placeholder(text: &[u8]) -> bool {
    let begins = |at: usize, words: &[&str]| {
        let rest = text.get(at..).unwrap_or_default();
        let is =
            |word: &&str| rest.get(..word.len()).is_some_and(|t| t.eq_ignore_ascii_case(word.as_bytes()));
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
    let (mut last, mut repeated) = (0, 0);
    text.iter().map(u8::to_ascii_lowercase).enumerate().any(|(at, byte)| {
        repeated = if byte == last { repeated + 1 } else { 1 };
        last = byte;
        match byte {
            b'x' | b'*' | b'.' | b'_' => repeated == 4,
            b'<' => true,
            b'$' | b'c' | b'p' | b'r' | b'y' => begins(at, INSIDE),
            _ => false,
        }
    })
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
