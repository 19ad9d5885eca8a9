//! Java key stores, JKS and JCEKS. Their certificates are not encrypted: trusted ones, and the chains beside
//! private keys, are read without a password. With the right one the private key of a JKS entry tells its
//! public one. The digest at the end, which only who knows the password can check, is left alone.
//!
//! The format is that of `sun.security.provider.JavaKeyStore` and `com.sun.crypto.provider.JceKeyStore`.

use std::sync::Arc;

use aws_lc_rs::digest;
use zeroize::Zeroizing;

use super::{
    Closed, Contents, Entry, KeyEntry, KeyTrouble, Passwords,
    ber::{OBJECT_IDENTIFIER, OCTET_STRING, Reader, SEQUENCE},
    key,
};
use crate::{certificate::Certificate, wording::printable};

const JKS: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];
const JCEKS: [u8; 4] = [0xce, 0xce, 0xce, 0xce];

/// Length of a SHA-1 digest.
const SHA1: usize = 20;

/// Whether the bytes begin like a store.
#[must_use]
pub fn looks_like_one(bytes: &[u8]) -> bool {
    bytes.starts_with(&JKS) || bytes.starts_with(&JCEKS)
}

/// Reads a store. What stands before the damage, where there is some, is still given.
#[must_use]
pub fn read(bytes: &[u8], passwords: &Passwords) -> Contents {
    let mut contents = Contents::default();
    let mut store = Store { rest: bytes, version: 0 };
    if let Err(stop) = store.entries(&mut contents, passwords) {
        match stop {
            Stop::Damage(reason) => {
                let certificate = Err(format!("it is a damaged Java key store: {reason}"));
                contents.certificates.push(Entry { line: None, alias: None, certificate });
            }
            Stop::SecretKey(alias) => {
                let what = format!(
                    "a Java key store: behind the secret key '{alias}' it cannot be read without running Java"
                );
                let remedy = "Check its certificates with `keytool -list -v -keystore STORE`, or keep secret keys \
                    in a store of their own.";
                contents.closed = Some(Closed { what, remedy: remedy.to_owned() });
            }
        }
    }
    if contents == Contents::default() {
        contents.other_labels.push("an empty Java key store".to_owned());
    }
    contents
}

/// Why the reading of a store ends early.
enum Stop {
    Damage(String),
    /// JCEKS keeps secret keys as serialised Java objects, which do not say how long they are.
    SecretKey(String),
}

struct Store<'a> {
    rest: &'a [u8],
    version: u32,
}

impl<'a> Store<'a> {
    fn entries(&mut self, contents: &mut Contents, passwords: &Passwords) -> Result<(), Stop> {
        self.take(JKS.len())?;
        self.version = self.number()?;
        if !matches!(self.version, 1 | 2) {
            return Err(Stop::Damage(format!("its version is {}, of 1 and 2", self.version)));
        }
        let count = self.number()?;
        for _ in 0..count {
            let kind = self.number()?;
            let alias = self.text()?;
            self.take(8)?;
            match kind {
                1 => self.private_key(&alias, contents, passwords)?,
                2 => {
                    let certificate = self.certificate()?;
                    contents.certificates.push(Entry { line: None, alias: Some(alias), certificate });
                }
                3 => return Err(Stop::SecretKey(alias)),
                other => return Err(Stop::Damage(format!("an entry is of kind {other}, of 1 to 3"))),
            }
        }
        self.take(SHA1)?;
        match self.rest.len() {
            0 => Ok(()),
            more => Err(Stop::Damage(format!("{more} bytes follow its end"))),
        }
    }

    fn private_key(
        &mut self,
        alias: &str,
        contents: &mut Contents,
        passwords: &Passwords,
    ) -> Result<(), Stop> {
        let protected = self.sized()?;
        let public_key = opened(protected, passwords);
        contents.keys.push(KeyEntry { line: None, alias: Some(alias.to_owned()), public_key });
        let label = "a private key";
        if !contents.other_labels.iter().any(|known| known == label) {
            contents.other_labels.push(label.to_owned());
        }
        for _ in 0..self.number()? {
            let certificate = self.certificate()?;
            contents.certificates.push(Entry { line: None, alias: Some(alias.to_owned()), certificate });
        }
        Ok(())
    }

    fn certificate(&mut self) -> Result<Result<Arc<Certificate>, String>, Stop> {
        if self.version == 2 {
            let kind = self.text()?;
            if kind != "X.509" {
                return Err(Stop::Damage(format!("a certificate is of the kind '{kind}', not X.509")));
            }
        }
        let read = Certificate::read_only(self.sized()?);
        Ok(read.map(Arc::new).map_err(|error| error.to_string()))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Stop> {
        let cut = || Stop::Damage("it ends in the middle".to_owned());
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(cut)?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u32, Stop> {
        Ok(self.take(4)?.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
    }

    /// Bytes behind their length.
    fn sized(&mut self) -> Result<&'a [u8], Stop> {
        let length = self.number()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Java's own UTF-8, fit to be shown.
    fn text(&mut self) -> Result<String, Stop> {
        let length = self.take(2)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte));
        Ok(printable(&String::from_utf8_lossy(self.take(length)?), 80))
    }
}

/// 1.3.6.1.4.1.42.2.17.1.1, the protection of keys in JKS.
const PROTECTION: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x2a, 0x02, 0x11, 0x01, 0x01];

