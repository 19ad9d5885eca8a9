//! Reads PKCS#7 messages.
#![no_main]

use cert_expiry_check::stores::pkcs7;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = pkcs7::read(bytes);
});
