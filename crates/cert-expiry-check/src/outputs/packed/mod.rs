//! What a run keeps of a certificate until its end: everything that it says and every place where it was seen, as
//! one string of bytes. Tens of thousands of them are kept and few are looked at again, so that room counts for
//! more than the time to write them out. It judges nothing.

mod codec;
mod said;
#[cfg(test)]
mod tests;

use std::{
    io::{self, Read},
    sync::Arc,
};

pub(super) use self::said::Alike;
use self::{
    codec::{Reader, Writer},
    said::Said,
};
use crate::{
    assess::{Part, lifetime::Standing},
    certificate::{Certificate, Validity},
};

/// One certificate, and where, as what, and as a target of which group it was seen.
#[derive(Debug)]
pub(super) struct Packed {
    /// In its worst standing.
    pub(super) standing: Standing,
    said_number: u32,
    said: Arc<Said>,
    /// The length of what the certificate says, the dates and the key's digest at fixed places, the rest of what it
    /// says, and the places one behind the other.
    bytes: Vec<u8>,
    /// In how many more places it was seen as an issuer, and beside the path, than there are among the places.
    uncounted: Option<Box<[u32; 2]>>,
}

/// Which places of a certificate are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Places {
    /// Every one.
    #[default]
    All,
    /// Of what a hundred thousand servers present beside their own certificate the first few, as the alphabet has
    /// them; the others are counted.
    FewOfIssuers,
}

/// What is kept of each certificate until the end of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keeping {
    /// All of it.
    #[default]
    Everything,
    /// All but its bytes, where nothing will ask for the signature on it.
    WhatItSays,
}

/// So many places of an issuer are kept for each group of targets: more than any output names.
const FEW: usize = 8;

const PARTS: [Part; 6] = [Part::Server, Part::Issuer, Part::Spare, Part::File, Part::Secret, Part::Client];

const STANDINGS: [Standing; 6] = [
    Standing::Good,
    Standing::Warning,
    Standing::Critical,
    Standing::NotYetValid,
    Standing::NeverValid,
    Standing::Expired,
];

/// The fixed parts of a record.
const HEAD: usize = 17;

/// Behind the length: two dates and the digest of the key.
const NOT_BEFORE: usize = 4;
const NOT_AFTER: usize = 12;
const KEY: usize = 20;
const WORDS: usize = 52;

impl Packed {
    /// Without a place yet.
    pub(super) fn new(
        certificate: &Certificate,
        keeping: Keeping,
        standing: Standing,
        alike: &mut Alike,
    ) -> Self {
        let Certificate {
            der,
            name,
            serial,
            validity,
            subject_der,
            dns_names,
            ip_addresses,
            other_names,
            common_name,
            public_key_digest,
            ..
        } = certificate;
        let (said_number, said) = alike.once(Said::by(certificate));
        let mut bytes = vec![0; NOT_BEFORE];
        bytes.extend(validity.not_before.as_second().to_le_bytes());
        bytes.extend(validity.not_after.as_second().to_le_bytes());
        bytes.extend(public_key_digest);
        let mut writer = Writer { bytes, name };
        writer.run(name.as_bytes());
        writer.digits(serial);
        writer.number(usize::from(common_name.is_some()));
        common_name.iter().for_each(|text| writer.text(text));
        writer.number(dns_names.len());
        dns_names.iter().for_each(|text| writer.text(text));
        writer.number(ip_addresses.len());
        ip_addresses.iter().for_each(|address| writer.address(*address));
        writer.number(other_names.len());
        other_names.iter().for_each(|text| writer.text(text));
        writer.ending_in_name(subject_der);
        writer.run(if keeping == Keeping::Everything { der } else { &[] });
        let mut bytes = writer.bytes;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        bytes[..NOT_BEFORE].copy_from_slice(&length.to_le_bytes());
        Self { standing, said_number, said, bytes, uncounted: None }
    }

