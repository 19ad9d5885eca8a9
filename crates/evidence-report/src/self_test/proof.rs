//! Compares what was found of a fault with what has to be found. Pure.

use std::fmt;

use crate::{
    record::{Check, Finding, Outcome, Requirement, Verdict},
    run::StopReason,
};

/// What has to be found of a fault.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// By this check.
    pub check: &'static Check,
    /// This. The exit code follows from it.
    pub outcome: Outcome,
    /// With one of these words, where there are any: two may notice, and either may be the first. Nothing for what
    /// is sound.
    pub says: &'a [&'a str],
}

impl Expected<'_> {
    /// Whether it is no fault: something sound, of which nothing may be said.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.outcome == Outcome::Passed && self.says.is_empty()
    }

    /// The exit code of a run that finds it.
    #[must_use]
    pub fn code(&self) -> i32 {
        match self.outcome.verdict() {
            None | Some(Verdict::Passed) => 0,
            Some(Verdict::Warned) => 1,
            Some(Verdict::Failed) => 2,
            Some(Verdict::Inconclusive) => 3,
        }
    }

    /// Whether these words are among those that have to be said.
    #[must_use]
    pub fn is_said_by(&self, observed: &str) -> bool {
        self.says.is_empty() || self.says.iter().any(|words| observed.contains(words))
    }

    fn is_met_by(&self, finding: &Finding) -> bool {
        finding.check.id == self.check.id
            && finding.outcome == self.outcome
            && self.is_said_by(&finding.observed)
    }
}

impl fmt::Display for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_sound() {
            return f.write_str("nothing to complain of");
        }
        f.write_str(match self.outcome {
            Outcome::Passed => "passed",
            Outcome::Warned => "warned",
            Outcome::Failed => "failed",
            Outcome::Inconclusive => "inconclusive",
            Outcome::Waived => "waived",
            Outcome::NotChecked(Requirement::Required) => "not checked",
            Outcome::NotChecked(Requirement::Optional) => "not checked, and not needed",
        })?;
        match self.says {
            [] => Ok(()),
            words => write!(f, ", with the words '{}'", words.join("' or '")),
        }
    }
}

/// What came of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// It was caught; what was said of it.
    Caught(String),
    /// It slipped through; what was said instead.
    Slipped(String),
    /// What is sound was left in peace.
    Quiet,
    /// It cannot be made on this machine, which says nothing about the tool; why.
    NotHere(String),
    /// It could not be made or looked at; why.
    Unable(String),
}

impl Proof {
    /// Compares what was found with what has to be. Of what is sound something has to have been looked at.
    #[must_use]
    pub fn of(findings: &[Finding], expected: &Expected<'_>) -> Self {
        let said = |finding: &Finding| format!("{}: {}", finding.subject, finding.observed);
        let is_complaint = |finding: &&Finding| {
            !matches!(finding.outcome, Outcome::Passed | Outcome::NotChecked(Requirement::Optional))
        };
        let complaint = findings.iter().find(is_complaint);
        let caught = findings.iter().find(|finding| expected.is_met_by(finding));
        match (caught, complaint) {
            (_, Some(other)) if expected.is_sound() => {
                Self::Slipped(format!("{} {}", other.check.id, said(other)))
            }
            (_, None) if findings.is_empty() => Self::Slipped("nothing was looked at".to_owned()),
            (_, None) if expected.is_sound() => Self::Quiet,
            (Some(caught), _) => Self::Caught(said(caught)),
            (None, Some(other)) => {
                Self::Slipped(format!("found instead: {} {}", other.check.id, said(other)))
            }
            (None, None) => Self::Slipped("nothing was found".to_owned()),
        }
    }

    /// What comes of a fault when the run is stopped before it was looked at.
    #[must_use]
    pub fn cut_off(reason: Option<&StopReason>) -> Self {
        Self::Unable(reason.map_or_else(|| "cut off".to_owned(), |reason| format!("cut off by {reason}")))
    }

    /// Whether the tool did what it should.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Caught(_) | Self::Quiet | Self::NotHere(_))
    }

    fn said(&self) -> &str {
        match self {
            Self::Caught(said) | Self::Slipped(said) | Self::NotHere(said) | Self::Unable(said) => said,
            Self::Quiet => "nothing to complain of",
        }
    }
}

