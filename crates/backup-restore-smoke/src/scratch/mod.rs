//! Throw-away clusters: where they are put, how they are kept apart, and that nothing of them stays.

mod cluster;
mod first_write;
mod isolation;
mod place;
mod roles;
mod room;

pub(crate) use cluster::{Cluster, ClusterSpec};
pub(crate) use first_write::{Attempt, first_committed_write};
pub(crate) use isolation::Isolation;
pub(crate) use place::Place;
pub(crate) use roles::{Role, create_roles};
pub(crate) use room::Room;
