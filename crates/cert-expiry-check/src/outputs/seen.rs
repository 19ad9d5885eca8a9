//! Every certificate that a run saw, each once, however many places it was seen in.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    sync::Arc,
};

use evidence_report::record::{Check, Decimal, Finding, Measurement};
use jiff::Timestamp;

use super::{
    packed::{Alike, Packed},
    waiting::Surroundings,
};
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
    checks::{KEY_MATCH, KEY_SHARED, TLS_AGREEMENT, TLS_RENEWAL},
};

/// The certificates of a run.
#[derive(Debug, Default)]
pub struct Seen {
    by_fingerprint: BTreeMap<[u8; 32], Packed>,
    keeping: Keeping,
    alike: Alike,
    keys: Vec<KeySighting>,
    /// Findings about lifetimes, which wait for the whole run.
    waiting: Vec<([u8; 32], Finding)>,
}

/// One certificate of a run, and everywhere it was seen: written out of what is kept of it, for as long as it is
/// looked at.
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

impl One {
    /// Without the bytes of the certificate.
    fn of(fingerprint: &[u8; 32], packed: &Packed) -> Self {
        Self::with(packed.words(*fingerprint), packed)
    }

    fn with(certificate: Certificate, packed: &Packed) -> Self {
        let places = packed.places().map(|(part, group, place)| (part, group, place.into()));
        Self { certificate: Arc::new(certificate), standing: packed.standing, places: places.collect() }
    }

    /// It, as what may have been revoked, with the places where it was seen, servers first.
    #[must_use]
    pub fn suspect(&self) -> Option<Suspect<'_>> {
        let parts = [Part::Server, Part::Client, Part::Issuer, Part::File, Part::Secret];
        let places = parts.map(|part| self.places_as(part)).concat();
        (!places.is_empty()).then_some(Suspect { certificate: &self.certificate, places })
    }

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

/// In files and Kubernetes objects.
const LYING: &[Part] = &[Part::File, Part::Secret];

impl Seen {
    /// Nothing yet.
    #[must_use]
    pub fn keeping(keeping: Keeping) -> Self {
        Self { keeping, ..Self::default() }
    }

    /// Takes in a sighting among the targets of a group.
    pub fn take_in(&mut self, group: u16, sighting: Sighting) {
        let Sighting { place, part, certificate, standing } = sighting;
        let packed = match self.by_fingerprint.entry(certificate.fingerprint) {
            Entry::Vacant(vacant) => {
                let kept = match self.keeping {
                    Keeping::Everything => Packed::new(&certificate, standing, &mut self.alike),
                    Keeping::WhatItSays => {
                        Packed::new(&certificate.without_bytes(), standing, &mut self.alike)
                    }
                };
                vacant.insert(kept)
            }
            Entry::Occupied(occupied) => occupied.into_mut(),
        };
        packed.standing = packed.standing.max(standing);
        packed.add_place(part, group, &place);
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
    ///
    /// It says which checks what was seen together owes.
    pub fn join(&mut self, bases: &[&Basis], mut say: impl FnMut(Finding)) -> Vec<&'static Check> {
        let Some(now) = bases.first().map(|basis| basis.now) else { return Vec::new() };
        self.no_longer_waiting(now).into_iter().for_each(&mut say);
        self.seen_as(&[Part::Issuer]).flat_map(|one| judge_issuer(&one, bases)).for_each(&mut say);
        self.seen_as(&[Part::Secret]).filter_map(|one| judge_kept_issuer(&one, bases)).for_each(&mut say);
        let mut owed = self.hold_against_what_lies(now, &mut say);
        let sharing = self.sharing_keys();
        let sharing: Vec<_> = sharing.iter().map(held).collect();
        owed.extend(keys::are_shared(&sharing).then_some(&KEY_SHARED));
        keys::shared(&sharing).into_iter().for_each(&mut say);
        drop(sharing);
        let look_up = |fingerprint: &[u8; 32]| self.holder(fingerprint);
        owed.extend(renewal::judge(self.leaves(), look_up, now, say).then_some(&TLS_RENEWAL));
        owed
    }

