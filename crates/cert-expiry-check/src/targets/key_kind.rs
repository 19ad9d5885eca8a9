//! The two kinds of keys that one server may have a certificate for at the same time.

use std::fmt;

/// A kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA.
    Rsa,
    /// On an elliptic curve, Ed25519 included.
    Ecdsa,
}

impl KeyKind {
    /// The kind that is not this one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Rsa => Self::Ecdsa,
            Self::Ecdsa => Self::Rsa,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa => "RSA",
            Self::Ecdsa => "ECDSA",
        })
    }
}
