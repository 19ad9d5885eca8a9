//! A hello of our own to servers that rustls has nothing in common with: TLS 1.0 to 1.2 with every suite that
//! carries a certificate, and a bounded reader of what comes back up to the certificate. No key is ever agreed
//! on, and nothing is sent after the hello but a goodbye. Pure: bytes in, bytes out.

mod flight;
mod hello;
#[cfg(test)]
mod tests;

pub use flight::{Flight, LONGEST_FLIGHT, Presented, Progress, read_answer};
pub use hello::client_hello;

/// Two alerts, each a warning: the user cancels, and closes (RFC 5246, 7.2).
pub(super) const GOODBYE: [u8; 14] = [21, 3, 1, 0, 2, 1, 90, 21, 3, 1, 0, 2, 1, 0];

/// The kind of a record that holds messages of a handshake.
const HANDSHAKE: u8 = 22;
