//! Words that nothing but their letters parts from what stands before or behind: `customerssn`, `“SSN”`, `CPF：`.

use super::context::{CASE, HASHED, PLURAL_MIN, WORD_MIN, is_letter};
use super::literal::letters_at;
use super::reach::stands_alone;
use super::simd::Start;

/// What is glued to the word for a number where names are written small throughout: `taxidnumber`, `tfnno`, `ssnvalue`.
pub(super) const NUMBERS: [&[u8]; 7] = [b"number", b"num", b"no", b"nr", b"id", b"code", b"value"];

/// Whose a thing is, as names written small throughout begin, in the order of the alphabet.
const WHOSE: [&[u8]; 29] = [
    b"account",
    b"applicant",
    b"beneficiary",
    b"billing",
    b"borrower",
    b"buyer",
    b"cardholder",
    b"client",
    b"contact",
    b"creditor",
    b"customer",
    b"cust",
    b"debtor",
    b"driver",
    b"employee",
    b"emp",
    b"guest",
    b"holder",
    b"member",
    b"owner",
    b"patient",
    b"payer",
    b"person",
    b"primary",
    b"recipient",
    b"spouse",
    b"student",
    b"tenant",
    b"user",
];

/// Signs beyond ASCII that stand right before a word: quotes, dashes, brackets, wide ones among them.
const SIGNS: [&[u8]; 16] = [
    "\u{ab}".as_bytes(),
    "\u{2013}".as_bytes(),
    "\u{2014}".as_bytes(),
    "\u{2018}".as_bytes(),
    "\u{201c}".as_bytes(),
    "\u{201e}".as_bytes(),
    "\u{2022}".as_bytes(),
    "\u{3000}".as_bytes(),
    "\u{3001}".as_bytes(),
    "\u{3002}".as_bytes(),
    "\u{300c}".as_bytes(),
    "\u{3010}".as_bytes(),
    "\u{ff08}".as_bytes(),
    "\u{ff0c}".as_bytes(),
    "\u{ff0f}".as_bytes(),
    "\u{ff1a}".as_bytes(),
];

/// Letters of scripts without spaces that join a name to whose it is: of Japanese and of Chinese.
const OF: [&[u8]; 2] = ["\u{306e}".as_bytes(), "\u{7684}".as_bytes()];

/// What words can begin with behind which others are looked for.
pub(super) fn heads() -> impl Iterator<Item = &'static [u8]> {
    WHOSE.into_iter().chain(SIGNS).chain(OF)
}

/// A bit for each two letters that one of `WHOSE` begins with.
const PAIRS: [u64; 16] = {
    let (mut pairs, mut nth) = ([0; 16], 0);
    while nth < WHOSE.len() {
        let pair = pair(WHOSE[nth][0], WHOSE[nth][1]);
        pairs[pair / 64] |= 1 << (pair % 64);
        nth += 1;
    }
    pairs
};

/// The letters that each of `WHOSE` begins with, up to eight, and which bytes those are.
const BEGIN: [(u64, u64); WHOSE.len()] = {
    let (mut begin, mut nth) = ([(0, 0); WHOSE.len()], 0);
    while nth < WHOSE.len() {
        let mut i = 0;
        while i < WHOSE[nth].len() && i < HASHED {
            begin[nth].0 |= (WHOSE[nth][i] as u64) << (8 * i);
            begin[nth].1 |= 0xff << (8 * i);
            i += 1;
        }
        nth += 1;
    }
    begin
};

/// Where those of each first letter begin in `WHOSE`, which is in their order.
const FIRST: [usize; 33] = {
    let (mut first, mut letter) = ([0; 33], 0);
    while letter < 33 {
        while first[letter] < WHOSE.len() && ((WHOSE[first[letter]][0] & 31) as usize) < letter {
            first[letter] += 1;
        }
        letter += 1;
    }
    first
};

#[inline(always)]
const fn pair(first: u8, second: u8) -> usize {
    (first & 31) as usize * 32 + (second & 31) as usize
}

/// Whether a sign beyond ASCII, or another word, may stand in what begins there.
#[inline(always)]
pub(super) fn may_be(start: &Start) -> bool {
    let [first, second, ..] = start.letters.to_le_bytes();
    let pair = pair(first, second);
    start.letters & 0x8080_8080_8080_8080 != 0
        || start.count >= 2 * PLURAL_MIN && PAIRS[pair / 64] >> (pair % 64) & 1 != 0
}

/// Calls `found` for what words can begin with that a sign follows, or that stand behind others without a break: with where
/// they stand alone from, and where they end at least.
#[inline(never)]
pub(super) fn each(text: &[u8], start: Start, mut found: impl FnMut(usize, usize, Start)) {
    let [first, ..] = start.letters.to_le_bytes();
    if first.is_ascii() {
        let plain = start.letters.to_le_bytes().iter().take_while(|byte| byte.is_ascii()).count();
        let end = start.at + plain;
        if (WORD_MIN..start.count).contains(&plain) && text.get(end..).is_some_and(parts) {
            found(start.at, end, Start { count: plain, capital: false, ..start });
        }
        behind(text, &start, |at| found(start.at, at + PLURAL_MIN, begin(text, at)));
    } else if let Some(length) = leads(text.get(start.at..).unwrap_or_default()) {
        let at = start.at + length;
        found(at, at + WORD_MIN, begin(text, at));
    }
}

