//! Reads histories of runs; what is called whole stays whole when it is shortened.
#![no_main]

use evidence_report::history::{Chain, Keep, prune, trends};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let chain = Chain::read(&String::from_utf8_lossy(bytes));
    let _ = trends(chain.runs());
    if chain.troubles().is_empty()
        && let Some(pruning) = prune(&chain, Keep::Newest(1), "2026-12-01T00:00:00Z".parse().unwrap())
    {
        assert!(Chain::read(&pruning.text).troubles().is_empty());
    }
});
