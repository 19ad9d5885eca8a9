//! What a killed drill leaves behind elsewhere, as the journal has it, and how `sweep` undoes it.

use evidence_report::run::Effect;
use serde::{Deserialize, Serialize};

use super::{
    hooks::{LeftFault, shown},
    live::remains::LeftSeries,
    real::remains::LeftAlerts,
};

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

impl Remnant {
    /// As the journal has it: for people, and behind that as JSON for the tool.
    #[must_use]
    pub(crate) fn journaled(&self) -> String {
        let for_the_tool = serde_json::to_string(self).unwrap_or_default();
        format!("{}{}{for_the_tool}", self.in_words(), Effect::FOR_THE_TOOL)
    }

    /// For somebody who reads it at night.
    fn in_words(&self) -> String {
        match self {
            Self::Fault(left) => format!(
                "the fault that the drill of {} caused may still be there: {} has not ended it",
                left.alert,
                shown(&left.end)
            ),
            Self::Alerts(left) => {
                let names = left.alerts.iter().filter_map(|labels| labels.get("alertname")).cloned();
                let names: Vec<String> = names.collect();
                format!(
                    "the drill alerts {} at {}, which end by themselves a minute after they were last renewed",
                    names.join(", "),
                    left.peers.join(" and ")
                )
            }
            Self::Series(left) => format!(
                "the drill alert {} in {}; its series are gone, so that it ends by itself, by {:.0} at the latest",
                left.alert, left.prometheus, left.until
            ),
        }
    }

    /// What an entry of the journal says, where it is one of ours.
    #[must_use]
    pub(crate) fn read(entry: &str) -> Option<Self> {
        serde_json::from_str(entry.split_once(Effect::FOR_THE_TOOL)?.1).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_journaled_is_read_back_and_nothing_else() {
        let fault = LeftFault { alert: "A".into(), end: vec!["systemctl".into(), "start".into()] };
        let left = Remnant::Fault(fault);
        let (people, _) = left
            .journaled()
            .split_once(Effect::FOR_THE_TOOL)
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        assert_eq!(
            people,
            "the fault that the drill of A caused may still be there: systemctl (and 1 arguments) has not ended it"
        );
        assert_eq!(Remnant::read(&left.journaled()), Some(left));
        assert_eq!(Remnant::read("a database of another tool"), None);
    }
}