/// Calls `each` with where a word begins that is glued to one of `WHOSE`.
#[inline(always)]
fn behind(text: &[u8], start: &Start, mut each: impl FnMut(usize)) {
    let letters = start.letters | CASE;
    let first = usize::from(start.letters as u8 & 31);
    for nth in FIRST[first]..FIRST[first + 1] {
        let (begin, mask) = BEGIN[nth];
        if letters & mask != begin {
            continue;
        }
        let (whose, rest) = (WHOSE[nth], text.get(start.at..).unwrap_or_default());
        let (length, is_it) = (whose.len(), |it: &[u8]| it.eq_ignore_ascii_case(whose));
        // A capital behind a small letter begins a word anyway.
        if let [Some(last), Some(next)] = [rest.get(length - 1), rest.get(length)]
            && next.is_ascii_alphabetic()
            && (last ^ next) & 0x20 == 0
            && is_it(&rest[..length])
        {
            each(start.at + length);
        }
    }
}

/// What a word there begins with.
fn begin(text: &[u8], at: usize) -> Start {
    let letters = letters_at(text, at);
    let bytes = letters.to_le_bytes();
    let is_sign = |count: usize| !bytes[count].is_ascii() && text.get(at + count..).is_some_and(parts);
    let is_capital = |count: usize| {
        count > 0 && bytes[count - 1].is_ascii_lowercase() && bytes[count].is_ascii_uppercase()
    };
    let goes_on = |&count: &usize| is_letter(bytes[count]) && !is_sign(count) && !is_capital(count);
    let count = (0..HASHED).take_while(goes_on).count();
    Start { at, letters, count, capital: count < HASHED && is_capital(count) }
}

/// Where a word ends whose letters do at `end`, if it stands alone from `at` on, perhaps with one of `NUMBERS` glued to it.
pub(super) fn end(text: &[u8], at: usize, end: usize) -> Option<usize> {
    if stands_alone(text, at, end) {
        return Some(end);
    }
    let behind = text.get(end..).filter(|_| end - at >= PLURAL_MIN)?;
    let begins =
        |number: &&&[u8]| behind.get(..number.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(number));
    let end = end + NUMBERS.iter().find(begins)?.len();
    stands_alone(text, at, end).then_some(end)
}

/// The length of the sign beyond ASCII that stands there: of what is none of a word's letters.
pub(super) fn sign(text: &[u8]) -> Option<usize> {
    let is_sign = match *text {
        [0xc2, second, ..] => return (!matches!(second, 0xaa | 0xb5 | 0xba)).then_some(2),
        // Punctuation, arrows, lines and symbols.
        [0xe2, 0x80..=0xaf, _, ..] => true,
        [0xe3, 0x80, third, ..] => !matches!(third, 0x85..=0x87),
        // Wide ones.
        [0xef, 0xbc, third, ..] => matches!(third, 0x81..=0x8f | 0x9a..=0xa0 | 0xbb..=0xbf),
        [0xef, 0xbd, third, ..] => matches!(third, 0x80 | 0x9b..=0xa5),
        _ => false,
    };
    is_sign.then_some(3)
}

/// The length of the sign beyond ASCII, or of the letter that means `of`, that stands there.
fn leads(text: &[u8]) -> Option<usize> {
    sign(text).or_else(|| OF.iter().find(|of| text.starts_with(of)).map(|of| of.len()))
}

/// Whether a sign beyond ASCII begins there, or a letter of a script without spaces, which goes on behind a word of ASCII:
/// Japanese, Chinese, Korean, Thai.
pub(super) fn parts(text: &[u8]) -> bool {
    matches!(*text, [0xe3..=0xed, _, _, ..] | [0xe0, 0xb8 | 0xb9, _, ..]) || sign(text).is_some()
}

/// Whether a sign beyond ASCII, or a letter that means `of`, ends before `at`.
pub(super) fn is_behind_sign(text: &[u8], at: usize) -> bool {
    [2, 3].iter().any(|&length| {
        let before = at.checked_sub(length).and_then(|from| text.get(from..at));
        before.is_some_and(|before| leads(before) == Some(length))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_no_letters_of_any_script() {
        for sign_or_letter in "«»“”„‘—–•→│№™。、「」【】（），：？＝［］".chars()
        {
            let text = sign_or_letter.to_string();
            assert_eq!(sign(text.as_bytes()), Some(text.len()), "{text}");
            assert!(is_behind_sign(text.as_bytes(), text.len()), "{text}");
        }
        for letter in "éßжΩ身ー々ｱａ한ก".chars() {
            let text = letter.to_string();
            assert!(
                sign(text.as_bytes()).is_none() && !is_behind_sign(text.as_bytes(), text.len()),
                "{text}"
            );
        }
    }
}
