//! Many targets in little room: a list may name a hundred thousand servers, each of which is written out when it is its
//! turn. An address takes eight bytes, a name four more than its letters.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
};

use serde::{Serialize, Serializer};

use super::{Endpoint, StartTls, Target};
use crate::assess::name::Host;

/// Targets in the order in which they were named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// One behind the other: endpoints with all that they are, of everything else that it is the next of the others.
    bytes: Vec<u8>,
    count: usize,
    others: Vec<Target>,
}

/// Which parts of an endpoint follow: bits of the byte before them.
const OTHER: u8 = 1;
const STARTS: u8 = 1 << 1;
const SNI: u8 = 1 << 2;
const ADDRESS: u8 = 1 << 3;
const PORT_THERE: u8 = 1 << 4;
const IN_NETWORK: u8 = 1 << 5;

/// What a host is: a name is told by its length, and none is longer than 253.
const IP_V4: u8 = 254;
const IP_V6: u8 = 255;

impl Targets {
    /// Adds one.
    pub fn push(&mut self, target: Target) {
        self.count += 1;
        match target {
            Target::Endpoint(endpoint) => self.push_endpoint(&endpoint),
            other => {
                self.bytes.push(OTHER);
                self.others.push(other);
            }
        }
    }

    fn push_endpoint(&mut self, endpoint: &Endpoint) {
        let Endpoint { start, host, port, sni, address, port_there, in_network, key: _ } = endpoint;
        let bits = [
            (start.is_some(), STARTS),
            (sni.is_some(), SNI),
            (address.is_some(), ADDRESS),
            (port_there.is_some(), PORT_THERE),
            (*in_network, IN_NETWORK),
        ];
        self.bytes.push(bits.into_iter().filter(|(is_there, _)| *is_there).map(|(_, bit)| bit).sum());
        self.push_host(host);
        self.bytes.extend(port.to_le_bytes());
        if let Some(start) = start {
            let number = StartTls::ALL.iter().position(|one| one == start).unwrap_or_default();
            self.bytes.push(u8::try_from(number).unwrap_or_default());
        }
        sni.iter().for_each(|sni| self.push_host(sni));
        address.iter().for_each(|address| self.push_host(&Host::Address(*address)));
        port_there.iter().for_each(|port| self.bytes.extend(port.to_le_bytes()));
    }

    fn push_host(&mut self, host: &Host) {
        match host {
            Host::Address(IpAddr::V4(address)) => {
                self.bytes.push(IP_V4);
                self.bytes.extend(address.octets());
            }
            Host::Address(IpAddr::V6(address)) => {
                self.bytes.push(IP_V6);
                self.bytes.extend(address.octets());
            }
            Host::Name(name) => {
                let length = u8::try_from(name.len()).unwrap_or(u8::MAX).min(IP_V4 - 1);
                self.bytes.push(length);
                self.bytes.extend(name.bytes().take(length.into()));
            }
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Every one.
    pub fn iter(&self) -> impl Iterator<Item = Target> + '_ {
        let mut others = self.others.iter();
        self.read().filter_map(move |endpoint| match endpoint {
            Some(endpoint) => Some(Target::Endpoint(endpoint)),
            None => others.next().cloned(),
        })
    }

    /// The servers that are named one by one.
    pub fn endpoints(&self) -> impl Iterator<Item = Endpoint> + '_ {
        self.read().flatten()
    }

    /// Everything else.
    #[must_use]
    pub fn others(&self) -> &[Target] {
        &self.others
    }

    /// Each endpoint, and nothing where another target stands.
    fn read(&self) -> impl Iterator<Item = Option<Endpoint>> + '_ {
        let mut reader = Reader(&self.bytes);
        std::iter::from_fn(move || (!reader.0.is_empty()).then(|| reader.endpoint()))
    }

    /// These, each once.
    pub(crate) fn distinct(targets: impl Iterator<Item = Target>) -> Self {
        let mut known = Known::default();
        targets.filter(|target| known.is_new(target)).collect()
    }
}

impl FromIterator<Target> for Targets {
    fn from_iter<T: IntoIterator<Item = Target>>(targets: T) -> Self {
        let mut all = Self::default();
        targets.into_iter().for_each(|target| all.push(target));
        all.bytes.shrink_to_fit();
        all
    }
}

impl Serialize for Targets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// What was named before, by 128 bits that nobody can foresee.
#[derive(Default)]
struct Known {
    hashes: HashSet<[u64; 2]>,
    keys: [RandomState; 2],
}

