//! What a check's verdict hangs on, where that is less than the whole value: what was judged once need not be judged again
//! for another beginning or another end.

use super::{Check, mail, secret};

/// The part of a value that a verdict hangs on.
#[derive(Clone, Copy, Debug)]
pub(in crate::detect) enum Hangs {
    Whole,
    /// What stands before the first `@`, or behind it.
    BeforeMark,
    BehindMark,
    /// The first bytes: of a value that is refused, so many tell that whatever begins with them is; more than it has
    /// where that is not told.
    Beginning(fn(&[u8]) -> usize),
}

impl Check {
    pub(in crate::detect) fn hangs(&self) -> Hangs {
        let known = mail::HANGS.iter().chain(secret::HANGS).find(|(name, _)| *name == self.name);
        known.map_or(Hangs::Whole, |(_, hangs)| *hangs)
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
                    Hangs::Whole | Hangs::Beginning(_) => unreachable!(),
                }
            }
        }

        #[test]
        fn a_refused_beginning_refuses_whatever_begins_so(
            text in "(eyJhbGciOiJIUzI1NiJ9|eyJ[a-zA-Z0-9]{0,8}|[a-z*]{0,3})(\\.(eyJ)?[A-Za-z0-9*.]{0,24}){0,2}",
            more in "[A-Za-z0-9.*]{0,24}",
        ) {
            let check = check("jwt");
            let Hangs::Beginning(enough) = check.hangs() else { unreachable!() };
            if !(check.passes)(text.as_bytes()) {
                let (enough, whole) = (enough(text.as_bytes()), format!("{text}{more}"));
                if enough > text.len() {
                    return Ok(());
                }
                for end in enough..=whole.len() {
                    prop_assert!(!(check.passes)(&whole.as_bytes()[..end]), "{enough}: {}", &whole[..end]);
                }
            }
        }
    }
}
