//! What a run keeps of a certificate until its end: everything that it says and every place where it was seen, as
//! one string of bytes. Tens of thousands of them are kept and few are looked at again, so that room counts for
//! more than the time to write them out. It judges nothing.

use std::{collections::HashSet, hash::Hash, net::IpAddr, sync::Arc};

use crate::{
    assess::{Part, lifetime::Standing},
    certificate::{Certificate, KeyUse, Usage, Validity},
};

/// One certificate, and where, as what, and as a target of which group it was seen.
#[derive(Debug)]
pub(super) struct Packed {
    /// In its worst standing.
    pub(super) standing: Standing,
    said: Arc<Said>,
    /// The length of what the certificate says, the dates and the key's digest at fixed places, the rest of what it
    /// says, and the places one behind the other.
    bytes: Vec<u8>,
}

/// What thousands of certificates say in the same words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Said {
    issuer: Arc<str>,
    issuer_der: Arc<[u8]>,
    key_algorithm: Arc<str>,
    curve: Option<Arc<str>>,
    rsa_bits: Option<usize>,
    rsa_exponent: Option<u64>,
    signature_algorithm: Arc<str>,
    usage: Option<Usage>,
    key_use: Option<KeyUse>,
    is_issuer: bool,
    is_self_issued: bool,
    must_staple: bool,
    crl_addresses: Vec<String>,
}

/// What was said before: each once in memory.
#[derive(Debug, Default)]
pub(super) struct Alike(HashSet<Arc<Said>>);

impl Alike {
    fn once(&mut self, said: Said) -> Arc<Said> {
        if let Some(known) = self.0.get(&said) {
            return Arc::clone(known);
        }
        // Copies that are made here, and not those of the worker that read the certificate: what lasts among what
        // is soon given back would keep the memory of all of it.
        let copy = |text: &Arc<str>| Arc::from(&**text);
        let new = Arc::new(Said {
            issuer: copy(&said.issuer),
            issuer_der: Arc::from(&*said.issuer_der),
            key_algorithm: copy(&said.key_algorithm),
            curve: said.curve.as_ref().map(copy),
            signature_algorithm: copy(&said.signature_algorithm),
            ..said
        });
        self.0.insert(Arc::clone(&new));
        new
    }
}

const PARTS: [Part; 6] = [Part::Server, Part::Issuer, Part::Spare, Part::File, Part::Secret, Part::Client];

/// Behind the length: two dates and the digest of the key.
const NOT_BEFORE: usize = 4;
const NOT_AFTER: usize = 12;
const KEY: usize = 20;
const WORDS: usize = 52;

impl Packed {
    /// Without a place yet. The bytes of the certificate itself are kept as far as it has them.
    pub(super) fn new(certificate: &Certificate, standing: Standing, alike: &mut Alike) -> Self {
        // Every part by its name: one that is added is not forgotten here.
        let Certificate {
            der,
            fingerprint: _,
            name,
            issuer,
            serial,
            validity,
            is_issuer,
            is_self_issued,
            subject_der,
            issuer_der,
            dns_names,
            ip_addresses,
            common_name,
            key_algorithm,
            rsa_bits,
            rsa_exponent,
            curve,
            public_key_digest,
            signature_algorithm,
            usage,
            key_use,
            must_staple,
            crl_addresses,
        } = certificate;
        let said = alike.once(Said {
            issuer: Arc::clone(issuer),
            issuer_der: Arc::clone(issuer_der),
            key_algorithm: Arc::clone(key_algorithm),
            curve: curve.clone(),
            rsa_bits: *rsa_bits,
            rsa_exponent: *rsa_exponent,
            signature_algorithm: Arc::clone(signature_algorithm),
            usage: *usage,
            key_use: *key_use,
            is_issuer: *is_issuer,
            is_self_issued: *is_self_issued,
            must_staple: *must_staple,
            crl_addresses: crl_addresses.clone(),
        });
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
        writer.ending_in_name(subject_der);
        writer.run(der);
        let mut bytes = writer.bytes;
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        bytes[..NOT_BEFORE].copy_from_slice(&length.to_le_bytes());
        Self { standing, said, bytes }
    }

