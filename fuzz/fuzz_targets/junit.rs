//! Reads JUnit XML.
#![no_main]

use evidence_report::command::import::junit;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = junit::read(bytes, &mut |_| {});
});
