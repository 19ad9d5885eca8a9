//! The whole report of a run, before it is cut to the size of a record. The output formats get all of it.

use jiff::Timestamp;

use super::{
    check::{Check, Tool},
    finding::{Finding, Outcome},
    measurement::Measurement,
    series::{Deadline, Series},
    timeline::Timeline,
    verdict::Environment,
    verdict::Verdict,
};

/// The facts about a run that are not what it saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFacts {
    /// Title of the evidence file.
    pub title: String,
    /// Where the run took place.
    pub environment: Environment,
    /// What binds the environment to the world: system identifier, database, host names.
    pub facts: Vec<(String, String)>,
    /// The items of the tracker that the run is evidence for.
    pub tracker_items: Vec<u32>,
    /// When the run began (wall clock).
    pub started: Timestamp,
    /// When it ended (wall clock).
    pub finished: Timestamp,
    /// The moment for which is judged: the start, or the moment of a forecast.
    pub judged_at: Timestamp,
    /// Until when it may be relied upon.
    pub valid_until: Timestamp,
    /// Name of the machine.
    pub host: String,
    /// Who ran it.
    pub operator: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The commit that was checked out, and whether the work tree differed from it.
    pub commit: Option<(String, bool)>,
    /// The command line, without secrets.
    pub command: Vec<String>,
    /// Why the run ended before its work was done.
    pub interrupted: Option<String>,
    /// The seal of the record before this one.
    pub previous: Option<String>,
}

/// A chart in plain text, for example the expiry dates of certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// The lines, drawn with characters of one width.
    pub lines: Vec<String>,
}

/// Output worth keeping, shown folded. Redact before you add it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    /// What it is.
    pub title: String,
    /// The text; the record keeps its last 8 KiB.
    pub text: String,
}

/// A file that belongs to the evidence, by its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// SHA-256, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Findings that are counted, and not kept one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unlisted {
    /// The check.
    pub check: &'static Check,
    /// What came of it.
    pub outcome: Outcome,
    /// How often.
    pub number: u64,
}

/// Everything that a run saw.
///
/// ```
/// use evidence_report::{
///     document::{Verification, render_v1, verify},
///     record::{
///         Attachment, Chart, Check, Detail, Environment, Outcome, Report, RunFacts, Timeline, Tool, Unlisted,
///         Verdict, v1::Record,
///     },
/// };
///
/// static CONTENT: Check = Check { id: "restore.content", title: "Content", explanation: "…", remedy: "…" };
/// static TOOL: Tool = Tool { name: "restore-smoke", version: "1.0.0", checks: &[&CONTENT] };
/// let noon = "2026-11-23T12:00:00Z".parse().unwrap();
/// let report = Report {
///     tool: &TOOL,
///     run: RunFacts {
///         title: "Rehearsal".into(),
///         environment: Environment::Staging,
///         facts: vec![("system identifier".into(), "7412345678901234567".into())],
///         tracker_items: vec![3],
///         started: noon,
///         finished: noon,
///         judged_at: noon,
///         valid_until: "2026-12-23T12:00:00Z".parse().unwrap(),
///         host: "runner-1".into(),
///         operator: "deploy".into(),
///         owner: None,
///         commit: None,
///         command: vec!["restore-smoke".into()],
///         interrupted: None,
///         previous: None,
///     },
///     findings: vec![CONTENT.passed("public.orders")],
///     unlisted: vec![Unlisted { check: &CONTENT, outcome: Outcome::Passed, number: 7 }],
///     owed: vec![&CONTENT],
///     measurements: Vec::new(),
///     measurements_unlisted: 0,
///     series: Vec::new(),
///     deadlines: Vec::new(),
///     timeline: Timeline::default(),
///     charts: vec![Chart { title: "Rows".into(), lines: vec!["orders ████".into()] }],
///     details: vec![Detail { title: "Output".into(), text: "done".into() }],
///     attachments: vec![Attachment { name: "orders.dump".into(), sha256: "ab".repeat(32), bytes: 12 }],
/// };
/// assert_eq!(report.verdict(), Verdict::Passed);
/// let record = Record::of(&report);
/// assert_eq!(verify(&render_v1(&record)), Verification::Consistent(Box::new(record)));
/// ```
#[derive(Debug, Clone)]
pub struct Report {
    /// The tool.
    pub tool: &'static Tool,
    /// The facts about the run.
    pub run: RunFacts,
    /// The findings, the worst first: everything that needs somebody, and of what passed as many as are kept.
    pub findings: Vec<Finding>,
    /// Findings beyond those, none worse, which are only counted.
    pub unlisted: Vec<Unlisted>,
    /// The checks that the run owed by its plan: without one of them it is no pass, however little was found.
    pub owed: Vec<&'static Check>,
    /// The measurements.
    pub measurements: Vec<Measurement>,
    /// How many measurements there are beyond those.
    pub measurements_unlisted: u64,
    /// Numbers for the formats alone.
    pub series: Vec<Series>,
    /// Dates for the formats alone.
    pub deadlines: Vec<Deadline>,
    /// What happened when.
    pub timeline: Timeline,
    /// Charts in text.
    pub charts: Vec<Chart>,
    /// Output worth keeping.
    pub details: Vec<Detail>,
    /// Digests of files.
    pub attachments: Vec<Attachment>,
}

impl Report {
    /// The verdict: the worst of all findings; a run that was interrupted, or that came to no result on a check
    /// that it owed, is never better than inconclusive.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let found = Verdict::worst(self.outcomes().filter_map(|(_, outcome, _)| outcome.verdict()));
        let whole = self.run.interrupted.is_none() && self.still_owed().next().is_none();
        if whole { found } else { found.max(Verdict::Inconclusive) }
    }

    /// The checks that the run owed, and has no finding of.
    pub fn still_owed(&self) -> impl Iterator<Item = &'static Check> + '_ {
        let made: std::collections::BTreeSet<_> = self.outcomes().map(|(check, ..)| check.id).collect();
        self.owed.iter().copied().filter(move |check| !made.contains(check.id))
    }

    /// Every outcome with its check, and how often: what is listed and what is only counted.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static Check, Outcome, u64)> + '_ {
        let listed = self.findings.iter().map(|finding| (finding.check, finding.outcome, 1));
        listed.chain(self.unlisted.iter().map(|counted| (counted.check, counted.outcome, counted.number)))
    }

    /// How many findings have this outcome.
    #[must_use]
    pub fn number(&self, wanted: Outcome) -> u64 {
        self.outcomes().filter(|(_, outcome, _)| *outcome == wanted).map(|(_, _, number)| number).sum()
    }

    /// How many findings are counted only.
    #[must_use]
    pub fn number_unlisted(&self) -> u64 {
        self.unlisted.iter().map(|counted| counted.number).sum()
    }

    /// Puts the worst findings first; among equals what hurts soonest, then by place, check and subject.
    pub fn sort(&mut self) {
        self.findings.sort_by(|a, b| order(a).cmp(&order(b)));
    }
}

/// Sorting key of a finding: the smallest is the most urgent.
pub(crate) fn order(finding: &Finding) -> impl Ord + '_ {
    let place = finding.location.as_ref().map(|place| (place.path.as_str(), place.line));
    (
        std::cmp::Reverse(finding.outcome.severity()),
        finding.hurts_at.unwrap_or(Timestamp::MAX),
        place,
        finding.check.id,
        finding.subject.as_str(),
    )
}
