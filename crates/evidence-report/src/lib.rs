//! One record, one evidence file that a person reads in twenty seconds and a machine verifies.
//!
//! The way of the data, the same in every tool:
//! *flags and config → Plan → observe (I/O) → assess (pure) → [`record`] → publish.*
//!
//! * [`record`]: what a run saw: verdicts, checks, findings, measurements, the timeline, and the one wire
//!   type [`record::v1`].
//! * [`document`]: the evidence file: rendered from the record, sealed, read back, verified.
//! * [`history`]: the chain of runs beside the evidence: what was replaced since, and what cannot be turned.
//! * [`formats`]: the other outputs, one a file.
//! * [`run`]: the paved path of every tool: flags, stop, children, journal, lock, sweep, progress, publish.
//! * [`self_test`]: what the self-tests of the tools have in common.
//! * `command` (feature `command`): the `evidence-report` command: verify, the tracker's check, the launch gate.
//!
//! This crate knows no tool: the arrows go from the tools to here, never back.

pub mod document;
pub mod formats;
pub mod history;
pub mod record;
pub mod run;
pub mod self_test;

#[cfg(feature = "command")]
pub mod command;
