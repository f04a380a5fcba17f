//! Rust text as the house rules see it: comments, literals and test modules blanked, every offset kept.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// One file below `src`.
pub struct Source {
    /// `src/detect/scan.rs`.
    pub path: String,
    pub text: String,
    /// `text` with comments, literals and test code turned to spaces; same length.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Source {
        let code = without_tests(&blank(text));
        Source { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// `detect` of `src/detect/scan.rs`; `main` of `src/main.rs`.
    pub fn module(&self) -> &str {
        let inner = self.path.strip_prefix("src/").unwrap_or(&self.path);
        inner.split('/').next().unwrap_or(inner).trim_end_matches(".rs")
    }

    pub fn is_in(&self, folders: &[&str]) -> bool {
        let inner = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let stem = inner.trim_end_matches(".rs");
        folders.iter().any(|folder| stem == *folder || inner.starts_with(&format!("{folder}/")))
    }

    pub fn line_of(&self, offset: usize) -> usize {
        self.text[..offset].matches('\n').count() + 1
    }

    /// Offsets at which `word` stands in the code, touching no other identifier character.
    pub fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        self.code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
            let bytes = self.code.as_bytes();
            let before = at.checked_sub(1).is_some_and(|i| is_name(bytes[i])) && is_name(word.as_bytes()[0]);
            let after = bytes.get(at + word.len()).is_some_and(|&b| is_name(b))
                && word.ends_with(|c: char| c.is_alphanumeric());
            !before && !after
        })
    }
}

/// Every file of the library and the binary; files that are test modules as a whole are left out.
pub fn tree(root: &Path) -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&root.join("src"), &mut paths);
    paths.sort();
    let mut tests = HashSet::new();
    let mut sources = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let relative = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        tests.extend(test_files(&relative, &text));
        sources.push(Source::new(&relative, &text));
    }
    let is_test = |path: &str| {
        tests.iter().any(|test: &String| {
            path == test
                || path.strip_prefix(test.trim_end_matches(".rs")).is_some_and(|rest| rest.starts_with('/'))
        })
    };
    sources.retain(|source| !is_test(&source.path));
    sources
}

fn walk(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Files that `path` declares as test modules: `#[cfg(test)] mod tests;`.
pub fn test_files(path: &str, text: &str) -> Vec<String> {
    let code = blank(text);
    let folder = match path.rsplit_once('/') {
        Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    };
    let mut files = Vec::new();
    for (at, _) in code.match_indices("#[cfg(test)]") {
        let item = &code[at..at + item_length(&code[at..])];
        let Some(name) = item.trim_end_matches(';').rsplit_once("mod ").map(|(_, name)| name.trim()) else {
            continue;
        };
        if !item.ends_with(';') {
            continue;
        }
        let written = &text[at..at + item.len()];
        match written.split_once("#[path = \"").and_then(|(_, rest)| rest.split_once('"')) {
            Some((file, _)) => {
                files.push(format!("{}/{file}", path.rsplit_once('/').map_or("", |(folder, _)| folder)))
            }
            None => files.push(format!("{folder}/{name}.rs")),
        }
    }
    files
}

/// Turns comments and the insides of literals to spaces.
pub fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let (skip, keep) = match bytes[at] {
            b'/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), 0),
            b'/' if rest.starts_with("/*") => (block_comment(rest), 0),
            b'"' => (string(rest), 1),
            b'r' if !is_name(at.checked_sub(1).map(|i| bytes[i])) || text[..at].ends_with('b') => {
                (raw_string(rest), 1)
            }
            b'\'' => (char_literal(rest), 1),
            _ => (0, 0),
        };
        for byte in out.iter_mut().take((at + skip).saturating_sub(keep)).skip(at + keep) {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at += skip.max(rest.chars().next().map_or(1, char::len_utf8));
    }
    String::from_utf8(out.into_iter().map(|b| if b.is_ascii() { b } else { b' ' }).collect()).unwrap()
}

fn is_name(byte: Option<u8>) -> bool {
    byte.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += 1;
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of `r"…"` or `r#"…"#`; 0 when this is a name or a raw identifier.
fn raw_string(text: &str) -> usize {
    let hashes = text[1..].bytes().take_while(|&b| b == b'#').count();
    if text.as_bytes().get(1 + hashes) != Some(&b'"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let open = 2 + hashes;
    text[open..].find(&end).map_or(text.len(), |at| open + at + end.len())
}

/// Length of `'x'`; 0 when this is a lifetime.
fn char_literal(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            text[2..].char_indices().skip(1).find(|&(_, c)| c == '\'').map_or(0, |(at, _)| at + 3)
        }
        Some(_) => chars.next().filter(|&(_, c)| c == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

/// Turns items under `#[cfg(test)]` to spaces.
fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    let mut from = 0;
    while let Some(at) = out[from..].find("#[cfg(test)]").map(|at| at + from) {
        let end = at + item_length(&out[at..]);
        let blanked = out[at..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect::<String>();
        out.replace_range(at..end, &blanked);
        from = end;
    }
    out
}

/// Length of the item that starts here, attributes included: to its `;` or closing brace.
fn item_length(code: &str) -> usize {
    let mut depth = 0usize;
    let mut brackets = 0usize;
    for (at, c) in code.char_indices() {
        match c {
            '[' | '(' => brackets += 1,
            ']' | ')' => brackets = brackets.saturating_sub(1),
            '{' => depth += 1,
            '}' if depth <= 1 => return at + 1,
            '}' => depth -= 1,
            ';' if depth == 0 && brackets == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}