    /// Adds a place where it was seen, as what, and as a target of which group.
    pub(super) fn add_place(&mut self, part: Part, group: u16, place: &str, kept: Places) {
        if kept == Places::FewOfIssuers
            && let Some(index) = uncounted_as(part)
        {
            let alike = self.places().filter(|(as_what, of, _)| (*as_what, *of) == (part, group));
            let (count, last) =
                alike.fold((0, None), |(count, last), (.., place)| (count + 1, last.max(Some(place))));
            if count >= FEW {
                let follows = last.is_some_and(|last| place >= last);
                let last = last.map(str::to_owned).filter(|_| !follows);
                self.uncounted.get_or_insert_default()[index] += 1;
                let Some(last) = last else { return };
                self.forget_place(part, group, &last);
            }
        }
        let is_first = self.places_begin() == self.bytes.len();
        let part = PARTS.iter().position(|one| *one == part).unwrap_or_default();
        let mut writer = Writer { bytes: std::mem::take(&mut self.bytes), name: "" };
        writer.number(part);
        writer.bytes.extend(group.to_le_bytes());
        writer.run(place.as_bytes());
        self.bytes = writer.bytes;
        if is_first {
            // Nearly all stay the only one.
            self.bytes = self.bytes.as_slice().to_vec();
        }
    }

    /// Forgets one place, once.
    fn forget_place(&mut self, part: Part, group: u16, place: &str) {
        let mut kept: Vec<_> =
            self.places().map(|(part, group, place)| (part, group, place.to_owned())).collect();
        let is_it =
            |known: &(Part, u16, String)| (known.0, known.1, known.2.as_str()) == (part, group, place);
        if let Some(index) = kept.iter().position(is_it) {
            kept.remove(index);
        }
        self.bytes.truncate(self.places_begin());
        for (part, group, place) in kept {
            self.add_place(part, group, &place, Places::All);
        }
    }

    /// Takes over where and how the same certificate was seen later.
    pub(super) fn absorb(&mut self, later: &Self, kept: Places) {
        self.standing = self.standing.max(later.standing);
        for (part, group, place) in later.places() {
            self.add_place(part, group, place, kept);
        }
        if let Some(more) = &later.uncounted {
            let counts = self.uncounted.get_or_insert_default();
            counts.iter_mut().zip(**more).for_each(|(count, more)| *count += more);
        }
    }

    /// In how many places beyond those that are told it was seen as this.
    pub(super) fn uncounted(&self, part: Part) -> usize {
        let counts = self.uncounted.as_deref().copied().unwrap_or_default();
        uncounted_as(part).map_or(0, |index| usize::try_from(counts[index]).unwrap_or(usize::MAX))
    }

