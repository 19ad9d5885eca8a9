//! What the page says, as values: the tracker, what was seen of its evidence, and the histories beside it, put
//! into the order in which they are read. Pure; it knows no markup.

use std::{cmp::Reverse, collections::BTreeSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::state::{Shown, State};
use crate::{
    command::{
        artefact_rules::Planned,
        artefacts::{Page, Seen},
        gate::{self, Decision},
        policy::{self, target_date},
        tracker::{Item, Status, Tracker},
    },
    history::{Chain, RunLine, Trend, trends},
    record::{Finding, Outcome, Verdict, v1::Record},
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
    /// What does not stand in the way and should be known: warnings, what a waiver lets through, a policy that is not
    /// there.
    pub(super) notes: Vec<Reason>,
}

/// One thing that stands in the way, or that should be known.
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
            gates: gate::decide(question, gates)
                .iter()
                .map(|decision| Gate::of(decision, gate::without_policy(question.required).as_ref()))
                .collect(),
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
    fn of(decision: &Decision, without_policy: Option<&Finding>) -> Self {
        let (name, verdict) = (decision.name.clone(), decision.verdict());
        let of_gate = format!("{name}: ");
        let mut told: Vec<_> = decision.findings.iter().chain(without_policy).collect();
        told.retain(|finding| finding.outcome != Outcome::Passed);
        told.sort_by_key(|finding| Reverse(finding.outcome.severity()));
        let stands_against = |finding: &&Finding| finding.outcome.verdict() > Some(Verdict::Warned);
        let (against, known): (Vec<_>, Vec<_>) = told.into_iter().partition(stands_against);
        // The heading names the gate.
        let all = |findings: Vec<&Finding>| {
            findings.into_iter().map(|finding| Reason::of(finding, &of_gate)).collect::<Vec<_>>()
        };
        Self { name, verdict, reasons: all(against), notes: all(known) }
    }

    /// How many things stand in its way, or should be known of it; nothing where there are none.
    pub(super) fn count(&self) -> Option<String> {
        match (self.reasons.len(), self.notes.len()) {
            (0, 0) => None,
            (0, notes) => Some(format!("{notes} to look at")),
            (reasons, _) => Some(format!("{reasons} in its way")),
        }
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

impl Reason {
    fn of(finding: &Finding, of_gate: &str) -> Self {
        let set_aside = finding.waived.as_ref().map(|waived| {
            format!(" (set aside by {} until {}: {})", waived.approver, day(waived.until), waived.reason)
        });
        Self {
            subject: finding.subject.trim_start_matches(of_gate).to_owned(),
            observed: format!("{}{}", finding.observed, set_aside.unwrap_or_default()),
            remedy: finding.remedy.to_string(),
            file: finding.location.as_ref().map(|location| location.path.clone()),
            line: finding.location.as_ref().and_then(|location| location.line),
        }
    }
}

impl Row {
    fn of(item: &Item, question: gate::Question<'_>) -> Self {
        let required = question.required;
        let mut shown: Vec<_> =
            item.paths().flat_map(|evidence| Shown::of(item, evidence, question)).collect();
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
