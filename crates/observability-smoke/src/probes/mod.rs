//! Asks services and `/metrics` endpoints, and judges what they answer. The judging is pure.

pub(crate) mod http;
pub(crate) mod metrics;
pub(crate) mod reading;
