//! PEM (RFC 7468), read as it occurs in the field: bundles with keys and text between the certificates,
//! indented in YAML, with either line end. The bodies of keys are skipped, never decoded.

use std::fmt;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pem {
    /// Certificates, in their order.
    pub certificates: Vec<Block>,
    /// Labels of the other blocks, each once.
    pub other_labels: Vec<String>,
}

/// One block that says it is a certificate.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    /// The line of its `BEGIN`, counted from 1.
    pub line: u32,
    /// Whether OpenSSL's trust settings follow the certificate inside the block.
    pub trusted: Trusted,
    /// Its bytes, or what is wrong with it.
    pub der: Result<Vec<u8>, Damage>,
}

/// Whether a block is one of OpenSSL's `TRUSTED CERTIFICATE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trusted {
    /// It is.
    Yes,
    /// It is a plain one.
    No,
}

/// What can be wrong with a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Damage {
    /// The file, or the next block, comes before its `END`.
    Truncated,
    /// Its `END` names something else.
    WrongEnd(String),
    /// Nothing stands between `BEGIN` and `END`.
    Empty,
    /// A character that is no base64, or a wrong number of them.
    Base64(String),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("it is truncated: END CERTIFICATE is missing"),
            Self::WrongEnd(label) => write!(f, "it ends with END {}", crate::wording::printable(label, 40)),
            Self::Empty => f.write_str("nothing stands between BEGIN and END"),
            Self::Base64(reason) => write!(f, "its base64 is damaged ({reason})"),
        }
    }
}

/// Padding is sometimes lost, and the last bits are sometimes not zero: neither makes a certificate worse.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A block that has begun.
struct Open {
    line: u32,
    label: String,
    digits: Vec<u8>,
}

/// Reads everything between the lines `-----BEGIN …-----` and `-----END …-----`.
#[must_use]
pub fn read(bytes: &[u8]) -> Pem {
    let mut pem = Pem::default();
    let mut open: Option<Open> = None;
    for (line, content) in (1_u32..).zip(bytes.split(|&byte| byte == b'\n')) {
        let content = content.trim_ascii();
        if let Some(label) = boundary(content, b"-----BEGIN ") {
            if let Some(unfinished) = open.take() {
                pem.close(unfinished, Some(Damage::Truncated));
            }
            open = Some(Open { line, label, digits: Vec::new() });
        } else if let Some(label) = boundary(content, b"-----END ") {
            if let Some(finished) = open.take() {
                let damage = (label != finished.label).then_some(Damage::WrongEnd(label));
                pem.close(finished, damage);
            }
        } else if let Some(open) = &mut open
            && open.is_certificate()
            // Headers as in RFC 1421.
            && !content.contains(&b':')
        {
            open.digits.extend_from_slice(content);
        }
    }
    if let Some(unfinished) = open {
        pem.close(unfinished, Some(Damage::Truncated));
    }
    pem
}

/// The label of `-----BEGIN LABEL-----`. A byte order mark may stand before the first one.
fn boundary(line: &[u8], begin: &[u8]) -> Option<String> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let label = line.strip_prefix(begin)?;
    let label = label.strip_suffix(b"-----").unwrap_or(label);
    Some(String::from_utf8_lossy(label).trim().to_owned())
}

impl Open {
    fn is_certificate(&self) -> bool {
        matches!(self.label.as_str(), "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE")
    }
}

impl Pem {
    fn close(&mut self, block: Open, damage: Option<Damage>) {
        if !block.is_certificate() {
            let label = crate::wording::printable(&block.label, 40);
            if !self.other_labels.contains(&label) {
                self.other_labels.push(label);
            }
            return;
        }
        let trusted = if block.label.starts_with("TRUSTED") { Trusted::Yes } else { Trusted::No };
        let der = damage.map_or_else(|| decode(&block.digits), Err);
        self.certificates.push(Block { line: block.line, trusted, der });
    }
}

fn decode(digits: &[u8]) -> Result<Vec<u8>, Damage> {
    if digits.is_empty() {
        return Err(Damage::Empty);
    }
    let digits: Vec<u8> = digits.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(digits).map_err(|error| Damage::Base64(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines_and_results(text: &str) -> Vec<(u32, Result<Vec<u8>, Damage>)> {
        read(text.as_bytes()).certificates.into_iter().map(|block| (block.line, block.der)).collect()
    }

    #[test]
    fn a_bundle_with_keys_and_text_between_is_read() {
        let text = "subject=CN=a\r\n-----BEGIN CERTIFICATE-----\r\nAAEC\r\n-----END CERTIFICATE-----\r\n\
            -----BEGIN PRIVATE KEY-----\n!!!\n-----END PRIVATE KEY-----\n\
            text\n  -----BEGIN X509 CERTIFICATE-----\n  AwQ\n  -----END X509 CERTIFICATE-----";
        assert_eq!(lines_and_results(text), [(2, Ok(vec![0, 1, 2])), (9, Ok(vec![3, 4]))]);
        assert_eq!(read(text.as_bytes()).other_labels, ["PRIVATE KEY"]);
    }

    #[test]
    fn damage_is_named_and_does_not_spread() {
        let good = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
        let begin = "-----BEGIN CERTIFICATE-----\nAAEC\n";
        assert_eq!(lines_and_results(begin), [(1, Err(Damage::Truncated))]);
        assert_eq!(
            lines_and_results(&format!("{begin}{good}")),
            [(1, Err(Damage::Truncated)), (3, Ok(vec![0, 1, 2]))]
        );
        let wrong_end = format!("{begin}-----END PRIVATE KEY-----\n{good}");
        assert_eq!(
            lines_and_results(&wrong_end),
            [(1, Err(Damage::WrongEnd("PRIVATE KEY".to_owned()))), (4, Ok(vec![0, 1, 2]))]
        );
        assert_eq!(
            lines_and_results("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"),
            [(1, Err(Damage::Empty))]
        );
        let noise = "-----BEGIN CERTIFICATE-----\nAA§EC\n-----END CERTIFICATE-----";
        assert!(matches!(lines_and_results(noise)[0].1, Err(Damage::Base64(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
        }

        #[test]
        fn what_is_written_is_read_back(bytes in proptest::collection::vec(any::<u8>(), 1..400), width in 1_usize..100) {
            let digits = BASE64.encode(&bytes);
            let lines: Vec<_> = digits.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line)).collect();
            let text = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
            prop_assert_eq!(lines_and_results(&text), [(1, Ok(bytes))]);
        }
    }
}
