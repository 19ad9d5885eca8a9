//! Names that Prometheus keeps for series of its own, which it adds to each target at each scrape.

use super::{
    problem::{Problems, Rule},
    sample::Sample,
};

/// Series that Prometheus makes itself for each target that it scrapes.
pub(crate) const OF_EVERY_TARGET: [&str; 5] = [
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
];

/// A sample of such a name, and without a label that sets it apart, takes the place of Prometheus' own.
pub(super) fn look(sample: &Sample<'_>, problems: &mut Problems) {
    if OF_EVERY_TARGET.contains(&sample.name) && sample.labels().all(|(_, value)| value.is_empty()) {
        let message = "Prometheus adds a series of this name to each target, and this sample takes its place";
        problems.add_to_sample(sample, Rule::ReservedName, message);
    }
}
