//! Every certificate that a run saw, each once, and what only all of them together tell. Each is written out for as
//! long as it is looked at.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    io,
    sync::Arc,
};

use evidence_report::record::{Check, Decimal, Finding, Measurement};
use jiff::Timestamp;

use super::{
    One,
    ledger::{Closed, Fingerprint, Position},
    packed::Packed,
    waiting::Surroundings,
};
use crate::{
    assess::{
        Basis, KeySighting, Part,
        agreement::{
            files::{self, Served, Stored},
            keys::{self, Beside},
            names,
            shared_keys::{self, Held},
        },
        issuer::{self, Presenters},
        kubernetes,
        lifetime::{Role, Standing},
        renewal::{self, Leaf},
    },
    certificate::Certificate,
    checks::{KEY_MATCH, KEY_SHARED, TLS_AGREEMENT, TLS_RENEWAL},
};

/// The certificates of a run that is over.
#[derive(Debug, Default)]
pub struct Seen {
    all: Closed,
    keys: Vec<KeySighting>,
    /// Findings about lifetimes, which wait for the whole run.
    waiting: Vec<(Fingerprint, Finding)>,
    /// The places of what was put aside, and was followed: as far as such findings are about it.
    history: HashSet<String>,
}

/// In files and Kubernetes objects.
const LYING: &[Part] = &[Part::File, Part::Secret];

impl Seen {
    pub(super) fn new(all: Closed, keys: Vec<KeySighting>, waiting: Vec<(Fingerprint, Finding)>) -> Self {
        Self { all, keys, waiting, history: HashSet::new() }
    }

