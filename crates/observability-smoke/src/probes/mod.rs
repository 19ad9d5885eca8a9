//! Asks services and `/metrics` endpoints, and judges what they answer. The judging is pure.

mod answer;
pub(crate) mod checks;
pub(crate) mod flow;
pub(crate) mod http;
mod json;
pub(crate) mod metrics;
mod nodes;
pub(crate) mod reading;
pub(crate) mod tcp;
pub(crate) mod websocket;
