//! Reads the log of a drill.
#![no_main]

use evidence_report::command::drill::entry::History;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = History::read(bytes);
});
