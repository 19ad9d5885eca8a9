//! Reads DER revocation lists.
#![no_main]

use cert_expiry_check::stores::RevocationList;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = RevocationList::read_only(bytes);
});
