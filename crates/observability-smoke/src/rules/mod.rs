//! Rules as they are written: pure, without disk, network or clock.
//!
//! * [`manifest`]: Prometheus rule files and PrometheusRule manifests.
//! * [`refusal`]: what Prometheus refuses of them although the YAML is good.
//! * [`unit_test`]: promtool's unit-test files.
//! * [`expected`]: what a case of one says of several rules of one name.
//! * [`expression`]: what a PromQL expression selects.
//! * [`version`]: which expressions not every Prometheus takes.
//! * [`duration`]: durations as Prometheus writes them.

pub(crate) mod duration;
pub(crate) mod expected;
pub(crate) mod expression;
pub(crate) mod manifest;
pub(crate) mod refusal;
pub(crate) mod unit_test;
pub(crate) mod version;
