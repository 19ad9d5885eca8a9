//! For every objective that is missed, a note of the risk that its owner completes. Pure, but for [`add`].

use evidence_report::{
    document::notes::Template,
    record::{Check, Finding, Outcome},
    run::Run,
};

use crate::checks::{
    POLICY_ARCHIVE, POLICY_DROP, POLICY_FOUND, POLICY_INTERVAL, POLICY_NEWEST, POLICY_REDUNDANCY,
    POLICY_RETENTION, POLICY_SIZE, RECOVERY_CANARY, RECOVERY_DATA_LOSS, RECOVERY_EXPOSURE, RECOVERY_TIME,
    RESTORE_ASSERTIONS,
};

/// What is agreed upon with somebody, so that somebody has to carry the risk when it is missed.
const OBJECTIVES: [(&Check, &str); 13] = [
    (&RECOVERY_TIME, "a recovery takes longer than was agreed"),
    (&RECOVERY_DATA_LOSS, "more is lost at an incident than was agreed"),
    (&RECOVERY_CANARY, "more is lost at an incident than was agreed"),
    (&RECOVERY_EXPOSURE, "more may be lost at an incident than was agreed"),
    (&RESTORE_ASSERTIONS, "the restored data does not hold what the application relies on"),
    (&POLICY_FOUND, "there is no backup to recover from"),
    (&POLICY_NEWEST, "the newest backup is older than was agreed"),
    (&POLICY_INTERVAL, "backups are missing in the schedule"),
    (&POLICY_SIZE, "the newest backup may not hold everything"),
    (&POLICY_DROP, "the newest backup may not hold everything"),
    (&POLICY_REDUNDANCY, "one bad backup leaves fewer others than was agreed"),
    (&POLICY_RETENTION, "what was damaged long ago cannot be recovered"),
    (&POLICY_ARCHIVE, "changes after the backup cannot be recovered"),
];

/// Proposes a note for every missed objective among these.
pub(crate) fn add(run: &Run, findings: &[Finding]) {
    let day = run.started().strftime("%Y-%m-%d").to_string();
    findings.iter().filter_map(|finding| note(finding, &day)).for_each(|note| run.propose_note(note));
}

/// The template for one missed objective. Its heading holds no figure, so that a note that somebody completed is
/// not proposed anew at the next run.
fn note(finding: &Finding, day: &str) -> Option<Template> {
    let missed = finding.outcome == Outcome::Failed;
    let (check, risk) = OBJECTIVES.iter().find(|(check, _)| missed && check.id == finding.check.id)?;
    Some(Template {
        heading: format!("Risk note: {}, {}", check.id, finding.subject),
        points: vec![
            format!(
                "Missed: {}. Agreed: {}. Seen on {day}: {}.",
                check.title, finding.expected, finding.observed
            ),
            format!("Risk: {risk}."),
            "What it would cost: …".to_owned(),
            "Accepted by, and until which day: …".to_owned(),
            "What will be done, by whom, by when: …".to_owned(),
            format!("Proposed: {}", finding.remedy),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::RESTORE_CONTENT;

    #[test]
    fn a_missed_objective_has_a_note_and_nothing_else_has() {
        let missed = RECOVERY_TIME.failed("recovery").expected("at most 15 min").observed("20 min");
        let proposed = note(&missed, "2026-03-01").unwrap();
        assert_eq!(proposed.heading, "Risk note: recovery.time, recovery");
        let said = proposed.points.join("\n");
        for part in ["Agreed: at most 15 min", "Seen on 2026-03-01: 20 min", "Accepted by"] {
            assert!(said.contains(part), "{said}");
        }
        assert_eq!(note(&RECOVERY_TIME.passed("recovery"), ""), None);
        assert_eq!(note(&RESTORE_CONTENT.failed("shop.orders"), ""), None);
    }
}
