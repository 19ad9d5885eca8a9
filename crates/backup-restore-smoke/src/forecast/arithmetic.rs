//! From measured recoveries to one of another size. Pure arithmetic: what grows with the bytes is scaled, what
//! does not (making a cluster, starting it) is added as it was.

use std::time::Duration;

/// One measured recovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Size of the database.
    pub(crate) bytes: u64,
    /// The whole recovery time.
    pub(crate) recovery: Duration,
    /// The part of it that grows with the size.
    pub(crate) scaling: Duration,
}

/// A forecast, with its range.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Forecast {
    /// With the best throughput that was seen, kept.
    pub(crate) shortest: Duration,
    /// With the worst, which falls with the size where indexes are made.
    pub(crate) longest: Duration,
    /// Bytes a second, worst and best.
    pub(crate) throughput: (u64, u64),
    /// By how much the size is larger than the largest that was measured.
    pub(crate) factor: f64,
    /// From so many recoveries.
    pub(crate) samples: usize,
}

/// What becomes of the time when a database is larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    /// Files are copied: as the bytes.
    Copied,
    /// Indexes are made, whose rows are sorted: at the worst as n log n.
    Sorted,
}

/// Scales the samples to this size; `None` where none of them took any time.
#[expect(clippy::cast_precision_loss, reason = "a forecast is rougher than a double")]
pub(crate) fn forecast(bytes: u64, samples: &[Sample], growth: Growth) -> Option<Forecast> {
    let usable: Vec<_> = samples
        .iter()
        .filter(|one| one.bytes > 0 && !one.scaling.is_zero() && one.recovery >= one.scaling)
        .collect();
    let sorting = |one: &Sample| match growth {
        Growth::Copied => 1.0,
        // Never less than as the bytes; the logarithm of a byte alone would be zero.
        Growth::Sorted => ((bytes as f64).max(2.0).ln() / (one.bytes as f64).max(2.0).ln()).max(1.0),
    };
    let time = |one: &Sample, slower: f64| {
        let scaled = slower * one.scaling.as_secs_f64() * bytes as f64 / one.bytes as f64;
        let fixed = (one.recovery - one.scaling).as_secs_f64();
        // A few thousand years are enough.
        Duration::from_secs_f64((scaled + fixed).min(1e11))
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number of bytes")]
    let throughput = |one: &&Sample| (one.bytes as f64 / one.scaling.as_secs_f64()) as u64;
    let largest = usable.iter().map(|one| one.bytes).max()?;
    Some(Forecast {
        shortest: usable.iter().map(|one| time(one, 1.0)).min()?,
        longest: usable.iter().map(|one| time(one, sorting(one))).max()?,
        throughput: (usable.iter().map(throughput).min()?, usable.iter().map(throughput).max()?),
        factor: bytes as f64 / largest as f64,
        samples: usable.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1_000_000_000;

    fn sample(bytes: u64, recovery: u64, scaling: u64) -> Sample {
        let seconds = Duration::from_secs;
        Sample { bytes, recovery: seconds(recovery), scaling: seconds(scaling) }
    }

    #[test]
    fn only_what_grows_is_scaled_and_the_range_is_that_of_the_throughputs() {
        let made = forecast(100 * GB, &[sample(GB, 15, 10), sample(2 * GB, 45, 40)], Growth::Copied).unwrap();
        assert_eq!((made.shortest, made.longest), (Duration::from_secs(1005), Duration::from_secs(2005)));
        assert_eq!(made.throughput, (50_000_000, 100_000_000));
        assert!((made.factor - 50.0).abs() < 1e-9 && made.samples == 2, "{made:?}");
    }

    #[test]
    fn one_sample_has_the_range_of_sorting_alone_and_no_sample_no_forecast() {
        let made = forecast(1000 * GB, &[sample(GB, 15, 10)], Growth::Sorted).unwrap();
        assert_eq!((made.shortest.as_secs(), made.longest.as_secs()), (10_005, 13_338));
        let made = forecast(GB / 2, &[sample(GB, 15, 10)], Growth::Sorted).unwrap();
        assert_eq!((made.shortest, made.longest), (Duration::from_secs(10), Duration::from_secs(10)));
        assert_eq!(forecast(GB, &[], Growth::Sorted), None);
        assert_eq!(
            forecast(GB, &[sample(0, 1, 1), sample(GB, 1, 0), sample(GB, 1, 2)], Growth::Copied),
            None
        );
    }

    proptest::proptest! {
        #[test]
        fn a_larger_size_never_takes_less(bytes in 1..u64::MAX / 2, more in 0..u64::MAX / 2, of in 1..u64::MAX, took in 1_u64..1_000_000) {
            let samples = [sample(of, took + 3, took)];
            for growth in [Growth::Copied, Growth::Sorted] {
                let (small, large) = (forecast(bytes, &samples, growth), forecast(bytes + more, &samples, growth));
                proptest::prop_assert!(small.unwrap().longest <= large.unwrap().longest);
            }
        }
    }
}
