//! What a check's verdict hangs on, where that is less than the whole value: what was judged once need not be judged again
//! for another beginning or another end.

use super::{Check, luhn, mail, payment, repetition, secret};
use crate::detect::shape::Ends;
use crate::limits::NUMBER_LEN;

/// The lengths with which a text passes a check, told for all of them in one reading.
pub(in crate::detect) type Sweep = fn(&[u8]) -> Ends;

/// Whether a check can let pass anything that a text begins with.
pub(in crate::detect) type Opening = fn(&[u8]) -> bool;

/// The part of a value that a verdict hangs on.
#[derive(Clone, Copy, Debug)]
pub(in crate::detect) enum Hangs {
    Whole,
    /// What stands before the first `@`, or behind it.
    BeforeMark,
    BehindMark,
    /// All of it, but one reading judges every beginning.
    Beginnings(Sweep),
}

impl Check {
    pub(in crate::detect) fn hangs(&self) -> Hangs {
        let known = mail::HANGS.iter().chain(secret::HANGS).find(|(name, _)| *name == self.name);
        known.map_or(Hangs::Whole, |(_, hangs)| *hangs)
    }

    /// One reading that judges every beginning of a text. Of short numbers a reading for each is cheaper.
    pub(in crate::detect) fn sweep(&self, longest: usize) -> Option<Sweep> {
        if let Hangs::Beginnings(sweep) = self.hangs() {
            return Some(sweep);
        }
        let mut known = luhn::SWEEPS.iter().chain(repetition::SWEEPS);
        let known = known.find(|(name, _)| longest > NUMBER_LEN && *name == self.name);
        known.map(|(_, sweep)| *sweep)
    }

    /// What tells before a match is looked for that none will pass.
    pub(in crate::detect) fn opening(&self) -> Option<Opening> {
        let known = secret::OPENS.iter().chain(payment::OPENS).find(|(name, _)| *name == self.name);
        known.map(|(_, opening)| *opening)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(name: &str) -> &'static Check {
        Check::named(name).unwrap()
    }

    #[test]
    fn whatever_hangs_on_a_part_is_a_check() {
        for (name, hangs) in mail::HANGS.iter().chain(secret::HANGS) {
            let same = std::mem::discriminant(&check(name).hangs()) == std::mem::discriminant(hangs);
            assert!(same, "{name}");
        }
        assert!(matches!(check("luhn").hangs(), Hangs::Whole));
    }

    proptest! {
        #[test]
        fn one_side_of_the_mark_tells(
            a in "[a-z.%+git]{0,12}", b in "[a-z.%+git]{0,12}",
            c in "[a-z.@%40-]{0,9}(com|de|zip|x)?", d in "[a-z.@%40-]{0,9}(com|de|zip|x)?",
        ) {
            for name in ["domain", "mailbox"] {
                let check = check(name);
                let verdict = |before: &str, behind: &str| (check.passes)(format!("{before}@{behind}").as_bytes());
                match check.hangs() {
                    Hangs::BehindMark => prop_assert_eq!(verdict(&a, &c), verdict(&b, &c)),
                    Hangs::BeforeMark => prop_assert_eq!(verdict(&a, &c), verdict(&a, &d)),
                    Hangs::Whole | Hangs::Beginnings(_) => unreachable!(),
                }
            }
        }

        #[test]
        fn what_opens_nothing_begins_nothing_that_passes(
            card in "4[0-9]{3}|[2-6]", before in proptest::sample::select(vec!["4242 4242 4242 4242", "3782-822463-10005", "5555555555554444", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi"]),
            rest in "[0-9 .a-z]{0,20}",
        ) {
            let check = |name| (check(name).passes, check(name).opening().unwrap());
            for (passes, opens) in ["published-test-card", "jwt"].map(check) {
                for text in [format!("{before}{rest}"), format!("{card}{before}"), format!("{card}{rest}")] {
                    let text = text.as_bytes();
                    let any = (1..=text.len()).any(|end| passes(&text[..end]));
                    prop_assert!(opens(text) || !any);
                }
            }
        }

        #[test]
        fn one_reading_judges_every_length_of_a_number(
            text in "[0-9]{0,90}|[0-9 a-]{0,60}|1{0,80}[0-9]{0,3}|[1-5 ]{0,40}[0-9]|(0123456789){0,6}[0-9]{0,2}|-?(9876543210){0,6}[0-9]?|(aA-){0,20}b?",
        ) {
            for (name, sweep) in luhn::SWEEPS.iter().chain(repetition::SWEEPS) {
                let lengths = sweep(text.as_bytes());
                for end in 1..=text.len() {
                    let passes = (check(name).passes)(&text.as_bytes()[..end]);
                    prop_assert_eq!(lengths.holds(end), passes, "{} {}", name, end);
                }
            }
        }

        #[test]
        fn one_reading_judges_every_beginning(
            text in "(eyJhbGciOiJIUzI1NiJ9|eyJ[a-zA-Z0-9]{0,8}|[a-z*]{0,3})(\\.(eyJ)?[A-Za-z0-9*.]{0,24}){0,2}|\
                (OnA6|dTpwYXNz|[a-zA-Z0-9+/]{0,3})(OmFiYzox|[a-zA-Z0-9+/]){0,9}={0,3}[a-z=]{0,5}|changeme[a-z]{0,3}|[x*]{0,2}[-_]{0,3}[x*a<]{0,9}|(your-|pass)?[a-zA-Z0-9$_*<{.]{0,40}|(ab1|a|1){0,60}2b.{0,20}",
        ) {
            let long = format!("{}{text}", "dTpwYXNz".repeat(42));
            for ((name, hangs), text) in secret::HANGS.iter().flat_map(|hangs| [(hangs, &text), (hangs, &long)]) {
                let (check, Hangs::Beginnings(sweep)) = (check(name), hangs) else { unreachable!() };
                let lengths = sweep(text.as_bytes());
                let opens = check.opening().is_none_or(|opens| opens(text.as_bytes()));
                prop_assert!(opens || lengths.is_empty(), "{}", name);
                for end in 1..=text.len() {
                    let passes = (check.passes)(&text.as_bytes()[..end]);
                    prop_assert_eq!(lengths.holds(end), passes, "{} {}", name, end);
                }
            }
        }
    }
}
