//! What a run owes: the checks without which it is no pass, whatever became of their observation. It knows neither
//! the plan nor the observation of any tool: the tool says what follows from them.

use crate::record::{Check, Outcome, Report, Requirement, Verdict};

/// The checks that a run owes.
#[derive(Debug, Default)]
pub(super) struct Owed {
    /// By the plan.
    checks: Vec<&'static Check>,
    /// By what was seen: whoever tells of the first owes the second.
    beside: Vec<(&'static Check, &'static Check)>,
}

impl Owed {
    pub(super) fn add(&mut self, checks: impl IntoIterator<Item = &'static Check>) {
        for check in checks {
            if !self.checks.iter().any(|known| known.id == check.id) {
                self.checks.push(check);
            }
        }
    }

    pub(super) fn add_beside(
        &mut self,
        told: &'static Check,
        also: impl IntoIterator<Item = &'static Check>,
    ) {
        self.beside.extend(also.into_iter().map(|also| (told, also)));
    }

    /// Puts what is owed into the report, and says what was owed and not made where nothing else keeps the run from
    /// a pass: what does has its own reason.
    pub(super) fn settle(mut self, report: &mut Report) {
        let is_told = |told: &Check| {
            let speaks_well = |outcome| matches!(outcome, Outcome::Passed | Outcome::Warned);
            report.outcomes().any(|(check, outcome, _)| check.id == told.id && speaks_well(outcome))
        };
        let beside: Vec<_> =
            self.beside.iter().filter(|(told, _)| is_told(told)).map(|(_, also)| *also).collect();
        self.add(beside);
        report.owed = self.checks;
        let no_pass = report.outcomes().any(|(_, outcome, _)| outcome.verdict() > Some(Verdict::Warned));
        if no_pass || report.run.interrupted.is_some() {
            return;
        }
        let missing: Vec<_> = report.still_owed().collect();
        report.findings.extend(missing.into_iter().map(|check| {
            let why = "the run came to no result on this check, though it owed one";
            let remedy = "Run again with --verbose; if it stays, this is a fault of the tool: report it.";
            check.not_checked(Requirement::Required, "this run", why).expected("a result").remedy(remedy)
        }));
    }
}
