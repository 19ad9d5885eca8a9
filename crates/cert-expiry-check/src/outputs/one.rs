//! One certificate of a run, as it is looked at.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use super::{ledger::Fingerprint, packed::Packed};
use crate::{
    assess::{
        Part,
        agreement::{files::in_archive, history::Lying},
        lifetime::Standing,
        revocation::Suspect,
    },
    certificate::Certificate,
};

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
    /// In how many more it was seen as an issuer, and beside the path.
    uncounted: [usize; 2],
}

impl One {
    /// Without the bytes of the certificate.
    pub(super) fn of(fingerprint: &Fingerprint, packed: &Packed) -> Self {
        Self::with(packed.words(*fingerprint), packed)
    }

    pub(super) fn with(certificate: Certificate, packed: &Packed) -> Self {
        let places = packed.places().map(|(part, group, place)| (part, group, place.into()));
        Self {
            certificate: Arc::new(certificate),
            standing: packed.standing,
            places: places.collect(),
            uncounted: [Part::Issuer, Part::Spare].map(|part| packed.uncounted(part)),
        }
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
        (self.places.len() + self.uncounted.iter().sum::<usize>()).saturating_sub(1)
    }

    /// The places where it was seen as an issuer, sorted, and how many more there are.
    #[must_use]
    pub fn presented_by(&self) -> (Vec<String>, usize) {
        (self.places_as(Part::Issuer), self.uncounted[0])
    }

    /// Every place that is kept, and as what it was seen there.
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

    /// It in each file that holds it.
    pub(crate) fn lying(&self) -> impl Iterator<Item = Lying<'_>> {
        let in_files = self.places().filter(|(part, _)| *part == Part::File);
        in_files.map(|(_, place)| Lying { certificate: &self.certificate, place })
    }

    /// Whether anybody misses it once it has ended: it does not merely lie in an archive, among this history, or beside
    /// the path.
    pub(super) fn is_missed(&self, history: &HashSet<String>) -> bool {
        let is_kept = |place: &str| in_archive(place).is_some() || history.contains(place);
        let is_spent = |(part, place)| part == Part::Spare || part == Part::File && is_kept(place);
        !self.places().all(is_spent)
    }

    /// The groups among whose targets it was seen as this.
    pub(super) fn groups_as(&self, part: Part) -> BTreeSet<u16> {
        self.places.iter().filter(|(as_what, ..)| *as_what == part).map(|(_, group, _)| *group).collect()
    }
}
