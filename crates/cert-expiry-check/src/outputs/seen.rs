//! Every certificate that a run saw, each once, however many places it was seen in.

use std::collections::{HashMap, hash_map::Entry};

use evidence_report::record::{Decimal, Finding, Measurement};
use jiff::Timestamp;

use crate::assess::{Basis, Part, Sighting, issuer, lifetime::Standing};

/// The record has room for so many certificates' own measurements; those that end soonest.
const MEASURED: usize = 20;

/// The certificates of a run.
#[derive(Debug, Default)]
pub struct Seen {
    by_fingerprint: HashMap<[u8; 32], One>,
}

/// One certificate of a run.
#[derive(Debug, Clone)]
pub struct One {
    /// It, where it was seen in the alphabetically first place, and in its worst standing.
    pub sighting: Sighting,
    /// In how many other places it was seen.
    pub elsewhere: usize,
    /// The endpoints that present it as an issuer.
    pub presented_by: Vec<String>,
}

impl Seen {
    /// Takes in a sighting.
    pub fn take_in(&mut self, sighting: Sighting) {
        let presenter = (sighting.part == Part::Issuer).then(|| sighting.place.clone());
        match self.by_fingerprint.entry(sighting.certificate.fingerprint) {
            Entry::Vacant(vacant) => {
                vacant.insert(One { sighting, elsewhere: 0, presented_by: presenter.into_iter().collect() });
            }
            Entry::Occupied(mut occupied) => {
                let one = occupied.get_mut();
                one.elsewhere += 1;
                one.presented_by.extend(presenter);
                let standing = one.sighting.standing.max(sighting.standing);
                if sighting.place < one.sighting.place {
                    one.sighting = sighting;
                }
                one.sighting.standing = standing;
            }
        }
    }

    /// Judges the issuers that endpoints present, each once.
    pub fn issuers(&mut self, basis: &Basis) -> Vec<Finding> {
        let presented = self.by_fingerprint.values_mut().filter(|one| !one.presented_by.is_empty());
        presented
            .map(|one| {
                one.presented_by.sort();
                one.presented_by.dedup();
                issuer::judge(&one.sighting.certificate, &one.presented_by, basis)
            })
            .collect()
    }

    /// All of them, what ends soonest first.
    #[must_use]
    pub fn soonest_first(&self) -> Vec<&One> {
        let mut all: Vec<_> = self.by_fingerprint.values().collect();
        all.sort_by_key(|one| {
            let certificate = &one.sighting.certificate;
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
        let expired = all.iter().filter(|one| one.sighting.standing == Standing::Expired).count();
        let mut measurements =
            vec![count("certificates_seen", all.len()), count("certificates_expired", expired)];
        let still_valid =
            all.iter().map(|one| one.sighting.certificate.validity.not_after).find(|end| *end >= now);
        if let Some(end) = still_valid {
            let days = Decimal::new(now.duration_until(end).as_secs_f64() / 86_400.0, 2);
            measurements.push(Measurement::new("earliest_expiry_days_left", days, "days"));
        }
        measurements.extend(all.iter().take(MEASURED).map(|one| not_after(one)));
        measurements
    }
}

fn not_after(one: &One) -> Measurement {
    let certificate = &one.sighting.certificate;
    // The value is a Unix time, as that exporter has it; before 1970 no certificate ends.
    let end = u64::try_from(certificate.validity.not_after.as_second()).unwrap_or(0);
    Measurement::new("x509_cert_not_after", Decimal::from(end), "s")
        .label("subject_CN", &certificate.name)
        .label("issuer_CN", &certificate.issuer)
        .label("serial_number", &certificate.serial)
        .label("place", &one.sighting.place)
}
