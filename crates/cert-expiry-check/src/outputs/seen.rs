//! Every certificate that a run saw, each once, however many places it was seen in.

use std::{
    collections::{BTreeSet, HashMap, HashSet, hash_map::Entry},
    hash::Hash,
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
    keeping: Keeping,
    alike: Alike,
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
    places: Vec<(Part, u16, Box<str>)>,
}

/// What is kept of each certificate until the end of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keeping {
    /// All of it.
    #[default]
    Everything,
    /// All but its bytes, where nothing will ask for the signature on it.
    WhatItSays,
}

/// What thousands of certificates say in the same words: each once in memory.
#[derive(Debug, Default)]
struct Alike {
    words: HashSet<Arc<str>>,
    names: HashSet<Arc<[u8]>>,
}

impl Alike {
    /// Puts what was said before in the place of what says the same.
    fn share(&mut self, certificate: &mut Certificate) {
        let Certificate { issuer, key_algorithm, signature_algorithm, curve, issuer_der, .. } = certificate;
        for words in [issuer, key_algorithm, signature_algorithm].into_iter().chain(curve) {
            *words = once(&mut self.words, words);
        }
        *issuer_der = once(&mut self.names, issuer_der);
    }
}

fn once<T: ?Sized + Hash + Eq>(known: &mut HashSet<Arc<T>>, new: &Arc<T>) -> Arc<T> {
    if let Some(known) = known.get(new) {
        return Arc::clone(known);
    }
    known.insert(Arc::clone(new));
    Arc::clone(new)
}

impl One {
    /// The alphabetically first place.
    #[must_use]
    pub fn place(&self) -> &str {
        self.places.iter().map(|(.., place)| &**place).min().unwrap_or_default()
    }

    /// In how many other places it was seen.
    #[must_use]
    pub fn elsewhere(&self) -> usize {
        self.places.len().saturating_sub(1)
    }

    /// Every place, and as what it was seen there.
    pub fn places(&self) -> impl Iterator<Item = (Part, &str)> {
        self.places.iter().map(|(part, _, place)| (*part, &**place))
    }

    /// The places where it was seen as this, sorted.
    #[must_use]
    pub fn places_as(&self, part: Part) -> Vec<String> {
        let as_this = self.places.iter().filter(|(as_what, ..)| *as_what == part);
        let mut places: Vec<_> = as_this.map(|(.., place)| String::from(&**place)).collect();
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

impl Seen {
    /// Nothing yet.
    #[must_use]
    pub fn keeping(keeping: Keeping) -> Self {
        Self { keeping, ..Self::default() }
    }

    /// Takes in a sighting among the targets of a group.
    pub fn take_in(&mut self, group: u16, sighting: Sighting) {
        let Sighting { place, part, certificate, standing } = sighting;
        let place = place.into_boxed_str();
        match self.by_fingerprint.entry(certificate.fingerprint) {
            Entry::Vacant(vacant) => {
                let certificate = kept(&certificate, self.keeping, &mut self.alike);
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

    /// Judges what only the whole run can tell, and says it finding by finding: of the issuers that endpoints
    /// present, each once, whether endpoints serve what lies in the files, whether keys and certificates belong
    /// together, whether a renewal has stalled. `bases` are those of the groups.
    pub fn join(&mut self, bases: &[&Basis], mut say: impl FnMut(Finding)) {
        let Some(now) = bases.first().map(|basis| basis.now) else { return };
        self.no_longer_waiting(now).into_iter().for_each(&mut say);
        let ones = || self.by_fingerprint.values();
        ones().flat_map(|one| judge_issuer(one, bases)).for_each(&mut say);
        ones().filter_map(|one| judge_kept_issuer(one, bases)).for_each(&mut say);
        let stored = self.stored();
        if !stored.is_empty() {
            files::judge(&self.served(), &stored, now).into_iter().for_each(&mut say);
        }
        let beside = ones().flat_map(|one| {
            let lying = one.places.iter().filter(|(part, ..)| matches!(part, Part::File | Part::Secret));
            lying.map(|(.., place)| Beside { certificate: &one.certificate, place })
        });
        keys::matching(&self.keys, &beside.collect::<Vec<_>>()).into_iter().for_each(&mut say);
        keys::shared(&self.held()).into_iter().for_each(&mut say);
        renewal::judge(&self.leaves(), now).for_each(&mut say);
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

    /// Leaves, and whatever else serves.
    fn held(&self) -> Vec<Held<'_>> {
        let serves = |one: &One| one.places.iter().any(|(part, ..)| *part == Part::Server);
        let ones = self.by_fingerprint.values().filter(|one| !one.certificate.is_issuer || serves(one));
        ones.map(held).collect()
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

/// What is kept of a certificate: a copy that is made here, and not the one of the worker that read it. What lasts
/// among what is soon given back would keep the memory of all of it.
fn kept(certificate: &Certificate, keeping: Keeping, alike: &mut Alike) -> Arc<Certificate> {
    let mut kept = match keeping {
        Keeping::Everything => certificate.clone(),
        Keeping::WhatItSays => certificate.without_bytes(),
    };
    alike.share(&mut kept);
    Arc::new(kept)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::self_test::farm::{Authority, Lifetime};

    fn two_of_one_issuer() -> [Arc<Certificate>; 2] {
        let authority = Authority::new().unwrap();
        ["a.example", "b.example"].map(|name| {
            let identity = authority.issue(&[name], Lifetime::days_left(90, 60)).unwrap();
            Arc::new(Certificate::read_only(&identity.chain[0]).unwrap())
        })
    }

    fn seen(keeping: Keeping, certificates: &[Arc<Certificate>]) -> Seen {
        let mut seen = Seen::keeping(keeping);
        for certificate in certificates {
            let (place, certificate) = (format!("{}:443", certificate.name), Arc::clone(certificate));
            seen.take_in(0, Sighting { place, part: Part::Server, certificate, standing: Standing::Good });
        }
        seen
    }

    #[test]
    fn what_certificates_say_is_kept_whatever_becomes_of_their_bytes() {
        let certificates = two_of_one_issuer();
        for certificate in &certificates {
            let whole = seen(Keeping::Everything, &certificates);
            assert_eq!(whole.by_fingerprint[&certificate.fingerprint].certificate, *certificate);
            let lean = seen(Keeping::WhatItSays, &certificates);
            let kept = &lean.by_fingerprint[&certificate.fingerprint].certificate;
            assert!(kept.der.is_empty());
            assert_eq!(
                Certificate { der: certificate.der.clone(), ..Certificate::clone(kept) },
                **certificate
            );
        }
    }

    #[test]
    fn what_two_say_alike_is_in_memory_once() {
        let certificates = two_of_one_issuer();
        let seen = seen(Keeping::WhatItSays, &certificates);
        let [one, other] =
            certificates.map(|one| Arc::clone(&seen.by_fingerprint[&one.fingerprint].certificate));
        assert!(Arc::ptr_eq(&one.issuer, &other.issuer));
        assert!(Arc::ptr_eq(&one.issuer_der, &other.issuer_der));
        assert!(Arc::ptr_eq(&one.key_algorithm, &other.key_algorithm));
    }
}
