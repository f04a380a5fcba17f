//! Checks on a whole match: a closed, documented list that packs choose from by name.

mod balkan;
mod baltic;
mod birth;
mod britain;
mod codice_fiscale;
mod compact;
mod digits;
mod east_asia;
mod europe_centre;
mod europe_east;
mod europe_north;
mod europe_south;
mod europe_west;
mod groups;
mod hangs;
mod health;
mod iban;
mod iso7064;
mod issuer_range;
mod latin_america;
mod listed;
mod luhn;
mod mail;
mod mexico;
mod middle_east_africa;
mod north_america;
mod oceania;
mod payment;
mod phone;
mod repetition;
mod russia;
mod secret;
mod south_asia;
mod southeast_asia;
mod travel;
mod verhoeff;

use std::fmt;

pub(in crate::detect) use digits::sixteen;
pub(in crate::detect) use hangs::{Hangs, Opening, Sweep};

/// Letters that the beginnings of two names share, for one to be taken for the other.
const NEAR: usize = 2;

/// One named check.
#[derive(Clone, Copy)]
pub struct Check {
    pub name: &'static str,
    /// What passes, and the standard that says so.
    pub about: &'static str,
    /// Digits without which nothing passes.
    pub least_digits: usize,
    pub passes: fn(&[u8]) -> bool,
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Check {
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Check> {
        Check::all().find(|check| check.name == name)
    }

    /// The one whose name begins most like this.
    #[must_use]
    pub fn near(name: &str) -> Option<&'static Check> {
        let common =
            |check: &&Check| check.name.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        let near = Check::all().max_by_key(|check| (common(check), usize::MAX - check.name.len()));
        near.filter(|check| common(check) >= NEAR)
    }

    /// Every check there is.
    pub fn all() -> impl Iterator<Item = &'static Check> {
        TABLES.iter().copied().flatten()
    }
}

/// The checks of each subject.
const TABLES: &[&[Check]] = &[
    CHECKS,
    britain::CHECKS,
    europe_west::CHECKS,
    europe_centre::CHECKS,
    europe_north::CHECKS,
    baltic::CHECKS,
    europe_south::CHECKS,
    codice_fiscale::CHECKS,
    europe_east::CHECKS,
    balkan::CHECKS,
    russia::CHECKS,
    north_america::CHECKS,
    latin_america::CHECKS,
    mexico::CHECKS,
    east_asia::CHECKS,
    south_asia::CHECKS,
    southeast_asia::CHECKS,
    oceania::CHECKS,
    middle_east_africa::CHECKS,
    health::CHECKS,
    travel::CHECKS,
    payment::CHECKS,
    iban::CHECKS,
    mail::CHECKS,
    phone::CHECKS,
    secret::CHECKS,
];

