//! What the page says, as values: the tracker, what was seen of its evidence, and the histories beside it, put
//! into the order in which they are read. Pure; it knows no markup.

use std::{cmp::Reverse, collections::BTreeSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    command::{
        artefact_rules::Planned,
        artefacts::{File, Page, Seen},
        check,
        gate::{self, Decision},
        policy::{self, target_date},
        tracker::{Evidence, EvidenceKind, Item, Status, Tracker},
    },
    history::{Chain, RunLine, Trend, trends},
    record::{Outcome, Verdict, v1::Record},
};

/// Everything that the page shows.
#[derive(Debug)]
pub(super) struct View {
    /// The tracker's file, from the repository's root.
    pub(super) tracker: String,
    /// The same, as the user named it.
    pub(super) named: String,
    pub(super) now: Timestamp,
    pub(super) gates: Vec<Gate>,
    pub(super) items: Vec<Row>,
    pub(super) trends: Vec<Course>,
    pub(super) certificates: Vec<Expiry>,
    /// What is planned, and what of it was done; what is overdue first, then by day.
    pub(super) calendar: Vec<Entry>,
    pub(super) drills: Vec<Drill>,
}

/// The gate, and what stands in its way.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) name: String,
    pub(super) verdict: Verdict,
    pub(super) reasons: Vec<Reason>,
}

/// One thing that stands in the way.
#[derive(Debug)]
pub(super) struct Reason {
    pub(super) subject: String,
    pub(super) observed: String,
    pub(super) remedy: String,
    /// The file that it stands in.
    pub(super) file: Option<String>,
    pub(super) line: Option<u32>,
}

/// One item.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) number: u32,
    pub(super) title: String,
    pub(super) line: u32,
    pub(super) owner: Option<String>,
    pub(super) target: Option<String>,
    /// The last moment of its target.
    pub(super) due: Option<Timestamp>,
    pub(super) status: Option<Status>,
    pub(super) pending: Vec<String>,
    pub(super) evidence: Vec<Shown>,
}

/// One file that an item names.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) path: String,
    pub(super) state: State,
}

/// How an evidence file stands, the worst first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Named, and not there.
    Missing,
    /// Its first known run ended later than the moment that is asked for.
    NotYet,
    /// It is not what was recorded.
    Altered,
    /// Its run did not pass, or could not tell.
    NotPassed(Verdict),
    /// It may no longer be relied upon.
    Expired(Timestamp),
    /// Soon it may no longer be relied upon.
    NotForLong(Timestamp),
    /// A page by hand: present, unverified.
    ByHand,
    /// Verified, passed, and valid until then.
    Valid(Timestamp),
    /// A file that is no evidence by itself.
    Present,
}

/// How a number went from run to run, and whose it is.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) family: Family,
    pub(super) trend: Trend,
    /// When each of its runs ended.
    pub(super) finished: Vec<String>,
    pub(super) evidence: String,
}

/// What a number is about, in the order of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    Recovery,
    Loss,
    Notification,
    Other,
}

/// When a certificate hurts.
#[derive(Debug)]
pub(super) struct Expiry {
    pub(super) subject: String,
    pub(super) at: Timestamp,
    pub(super) outcome: Verdict,
    pub(super) evidence: String,
}

/// An entry of the calendar of drills.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) standing: Standing,
    pub(super) drill: String,
    pub(super) kind: String,
    pub(super) planned: Option<Date>,
    pub(super) file: String,
    pub(super) line: u32,
}

/// How an entry of the calendar stands, what needs somebody first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Its day is over, and it was not executed.
    Overdue,
    /// So many days ahead.
    In(i32),
    Executed(Date),
}

impl Standing {
    fn of(planned: &Planned, today: Date) -> Self {
        match (planned.executed, planned.planned) {
            (Some(day), _) => Self::Executed(day),
            (None, Some(day)) if day >= today => Self::In(today.until(day).map_or(0, |span| span.get_days())),
            (None, _) => Self::Overdue,
        }
    }

