//! The process groups of a run's children.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use rustix::process::{Pid, Signal, kill_process_group};

/// The process groups that are alive, so that a second signal can end them at once.
#[derive(Debug, Clone, Default)]
pub(in crate::run) struct Groups(Arc<Mutex<BTreeSet<i32>>>);

impl Groups {
    pub(super) fn add(&self, group: Pid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(group.as_raw_nonzero().get());
    }

    pub(super) fn remove(&self, group: Pid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&group.as_raw_nonzero().get());
    }

    pub(in crate::run) fn kill_all(&self) {
        for &group in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(group) = Pid::from_raw(group) {
                let _ = kill_process_group(group, Signal::KILL);
            }
        }
    }
}
