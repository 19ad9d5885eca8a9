//! Blocks of addresses, as an ipBlock names them.

use std::{fmt, net::IpAddr};

/// A network such as `10.0.0.0/8`. An IPv4 block and an IPv6 block have nothing in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Block {
    address: IpAddr,
    prefix: u8,
}

impl Block {
    /// Reads `ADDRESS/PREFIX`. Bits behind the prefix are dropped, as Kubernetes does.
    ///
    /// # Errors
    /// What was read, and what to write.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no network; write 10.0.0.0/8 or fd00::/8");
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let plain = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = prefix.parse().ok().filter(|_| plain).ok_or_else(wrong)?;
        if prefix > bits(address) { Err(wrong()) } else { Ok(Self { address, prefix }) }
    }

    /// Whether it is every address of its family.
    pub(super) const fn is_everything(self) -> bool {
        self.prefix == 0
    }

    /// Its two halves; none of a single address.
    pub(super) fn halves(self) -> Option<[Self; 2]> {
        let prefix = self.prefix + 1;
        if prefix > bits(self.address) {
            return None;
        }
        let upper = match self.address {
            IpAddr::V4(address) => IpAddr::V4((address.to_bits() | 1 << (32 - prefix)).into()),
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() | 1 << (128 - prefix)).into()),
        };
        Some([Self { prefix, ..self }, Self { address: upper, prefix }])
    }

    /// Whether all of `other` lies in it.
    pub(super) fn contains(self, other: Self) -> bool {
        self.prefix <= other.prefix && self.meets(other)
    }

    /// Whether they have an address in common: then the longer of them lies in the shorter.
    pub(super) fn meets(self, other: Self) -> bool {
        if self.address.is_ipv4() != other.address.is_ipv4() {
            return false;
        }
        let shift = 128 - u32::from(self.prefix.min(other.prefix));
        (value(self.address) ^ value(other.address)).checked_shr(shift).unwrap_or(0) == 0
    }
}

const fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The address's bits, from the left of 128.
fn value(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// A block without some parts of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) block: Block,
    pub(super) except: Vec<Block>,
}

impl Range {
    /// Whether all of `block` is in it.
    pub(super) fn covers(&self, block: Block) -> bool {
        self.block.contains(block) && !self.except.iter().any(|except| except.meets(block))
    }

    /// Whether some of `block` may be in it. Exceptions that only together leave nothing are not seen.
    pub(super) fn touches(&self, block: Block) -> bool {
        let common = if self.block.contains(block) { block } else { self.block };
        self.block.meets(block) && !self.except.iter().any(|except| except.contains(common))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Block {
        Block::parse(text).unwrap()
    }

    #[test]
    fn blocks_contain_and_meet() {
        for (a, b, contains, meets) in [
            ("10.0.0.0/8", "10.1.0.0/16", true, true),
            ("10.1.0.0/16", "10.0.0.0/8", false, true),
            ("10.1.0.0/16", "10.2.0.0/16", false, false),
            ("0.0.0.0/0", "203.0.113.7/32", true, true),
            ("0.0.0.0/0", "fd00::/8", false, false),
            ("::/0", "fd00::1/128", true, true),
            ("203.0.113.7/32", "203.0.113.7/32", true, true),
            ("10.1.2.3/8", "10.200.0.0/16", true, true),
        ] {
            assert_eq!((block(a).contains(block(b)), block(a).meets(block(b))), (contains, meets), "{a} {b}");
        }
        for wrong in
            ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "x/8"]
        {
            assert!(Block::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_exception_takes_its_part_away() {
        let range = Range { block: block("0.0.0.0/0"), except: vec![block("10.0.0.0/8")] };
        for (other, covers, touches) in [
            ("203.0.113.0/24", true, true),
            ("10.0.0.0/8", false, false),
            ("10.1.0.0/16", false, false),
            ("8.0.0.0/6", false, true),
            ("fd00::/8", false, false),
        ] {
            assert_eq!(
                (range.covers(block(other)), range.touches(block(other))),
                (covers, touches),
                "{other}"
            );
        }
    }
}
