//! Reads whatever a file may hold.
#![no_main]

use cert_expiry_check::stores::{self, Passwords};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = stores::read(bytes, &Passwords::default());
});
