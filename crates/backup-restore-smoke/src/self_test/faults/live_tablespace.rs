//! A base backup holds a link to a folder outside, as to the live tablespace of its source: nothing is started.

use evidence_report::record::Outcome;

use crate::{
    checks::RESTORE_CONTAINED,
    self_test::{
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

pub(super) static FAULT: Fault = Fault {
    title: "base backup that links to live files",
    proves: &RESTORE_CONTAINED,
    outcome: Outcome::Inconclusive,
    says: &["nothing was started"],
    build: |bench| Box::pin(build(bench)),
};

async fn build(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    // Otherwise the manifest tells that there is something in excess.
    std::fs::remove_file(kept.base.join("backup_manifest"))?;
    let live = bench.make_folder("live")?;
    std::fs::write(std::path::Path::new(&live).join("row"), "of production")?;
    std::os::unix::fs::symlink(&live, kept.base.join("base/live"))?;
    Ok(bench.recover_all(&kept).leaving(live.into()))
}
