//! A mail server that no longer offers TLS: clients that do not insist send passwords in the clear.

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
    title: "STARTTLS that is not offered",
    proves: &STARTTLS_OFFERED,
    outcome: Outcome::Failed,
    says: "does not offer TLS",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let script = vec![
        Line::Say(b"220 mail.example ESMTP\r\n"),
        Line::Hear(b"EHLO"),
        Line::Say(b"250-mail.example\r\n250 SIZE 1000000\r\n"),
        Line::FallSilent,
    ];
    let server = bench.open(Behaviour::Scripted(script, bench.sound()?))?;
    Ok(bench.scan(&[&format!("smtp://{}", server.target())]))
}
