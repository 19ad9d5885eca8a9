//! Reads PKCS#12 stores.
#![no_main]

use cert_expiry_check::stores::{Passwords, pkcs12};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = pkcs12::read(bytes, &Passwords::from_lines("x"));
});
