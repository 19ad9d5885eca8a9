//! Reads evidence files; what is called consistent has to render to itself.
#![no_main]

use evidence_report::document::{Verification, notes, read_json, render_signed_v1, read, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if let Verification::Consistent(record) = verify(&text) {
        let signature = read(&text).unwrap().signature.map(|signature| signature.text);
        let again = render_signed_v1(&record, signature.as_deref());
        assert!(matches!(verify(&again), Verification::Consistent(_)));
    }
    let _ = notes::kept(Some(&text));
    let _ = read_json(&text);
});
