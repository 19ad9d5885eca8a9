//! One key behind two services that have nothing in common: copied with an image.

use evidence_report::record::Outcome;

use crate::{
    checks::KEY_SHARED,
    self_test::{
        farm::Lifetime,
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "one key for two services",
    proves: &KEY_SHARED,
    outcome: Outcome::Warned,
    says: "stands behind 2 certificates",
    build,
};

fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let lifetime = Lifetime::days_left(90, 60);
    let shop = bench.authority().issue(&["shop.example"], lifetime)?;
    let mail = bench.authority().issue_for_key_of(&shop, &["mail.example"], lifetime)?;
    let (shop, mail) = (bench.write("shop.pem", shop.pem())?, bench.write("mail.pem", mail.pem())?);
    Ok(bench.scan(&[&shop, &mail]))
}
