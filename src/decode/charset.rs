//! Charsets in which a digit is not the byte that it is in ASCII, and that nobody here reads.

use crate::limits::XML_DECLARATION;

/// EBCDIC's, by the numbers that IBM gave them (IANA's registry of character sets).
const EBCDIC: [u16; 42] = [
    37, 38, 273, 274, 275, 277, 278, 280, 281, 284, 285, 290, 297, 420, 423, 424, 500, 870, 871, 875, 880,
    905, 918, 924, 930, 933, 935, 937, 939, 1025, 1026, 1047, 1140, 1141, 1142, 1143, 1144, 1145, 1146, 1147,
    1148, 1149,
];

/// A charset's name without what its spellings differ in.
#[must_use]
pub fn plain_name(charset: &[u8]) -> String {
    charset
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect()
}

/// Whether a text of this charset reads as another one where it is taken for ASCII with more letters.
#[must_use]
pub fn is_foreign(charset: &[u8]) -> bool {
    let name = plain_name(charset);
    let number = ["csibm", "ibm", "cp", "ccsid"].iter().find_map(|before| name.strip_prefix(before));
    let number = number.and_then(|digits| digits.parse().ok());
    name.contains("ebcdic")
        || number.is_some_and(|number| EBCDIC.contains(&number))
        // UTF-7 (RFC 2152) and those that pack Unicode.
        || matches!(&*name, "utf7" | "unicode11utf7" | "csunicode11utf7" | "utf7imap" | "scsu" | "csscsu" | "bocu1" | "csbocu1")
}

/// `<?xm` in EBCDIC.
const EBCDIC_XML: [u8; 4] = [0x4c, 0x6f, 0xa7, 0x94];

const BEGIN: &[u8] = b"<?xml";
/// UTF-8's own mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Whether a text that begins so is XML and declares one of these charsets. `None`: more of it is needed to tell.
pub(super) fn xml_is_foreign(opening: &[u8]) -> Option<bool> {
    if opening.len() < MARK.len() && MARK.starts_with(opening) {
        return None;
    }
    let text = opening.strip_prefix(MARK).unwrap_or(opening);
    let may_be = |begin: &[u8]| text.len() < begin.len() && begin.starts_with(text);
    if text.starts_with(&EBCDIC_XML) {
        return Some(true);
    }
    if !text.starts_with(BEGIN) {
        return if may_be(BEGIN) || may_be(&EBCDIC_XML) { None } else { Some(false) };
    }
    xml_encoding(opening).map(|declared| declared.is_some_and(is_foreign))
}

/// What the declaration of XML says that a text begins with, if it does. `None`: more of it is needed to tell.
pub(super) fn xml_encoding(opening: &[u8]) -> Option<Option<&[u8]>> {
    let text = opening.strip_prefix(MARK).unwrap_or(opening);
    if !text.starts_with(BEGIN) {
        return Some(None);
    }
    let text = text.get(..text.len().min(XML_DECLARATION)).unwrap_or_default();
    let end = memchr::memmem::find(text, b"?>");
    if end.is_none() && text.len() < XML_DECLARATION {
        return None;
    }
    let text = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
    let Some(at) = memchr::memmem::find(text, b"encoding") else { return Some(None) };
    let value = text.get(at + b"encoding".len()..).unwrap_or_default().trim_ascii_start();
    let value = value.strip_prefix(b"=").unwrap_or(value).trim_ascii_start();
    Some(value.split(|byte| matches!(byte, b'"' | b'\'')).nth(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_declares_is_known_as_soon_as_it_is_there() {
        let long = format!("<?xml version=\"1.0\"{}encoding='utf-7'?>", " ".repeat(XML_DECLARATION));
        for (text, foreign) in [
            (&b"<?xml version=\"1.0\" encoding=\"utf-7\"?><a/>"[..], true),
            (b"<?xml version='1.0' encoding = 'IBM037' standalone='yes'?>", true),
            (b"\xef\xbb\xbf<?xml encoding='scsu'?>", true),
            (b"\x4c\x6f\xa7\x94\x93\x40", true),
            (b"<?xml version='1.0' encoding='utf-8'?><a encoding='utf-7'/>", false),
            (b"<?xml version='1.0'?><a encoding='utf-7'/>", false),
            (b"<a encoding='utf-7'?>", false),
            (b"Loans encoding='utf-7'?>", false),
            (long.as_bytes(), false),
        ] {
            let told: Vec<_> = (0..=text.len()).map(|length| xml_is_foreign(&text[..length])).collect();
            let known = told.iter().position(Option::is_some).unwrap();
            assert!(told[known..].iter().all(|told| *told == Some(foreign)), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn what_reads_otherwise_than_ascii_is_known() {
        for foreign in [
            "utf-7",
            "UTF-7",
            "cp037",
            "IBM037",
            "ibm-1047",
            "IBM01140",
            "EBCDIC-US",
            "csIBM500",
            "SCSU",
            "BOCU-1",
        ] {
            assert!(is_foreign(foreign.as_bytes()), "{foreign}");
        }
        for read in [
            "utf-8",
            "utf8",
            "us-ascii",
            "iso-8859-1",
            "windows-1252",
            "cp1252",
            "gbk",
            "shift_jis",
            "euc-jp",
            "koi8-r",
            "cp437",
            "ibm850",
            "utf-16",
            "utf-32le",
            "big5",
            "",
        ] {
            assert!(!is_foreign(read.as_bytes()), "{read}");
        }
    }
}