    /// Whether servers serve, and keys belong to, what lies in files and Kubernetes objects. Where there are neither
    /// servers nor keys, there is nothing to write it out for.
    fn hold_against_what_lies(&self, now: Timestamp, mut say: impl FnMut(Finding)) -> Vec<&'static Check> {
        let serving: Vec<_> = if self.by_fingerprint.values().any(|packed| packed.is_seen_as(LYING)) {
            self.seen_as(&[Part::Server]).collect()
        } else {
            Vec::new()
        };
        if serving.is_empty() && self.keys.is_empty() {
            return Vec::new();
        }
        let lying: Vec<_> = self.seen_as(LYING).collect();
        let (served, stored): (Vec<_>, Vec<_>) =
            (serving.iter().map(served).collect(), lying.iter().map(stored).collect());
        let mut owed = Vec::new();
        owed.extend(files::are_comparable(&served, &stored, now).then_some(&TLS_AGREEMENT));
        files::judge(&served, &stored, now).into_iter().for_each(&mut say);
        let beside = lying.iter().flat_map(|one| {
            let lying = one.places.iter().filter(|(part, ..)| LYING.contains(part));
            lying.map(|(.., place)| Beside { certificate: &one.certificate, place })
        });
        let beside: Vec<_> = beside.collect();
        owed.extend(keys::have_partners(&self.keys, &beside).then_some(&KEY_MATCH));
        keys::matching(&self.keys, &beside).into_iter().for_each(&mut say);
        owed
    }

    fn no_longer_waiting(&mut self, now: Timestamp) -> Vec<Finding> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Vec::new();
        }
        let surroundings = Surroundings::of(&waiting, &self.by_fingerprint);
        let complete = |(certificate, finding)| surroundings.complete(&certificate, finding, now);
        waiting.into_iter().map(complete).collect()
    }

    /// Those that were seen as one of these.
    fn seen_as(&self, parts: &'static [Part]) -> impl Iterator<Item = One> {
        let wanted = self.by_fingerprint.iter().filter(|(_, packed)| packed.is_seen_as(parts));
        wanted.map(|(fingerprint, packed)| One::of(fingerprint, packed))
    }

    /// Leaves, and whatever else serves, whose key may stand behind more than one certificate or host.
    fn sharing_keys(&self) -> Vec<One> {
        let holds = |packed: &Packed| !packed.is_issuer() || packed.is_seen_as(&[Part::Server]);
        let mut by_key: Vec<_> = (self.by_fingerprint.iter())
            .filter(|(_, packed)| holds(packed))
            .map(|(fingerprint, packed)| (packed.public_key_digest(), fingerprint, packed))
            .collect();
        by_key.sort_unstable_by_key(|(key, fingerprint, _)| (*key, *fingerprint));
        let shared = by_key.chunk_by(|(one, ..), (other, ..)| one == other).filter(|holders| {
            holders.len() > 1 || holders.iter().any(|(.., packed)| packed.places().nth(1).is_some())
        });
        shared.flatten().map(|(_, fingerprint, packed)| One::of(fingerprint, packed)).collect()
    }

    /// What stands for servers and clients, as far as it bears upon a cadence.
    fn leaves(&self) -> Vec<Leaf> {
        let leaves = self.by_fingerprint.iter().filter(|(_, packed)| !packed.is_issuer());
        leaves
            .filter_map(|(fingerprint, packed)| {
                let is_served = packed.is_seen_as(&[Part::Server]);
                Leaf::of(&packed.words(*fingerprint), is_served, packed.standing)
            })
            .collect()
    }

    fn holder(&self, fingerprint: &[u8; 32]) -> Option<renewal::Holder> {
        let one = One::of(fingerprint, self.by_fingerprint.get(fingerprint)?);
        let parts = [Part::Server, Part::File, Part::Secret, Part::Client];
        let places = parts.map(|part| one.places_as(part)).concat();
        Some(renewal::Holder { certificate: one.certificate, places })
    }

    /// All of them with their bytes, as far as those were kept; in no order that matters.
    #[must_use]
    pub fn whole(&self) -> Vec<One> {
        let all = self.by_fingerprint.iter();
        all.map(|(fingerprint, packed)| One::with(packed.whole(*fingerprint), packed)).collect()
    }

    /// What may have issued others, likewise.
    #[must_use]
    pub fn issuers(&self) -> Vec<Arc<Certificate>> {
        let issuers = self.by_fingerprint.iter().filter(|(_, packed)| packed.is_issuer());
        issuers.map(|(fingerprint, packed)| Arc::new(packed.whole(*fingerprint))).collect()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_fingerprint.len()
    }

    /// All of them, what ends soonest first, each written out when it is its turn.
    pub fn soonest_first(&self) -> impl Iterator<Item = One> {
        let mut all: Vec<_> = self.by_fingerprint.iter().collect();
        all.sort_by_key(|(fingerprint, packed)| (packed.not_after(), packed.name(), *fingerprint));
        all.into_iter().map(|(fingerprint, packed)| One::of(fingerprint, packed))
    }

    /// What goes into the record as numbers: counts, and the earliest end. The ends of all are
    /// [`super::exporters::certificates`].
    #[must_use]
    pub fn measurements(&self, now: Timestamp) -> Vec<Measurement> {
        let count = |metric: &str, number: usize| {
            Measurement::new(metric, Decimal::from(number as u64), "certificates")
        };
        let expired =
            self.by_fingerprint.values().filter(|packed| packed.standing == Standing::Expired).count();
        let mut measurements =
            vec![count("certificates_seen", self.count()), count("certificates_expired", expired)];
        let mut soonest_first = self.soonest_first();
        let earliest = soonest_first.find(|one| one.certificate.validity.not_after >= now || one.is_missed());
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

fn served(one: &One) -> Served<'_> {
    Served { certificate: &one.certificate, standing: one.standing, endpoints: one.places_as(Part::Server) }
}

