//! Reads a tracker's markdown.
#![no_main]

use evidence_report::command::tracker::count_items;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = count_items(&String::from_utf8_lossy(bytes));
});
