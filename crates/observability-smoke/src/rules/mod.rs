//! Rules as they are written: pure, without disk, network or clock.
//!
//! * [`manifest`]: Prometheus rule files and PrometheusRule manifests.
//! * [`unit_test`]: promtool's unit-test files.
//! * [`expression`]: what a PromQL expression selects.
//! * [`duration`]: durations as Prometheus writes them.

pub(crate) mod duration;
pub(crate) mod expression;
pub(crate) mod manifest;
pub(crate) mod unit_test;
