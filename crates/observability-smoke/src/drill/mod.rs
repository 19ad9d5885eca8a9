//! The drill: from a fault to the notification received, stage by stage.

pub mod checks;

/// A drill that could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {}