/// A fault, and what came of it.
#[derive(Debug, Clone)]
pub struct Proven<'a> {
    /// What is wrong, in a few words.
    pub title: &'a str,
    /// What had to be found.
    pub expected: Expected<'a>,
    /// What came of it.
    pub proof: Proof,
}

impl Proven<'_> {
    /// One line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let word = match self.proof {
            Proof::Caught(_) => "caught",
            Proof::Slipped(_) => "SLIPPED",
            Proof::Quiet => "quiet",
            Proof::NotHere(_) => "not here",
            Proof::Unable(_) => "NOT MADE",
        };
        let check =
            if self.expected.is_sound() { String::new() } else { format!(" {}:", self.expected.check.id) };
        format!("{word}{check} {}: {}", self.title, one_line(self.proof.said()))
    }

    /// What the record says of it.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let subject = format!("self-test: {}", self.title);
        let (check, expected, said) = (self.expected.check, self.expected.to_string(), self.proof.said());
        match self.proof {
            Proof::Caught(_) | Proof::Quiet => check.passed(subject).expected(expected).observed(said),
            Proof::Slipped(_) => check
                .failed(subject)
                .expected(expected)
                .observed(said)
                .remedy("Do not rely on this check of this build; report it as a defect."),
            Proof::NotHere(_) => check.not_checked(Requirement::Optional, subject, said),
            Proof::Unable(_) => check.not_checked(Requirement::Required, subject, said),
        }
    }
}

/// What was said, without what steers a terminal, and not longer than a line.
fn one_line(said: &str) -> String {
    const AT_MOST: usize = 160;
    let mut line: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(AT_MOST).collect();
    if said.chars().nth(AT_MOST).is_some() {
        line.push('…');
    }
    line
}

/// How many faults came to what.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Faults in all, without what is sound.
    pub faults: usize,
    /// Faults that were caught.
    pub caught: usize,
    /// Faults that slipped through, and what is sound of which something was said.
    pub slipped: usize,
    /// What is sound, in all.
    pub sound: usize,
    /// What is sound and was left in peace.
    pub quiet: usize,
    /// What cannot be made on this machine.
    pub not_here: usize,
    /// What could not be made or looked at.
    pub unable: usize,
}

