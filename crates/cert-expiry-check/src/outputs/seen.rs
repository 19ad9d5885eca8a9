//! Every certificate that a run saw, each once, however many places it was seen in.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    sync::Arc,
};

use evidence_report::record::{Decimal, Finding, Measurement};
use jiff::Timestamp;

use super::waiting::Surroundings;
use crate::{
    assess::{
        Basis, KeySighting, Part, Sighting,
        agreement::{
            files::{self, Served, Stored, in_archive},
            keys::{self, Beside, Held},
        },
        issuer, kubernetes,
        lifetime::{Role, Standing},
        renewal::{self, Leaf},
        revocation::Suspect,
    },
    certificate::Certificate,
};

/// The certificates of a run.
#[derive(Debug, Default)]
pub struct Seen {
    by_fingerprint: HashMap<[u8; 32], One>,
    keys: Vec<KeySighting>,
    /// Findings about lifetimes, which wait for the whole run.
    waiting: Vec<([u8; 32], Finding)>,
}

/// One certificate of a run, and everywhere it was seen.
#[derive(Debug, Clone)]
pub struct One {
    /// It.
    pub certificate: Arc<Certificate>,
    /// In its worst standing: as a server's own it is judged by other limits than as an issuer.
    pub standing: Standing,
    /// Where, as what, and as a target of which group.
    places: Vec<(Part, u16, String)>,
}

impl One {
    /// The alphabetically first place.
    #[must_use]
    pub fn place(&self) -> &str {
        self.places.iter().map(|(.., place)| place.as_str()).min().unwrap_or_default()
    }

    /// In how many other places it was seen.
    #[must_use]
    pub fn elsewhere(&self) -> usize {
        self.places.len().saturating_sub(1)
    }

    /// Every place, and as what it was seen there.
    pub fn places(&self) -> impl Iterator<Item = (Part, &str)> {
        self.places.iter().map(|(part, _, place)| (*part, place.as_str()))
    }

    /// The places where it was seen as this, sorted.
    #[must_use]
    pub fn places_as(&self, part: Part) -> Vec<String> {
        let as_this = self.places.iter().filter(|(as_what, ..)| *as_what == part);
        let mut places: Vec<_> = as_this.map(|(.., place)| place.clone()).collect();
        places.sort();
        places.dedup();
        places
    }

    /// Whether anybody misses it once it has ended: it does not merely lie in an archive, or beside the path.
    fn is_missed(&self) -> bool {
        let is_spent =
            |(part, place)| part == Part::Spare || part == Part::File && in_archive(place).is_some();
        !self.places().all(is_spent)
    }

    /// The groups among whose targets it was seen as this.
    fn groups_as(&self, part: Part) -> BTreeSet<u16> {
        self.places.iter().filter(|(as_what, ..)| *as_what == part).map(|(_, group, _)| *group).collect()
    }
}

/// What is kept of a certificate until the end of the run: a copy that is made here, and not the one of the
/// worker that read it. What lasts among what is soon given back would keep the memory of all of it.
fn kept(certificate: Arc<Certificate>) -> Arc<Certificate> {
    if Arc::strong_count(&certificate) > 1 {
        return certificate;
    }
    Arc::new(Certificate::clone(&certificate))
}

impl Seen {
    /// Takes in a sighting among the targets of a group.
    pub fn take_in(&mut self, group: u16, sighting: Sighting) {
        let Sighting { place, part, certificate, standing } = sighting;
        match self.by_fingerprint.entry(certificate.fingerprint) {
            Entry::Vacant(vacant) => {
                let certificate = kept(certificate);
                vacant.insert(One { certificate, standing, places: vec![(part, group, place)] });
            }
            Entry::Occupied(mut occupied) => {
                let one = occupied.get_mut();
                one.places.push((part, group, place));
                one.standing = one.standing.max(standing);
            }
        }
    }

    /// Takes in a private key.
    pub fn take_in_key(&mut self, key: KeySighting) {
        self.keys.push(key);
    }

    /// Keeps a finding about a lifetime until everything was seen that bears upon it.
    pub fn keep_waiting(&mut self, certificate: [u8; 32], finding: Finding) {
        self.waiting.push((certificate, finding));
    }

    /// Judges what only the whole run can tell: the issuers that endpoints present, each once, whether
    /// endpoints serve what lies in the files, and whether keys and certificates belong together. `bases` are
    /// those of the groups.
    #[must_use]
    pub fn joined(&mut self, bases: &[&Basis]) -> Vec<Finding> {
        let Some(now) = bases.first().map(|basis| basis.now) else { return Vec::new() };
        let mut findings = self.no_longer_waiting(now);
        let ones = || self.by_fingerprint.values();
        findings.extend(ones().flat_map(|one| judge_issuer(one, bases)));
        findings.extend(ones().filter_map(|one| judge_kept_issuer(one, bases)));
        findings.extend(files::judge(&self.served(), &self.stored(), now));
        let beside = ones().flat_map(|one| {
            let lying = one.places.iter().filter(|(part, ..)| matches!(part, Part::File | Part::Secret));
            lying.map(|(.., place)| Beside { certificate: &one.certificate, place })
        });
        findings.extend(keys::matching(&self.keys, &beside.collect::<Vec<_>>()));
        let held: Vec<_> = self.leaves_and_servers().map(held).collect();
        findings.extend(keys::shared(&held));
        findings.extend(renewal::judge(&self.leaves(), now));
        findings
    }

