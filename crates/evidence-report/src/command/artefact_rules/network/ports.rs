//! Sets of ports, by protocol, as intervals. Pure arithmetic.

use std::fmt;

/// What a port is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Protocol {
    Tcp,
    Udp,
    Sctp,
}

impl Protocol {
    pub(super) const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Sctp];

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.word() == word)
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }
}

/// A set of ports: for each protocol sorted intervals that neither touch nor overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ports([Vec<(u16, u16)>; 3]);

/// The lowest port that there is.
const FIRST: u16 = 1;

impl Ports {
    /// Every port of every protocol.
    pub(super) fn all() -> Self {
        Self(Protocol::ALL.map(|_| vec![(FIRST, u16::MAX)]))
    }

    /// Every port of one protocol.
    pub(super) fn all_of(protocol: Protocol) -> Self {
        Self::range(protocol, FIRST, u16::MAX)
    }

    /// From `first` to `last`, both included.
    pub(super) fn range(protocol: Protocol, first: u16, last: u16) -> Self {
        let mut ports = Self::default();
        if first <= last {
            ports.0[protocol as usize].push((first, last));
        }
        ports
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }

    #[cfg(test)]
    pub(super) fn contains(&self, protocol: Protocol, port: u16) -> bool {
        self.0[protocol as usize].iter().any(|(first, last)| (*first..=*last).contains(&port))
    }

    /// What is in either.
    pub(super) fn union(&self, other: &Self) -> Self {
        let mut united = Self::default();
        for (at, joined) in united.0.iter_mut().enumerate() {
            let mut intervals: Vec<_> = self.0[at].iter().chain(&other.0[at]).copied().collect();
            intervals.sort_unstable();
            for (first, last) in intervals {
                match joined.last_mut() {
                    Some((_, end)) if u32::from(first) <= u32::from(*end) + 1 => *end = last.max(*end),
                    _ => joined.push((first, last)),
                }
            }
        }
        united
    }

    /// What is in both.
    pub(super) fn intersection(&self, other: &Self) -> Self {
        let mut common = Self::default();
        for (at, both) in common.0.iter_mut().enumerate() {
            for &(first, last) in &self.0[at] {
                for &(from, to) in &other.0[at] {
                    if first.max(from) <= last.min(to) {
                        both.push((first.max(from), last.min(to)));
                    }
                }
            }
        }
        common
    }

    /// What is in this one only.
    pub(super) fn without(&self, other: &Self) -> Self {
        self.intersection(&other.complement())
    }

    fn complement(&self) -> Self {
        let mut rest = Self::default();
        for (at, gaps) in rest.0.iter_mut().enumerate() {
            let mut next = u32::from(FIRST);
            for &(first, last) in &self.0[at] {
                if next < u32::from(first) {
                    gaps.extend(interval(next, u32::from(first) - 1));
                }
                next = u32::from(last) + 1;
            }
            gaps.extend(interval(next, u32::from(u16::MAX)));
        }
        rest
    }
}

fn interval(first: u32, last: u32) -> Option<(u16, u16)> {
    (first <= last).then_some((u16::try_from(first).ok()?, u16::try_from(last).ok()?))
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::all() {
            return f.write_str("all ports");
        }
        let mut separator = "";
        for protocol in Protocol::ALL {
            for &(first, last) in &self.0[protocol as usize] {
                let word = protocol.word();
                match (first, last) {
                    (FIRST, u16::MAX) => write!(f, "{separator}all {word} ports")?,
                    (first, last) if first == last => write!(f, "{separator}{first}/{word}")?,
                    (first, last) => write!(f, "{separator}{first}-{last}/{word}")?,
                }
                separator = ", ";
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ports() -> impl Strategy<Value = Ports> {
        let edge = prop_oneof![1_u16..12, 65_525..=u16::MAX];
        let one = (0_usize..3, edge.clone(), edge).prop_map(|(protocol, first, last)| {
            Ports::range(Protocol::ALL[protocol], first.min(last), first.max(last))
        });
        proptest::collection::vec(one, 0..5)
            .prop_map(|all| all.iter().fold(Ports::default(), |sum, one| sum.union(one)))
    }

    proptest! {
        #[test]
        fn sets_are_what_their_members_say(a in ports(), b in ports()) {
            for protocol in Protocol::ALL {
                for port in (1..14).chain(65_520..=u16::MAX) {
                    let (in_a, in_b) = (a.contains(protocol, port), b.contains(protocol, port));
                    prop_assert_eq!(a.union(&b).contains(protocol, port), in_a || in_b);
                    prop_assert_eq!(a.intersection(&b).contains(protocol, port), in_a && in_b);
                    prop_assert_eq!(a.without(&b).contains(protocol, port), in_a && !in_b);
                }
            }
            prop_assert_eq!(a.union(&b), b.union(&a));
            prop_assert!(a.without(&a).is_empty());
            prop_assert_eq!(a.without(&b).union(&a.intersection(&b)), a);
        }
    }

    #[test]
    fn they_are_told_in_words() {
        let web = Ports::range(Protocol::Tcp, 443, 443).union(&Ports::range(Protocol::Udp, 1000, 2000));
        assert_eq!(web.to_string(), "443/TCP, 1000-2000/UDP");
        assert_eq!(Ports::all().to_string(), "all ports");
        assert_eq!(Ports::all_of(Protocol::Sctp).to_string(), "all SCTP ports");
        assert_eq!(Ports::all().without(&web).to_string().split(", ").count(), 5);
    }
}
