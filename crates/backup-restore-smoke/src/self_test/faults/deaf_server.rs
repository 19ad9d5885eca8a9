//! A listener takes the connection and says nothing for ever.

use evidence_report::record::Outcome;

use crate::{
    checks::SOURCE_READABLE,
    self_test::{
        farm::Then,
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "source that never answers",
    proves: &SOURCE_READABLE,
    outcome: Outcome::Failed,
    says: &["no answer within 2 s"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let (proxy, folder) = bench.proxy(&database, "user", Then::FallSilent)?;
    let source = database.conninfo_through(&folder, "postgres") + " connect_timeout=2";
    Ok(bench.rehearse(source).holding(proxy).idle())
}
