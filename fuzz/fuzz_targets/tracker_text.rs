//! Reads the flattened text of a tracker: what comes of it is a tracker with as many items, or tells why not.
#![no_main]

use evidence_report::command::import::tracker;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = tracker::read(&String::from_utf8_lossy(bytes));
});