    fn no_longer_waiting(&mut self, now: Timestamp) -> Vec<Finding> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Vec::new();
        }
        let surroundings = Surroundings::of(&self.by_fingerprint);
        let complete = |(certificate, finding)| surroundings.complete(&certificate, finding, now);
        waiting.into_iter().map(complete).collect()
    }

    fn served(&self) -> Vec<Served<'_>> {
        let served = self.by_fingerprint.values().map(|one| Served {
            certificate: &one.certificate,
            standing: one.standing,
            endpoints: one.places_as(Part::Server),
        });
        served.filter(|served| !served.endpoints.is_empty()).collect()
    }

    fn stored(&self) -> Vec<Stored<'_>> {
        let stored = self.by_fingerprint.values().map(|one| Stored {
            certificate: &one.certificate,
            files: one.places_as(Part::File),
            secrets: one.places_as(Part::Secret),
        });
        stored.filter(|stored| !stored.files.is_empty() || !stored.secrets.is_empty()).collect()
    }

    fn leaves_and_servers(&self) -> impl Iterator<Item = &One> {
        let serves = |one: &One| one.places.iter().any(|(part, ..)| *part == Part::Server);
        self.by_fingerprint.values().filter(move |one| !one.certificate.is_issuer || serves(one))
    }

    /// What stands for servers and clients.
    fn leaves(&self) -> Vec<Leaf<'_>> {
        let ones = self.by_fingerprint.values().filter(|one| !one.certificate.is_issuer);
        let leaves = ones.map(|one| Leaf {
            certificate: &one.certificate,
            served_at: one.places_as(Part::Server),
            stored_at: [Part::File, Part::Secret, Part::Client].map(|part| one.places_as(part)).concat(),
            standing: one.standing,
        });
        leaves.collect()
    }

    /// What may have been revoked, with the places where it was seen, servers first.
    #[must_use]
    pub fn suspects(&self) -> Vec<Suspect<'_>> {
        let parts = [Part::Server, Part::Client, Part::Issuer, Part::File, Part::Secret];
        let suspects = self.by_fingerprint.values().map(|one| Suspect {
            certificate: &one.certificate,
            places: parts.map(|part| one.places_as(part)).concat(),
        });
        suspects.filter(|suspect| !suspect.places.is_empty()).collect()
    }

    /// What may have issued others.
    #[must_use]
    pub fn issuers(&self) -> Vec<Arc<Certificate>> {
        let certificates = self.by_fingerprint.values().map(|one| &one.certificate);
        certificates.filter(|certificate| certificate.is_issuer).cloned().collect()
    }

    /// All of them, what ends soonest first.
    #[must_use]
    pub fn soonest_first(&self) -> Vec<&One> {
        let mut all: Vec<_> = self.by_fingerprint.values().collect();
        all.sort_by_key(|one| {
            let certificate = &one.certificate;
            (certificate.validity.not_after, &certificate.name, certificate.fingerprint)
        });
        all
    }

    /// What goes into the record as numbers: counts, and the earliest end. The ends of all are
    /// [`super::exporters::certificates`].
    #[must_use]
    pub fn measurements(&self, now: Timestamp) -> Vec<Measurement> {
        let all = self.soonest_first();
        let count = |metric: &str, number: usize| {
            Measurement::new(metric, Decimal::from(number as u64), "certificates")
        };
        let expired = all.iter().filter(|one| one.standing == Standing::Expired).count();
        let mut measurements =
            vec![count("certificates_seen", all.len()), count("certificates_expired", expired)];
        let earliest = all.iter().find(|one| one.certificate.validity.not_after >= now || one.is_missed());
        if let Some(earliest) = earliest {
            let end = earliest.certificate.validity.not_after;
            let days = Decimal::new(now.duration_until(end).as_secs_f64() / 86_400.0, 2);
            measurements.push(Measurement::new("earliest_expiry_days_left", days, "days"));
        }
        measurements
    }
}

/// Groups may hold issuers to different limits: the strictest counts.
fn judge_issuer(one: &One, bases: &[&Basis]) -> Vec<Finding> {
    let presented_by = one.places_as(Part::Issuer);
    let groups = one.groups_as(Part::Issuer);
    let bases = groups.iter().filter_map(|group| bases.get(usize::from(*group)));
    let judged = bases.map(|basis| issuer::judge(&one.certificate, &presented_by, basis));
    let worst = |findings: &Vec<Finding>| findings.iter().map(|finding| finding.outcome.severity()).max();
    judged.max_by_key(worst).unwrap_or_default()
}

/// The same for an issuer that stands in Kubernetes objects; they belong to the first group.
fn judge_kept_issuer(one: &One, bases: &[&Basis]) -> Option<Finding> {
    let kept_in = one.places_as(Part::Secret);
    let is_issuer = Role::of_stored(&one.certificate) == Role::Issuer;
    let basis = bases.first().filter(|_| is_issuer && !kept_in.is_empty())?;
    Some(kubernetes::issuer(&one.certificate, &kept_in, basis))
}

fn held(one: &One) -> Held<'_> {
    Held {
        certificate: &one.certificate,
        endpoints: one.places_as(Part::Server),
        elsewhere: [Part::File, Part::Secret, Part::Client].map(|part| one.places_as(part)).concat(),
    }
}
