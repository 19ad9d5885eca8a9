//! Evidence that a policy requires: there, consistent, passed, of the right tool and environment, young enough, with
//! the checks that were asked for, from a commit that leads here. *observe* reads (files, histories, git); *assess*
//! is pure.

use std::{collections::BTreeMap, path::Path, time::Duration};

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Policy, day::Span};
use crate::{
    command::{
        artefacts::{File, Page, first_run_later, git, history_of, run_until},
        checks::{EVIDENCE_REQUIRED, FRESH},
        tracker::Item,
    },
    history::{Chain, RunLine},
    record::{
        Check, Environment, Finding, Outcome, Verdict,
        v1::{self, Commit, Record},
    },
};

/// Evidence that an item needs.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct EvidencePolicy {
    /// The evidence file, from the repository's root.
    #[schemars(with = "String")]
    pub(in crate::command) file: Spanned<String>,
    /// The tool that makes it.
    #[serde(default)]
    tool: Option<String>,
    /// Checks that were made and passed, by id.
    #[serde(default)]
    checks: Vec<String>,
    /// At least this environment; bound to facts where the policy names some.
    #[serde(default)]
    environment: Option<Environment>,
    /// How old it may be, such as `30d`; the record's own end counts as well, the earlier one wins.
    #[serde(default)]
    max_age: Option<Span>,
    /// Made from a commit that the current one descends from.
    #[serde(default)]
    from_ancestor: bool,
}

/// What was seen of the evidence that a policy names.
#[derive(Debug, Default)]
pub(in crate::command) struct Ways {
    files: BTreeMap<String, Result<File, String>>,
    histories: BTreeMap<String, Chain>,
    /// Whether a commit leads to the current one; absent where git could not tell.
    leads_here: BTreeMap<String, bool>,
}

/// The run that a file stands for at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) struct Standing {
    tool: String,
    verdict: Verdict,
    environment: Result<Environment, String>,
    finished: Timestamp,
    /// When it may no longer be relied upon.
    pub(in crate::command) until: Timestamp,
    commit: Option<Commit>,
}

impl Ways {
    /// Looks at everything that the policy names as evidence.
    pub(in crate::command) fn observe(root: &Path, policy: &Policy) -> Self {
        let mut ways = Self::default();
        for name in policy.evidence_files() {
            if ways.files.contains_key(name) {
                continue;
            }
            let path = root.join(name);
            let file = File::observe(root, &path, None).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => "it is not there".to_owned(),
                _ => error.to_string(),
            });
            if let Ok(File { page: Page::Evidence { record: Some(record), .. }, .. }) = &file
                && let Some(commit) = &record.commit
                && !ways.leads_here.contains_key(&commit.id)
                && let Some(leads) = leads_here(root, &commit.id)
            {
                ways.leads_here.insert(commit.id.clone(), leads);
            }
            if let Some(chain) = history_of(&path) {
                ways.histories.insert(name.to_owned(), chain);
            }
            ways.files.insert(name.to_owned(), file);
        }
        ways
    }
}

/// Whether the current commit descends from this one; `None` where git cannot tell.
fn leads_here(root: &Path, commit: &str) -> Option<bool> {
    let is_id = (7..=64).contains(&commit.len()) && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_id {
        return None;
    }
    match git(root, &["merge-base", "--is-ancestor", commit, "HEAD"]).ok()?.status.code() {
        Some(0) => Some(true),
        // Where the history was cut, what led here may be gone.
        Some(1) => (!is_cut(root)).then_some(false),
        _ => None,
    }
}

/// Whether this clone holds only a part of its history (`git clone --depth`).
fn is_cut(root: &Path) -> bool {
    let said = git(root, &["rev-parse", "--is-shallow-repository"]);
    !said.is_ok_and(|said| said.stdout.starts_with(b"false"))
}

/// Everything that is to be said about the evidence that an item needs, for the moment `now`.
pub(in crate::command) fn evidence(
    item: &Item,
    policy: &Policy,
    ways: &Ways,
    now: Timestamp,
) -> Vec<Finding> {
    let wanted = policy.item(item.number).map_or(&[][..], |wanted| &wanted.evidence);
    wanted.iter().flat_map(|one| one.judge(item, policy, ways, now)).collect()
}

