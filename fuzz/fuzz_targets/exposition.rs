//! Reads expositions in both formats, whole and in two pieces, which must come to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use observability_smoke::exposition::{Reader, Syntax};

fuzz_target!(|bytes: &[u8]| {
    for syntax in [Syntax::Prometheus, Syntax::OpenMetrics] {
        let mut whole = Reader::new(syntax);
        whole.feed(bytes, &mut |sample| {
            let _ = sample.labels().count();
        });
        let mut pieces = Reader::new(syntax);
        let (one, other) = bytes.split_at(bytes.len() / 2);
        pieces.feed(one, &mut |_| {});
        pieces.feed(other, &mut |_| {});
        assert_eq!(whole.finish(&mut |_| {}).problems, pieces.finish(&mut |_| {}).problems);
    }
});
