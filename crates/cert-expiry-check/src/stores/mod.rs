//! Certificates in files: one format a file. Pure, but for [`mod@file`] and [`roots`], which read.

pub mod file;
pub mod pem;
pub mod roots;

use std::sync::Arc;

use crate::certificate::{Certificate, Unreadable};

/// What the bytes of a file hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Certificates, or what should have been one.
    Certificates(Vec<Entry>),
    /// A store that this version does not read; what it is, and how to look into it.
    Closed(&'static str, &'static str),
    /// PEM, but no certificate: the labels of what is there, such as a key.
    OtherBlocks(Vec<String>),
    /// Nothing that looks like a certificate; what was there instead.
    Nothing(String),
}

/// One certificate in a file, or the place where one should have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The line on which it begins, counted from 1, where the format has lines.
    pub line: Option<u32>,
    /// The certificate, or what is wrong with it.
    pub certificate: Result<Arc<Certificate>, String>,
}

/// Reads the bytes of a file: PEM wherever it stands, or DER.
#[must_use]
pub fn read(bytes: &[u8]) -> Content {
    if bytes.is_empty() {
        return Content::Nothing("the file is empty".to_owned());
    }
    let pem = pem::read(bytes);
    if !pem.certificates.is_empty() {
        return Content::Certificates(pem.certificates.into_iter().map(Entry::from).collect());
    }
    if pem.other_labels.iter().any(|label| label == "PKCS7" || label == "CMS") {
        return Content::Closed(PKCS7, PKCS7_REMEDY);
    }
    if !pem.other_labels.is_empty() {
        return Content::OtherBlocks(pem.other_labels);
    }
    match bytes {
        [0x30, ..] => read_der(bytes),
        [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..] => Content::Closed(
            "a Java key store",
            "Export its certificates with `keytool -list -rfc -keystore FILE` and check those.",
        ),
        _ if std::str::from_utf8(bytes).is_ok() => {
            Content::Nothing("it is text without a PEM certificate".to_owned())
        }
        _ => Content::Nothing("it is neither PEM nor DER".to_owned()),
    }
}

impl From<pem::Block> for Entry {
    fn from(block: pem::Block) -> Self {
        let read = |der: Vec<u8>| match block.trusted {
            // OpenSSL writes its own trust settings behind the certificate.
            pem::Trusted::Yes => Certificate::read(&der).map(|(certificate, _)| certificate),
            pem::Trusted::No => Certificate::read_only(&der),
        };
        let certificate = block
            .der
            .map_err(|damage| damage.to_string())
            .and_then(|der| read(der).map(Arc::new).map_err(|error| error.to_string()));
        Self { line: Some(block.line), certificate }
    }
}

/// One DER certificate, or several in a row.
fn read_der(bytes: &[u8]) -> Content {
    let mut entries = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        match Certificate::read(rest) {
            Ok((certificate, behind)) => {
                entries.push(Entry { line: None, certificate: Ok(Arc::new(certificate)) });
                rest = behind;
            }
            Err(_) if !entries.is_empty() => {
                let error = format!("{} bytes follow the last certificate that are none", rest.len());
                entries.push(Entry { line: None, certificate: Err(error) });
                break;
            }
            Err(error) => return not_a_certificate(bytes, &error),
        }
    }
    Content::Certificates(entries)
}

/// The object identifier 1.2.840.113549.1.7.2, "signed data", as it stands in PKCS#7 files.
const SIGNED_DATA: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];

const PKCS7: &str = "a PKCS#7 bundle";
const PKCS7_REMEDY: &str = "Extract its certificates with `openssl pkcs7 -in FILE -print_certs` (-inform DER for a binary one) and check those.";

/// The version that opens a PKCS#12 file (RFC 7292, 4).
const PKCS12_VERSION: [u8; 3] = [0x02, 0x01, 0x03];

fn not_a_certificate(bytes: &[u8], error: &Unreadable) -> Content {
    let header = match bytes.get(1) {
        Some(length @ 0x80..=0x84) => 2 + usize::from(length - 0x80),
        _ => 2,
    };
    let inside = bytes.get(header..).unwrap_or_default();
    if inside.starts_with(&PKCS12_VERSION) {
        return Content::Closed(
            "a PKCS#12 store",
            "Extract its certificates with `openssl pkcs12 -in FILE -nokeys` and check those.",
        );
    }
    if inside.starts_with(&SIGNED_DATA) {
        return Content::Closed(PKCS7, PKCS7_REMEDY);
    }
    if inside.starts_with(&[0x30]) {
        // A sequence in a sequence: it was meant to be a certificate.
        return Content::Certificates(vec![Entry { line: None, certificate: Err(error.to_string()) }]);
    }
    Content::Nothing("it is DER, and no certificate".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn made() -> rcgen::Certificate {
        rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap().cert
    }

    fn errors(content: &Content) -> Vec<String> {
        match content {
            Content::Certificates(entries) => {
                entries.iter().filter_map(|entry| entry.certificate.clone().err()).collect()
            }
            other => vec![format!("{other:?}")],
        }
    }

    #[test]
    fn der_is_read_alone_and_in_a_row() {
        let one = made().der().to_vec();
        let two = [one.clone(), one.clone()].concat();
        assert!(matches!(read(&one), Content::Certificates(entries) if entries.len() == 1));
        assert!(matches!(read(&two), Content::Certificates(entries) if entries.len() == 2));
        let trailing = [one.clone(), b"junk".to_vec()].concat();
        assert_eq!(errors(&read(&trailing)), ["4 bytes follow the last certificate that are none"]);
    }

    #[test]
    fn a_cut_der_certificate_is_one_that_is_broken() {
        let one = made().der().to_vec();
        for end in [40, one.len() / 2, one.len() - 1] {
            assert_eq!(errors(&read(&one[..end])), ["it ends in the middle"], "cut at {end}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_named() {
        for (bytes, words) in [
            (&b""[..], "empty"),
            (b"hello", "text"),
            (b"\xff\x00\x17\x80", "neither"),
            (b"\x30\x03\x02\x01\x05", "no certificate"),
            (b"\x30\x82\x01\x00\x02\x01\x03\x30", "PKCS#12"),
            (b"\xfe\xed\xfe\xed\x00", "Java"),
            (b"-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----\n", "PKCS#7"),
            (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "PRIVATE KEY"),
        ] {
            let shown = format!("{:?}", read(bytes));
            assert!(shown.contains(words), "{shown}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
            let _ = read(&[&[0x30, 0x82][..], &bytes].concat());
        }
    }
}
