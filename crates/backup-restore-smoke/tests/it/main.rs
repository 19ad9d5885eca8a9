//! The tool against real PostgreSQL servers: every claim of its heading is proven by a fault injected.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod assertions;
mod canary;
mod cluster;
mod compare;
mod connections;
mod content;
mod dump_faults;
mod dumps;
mod every_type;
mod fingerprints;
mod forecast;
mod foreign_scripts;
mod harmless;
mod large_objects;
mod majors;
mod memory;
mod mutations;
mod physical;
mod physical_content;
mod physical_faults;
mod physical_harmless;
mod physical_increments;
mod physical_killed;
mod physical_majors;
mod physical_reach;
mod physical_standby;
mod physical_timelines;
mod policy;
mod policy_tools;
mod progress;
mod repositories;
mod rows;
mod scheduling;
mod self_test;
mod source_safety;
mod spared_source;
mod stopping;
mod strict_umask;
mod target;
mod target_rights;
mod terminal;
mod tool;
mod usage;
mod withheld;
