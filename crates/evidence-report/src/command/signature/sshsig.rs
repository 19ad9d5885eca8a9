//! What an SSH signature says about itself: its key and its namespace (OpenSSH's PROTOCOL.sshsig). Whether it
//! fits is for `ssh-keygen` to say.

use base64::{Engine, prelude::BASE64_STANDARD};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";

/// No signature of an SSH key is longer: those of RSA with 16,384 bits have some 5,000 characters.
const MAXIMUM: usize = 64 * 1024;

/// A signature, as far as it can be read without judging it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command) struct SshSignature {
    /// What it was made for.
    pub(in crate::command) namespace: String,
    /// The public key as it stands in an allowed signers file, in base64.
    pub(in crate::command) key: String,
}

impl SshSignature {
    /// Reads the armored text.
    pub(in crate::command) fn read(armored: &str) -> Result<Self, &'static str> {
        if armored.len() > MAXIMUM {
            return Err("it is longer than any signature");
        }
        let body = armored.trim().strip_prefix(BEGIN).ok_or("it does not begin as an SSH signature")?;
        let body = body.strip_suffix(END).ok_or("it does not end as an SSH signature")?;
        let compact: String = body.chars().filter(|char| !char.is_ascii_whitespace()).collect();
        let blob = BASE64_STANDARD.decode(compact).map_err(|_| "it is no base64")?;
        let rest = blob.strip_prefix(b"SSHSIG").ok_or("it is not marked as SSHSIG")?;
        let (version, rest) = rest.split_at_checked(4).ok_or("it is cut")?;
        if version != [0, 0, 0, 1] {
            return Err("its version is not 1");
        }
        let (key, rest) = field(rest).ok_or("it is cut")?;
        let (namespace, _) = field(rest).ok_or("it is cut")?;
        let namespace = String::from_utf8(namespace.to_vec()).map_err(|_| "its namespace is no text")?;
        Ok(Self { namespace, key: BASE64_STANDARD.encode(key) })
    }
}

/// A string of the SSH protocol: its length in four bytes, then its bytes.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn armored(blob: &[u8]) -> String {
        format!("{BEGIN}\n{}\n{END}\n", BASE64_STANDARD.encode(blob))
    }

    #[test]
    fn key_and_namespace_are_read_and_what_lies_about_its_length_is_refused() {
        let mut blob = b"SSHSIG\0\0\0\x01\0\0\0\x03key\0\0\0\x03git".to_vec();
        let read = SshSignature::read(&armored(&blob)).unwrap();
        assert_eq!((read.namespace.as_str(), read.key.as_str()), ("git", "a2V5"));
        blob[20] = 0xff;
        assert_eq!(SshSignature::read(&armored(&blob)), Err("it is cut"));
        assert_eq!(SshSignature::read(&armored(b"SSHSIG\0\0\0\x02")), Err("its version is not 1"));
        assert_eq!(SshSignature::read(&armored(b"PGPSIG")), Err("it is not marked as SSHSIG"));
        for (text, why) in [
            ("", "it does not begin as an SSH signature"),
            (BEGIN, "it does not end as an SSH signature"),
            (&format!("{BEGIN}\n!\n{END}"), "it is no base64"),
        ] {
            assert_eq!(SshSignature::read(text), Err(why));
        }
    }
}
