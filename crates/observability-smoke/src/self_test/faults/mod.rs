//! The faults, one a file, and what is sound. A new one: a file, its `mod` and its line in [`FAULTS`].

mod always_true;
mod failing_template;
mod mistyped_label;
mod mistyped_metric;
mod refused_rule;
mod sound;
mod unreached_threshold;

use super::fault::Fault;

/// All of them; what is sound comes first.
pub(super) static FAULTS: &[&Fault] = &[
    &sound::FAULT,
    &mistyped_label::FAULT,
    &mistyped_metric::FAULT,
    &unreached_threshold::FAULT,
    &always_true::FAULT,
    &refused_rule::FAULT,
    &failing_template::FAULT,
];
