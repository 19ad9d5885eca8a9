//! What a run that is still under way has seen: certificates, private keys, and findings that wait for its end.

use std::io;

use evidence_report::record::Finding;

use super::{
    Seen,
    ledger::{Fingerprint, Ledger},
    packed::{Keeping, Places},
};
use crate::assess::{KeySighting, Sighting};

/// What was seen so far.
#[derive(Debug)]
pub struct Sightings {
    ledger: Ledger,
    keys: Vec<KeySighting>,
    waiting: Vec<(Fingerprint, Finding)>,
}

impl Sightings {
    /// Nothing yet.
    #[must_use]
    pub fn keeping(keeping: Keeping, places: Places) -> Self {
        Self { ledger: Ledger::keeping(keeping, places), keys: Vec::new(), waiting: Vec::new() }
    }

    /// Takes in a sighting among the targets of a group.
    pub fn take_in(&mut self, group: u16, sighting: Sighting) {
        self.ledger.take_in(group, sighting);
    }

    /// Takes in a private key.
    pub fn take_in_key(&mut self, key: KeySighting) {
        self.keys.push(key);
    }

    /// Keeps a finding about a lifetime until everything was seen that bears upon it.
    pub fn keep_waiting(&mut self, certificate: Fingerprint, finding: Finding) {
        self.waiting.push((certificate, finding));
    }

    /// All of it; and why much of it is in memory that belongs into a file, where that is so.
    ///
    /// # Errors
    /// When what is in that file cannot be read again.
    pub fn close(self) -> io::Result<(Seen, Option<io::Error>)> {
        let (all, trouble) = self.ledger.close()?;
        Ok((Seen::new(all, self.keys, self.waiting), trouble))
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use super::*;
    use crate::assess::{Part, lifetime::Standing};
    use crate::certificate::Certificate;
    use crate::self_test::farm::{Authority, Lifetime};

    fn two_of_one_issuer() -> [Arc<Certificate>; 2] {
        let authority = Authority::new().unwrap();
        ["a.example", "b.example"].map(|name| {
            let identity = authority.issue(&[name], Lifetime::days_left(90, 60)).unwrap();
            Arc::new(Certificate::read_only(&identity.chain[0]).unwrap())
        })
    }

    fn seen(keeping: Keeping, certificates: &[Arc<Certificate>]) -> Seen {
        let mut seen = Sightings::keeping(keeping, Places::All);
        for certificate in certificates {
            let (place, certificate) = (format!("{}:443", certificate.name), Arc::clone(certificate));
            seen.take_in(0, Sighting { place, part: Part::Server, certificate, standing: Standing::Good });
        }
        seen.close().unwrap().0
    }

    #[test]
    fn what_certificates_say_is_kept_whatever_becomes_of_their_bytes() {
        let certificates = two_of_one_issuer();
        let kept = |keeping, wanted: &Certificate| {
            let seen = seen(keeping, &certificates);
            let mut found = None;
            seen.each_whole(|one| {
                if one.certificate.fingerprint == wanted.fingerprint {
                    found = Some(Certificate::clone(&one.certificate));
                }
            });
            found.unwrap()
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
        let mut seen = Sightings::keeping(Keeping::Everything, Places::All);
        for (place, part, standing) in [
            ("b:443", Part::Server, Standing::Warning),
            ("a:443", Part::Server, Standing::Good),
            ("c.pem", Part::File, Standing::Good),
        ] {
            let certificate = Arc::clone(&certificate);
            seen.take_in(7, Sighting { place: place.to_owned(), part, certificate, standing });
        }
        let seen = seen.close().unwrap().0;
        let one = seen.soonest_first().next().unwrap();
        assert_eq!(
            (seen.count(), one.standing, one.place(), one.elsewhere()),
            (1, Standing::Warning, "a:443", 2)
        );
        assert_eq!(one.places_as(Part::Server), ["a:443", "b:443"]);
        assert_eq!(one.groups_as(Part::File), BTreeSet::from([7]));
    }
}
