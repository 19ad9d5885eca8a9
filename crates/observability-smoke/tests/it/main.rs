//! The command as its user meets it, against real servers.

mod conformance;
mod drill;
mod ingestion;
mod metrics;
mod run;
mod support;
