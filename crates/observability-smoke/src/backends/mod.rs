//! Asks Prometheus and Alertmanager, and judges what they say about themselves.

pub(crate) mod alertmanager;
pub(crate) mod alertmanager_api;
pub(crate) mod health;
pub(crate) mod prometheus;
pub(crate) mod prometheus_api;
pub(crate) mod rule_drift;
mod silences;
