//! Where a value was written, and complaints that show the place.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use crate::detect::{Matcher, Pack};
use crate::limits;

/// A configuration text and the name it goes by in complaints.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: String,
}

/// Reads a configuration or pack file, up to a length that no real one reaches.
pub(super) fn read_file(path: &Path) -> Result<String, String> {
    let cannot = |error: io::Error| format!("cannot be read: {error}");
    let mut bytes = Vec::new();
    // To open a pipe that nobody writes to would be to wait for ever. One that the shell hands over has its writer.
    let is_handed = ["/dev", "/proc"].iter().any(|folder| path.starts_with(folder));
    let kind = path.metadata().map_err(cannot)?.file_type();
    if !is_handed && !kind.is_file() && !kind.is_dir() {
        return Err("cannot be read: it is no regular file".to_owned());
    }
    let file = File::open(path).map_err(cannot)?;
    // One byte more than is allowed tells that there is more.
    file.take(limits::CONFIG_FILE + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > limits::CONFIG_FILE {
        return Err(format!("is longer than {} MiB", limits::CONFIG_FILE >> 20));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}

/// Where something was written, under which key path.
#[derive(Clone, Debug)]
pub struct Place {
    source: Arc<Source>,
    span: Range<usize>,
    pub key: String,
}

/// A value as written, and where.
#[derive(Clone, Debug)]
pub struct At<T> {
    pub value: T,
    pub place: Place,
}

impl<T> At<T> {
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> At<U> {
        At { value: change(self.value), place: self.place }
    }
}

impl Place {
    pub(super) fn new(source: &Arc<Source>, span: Range<usize>, key: String) -> Place {
        Place { source: Arc::clone(source), span, key }
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The whole text with something else here.
    pub(super) fn replaced(&self, with: &str) -> String {
        let mut text = self.source.text.clone();
        text.replace_range(self.span.clone(), with);
        text
    }

    /// A complaint about what stands here.
    pub(super) fn complain(&self, message: impl Into<String>) -> Complaint {
        let (line, column, excerpt) = locate(&self.source.text, &self.span);
        Complaint {
            file: self.source.name.clone(),
            line,
            column,
            key: self.key.clone(),
            message: message.into(),
            expected: None,
            similar: None,
            excerpt: Some(excerpt),
            is_of_example: false,
        }
    }

    /// The complaint about a setting of the contract that this version would not honour.
    pub(super) fn unavailable(&self, available: &str) -> Complaint {
        self.complain("not available in this version").expected(available)
    }
}

/// One thing that is wrong with a configuration or a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    pub file: String,
    /// 1-based; 0 when the complaint is about the whole file.
    pub line: usize,
    /// 1-based, in characters.
    pub column: usize,
    /// `rule[0].action`; empty when no key is concerned.
    pub key: String,
    pub message: String,
    pub expected: Option<String>,
    /// A known word close to the one that was written.
    pub similar: Option<String>,
    excerpt: Option<Excerpt>,
    /// It speaks of an example, whose values are nobody's.
    is_of_example: bool,
}

/// Finds what a complaint must not show, whatever the configuration says of packs. None is made before there is a
/// complaint.
static VEIL: LazyLock<Option<Matcher>> = LazyLock::new(|| {
    let packs = Pack::default_names().iter().filter_map(|name| Pack::built_in(name));
    Matcher::compile(packs.collect()).ok()
});

/// A text without the values that are in it; of the same length, but for what steers a terminal.
fn veiled(text: &str) -> String {
    match &*VEIL {
        Some(matcher) if matcher.is_quiet(&[], text.as_bytes()) => text.to_owned(),
        Some(matcher) => matcher.cleanse(text),
        None => text.chars().map(|c| if c.is_ascii_digit() { '*' } else { c }).collect(),
    }
}

impl Complaint {
    /// A complaint about a file as a whole.
    pub(super) fn whole(file: &str, message: impl Into<String>) -> Complaint {
        Complaint {
            file: file.to_owned(),
            line: 0,
            column: 0,
            key: String::new(),
            message: message.into(),
            expected: None,
            similar: None,
            excerpt: None,
            is_of_example: false,
        }
    }

    /// A complaint that another module made about a text it read itself.
    pub(super) fn elsewhere(file: &str, line: usize, column: usize, message: &str) -> Complaint {
        Complaint { line, column, ..Complaint::whole(file, message) }
    }

    /// The same where it speaks of an argument, which has no lines.
    pub(super) fn of_argument(self) -> Complaint {
        if self.file.starts_with("--") {
            Complaint { line: 0, column: 0, excerpt: None, ..self }
        } else {
            self
        }
    }

    /// The same of an example, which is shown as it is.
    #[must_use]
    pub fn of_example(self) -> Complaint {
        Complaint { is_of_example: true, ..self }
    }

    /// The same without the values that somebody wrote into the file, as it may be shown and logged.
    #[must_use]
    pub fn masked(&self) -> Complaint {
        if self.is_of_example {
            return self.clone();
        }
        let veil = |text: &Option<String>| text.as_deref().map(veiled);
        let excerpt =
            self.excerpt.as_ref().map(|excerpt| Excerpt { text: veiled(&excerpt.text), ..excerpt.clone() });
        Complaint {
            key: veiled(&self.key),
            message: veiled(&self.message),
            expected: veil(&self.expected),
            excerpt,
            ..self.clone()
        }
    }

    /// The same without what steers a terminal: keys and names may come from a file that somebody else wrote.
    fn printable(self) -> Complaint {
        let plain = |text: &String| text.chars().map(printed).collect::<String>();
        let excerpt = self.excerpt.map(|excerpt| {
            let text = excerpt.text.chars().map(|c| if is_steering(c) { ' ' } else { c }).collect();
            Excerpt { text, ..excerpt }
        });
        Complaint {
            file: plain(&self.file),
            key: plain(&self.key),
            message: plain(&self.message),
            expected: self.expected.as_ref().map(plain),
            excerpt,
            ..self
        }
    }

    /// With the line of `text` that it speaks of, `width` characters of it marked; 0: the whole line.
    pub(super) fn shown(mut self, text: &str, width: usize) -> Complaint {
        let start = text.split_inclusive('\n').take(self.line.saturating_sub(1)).map(str::len).sum::<usize>();
        let line = text.get(start..).unwrap_or_default().split('\n').next().unwrap_or_default();
        let bytes = |n: usize| line.chars().take(n).map(char::len_utf8).sum::<usize>();
        let span = match width {
            0 => start + (line.len() - line.trim_start().len())..start + line.len(),
            n => {
                start + bytes(self.column.saturating_sub(1))..start + bytes(self.column.saturating_sub(1) + n)
            }
        };
        self.excerpt = Some(locate(text, &span).2);
        self
    }

    pub(super) fn expected(mut self, what: impl Into<String>) -> Complaint {
        self.expected = Some(what.into());
        self
    }

    /// Names the known word that `written` was probably meant to be, if one is close.
    pub(super) fn meant<'a>(mut self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Complaint {
        self.similar = closest(written, known).map(str::to_owned);
        self
    }
}

/// Whether a character moves the cursor, or turns the reading direction.
fn is_steering(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A character as it may be printed; lines stay lines.
fn printed(c: char) -> String {
    if is_steering(c) && c != '\n' { c.escape_unicode().to_string() } else { c.to_string() }
}

/// `{:#}` is coloured, for terminals.
impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bold, red, blue, off) =
            if f.alternate() { ("\x1b[1m", "\x1b[1;31m", "\x1b[34m", "\x1b[0m") } else { ("", "", "", "") };
        let said = self.masked().printable();
        write!(f, "{bold}{}", said.file)?;
        if said.line > 0 {
            write!(f, ":{}:{}", said.line, said.column)?;
        }
        if !said.key.is_empty() {
            write!(f, ": {}", said.key)?;
        }
        write!(f, ":{off} {}", said.message)?;
        let gutter = if said.line == 0 { 1 } else { said.line.to_string().len() };
        if let Some(excerpt) = &said.excerpt {
            write!(f, "\n  {blue}{} |{off} {}", said.line, excerpt.shown())?;
            let (indent, mark) = (excerpt.indent, "^".repeat(excerpt.width));
            write!(f, "\n  {blue}{:gutter$} |{off} {:indent$}{red}{mark}{off}", "", "")?;
        }
        if let Some(expected) = &said.expected {
            write!(f, "\n  {blue}{:gutter$} ={off} expected {expected}", "")?;
        }
        if let Some(similar) = &said.similar {
            write!(f, "\n  {blue}{:gutter$} ={off} did you mean `{similar}`?", "")?;
        }
        Ok(())
    }
}

