//! The farm of TLS servers on loopback: the one that `cert-expiry-check self-test` runs, and the sample of
//! the demonstration.

mod sample;

pub use cert_expiry_check::self_test::farm::{
    Authority, Behaviour, Farm, HangUp, Identity, Lifetime, Line, Stand,
};
pub use sample::{SampleError, write_sample};
