//! Thousands of servers present certificates of their own below the same issuers. What is above a server's own
//! certificate is verified once; after that only the signature on each new one is. Only success is remembered:
//! whatever does not verify this way goes the whole way, and is explained there.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use rustls::pki_types::{TrustAnchor, UnixTime};
use sha2::{Digest, Sha256};
use webpki::EndEntityCert;

use super::{
    chain::{Path, Purpose},
    memo::Memo,
};
use crate::certificate::Certificate;

/// Issuers that have led to a root.
#[derive(Debug, Default)]
pub(super) struct KnownIssuers(Memo<Known>);

#[derive(Debug)]
struct Known {
    /// The one that issued the server's certificate, as something to end at.
    issuer: TrustAnchor<'static>,
    root: Arc<Certificate>,
    over: Vec<usize>,
}

impl KnownIssuers {
    /// The path of this chain, where its issuers are known and it is one of theirs.
    pub(super) fn path(&self, chain: &[Arc<Certificate>], now: Timestamp) -> Option<Path> {
        let leaf = chain.first().filter(|leaf| is_ordinary(leaf, now))?;
        let known = self.0.recall(key(chain, now), || Err(())).ok()?;
        let at = u64::try_from(now.as_second()).ok()?;
        let end_entity = EndEntityCert::try_from(&leaf.der).ok()?;
        end_entity
            .verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                std::slice::from_ref(&known.issuer),
                &[],
                UnixTime::since_unix_epoch(Duration::from_secs(at)),
                Purpose(leaf),
                None,
                None,
            )
            .ok()?;
        Some(Path::To(Arc::clone(&known.root), known.over.clone()))
    }

    /// Remembers the issuers of a chain that has led to a root, where nothing but them decides about the next.
    pub(super) fn remember(&self, chain: &[Arc<Certificate>], path: &Path, now: Timestamp) {
        let (Path::To(root, over), Some(leaf)) = (path, chain.first()) else { return };
        let Some((&first, above)) = over.split_first() else { return };
        // What the first issuer may not issue comes along with it; what those above it may not does not.
        let is_free = |certificate: &Arc<Certificate>| {
            webpki::anchor_from_trusted_cert(&certificate.der)
                .is_ok_and(|anchor| anchor.name_constraints.is_none())
        };
        let all_free = is_free(root) && above.iter().all(|&position| is_free(&chain[position]));
        if !all_free || !is_ordinary(leaf, now) {
            return;
        }
        let known = || {
            let issuer = webpki::anchor_from_trusted_cert(&chain[first].der).map_err(|_| ())?.to_owned();
            Ok::<_, ()>(Known { issuer, root: Arc::clone(root), over: over.clone() })
        };
        let _ = self.0.recall(key(chain, now), known);
    }
}

/// Valid now, and meant for servers if it says what it is meant for: others are judged with allowances.
fn is_ordinary(leaf: &Certificate, now: Timestamp) -> bool {
    leaf.validity.contains(now) && leaf.usage.is_none_or(|usage| usage.server)
}

fn key(chain: &[Arc<Certificate>], now: Timestamp) -> [u8; 32] {
    let mut digest = Sha256::new_with_prefix(now.as_second().to_be_bytes());
    chain.iter().skip(1).for_each(|certificate| digest.update(certificate.fingerprint));
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assess::chain::{self, Roots},
        self_test::farm::{Authority, Identity, Lifetime},
    };

    fn chain_of(identity: &Identity) -> Vec<Arc<Certificate>> {
        identity.chain.iter().map(|der| Arc::new(Certificate::read_only(der).unwrap())).collect()
    }

    fn roots_of(authority: &Authority) -> Roots {
        Roots::new("the test's roots", [Arc::new(Certificate::read_only(authority.root()).unwrap())])
    }

    fn good() -> Lifetime {
        Lifetime::days_left(90, 60)
    }

    #[test]
    fn a_second_leaf_comes_to_the_same_path_as_a_first_one() {
        let authority = Authority::new().unwrap();
        let (one, other) = (
            chain_of(&authority.issue(&["a.example"], good()).unwrap()),
            chain_of(&authority.issue(&["b.example"], good()).unwrap()),
        );
        let now = Timestamp::now();
        let roots = roots_of(&authority);
        assert_eq!(roots.known_issuers().path(&one, now), None, "nothing is known yet");
        let first = chain::judge(&one, &roots, now).unwrap();
        let second = roots.known_issuers().path(&other, now);
        assert_eq!(second, Some(first));
        assert_eq!(second, chain::judge(&other, &roots_of(&authority), now).ok());
    }

    #[test]
    fn a_leaf_that_only_pretends_is_not_taken_for_one_of_theirs() {
        let (authority, namesake) = (Authority::new().unwrap(), Authority::new().unwrap());
        let now = Timestamp::now();
        let roots = roots_of(&authority);
        let honest = authority.issue(&["a.example"], good()).unwrap();
        chain::judge(&chain_of(&honest), &roots, now).unwrap();
        // Same names all the way up, signed by somebody else, below the honest issuer's certificate.
        let forged = namesake.issue(&["a.example"], good()).unwrap();
        let forged = forged.with_chain(vec![forged.chain[0].clone(), authority.intermediate().clone()]);
        let forged = chain_of(&forged);
        assert_eq!(roots.known_issuers().path(&forged, now), None);
        assert!(chain::judge(&forged, &roots, now).is_err());
        // Another moment is another question.
        let later = now.checked_add(jiff::SignedDuration::from_hours(24)).unwrap();
        assert_eq!(roots.known_issuers().path(&chain_of(&honest), later), None);
        // An expired leaf is judged at its last valid moment, the whole way.
        let expired = chain_of(&authority.issue(&["a.example"], Lifetime::expired(90, 3)).unwrap());
        assert_eq!(roots.known_issuers().path(&expired, now), None);
        assert!(chain::judge(&expired, &roots, now).is_ok());
    }

    #[test]
    fn issuers_that_lead_nowhere_are_not_remembered() {
        let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
        let chain = chain_of(&authority.issue(&["a.example"], good()).unwrap());
        let (roots, now) = (roots_of(&other), Timestamp::now());
        assert!(chain::judge(&chain, &roots, now).is_err());
        assert_eq!(roots.known_issuers().path(&chain, now), None);
    }
}
