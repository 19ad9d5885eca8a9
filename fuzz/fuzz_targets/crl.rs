//! Reads DER revocation lists, and the distribution points that lead to them.
#![no_main]

use cert_expiry_check::stores::{RevocationList, distribution_point};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = RevocationList::read_only(bytes);
    let _ = distribution_point::names_in(bytes);
});
