//! Reads OCSP responses.
#![no_main]

use cert_expiry_check::stores::ocsp::OcspResponse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = OcspResponse::read_only(bytes);
});