    /// Adds a place where it was seen, as what, and as a target of which group.
    pub(super) fn add_place(&mut self, part: Part, group: u16, place: &str) {
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
        let subject_der = reader.ending_in_name();
        let bytes = reader.run();
        let said = &*self.said;
        let words = Certificate {
            der: [].as_slice().into(),
            fingerprint,
            issuer: Arc::clone(&said.issuer),
            serial,
            validity: self.validity(),
            is_issuer: said.is_issuer,
            is_self_issued: said.is_self_issued,
            subject_der,
            issuer_der: Arc::clone(&said.issuer_der),
            dns_names,
            ip_addresses,
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
}

/// Writes one thing behind the other. What says the same as the name is not written again.
struct Writer<'n> {
    bytes: Vec<u8>,
    name: &'n str,
}

impl Writer<'_> {
    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn number(&mut self, mut number: usize) {
        while let Some(low) = u8::try_from(number & 0x7f).ok().filter(|_| number > 0x7f) {
            self.bytes.push(low | 0x80);
            number >>= 7;
        }
        self.bytes.push(u8::try_from(number).unwrap_or_default());
    }

    fn run(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.bytes.extend(bytes);
    }

    fn text(&mut self, text: &str) {
        let is_name = text == self.name;
        self.number(usize::from(is_name));
        if !is_name {
            self.run(text.as_bytes());
        }
    }

    /// Hexadecimal digits, two in a byte where they are whole bytes.
    fn digits(&mut self, text: &str) {
        let pairs = text.as_bytes().chunks(2).map(|pair| match std::str::from_utf8(pair) {
            Ok(pair) if pair.len() == 2 && !pair.contains(|c: char| c.is_ascii_uppercase() || c == '+') => {
                u8::from_str_radix(pair, 16).ok()
            }
            _ => None,
        });
        let whole: Option<Vec<u8>> = pairs.collect();
        self.number(usize::from(whole.is_some()));
        match whole {
            Some(whole) => self.run(&whole),
            None => self.run(text.as_bytes()),
        }
    }

    fn address(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.run(&address.octets()),
            IpAddr::V6(address) => self.run(&address.octets()),
        }
    }

    /// A subject mostly ends in the common name.
    fn ending_in_name(&mut self, bytes: &[u8]) {
        let before = bytes.strip_suffix(self.name.as_bytes());
        self.number(usize::from(before.is_some()));
        self.run(before.unwrap_or(bytes));
    }
}

/// Reads what a [`Writer`] wrote.
struct Reader<'b, 'n> {
    rest: &'b [u8],
    name: &'n str,
}

