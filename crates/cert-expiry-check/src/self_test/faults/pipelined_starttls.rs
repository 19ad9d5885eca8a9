//! A mail server that goes on in plain text behind its consent to TLS: somebody in between may speak for it.

use evidence_report::record::Outcome;

use crate::{
    checks::STARTTLS_OFFERED,
    self_test::{
        farm::{Behaviour, Line},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "plain text slipped in before TLS",
    proves: &STARTTLS_OFFERED,
    outcome: Outcome::Failed,
    says: "sent plain text where only TLS may follow",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let script = vec![
        Line::Say(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"),
        Line::Hear(b"a2 STARTTLS\r\n"),
        Line::Say(b"a2 OK begin TLS now\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"),
        Line::FallSilent,
    ];
    let server = bench.open(Behaviour::Scripted(script, bench.sound()?))?;
    Ok(bench.scan(&[&format!("imap://{}", server.target())]))
}
