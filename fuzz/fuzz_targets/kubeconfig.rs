//! Reads kubeconfig files; what they refer to is never opened.
#![no_main]

use std::{io::ErrorKind, path::Path};

use cert_expiry_check::stores::{Passwords, kubeconfig};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = kubeconfig::looks_like_one(bytes);
    let nowhere = |_: &Path| Err(ErrorKind::NotFound.into());
    let _ = kubeconfig::read(bytes, Path::new(""), &Passwords::default(), &nowhere);
});