    /// The words beside it.
    pub(super) fn words(self) -> String {
        match self {
            Self::Overdue => "overdue".to_owned(),
            Self::In(0) => "today".to_owned(),
            Self::In(1) => "tomorrow".to_owned(),
            Self::In(days) => format!("in {days} days"),
            Self::Executed(day) => format!("executed {day}"),
        }
    }
}

/// A drill that was executed.
#[derive(Debug)]
pub(super) struct Drill {
    pub(super) finished: String,
    pub(super) title: String,
    pub(super) verdict: Verdict,
    pub(super) environment: String,
    pub(super) evidence: String,
}

/// The history beside an evidence file.
#[derive(Debug)]
pub(super) struct Beside {
    pub(super) evidence: String,
    pub(super) chain: Chain,
}

impl View {
    pub(super) fn of(
        question: gate::Question<'_>,
        file: String,
        gates: &[policy::Gate],
        histories: &[Beside],
    ) -> Self {
        let gate::Question { tracker, seen, now, .. } = question;
        let records = records(tracker, seen);
        Self {
            tracker: file,
            named: tracker.path.clone(),
            now,
            gates: gate::decide(question, gates).iter().map(Gate::of).collect(),
            items: tracker.items.iter().map(|item| Row::of(item, question)).collect(),
            trends: courses(histories),
            certificates: expiries(&records),
            calendar: calendar(question),
            drills: drills(&records, histories),
        }
    }

    /// How many items have this status.
    pub(super) fn count(&self, status: Status) -> usize {
        self.items.iter().filter(|row| row.status == Some(status)).count()
    }
}

impl Gate {
    fn of(decision: &Decision) -> Self {
        let findings = &decision.findings;
        let (name, verdict) = (decision.name.clone(), decision.verdict());
        let of_gate = format!("{name}: ");
        let mut against: Vec<_> = findings
            .iter()
            .filter(|finding| !matches!(finding.outcome, Outcome::Passed | Outcome::Waived))
            .collect();
        against.sort_by_key(|finding| Reverse(finding.outcome.severity()));
        let reasons = against.into_iter().map(|finding| Reason {
            // The heading names the gate.
            subject: finding.subject.trim_start_matches(&of_gate).to_owned(),
            observed: finding.observed.clone(),
            remedy: finding.remedy.to_string(),
            file: finding.location.as_ref().map(|location| location.path.clone()),
            line: finding.location.as_ref().and_then(|location| location.line),
        });
        Self { name, verdict, reasons: reasons.collect() }
    }

    /// What people want to read first.
    pub(super) const fn word(&self) -> &'static str {
        match self.verdict {
            Verdict::Passed | Verdict::Warned => "OPEN",
            Verdict::Failed => "CLOSED",
            Verdict::Inconclusive => "UNDECIDABLE",
        }
    }
}

impl Row {
    fn of(item: &Item, question: gate::Question<'_>) -> Self {
        let gate::Question { seen, now, required, .. } = question;
        let mut shown: Vec<_> = item.paths().flat_map(|evidence| Shown::of(evidence, seen, now)).collect();
        shown.sort_by(|a, b| (&a.state, &a.path).cmp(&(&b.state, &b.path)));
        shown.dedup_by(|a, b| a.path == b.path);
        let value =
            |field: &Option<crate::command::tracker::Field>| field.as_ref().map(|field| field.value.clone());
        Self {
            number: item.number,
            title: item.title.clone(),
            line: item.line,
            owner: value(&item.owner),
            target: value(&item.target),
            due: target_date(item, &required.policy),
            status: item.known_status(),
            pending: item.pending.iter().map(|field| field.value.clone()).collect(),
            evidence: shown,
        }
    }

