//! Charsets of one to four bytes a character in which ASCII is what it is: what else they hold is read as UTF-8 (WHATWG's
//! Encoding Standard, by `encoding_rs`).

use encoding_rs::{DecoderResult, Encoding};

use super::charset::{plain_name, xml_encoding};
use super::escape::{Escape, Kind};
use super::origin::Origin;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Legacy(u8);

/// Label of the standard, and plain names that it goes by. Those with states, whose bytes below 128 may be no ASCII, are none
/// of them.
const KNOWN: [(&str, &[&str]); 34] = [
    ("windows-1252", &["windows1252", "cp1252", "iso88591", "latin1", "l1"]),
    ("windows-1250", &["windows1250", "cp1250"]),
    ("windows-1251", &["windows1251", "cp1251"]),
    ("windows-1253", &["windows1253", "cp1253"]),
    ("windows-1254", &["windows1254", "cp1254", "iso88599", "latin5"]),
    ("windows-1255", &["windows1255", "cp1255"]),
    ("windows-1256", &["windows1256", "cp1256"]),
    ("windows-1257", &["windows1257", "cp1257"]),
    ("windows-1258", &["windows1258", "cp1258"]),
    ("windows-874", &["windows874", "cp874", "tis620", "iso885911"]),
    ("iso-8859-2", &["iso88592", "latin2"]),
    ("iso-8859-3", &["iso88593", "latin3"]),
    ("iso-8859-4", &["iso88594", "latin4"]),
    ("iso-8859-5", &["iso88595", "cyrillic"]),
    ("iso-8859-6", &["iso88596", "arabic"]),
    ("iso-8859-7", &["iso88597", "greek"]),
    ("iso-8859-8", &["iso88598", "hebrew"]),
    ("iso-8859-8-i", &["iso88598i"]),
    ("iso-8859-10", &["iso885910", "latin6"]),
    ("iso-8859-13", &["iso885913", "latin7"]),
    ("iso-8859-14", &["iso885914", "latin8"]),
    ("iso-8859-15", &["iso885915", "latin9"]),
    ("iso-8859-16", &["iso885916", "latin10"]),
    ("koi8-r", &["koi8r", "koi8"]),
    ("koi8-u", &["koi8u"]),
    ("ibm866", &["ibm866", "cp866"]),
    ("macintosh", &["macintosh", "macroman"]),
    ("x-mac-cyrillic", &["xmaccyrillic", "maccyrillic"]),
    ("shift_jis", &["shiftjis", "sjis", "xsjis", "mskanji", "windows31j", "cp932", "ms932", "cswindows31j"]),
    ("euc-jp", &["eucjp", "xeucjp"]),
    ("euc-kr", &["euckr", "ksc5601", "ksc56011987", "windows949", "cp949", "ms949", "uhc"]),
    ("gbk", &["gbk", "gb2312", "euccn", "cp936", "ms936", "windows936", "xgbk"]),
    ("gb18030", &["gb18030"]),
    ("big5", &["big5", "cp950", "ms950", "xxbig5", "big5hkscs"]),
];

/// Most bytes of a character.
const LONGEST: usize = 4;

impl Legacy {
    /// By its [plain name](plain_name).
    fn of(charset: &str) -> Option<Legacy> {
        let nth = KNOWN.iter().position(|(_, names)| names.contains(&charset))?;
        u8::try_from(nth).ok().map(Legacy)
    }

    /// What a text is in of which this is the beginning; `charset`: the plain name that its head has for it.
    #[must_use]
    pub fn declared(opening: &[u8], charset: Option<&str>) -> Option<Legacy> {
        let own = || xml_encoding(opening).flatten().and_then(|name| Legacy::of(&plain_name(name)));
        charset.and_then(Legacy::of).or_else(own)
    }

    /// Whether as much of a text is there as tells what it declares itself.
    #[must_use]
    pub fn is_told(opening: &[u8]) -> bool {
        xml_encoding(opening).is_some()
    }

