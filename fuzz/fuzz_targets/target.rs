//! Reads target words and lists.
#![no_main]

use cert_expiry_check::targets::{Target, read_list};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let _ = Target::parse(&text, |_| false);
    let _ = read_list(text.as_bytes(), |_| Ok::<_, ()>(()));
});
