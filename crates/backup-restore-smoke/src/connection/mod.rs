//! What libpq would resolve, resolved once: for our own client and for the `pg_*` children.
//!
//! Nobody outside this folder reads PG* variables, service or password files, or sees a password.

mod ambient;
mod bounded;
mod conninfo;
mod error;
mod handover;
mod keywords;
mod passfile;
mod resolved;
mod service;
mod session;
mod tls;

pub(crate) use ambient::Ambient;
pub(crate) use bounded::connect_bounded;
pub(crate) use error::ConnectionError;
pub(crate) use handover::{Handover, quoted, without_ambient};
pub(crate) use resolved::{Endpoint, Resolved, resolve};
pub(crate) use session::{ConnectFailure, QueryFailure, Row, Session, connect};
