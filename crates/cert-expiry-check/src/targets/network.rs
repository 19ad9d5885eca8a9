//! A network and ports: `10.0.0.0/28:443,8443`, `[2001:db8::]/124:443`. Pure: which addresses and ports it
//! stands for, and no more of them than a scan can bear.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::{Endpoint, NoTarget, Shard, endpoint::DEFAULT_PORT};
use crate::assess::name::Host;

/// One network names at most so many addresses with ports.
const LARGEST: u128 = 65_536;

/// A network and the ports to look at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Network {
    /// The first address of the network.
    first: IpAddr,
    /// How many bits all its addresses have in common.
    prefix: u8,
    /// The ports, each once, never 0.
    ports: Vec<u16>,
    /// The name to ask for, where one was given.
    sni: Option<Host>,
    /// The part of it that is meant, where it is not all.
    shard: Option<Shard>,
}

impl Network {
    /// Reads `ADDRESS/BITS`, `ADDRESS/BITS:PORT,…`, `[ADDRESS]/BITS:PORT,…`; `None` when the word does not have
    /// this form. An address inside the network stands for the network.
    ///
    /// # Errors
    /// When it has the form, and the network cannot be scanned.
    pub(super) fn parse(word: &str) -> Option<Result<Self, NoTarget>> {
        let (address, rest) = word.split_once('/')?;
        let (address, is_bracketed) = match address.strip_prefix('[') {
            Some(inside) => (inside.strip_suffix(']')?, true),
            None => (address, false),
        };
        let address: IpAddr = address.parse().ok()?;
        let (bits, ports) = match rest.split_once(':') {
            Some((bits, ports)) => (bits, Some(ports)),
            None => (rest, None),
        };
        let is_number = !bits.is_empty() && bits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || (is_bracketed && address.is_ipv4()) {
            return None;
        }
        let refuse = |reason: String| NoTarget { word: word.to_owned(), reason };
        Some(Self::checked(address, bits, ports).map_err(refuse))
    }

    fn checked(address: IpAddr, bits: &str, ports: Option<&str>) -> Result<Self, String> {
        let width = width(address);
        let prefix = bits.parse().ok().filter(|bits| *bits <= width);
        let prefix = prefix.ok_or_else(|| format!("the bits behind the / are a number from 0 to {width}"))?;
        let ports = ports.map_or_else(|| Ok(vec![DEFAULT_PORT]), read_ports)?;
        let network = Self { first: first_of(address, prefix), prefix, ports, sni: None, shard: None };
        match network.size() {
            Some(size) if size <= LARGEST => Ok(network),
            size => Err(too_large(size)),
        }
    }

    /// How many addresses with ports it stands for; `None` when that cannot be counted.
    #[must_use]
    pub fn size(&self) -> Option<u128> {
        let hosts = u32::from(width(self.first) - self.prefix);
        let addresses = 1_u128.checked_shl(hosts)?;
        let edges = if self.has_edges() { 2 } else { 0 };
        (addresses - edges).checked_mul(self.ports.len() as u128)
    }

    /// The network's own address and that for all of it are no hosts, in IPv4; with 31 bits there are none
    /// (RFC 3021).
    fn has_edges(&self) -> bool {
        self.first.is_ipv4() && self.prefix < 31
    }

    /// How many of them belong to the part that is meant.
    #[must_use]
    pub fn count(&self) -> u128 {
        match self.shard {
            None => self.size().unwrap_or(u128::MAX),
            Some(_) => self.endpoints().count() as u128,
        }
    }

    /// Leaves only the addresses and ports that belong to a part.
    pub(crate) fn cut(&mut self, shard: Shard) {
        self.shard = Some(shard);
    }

