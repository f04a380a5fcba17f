//! Words near a value: which are found, in what spellings, and what is remembered of them.

use super::*;

#[test]
fn capitals_become_small_and_nothing_else_changes() {
    for byte in 0..=u8::MAX {
        let bytes = [byte, b'Z', byte, 0xff, byte, b'@', 0, byte];
        let small = bytes.map(|byte| byte.to_ascii_lowercase());
        assert_eq!(lower(u64::from_le_bytes(bytes)).to_le_bytes(), small);
    }
}

fn look(words: &Words, detector: u16, text: &str, to: usize) -> Evidence {
    let mut trail = Trail::new();
    trail.read(Level::Plain, words, text.as_bytes(), 0, to);
    trail.evidence(words, detector, 0, to)
}

/// Texts, and whether one of the words of the test below stands in them.
const SPELLINGS: &[(&str, bool)] = &[
    ("the PAN is", true),
    ("pan_hash", true),
    ("userPan=", true),
    ("panNumber", true),
    ("company", false),
    ("spanish", false),
    ("panel", false),
    ("pan4", true),
    ("cc=", true),
    ("card.cc=4", true),
    ("src/subset.cc 4", false),
    ("see .cc", true),
    ("ccNum", true),
    ("userCc", true),
    ("cc", true),
    ("acc", false),
    ("ccs", false),
    ("NÚMERO", true),
    ("número", true),
    ("我的身份证号码", true),
    ("Número", true),
    ("ИНН 1", true),
    ("его Инн", true),
    ("длинный", false),
    ("иннокентий", false),
    ("Αριθμός Φορολογικού Μητρώου", true),
    ("φορολογικού μητρώου", true),
    ("ΦΟΡΟΛΟΓΙΚΟΎ ΜΗΤΡΏΟΥ", true),
    ("φορολογικού", false),
    ("taxId", true),
    ("TAX_ID", true),
    ("tax-id", true),
    ("tax.id", true),
    ("Tax ID", true),
    ("tax  id", false),
    ("syntaxid", false),
    ("TAXID", true),
    ("T.C. Kimlik", false),
    ("T.C Kimlik", true),
    ("t_c_kimlik", true),
    ("tckimlik", true),
    ("E-Mail:", true),
    ("e mail", false),
    ("myTaxId", true),
    ("pannumbers", false),
    ("myPans:", true),
    ("panss", false),
    ("ccs", false),
    ("tax_ids", false),
    ("taxIDs", false),
    ("cardNumber", true),
    ("cardNumbers", true),
    ("cardnumberss", false),
    ("pannumber", true),
    ("PANNO=7", true),
    ("pannum", true),
    ("pannr_old", true),
    ("pannote", false),
    ("mypanno", false),
    ("ccno", false),
    ("taxidnumber", true),
    ("taxidnr", true),
    ("panNumeral", true),
    ("PanNum", true),
    ("PANText", true),
    ("thePANText", true),
    ("PANs", true),
    ("PANel", false),
    ("USPan", true),
    ("USPan2", true),
    ("UPan", false),
    ("ANPanel", false),
    ("CCSprite", false),
    ("TAXId", true),
    ("TAXIdText", true),
    ("CARDNumber", true),
    ("CARDNumberText", true),
    ("TCKimlik", true),
    ("", false),
    ("ORHW9CC5 x", false),
    ("cc5 x", true),
    ("cc5-4b", true),
    ("traceID=cc09c4ade3", false),
    ("cc0012 4a", true),
    ("pan09c4", true),
    ("xPaNK x", false),
    ("xPANs x", true),
    ("bXzx2hMzxWm4cU43gQTPan x", false),
    ("2hMz4k/userPan x", true),
    ("b2b1Line2formPan x", false),
    ("line1fieldPan x", true),
    ("customerpan", true),
    ("CUSTOMER_PAN", true),
    ("CUSTOMERPAN=", true),
    ("x_userpan_2", true),
    ("emppanno", true),
    ("patienttaxid", true),
    ("clientcardnumber", true),
    ("clientpanel", false),
    ("usercc", false),
    ("whosepan", false),
    ("reuserpan", false),
    ("PAN：4", true),
    ("pan。", true),
    ("“PAN” 4", true),
    ("（pan）", true),
    ("「tax id」：", true),
    ("mypan—4", false),
    ("myPan—4", true),
    ("panß4", false),
    ("panー", true),
    ("PANは4", true),
    ("私のPANは4", true),
    ("我的pan是4", true),
    ("제 PAN은 4", true),
    ("我们pan是4", false),
    ("mypanは4", false),
    ("Número：", true),
];

#[test]
fn words_are_found_whole_in_any_case() {
    let word = |text: &str, detector, positive| (text.to_owned(), detector, positive);
    let words = Words::build(&[
        word("pan", 0, true),
        word("order", 0, false),
        word("pan", 1, false),
        word("cc", 0, true),
        word("número", 0, true),
        word("身份证", 0, true),
        word("инн", 0, true),
        word("tax id", 0, true),
        word("cardnumber", 0, true),
        word("panny", 1, true),
        word("t c kimlik", 0, true),
        word("e-mail", 0, true),
        word("φορολογικού μητρώου", 0, true),
    ]);
    for &(text, found) in SPELLINGS {
        assert_eq!(look(&words, 0, text, text.len()).positive, found, "{text}");
    }
    let both = look(&words, 0, "order pan", 9);
    assert!(both.positive && both.negative);
    assert!(look(&words, 1, "pan", 3).negative && !look(&words, 1, "pan", 3).positive);
    assert!(!look(&words, 0, "xx pan", 5).positive, "only words wholly inside the window count");
    assert!(unfit("a").is_some() && unfit("2fa").is_some() && unfit("id").is_none());
}

#[test]
fn a_trail_remembers_little_and_answers_alike_in_any_order() {
    let words = Words::build(&[("pan".into(), 0, true)]);
    let text = "pan ".repeat(4000);
    let mut trail = Trail::new();
    for from in (0..15_000).step_by(37).chain([9, 14_000, 3]) {
        trail.read(Level::detect(), &words, text.as_bytes(), from, from + 90);
        let mut found = 0;
        trail.words(from, from + 90, |_| found += 1);
        let wanted = (from..from + 88).filter(|i| i % 4 == 0).count();
        assert_eq!(found, wanted, "{from}");
    }
    assert!(trail.bytes() <= 3072, "{}", trail.bytes());
}
