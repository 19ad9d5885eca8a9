//! The servers that faults are made in, and what stands between them and a rehearsal.

mod database;
mod proxy;
mod server;
mod task;

pub use database::Database;
pub(super) use proxy::{Proxy, Then};
pub(super) use server::Server;
pub use task::Task;
