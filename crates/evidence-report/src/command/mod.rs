//! The `evidence-report` command.
