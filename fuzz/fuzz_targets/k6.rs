//! Reads a summary of k6.
#![no_main]

use evidence_report::command::import::k6;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = k6::read(bytes, &mut |_| {});
});
