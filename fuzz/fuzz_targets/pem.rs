//! Reads PEM.
#![no_main]

use cert_expiry_check::stores::pem;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = pem::read(bytes);
});