/// Every check, by name. As a validator it must pass, as an invalidator it must not.
const CHECKS: &[Check] = &[
    Check {
        name: "luhn",
        about: "ISO/IEC 7812-1, annex B: check digit over all digits",
        least_digits: 2,
        passes: luhn::passes,
    },
    Check {
        name: "groups",
        about: "separators, where there are any, are of one kind and stand behind groups of at least three digits that do not count up",
        least_digits: 0,
        passes: groups::passes,
    },
    Check {
        name: "close-groups",
        about: "groups of four digits, three or more of them, that lie within 300 of each other (50 before a shorter one), or two entries of an index, or two pairs of neighbours: a row of a table, the numbers of characters",
        least_digits: 12,
        passes: groups::close,
    },
    Check {
        name: "issuer-range",
        about: "ISO/IEC 7812 issuer ranges of the card schemes, with the lengths each scheme issues",
        least_digits: 12,
        passes: issuer_range::passes,
    },
    Check {
        name: "verhoeff",
        about: "Verhoeff (1969) dihedral check digit over all digits",
        least_digits: 2,
        passes: verhoeff::passes,
    },
    Check {
        name: "all-same",
        about: "every digit or letter is the same",
        least_digits: 0,
        passes: repetition::all_same,
    },
    Check {
        name: "sequential",
        about: "the digits count up or down by one throughout",
        least_digits: 0,
        passes: repetition::sequential,
    },
    Check {
        name: "few-digits",
        about: "twelve digits or more, none but 1 to 5: a code of another kind, such as the strokes of a character",
        least_digits: 12,
        passes: repetition::few,
    },
    Check {
        name: "twice",
        about: "twelve digits or more, the second half of which is the first once more: two fields without a sign between them",
        least_digits: 12,
        passes: repetition::twice,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// (check, passes, text). Passing numbers are published examples or computed by hand from the standard.
    const CASES: &[(&str, bool, &str)] = &[
        ("luhn", true, "4539 1488 0343 6467"),
        ("luhn", true, "79927398713"),
        ("luhn", false, "79927398710"),
        ("groups", true, "4539148803436467"),
        ("groups", true, "3782 822463 10005"),
        ("groups", true, "4222 222 222 230"),
        ("groups", false, "5410 5411 5412 5413"),
        ("groups", false, "4539-1488 0343-6467"),
        ("groups", false, "4 5 3 9 1 4 8 8 0 3 4 3 6 4 6 7"),
        ("close-groups", true, "5061 5093 5126 5159"),
        ("close-groups", true, "6562-6563-6591-6590"),
        ("close-groups", false, "4539 1488 0343 6467"),
        ("close-groups", false, "5061509351265159"),
        ("close-groups", true, "5061 5093 5126"),
        ("close-groups", false, "5061 5093"),
        ("close-groups", false, "5061 5093 5126 5361"),
        ("close-groups", true, "4101 2530 4102 2596"),
        ("close-groups", true, "5230 4101 5262 4102"),
        ("close-groups", false, "4101 2530 4102 3602"),
        ("close-groups", false, "4101 2530 4102 2000"),
        ("close-groups", false, "4101 2530 4109 2599"),
        ("close-groups", false, "6443 4302 6446 4349"),
        ("close-groups", false, "4101-2530-4102-2596"),
        ("close-groups", true, "2476 2477 2907 2908"),
        ("close-groups", false, "2476 2477 2907 2909"),
        ("close-groups", false, "2476-2477-2907-2908"),
        ("close-groups", true, "2476 2908 2907 2477"),
        ("close-groups", true, "2477 2908 2476 2907"),
        ("close-groups", false, "2476 2478 2907 2908"),
        ("close-groups", true, "5075 5073 5037 337"),
        ("close-groups", true, "5067 5069 5069 4"),
        ("close-groups", false, "5075 5073 5025 337"),
        ("close-groups", false, "5075 5073 337"),
        ("close-groups", false, "5075 507 5037 5037"),
        ("issuer-range", true, "4539148803436467"),
        ("issuer-range", true, "378282246310005"),
        ("issuer-range", true, "2221-0000-0000-0009"),
        ("issuer-range", true, "5018000000000009"),
        ("issuer-range", true, "6001000000000008"),
        ("issuer-range", false, "2220990000000000"),
        ("issuer-range", false, "1234567812345670"),
        ("issuer-range", false, "45391488034364"),
        ("verhoeff", true, "2363"),
        ("verhoeff", false, "2364"),
        ("all-same", true, "1111-1111"),
        ("all-same", false, "1111-1112"),
        ("sequential", true, "123456789"),
        ("sequential", true, "9876 5432"),
        ("sequential", false, "123456780"),
        ("few-digits", true, "341124311214535"),
        ("few-digits", false, "341124311214536"),
        ("few-digits", false, "34112431121"),
        ("twice", true, "2342482823424828"),
        ("twice", true, "2342 4828 2342 4828"),
        ("twice", false, "2342482823424829"),
        ("twice", false, "1234512345"),
    ];

    /// The cases of all subjects.
    fn cases() -> impl Iterator<Item = &'static (&'static str, bool, &'static str)> {
        let tables = [
            CASES,
            super::britain::CASES,
            super::europe_west::CASES,
            super::europe_centre::CASES,
            super::europe_north::CASES,
            super::baltic::CASES,
            super::europe_south::CASES,
            super::codice_fiscale::CASES,
            super::europe_east::CASES,
            super::balkan::CASES,
            super::russia::CASES,
            super::north_america::CASES,
            super::latin_america::CASES,
            super::mexico::CASES,
            super::east_asia::CASES,
            super::south_asia::CASES,
            super::southeast_asia::CASES,
            super::oceania::CASES,
            super::middle_east_africa::CASES,
            super::health::CASES,
            super::travel::CASES,
            super::payment::CASES,
            super::iban::CASES,
            super::mail::CASES,
            super::phone::CASES,
            super::secret::CASES,
        ];
        tables.into_iter().flatten()
    }

    #[test]
    fn published_numbers_pass_and_near_misses_fail() {
        for &(name, passes, text) in cases() {
            let check = Check::named(name).unwrap();
            assert_eq!((check.passes)(text.as_bytes()), passes, "{name} {text}");
        }
    }

    #[test]
    fn the_documents_list_every_check() {
        let documents = include_str!("../../../docs/packs.md");
        for Check { name, about, .. } in Check::all() {
            assert!(documents.contains(&format!("| `{name}` | {about} |")), "{name}");
        }
    }

    #[test]
    fn every_check_has_a_case_that_passes_and_one_that_fails() {
        for check in Check::all() {
            for wanted in [true, false] {
                assert!(cases().any(|c| c.0 == check.name && c.1 == wanted), "{} {wanted}", check.name);
            }
        }
    }

    #[test]
    fn no_check_minds_odd_input() {
        for check in Check::all() {
            for text in ["", "@", "-", "\u{0}\u{ff}", "0", "@@@@", &"9".repeat(512), &"Z".repeat(512)] {
                let _ = (check.passes)(text.as_bytes());
            }
        }
    }
}
