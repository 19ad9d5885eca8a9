//! The good settings and their faults, a file for each part of the tool. A new fault: a line in its file's table.

mod alertmanager;
mod drill;
mod exposition;
mod join;
mod openmetrics;
mod prometheus;
mod rules;
mod rules_setting;
mod scrape;
mod services;

use super::{
    fault::{Fault, Setting},
    proof::Case,
};

/// Good settings, and the faults that are made of them.
type Part = (&'static [&'static Setting], &'static [Fault]);

/// All of them. Those that take longest come first, so that they run while the others do.
static PARTS: [Part; 9] = [
    (drill::SETTINGS, drill::FAULTS),
    (services::SETTINGS, services::FAULTS),
    (rules_setting::SETTINGS, rules::FAULTS),
    (join::SETTINGS, join::FAULTS),
    (exposition::SETTINGS, exposition::FAULTS),
    (openmetrics::SETTINGS, openmetrics::FAULTS),
    (scrape::SETTINGS, scrape::FAULTS),
    (prometheus::SETTINGS, prometheus::FAULTS),
    (alertmanager::SETTINGS, alertmanager::FAULTS),
];

/// Every setting as it is, followed by the faults.
pub(super) fn cases() -> impl Iterator<Item = Case> {
    PARTS.iter().flat_map(|(settings, faults)| {
        settings.iter().map(|setting| Case::Sound(setting)).chain(faults.iter().map(Case::Broken))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::checks::TOOL;

    /// What no fault of a setting can prove: waivers are the user's own, `join.alert` is what a good alert comes to,
    /// and these of the drill are about our own environment, or need a real fault, or a Prometheus or an Alertmanager that is not ours (`tests/it/drill_live.rs` breaks those),
    /// or several Alertmanagers (`tests/it/drill_outages.rs`), or a promtool that contradicts (`tests/it/drill_replay.rs`).
    const NOT_BROKEN: [&str; 20] = [
        "run.waiver",
        "join.alert",
        "drill.stack",
        "drill.level",
        "drill.as_written",
        "drill.left_out",
        "drill.fence",
        "drill.alertmanager",
        "drill.real_route",
        "drill.prometheus",
        "drill.scrape_job",
        "drill.rule_loaded",
        "drill.mixing",
        "drill.duration",
        "drill.ended",
        "alert.fault_ended",
        "alert.once",
        "drill.replay_agrees",
        "alert.notified",
        "alert.predicted_delay",
    ];

    #[test]
    fn every_check_of_the_tool_catches_a_fault() {
        let proven: BTreeSet<_> =
            PARTS.iter().flat_map(|(_, faults)| *faults).map(|fault| fault.proves.id).collect();
        let without: Vec<_> = TOOL
            .checks
            .iter()
            .map(|check| check.id)
            .filter(|id| !proven.contains(id) && !NOT_BROKEN.contains(id))
            .collect();
        assert!(without.is_empty(), "no fault proves {without:?}");
    }

    #[test]
    fn what_is_exchanged_stands_in_the_setting() {
        for (settings, fault) in
            PARTS.iter().flat_map(|(all, faults)| faults.iter().map(move |one| (all, one)))
        {
            let proven = settings.iter().any(|setting| std::ptr::eq(*setting, fault.setting));
            assert!(proven, "{}: its setting is not shown to be sound", fault.title);
            for (file, from, to) in fault.breaks {
                let stands =
                    fault.setting.files.iter().any(|(name, text)| name == file && text.contains(from));
                assert!(stands && from != to, "{}: {file} holds no {from:?}", fault.title);
            }
            assert!(!fault.breaks.is_empty() || !fault.lies.is_empty(), "{}", fault.title);
        }
    }
}