impl Known {
    fn is_new(&mut self, target: &Target) -> bool {
        self.hashes.insert(self.keys.each_ref().map(|key| key.hash_one(target)))
    }
}

/// Reads what was pushed.
struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn take(&mut self, count: usize) -> &[u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn fixed<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().unwrap_or([0; N])
    }

    fn endpoint(&mut self) -> Option<Endpoint> {
        let [bits] = self.fixed();
        if bits == OTHER {
            return None;
        }
        let has = |bit: u8| bits & bit != 0;
        let (host, port) = (self.host(), self.port());
        let start = has(STARTS).then(|| self.fixed());
        Some(Endpoint {
            start: start.and_then(|[number]| StartTls::ALL.get(usize::from(number)).copied()),
            host,
            port,
            sni: has(SNI).then(|| self.host()),
            address: has(ADDRESS).then(|| self.host()).and_then(|host| match host {
                Host::Address(address) => Some(address),
                Host::Name(_) => None,
            }),
            port_there: has(PORT_THERE).then(|| self.port()),
            in_network: has(IN_NETWORK),
            key: None,
        })
    }

    fn host(&mut self) -> Host {
        match self.fixed() {
            [IP_V4] => Host::Address(IpAddr::from(self.fixed::<4>())),
            [IP_V6] => Host::Address(IpAddr::from(self.fixed::<16>())),
            [length] => Host::Name(String::from_utf8_lossy(self.take(length.into())).into_owned()),
        }
    }

    fn port(&mut self) -> u16 {
        u16::from_le_bytes(self.fixed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn host() -> impl Strategy<Value = Host> {
        prop_oneof![
            any::<IpAddr>().prop_map(Host::Address),
            "[a-z]{1,63}(\\.[a-z0-9]{1,40}){0,3}".prop_map(Host::Name),
        ]
    }

    fn target() -> impl Strategy<Value = Target> {
        let start = proptest::option::of((0..StartTls::ALL.len()).prop_map(|index| StartTls::ALL[index]));
        let names = (host(), proptest::option::of(host()), any::<Option<IpAddr>>());
        let endpoint = (start, names, any::<u16>(), any::<Option<u16>>(), any::<bool>());
        let endpoint = endpoint.prop_map(|(start, (host, sni, address), port, port_there, in_network)| {
            Target::Endpoint(Endpoint { start, host, port, sni, address, port_there, in_network, key: None })
        });
        let others = ["certs/*.pem", "tls/a.pem", "10.0.0.0/28:443", "pem+https://pki.example/ca.pem"];
        let other = (0..others.len())
            .prop_map(move |index| Target::parse(others[index], |_| false).expect("these are targets"));
        prop_oneof![4 => endpoint, 1 => other]
    }

    proptest! {
        #[test]
        fn whatever_was_named_comes_back_in_its_order(named in proptest::collection::vec(target(), 0..20)) {
            let targets: Targets = named.iter().cloned().collect();
            prop_assert_eq!((targets.len(), targets.is_empty()), (named.len(), named.is_empty()));
            prop_assert_eq!(targets.iter().collect::<Vec<_>>(), named.clone());
            let of_kind = |is_endpoint| {
                let is_wanted = move |target: &&Target| matches!(target, Target::Endpoint(_)) == is_endpoint;
                named.iter().filter(is_wanted).cloned().collect::<Vec<_>>()
            };
            prop_assert_eq!(targets.endpoints().map(Target::Endpoint).collect::<Vec<_>>(), of_kind(true));
            prop_assert_eq!(targets.others(), of_kind(false));
            let twice = named.iter().chain(&named).cloned();
            let once = Targets::distinct(twice);
            prop_assert_eq!(&once, &Targets::distinct(named.iter().cloned()));
            prop_assert!(named.iter().all(|target| once.iter().any(|one| one == *target)));
        }
    }

    #[test]
    fn a_hundred_thousand_addresses_take_less_than_a_megabyte() {
        let targets = (0..100_000_u32).map(|number| {
            let host = Host::Address(IpAddr::from((0x7f00_0000 + number).to_be_bytes()));
            Target::Endpoint(Endpoint::new(host, 443))
        });
        let targets: Targets = targets.collect();
        assert_eq!((targets.len(), targets.bytes.len()), (100_000, 800_000));
    }
}