fn stored(one: &One) -> Stored<'_> {
    Stored {
        certificate: &one.certificate,
        files: one.places_as(Part::File),
        secrets: one.places_as(Part::Secret),
    }
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
        let kept = |keeping, wanted: &Certificate| {
            let seen = seen(keeping, &certificates);
            let found =
                seen.whole().into_iter().find(|one| one.certificate.fingerprint == wanted.fingerprint);
            Certificate::clone(&found.unwrap().certificate)
        };
        for certificate in &certificates {
            assert_eq!(kept(Keeping::Everything, certificate), **certificate);
            let lean = kept(Keeping::WhatItSays, certificate);
            assert!(lean.der.is_empty());
            assert_eq!(Certificate { der: certificate.der.clone(), ..lean }, **certificate);
        }
    }

    #[test]
    fn places_are_kept_with_the_worst_standing() {
        let [certificate, _] = two_of_one_issuer();
        let mut seen = Seen::default();
        for (place, part, standing) in [
            ("b:443", Part::Server, Standing::Warning),
            ("a:443", Part::Server, Standing::Good),
            ("c.pem", Part::File, Standing::Good),
        ] {
            let certificate = Arc::clone(&certificate);
            seen.take_in(7, Sighting { place: place.to_owned(), part, certificate, standing });
        }
        let one = seen.soonest_first().next().unwrap();
        assert_eq!(
            (seen.count(), one.standing, one.place(), one.elsewhere()),
            (1, Standing::Warning, "a:443", 2)
        );
        assert_eq!(one.places_as(Part::Server), ["a:443", "b:443"]);
        assert_eq!(one.groups_as(Part::File), BTreeSet::from([7]));
    }
}
