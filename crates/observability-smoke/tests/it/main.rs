//! The command as its user meets it, against real servers.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod alertmanager;
mod backends;
mod conformance;
mod corpus;
mod differential;
mod documentation;
mod drill;
mod drill_dead_peer;
mod drill_fault;
mod drill_interrupted;
mod drill_live;
mod drill_many;
mod drill_outages;
mod drill_real;
mod drill_reasons;
mod drill_replay;
mod drill_routes;
mod drill_stops;
mod flows;
mod ingestion;
mod metrics;
mod metrics_answers;
mod metrics_asked;
mod metrics_probes;
mod rules;
mod run;
mod self_test;
mod sockets;
mod support;
mod three;
