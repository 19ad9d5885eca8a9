//! Reads DER certificates.
#![no_main]

use cert_expiry_check::certificate::Certificate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Certificate::read(bytes);
});
