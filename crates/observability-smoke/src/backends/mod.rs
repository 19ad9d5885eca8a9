//! Asks Prometheus and Alertmanager, and judges what they say about themselves.

pub(crate) mod alertmanager;
mod health;
pub(crate) mod prometheus;
pub(crate) mod prometheus_api;
mod rule_drift;
