//! The second certificate of a server that has one for each kind of key (RSA beside ECDSA). A client sees only the
//! one that it agrees upon with the server, and the other ends unnoticed until an older client comes.

use crate::{
    assess::{Basis, Judged, endpoint},
    certificate::Certificate,
    targets::{Endpoint, KeyKind},
    wire::{self, Approach, Capture, HandshakeTrouble, Keys, Observation},
};

/// Asks a server that has presented a certificate for one with the other kind of key, where that is wanted, and judges
/// what it presents. Nothing, where it has none.
pub(super) async fn look_for(
    endpoint: &Endpoint,
    first: &Observation,
    approach: &Approach,
    basis: &Basis,
) -> Option<Judged> {
    let (Keys::Every, Observation::Reached(first)) = (approach.keys, first) else { return None };
    let known = kind(first)?;
    let second = Endpoint { key: Some(known.other()), ..endpoint.at(first.address.ip()) };
    let seen = Box::pin(wire::capture(&second, &approach.anonymous())).await;
    let shown = Endpoint { key: second.key, ..endpoint.clone() };
    let is_none = match &seen {
        Observation::Unreached(_) => false,
        Observation::Reached(capture) if capture.chain.is_empty() => has_no_other(capture),
        // Some present what they have, whatever they are asked for.
        Observation::Reached(capture) => kind(capture) != second.key,
    };
    (!is_none).then(|| endpoint::judge(&shown, &seen, basis))
}

/// The kind of key that a server's own certificate has.
fn kind(capture: &Capture) -> Option<KeyKind> {
    let leaf = Certificate::read_only(capture.chain.first()?).ok()?;
    Some(if leaf.rsa_bits.is_some() { KeyKind::Rsa } else { KeyKind::Ecdsa })
}

/// Whether this is how a server says that it has no such certificate.
fn has_no_other(capture: &Capture) -> bool {
    use HandshakeTrouble::{Alert, Closed, NothingInCommon, Reset, TooOld};
    matches!(capture.trouble, Some(Alert(_) | NothingInCommon(_) | TooOld | Closed | Reset))
}