/// All that is wrong, in the order it was written.
#[derive(Debug)]
pub struct Complaints(pub Vec<Complaint>);

impl fmt::Display for Complaints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for complaint in &self.0 {
            fmt::Display::fmt(complaint, f)?;
            f.write_str("\n")?;
        }
        let n = self.0.len();
        write!(f, "{n} {}", if n == 1 { "complaint" } else { "complaints" })
    }
}

impl std::error::Error for Complaints {}

/// The line that a complaint speaks of, and what of it a terminal shows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    /// With some of what is not shown: half a value would not be known.
    text: String,
    /// Characters of the text before what is shown.
    before: usize,
    indent: usize,
    width: usize,
}

impl Excerpt {
    fn shown(&self) -> String {
        let shown = self.text.chars().skip(self.before).take(EXCERPT).collect::<String>();
        shown.trim_end().to_owned()
    }
}

/// Characters of a line that an excerpt shows: what fits most terminals beside the line number.
const EXCERPT: usize = 100;
/// Characters on both sides of it that are looked at for values.
const AROUND: usize = limits::KEYWORD_REACH;

/// Line, column and excerpt of a span.
fn locate(text: &str, span: &Range<usize>) -> (usize, usize, Excerpt) {
    let start = floor_char(text, span.start);
    let (before, after) = text.split_at(start);
    let line = before.matches('\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let lead = before.get(line_start..).unwrap_or_default();
    let column = lead.chars().count() + 1;
    let rest = after.split('\n').next().unwrap_or_default();
    let within = span.end.saturating_sub(start).min(rest.len());
    let marked = rest.get(..floor_char(rest, within)).unwrap_or_default().trim_end();
    // A long line is shown from a little before the place.
    let skipped = if column > EXCERPT / 2 { column.saturating_sub(20) } else { 0 };
    let before = skipped.min(AROUND);
    let shown = lead.chars().chain(rest.chars()).skip(skipped - before).take(before + EXCERPT + AROUND);
    let text = shown.map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let indent = column - 1 - skipped;
    let width = marked.chars().count().clamp(1, EXCERPT.saturating_sub(indent).max(1));
    (line, column, Excerpt { text, before, indent, width })
}

/// The last character boundary at or below `at`.
fn floor_char(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0)
}