    /// Judges what only the whole run can tell, and says it finding by finding: of the issuers that endpoints
    /// present, each once, whether endpoints serve what lies in the files, whether keys and certificates belong
    /// together, whether a renewal has stalled. `bases` are those of the groups.
    ///
    /// It says which checks what was seen together owes.
    pub fn join(&mut self, bases: &[&Basis], mut say: impl FnMut(Finding)) -> Vec<&'static Check> {
        let Some(now) = bases.first().map(|basis| basis.now) else { return Vec::new() };
        self.no_longer_waiting(now).into_iter().for_each(&mut say);
        self.seen_as(&[Part::Issuer], |one| judge_issuer(&one, bases).into_iter().for_each(&mut say));
        self.seen_as(&[Part::Secret], |one| judge_kept_issuer(&one, bases).into_iter().for_each(&mut say));
        let mut owed = self.hold_against_what_lies(now, &mut say);
        owed.extend(self.judge_shared_keys(&mut say).then_some(&KEY_SHARED));
        let is_held = renewal::judge(self.leaves(), |position| self.holder(position), now, say);
        owed.extend(is_held.then_some(&TLS_RENEWAL));
        owed
    }

    /// Whether there were any.
    fn judge_shared_keys(&self, say: impl FnMut(Finding)) -> bool {
        let sharing = self.sharing_keys();
        let held: Vec<_> = sharing.iter().map(held).collect();
        shared_keys::judge(&held).into_iter().for_each(say);
        shared_keys::are_shared(&held)
    }

    /// Whether servers serve, and keys belong to, what lies in files and Kubernetes objects; which checks that owes.
    fn hold_against_what_lies(&self, now: Timestamp, mut say: impl FnMut(Finding)) -> Vec<&'static Check> {
        let mut lying = Vec::new();
        self.seen_as(LYING, |one| lying.push(one));
        if lying.is_empty() {
            return Vec::new();
        }
        let serving = self.serving_what_lies(&lying);
        let (served, stored): (Vec<_>, Vec<_>) =
            (serving.iter().map(served).collect(), lying.iter().map(stored).collect());
        let mut owed = Vec::new();
        owed.extend(files::are_comparable(&served, &stored, now).then_some(&TLS_AGREEMENT));
        files::judge(&served, &stored, now).into_iter().for_each(&mut say);
        let beside = lying.iter().flat_map(|one| {
            let lying = one.places().filter(|(part, _)| LYING.contains(part));
            lying.map(|(_, place)| Beside { certificate: &one.certificate, place })
        });
        let beside: Vec<_> = beside.collect();
        owed.extend(keys::have_partners(&self.keys, &beside).then_some(&KEY_MATCH));
        keys::matching(&self.keys, &beside).into_iter().for_each(&mut say);
        owed
    }

    /// What servers serve that lies there too, or has a name in common with something that does. Of everything else
    /// nothing could be said.
    fn serving_what_lies(&self, lying: &[One]) -> Vec<One> {
        let lying_there: HashSet<_> = lying.iter().map(|one| one.certificate.fingerprint).collect();
        let known: HashSet<_> = lying.iter().flat_map(|one| names(&one.certificate)).collect();
        let mut serving = Vec::new();
        self.all.each(|_, fingerprint, packed| {
            if packed.is_seen_as(&[Part::Server]) {
                let one = One::of(fingerprint, packed);
                if lying_there.contains(fingerprint)
                    || names(&one.certificate).iter().any(|name| known.contains(name))
                {
                    serving.push(one);
                }
            }
        });
        serving
    }

    fn no_longer_waiting(&mut self, now: Timestamp) -> Vec<Finding> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Vec::new();
        }
        let surroundings = Surroundings::of(&waiting, &self.all);
        let complete = |(certificate, finding)| surroundings.complete(&certificate, finding, now);
        let findings = waiting.into_iter().map(complete).collect();
        self.history = surroundings.into_history();
        findings
    }

    /// Those that were seen as one of these.
    fn seen_as(&self, parts: &[Part], mut look: impl FnMut(One)) {
        self.all.each(|_, fingerprint, packed| {
            if packed.is_seen_as(parts) {
                look(One::of(fingerprint, packed));
            }
        });
    }

    /// Leaves, and whatever else serves, whose key may stand behind more than one certificate or host. Which keys
    /// those are is told by the beginnings of their digests, of which a run may hold a hundred thousand.
    fn sharing_keys(&self) -> Vec<One> {
        let start = |packed: &Packed| {
            let digest = packed.public_key_digest();
            u64::from_be_bytes(std::array::from_fn(|index| digest[index]))
        };
        let holds = |packed: &Packed| !packed.is_issuer() || packed.is_seen_as(&[Part::Server]);
        let has_many_places = |packed: &Packed| packed.places().nth(1).is_some();
        let (mut keys, mut shared) = (Vec::with_capacity(self.count()), HashSet::new());
        self.all.each(|_, _, packed| {
            if holds(packed) {
                keys.push(start(packed));
                if has_many_places(packed) {
                    shared.insert(start(packed));
                }
            }
        });
        keys.sort_unstable();
        shared.extend(keys.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]));
        drop(keys);
        let mut sharing = Vec::new();
        if !shared.is_empty() {
            self.all.each(|_, fingerprint, packed| {
                if holds(packed) && shared.contains(&start(packed)) {
                    sharing.push(One::of(fingerprint, packed));
                }
            });
        }
        sharing
    }

    /// What stands for servers and clients, as far as it bears upon a cadence.
    fn leaves(&self) -> Vec<Leaf> {
        let mut leaves = Vec::new();
        self.all.each(|position, fingerprint, packed| {
            if !packed.is_issuer() {
                let is_served = packed.is_seen_as(&[Part::Server]);
                leaves.extend(Leaf::of(&packed.words(*fingerprint), position, is_served, packed.standing));
            }
        });
        leaves
    }

    fn holder(&self, position: Position) -> Option<renewal::Holder> {
        let one = self.all.at(position, One::of)?;
        let parts = [Part::Server, Part::File, Part::Secret, Part::Client];
        let places = parts.map(|part| one.places_as(part)).concat();
        Some(renewal::Holder { certificate: one.certificate, places })
    }

    /// All of them with their bytes, as far as those were kept, one after the other.
    pub fn each_whole(&self, mut look: impl FnMut(One)) {
        self.all.each(|_, fingerprint, packed| look(One::with(packed.whole(*fingerprint), packed)));
    }

    /// What may have issued others, likewise.
    #[must_use]
    pub fn issuers(&self) -> Vec<Arc<Certificate>> {
        let mut issuers = Vec::new();
        self.all.each(|_, fingerprint, packed| {
            if packed.is_issuer() {
                issuers.push(Arc::new(packed.whole(*fingerprint)));
            }
        });
        issuers
    }

    /// Those with these fingerprints.
    #[must_use]
    pub fn those(&self, wanted: &HashSet<Fingerprint>) -> HashMap<Fingerprint, Certificate> {
        let mut found = HashMap::new();
        if !wanted.is_empty() {
            self.all.each(|_, fingerprint, packed| {
                if wanted.contains(fingerprint) {
                    found.insert(*fingerprint, packed.words(*fingerprint));
                }
            });
        }
        found
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.all.count()
    }

    /// So many of those that end soonest, what ends first in front.
    #[must_use]
    pub fn soonest(&self, count: usize) -> Vec<One> {
        let mut first: BTreeSet<(i64, Vec<u8>, Position)> = BTreeSet::new();
        self.all.each(|position, _, packed| {
            let is_wanted =
                first.len() < count || first.last().is_some_and(|(end, ..)| packed.not_after() <= *end);
            if is_wanted {
                first.insert((packed.not_after(), packed.name().to_vec(), position));
            }
            if first.len() > count {
                first.pop_last();
            }
        });
        first.into_iter().filter_map(|(.., position)| self.all.at(position, One::of)).collect()
    }

    /// All of them, what ends soonest first, each written out when it is its turn.
    pub fn soonest_first(&self) -> impl Iterator<Item = One> {
        let mut all = Vec::with_capacity(self.count());
        self.all.each(|position, _, packed| all.push((packed.not_after(), packed.name().to_vec(), position)));
        all.sort_unstable();
        all.into_iter().filter_map(|(.., position)| self.all.at(position, One::of))
    }

    /// What goes into the record as numbers: counts, and the earliest end. The ends of all are
    /// [`super::exporters::certificates`].
    #[must_use]
    pub fn measurements(&self, now: Timestamp) -> Vec<Measurement> {
        let count = |metric: &str, number: usize| {
            Measurement::new(metric, Decimal::from(number as u64), "certificates")
        };
        let (mut expired, mut earliest) = (0, None);
        self.all.each(|_, fingerprint, packed| {
            expired += usize::from(packed.standing == Standing::Expired);
            let end = packed.validity().not_after;
            let is_earlier = earliest.is_none_or(|earliest| end < earliest);
            if is_earlier && (end >= now || One::of(fingerprint, packed).is_missed(&self.history)) {
                earliest = Some(end);
            }
        });
        let mut measurements =
            vec![count("certificates_seen", self.count()), count("certificates_expired", expired)];
        if let Some(earliest) = earliest {
            let days = Decimal::new(now.duration_until(earliest).as_secs_f64() / 86_400.0, 2);
            measurements.push(Measurement::new("earliest_expiry_days_left", days, "days"));
        }
        measurements
    }

    /// Why what was seen could not be read again, where that is so.
    ///
    /// # Errors
    /// With that.
    pub fn is_complete(&self) -> io::Result<()> {
        self.all.trouble().map_or(Ok(()), Err)
    }
}

/// Groups may hold issuers to different limits: the strictest counts.
fn judge_issuer(one: &One, bases: &[&Basis]) -> Vec<Finding> {
    let (named, more) = one.presented_by();
    let presented_by = Presenters { named: &named, more };
    let groups = one.groups_as(Part::Issuer);
    let bases = groups.iter().filter_map(|group| bases.get(usize::from(*group)));
    let judged = bases.map(|basis| issuer::judge(&one.certificate, presented_by, basis));
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
