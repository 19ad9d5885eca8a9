//! Reads Kubernetes objects as kubectl prints them.
#![no_main]

use cert_expiry_check::stores::{Passwords, kubernetes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = kubernetes::read(bytes, &Passwords::default(), &mut |_| true);
});
