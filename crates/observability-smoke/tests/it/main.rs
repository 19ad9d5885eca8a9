//! The command as its user meets it, against real servers.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod conformance;
mod documentation;
mod drill;
mod drill_many;
mod drill_real;
mod ingestion;
mod metrics;
mod run;
mod self_test;
mod support;
