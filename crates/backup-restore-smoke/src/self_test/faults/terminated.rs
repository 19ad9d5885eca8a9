//! The rehearsal is asked to end, in each of its phases: it ends everything, and says that nothing is proven.

use evidence_report::record::{Outcome, Requirement};
use rustix::process::Signal;

use super::hold::{Place, hold, hold_refresh, hold_step};
use crate::{
    checks::RESTORE_CONTENT,
    self_test::{
        fault::{Fault, Scene},
        meanwhile::{Blow, Meanwhile},
        workshop::{Bench, Trouble},
    },
};

macro_rules! terminated {
    ($name:ident, $title:literal, $phase:literal) => {
        pub(super) static $name: Fault = Fault {
            title: $title,
            proves: &RESTORE_CONTENT,
            outcome: Outcome::NotChecked(Requirement::Required),
            says: &["ended before"],
            build: |bench| Box::pin(build(bench, $phase)),
        };
    };
}

terminated!(SNAPSHOT, "SIGTERM while the snapshot is opened", "source: snapshot");
terminated!(FINGERPRINT, "SIGTERM while the source is read", "source: fingerprint");
terminated!(DUMP, "SIGTERM while pg_dump runs", "dump: pg_dump");
terminated!(INITDB, "SIGTERM while the scratch cluster is made", "scratch cluster: initdb");
terminated!(START, "SIGTERM while the scratch server starts", "scratch cluster: start");
terminated!(RESTORE, "SIGTERM while pg_restore runs", "restore: pg_restore");
terminated!(WRITE, "SIGTERM at the first write", "first committed write");
terminated!(FETCH, "SIGTERM while a base backup is fetched", "backup: fetch");
terminated!(RECOVERY, "SIGTERM while the log is replayed", "copy: recovery");
terminated!(VERIFY, "SIGTERM while the copy is read", "copy: fingerprint");

async fn build(bench: &Bench<'_>, phase: &'static str) -> Result<Scene, Trouble> {
    if matches!(phase, "backup: fetch" | "copy: recovery") {
        let kept = bench.history().await?;
        let blow = Meanwhile::In(phase, Blow::Signal(Signal::TERM));
        return Ok(bench.recover_all(&kept).with_words(hold_step(bench)?).meanwhile(blow));
    }
    let database = bench.shop().await?;
    match phase {
        "source: fingerprint" => hold(&database, "shop.prices", Place::Source).await?,
        "restore: pg_restore" => hold_refresh(&database).await?,
        // Whatever the signal misses by being late, it does not miss the end.
        _ => hold(&database, "shop.prices", Place::Copy).await?,
    }
    let signal = Meanwhile::In(phase, Blow::Signal(Signal::TERM));
    let scene = bench.rehearse(database.conninfo()).meanwhile(signal);
    Ok(if phase == "scratch cluster: initdb" { bench.with_own_initdb(scene) } else { scene })
}
