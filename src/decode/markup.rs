//! The character data of office documents: tags are folded away where they only part the runs of one text.

use super::escape::Kind;
use super::origin::Origin;

/// Bytes of a tag's name that are looked at.
const NAME: usize = 32;

/// Elements that hold a run of text, in word processing, slides and spreadsheets alike.
const RUN: &[u8] = b"t";
/// Elements that stand within a text and part nothing.
const INLINE: [&[u8]; 2] = [b"span", b"a"];
/// Marks within a text of OpenDocument that nobody sees; where a page ends is written for every page.
const MARKS: [&[u8]; 14] = [
    b"text:soft-page-break",
    b"text:bookmark",
    b"text:bookmark-start",
    b"text:bookmark-end",
    b"text:reference-mark",
    b"text:reference-mark-start",
    b"text:reference-mark-end",
    b"text:change",
    b"text:change-start",
    b"text:change-end",
    b"text:toc-mark",
    b"text:toc-mark-start",
    b"text:toc-mark-end",
    b"office:annotation-end",
];
/// Elements of word processing whose text a reader does not see: what was deleted and is still tracked, and what a field
/// is made of. Between two runs of one text it neither parts nor joins them; the document as it stands is read, too.
const UNSEEN: [&[u8]; 3] = [b"delText", b"instrText", b"delInstrText"];
/// Elements between two runs that part them: paragraphs, breaks, cells, and what is no shown text.
const PARTING: [&[u8]; 16] = [
    b"p",
    b"h",
    b"br",
    b"cr",
    b"tab",
    b"tc",
    b"tr",
    b"tbl",
    b"si",
    b"row",
    b"c",
    b"v",
    b"f",
    b"instrText",
    b"delText",
    b"delInstrText",
];

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// In a tag, before a quote ends if one is open.
    Tag(Option<u8>),
    Comment,
    /// A section whose text stands as it is.
    Section,
}

/// The running state of one document.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Markup {
    state: State,
    /// The beginning of the tag.
    name: [u8; NAME],
    length: usize,
    /// The bytes before, in a comment or section.
    last: [u8; 2],
    /// The text before was a run, and nothing has parted it from the next.
    joins: bool,
    /// The view ends in something that parts.
    parted: bool,
    /// What comes before the next tag is not seen.
    unseen: bool,
}

impl Markup {
    /// The document goes on with `text`, all of which is taken; appends what it shows.
    pub(super) fn walk(&mut self, mut text: &[u8], view: &mut Vec<u8>, origin: &mut Origin) {
        while let Some(&byte) = text.first() {
            let read = match self.state {
                State::Text => {
                    let read = memchr::memchr(b'<', text).unwrap_or(text.len());
                    self.show(text.get(..read).unwrap_or_default(), view, origin);
                    if read < text.len() {
                        origin.add(0, 1, Some(Kind::Markup));
                        self.state = State::Tag(None);
                        self.length = 0;
                    }
                    text.len().min(read + 1)
                }
                State::Tag(quote) => {
                    self.tag(byte, quote, view, origin);
                    1
                }
                State::Comment | State::Section => {
                    self.hidden(byte, view, origin);
                    1
                }
            };
            text = text.get(read..).unwrap_or_default();
        }
    }

    fn show(&mut self, text: &[u8], view: &mut Vec<u8>, origin: &mut Origin) {
        if self.unseen {
            origin.add(0, text.len(), Some(Kind::Markup));
        } else if !text.is_empty() {
            view.extend_from_slice(text);
            origin.literal(text.len());
            self.parted = false;
        }
    }

    fn tag(&mut self, byte: u8, quote: Option<u8>, view: &mut Vec<u8>, origin: &mut Origin) {
        if let Some(place) = self.name.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
        let begun = self.name.get(..self.length).unwrap_or_default();
        self.state = match (quote, byte) {
            (None, b'>') => {
                let parts = self.ends();
                origin.add(usize::from(parts), 1, Some(Kind::Markup));
                if parts {
                    view.push(b'\n');
                    self.parted = true;
                }
                self.state = State::Text;
                return;
            }
            (None, _) if begun == b"!--" => State::Comment,
            (None, _) if begun == b"![CDATA[" => State::Section,
            (None, b'"' | b'\'') => State::Tag(Some(byte)),
            (Some(open), _) if open == byte => State::Tag(None),
            (quote, _) => State::Tag(quote),
        };
        self.last = [0; 2];
        origin.add(0, 1, Some(Kind::Markup));
    }

