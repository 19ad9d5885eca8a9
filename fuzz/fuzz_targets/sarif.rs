//! Reads SARIF.
#![no_main]

use evidence_report::command::import::sarif;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = sarif::read(std::io::Cursor::new(bytes), sarif::Severity::High, &mut |_| {});
});
