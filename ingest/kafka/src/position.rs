//! Where a partition is read on, given what the cluster still has of it.

/// The offsets that a partition has: the first, and the one behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) first: u64,
    pub(crate) end: u64,
}

/// Where a partition is read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// Where it was left.
    Kept(u64),
    /// At its first record: those between were removed before they were read.
    Gap {
        /// The first offset there is.
        first: u64,
        /// Offsets that were not read.
        missing: u64,
    },
    /// At its first record: what was read before lies behind its end, so it is not the partition that it was.
    Renewed {
        /// The first offset there is.
        first: u64,
    },
}

impl Position {
    /// Decides for a partition that was to be read at `wanted`.
    pub(crate) fn decide(wanted: u64, extent: Extent) -> Self {
        let Extent { first, end } = extent;
        if wanted < first {
            Self::Gap { first, missing: first - wanted }
        } else if wanted > end {
            Self::Renewed { first }
        } else {
            Self::Kept(wanted)
        }
    }

    /// The offset to read at.
    pub(crate) fn offset(self) -> u64 {
        match self {
            Self::Kept(offset) => offset,
            Self::Gap { first, .. } | Self::Renewed { first } => first,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_goes_on_where_it_was_left_if_that_is_still_there() {
        let extent = Extent { first: 10, end: 20 };
        for wanted in [10, 15, 20] {
            assert_eq!(Position::decide(wanted, extent), Position::Kept(wanted));
        }
        assert_eq!(Position::decide(4, extent), Position::Gap { first: 10, missing: 6 });
        assert_eq!(Position::decide(21, extent), Position::Renewed { first: 10 });
        assert_eq!([4, 12, 21].map(|wanted| Position::decide(wanted, extent).offset()), [10, 12, 10]);
    }
}
