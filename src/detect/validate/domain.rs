//! What makes a text around `@` a mail address rather than a file name, a version or a remote.

/// Endings that look like a top-level domain and are file types: `icon@2x.png`, `chunk@main.js`.
const FILE_ENDINGS: &[&str] = &[
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "webp",
    "ico",
    "bmp",
    "css",
    "js",
    "mjs",
    "cjs",
    "ts",
    "tsx",
    "jsx",
    "map",
    "json",
    "xml",
    "html",
    "htm",
    "txt",
    "csv",
    "yml",
    "yaml",
    "toml",
    "lock",
    "tgz",
    "gz",
    "tar",
    "bz2",
    "xz",
    "whl",
    "woff",
    "woff2",
    "ttf",
    "otf",
    "eot",
    "wasm",
    "log",
    "pdf",
    "md5",
    "exe",
    "dll",
    "jar",
    "war",
    "deb",
    "rpm",
    "local",
    "localhost",
    "internal",
    "invalid",
];

pub(super) fn passes(text: &[u8]) -> bool {
    let Some(at) = text.iter().position(|&b| b == b'@') else { return false };
    let (local, domain) = text.split_at(at);
    let domain = &domain[1..];
    local_part(local) && mail_domain(domain)
}

/// RFC 5321, section 4.1.2: a dot-string of at most 64 octets.
fn local_part(local: &[u8]) -> bool {
    local.len() <= 64
        && local.split(|&b| b == b'.').all(|atom| !atom.is_empty())
        && local.iter().any(u8::is_ascii_alphanumeric)
}

/// At least two labels of RFC 1035, the last one of letters (or an `xn--` label) and no file type.
fn mail_domain(domain: &[u8]) -> bool {
    if domain.len() > 253 {
        return false;
    }
    let mut labels = 0;
    let mut last: &[u8] = &[];
    for label in domain.split(|&b| b == b'.') {
        let edge_dash = label.first() == Some(&b'-') || label.last() == Some(&b'-');
        if label.is_empty() || label.len() > 63 || edge_dash {
            return false;
        }
        labels += 1;
        last = label;
    }
    let letters = last.len() >= 2 && last.len() <= 24 && last.iter().all(u8::is_ascii_alphabetic);
    let international = last.len() > 4 && last[..4].eq_ignore_ascii_case(b"xn--");
    labels >= 2
        && (letters || international)
        && !FILE_ENDINGS.iter().any(|ending| last.eq_ignore_ascii_case(ending.as_bytes()))
}
