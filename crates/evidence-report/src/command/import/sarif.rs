//! SARIF 2.1.0: what scanners found, by severity. Streamed twice: the rules first, which know the default levels,
//! then the results, one by one. What the source itself suppresses is set aside and shown; what is open for review
//! is not decided.

mod wire;

use std::{
    collections::HashMap,
    io::{BufReader, Read, Seek, SeekFrom},
};

use super::{
    bounds::{JsonStrings, Utf8},
    told::{Account, Said, Sink, Told, Unreadable, short},
};
use wire::{Head, Kind, Level, ResultWire, Rule, RunEnd};

/// From which severity on a finding fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, clap::ValueEnum)]
pub enum Severity {
    /// Security severity above 0, or level note.
    Low,
    /// From 4.0 on, or level warning.
    Medium,
    /// From 7.0 on, or level error.
    #[default]
    High,
    /// From 9.0 on.
    Critical,
}

impl Severity {
    /// The word.
    const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// GitHub's bands of `security-severity`.
    fn of_score(score: f64) -> Option<Self> {
        match score {
            9.0.. => Some(Self::Critical),
            7.0.. => Some(Self::High),
            4.0.. => Some(Self::Medium),
            _ if score > 0.0 => Some(Self::Low),
            _ => None,
        }
    }

    const fn of_level(level: Level) -> Option<Self> {
        match level {
            Level::Error => Some(Self::High),
            Level::Warning => Some(Self::Medium),
            Level::Note => Some(Self::Low),
            Level::None => None,
        }
    }
}

/// Reads one log. A result of `fails_from` or worse fails, any milder one from medium on warns.
///
/// # Errors
/// When it is no SARIF, or breaks off; what was told before still counts.
pub fn read(
    mut source: impl Read + Seek,
    fails_from: Severity,
    sink: Sink<'_>,
) -> Result<Account, Unreadable> {
    let unreadable = |error: std::io::Error| Unreadable::new(error.to_string());
    let mut head = Head::default();
    wire::read(bounded(&mut source), &mut head)?;
    source.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut account = Account::default();
    head.check(&mut account)?;
    let mut log = Log { head: &head, fails_from, sink, account: &mut account };
    wire::read(bounded(&mut source), &mut log)?;
    Ok(account)
}

fn bounded(source: &mut impl Read) -> impl Read {
    BufReader::new(JsonStrings::new(BufReader::new(Utf8::new(source))))
}

impl Head {
    /// What the log as a whole says.
    fn check(&self, account: &mut Account) -> Result<(), Unreadable> {
        match self.version.as_deref() {
            Some("2.1.0") => {}
            Some(other) => {
                return Err(Unreadable::new(short(&format!("it is of version {other}; 2.1.0 is read"), 200)));
            }
            None => return Err(Unreadable::new("it is no SARIF: it has no version")),
        }
        if self.runs.is_empty() {
            account.gap("it holds no run");
        }
        let tools: Vec<_> = self.runs.iter().filter_map(|run| run.tool.clone()).take(5).collect();
        account.tool = (!tools.is_empty()).then(|| tools.join(", "));
        Ok(())
    }
}

/// The second reading.
struct Log<'a, 's> {
    head: &'a Head,
    fails_from: Severity,
    sink: Sink<'s>,
    account: &'a mut Account,
}

impl wire::Listener for Log<'_, '_> {
    fn result(&mut self, run: usize, result: ResultWire) {
        let rules = self.head.runs.get(run).map(|run| &run.rules);
        let rule = rules.and_then(|rules| result.rule_of(rules));
        (self.sink)(judge(&result, rule, self.fails_from));
    }

    fn run(&mut self, _run: usize, end: RunEnd) {
        let tool = end.tool.as_deref().unwrap_or("an unnamed tool");
        if !end.has_results {
            self.account.gap(format!("the run of {tool} has no list of results: it did not look"));
        }
        if end.results_elsewhere {
            self.account.gap(format!("the run of {tool} keeps results in other files"));
        }
        if end.failed {
            self.account.gap(format!("{tool} says that its run did not succeed"));
        }
        if let Some(error) = &end.error {
            self.account.gap(format!("{tool} met an error: {error}"));
        }
        if let Some(at) = end.ended.as_deref().and_then(|text| text.parse().ok()) {
            self.account.made(at);
        }
        if end.has_results && end.results == 0 {
            let words = format!("{} rules, no result", end.rules);
            (self.sink)(Told::new(Said::Passed, tool, &words));
        }
    }
}

impl ResultWire {
    fn rule_of<'r>(&self, rules: &'r HashMap<String, Rule>) -> Option<&'r Rule> {
        let id = self.rule_id.as_deref().or(self.rule.as_ref().and_then(|rule| rule.id.as_deref()))?;
        // A rule's id may be the first part of a hierarchical one (3.52.4).
        let parents = id.match_indices('/').map(|(at, _)| &id[..at]).rev();
        std::iter::once(id).chain(parents).find_map(|id| rules.get(id))
    }
}

fn judge(result: &ResultWire, rule: Option<&Rule>, fails_from: Severity) -> Told {
    let level = result.level.or(rule.and_then(|rule| rule.level)).unwrap_or(Level::Warning);
    let score = result.score().or(rule.and_then(|rule| rule.score));
    let severity = match score {
        Some(score) => Severity::of_score(score),
        None => Severity::of_level(level),
    };
    let shown = match (score, severity) {
        (Some(score), Some(severity)) => format!("{} ({score})", severity.word()),
        (_, Some(severity)) => severity.word().to_owned(),
        (_, None) => "no severity".to_owned(),
    };
    let message = result.message();
    let (said, words) = match result.kind.unwrap_or(Kind::Fail) {
        Kind::Pass => (Said::Passed, format!("pass: {message}")),
        Kind::NotApplicable | Kind::Informational => (Said::Skipped, format!("not applicable: {message}")),
        Kind::Open | Kind::Review => (Said::Undecided, format!("open for review: {message}")),
        Kind::Fail if result.is_absent() => (Said::Passed, format!("gone since the baseline: {message}")),
        Kind::Fail if result.is_suppressed() => {
            let why = result.justification().unwrap_or_else(|| "without a reason".into());
            (Said::Skipped, format!("suppressed ({why}): {shown}: {message}"))
        }
        Kind::Fail if severity.is_some_and(|severity| severity >= fails_from) => {
            (Said::Failed, format!("{shown}: {message}"))
        }
        Kind::Fail if severity >= Some(Severity::Medium) => (Said::Warned, format!("{shown}: {message}")),
        Kind::Fail => (Said::Passed, format!("below what counts: {shown}: {message}")),
    };
    let id = result.id();
    let (path, line) = result.place();
    let subject = path.as_ref().map_or_else(|| id.clone(), |path| format!("{path}: {id}"));
    let told = Told::new(said, &subject, &words);
    match path {
        Some(path) => told.at(&path, line),
        None => told,
    }
}
