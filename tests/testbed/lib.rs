//! What the tests and the demonstration run against. It knows no tool but `cert-expiry-check`, whose
//! self-test brings the farm of TLS servers.

pub mod tls_farm;
