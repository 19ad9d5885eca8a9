//! A server that speaks only TLS 1.0: clients of today have nothing in common with it.

use evidence_report::record::Outcome;

use crate::{
    checks::TLS_HANDSHAKE,
    self_test::{
        farm::{Behaviour, Line},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "only TLS 1.0",
    proves: &TLS_HANDSHAKE,
    outcome: Outcome::Failed,
    says: "speaks TLS 1.0 at most (TLS_RSA_WITH_AES_128_CBC_SHA)",
    build,
};

/// ServerHello for TLS 1.0, RSA and AES; a chain of one, whose content plays no part here; ServerHelloDone.
const ANSWER: &[u8] = b"\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01\
    01234567890123456789012345678901\x00\x00\x2f\x00\
    \x16\x03\x01\x00\x0e\x0b\x00\x00\x0a\x00\x00\x07\x00\x00\x04none\
    \x16\x03\x01\x00\x04\x0e\x00\x00\x00";

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let script = vec![Line::Hear(&[3, 3]), Line::Say(ANSWER), Line::FallSilent];
    let server = bench.open(Behaviour::Scripted(script, bench.sound()?))?;
    Ok(bench.scan(&[&server.target()]))
}
