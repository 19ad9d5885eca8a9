//! Throw-away clusters: where they are put, how they are kept apart, and that nothing of them stays.

mod adoption;
mod cluster;
mod containment;
mod first_write;
mod folder;
mod guard;
mod isolation;
mod place;
mod quiet;
mod recovering;
mod roles;
mod room;
mod server_log;
mod settings;
mod sockets;

pub(crate) use adoption::{Missing, disarm, gather_wal, link_tablespaces, own_wal_folder, rewrite_map};
pub(crate) use cluster::{Cluster, ClusterSpec};
pub(crate) use containment::{judge as judge_containment, leaks, leaks_at_first};
pub(crate) use first_write::{Attempt, first_committed_write};
pub(crate) use folder::{folder_bytes, make_private};
pub(crate) use isolation::{Isolation, SHUT};
pub(crate) use place::Place;
pub(crate) use quiet::of_role as quiet_role;
pub(crate) use recovering::{own_configuration, settings as recovery_settings};
pub(crate) use roles::{Role, create_roles};
pub(crate) use room::Room;