    /// How much memory it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        size_of_val(self) + self.bytes.len()
    }

    /// Where it was seen, in the order in which that was told.
    pub(super) fn places(&self) -> impl Iterator<Item = (Part, u16, &str)> {
        let mut reader = Reader { rest: self.bytes.get(self.places_begin()..).unwrap_or_default(), name: "" };
        std::iter::from_fn(move || {
            if reader.rest.is_empty() {
                return None;
            }
            let part = *PARTS.get(reader.number())?;
            let group = u16::from_le_bytes(reader.fixed());
            Some((part, group, std::str::from_utf8(reader.run()).unwrap_or_default()))
        })
    }

    /// Whether it was seen as one of these.
    pub(super) fn is_seen_as(&self, parts: &[Part]) -> bool {
        self.places().any(|(part, ..)| parts.contains(&part))
    }

    /// The end of its validity, in Unix seconds.
    pub(super) fn not_after(&self) -> i64 {
        i64::from_le_bytes(self.at(NOT_AFTER))
    }

    /// SHA-256 of its public key.
    pub(super) fn public_key_digest(&self) -> [u8; 32] {
        self.at(KEY)
    }

    /// Its short name.
    pub(super) fn name(&self) -> &[u8] {
        Reader { rest: self.bytes.get(WORDS..).unwrap_or_default(), name: "" }.run()
    }

    /// Whether it may issue others.
    pub(super) fn is_issuer(&self) -> bool {
        self.said.is_issuer
    }

    /// The time in which it is valid.
    pub(super) fn validity(&self) -> Validity {
        Validity::from_unix(i64::from_le_bytes(self.at(NOT_BEFORE)), self.not_after())
    }

    /// Everything that it says, without its bytes.
    pub(super) fn words(&self, fingerprint: [u8; 32]) -> Certificate {
        self.read(fingerprint).0
    }

    /// The same with its bytes, as far as they were kept.
    pub(super) fn whole(&self, fingerprint: [u8; 32]) -> Certificate {
        let (words, bytes) = self.read(fingerprint);
        Certificate { der: bytes.to_vec().into(), ..words }
    }

    fn read(&self, fingerprint: [u8; 32]) -> (Certificate, &[u8]) {
        let name = String::from_utf8_lossy(self.name()).into_owned();
        let mut reader = Reader { rest: self.bytes.get(WORDS..).unwrap_or_default(), name: &name };
        reader.run();
        let serial = reader.digits();
        let common_name = (0..reader.number()).map(|_| reader.text()).next();
        let dns_names = (0..reader.number()).map(|_| reader.text()).collect();
        let ip_addresses = (0..reader.number()).map(|_| reader.address()).collect();
        let other_names = (0..reader.number()).map(|_| reader.text()).collect();
        let subject_der = reader.ending_in_name();
        let bytes = reader.run();
        let said = &*self.said;
        let (issuer, issuer_der) =
            said.issuer.clone().unwrap_or_else(|| (name.as_str().into(), subject_der.as_slice().into()));
        let words = Certificate {
            der: [].as_slice().into(),
            fingerprint,
            issuer,
            serial,
            validity: self.validity(),
            is_issuer: said.is_issuer,
            is_self_issued: said.is_self_issued,
            subject_der,
            issuer_der,
            dns_names,
            ip_addresses,
            other_names,
            common_name,
            key_algorithm: Arc::clone(&said.key_algorithm),
            rsa_bits: said.rsa_bits,
            rsa_exponent: said.rsa_exponent,
            curve: said.curve.clone(),
            public_key_digest: self.public_key_digest(),
            signature_algorithm: Arc::clone(&said.signature_algorithm),
            usage: said.usage,
            key_use: said.key_use,
            must_staple: said.must_staple,
            crl_addresses: said.crl_addresses.clone(),
            name,
        };
        (words, bytes)
    }

    fn places_begin(&self) -> usize {
        usize::try_from(u32::from_le_bytes(self.at(0))).unwrap_or(usize::MAX)
    }

    fn at<const N: usize>(&self, position: usize) -> [u8; N] {
        Reader { rest: self.bytes.get(position..).unwrap_or_default(), name: "" }.fixed()
    }

    /// Writes it as a record of a file: its fixed parts, then its bytes with their length.
    pub(super) fn write_to(&self, out: &mut Vec<u8>) {
        let [issuer, spare] = self.uncounted.as_deref().copied().unwrap_or_default();
        let standing = STANDINGS.iter().position(|one| *one == self.standing).unwrap_or_default();
        let length = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        out.push(u8::try_from(standing).unwrap_or_default());
        for number in [self.said_number, issuer, spare, length] {
            out.extend(number.to_le_bytes());
        }
        out.extend(&self.bytes);
    }

    /// How many bytes [`Self::write_to`] writes.
    pub(super) fn length_in_file(&self) -> usize {
        HEAD + self.bytes.len()
    }

    /// Reads such a record.
    ///
    /// # Errors
    /// When the file cannot be read, or holds something else.
    pub(super) fn read_from(file: &mut impl Read, alike: &Alike) -> io::Result<Self> {
        let mut head = [0; HEAD];
        file.read_exact(&mut head)?;
        let mut fixed = Reader { rest: &head, name: "" };
        let [standing] = fixed.fixed();
        let [said_number, issuer, spare, length] = [(); 4].map(|()| u32::from_le_bytes(fixed.fixed()));
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        file.read_exact(&mut bytes)?;
        let foreign = || io::Error::new(io::ErrorKind::InvalidData, "it was altered by somebody else");
        Ok(Self {
            standing: *STANDINGS.get(usize::from(standing)).ok_or_else(foreign)?,
            said_number,
            said: alike.numbered(said_number).ok_or_else(foreign)?,
            bytes,
            uncounted: (issuer + spare > 0).then(|| Box::new([issuer, spare])),
        })
    }
}

/// Where in the counts a part stands of which only a few places are kept.
fn uncounted_as(part: Part) -> Option<usize> {
    match part {
        Part::Issuer => Some(0),
        Part::Spare => Some(1),
        Part::Server | Part::File | Part::Secret | Part::Client => None,
    }
}