/// The public key of a protected private key, if one of the passwords fits.
fn opened(protected: &[u8], passwords: &Passwords) -> Result<[u8; 32], KeyTrouble> {
    let mut inside = Reader::new(protected).expect(SEQUENCE, "a private key")?.inside();
    let algorithm = inside.expect(SEQUENCE, "the protection of the key")?;
    let kind = algorithm.inside().expect(OBJECT_IDENTIFIER, "the protection of the key")?;
    let content = inside.expect(OCTET_STRING, "the key")?.content;
    if kind.content != PROTECTION {
        return Err(KeyTrouble::Encrypted);
    }
    let plain = passwords.iter().find_map(|password| unprotected(content, password));
    plain.map_or(Err(KeyTrouble::Encrypted), |plain| key::public_key_digest(&plain))
}

/// A salt, the key under a stream of chained digests, and a digest of the key. The password goes in as UTF-16.
fn unprotected(content: &[u8], password: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (salt, rest) = content.split_at_checked(SHA1)?;
    let (hidden, check) = rest.split_at_checked(rest.len().checked_sub(SHA1)?)?;
    let password = Zeroizing::new(password.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>());
    let digest_with_password = |bytes: &[u8]| {
        let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
        context.update(&password);
        context.update(bytes);
        context.finish()
    };
    let mut plain = Zeroizing::new(hidden.to_vec());
    let mut stream = digest_with_password(salt);
    for chunk in plain.chunks_mut(SHA1) {
        chunk.iter_mut().zip(stream.as_ref()).for_each(|(byte, mask)| *byte ^= mask);
        stream = digest_with_password(stream.as_ref());
    }
    (digest_with_password(&plain).as_ref() == check).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sized(bytes: &[u8]) -> Vec<u8> {
        [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
    }

    fn text(text: &str) -> Vec<u8> {
        [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
    }

    fn store(magic: [u8; 4], entries: &[Vec<u8>]) -> Vec<u8> {
        let count = u32::try_from(entries.len()).unwrap().to_be_bytes();
        [&magic[..], &[0, 0, 0, 2], &count, &entries.concat(), &[7; SHA1]].concat()
    }

    fn entry(kind: u8, alias: &str, content: &[u8]) -> Vec<u8> {
        [&[0, 0, 0, kind][..], &text(alias), &[0; 8], content].concat()
    }

    fn certificate() -> Vec<u8> {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap().cert;
        [text("X.509"), sized(made.der())].concat()
    }

    fn sample() -> Vec<u8> {
        let chain = [certificate(), certificate()].concat();
        let private = [sized(b"\x30\x00"), vec![0, 0, 0, 2], chain].concat();
        store(JKS, &[entry(2, "root", &certificate()), entry(1, "shop", &private)])
    }

    fn words(contents: &Contents) -> Vec<String> {
        let name = |entry: &Entry| match &entry.certificate {
            Ok(_) => entry.alias.clone().unwrap_or_default(),
            Err(reason) => reason.clone(),
        };
        contents.certificates.iter().map(name).collect()
    }

    #[test]
    fn trusted_certificates_and_chains_are_read() {
        let contents = read(&sample(), &Passwords::default());
        assert_eq!(words(&contents), ["root", "shop", "shop"]);
        assert_eq!(contents.keys.len(), 1);
        assert_eq!(contents.closed, None);
    }

    #[test]
    fn every_cut_is_noticed() {
        let bytes = sample();
        for end in 4..bytes.len() {
            let contents = read(&bytes[..end], &Passwords::default());
            let last = words(&contents).pop().unwrap_or_default();
            assert!(last.ends_with("it ends in the middle"), "cut at {end}: {last}");
        }
        let longer = read(&[&bytes[..], b"more"].concat(), &Passwords::default());
        assert_eq!(words(&longer).pop().unwrap(), "it is a damaged Java key store: 4 bytes follow its end");
    }

    #[test]
    fn what_lies_behind_a_secret_key_is_said_to_be_closed() {
        let entries = [entry(2, "root", &certificate()), entry(3, "aes", &[]), entry(2, "b", &certificate())];
        let contents = read(&store(JCEKS, &entries), &Passwords::default());
        assert_eq!(words(&contents), ["root"]);
        assert!(contents.closed.unwrap().what.contains("the secret key 'aes'"));
    }

    proptest! {
        #[test]
        fn a_store_with_a_byte_turned_is_read_or_refused(position in 0_usize..2000, value: u8) {
            let mut bytes = sample();
            let position = position % bytes.len();
            bytes[position] = value;
            let _ = read(&bytes, &Passwords::from_lines("password"));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&[&JKS[..], &[0, 0, 0, 2], &bytes].concat(), &Passwords::from_lines("password"));
        }
    }
}
