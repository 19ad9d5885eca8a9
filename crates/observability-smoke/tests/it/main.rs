//! The command as its user meets it, against real servers.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod conformance;
mod documentation;
mod drill;
mod ingestion;
mod metrics;
mod rules;
mod run;
mod support;
