//! What makes a text around `@` a mail address rather than a file name, a version, a remote or a placeholder.

use super::listed::List;
use super::{Check, Hangs};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "domain",
        about: "RFC 5321 mail domain: RFC 1035 labels under a top-level domain of the IANA list, no file name or version",
        least_digits: 0,
        passes: domain,
    },
    Check {
        name: "mailbox",
        about: "RFC 5321 dot-string before the `@`, and not the user of a version control remote",
        least_digits: 0,
        passes: mailbox,
    },
];

/// Either side of the `@` is judged by itself.
pub(super) const HANGS: &[(&str, Hangs)] = &[("domain", Hangs::BehindMark), ("mailbox", Hangs::BeforeMark)];

/// The root zone as IANA lists it (tlds-alpha-by-domain, version 2024022800), lower case, ascending.
static TOP_LEVEL: List = List::new(include_str!("tlds.txt"));

/// Reserved for documentation and tests (RFC 2606): nobody's, but written where addresses stand.
const DOCUMENTATION: [&[u8]; 2] = [b"example", b"test"];

/// Top-level domains that are as often the ending of a file: an address there has no digits for its labels.
const FILE_ENDINGS: [&[u8]; 5] = [b"zip", b"mov", b"app", b"map", b"target"];

/// Users that only version control and deployment log in as.
const REMOTE_USERS: [&[u8]; 3] = [b"git", b"hg", b"svn"];

/// Longest top-level domain, and longest label.
const LABEL: usize = 63;

/// The part before the `@`, which may be percent-encoded, and the part behind it.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if let [b'@', behind @ ..] = text {
        return Some((&[], behind));
    }
    if let Some(at) = memchr::memchr(b'@', text) {
        return Some((&text[..at], &text[at + 1..]));
    }
    let at = text.windows(3).position(|w| w == b"%40")?;
    Some((&text[..at], &text[at + 3..]))
}

fn domain(text: &[u8]) -> bool {
    let Some((_, domain)) = split(text) else { return false };
    let Some(dot) = domain.iter().rposition(|&b| b == b'.') else { return false };
    let (labels, top) = (&domain[..dot], &domain[dot + 1..]);
    is_top_level(top)
        && domain.len() <= 253
        && labels.split(|&b| b == b'.').all(is_label)
        && !is_file(labels, top)
}

fn is_top_level(label: &[u8]) -> bool {
    let mut folded = [0u8; LABEL];
    let Some(folded) = folded.get_mut(..label.len()).filter(|_| label.len() > 1) else { return false };
    folded.copy_from_slice(label);
    folded.make_ascii_lowercase();
    TOP_LEVEL.holds(folded) || DOCUMENTATION.contains(&&*folded)
}

fn is_label(label: &[u8]) -> bool {
    let edge_dash = label.first() == Some(&b'-') || label.last() == Some(&b'-');
    !label.is_empty() && label.len() <= LABEL && !edge_dash
}

/// `icon@2x.zip`, `tool@1.2.3.dev`: a scale or a version before the dot.
fn is_file(labels: &[u8], top: &[u8]) -> bool {
    let numbers = |label: &[u8]| {
        let digits = label.strip_prefix(b"v").unwrap_or(label);
        !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
    };
    let scale = |label: &[u8]| matches!(label, [digits @ .., b'x'] if numbers(digits));
    let count = labels.split(|&b| b == b'.').filter(|l| numbers(l)).count();
    let ending = FILE_ENDINGS.iter().any(|ending| top.eq_ignore_ascii_case(ending));
    count > 1 || ending && (count > 0 || labels.split(|&b| b == b'.').any(scale))
}

fn mailbox(text: &[u8]) -> bool {
    let Some((local, _)) = split(text) else { return false };
    local.len() <= 64
        && local.split(|&b| b == b'.').all(|atom| !atom.is_empty())
        && local.iter().any(u8::is_ascii_alphanumeric)
        && !REMOTE_USERS.iter().any(|user| local.eq_ignore_ascii_case(user))
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("domain", true, "a.b@example.co.uk"),
    ("domain", true, "a@EXAMPLE.COM"),
    ("domain", true, "a@163.com"),
    ("domain", true, "a%40example.com"),
    ("domain", true, "a@shop.example"),
    ("domain", true, "a@xn--mnchen-3ya.xn--p1ai"),
    ("domain", false, "icon@2x.png"),
    ("domain", false, "icon@2x.zip"),
    ("domain", false, "pkg@1.2"),
    ("domain", false, "pkg@1.2.3.dev"),
    ("domain", false, "mod@v1.2.zip"),
    ("domain", false, "a@example"),
    ("domain", false, "a@host.local"),
    ("domain", false, "a@-x.com"),
    ("domain", false, "a@x..com"),
    ("domain", false, "Foo@1a2b.c"),
    ("mailbox", true, "a.b@example.co.uk"),
    ("mailbox", true, "digit@example.com"),
    ("mailbox", false, ".a@x.com"),
    ("mailbox", false, "a..b@x.com"),
    ("mailbox", false, "git@github.com"),
    ("mailbox", false, "-@x.com"),
];