impl EvidencePolicy {
    fn judge(&self, item: &Item, policy: &Policy, ways: &Ways, now: Timestamp) -> Vec<Finding> {
        let subject = format!("{}, {}", self.file.value, item.name());
        let line = u32::try_from(self.file.referenced.line()).ok().filter(|line| *line > 0);
        let place = |finding: Finding| finding.at(policy.path.as_str(), line);
        let expected = self.expectation();
        match self.standing(policy, ways, now) {
            Err((outcome, why)) => {
                let finding = match outcome {
                    Outcome::Inconclusive => EVIDENCE_REQUIRED.inconclusive(subject),
                    _ => EVIDENCE_REQUIRED.failed(subject),
                };
                vec![place(finding.expected(expected).observed(why))]
            }
            Ok(standing) => {
                let fault = self.fault(&standing, ways);
                let observed = format!(
                    "{} in {}, finished {}",
                    standing.verdict,
                    standing.environment.as_ref().map_or("no environment that counts", |one| one.word()),
                    v1::rfc3339(standing.finished)
                );
                let required = match fault {
                    None => EVIDENCE_REQUIRED.passed(&subject).observed(observed),
                    Some((Outcome::Inconclusive, why)) => {
                        EVIDENCE_REQUIRED.inconclusive(&subject).observed(why)
                    }
                    Some((Outcome::Warned, why)) => EVIDENCE_REQUIRED.warned(&subject).observed(why),
                    Some((_, why)) => EVIDENCE_REQUIRED.failed(&subject).observed(why),
                };
                let fresh = freshness(&subject, &standing, policy.warn_before(), now);
                vec![place(required.expected(expected)), place(fresh)]
            }
        }
    }

    /// What is asked of it, in words.
    fn expectation(&self) -> String {
        let mut words = vec!["verified, passed".to_owned()];
        words.extend(self.tool.as_ref().map(|tool| format!("by {tool}")));
        words.extend(self.environment.map(|environment| format!("at least in {environment}")));
        words.extend((!self.checks.is_empty()).then(|| format!("with {}", self.checks.join(", "))));
        words.extend(self.from_ancestor.then(|| "from a commit that leads here".to_owned()));
        words.join(", ")
    }

    /// The run that counts at this moment: the one that the file holds, or, where that is of a later day, the newest of
    /// its history until then.
    pub(in crate::command) fn standing(
        &self,
        policy: &Policy,
        ways: &Ways,
        now: Timestamp,
    ) -> Result<Standing, (Outcome, String)> {
        let record = match ways.files.get(self.file.value.as_str()) {
            None => return Err((Outcome::Inconclusive, "it was not looked at".to_owned())),
            Some(Err(why)) => return Err((Outcome::Failed, why.clone())),
            Some(Ok(file)) => match &file.page {
                Page::Evidence { chain: Some(trouble), .. } if stops(trouble) => {
                    return Err((trouble.outcome, trouble.observed.clone()));
                }
                Page::Evidence { record: Some(record), .. } => record,
                Page::Evidence { verification, .. } => {
                    return Err((verification.outcome, verification.observed.clone()));
                }
                Page::Later(why) => return Err((Outcome::Failed, why.clone())),
                Page::ByHand | Page::Other => {
                    return Err((Outcome::Failed, "a page by hand: no tool has made it".to_owned()));
                }
            },
        };
        if Record::time(&record.finished) <= now {
            let lacking = self.checks.iter().find(|check| !passed(record, check));
            return match lacking {
                Some(check) => Err((Outcome::Failed, format!("it did not make and pass {check}"))),
                None => Ok(self.of_record(record, policy)),
            };
        }
        let chain = ways.histories.get(self.file.value.as_str());
        match chain.and_then(|chain| run_until(chain, Path::new(&self.file.value), now)) {
            None => Err((Outcome::Failed, first_run_later(&record.finished))),
            Some(run) if self.checks.is_empty() => Ok(self.of_line(run)),
            Some(run) => Err((
                Outcome::Inconclusive,
                format!(
                    "run {} of its history counts then, and a history keeps no single checks",
                    run.number
                ),
            )),
        }
    }

    fn of_record(&self, record: &Record, policy: &Policy) -> Standing {
        let finished = Record::time(&record.finished);
        Standing {
            tool: record.tool.name.clone(),
            verdict: record.verdict,
            environment: policy.counts_for(record.environment, &record.facts),
            finished,
            until: self.end(finished, Record::time(&record.valid_until)),
            commit: record.commit.clone(),
        }
    }

