//! What hardly any client offers: the key exchange group P-521, the newer hybrids, the suites with CCM. A server
//! that refused the usual hello is asked once more with all of it, so that its certificate is seen all the same,
//! and what it insists on is known by name. Nobody else is sent this.

mod ccm;
mod p521;

use std::sync::{Arc, LazyLock};

use rustls::{
    ClientConnection, SignatureScheme, SupportedCipherSuite,
    crypto::{CryptoProvider, SupportedKxGroup, aws_lc_rs},
};

use super::{
    capture::PROVIDER,
    observation::{HandshakeTrouble, Rare},
};

/// What is usual, then everything else that can be offered. The one key share in the first message stays the usual.
pub(super) static WIDE_PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    let mut provider = CryptoProvider::clone(&PROVIDER);
    let rest = aws_lc_rs::ALL_KX_GROUPS.iter().copied().chain([p521::SECP521R1]);
    let rest: Vec<_> = rest.filter(|group| !is_usual_group(*group)).collect();
    provider.kx_groups.extend(rest);
    provider.cipher_suites.extend(ccm::suites());
    Arc::new(provider)
});

/// Kinds of signatures that are taken without being verified, with their names in the registry: what counts is that the
/// server presents the certificate behind them.
const UNVERIFIED: [(u16, &str); 7] = [
    (0x0808, "ed448"),
    (0x0809, "rsa_pss_pss_sha256"),
    (0x080a, "rsa_pss_pss_sha384"),
    (0x080b, "rsa_pss_pss_sha512"),
    (0x081a, "ecdsa_brainpoolP256r1tls13_sha256"),
    (0x081b, "ecdsa_brainpoolP384r1tls13_sha384"),
    (0x081c, "ecdsa_brainpoolP512r1tls13_sha512"),
];

/// Those kinds.
pub(super) fn unverified_schemes() -> impl Iterator<Item = SignatureScheme> {
    UNVERIFIED.iter().map(|(number, _)| SignatureScheme::from(*number))
}

/// The name of such a kind; nothing of one that is verified.
pub(super) fn unverified_name(scheme: SignatureScheme) -> Option<&'static str> {
    UNVERIFIED.iter().find(|(number, _)| *number == u16::from(scheme)).map(|(_, name)| *name)
}

/// Whether this is how a server turns away a client that does not offer what it insists on.
pub(super) fn may_help(trouble: &HandshakeTrouble) -> bool {
    match trouble {
        // OpenSSL says that a version is not supported where it has no certificate for it that the client takes.
        HandshakeTrouble::NothingInCommon(_) | HandshakeTrouble::TooOld => true,
        HandshakeTrouble::Alert(alert) => {
            matches!(alert.as_str(), "HandshakeFailure" | "InsufficientSecurity" | "IllegalParameter")
        }
        _ => false,
    }
}

/// What a finished handshake came to that the usual hello does not offer.
pub(super) fn agreed(connection: &ClientConnection) -> Rare {
    let suite = connection.negotiated_cipher_suite().filter(|suite| !is_usual_suite(suite));
    let group = connection.negotiated_key_exchange_group().filter(|group| !is_usual_group(*group));
    match (suite, group) {
        // As the registry names it: rustls' own names of these begin with TLS13.
        (Some(suite), _) => Rare::Suite(format!("{:?}", suite.suite()).replacen("TLS13_", "TLS_", 1)),
        (None, Some(group)) => Rare::Group(format!("{:?}", group.name())),
        (None, None) => Rare::Neither,
    }
}

fn is_usual_group(group: &dyn SupportedKxGroup) -> bool {
    PROVIDER.kx_groups.iter().any(|usual| usual.name() == group.name())
}

fn is_usual_suite(suite: &SupportedCipherSuite) -> bool {
    PROVIDER.cipher_suites.iter().any(|usual| usual.suite() == suite.suite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::NamedGroup;

    #[test]
    fn the_usual_stands_first_and_nothing_twice() {
        let groups: Vec<_> = WIDE_PROVIDER.kx_groups.iter().map(|group| group.name()).collect();
        let usual: Vec<_> = PROVIDER.kx_groups.iter().map(|group| group.name()).collect();
        assert!(groups.starts_with(&usual));
        assert!(groups.contains(&NamedGroup::secp521r1) && !usual.contains(&NamedGroup::secp521r1));
        for (index, group) in groups.iter().enumerate() {
            assert!(!groups[..index].contains(group), "{group:?} is offered twice");
        }
    }
}
