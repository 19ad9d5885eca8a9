//! `self-test`: broken certificates and lying servers, made on the spot on loopback.

pub mod farm;
