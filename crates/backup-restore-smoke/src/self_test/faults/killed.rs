//! The rehearsal is killed, in each of its phases: its servers die with it, and `sweep` takes away the rest.

use evidence_report::record::Outcome;

use super::hold::{Place, hold, hold_refresh, hold_step};
use crate::{
    checks::CLEANED_UP,
    self_test::{
        fault::{Fault, Scene},
        meanwhile::{Blow, Meanwhile},
        workshop::{Bench, Trouble},
    },
};

macro_rules! killed {
    ($name:ident, $title:literal, $phase:literal) => {
        pub(super) static $name: Fault = Fault {
            title: $title,
            proves: &CLEANED_UP,
            outcome: Outcome::Passed,
            says: &["removed"],
            build: |bench| Box::pin(build(bench, $phase)),
        };
    };
}

killed!(SNAPSHOT, "SIGKILL while the snapshot is opened", "source: snapshot");
killed!(FINGERPRINT, "SIGKILL while the source is read", "source: fingerprint");
killed!(DUMP, "SIGKILL while pg_dump runs", "dump: pg_dump");
killed!(INITDB, "SIGKILL while the scratch cluster is made", "scratch cluster: initdb");
killed!(START, "SIGKILL while the scratch server starts", "scratch cluster: start");
killed!(RESTORE, "SIGKILL while pg_restore runs", "restore: pg_restore");
killed!(WRITE, "SIGKILL at the first write", "first committed write");
killed!(FETCH, "SIGKILL while a base backup is fetched", "backup: fetch");
killed!(RECOVERY, "SIGKILL while the log is replayed", "copy: recovery");
killed!(VERIFY, "SIGKILL while the copy is read", "copy: fingerprint");

async fn build(bench: &Bench<'_>, phase: &'static str) -> Result<Scene, Trouble> {
    if matches!(phase, "backup: fetch" | "copy: recovery") {
        let kept = bench.history().await?;
        let blow = Meanwhile::In(phase, Blow::KillAndSweep);
        return Ok(bench.recover_all(&kept).with_words(hold_step(bench)?).meanwhile(blow));
    }
    let database = bench.shop().await?;
    match phase {
        "source: fingerprint" => hold(&database, "shop.prices", Place::Source).await?,
        "restore: pg_restore" => hold_refresh(&database).await?,
        _ => hold(&database, "shop.prices", Place::Copy).await?,
    }
    let scene = bench.rehearse(database.conninfo()).meanwhile(Meanwhile::In(phase, Blow::KillAndSweep));
    Ok(if phase == "scratch cluster: initdb" { bench.with_own_initdb(scene) } else { scene })
}
