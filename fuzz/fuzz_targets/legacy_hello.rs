//! Reads what servers of old TLS answer.
#![no_main]

use cert_expiry_check::wire::legacy_hello;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = legacy_hello::read_answer(bytes);
});