    /// How fresh the item's evidence is, in a few words, and the worst of it.
    pub(super) fn freshness(&self) -> (String, Option<&State>) {
        let worst = self.evidence.first().map(|shown| &shown.state);
        let verified: Vec<_> = (self.evidence.iter())
            .filter_map(|shown| match shown.state {
                State::Valid(until) | State::NotForLong(until) => Some(until),
                _ => None,
            })
            .collect();
        let words = match (worst, verified.iter().min()) {
            (None, _) => "names no evidence".to_owned(),
            (Some(State::Missing), _) => "evidence is missing".to_owned(),
            (Some(State::NotYet), _) => "evidence was not yet made".to_owned(),
            (Some(State::Altered), _) => "evidence was altered".to_owned(),
            (Some(State::NotPassed(verdict)), _) => format!("evidence says {verdict}"),
            (Some(State::Expired(at)), _) => format!("expired on {}", day(*at)),
            (Some(_), Some(until)) => format!("{} verified, valid until {}", verified.len(), day(*until)),
            (Some(_), None) => "by hand, unverified".to_owned(),
        };
        (words, worst)
    }
}

impl Shown {
    fn of(evidence: &Evidence, seen: &Seen, now: Timestamp) -> Vec<Self> {
        let artefact = seen.artefact(evidence);
        if artefact.files.is_empty() {
            let (EvidenceKind::Path(path) | EvidenceKind::Link(path) | EvidenceKind::Make(path)) =
                &evidence.kind;
            return vec![Self { path: path.clone(), state: State::Missing }];
        }
        artefact
            .files
            .iter()
            .map(|file| Self { path: file.path.clone(), state: State::of(file, now) })
            .collect()
    }
}

impl State {
    fn of(file: &File, now: Timestamp) -> Self {
        match &file.page {
            Page::ByHand => Self::ByHand,
            Page::Other => Self::Present,
            Page::Later(_) => Self::NotYet,
            Page::Evidence { record: None, .. } => Self::Altered,
            Page::Evidence { chain: Some(trouble), .. } if trouble.outcome == Outcome::Failed => {
                Self::Altered
            }
            Page::Evidence { record: Some(record), .. } => {
                let until = Record::time(&record.valid_until);
                match (record.verdict, check::freshness(&file.path, record, now).outcome) {
                    (Verdict::Failed | Verdict::Inconclusive, _) => Self::NotPassed(record.verdict),
                    (_, Outcome::Failed) => Self::Expired(until),
                    (_, Outcome::Warned) => Self::NotForLong(until),
                    _ => Self::Valid(until),
                }
            }
        }
    }

    /// The words beside the file.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Missing => "missing".to_owned(),
            Self::NotYet => "not yet made".to_owned(),
            Self::Altered => "altered".to_owned(),
            Self::NotPassed(verdict) => verdict.to_string(),
            Self::Expired(at) => format!("expired {}", day(*at)),
            Self::NotForLong(until) => format!("only until {}", day(*until)),
            Self::ByHand => "by hand, unverified".to_owned(),
            Self::Valid(until) => format!("valid until {}", day(*until)),
            Self::Present => "present".to_owned(),
        }
    }
}

/// The day in UTC.
pub(super) fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// Every consistent record among the evidence, each file once.
fn records(tracker: &Tracker, seen: &Seen) -> Vec<(String, Record)> {
    let mut known = BTreeSet::new();
    let files =
        tracker.items.iter().flat_map(Item::paths).flat_map(|evidence| &seen.artefact(evidence).files);
    files
        .filter(|file| known.insert(file.path.clone()))
        .filter_map(|file| match &file.page {
            Page::Evidence { record: Some(record), .. } => Some((file.path.clone(), (**record).clone())),
            _ => None,
        })
        .collect()
}

