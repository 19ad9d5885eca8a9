//! Whether what is seen in several places agrees: a file was renewed and nobody reloaded the server, a key
//! does not belong to the certificate beside it, one of the nodes behind a name was forgotten. Pure: it is
//! handed what a whole run saw.

pub mod files;
pub(crate) mod history;
pub mod keys;
pub mod nodes;
pub mod shared_keys;

use std::collections::BTreeSet;

use crate::{
    certificate::Certificate,
    wording::{hexadecimal, printable},
};

/// Every host that a certificate was issued for, literally: a wildcard on disk is no renewal of a
/// certificate for one of the names that it covers.
pub(crate) fn names(certificate: &Certificate) -> BTreeSet<String> {
    let names = certificate.dns_names.iter().map(|name| name.to_ascii_lowercase());
    names.chain(certificate.ip_addresses.iter().map(ToString::to_string)).collect()
}

/// Whom a certificate stands for, where it is asked which other one replaced it: the hosts that it was issued for, or
/// else the services and people (SPIFFE, mail), or else its subject.
pub(crate) fn stands_for(certificate: &Certificate) -> BTreeSet<String> {
    let hosts = names(certificate);
    if !hosts.is_empty() {
        return hosts;
    }
    match certificate.other_names.as_slice() {
        [] => BTreeSet::from([hexadecimal(&certificate.subject_der)]),
        others => others.iter().cloned().collect(),
    }
}

/// The file of a place such as `tls/shop.pem #1` or `tls/shop.p12, alias shop`.
pub(crate) fn file_of(place: &str) -> &str {
    let file = match place.rsplit_once(" #") {
        Some((file, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => file,
        _ => place,
    };
    file.rsplit_once(", alias ").map_or(file, |(file, _)| file)
}

/// The file or object of a place, whose key and certificates belong together: `secret shop/tls` of
/// `secret shop/tls, tls.crt #1`, and the user of a kubeconfig himself.
fn source_of(place: &str) -> &str {
    let file = file_of(place);
    match file.rsplit_once(", ") {
        Some((_, value)) if value.starts_with("user ") => file,
        Some((source, _)) if file.starts_with("secret ") || file.contains(", user ") => source,
        _ => file,
    }
}

/// At most so many places, and how many more there are.
fn listed<'p>(places: impl IntoIterator<Item = &'p String>, at_most: usize) -> String {
    let places: Vec<_> = places.into_iter().collect();
    let shown: Vec<_> = places.iter().take(at_most).map(|place| printable(place, 120)).collect();
    match places.len().saturating_sub(at_most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
