//! What a misspelled word was probably meant to be.

/// The candidate nearest to `word`, when it is near enough to be worth saying.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let reach = (word.len() / 3).max(1);
    candidates
        .map(|candidate| (strsim::osa_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= reach)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The end of a complaint: `; did you mean ...`, or nothing.
pub(super) fn hint<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |candidate| format!("; did you mean `{candidate}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_near_words_are_suggested() {
        let words = || ["payment.pan", "payment.iban", "contact.email"].into_iter();
        assert_eq!(nearest("payment.pna", words()), Some("payment.pan"));
        assert_eq!(nearest("contact.mail", words()), Some("contact.email"));
        assert_eq!(nearest("zebra", words()), None);
        assert_eq!(hint("payment.pna", words()), "; did you mean `payment.pan`");
        assert_eq!(hint("zebra", words()), "");
    }
}
