//! Least, median and greatest of what was measured several times. Pure.

use std::fmt;

use super::seconds;

/// Several times of one thing, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    /// The least.
    pub(crate) least: f64,
    /// The middle one; of an even number the mean of the two in the middle.
    pub(crate) median: f64,
    /// The greatest.
    pub(crate) greatest: f64,
    /// How many.
    pub(crate) count: usize,
}

impl Spread {
    /// Of these; `None` where there are none.
    #[must_use]
    pub(crate) fn of(times: impl Iterator<Item = f64>) -> Option<Self> {
        let mut times: Vec<f64> = times.collect();
        times.sort_by(f64::total_cmp);
        let (least, greatest) = (*times.first()?, *times.last()?);
        let middle = times.len() / 2;
        let median = if times.len().is_multiple_of(2) {
            f64::midpoint(times[middle - 1], times[middle])
        } else {
            times[middle]
        };
        Some(Self { least, median, greatest, count: times.len() })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.count == 1 {
            return f.write_str(&seconds(self.greatest));
        }
        let (least, median, greatest) = (seconds(self.least), seconds(self.median), seconds(self.greatest));
        write!(f, "{least} to {greatest}, median {median}, in {} trials", self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let of = |times: &[f64]| Spread::of(times.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[2.0]).unwrap().to_string(), "2 s");
        assert_eq!(of(&[3.0, 1.0, 2.0]).unwrap().median, 2.0);
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]).unwrap().to_string(), "1 s to 4 s, median 2.5 s, in 4 trials");
    }
}