/// The known word nearest to `written`, when it is near enough to be a slip.
fn closest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let slips = (written.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&written.to_lowercase(), word), word))
        .filter(|&(distance, _)| distance <= slips)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, part: &str) -> Place {
        let source = Arc::new(Source { name: "t.toml".into(), text: text.into() });
        let start = text.find(part).unwrap();
        Place::new(&source, start..start + part.len(), "mode".into())
    }

    #[test]
    fn a_complaint_shows_file_place_key_and_a_caret_under_the_value() {
        let text = "a = 1\nmode = \"enforze\" # why\n";
        let complaint = place(text, "\"enforze\"")
            .complain("unknown word `enforze`")
            .expected("observe or enforce")
            .meant("enforze", ["observe", "enforce"]);
        assert_eq!(
            complaint.to_string(),
            "t.toml:2:8: mode: unknown word `enforze`\n  2 | mode = \"enforze\" # why\n    |        ^^^^^^^^^\n    \
             = expected observe or enforce\n    = did you mean `enforce`?"
        );
    }

    #[test]
    fn columns_count_characters_and_spans_over_lines_mark_the_first() {
        let complaint = place("é = [\n1]\n", "[\n1]").complain("x");
        assert_eq!((complaint.line, complaint.column), (1, 5));
        assert!(complaint.to_string().ends_with("    ^"), "{complaint}");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}x{}", "a".repeat(500), "b".repeat(500));
        let shown = place(&text, "x").complain("y").to_string();
        let caret = shown.lines().nth(2).unwrap().find('^').unwrap();
        assert_eq!(shown.lines().nth(1).unwrap().as_bytes()[caret], b'x');
        assert!(shown.lines().all(|line| line.len() < EXCERPT + 20));
    }

    #[test]
    fn values_in_a_file_are_masked_wherever_the_line_is_cut() {
        let card = "4539148803436467";
        let listed = format!("values = [\"{card}\", x]\n");
        let complaint = place(&listed, "x").complain(format!("`{card}` is no word")).expected(card);
        let shown = complaint.to_string();
        assert!(!shown.contains("4539") && !shown.contains("6467"), "{shown}");
        assert!(shown.contains("values = [\"****************\", x]"), "{shown}");
        assert!(shown.contains("`****************` is no word"), "{shown}");
        let caret = shown.lines().nth(2).unwrap().find('^').unwrap();
        assert_eq!(shown.lines().nth(1).unwrap().as_bytes()[caret], b'x', "{shown}");
        assert!(!format!("{:?}", complaint.masked()).contains("4539"));
        // Cut before, within or behind it: what is shown of it is a mask.
        for lead in (0..120).chain(200..260) {
            let text = format!("{} {card} {}x{}", "a".repeat(lead), "b".repeat(70), "c".repeat(200));
            let after = format!("x{} {card} {}", "b".repeat(lead), "c".repeat(200));
            for text in [text, after] {
                let shown = place(&text, "x").complain("y").to_string();
                let line = shown.lines().nth(1).unwrap().trim_start().strip_prefix("1 |").unwrap();
                assert!(!line.bytes().any(|b| b.is_ascii_digit()), "{lead}: {shown}");
            }
        }
        let example = place(&listed, "x").complain("an example").of_example().to_string();
        assert!(example.contains(card), "{example}");
    }

    #[test]
    fn nothing_of_a_complaint_steers_a_terminal() {
        let text = "\"a\u{202e}b\" = 1\n";
        let complaint = place(text, "1").complain("unknown `x\u{1b}[2J\u{202e}`\nand more").expected("\u{7}");
        let shown = Complaint { key: "k\u{1b}".into(), ..complaint }.to_string();
        assert!(!shown.contains(|c| is_steering(c) && c != '\n'), "{shown:?}");
        assert!(shown.contains("k\\u{1b}: unknown `x\\u{1b}[2J\\u{202e}`\nand more"), "{shown:?}");
        let caret = shown.lines().nth(3).unwrap().find('^').unwrap();
        assert_eq!(shown.lines().nth(2).unwrap().as_bytes()[caret], b'1', "{shown}");
    }

    #[test]
    fn only_near_words_are_suggested() {
        assert_eq!(closest("destnations", ["destinations", "direction"]), Some("destinations"));
        assert_eq!(closest("xyz", ["id", "action"]), None);
        assert_eq!(closest("modes", ["mode", "node"]), Some("mode"));
    }

    #[test]
    fn a_pipe_without_a_writer_is_not_waited_for() {
        let pipe = std::env::temp_dir().join(format!("tidegate-source-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let told = pipe.clone();
        let (send, answer) = std::sync::mpsc::channel();
        std::thread::spawn(move || send.send(read_file(&told)));
        let answer = answer.recv_timeout(std::time::Duration::from_secs(10));
        std::fs::remove_file(&pipe).unwrap();
        assert_eq!(answer.unwrap(), Err("cannot be read: it is no regular file".to_owned()));
        assert_eq!(read_file(Path::new("/dev/null")), Ok(String::new()));
        assert!(read_file(Path::new("/")).unwrap_err().contains("directory"));
    }
}
