//! "Did you mean": the declared name that was probably meant.

/// A name longer than this is no slip of the finger, and comparing it would cost time.
const LONGEST: usize = 256;

/// The candidate closest to `name`, if any is close: at most a third of its letters differ, or one begins with the
/// other. Among equally close ones the first wins. Case does not count.
pub fn closest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    if wanted.len() > LONGEST {
        return None;
    }
    let scored = candidates.filter_map(|candidate| Some((distance(&wanted, &candidate.to_lowercase())?, candidate)));
    // `min_by_key` keeps the first of equal ones.
    scored.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// How far apart two names are, or nothing when one is unlikely to be meant by the other. A single slip is nearer
/// than a name cut short, which is nearer than two slips.
fn distance(wanted: &str, candidate: &str) -> Option<usize> {
    const CUT_SHORT: usize = 3;
    let (wanted_len, candidate_len) = (wanted.chars().count(), candidate.chars().count());
    let shorter = wanted_len.min(candidate_len);
    let allowed = wanted_len.max(candidate_len) / 3;
    let cut = shorter >= 2 && (candidate.starts_with(wanted) || wanted.starts_with(candidate));
    let edits = (wanted_len.abs_diff(candidate_len) <= allowed && candidate_len <= LONGEST)
        .then(|| strsim::damerau_levenshtein(wanted, candidate))
        .filter(|edits| *edits <= allowed)
        .map(|edits| edits * 2);
    match (edits, cut) {
        (Some(edits), true) => Some(edits.min(CUT_SHORT)),
        (Some(edits), false) => Some(edits),
        (None, true) => Some(CUT_SHORT),
        (None, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, candidates: &[&str], expected: Option<&str>) {
        assert_eq!(closest(name, candidates.iter().copied()), expected);
    }

    #[test]
    fn finds_slips_of_the_finger() {
        check("fronted", &["backend", "frontend"], Some("frontend"));
        check("databsae", &["database", "data"], Some("database"));
        check("Frontend", &["frontends", "frontend"], Some("frontend"));
        check("monitorng", &["production", "monitoring"], Some("monitoring"));
    }

    #[test]
    fn finds_names_that_were_cut_short_or_grew() {
        check("front", &["backend", "frontend"], Some("frontend"));
        check("postgresql", &["postgres"], Some("postgres"));
        // One slip is nearer than a cut, a cut is nearer than two slips.
        check("prod", &["production", "prob"], Some("prob"));
        check("worker", &["warkor", "worker-small-batches"], Some("worker-small-batches"));
    }

    #[test]
    fn is_silent_when_nothing_is_close() {
        check("a", &["b", "c"], None);
        check("db", &["bd"], None);
        check("frontend", &["database", "queue"], None);
        check(&"x".repeat(300), &["x"], None);
        check("name", &[], None);
    }

    #[test]
    fn takes_the_first_of_equally_close_ones() {
        check("web-3", &["web-2", "web-1"], Some("web-2"));
        check("web-3", &["web-1", "web-2"], Some("web-1"));
    }
}
