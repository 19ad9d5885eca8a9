//! What we say: one record.

use super::{super::cipher_suite::OFFERED, HANDSHAKE};

/// Secure renegotiation is understood (RFC 5746): some servers insist. It stands among the suites, where old
/// servers pass over it.
const RENEGOTIATION: u16 = 0x00ff;

/// x25519, P-256, P-384, P-521, ffdhe2048, ffdhe3072; then those of odd keys: secp256k1, Brainpool, x448.
const GROUPS: [u16; 11] =
    [0x001d, 0x0017, 0x0018, 0x0019, 0x0100, 0x0101, 0x0016, 0x001a, 0x001b, 0x001c, 0x001e];

/// ECDSA, RSA-PSS, Ed25519 and Ed448, RSA, then SHA-1 and DSA, which only old servers still choose.
const SIGNATURES: [u16; 19] = [
    0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0807, 0x0808, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501,
    0x0601, 0x0203, 0x0201, 0x0402, 0x0202, 0x0101,
];

/// The hello, in one record. The name is left out where an address is asked for (RFC 6066, 3).
#[must_use]
pub fn client_hello(name: Option<&str>, random: &[u8; 32]) -> Vec<u8> {
    let mut hello = vec![3, 3];
    hello.extend(random);
    // No session to resume.
    hello.push(0);
    let suites = OFFERED.iter().map(|(number, _)| *number).chain([RENEGOTIATION]);
    put(&mut hello, 2, &pairs(suites));
    // No compression.
    hello.extend([1, 0]);
    let extensions = padded(extensions(name), hello.len());
    put(&mut hello, 2, &extensions);
    let mut handshake = vec![1];
    put(&mut handshake, 3, &hello);
    let mut record = vec![HANDSHAKE, 3, 1];
    put(&mut record, 2, &handshake);
    record
}

fn extensions(name: Option<&str>) -> Vec<u8> {
    let mut all = Vec::new();
    let mut extension = |kind: u16, content: &[u8]| {
        all.extend(kind.to_be_bytes());
        put(&mut all, 2, content);
    };
    if let Some(name) = name {
        let mut host = vec![0];
        put(&mut host, 2, name.as_bytes());
        extension(0, &prefixed(&host));
    }
    extension(10, &prefixed(&pairs(GROUPS)));
    // Points without compression.
    extension(11, &[1, 0]);
    extension(13, &prefixed(&pairs(SIGNATURES)));
    all
}

/// Some load balancers hang on a hello of 256 to 511 bytes: RFC 7685 fills it up.
fn padded(mut extensions: Vec<u8>, before: usize) -> Vec<u8> {
    const HANDSHAKE_HEADER: usize = 4;
    const LENGTH: usize = 2;
    let total = HANDSHAKE_HEADER + before + LENGTH + extensions.len();
    if (256..512).contains(&total) {
        let fill = (512 - total).saturating_sub(4);
        extensions.extend(21_u16.to_be_bytes());
        put(&mut extensions, 2, &vec![0; fill]);
    }
    extensions
}

fn pairs(numbers: impl IntoIterator<Item = u16>) -> Vec<u8> {
    numbers.into_iter().flat_map(u16::to_be_bytes).collect()
}

fn prefixed(content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, 2, content);
    bytes
}

/// Appends content behind its length of so many octets.
pub(super) fn put(bytes: &mut Vec<u8>, octets: usize, content: &[u8]) {
    let length = content.len().to_be_bytes();
    bytes.extend(&length[length.len() - octets..]);
    bytes.extend(content);
}
