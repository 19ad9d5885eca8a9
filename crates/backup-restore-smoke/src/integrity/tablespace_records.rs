//! Recovery replays CREATE TABLESPACE with the place that it had on the source: on the source's host the link
//! would lead to the *live* folder, and every later write into it would corrupt production. No setting changes
//! that, so such a write-ahead log is not replayed at all.

use std::path::Path;

use evidence_report::run::Run;

use super::wal::Shelf;
use crate::{
    checks::{ENVIRONMENT, RESTORE_CONTAINED},
    halt::Halt,
    programs::Programs,
    wal::Lsn,
};

/// Looks through the log that would be replayed.
///
/// # Errors
/// A finding that names the tablespace, or that the log cannot be looked through.
pub(crate) async fn refuse_new_tablespaces(
    run: &Run,
    programs: &Programs,
    shelf: &Shelf,
    start: Lsn,
) -> Result<(), Halt> {
    for (first, last) in shelf.runs(start) {
        let mut command =
            programs.client(run, "pg_waldump").arg("--rmgr=Tablespace").arg("--path").arg(shelf.folder());
        if shelf.holds(&first, start) {
            command = command.arg(format!("--start={start}"));
        }
        let output = command.args([shelf.name(first), shelf.name(last)]).output(run.stop()).await;
        let output = output
            .map_err(|error| ENVIRONMENT.inconclusive("PostgreSQL programs").observed(error.to_string()))?;
        if output.stopped || run.stop().is_requested() {
            return Err(Halt::Stopped);
        }
        if let Some(place) = created_in(&output.stdout) {
            return Err(RESTORE_CONTAINED
                .inconclusive("tablespace in the write-ahead log")
                .expected("no tablespace that is made while the copy recovers")
                .observed(format!(
                    "recovery would link to {} again, as it was on the source; nothing was started",
                    place
                ))
                .remedy(
                    "take a base backup after the tablespace was made, or recover to a target with a write-ahead \
                     log that ends before it",
                )
                .into());
        }
    }
    Ok(())
}

/// The place of the first tablespace that is made; one inside the data folder is relative, and harmless.
fn created_in(stdout: &str) -> Option<String> {
    stdout.lines().find_map(|line| {
        let (_, desc) = line.split_once("desc: CREATE ")?;
        let place = desc.split_once('"')?.1.trim_end_matches('"').to_owned();
        Path::new(&place).is_absolute().then_some(place)
    })
}

#[cfg(test)]
mod tests {
    use super::created_in;

    #[test]
    fn a_tablespace_is_seen_and_one_inside_the_data_folder_is_not() {
        let line = |place: &str| {
            format!(
                "rmgr: Tablespace  len (rec/tot):     43/    43, tx:        731, lsn: 0/0301A2B8, prev 0/0301A280, \
                 desc: CREATE 16384 \"{place}\"\n"
            )
        };
        assert_eq!(created_in(&line("/srv/fast disk")), Some("/srv/fast disk".to_owned()));
        assert_eq!(created_in(&line("pg_tblspc/16384")), None);
        assert_eq!(created_in("rmgr: Tablespace desc: DROP 16384\n"), None);
    }
}