impl Tally {
    /// Counts.
    #[must_use]
    pub fn of(proven: &[Proven<'_>]) -> Self {
        let mut tally = Self::default();
        for row in proven {
            *(if row.expected.is_sound() { &mut tally.sound } else { &mut tally.faults }) += 1;
            *(match row.proof {
                Proof::Caught(_) => &mut tally.caught,
                Proof::Slipped(_) => &mut tally.slipped,
                Proof::Quiet => &mut tally.quiet,
                Proof::NotHere(_) => &mut tally.not_here,
                Proof::Unable(_) => &mut tally.unable,
            }) += 1;
        }
        tally
    }

    /// `3 of 4 faults caught, 1 slipped through, 2 of 2 sound ones left in peace`.
    #[must_use]
    pub fn words(&self) -> String {
        let many = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        let faults = many(self.faults, "fault");
        let mut words = format!("{} of {faults} caught, {} slipped through", self.caught, self.slipped);
        for (count, what) in [(self.not_here, "cannot be made here"), (self.unable, "not made")] {
            if count > 0 {
                words.push_str(&format!(", {count} {what}"));
            }
        }
        if self.sound > 0 {
            let sound = many(self.sound, "sound one");
            words.push_str(&format!(", {} of {sound} left in peace", self.quiet));
        }
        words
    }

    /// The one row that says it all, by this check of the tool.
    #[must_use]
    pub fn finding(&self, check: &'static Check) -> Finding {
        let (subject, observed) = ("self-test", self.words());
        let row = match self {
            Self { slipped: 1.., .. } => check.failed(subject).observed(observed),
            Self { unable: 1.., .. } => check.not_checked(Requirement::Required, subject, observed),
            _ => check.passed(subject).observed(observed),
        };
        row.expected("every fault caught by its own check with the right exit code, nothing left behind")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static OWN: Check = Check { id: "own.check", title: "Own", explanation: "", remedy: "" };
    static OTHER: Check = Check { id: "other.check", title: "Other", explanation: "", remedy: "" };
    const FAULT: Expected<'_> =
        Expected { check: &OWN, outcome: Outcome::Failed, says: &["1 row missing", "rows missing"] };
    const SOUND: Expected<'_> = Expected { check: &OWN, outcome: Outcome::Passed, says: &[] };

    fn found(check: &'static Check, outcome: Outcome, observed: &str) -> [Finding; 1] {
        [Finding { outcome, ..check.passed("shop.orders").observed(observed) }]
    }

    #[test]
    fn check_outcome_and_words_all_count() {
        let caught = |findings: &[Finding]| matches!(Proof::of(findings, &FAULT), Proof::Caught(_));
        assert!(caught(&found(&OWN, Outcome::Failed, "1 row missing: 7")));
        assert!(caught(&found(&OWN, Outcome::Failed, "2 rows missing")));
        assert!(!caught(&found(&OWN, Outcome::Failed, "missing")));
        assert!(!caught(&found(&OWN, Outcome::Warned, "1 row missing: 7")));
        assert!(!caught(&found(&OTHER, Outcome::Failed, "1 row missing: 7")));
        assert!(!caught(&[]));
    }

    #[test]
    fn of_what_is_sound_nothing_may_be_said_and_something_be_looked_at() {
        let quiet = |outcome| Proof::of(&found(&OTHER, outcome, "seen"), &SOUND) == Proof::Quiet;
        assert!(quiet(Outcome::Passed) && quiet(Outcome::NotChecked(Requirement::Optional)));
        for outcome in [
            Outcome::Warned,
            Outcome::Failed,
            Outcome::Inconclusive,
            Outcome::Waived,
            Outcome::NotChecked(Requirement::Required),
        ] {
            assert!(!quiet(outcome), "{outcome:?}");
        }
        assert!(!Proof::of(&[], &SOUND).is_good());
    }

    #[test]
    fn what_slipped_outweighs_what_could_not_be_made() {
        let row = |expected, proof| Proven { title: "a fault", expected, proof };
        let mut proven = vec![row(FAULT, Proof::Caught("x".into())), row(SOUND, Proof::Quiet)];
        assert_eq!(
            Tally::of(&proven).words(),
            "1 of 1 fault caught, 0 slipped through, 1 of 1 sound one left in peace"
        );
        assert_eq!(Tally::of(&proven).finding(&OWN).outcome, Outcome::Passed);
        proven.push(row(FAULT, Proof::NotHere("no such program".into())));
        assert_eq!(Tally::of(&proven).finding(&OWN).outcome, Outcome::Passed);
        proven.push(row(FAULT, Proof::cut_off(None)));
        let undecided = Outcome::NotChecked(Requirement::Required);
        assert_eq!(Tally::of(&proven).finding(&OWN).outcome, undecided);
        proven.push(row(FAULT, Proof::Slipped("nothing\u{1b}[2J was found".into())));
        let tally = Tally::of(&proven);
        assert_eq!(tally.finding(&OWN).outcome, Outcome::Failed);
        assert_eq!(
            tally.words(),
            "1 of 4 faults caught, 1 slipped through, 1 cannot be made here, 1 not made, 1 of 1 sound one left in peace"
        );
        assert_eq!(proven[4].line(), "SLIPPED own.check: a fault: nothing [2J was found");
        assert_eq!(proven[4].finding().outcome, Outcome::Failed);
        assert_eq!(proven[1].line(), "quiet a fault: nothing to complain of");
    }

    #[test]
    fn the_exit_code_follows_from_the_outcome() {
        let code = |outcome| Expected { outcome, ..FAULT }.code();
        assert_eq!(code(Outcome::Passed), 0);
        assert_eq!(code(Outcome::Warned), 1);
        assert_eq!(code(Outcome::Failed), 2);
        assert_eq!(code(Outcome::Inconclusive), 3);
        assert_eq!(code(Outcome::NotChecked(Requirement::Required)), 3);
    }
}
