//! Every certificate that a run saw, each once, however many places it was seen in.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use evidence_report::record::{Decimal, Finding, Measurement};
use jiff::Timestamp;

use crate::{
    assess::{
        Basis, Part, Sighting,
        agreement::{self, Placed},
        issuer,
        lifetime::Standing,
        renewal::{self, Leaf},
    },
    certificate::Certificate,
};

/// The record has room for so many certificates' own measurements; those that end soonest.
const MEASURED: usize = 20;

/// The certificates of a run.
#[derive(Debug, Default)]
pub struct Seen {
    by_fingerprint: HashMap<[u8; 32], One>,
}

/// One certificate of a run, and everywhere it was seen.
#[derive(Debug, Clone)]
pub struct One {
    /// It.
    pub certificate: Arc<Certificate>,
    /// In its worst standing: as a server's own it is judged by other limits than as an issuer.
    pub standing: Standing,
    /// Where, and as what; sorted once the run is over.
    places: Vec<(Part, String)>,
}

impl One {
    /// The alphabetically first place.
    #[must_use]
    pub fn place(&self) -> &str {
        self.places.iter().map(|(_, place)| place.as_str()).min().unwrap_or_default()
    }

    /// In how many other places it was seen.
    #[must_use]
    pub fn elsewhere(&self) -> usize {
        self.places.len().saturating_sub(1)
    }

    /// The places where it was seen as this, sorted.
    #[must_use]
    pub fn places_as(&self, part: Part) -> Vec<String> {
        let mut places: Vec<_> = self
            .places
            .iter()
            .filter(|(as_what, _)| *as_what == part)
            .map(|(_, place)| place.clone())
            .collect();
        places.sort();
        places.dedup();
        places
    }
}

impl Seen {
    /// Takes in a sighting.
    pub fn take_in(&mut self, sighting: Sighting) {
        let Sighting { place, part, certificate, standing } = sighting;
        match self.by_fingerprint.entry(certificate.fingerprint) {
            Entry::Vacant(vacant) => {
                vacant.insert(One { certificate, standing, places: vec![(part, place)] });
            }
            Entry::Occupied(mut occupied) => {
                let one = occupied.get_mut();
                one.places.push((part, place));
                one.standing = one.standing.max(standing);
            }
        }
    }

    /// Judges what only the whole run can tell: the issuers that endpoints present, each once, and whether
    /// endpoints serve what lies in the files.
    #[must_use]
    pub fn joined(&self, basis: &Basis) -> Vec<Finding> {
        let (mut findings, mut served, mut stored) = (Vec::new(), Vec::new(), Vec::new());
        for one in self.by_fingerprint.values() {
            let presented_by = one.places_as(Part::Issuer);
            if !presented_by.is_empty() {
                findings.extend(issuer::judge(&one.certificate, &presented_by, basis));
            }
            let placed = |part| Placed { certificate: &one.certificate, places: one.places_as(part) };
            served.push(placed(Part::Server));
            stored.push(placed(Part::File));
            stored.push(placed(Part::Secret));
        }
        findings.extend(agreement::judge(&served, &stored, basis));
        findings.extend(renewal::judge(&self.leaves(), basis.now));
        findings
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

    /// What goes into the record as numbers: counts, the earliest end, and the ends of those that end
    /// soonest, under the names that x509-certificate-exporter gives them.
    #[must_use]
    pub fn measurements(&self, now: Timestamp) -> Vec<Measurement> {
        let all = self.soonest_first();
        let count = |metric: &str, number: usize| {
            Measurement::new(metric, Decimal::from(number as u64), "certificates")
        };
        let expired = all.iter().filter(|one| one.standing == Standing::Expired).count();
        let mut measurements =
            vec![count("certificates_seen", all.len()), count("certificates_expired", expired)];
        let still_valid = all.iter().map(|one| one.certificate.validity.not_after).find(|end| *end >= now);
        if let Some(end) = still_valid {
            let days = Decimal::new(now.duration_until(end).as_secs_f64() / 86_400.0, 2);
            measurements.push(Measurement::new("earliest_expiry_days_left", days, "days"));
        }
        measurements.extend(all.iter().take(MEASURED).map(|one| not_after(one)));
        measurements
    }
}

fn not_after(one: &One) -> Measurement {
    let certificate = &one.certificate;
    // The value is a Unix time, as that exporter has it; before 1970 no certificate ends.
    let end = u64::try_from(certificate.validity.not_after.as_second()).unwrap_or(0);
    Measurement::new("x509_cert_not_after", Decimal::from(end), "s")
        .label("subject_CN", &certificate.name)
        .label("issuer_CN", &certificate.issuer)
        .label("serial_number", &certificate.serial)
        .label("place", one.place())
}
