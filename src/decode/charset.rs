//! Charsets in which a digit is not the byte that it is in ASCII, and that nobody here reads.

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

#[cfg(test)]
mod tests {
    use super::*;

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
