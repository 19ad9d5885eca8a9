//! Key exchange over P-521, which rustls' provider leaves out.

use aws_lc_rs::{
    agreement::{ECDH_P521, EphemeralPrivateKey, PublicKey, UnparsedPublicKey, agree_ephemeral},
    rand::SystemRandom,
};
use rustls::{
    Error, NamedGroup, PeerMisbehaved,
    crypto::{ActiveKeyExchange, GetRandomFailed, SharedSecret, SupportedKxGroup},
};

/// The group.
pub(super) static SECP521R1: &dyn SupportedKxGroup = &Secp521r1;

#[derive(Debug)]
struct Secp521r1;

struct Exchange {
    private: EphemeralPrivateKey,
    public: PublicKey,
}

impl SupportedKxGroup for Secp521r1 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let private = EphemeralPrivateKey::generate(&ECDH_P521, &SystemRandom::new());
        let private = private.map_err(|_| GetRandomFailed)?;
        let public = private.compute_public_key().map_err(|_| GetRandomFailed)?;
        Ok(Box::new(Exchange { private, public }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

impl ActiveKeyExchange for Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        // Only uncompressed points may be sent (RFC 8446, 4.2.8.2), and aws-lc-rs takes others as well.
        if peer.first() != Some(&4) {
            return Err(PeerMisbehaved::InvalidKeyShare.into());
        }
        let peer = UnparsedPublicKey::new(&ECDH_P521, peer);
        agree_ephemeral(self.private, peer, PeerMisbehaved::InvalidKeyShare.into(), |secret| {
            Ok(SharedSecret::from(secret))
        })
    }

    fn pub_key(&self) -> &[u8] {
        self.public.as_ref()
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_come_to_the_same_secret() {
        let (one, other) = (SECP521R1.start().unwrap(), SECP521R1.start().unwrap());
        let (of_one, of_other) = (one.pub_key().to_vec(), other.pub_key().to_vec());
        assert_eq!(of_one.len(), 133);
        let (secret, same) = (one.complete(&of_other).unwrap(), other.complete(&of_one).unwrap());
        assert_eq!(secret.secret_bytes(), same.secret_bytes());
        assert_eq!(secret.secret_bytes().len(), 66);
    }

    #[test]
    fn what_is_no_uncompressed_point_of_the_curve_is_refused() {
        let off_the_curve = [&[4][..], &[1; 132]].concat();
        let mut compressed = SECP521R1.start().unwrap().pub_key()[..67].to_vec();
        compressed[0] = 2;
        for peer in [&[][..], &[4], &off_the_curve, &compressed] {
            assert!(SECP521R1.start().unwrap().complete(peer).is_err(), "{peer:?}");
        }
    }
}
