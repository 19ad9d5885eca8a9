//! What the tests and the demonstration run against. It knows no tool, so that every tool's tests may use it.

pub mod tls_farm;