    /// What the standard calls it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        KNOWN.get(usize::from(self.0)).map_or("", |(label, _)| label)
    }

    /// The character beyond ASCII that a text begins with; `None` while not all of it is there.
    pub(super) fn unit(self, text: &[u8], last: bool) -> Option<Escape> {
        let kind = Kind::Charset(self);
        let encoding = Encoding::for_label(self.as_str().as_bytes());
        for length in 1..=LONGEST {
            let Some(bytes) = text.get(..length) else { break };
            let mut out = [0; 2 * LONGEST];
            let mut decoder = encoding?.new_decoder_without_bom_handling();
            let (result, _, written) = decoder.decode_to_utf8_without_replacement(bytes, &mut out, true);
            let read = std::str::from_utf8(out.get(..written)?).ok().and_then(|text| text.chars().next());
            if let (DecoderResult::InputEmpty, Some(read)) = (result, read) {
                return Some(Escape::of(kind, length, u32::from(read)));
            }
        }
        (last || text.len() >= LONGEST).then(|| Escape::of(kind, 1, u32::from(char::REPLACEMENT_CHARACTER)))
    }

    /// Reads a text of which `last` tells whether nothing follows it; gives how many bytes could be read.
    pub(super) fn tell(self, text: &[u8], last: bool, view: &mut Vec<u8>, origin: &mut Origin) -> usize {
        let mut read = 0;
        loop {
            let rest = text.get(read..).unwrap_or_default();
            let plain = ascii(rest);
            view.extend_from_slice(rest.get(..plain).unwrap_or_default());
            origin.literal(plain);
            read += plain;
            let Some(escape) = rest.get(plain..).filter(|rest| !rest.is_empty()) else { return read };
            let Some(escape) = self.unit(escape, last) else { return read };
            view.extend_from_slice(escape.out());
            origin.add(escape.out().len(), escape.len, Some(escape.kind));
            read += escape.len;
        }
    }
}

/// How much of a text is ASCII before anything else.
pub(super) fn ascii(text: &[u8]) -> usize {
    let whole = 32 * text.as_chunks::<32>().0.iter().take_while(|piece| piece.is_ascii()).count();
    let rest = text.get(whole..).unwrap_or_default();
    whole + rest.iter().take_while(|byte| byte.is_ascii()).count()
}

#[cfg(test)]
mod tests {
    use super::super::fold::fold;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_charset_is_known_to_the_standard_by_its_label_and_a_name_once() {
        let mut names: Vec<&str> = KNOWN.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for (label, names) in KNOWN {
            let encoding = Encoding::for_label(label.as_bytes()).unwrap();
            assert!(encoding.is_ascii_compatible() && encoding != encoding_rs::REPLACEMENT, "{label}");
            assert!(names.iter().all(|name| plain_name(name.as_bytes()) == **name), "{label}");
        }
    }

    #[test]
    fn texts_are_known_by_what_is_declared() {
        let xml = b"<?xml version=\"1.0\" encoding=\"windows-1251\"?><a>";
        for (opening, charset, known) in [
            (&b"x"[..], Some("shiftjis"), Some("shift_jis")),
            (b"x", Some("iso88591"), Some("windows-1252")),
            (b"x", Some("iso885915"), Some("iso-8859-15")),
            (b"x", Some("utf8"), None),
            (b"x", Some("iso2022jp"), None),
            (b"x", None, None),
            (xml, None, Some("windows-1251")),
            (xml, Some("utf8"), Some("windows-1251")),
            (xml, Some("koi8r"), Some("koi8-r")),
        ] {
            assert_eq!(Legacy::declared(opening, charset).map(Legacy::as_str), known, "{charset:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written_however_it_is_cut(
            nth in 0..KNOWN.len(),
            text in "[ -~]{0,40}([а-яА-Яéüčßα-ωあ-んア-ン漢字身份证号码주민등록번호a-z0-9 ]{0,40})",
            cut in 0usize..80,
        ) {
            let legacy = Legacy(nth as u8);
            let encoding = Encoding::for_label(legacy.as_str().as_bytes()).unwrap();
            let text: String = text.chars().filter(|c| !encoding.encode(&c.to_string()).2).collect();
            let (wire, _, _) = encoding.encode(&text);
            let (back, _) = encoding.decode_without_bom_handling(&wire);
            let (mut view, mut origin) = (Vec::new(), Origin::at(0));
            let cut = cut.min(wire.len());
            let first = legacy.tell(&wire[..cut], false, &mut view, &mut origin);
            prop_assert!(cut - first < LONGEST);
            let rest = legacy.tell(&wire[first..], true, &mut view, &mut origin);
            prop_assert_eq!(first + rest, wire.len());
            // What looks like another character is that one.
            let plain: String = back.chars().filter_map(|c| match fold(u32::from(c)) {
                Some(folded) if !c.is_ascii() => folded.map(char::from),
                _ => Some(c),
            }).collect();
            prop_assert_eq!(String::from_utf8(view).unwrap(), plain);
        }
    }
}
