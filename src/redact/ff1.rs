//! FF1 (NIST SP 800-38G): numerals encrypted to as many numerals, under AES. The home of the `aes` crate.

use aes::cipher::{Array, BlockCipherEncrypt, BlockSizeUser, KeyInit, consts::U16};
use zeroize::Zeroize;

use crate::limits::FORM_LEAST;

const ROUNDS: u8 = 10;
/// A block of AES.
const BLOCK: usize = 16;

/// The cipher with its key; what is in memory of that is wiped when it goes.
pub struct Ff1<C = aes::Aes256Enc>(C);

impl<C> std::fmt::Debug for Ff1<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ff1(..)")
    }
}

impl Ff1 {
    /// Under a key of 256 bits, which is wiped.
    #[must_use]
    pub fn new(mut key: [u8; 32]) -> Ff1 {
        let cipher = aes::Aes256Enc::new(&key.into());
        key.zeroize();
        Ff1(cipher)
    }
}

/// How numerals are cut and counted.
#[derive(Clone, Copy)]
struct Terms {
    radix: u16,
    length: u8,
    /// Numerals of the left half; the right one has as many, or one more.
    left: usize,
    /// Bytes of a half as a number, at most.
    bytes: usize,
    /// How many values the halves may have.
    left_many: u128,
    right_many: u128,
}

impl Terms {
    /// `None`: too few values to hide among, or more than fit a block.
    fn of(radix: u16, length: usize) -> Option<Terms> {
        let (left, right) = (length / 2, length - length / 2);
        let power = |digits: usize| u128::from(radix).checked_pow(u32::try_from(digits).ok()?);
        let (left_many, right_many) = (power(left)?, power(right)?);
        // More than fit this type are enough.
        let is_enough = left_many.checked_mul(right_many).is_none_or(|many| many >= FORM_LEAST);
        let bits = u128::BITS - right_many.saturating_sub(1).leading_zeros();
        let bytes = usize::try_from(bits.div_ceil(8)).ok()?;
        let fits = radix >= 2 && bytes.div_ceil(4) * 4 + 4 <= BLOCK;
        let length = u8::try_from(length).ok()?;
        (is_enough && fits).then_some(Terms { radix, length, left, bytes, left_many, right_many })
    }

    fn number(self, numerals: &[u8]) -> u128 {
        numerals.iter().fold(0, |number, numeral| number * u128::from(self.radix) + u128::from(*numeral))
    }

