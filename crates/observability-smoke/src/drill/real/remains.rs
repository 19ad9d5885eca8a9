//! Alerts that a killed drill left in a real Alertmanager. They end by themselves within a minute; `sweep` ends
//! them at once.

use serde::{Deserialize, Serialize};

use crate::alertmanager::Labels;

/// Alerts that were posted, as the journal has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftAlerts {
    /// The addresses of the peers.
    pub(crate) peers: Vec<String>,
    /// The labels of each alert.
    pub(crate) alerts: Vec<Labels>,
}
