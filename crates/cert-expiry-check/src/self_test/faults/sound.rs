//! Nothing is wrong here, and nothing may be said: a tool that always complains catches every fault.

use evidence_report::record::Outcome;

use crate::{
    checks::{FILE_LIFETIME, TLS_LIFETIME},
    self_test::{
        farm::Behaviour,
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static SERVER: Fault = Fault {
    title: "sound server, which serves what lies on disk",
    proves: &TLS_LIFETIME,
    outcome: Outcome::Passed,
    says: "",
    build: server,
};

pub(super) static FILE: Fault =
    Fault { title: "sound file", proves: &FILE_LIFETIME, outcome: Outcome::Passed, says: "", build: file };

fn server(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let identity = bench.sound()?;
    let file = bench.write("shop.pem", identity.pem())?;
    let server = bench.open(Behaviour::Tls(identity))?;
    Ok(bench.scan(&[&server.target(), &file]))
}

fn file(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    bench.scan_file("shop.pem", bench.sound()?.pem())
}