/// Every number with an objective, and those that the tracker asks for; the best known first.
fn courses(histories: &[Beside]) -> Vec<Course> {
    let mut courses: Vec<_> = histories
        .iter()
        .flat_map(|Beside { evidence, chain }| {
            trends(chain.runs()).into_iter().map(move |trend| {
                let ended = |number| chain.runs().find(|run: &&RunLine| run.number == number);
                let finished = trend.points.iter();
                let finished = finished
                    .map(|point| ended(point.run).map_or_else(String::new, |run| run.finished.clone()));
                Course {
                    family: Family::of(&trend.metric),
                    finished: finished.collect(),
                    evidence: evidence.clone(),
                    trend,
                }
            })
        })
        .filter(|course| course.trend.objective.is_some() || course.family != Family::Other)
        .collect();
    courses.sort_by_key(|course| {
        (course.family, Reverse(course.trend.environment), course.trend.metric.clone())
    });
    courses
}

impl Family {
    fn of(metric: &str) -> Self {
        match metric {
            "recovery_time_seconds" => Self::Recovery,
            "data_loss_seconds" | "data_loss_measured_seconds" => Self::Loss,
            "time_to_notify_seconds" => Self::Notification,
            _ => Self::Other,
        }
    }
}

/// What ends, and when, of the evidence about certificates; the soonest first.
fn expiries(records: &[(String, Record)]) -> Vec<Expiry> {
    let of_certificates = records.iter().filter(|(_, record)| record.tool.name == "cert-expiry-check");
    let mut expiries: Vec<_> = of_certificates
        .flat_map(|(evidence, record)| {
            record.findings.iter().filter_map(move |finding| {
                Some(Expiry {
                    subject: finding.subject.clone(),
                    at: finding.hurts_at.as_deref()?.parse().ok()?,
                    outcome: finding.outcome.verdict()?,
                    evidence: evidence.clone(),
                })
            })
        })
        .collect();
    expiries
        .sort_by(|a, b| (a.at, &a.subject, Reverse(a.outcome)).cmp(&(b.at, &b.subject, Reverse(b.outcome))));
    expiries.dedup_by(|a, b| a.at == b.at && a.subject == b.subject);
    expiries
}

/// The calendar: what is overdue, what is ahead, and what was executed, the newest first.
fn calendar(question: gate::Question<'_>) -> Vec<Entry> {
    let today = TimeZone::UTC.to_datetime(question.now).date();
    let mut entries: Vec<_> = question
        .required
        .calendar()
        .iter()
        .map(|planned| Entry {
            standing: Standing::of(planned, today),
            drill: planned.drill.clone(),
            kind: planned.kind.clone(),
            planned: planned.planned,
            file: planned.path.clone(),
            line: planned.line,
        })
        .collect();
    entries.sort_by_key(|entry| match entry.standing {
        Standing::Executed(day) => (1, None, Reverse(Some(day))),
        _ => (0, entry.planned, Reverse(None)),
    });
    entries
}

/// Every run that rehearsed something; the newest first.
fn drills(records: &[(String, Record)], histories: &[Beside]) -> Vec<Drill> {
    let drilled = |tool: &str, file: &str| {
        tool.starts_with("backup-restore-smoke") || file.contains("drill") || file.contains("simulation")
    };
    let title = |evidence: &str| {
        records.iter().find(|(path, _)| path == evidence).map(|(_, record)| record.title.clone())
    };
    let of_histories = histories.iter().flat_map(|Beside { evidence, chain }| {
        let runs = chain.runs().filter(|run| drilled(&run.tool, &run.file));
        runs.map(move |run| Drill {
            finished: run.finished.clone(),
            title: title(evidence).unwrap_or_else(|| run.tool.clone()),
            verdict: run.verdict,
            environment: run.environment.to_string(),
            evidence: evidence.clone(),
        })
    });
    let without_history = records.iter().filter(|(path, record)| {
        drilled(&record.tool.name, path) && !histories.iter().any(|beside| beside.evidence == *path)
    });
    let of_records = without_history.map(|(path, record)| Drill {
        finished: record.finished.clone(),
        title: record.title.clone(),
        verdict: record.verdict,
        environment: record.environment.to_string(),
        evidence: path.clone(),
    });
    let mut drills: Vec<_> = of_histories.chain(of_records).collect();
    drills.sort_by(|a, b| b.finished.cmp(&a.finished));
    drills
}
