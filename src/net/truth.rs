//! Whether something is so, where not everything is known.

/// Whether something is so. Sorted by how sure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Truth {
    /// It is not.
    #[default]
    No,
    /// It depends on what is not known.
    Maybe,
    /// It is.
    Yes,
}

impl Truth {
    /// Whether both are so, which have nothing to do with each other.
    #[must_use]
    pub fn and(self, other: Truth) -> Truth {
        self.min(other)
    }

    /// Whether one of both is so, which have nothing to do with each other.
    #[must_use]
    pub fn or(self, other: Truth) -> Truth {
        self.max(other)
    }

    /// Whether it may be so.
    pub fn is_possible(self) -> bool {
        self != Truth::No
    }
}

impl From<bool> for Truth {
    fn from(is_so: bool) -> Self {
        if is_so { Truth::Yes } else { Truth::No }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{self, Maybe, No, Yes};

    const ALL: [Truth; 3] = [No, Maybe, Yes];

    /// The ways in which something can turn out.
    fn outcomes(truth: Truth) -> &'static [bool] {
        match truth {
            No => &[false],
            Maybe => &[false, true],
            Yes => &[true],
        }
    }

    fn is_exact(combined: Truth, one: Truth, other: Truth, how: impl Fn(bool, bool) -> bool) {
        let mut seen: Vec<bool> =
            outcomes(one).iter().flat_map(|a| outcomes(other).iter().map(|b| how(*a, *b))).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, outcomes(combined), "{one:?} {other:?}");
    }

    #[test]
    fn both_and_either_are_what_every_outcome_says() {
        for one in ALL {
            for other in ALL {
                is_exact(one.and(other), one, other, |a, b| a && b);
                is_exact(one.or(other), one, other, |a, b| a || b);
            }
            assert_eq!(one.is_possible(), outcomes(one).contains(&true));
        }
        assert_eq!([false, true].map(Truth::from), [No, Yes]);
    }
}