    /// A history keeps the environment as it was bound then, and no facts.
    fn of_line(&self, run: &RunLine) -> Standing {
        let finished = Record::time(&run.finished);
        Standing {
            tool: run.tool.rsplit_once(' ').map_or(run.tool.clone(), |(tool, _)| tool.to_owned()),
            verdict: if run.interrupted { Verdict::Inconclusive } else { run.verdict },
            environment: Ok(run.environment),
            finished,
            until: self.end(finished, Record::time(&run.valid_until)),
            commit: run.commit.clone(),
        }
    }

    /// The earlier of the record's own end and the policy's.
    fn end(&self, finished: Timestamp, own: Timestamp) -> Timestamp {
        let span = |age: Duration| SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX);
        let of_policy = self.max_age.map(|age| finished.checked_add(span(age.0)).unwrap_or(Timestamp::MAX));
        of_policy.map_or(own, |end| end.min(own))
    }

    fn fault(&self, standing: &Standing, ways: &Ways) -> Option<(Outcome, String)> {
        if let Some(tool) = self.tool.as_ref().filter(|tool| **tool != standing.tool) {
            return Some((Outcome::Failed, format!("it is of {}, not of {tool}", standing.tool)));
        }
        match (&standing.environment, self.environment) {
            (Err(why), Some(_)) => return Some((Outcome::Failed, format!("{why}; it counts as local"))),
            (Ok(environment), Some(wanted)) if *environment < wanted => {
                return Some((Outcome::Failed, format!("it is of {environment} only")));
            }
            _ => {}
        }
        match standing.verdict {
            Verdict::Failed => return Some((Outcome::Failed, "its run failed".to_owned())),
            Verdict::Inconclusive => {
                return Some((Outcome::Inconclusive, "its run could not tell".to_owned()));
            }
            Verdict::Warned => return Some((Outcome::Warned, "its run warned".to_owned())),
            Verdict::Passed => {}
        }
        self.from_ancestor.then(|| origin(standing.commit.as_ref(), ways)).flatten()
    }
}

/// What is wrong with the commit that a run was made from.
fn origin(commit: Option<&Commit>, ways: &Ways) -> Option<(Outcome, String)> {
    let Some(commit) = commit else {
        return Some((Outcome::Inconclusive, "its run names no commit".to_owned()));
    };
    let short: String = commit.id.chars().take(12).collect();
    match ways.leads_here.get(&commit.id) {
        None => Some((
            Outcome::Inconclusive,
            format!(
                "git cannot tell here whether its commit {short} leads to the current one; fetch the whole history"
            ),
        )),
        Some(false) => {
            Some((Outcome::Failed, format!("its commit {short} does not lead to the current one")))
        }
        Some(true) if commit.dirty => {
            Some((Outcome::Warned, format!("its work tree differed from its commit {short}")))
        }
        Some(true) => None,
    }
}

/// Whether a check was made at least once, and never came out otherwise than passed or warned.
fn passed(record: &Record, check: &str) -> bool {
    record.counts.iter().any(|count| {
        count.check == check
            && count.passed + count.warned > 0
            && count.failed + count.inconclusive + count.not_checked == 0
    })
}

fn freshness(subject: &str, standing: &Standing, before: Option<Duration>, now: Timestamp) -> Finding {
    let Standing { finished, until, .. } = *standing;
    let left = until.duration_since(now);
    let before = before.and_then(|before| SignedDuration::try_from(before).ok());
    let soon = before.unwrap_or_else(|| until.duration_since(finished) / 5);
    let check: &'static Check = &FRESH;
    let told = format!("valid until {}", v1::rfc3339(until));
    let finding = if left.is_negative() || left.is_zero() {
        check.failed(subject).observed(format!("no longer: {told}"))
    } else if left < soon {
        check.warned(subject).observed(format!("not for long: {told}")).hurts_at(until)
    } else {
        check.passed(subject).observed(told).hurts_at(until)
    };
    finding.expected("still valid")
}
/// Whether evidence does not count for what is wrong with its chain: older evidence was put back, a run taken out.
fn stops(trouble: &Finding) -> bool {
    matches!(trouble.outcome, Outcome::Failed | Outcome::Inconclusive)
}
