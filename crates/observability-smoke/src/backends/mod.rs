//! Asks monitoring servers about themselves, and judges what they say. The judging is pure.

pub(crate) mod prometheus;
pub(crate) mod prometheus_api;
