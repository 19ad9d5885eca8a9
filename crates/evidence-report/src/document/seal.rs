//! The seal of a record.

use sha2::{Digest, Sha256};

use crate::record::v1::Record;

/// SHA-256 over the RFC 8785 (JSON Canonicalization Scheme) form of the record, as `sha256:` and 64
/// lower-case hexadecimal digits.
#[must_use]
pub fn seal(record: &Record) -> String {
    // Serialising strings, integers and lists of them cannot fail.
    let canonical = serde_json_canonicalizer::to_vec(record).unwrap_or_default();
    format!("sha256:{}", hex(&Sha256::digest(canonical)))
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