    /// Whether only a part of it is meant.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.shard.is_some()
    }

    /// Every address with every port, as far as they belong to the part that is meant: the addresses in their order, for each the ports in theirs.
    pub fn endpoints(&self) -> impl Iterator<Item = Endpoint> + '_ {
        let hosts = u32::from(width(self.first) - self.prefix);
        let last = 1_u128.checked_shl(hosts).map_or(0, |addresses| addresses - 1);
        let inner = if self.has_edges() { 1..last } else { 0..last + 1 };
        let all =
            inner.flat_map(move |offset| self.ports.iter().map(move |port| self.endpoint(offset, *port)));
        all.filter(|endpoint| self.shard.is_none_or(|shard| shard.holds(&endpoint.to_string())))
    }

    fn endpoint(&self, offset: u128, port: u16) -> Endpoint {
        let address = match self.first {
            IpAddr::V4(first) => {
                let offset = u32::try_from(offset).unwrap_or(u32::MAX);
                Ipv4Addr::from_bits(first.to_bits() | offset).into()
            }
            IpAddr::V6(first) => Ipv6Addr::from_bits(first.to_bits() | offset).into(),
        };
        Endpoint::in_network(address, port, self.sni.clone())
    }

    /// Asks everywhere in it for this name.
    pub(crate) fn ask_as(&mut self, name: Host) {
        self.sni = Some(name);
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first {
            IpAddr::V4(first) => write!(f, "{first}/{}", self.prefix)?,
            IpAddr::V6(first) => write!(f, "[{first}]/{}", self.prefix)?,
        }
        for (index, port) in self.ports.iter().enumerate() {
            write!(f, "{}{port}", if index == 0 { ":" } else { "," })?;
        }
        match &self.sni {
            Some(name) => write!(f, " as {name}"),
            None => Ok(()),
        }
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn first_of(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

fn read_ports(text: &str) -> Result<Vec<u16>, String> {
    let mut ports = Vec::new();
    for word in text.split(',') {
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
        let port = word.parse().ok().filter(|&port: &u16| is_number && port != 0);
        let port =
            port.ok_or("the ports are numbers from 1 to 65535 with commas between, as in :443,8443")?;
        if !ports.contains(&port) {
            ports.push(port);
        }
    }
    Ok(ports)
}

fn too_large(size: Option<u128>) -> String {
    let size = size.map_or_else(|| "2^128 or more".to_owned(), |size| size.to_string());
    format!(
        "that is {size} addresses with ports, and at most {LARGEST} are looked at in one network; name smaller \
         networks (an IPv4 /16, an IPv6 /112 with one port), or list the servers that exist with --targets"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(word: &str) -> Network {
        Network::parse(word).unwrap().unwrap()
    }

    fn endpoints(word: &str) -> Vec<String> {
        parsed(word).endpoints().map(|endpoint| endpoint.to_string()).collect()
    }

    #[test]
    fn a_network_stands_for_its_hosts_and_each_of_the_ports() {
        assert_eq!(
            endpoints("10.0.0.0/30:443,8443"),
            ["10.0.0.1:443", "10.0.0.1:8443", "10.0.0.2:443", "10.0.0.2:8443"]
        );
        assert_eq!(endpoints("10.0.0.7/30"), ["10.0.0.5:443", "10.0.0.6:443"]);
        assert_eq!(endpoints("10.0.0.7/31:1"), ["10.0.0.6:1", "10.0.0.7:1"], "RFC 3021");
        assert_eq!(endpoints("10.0.0.7/32:443,443"), ["10.0.0.7:443"]);
        assert_eq!(endpoints("[2001:db8::]/127:443"), ["[2001:db8::]:443", "[2001:db8::1]:443"]);
        assert_eq!(endpoints("2001:db8::5/128"), ["[2001:db8::5]:443"]);
        assert_eq!(endpoints("10.0.0.0/28:443").len(), 14);
        assert_eq!(endpoints("10.0.0.0/16:443").len(), 65_534);
        assert_eq!(parsed("10.0.0.9/28").to_string(), "10.0.0.0/28:443");
        assert_eq!(parsed("2001:db8::5/124").to_string(), "[2001:db8::]/124:443");
    }

    #[test]
    fn what_cannot_be_scanned_says_why_and_what_to_do() {
        for (word, words) in [
            ("10.0.0.0/33:443", "0 to 32"),
            ("10.0.0.0/999999999999", "0 to 32"),
            ("[::]/129:443", "0 to 128"),
            ("10.0.0.0/28:", "ports"),
            ("10.0.0.0/28:0", "ports"),
            ("10.0.0.0/28:443,", "ports"),
            ("10.0.0.0/28:+443", "ports"),
            ("10.0.0.0/28:65536", "ports"),
            ("10.0.0.0/28:https", "ports"),
            ("10.0.0.0/15:443", "131070 addresses with ports"),
            ("10.0.0.0/16:443,8443", "131068"),
            ("0.0.0.0/0", "4294967294"),
            ("[2001:db8::]/64:443", "18446744073709551616"),
            ("::/0", "2^128"),
        ] {
            let error = Network::parse(word).unwrap().unwrap_err().to_string();
            assert!(error.contains(words), "{word}: {error}");
            assert!(!words.contains("addresses") || error.contains("--targets"), "{error}");
        }
        for word in
            ["10.0.0.0", "a/28", "10.0.0.0/x", "[10.0.0.0]/28:443", "10.0.0.0/", "[::/64", "tls/24", "/28"]
        {
            assert!(Network::parse(word).is_none(), "{word}");
        }
    }

    proptest! {
        #[test]
        fn any_word_is_read_or_refused(word in "[0-9a-f\\[\\]:./,]{0,40}") {
            let _ = Network::parse(&word);
        }

        #[test]
        fn every_endpoint_once_and_as_many_as_it_says(bits: u32, prefix in 20_u8..=32, count in 1_u16..4) {
            let ports: Vec<_> = (1..=count).map(|port| port.to_string()).collect();
            let network = parsed(&format!("{}/{prefix}:{}", Ipv4Addr::from_bits(bits), ports.join(",")));
            let mut all: Vec<_> = network.endpoints().map(|endpoint| endpoint.to_string()).collect();
            prop_assert_eq!(Some(all.len() as u128), network.size());
            all.sort();
            all.dedup();
            prop_assert_eq!(Some(all.len() as u128), network.size());
            let again = parsed(&network.to_string());
            prop_assert_eq!(again, network);
        }
    }
}
