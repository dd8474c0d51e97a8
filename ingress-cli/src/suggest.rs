//! What somebody meant who wrote something else.

/// The one of `known` that is most like `word`, if one is at all.
pub(crate) fn closest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // A slip is a letter too many, or two in the wrong order; a long word may have more of them. Hosts
    // of one domain are alike without being slips of each other.
    let limit = (word.chars().count() / 5).max(1);
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&word, &known.to_lowercase()), known))
        .filter(|(distance, _)| *distance <= limit)
        // Of equals the first.
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// The question that goes with it; empty when nothing is alike.
pub(crate) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    closest(word, known).map(|known| format!("; did you mean {known:?}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_told_from_other_words() {
        let keys = ["request", "expect", "because"];
        for (slip, meant) in [("requst", "request"), ("Expect", "expect"), ("becuase", "because")] {
            assert_eq!(closest(slip, keys), Some(meant), "{slip}");
        }
        assert_eq!(closest("none.example.com", ["shop.example.com"]), None);
        assert_eq!(closest("shpo.exampl.com", ["shop.example.com"]), Some("shop.example.com"));
        for other in ["", "name", "why"] {
            assert_eq!(closest(other, keys), None, "{other}");
        }
        assert_eq!(did_you_mean("expct", keys), "; did you mean \"expect\"?");
        assert_eq!(did_you_mean("x", keys), "");
    }
}
