//! The servers that faults are made in, and what stands between them and a rehearsal.

mod database;
mod history;
mod proxy;
mod repository;
mod server;
mod stand_in;
mod task;

pub use database::Database;
pub(super) use history::{DATABASE as HISTORY, History, Kept, RESTORE_POINT, base_backup};
pub(super) use proxy::{Proxy, Then};
pub(super) use repository::{Repository, Stored, Tool};
pub(super) use server::{Kind, Server};
pub use stand_in::stand_in;
pub use task::Task;
