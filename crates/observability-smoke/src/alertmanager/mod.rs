//! What an Alertmanager does with an alert, computed from its configuration alone: which receivers its labels
//! reach, when they stay silent, and which alert mutes which. Pure: no disk, no network, no clock; only time
//! zones are looked up in the system's database while a configuration is read.
//!
//! * [`configuration`]: reads the file (0.25 to 0.34), strictly where routing is decided, and blind for what
//!   receivers hold: their secrets are not even kept.
//! * [`matcher`]: `severity=~"critical|page"`, in the classic and in the UTF-8 syntax.
//! * [`route`]: the routing tree. [`inhibition`]: who mutes whom. [`time_interval`]: when nobody is told.
//!
//! It knows nothing of rules, checks and servers.

use std::collections::BTreeMap;

pub(crate) mod configuration;
#[cfg(test)]
mod differential;
pub(crate) mod inhibition;
pub(crate) mod matcher;
mod matcher_text;
mod raw;
pub(crate) mod route;
pub(crate) mod time_interval;
mod tree;

pub(crate) use configuration::Configuration;

/// The labels of an alert, `alertname` among them. A label that is missing equals an empty one.
pub(crate) type Labels = BTreeMap<String, String>;
