//! Reads Java key stores.
#![no_main]

use cert_expiry_check::stores::{Passwords, jks};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = jks::read(bytes, &Passwords::from_lines("password"));
});
