//! The archive of a base backup was cut.

use evidence_report::record::Outcome;

use crate::{
    checks::BACKUP_CHOSEN,
    self_test::{
        farm::base_backup,
        fault::{Fault, Scene},
        faults::dumps::keep,
        workshop::{Bench, SHARING_ALLOWED, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "tar archive of a base backup that was cut",
    proves: &BACKUP_CHOSEN,
    outcome: Outcome::Failed,
    says: &["unexpected end of file"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.own_shop("tarred", true).await?;
    let base = bench.folder.join("base");
    base_backup(bench.run, bench.programs(), &database, &base, &["--format=tar", "--gzip"]).await?;
    keep(&base.join("base.tar.gz"), 60)?;
    Ok(bench.typed(["rehearse", SHARING_ALLOWED, "--backup", &base.display().to_string()]))
}
