//! Findings about a lifetime that waited for the whole run: how many others serve the same certificate,
//! whether another node of the name serves a newer one already, and whether what ends is only kept in an
//! archive. Pure.

use std::collections::{HashMap, HashSet};

use evidence_report::record::{Finding, Requirement};
use jiff::Timestamp;

use super::{
    One,
    ledger::{Closed, Fingerprint},
};
use crate::{
    assess::{
        Part,
        agreement::{
            files::in_archive,
            history::{followed_by_name, put_aside_from},
        },
    },
    certificate::Validity,
    checks::FILE_LIFETIME,
    wording::{distance, moment},
};

/// What the run saw, as far as it bears upon such findings.
pub(super) struct Surroundings {
    /// The certificates that the findings are about: valid when, and served at how many endpoints.
    own: HashMap<Fingerprint, (Validity, usize)>,
    /// What the nodes of their names serve, each by its address.
    nodes: HashMap<String, Vec<(String, Validity)>>,
    /// The last of each series of an archive.
    archives: HashMap<String, (u64, String)>,
    /// Where something lies that was put aside, and what has followed it.
    history: HashMap<String, String>,
}

impl Surroundings {
    pub(super) fn of(waiting: &[(Fingerprint, Finding)], all: &Closed) -> Self {
        let names: HashSet<_> =
            waiting.iter().filter_map(|(_, finding)| Some(finding.subject.split_once(" at ")?.0)).collect();
        let wanted: HashSet<_> = waiting.iter().map(|(fingerprint, _)| *fingerprint).collect();
        let history = history(waiting, all);
        let mut surroundings =
            Self { own: HashMap::new(), nodes: HashMap::new(), archives: HashMap::new(), history };
        all.each(|_, fingerprint, packed| {
            if wanted.contains(fingerprint) {
                let served = packed.places().filter(|(part, ..)| *part == Part::Server).count();
                surroundings.own.insert(*fingerprint, (packed.validity(), served));
            }
            for (part, _, place) in packed.places() {
                match part {
                    Part::Server => {
                        if let Some((name, node)) =
                            place.split_once(" at ").filter(|(name, _)| names.contains(name))
                        {
                            let nodes = surroundings.nodes.entry(name.to_owned()).or_default();
                            nodes.push((node.to_owned(), packed.validity()));
                        }
                    }
                    Part::File => {
                        if let Some((series, number)) = in_archive(place) {
                            let new = (number, place.to_owned());
                            let last = surroundings.archives.entry(series).or_insert_with(|| new.clone());
                            if *last < new {
                                *last = new;
                            }
                        }
                    }
                    _ => {}
                }
            }
        });
        surroundings
    }

    /// The finding, with what else is to be said.
    pub(super) fn complete(&self, certificate: &Fingerprint, finding: Finding, now: Timestamp) -> Finding {
        if finding.check.id == FILE_LIFETIME.id {
            return self.archived(finding);
        }
        let finding = self.with_newer_node(certificate, finding, now);
        // One certificate on forty hosts is one outage, not forty: each of the forty findings says so.
        match self.own.get(certificate).map_or(1, |(_, endpoints)| *endpoints) {
            0 | 1 => finding,
            2 => with_words(finding, "the same certificate at 1 more endpoint"),
            many => with_words(finding, &format!("the same certificate at {} more endpoints", many - 1)),
        }
    }

    fn archived(&self, finding: Finding) -> Finding {
        let in_archive = in_archive(&finding.subject).and_then(|(series, number)| {
            let (last, successor) = self.archives.get(&series)?;
            let why = format!("it is only kept in an archive, where {successor} followed it");
            (*last > number).then_some(why)
        });
        let why = in_archive.or_else(|| {
            let successor = self.history.get(&finding.subject)?;
            Some(format!("its path says that it is only kept for the record, and {successor} followed it"))
        });
        let Some(why) = why else { return finding };
        let reason = format!("{}; {why}", finding.observed);
        let shown = FILE_LIFETIME.not_checked(Requirement::Optional, finding.subject, reason);
        let shown = shown.remedy("Nothing: the successor is judged.");
        match finding.location {
            Some(place) => shown.at(place.path, place.line),
            None => shown,
        }
    }

    /// Where something lies that was put aside, and was followed.
    pub(super) fn into_history(self) -> HashSet<String> {
        self.history.into_keys().collect()
    }

    fn with_newer_node(&self, certificate: &Fingerprint, finding: Finding, now: Timestamp) -> Finding {
        let own = self.own.get(certificate).map(|(validity, _)| *validity);
        let (Some(own), Some((name, node))) = (own, finding.subject.split_once(" at ")) else {
            return finding;
        };
        let siblings = self.nodes.get(name).into_iter().flatten();
        let newest = siblings
            .filter(|(_, other)| other.not_before > own.not_before && other.not_after > own.not_after)
            .max_by_key(|(node, other)| (other.not_after, node));
        let Some((sibling, newest)) = newest else { return finding };
        let end = newest.not_after;
        let words =
            format!("the node at {sibling} serves a newer one until {}, {}", moment(end), distance(now, end));
        let remedy = format!(
            "Install the certificate of the node at {sibling} at {node} too, and reload: this node of {name} was \
             probably forgotten at the last renewal."
        );
        with_words(finding, &words).remedy(remedy)
    }
}

/// What of these findings is about something that was put aside, with what has followed it.
fn history(waiting: &[(Fingerprint, Finding)], all: &Closed) -> HashMap<String, String> {
    let is_aside = |finding: &Finding| {
        finding.check.id == FILE_LIFETIME.id && put_aside_from(&finding.subject).is_some()
    };
    if !waiting.iter().any(|(_, finding)| is_aside(finding)) {
        return HashMap::new();
    }
    let mut in_files = Vec::new();
    all.each(|_, fingerprint, packed| {
        if packed.is_seen_as(&[Part::File]) {
            in_files.push(One::of(fingerprint, packed));
        }
    });
    let lying: Vec<_> = in_files.iter().flat_map(One::lying).collect();
    let followed = followed_by_name(&lying).into_iter();
    followed.map(|(place, successor)| (place.to_owned(), successor.to_owned())).collect()
}

fn with_words(finding: Finding, words: &str) -> Finding {
    let observed = format!("{}; {words}", finding.observed);
    finding.observed(observed)
}