    /// A tag has ended: whether it parts what stands before it from what follows.
    fn ends(&mut self) -> bool {
        let tag = self.name.get(..self.length).unwrap_or_default();
        let (closes, tag) = match tag.strip_prefix(b"/") {
            Some(tag) => (true, tag),
            None => (false, tag),
        };
        let end = tag.iter().position(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'/' | b'>'));
        let name = tag.get(..end.unwrap_or(tag.len())).unwrap_or_default();
        let local = name.rsplit(|byte| *byte == b':').next().unwrap_or_default();
        // Whatever comes next ends it: nobody hides a document behind a tag that is never closed.
        let was_unseen = std::mem::take(&mut self.unseen);
        if INLINE.contains(&local) || MARKS.contains(&name) {
            return false;
        }
        if UNSEEN.contains(&local) && (self.joins || was_unseen) {
            self.unseen = !closes && !tag.ends_with(b"/>");
            return false;
        }
        if local == RUN && closes {
            self.joins = true;
            return false;
        }
        if self.joins && !PARTING.contains(&local) {
            // What follows a run's beginning is its text; until then formatting may come.
            return false;
        }
        self.joins = false;
        !self.parted
    }

    fn hidden(&mut self, byte: u8, view: &mut Vec<u8>, origin: &mut Origin) {
        let is_section = self.state == State::Section;
        let ends = match is_section {
            true => self.last == *b"]]",
            false => self.last == *b"--",
        };
        if byte == b'>' && ends {
            self.state = State::Text;
        }
        if is_section && byte != b']' && self.state == State::Section {
            self.show(&[byte], view, origin);
        } else {
            origin.add(0, 1, Some(Kind::Markup));
        }
        self.last = [self.last[1], byte];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, cut: usize) -> String {
        let (mut markup, mut view, mut origin) = (Markup::default(), Vec::new(), Origin::default());
        for piece in text.as_bytes().chunks(cut) {
            markup.walk(piece, &mut view, &mut origin);
        }
        assert_eq!(origin.start(view.len() as u64), text.len() as u64);
        for (at, byte) in view.iter().enumerate() {
            let raw = usize::try_from(origin.start(at as u64)).unwrap();
            assert!(*byte == b'\n' || text.as_bytes()[raw] == *byte, "{at} of {text}");
        }
        String::from_utf8(view).unwrap()
    }

    #[test]
    fn runs_of_one_text_are_joined_and_nothing_else_is() {
        let cases = [
            (
                "<w:p><w:r><w:t>4539</w:t></w:r><w:r><w:rPr><w:b/></w:rPr><w:t xml:space=\"preserve\"> 1488</w:t></w:r></w:p>",
                "\n4539 1488\n",
            ),
            ("<w:p><w:r><w:t>45</w:t></w:r></w:p><w:p><w:r><w:t>39</w:t></w:r></w:p>", "\n45\n39\n"),
            ("<w:t>45</w:t><w:tab/><w:t>39</w:t>", "\n45\n39"),
            ("<si><r><t>45</t></r><r><t>39</t></r></si><si><t>1</t></si>", "\n4539\n1\n"),
            ("<c r=\"A1\"><v>45</v></c><c r=\"B>1\"><v>39</v></c>", "\n45\n39\n"),
            ("<a:p><a:r><a:t>45</a:t></a:r><a:r><a:t>39</a:t></a:r></a:p>", "\n4539\n"),
            ("<text:p>45<text:span text:style-name=\"T1\">39</text:span></text:p>", "\n4539\n"),
            ("<id>45</id><n>39</n>", "\n45\n39\n"),
            (
                "<w:r><w:t>45</w:t></w:r><w:del w:id=\"1\"><w:r><w:delText>999</w:delText></w:r></w:del><w:r><w:t>39</w:t></w:r>",
                "\n4539",
            ),
            (
                "<w:t>45</w:t><w:instrText xml:space=\"preserve\"> PAGE <![CDATA[1]]></w:instrText><w:fldChar/><w:t>39</w:t>",
                "\n4539",
            ),
            ("<w:t>45</w:t><w:delText/><w:t>39</w:t>", "\n4539"),
            // At the beginning of a text it is read as one of its own.
            ("<w:p><w:delText>99</w:delText><w:t>45</w:t></w:p>", "\n99\n45\n"),
            ("<w:t>45</w:t><w:instrText>99<w:r>1</w:r><w:t>39</w:t>", "\n45139"),
            ("<text:p>45<text:soft-page-break/>3<text:bookmark text:name=\"x\"/>9</text:p>", "\n4539\n"),
            (
                "<text:p>4<text:reference-mark-start text:name=\"x\"/>5<text:toc-mark-end/>6</text:p>",
                "\n456\n",
            ),
            ("<bookmark>45</bookmark><bookmark>39</bookmark>", "\n45\n39\n"),
            ("<t>4<!-- x > --y -->5</t><t><![CDATA[3 & ]9]]></t>", "\n453 & 9"),
        ];
        for (text, expected) in cases {
            for cut in [text.len(), 1, 3] {
                assert_eq!(shown(text, cut), expected, "{text}");
            }
        }
    }
}
