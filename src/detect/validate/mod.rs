//! Checks on a whole match: a closed, documented list that packs choose from by name.

mod codice_fiscale;
mod cpf;
mod digits;
mod dni;
mod domain;
mod groups;
mod idnr;
mod issuer_range;
mod luhn;
mod nino;
mod nir;
mod pesel;
mod repetition;
mod ssn;
mod verhoeff;

use std::fmt;

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
        CHECKS.iter().find(|check| check.name == name)
    }
}

/// Every check, by name. As a validator it must pass, as an invalidator it must not.
pub const CHECKS: &[Check] = &[
    Check {
        name: "luhn",
        about: "ISO/IEC 7812-1, annex B: check digit over all digits",
        least_digits: 2,
        passes: luhn::passes,
    },
    Check {
        name: "groups",
        about: "separators, where there are any, are of one kind and stand between groups of at least three digits",
        least_digits: 0,
        passes: groups::passes,
    },
    Check {
        name: "issuer-range",
        about: "ISO/IEC 7812 issuer ranges of the card schemes, with the lengths each scheme issues",
        least_digits: 12,
        passes: issuer_range::passes,
    },
    Check {
        name: "domain",
        about: "RFC 5321 mail domain, RFC 1035 labels, a plausible top-level domain",
        least_digits: 0,
        passes: domain::passes,
    },
    Check {
        name: "us-ssn",
        about: "SSA numbering: no area 000, 666, 900-999, group 00 or serial 0000",
        least_digits: 9,
        passes: ssn::passes,
    },
    Check {
        name: "uk-nino",
        about: "HMRC NIM39110: prefix letters that are issued",
        least_digits: 0,
        passes: nino::passes,
    },
    Check {
        name: "fr-nir",
        about: "INSEE: month, department and key 97 - (number mod 97)",
        least_digits: 13,
        passes: nir::passes,
    },
    Check {
        name: "it-codice-fiscale",
        about: "DM 23/12/1976: date, omocodia letters and check letter",
        least_digits: 0,
        passes: codice_fiscale::passes,
    },
    Check {
        name: "br-cpf",
        about: "Receita Federal: two check digits mod 11",
        least_digits: 11,
        passes: cpf::passes,
    },
    Check {
        name: "de-idnr",
        about: "BZSt: digit repetition rule and ISO 7064 MOD 11,10 check digit",
        least_digits: 11,
        passes: idnr::passes,
    },
    Check {
        name: "pl-pesel",
        about: "Polish population register: date with century, weights 1379, mod 10",
        least_digits: 11,
        passes: pesel::passes,
    },
    Check {
        name: "es-dni",
        about: "Spanish identity document: letter by number mod 23",
        least_digits: 8,
        passes: dni::passes,
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
        ("groups", false, "4539-1488 0343-6467"),
        ("groups", false, "4 5 3 9 1 4 8 8 0 3 4 3 6 4 6 7"),
        ("issuer-range", true, "4539148803436467"),
        ("issuer-range", true, "378282246310005"),
        ("issuer-range", true, "2221-0000-0000-0009"),
        ("issuer-range", false, "2220990000000000"),
        ("issuer-range", false, "1234567812345670"),
        ("issuer-range", false, "45391488034364"),
        ("domain", true, "a.b@example.co.uk"),
        ("domain", false, "icon@2x.png"),
        ("domain", false, "pkg@1.2"),
        ("domain", false, "a@example"),
        ("domain", false, "a@-x.com"),
        ("domain", false, ".a@x.com"),
        ("domain", false, "a..b@x.com"),
        ("us-ssn", true, "536-90-4399"),
        ("us-ssn", false, "666-12-3456"),
        ("us-ssn", false, "900-12-3456"),
        ("us-ssn", false, "123-00-4567"),
        ("us-ssn", false, "123-45-0000"),
        ("uk-nino", true, "AB123456C"),
        ("uk-nino", true, "ab 12 34 56 c"),
        ("uk-nino", false, "BG123456C"),
        ("uk-nino", false, "DA123456C"),
        ("uk-nino", false, "AO123456C"),
        ("fr-nir", true, "295109912611193"),
        ("fr-nir", false, "295109912611199"),
        ("fr-nir", false, "295139912611193"),
        ("it-codice-fiscale", true, "RSSMRA85T10A562S"),
        ("it-codice-fiscale", false, "RSSMRA85T10A562T"),
        ("it-codice-fiscale", false, "RSSMRA85T75A562S"),
        ("br-cpf", true, "390.533.447-05"),
        ("br-cpf", false, "390.533.447-06"),
        ("de-idnr", true, "36574261809"),
        ("de-idnr", false, "36574261890"),
        ("de-idnr", false, "36554266806"),
        ("pl-pesel", true, "44051401359"),
        ("pl-pesel", false, "44051401358"),
        ("pl-pesel", false, "44451401359"),
        ("es-dni", true, "54362315K"),
        ("es-dni", true, "54362315-k"),
        ("es-dni", false, "54362315Z"),
        ("verhoeff", true, "2363"),
        ("verhoeff", false, "2364"),
        ("all-same", true, "1111-1111"),
        ("all-same", false, "1111-1112"),
        ("sequential", true, "123456789"),
        ("sequential", true, "9876 5432"),
        ("sequential", false, "123456780"),
    ];

    #[test]
    fn published_numbers_pass_and_near_misses_fail() {
        for &(name, passes, text) in CASES {
            let check = Check::named(name).unwrap();
            assert_eq!((check.passes)(text.as_bytes()), passes, "{name} {text}");
        }
    }

    #[test]
    fn every_check_has_a_case_that_passes_and_one_that_fails() {
        for check in CHECKS {
            for wanted in [true, false] {
                assert!(CASES.iter().any(|c| c.0 == check.name && c.1 == wanted), "{} {wanted}", check.name);
            }
        }
    }

    #[test]
    fn no_check_minds_odd_input() {
        for check in CHECKS {
            for text in ["", "@", "-", "\u{0}\u{ff}", "0", "@@@@", &"9".repeat(512), &"Z".repeat(512)] {
                let _ = (check.passes)(text.as_bytes());
            }
        }
    }
}
