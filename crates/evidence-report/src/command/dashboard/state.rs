//! How each file stands that an item names: there, as recorded, passed, fresh. As check and the gate see it. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::view::day;
use crate::{
    command::{
        artefacts::{File, Page},
        gate,
        tracker::{Evidence, EvidenceKind, Item},
    },
    record::{Outcome, Verdict, v1::Record},
};

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

impl Shown {
    pub(super) fn of(item: &Item, evidence: &Evidence, question: gate::Question<'_>) -> Vec<Self> {
        let gate::Question { seen, required, now, .. } = question;
        let artefact = seen.artefact(evidence);
        if artefact.files.is_empty() {
            let (EvidenceKind::Path(path) | EvidenceKind::Link(path) | EvidenceKind::Make(path)) =
                &evidence.kind;
            return vec![Self { path: path.clone(), state: State::Missing }];
        }
        artefact
            .files
            .iter()
            .map(|file| {
                let of_policy = required.end_of(item, &file.path, now);
                let before = of_policy.and(required.policy.warn_before());
                Self { path: file.path.clone(), state: State::of(file, of_policy, before, now) }
            })
            .collect()
    }
}

impl State {
    /// As `check` and the gate see it: the policy may have it end before its record does.
    fn of(file: &File, of_policy: Option<Timestamp>, before: Option<Duration>, now: Timestamp) -> Self {
        match &file.page {
            Page::ByHand => Self::ByHand,
            Page::Other => Self::Present,
            Page::Later(_) => Self::NotYet,
            Page::Evidence { record: None, .. } => Self::Altered,
            Page::Evidence { chain: Some(trouble), .. } if trouble.outcome == Outcome::Failed => {
                Self::Altered
            }
            Page::Evidence { record: Some(record), .. } => {
                let own = Record::time(&record.valid_until);
                let until = of_policy.map_or(own, |end| end.min(own));
                let before = before.and_then(|before| SignedDuration::try_from(before).ok());
                let soon = before.unwrap_or_else(|| until.duration_since(Record::time(&record.finished)) / 5);
                match record.verdict {
                    Verdict::Failed | Verdict::Inconclusive => Self::NotPassed(record.verdict),
                    _ if until <= now => Self::Expired(until),
                    _ if until.duration_since(now) < soon => Self::NotForLong(until),
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
