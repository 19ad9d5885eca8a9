//! How what a certificate says is written as bytes and read again: one thing behind the other, each as short as it
//! may be. It knows no certificate.

use std::net::IpAddr;

use crate::wording::hexadecimal;

/// Writes one thing behind the other. What says the same as the name is not written again.
pub(super) struct Writer<'n> {
    pub(super) bytes: Vec<u8>,
    pub(super) name: &'n str,
}

impl Writer<'_> {
    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    pub(super) fn number(&mut self, mut number: usize) {
        while let Some(low) = u8::try_from(number & 0x7f).ok().filter(|_| number > 0x7f) {
            self.bytes.push(low | 0x80);
            number >>= 7;
        }
        self.bytes.push(u8::try_from(number).unwrap_or_default());
    }

    pub(super) fn run(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.bytes.extend(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        let is_name = text == self.name;
        self.number(usize::from(is_name));
        if !is_name {
            self.run(text.as_bytes());
        }
    }

    /// Hexadecimal digits, two in a byte where they are whole bytes.
    pub(super) fn digits(&mut self, text: &str) {
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

    pub(super) fn address(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.run(&address.octets()),
            IpAddr::V6(address) => self.run(&address.octets()),
        }
    }

    /// A subject mostly ends in the common name.
    pub(super) fn ending_in_name(&mut self, bytes: &[u8]) {
        let before = bytes.strip_suffix(self.name.as_bytes());
        self.number(usize::from(before.is_some()));
        self.run(before.unwrap_or(bytes));
    }
}

/// Reads what a [`Writer`] wrote.
pub(super) struct Reader<'b, 'n> {
    pub(super) rest: &'b [u8],
    pub(super) name: &'n str,
}

impl<'b> Reader<'b, '_> {
    fn take(&mut self, count: usize) -> &'b [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    pub(super) fn fixed<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().unwrap_or([0; N])
    }

    pub(super) fn number(&mut self) -> usize {
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

    pub(super) fn run(&mut self) -> &'b [u8] {
        let length = self.number();
        self.take(length)
    }

    pub(super) fn text(&mut self) -> String {
        match self.number() {
            0 => String::from_utf8_lossy(self.run()).into_owned(),
            _ => self.name.to_owned(),
        }
    }

    pub(super) fn digits(&mut self) -> String {
        match self.number() {
            0 => String::from_utf8_lossy(self.run()).into_owned(),
            _ => hexadecimal(self.run()),
        }
    }

    pub(super) fn address(&mut self) -> IpAddr {
        let octets = self.run();
        match <[u8; 4]>::try_from(octets) {
            Ok(octets) => octets.into(),
            Err(_) => <[u8; 16]>::try_from(octets).unwrap_or_default().into(),
        }
    }

    pub(super) fn ending_in_name(&mut self) -> Vec<u8> {
        let whole = self.number() == 0;
        let before = self.run();
        if whole { before.to_vec() } else { [before, self.name.as_bytes()].concat() }
    }
}