impl<'b> Reader<'b, '_> {
    fn take(&mut self, count: usize) -> &'b [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn fixed<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().unwrap_or([0; N])
    }

    fn number(&mut self) -> usize {
        let (mut number, mut shift) = (0, 0);
        loop {
            let [byte] = self.fixed();
            number |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 || shift >= usize::BITS {
                return number;
            }
        }
    }

    fn run(&mut self) -> &'b [u8] {
        let length = self.number();
        self.take(length)
    }

    fn text(&mut self) -> String {
        match self.number() {
            0 => String::from_utf8_lossy(self.run()).into_owned(),
            _ => self.name.to_owned(),
        }
    }

    fn digits(&mut self) -> String {
        match self.number() {
            0 => String::from_utf8_lossy(self.run()).into_owned(),
            _ => self.run().iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    fn address(&mut self) -> IpAddr {
        let octets = self.run();
        match <[u8; 4]>::try_from(octets) {
            Ok(octets) => octets.into(),
            Err(_) => <[u8; 16]>::try_from(octets).unwrap_or_default().into(),
        }
    }

    fn ending_in_name(&mut self) -> Vec<u8> {
        let whole = self.number() == 0;
        let before = self.run();
        if whole { before.to_vec() } else { [before, self.name.as_bytes()].concat() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::self_test::farm::{Authority, Lifetime};

    static TEMPLATE: LazyLock<Certificate> = LazyLock::new(|| {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        Certificate::read_only(made.cert.der()).unwrap()
    });

    #[test]
    fn one_that_is_read_comes_back_as_it_was() {
        let packed = Packed::new(&TEMPLATE, Standing::Warning, &mut Alike::default());
        assert_eq!(packed.whole(TEMPLATE.fingerprint), *TEMPLATE);
        assert_eq!((packed.standing, packed.places().count()), (Standing::Warning, 0));
        assert_eq!(packed.not_after(), TEMPLATE.validity.not_after.as_second());
        assert_eq!(packed.name(), TEMPLATE.name.as_bytes());
        assert_eq!(packed.public_key_digest(), TEMPLATE.public_key_digest);
    }

    #[test]
    fn what_two_say_alike_is_in_memory_once() {
        let mut alike = Alike::default();
        let mut other = TEMPLATE.clone();
        other.serial = "01".to_owned();
        let [one, other] = [&*TEMPLATE, &other].map(|one| Packed::new(one, Standing::Good, &mut alike));
        assert!(Arc::ptr_eq(&one.said, &other.said));
    }

    #[test]
    fn a_servers_certificate_with_its_place_takes_little_room() {
        let authority = Authority::new().unwrap();
        let identity = authority.issue(&["shop.example"], Lifetime::days_left(90, 60)).unwrap();
        let lean = Certificate::read_only(&identity.chain[0]).unwrap().without_bytes();
        let mut packed = Packed::new(&lean, Standing::Good, &mut Alike::default());
        packed.add_place(Part::Server, 0, "shop.example:443");
        assert_eq!(packed.bytes.capacity(), packed.bytes.len());
        assert!(size_of_val(&packed) + packed.bytes.len() <= 200, "{}", packed.bytes.len());
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![Just("a.example".to_owned()), "\\PC{0,200}"]
    }

    proptest! {
        #[test]
        fn whatever_a_certificate_says_comes_back(
            name in text(),
            serial in prop_oneof!["[0-9a-f]{0,41}", "[0-9A-F+]{0,4}"],
            common_name in proptest::option::of(text()),
            dns_names in proptest::collection::vec(text(), 0..4),
            ip_addresses in proptest::collection::vec(any::<IpAddr>(), 0..4),
            before in proptest::collection::vec(any::<u8>(), 0..40),
            with_name: bool,
            begin in -10_000_000_000_i64..250_000_000_000,
            der in proptest::collection::vec(any::<u8>(), 0..400),
            places in proptest::collection::vec((0_usize..PARTS.len(), any::<u16>(), text()), 0..5),
        ) {
            let mut one = TEMPLATE.clone();
            one.subject_der = if with_name { [&before, name.as_bytes()].concat() } else { before };
            (one.name, one.serial, one.common_name) = (name, serial, common_name);
            (one.dns_names, one.ip_addresses, one.der) = (dns_names, ip_addresses, der.into());
            one.validity = Validity::from_unix(begin, begin + 7_776_000);
            let mut packed = Packed::new(&one, Standing::Good, &mut Alike::default());
            for (part, group, place) in &places {
                packed.add_place(PARTS[*part], *group, place);
            }
            prop_assert_eq!(packed.whole(one.fingerprint), one);
            let back: Vec<_> = packed.places().collect();
            let told: Vec<_> = places.iter().map(|(part, group, place)| (PARTS[*part], *group, place.as_str())).collect();
            prop_assert_eq!(back, told);
        }
    }
}