    fn write(self, mut number: u128, numerals: &mut [u8]) {
        let radix = u128::from(self.radix);
        for numeral in numerals.iter_mut().rev() {
            *numeral = u8::try_from(number % radix).unwrap_or_default();
            number /= radix;
        }
    }
}

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>> Ff1<C> {
    /// Encrypts `numerals`, each below `radix`, in their place; whether it does: not where there are too few of them, or
    /// too many.
    #[must_use]
    pub fn encrypt(&self, radix: u16, tweak: &[u8], numerals: &mut [u8]) -> bool {
        let Some(terms) = Terms::of(radix, numerals.len()) else { return false };
        let (left, right) = numerals.split_at_mut(terms.left);
        let (mut a, mut b) = (terms.number(left), terms.number(right));
        for round in 0..ROUNDS {
            let many = if round % 2 == 0 { terms.left_many } else { terms.right_many };
            (a, b) = (b, (a + self.round(terms, tweak, round, b) % many) % many);
        }
        terms.write(a, left);
        terms.write(b, right);
        true
    }

    /// The way back.
    #[must_use]
    pub fn decrypt(&self, radix: u16, tweak: &[u8], numerals: &mut [u8]) -> bool {
        let Some(terms) = Terms::of(radix, numerals.len()) else { return false };
        let (left, right) = numerals.split_at_mut(terms.left);
        let (mut a, mut b) = (terms.number(left), terms.number(right));
        for round in (0..ROUNDS).rev() {
            let many = if round % 2 == 0 { terms.left_many } else { terms.right_many };
            (a, b) = ((b + many - self.round(terms, tweak, round, a) % many) % many, a);
        }
        terms.write(a, left);
        terms.write(b, right);
        true
    }

    /// What one half adds to the other: CBC-MAC over how things stand, and that half.
    fn round(&self, terms: Terms, tweak: &[u8], round: u8, half: u128) -> u128 {
        let Terms { radix, length, left, bytes, .. } = terms;
        let mut text = Vec::with_capacity(3 * BLOCK + tweak.len());
        text.extend([1, 2, 1, 0]);
        text.extend(radix.to_be_bytes());
        text.extend([ROUNDS, u8::try_from(left).unwrap_or(u8::MAX)]);
        text.extend(u32::from(length).to_be_bytes());
        text.extend(u32::try_from(tweak.len()).unwrap_or(u32::MAX).to_be_bytes());
        text.extend(tweak);
        let filled = (text.len() + bytes + 1).next_multiple_of(BLOCK);
        text.resize(filled - bytes - 1, 0);
        text.push(round);
        text.extend(half.to_be_bytes().iter().skip(BLOCK - bytes));
        let mut mac = Array::from([0; BLOCK]);
        for block in text.chunks(BLOCK) {
            mac.iter_mut().zip(block).for_each(|(mac, byte)| *mac ^= *byte);
            self.0.encrypt_block(&mut mac);
        }
        text.zeroize();
        let unused = BLOCK - (bytes.div_ceil(4) * 4 + 4);
        u128::from_be_bytes(mac.into()) >> (8 * unused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: [u8; 32] = [
        0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c, 0xef,
        0x43, 0x59, 0xd8, 0xd5, 0x80, 0xaa, 0x4f, 0x7f, 0x03, 0x6d, 0x6f, 0x04, 0xfc, 0x6a, 0x94,
    ];

    fn numerals(text: &str) -> Vec<u8> {
        text.chars().map(|c| c.to_digit(36).unwrap() as u8).collect()
    }

    /// (radix, tweak, plain, encrypted)
    type Sample = (u16, &'static str, &'static str, &'static str);

    fn check<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>>(cipher: C, samples: [Sample; 3]) {
        let ff1 = Ff1(cipher);
        for (radix, tweak, plain, encrypted) in samples {
            let mut text = numerals(plain);
            assert!(ff1.encrypt(radix, tweak.as_bytes(), &mut text));
            assert_eq!(text, numerals(encrypted), "{plain} {tweak}");
            assert!(ff1.decrypt(radix, tweak.as_bytes(), &mut text));
            assert_eq!(text, numerals(plain), "{encrypted} {tweak}");
        }
    }

    /// The samples that NIST publishes for FF1.
    #[test]
    fn nist_samples_come_out_as_published() {
        let (digits, letters) = ("0123456789", "0123456789abcdefghi");
        check(
            aes::Aes128Enc::new_from_slice(&KEY[..16]).unwrap(),
            [
                (10, "", digits, "2433477484"),
                (10, "9876543210", digits, "6124200773"),
                (36, "7777pqrs777", letters, "a9tv40mll9kdu509eum"),
            ],
        );
        check(
            aes::Aes192Enc::new_from_slice(&KEY[..24]).unwrap(),
            [
                (10, "", digits, "2830668132"),
                (10, "9876543210", digits, "2496655549"),
                (36, "7777pqrs777", letters, "xbj3kv35jrawxv32ysr"),
            ],
        );
        check(
            Ff1::new(KEY).0,
            [
                (10, "", digits, "6657667009"),
                (10, "9876543210", digits, "1001623463"),
                (36, "7777pqrs777", letters, "xs8a0azh2avyalyzuwd"),
            ],
        );
    }

    #[test]
    fn too_few_values_and_too_many_are_refused() {
        let ff1 = Ff1::new(KEY);
        for (radix, length, fits) in [
            (10, 5, false),
            (10, 6, true),
            (10, 56, true),
            (10, 60, false),
            (2, 19, false),
            (2, 20, true),
            (1, 40, false),
            (0, 9, false),
            (10, 300, false),
            (36, 4, true),
            (10, 0, false),
        ] {
            let mut text = vec![0; length];
            assert_eq!(ff1.encrypt(radix, b"t", &mut text), fits, "{radix} {length}");
            assert_eq!(ff1.decrypt(radix, b"t", &mut text), fits, "{radix} {length}");
            assert_eq!(text, vec![0; length], "untouched, or there and back");
        }
        assert_eq!(format!("{ff1:?}"), "Ff1(..)");
    }

    proptest! {
        #[test]
        fn what_is_encrypted_comes_back(
            digits in prop::collection::vec(0u8..10, 6..56),
            tweak in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let (ff1, mut text) = (Ff1::new(KEY), digits.clone());
            prop_assert!(ff1.encrypt(10, &tweak, &mut text));
            prop_assert!(text.iter().all(|digit| *digit < 10));
            prop_assert!(ff1.decrypt(10, &tweak, &mut text));
            prop_assert_eq!(text, digits);
        }
    }
}
