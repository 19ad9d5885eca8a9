//! Reads TAP.
#![no_main]

use evidence_report::command::import::tap;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = tap::read(bytes, &mut |_| {});
});
