//! Findings about a lifetime that waited for the whole run: how many others serve the same certificate,
//! whether another node of the name serves a newer one already, and whether what ends is only kept in an
//! archive. Pure.

use std::collections::{HashMap, HashSet};

use evidence_report::record::{Finding, Requirement};
use jiff::Timestamp;

use super::ledger::{Closed, Fingerprint};
use crate::{
    assess::{Part, agreement::files::in_archive},
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
}

impl Surroundings {
    pub(super) fn of(waiting: &[(Fingerprint, Finding)], all: &Closed) -> Self {
        let names: HashSet<_> =
            waiting.iter().filter_map(|(_, finding)| Some(finding.subject.split_once(" at ")?.0)).collect();
        let wanted: HashSet<_> = waiting.iter().map(|(fingerprint, _)| *fingerprint).collect();
        let mut surroundings = Self { own: HashMap::new(), nodes: HashMap::new(), archives: HashMap::new() };
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
        let Some((series, number)) = in_archive(&finding.subject) else { return finding };
        match self.archives.get(&series) {
            Some((last, successor)) if *last > number => {
                let reason = format!(
                    "{}; it is only kept in an archive, where {successor} followed it",
                    finding.observed
                );
                let shown = FILE_LIFETIME.not_checked(Requirement::Optional, finding.subject, reason);
                let shown = shown.remedy("Nothing: the successor is judged.");
                match finding.location {
                    Some(place) => shown.at(place.path, place.line),
                    None => shown,
                }
            }
            _ => finding,
        }
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

fn with_words(finding: Finding, words: &str) -> Finding {
    let observed = format!("{}; {words}", finding.observed);
    finding.observed(observed)
}
