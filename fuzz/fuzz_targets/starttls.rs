//! Hears what servers say in plain text before TLS begins.
#![no_main]

use cert_expiry_check::wire::starttls;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = starttls::hear_recorded(bytes);
});
