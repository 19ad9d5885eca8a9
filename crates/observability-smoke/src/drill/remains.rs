//! What a killed drill leaves behind elsewhere, as the journal has it, and how `sweep` undoes it.

use serde::{Deserialize, Serialize};

use super::{hooks::LeftFault, live::remains::LeftSeries, real::remains::LeftAlerts};

/// Something that outlives a killed drill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Remnant {
    /// A fault that a command caused.
    Fault(LeftFault),
    /// Alerts that were posted.
    Alerts(LeftAlerts),
    /// Series that were exposed to a real Prometheus.
    Series(LeftSeries),
}

/// How an entry of the journal begins; what follows is JSON.
const MARK: &str = "left by an alert drill: ";

impl Remnant {
    /// As the journal has it.
    #[must_use]
    pub(crate) fn journaled(&self) -> String {
        format!("{MARK}{}", serde_json::to_string(self).unwrap_or_default())
    }

    /// What an entry of the journal says, where it is one of ours.
    #[must_use]
    pub(crate) fn read(entry: &str) -> Option<Self> {
        serde_json::from_str(entry.strip_prefix(MARK)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_journaled_is_read_back_and_nothing_else() {
        let fault = LeftFault { alert: "A".into(), end: vec!["systemctl".into(), "start".into()] };
        let left = Remnant::Fault(fault);
        assert_eq!(Remnant::read(&left.journaled()), Some(left));
        assert_eq!(Remnant::read("a database of another tool"), None);
    }
}
