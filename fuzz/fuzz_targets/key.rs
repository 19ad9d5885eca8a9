//! Reads private keys.
#![no_main]

use cert_expiry_check::stores::key;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = key::public_key_digest(bytes);
});
