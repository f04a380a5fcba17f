//! Telephone numbers by the numbering plans behind the country codes of ITU-T E.164.

use super::Check;
use super::digits::Digits;

pub(super) const CHECKS: &[Check] = &[Check {
    name: "e164",
    about: "ITU-T E.164: an assigned country code and a national number as long as its plan has; NANP area and exchange",
    least_digits: 7,
    passes: e164,
}];

/// Country codes and the lengths of the national numbers behind them, from ITU-T E.164 lists and national plans.
const PLANS: &str = "1:10 7:10 20:8-10 27:9 30:10 31:9 32:8-9 33:9 34:9 36:8-9 39:6-11 40:9 41:9 43:7-13 44:9-10 45:8 \
    46:7-9 47:8 48:9 49:7-12 51:8-9 52:10 53:8 54:10-11 55:10-11 56:9 57:10 58:10 60:8-10 61:9 62:8-12 63:8-10 64:8-10 \
    65:8 66:8-9 81:9-10 82:8-10 84:9-10 86:10-11 90:10 91:10 92:9-10 93:9 94:9 95:8-10 98:10 211:9 212:9 213:8-9 216:8 \
    218:8-9 220:7 221:9 222:8 223:8 224:8-9 225:10 226:8 227:8 228:8 229:8-10 230:7-8 231:7-9 232:8 233:9 234:8-10 235:8 \
    236:8 237:8-9 238:7 239:7 240:9 241:7-8 242:9 243:9 244:9 245:7-9 246:7 248:7 249:9 250:9 251:9 252:7-9 253:8 254:9 \
    255:9 256:9 257:8 258:8-9 260:9 261:9 262:9 263:9-10 264:8-9 265:7-9 266:8 267:7-8 268:8 269:7 290:5 291:7 297:7 \
    298:6 299:6 350:8 351:9 352:6-11 353:7-9 354:7-9 355:8-9 356:8 357:8 358:6-11 359:8-9 370:8 371:8 372:7-8 373:8 \
    374:8 375:9 376:6-9 377:8-9 378:6-10 380:9 381:8-9 382:8 383:8 385:8-9 386:8 387:8-9 389:8 420:9 421:9 423:7-9 500:5 \
    501:7 502:8 503:8 504:8 505:8 506:8 507:7-8 508:6-9 509:8 590:9 591:8 592:7 593:8-9 594:9 595:9 596:9 597:6-7 598:8 \
    599:7-8 670:7-8 672:6 673:7 674:7 675:7-8 676:5-7 677:5-7 678:5-7 679:7 680:7 681:6 682:5 683:4-7 685:5-7 686:8 687:6 \
    688:5-6 689:8 690:4-5 691:7 692:7 800:8 808:8 850:8-10 852:8 853:8 855:8-9 856:8-10 870:9 880:8-10 881:8 886:8-9 960:7 \
    961:7-8 962:8-9 963:8-9 964:8-10 965:8 966:8-9 967:7-9 968:8 970:8-9 971:8-9 972:8-9 973:8 974:8 975:7-8 976:8 \
    977:8-10 992:9 993:8 994:9 995:9 996:9 998:9";

/// The same by code: fewest and most digits, or 0.
static LENGTHS: [(u8, u8); 1000] = {
    let (plans, mut lengths, mut at) = (PLANS.as_bytes(), [(0, 0); 1000], 0);
    let (mut code, mut number, mut least) = (0, 0, None);
    while at <= plans.len() {
        match if at < plans.len() { plans[at] } else { b' ' } {
            b':' => (code, number) = (number, 0),
            b'-' => (least, number) = (Some(number as u8), 0),
            b' ' => {
                lengths[code] = (if let Some(least) = least { least } else { number as u8 }, number as u8);
                (number, least) = (0, None);
            }
            digit => number = number * 10 + (digit - b'0') as usize,
        }
        at += 1;
    }
    lengths
};

/// `text` begins with `+` or `00`; a trunk `(0)` is no part of the number.
fn e164(text: &[u8]) -> bool {
    let trunk = text.windows(3).position(|w| w == b"(0)");
    let (head, tail) = trunk.map_or((text, &b""[..]), |at| (&text[..at], &text[at + 3..]));
    // A lone digit behind a point is a decimal's.
    let decimal = head.rsplit(|&b| b == b'.').next().is_some_and(|tail| tail.len() == 1);
    let encoded = head.strip_prefix(b"%2B").or_else(|| head.strip_prefix(b"%2b"));
    let mut all = [0u8; 64];
    let mut len = 0;
    for &byte in encoded.unwrap_or(head).iter().chain(tail).take_while(|b| !b.is_ascii_alphabetic()) {
        let Some(slot) = all.get_mut(len) else { return false };
        *slot = byte;
        len += 1;
    }
    let digits = Digits::of(&all[..len]);
    let digits = digits.as_slice();
    let number = digits.strip_prefix(&[0, 0]).unwrap_or(digits);
    !decimal
        && number.len() <= 15
        && (1..=3).any(|code| number.split_at_checked(code).is_some_and(|(c, n)| fits(c, n)))
}

/// Whether a plan has this code and numbers as long as this. No national number begins with the trunk prefix 0,
/// save those of Italy and San Marino and a few that dropped it.
fn fits(code: &[u8], national: &[u8]) -> bool {
    let code = super::digits::number(code);
    let Some(&(least, most)) = usize::try_from(code).ok().and_then(|code| LENGTHS.get(code)) else {
        return false;
    };
    let in_plan = most > 0 && (usize::from(least)..=usize::from(most)).contains(&national.len());
    let leading = match (code, national) {
        (1, [area, _, _, exchange, ..]) => *area > 1 && *exchange > 1,
        (39 | 225 | 229 | 241 | 242 | 378, _) => true,
        (_, [first, ..]) => *first != 0,
        (_, []) => false,
    };
    in_plan && leading && national.iter().any(|d| Some(d) != national.first())
}

#[cfg(test)]
pub(super) const CASES: &[(&str, bool, &str)] = &[
    ("e164", true, "+1 415 555 2671"),
    ("e164", true, "+1 (415) 555-2671 ext. 12"),
    ("e164", true, "+49 (0)30 901820"),
    ("e164", true, "+44 20 7946 0958"),
    ("e164", true, "+33.6.12.34.56.78"),
    ("e164", true, "0049 30 901820"),
    ("e164", true, "%2B4915112345678"),
    ("e164", true, "+390612345678"),
    ("e164", false, "+1 115 555 2671"),
    ("e164", false, "+1 415 155 2671"),
    ("e164", false, "+1 415 555 267"),
    ("e164", false, "+44 020 7946 0958"),
    ("e164", false, "+999 1234 5678"),
    ("e164", false, "+33 1 11 11 11 11"),
    ("e164", false, "+35236450.6"),
    ("e164", false, "+"),
];
