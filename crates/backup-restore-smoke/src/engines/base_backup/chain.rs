//! Increments of PostgreSQL 17 and later: each says where the backup that it is made on begins; a chain is
//! made whole by `pg_combinebackup`.

use std::path::{Path, PathBuf};

use evidence_report::run::Run;

use super::{
    super::physical::{Chosen, Fetched, Landing},
    label::Label,
};
use crate::{
    checks::{BACKUP_CHOSEN, BACKUP_VERIFIED, ENVIRONMENT},
    halt::Halt,
    plan::Plan,
    programs,
    scratch::folder_bytes,
    sql::message_template,
    wording::counted,
};

/// So many increments follow each other at most; more is a mistake of ours.
const LONGEST: usize = 1000;

/// The whole chain, the full backup first: what is missing of it is looked for beside the first folder.
pub(super) fn complete(folders: &[PathBuf]) -> Result<Vec<PathBuf>, Halt> {
    let mut chain = folders.to_vec();
    while let Some(first) = chain.first() {
        let Some(from) = label(first).incremental_from else { return Ok(chain) };
        let prior = beside(first, |other| label(other).start_lsn == Some(from));
        match prior {
            Some(prior) if chain.len() < LONGEST && !chain.contains(&prior) => chain.insert(0, prior),
            _ => {
                return Err(BACKUP_CHOSEN
                    .failed(first.file_name().unwrap_or_default().to_string_lossy().into_owned())
                    .expected(format!("beside it, or named before it, the backup that begins at {from}"))
                    .observed("this is an increment, and the backup that it is made on is not there")
                    .into());
            }
        }
    }
    Ok(chain)
}

fn label(folder: &Path) -> Label {
    super::read(folder, "backup_label").as_deref().map(Label::read).unwrap_or_default()
}

fn beside(folder: &Path, fits: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder.parent()?).ok()?.flatten();
    let mut others: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path != folder).collect();
    others.sort();
    others.into_iter().find(|path| fits(path))
}

/// Makes one backup of the chain. Its manifests are verified first: the whole has a new one.
pub(super) async fn combine(
    run: &Run,
    plan: &Plan,
    folders: &[PathBuf],
    chosen: &Chosen,
    landing: &Landing,
) -> Result<Fetched, Halt> {
    let programs = programs::find(run, plan.pg_bin.as_deref(), chosen.major).await?;
    for folder in folders {
        run.findings(crate::integrity::verify_backup(run, &programs, folder, None).await?);
    }
    let mut command =
        programs.client(run, "pg_combinebackup").arg("--no-sync").arg("--output").arg(&landing.data);
    for (number, place) in tablespaces(folders)? {
        let to = landing.tablespaces.join(number.to_string());
        command = command.arg(format!("--tablespace-mapping={place}={}", to.display()));
    }
    let output = command.args(folders).output(run.stop()).await;
    let output = output
        .map_err(|error| ENVIRONMENT.inconclusive("PostgreSQL programs").observed(error.to_string()))?;
    if output.stopped || run.stop().is_requested() {
        return Err(Halt::Stopped);
    }
    if !output.status.success() {
        let said = output.stderr.lines().find_map(|line| line.split_once("error: "));
        let observed = said.map_or_else(|| output.status.to_string(), |(_, said)| message_template(said));
        if observed.contains("No space left on device") {
            return Err(ENVIRONMENT.inconclusive("space for the copy").observed(observed).into());
        }
        let finding = BACKUP_VERIFIED.failed("pg_combinebackup").expected("a chain that combines");
        return Err(finding.observed(observed).into());
    }
    let note = format!("pg_combinebackup, {}", counted(folders.len() as u64, "backup"));
    let bytes = folder_bytes(&landing.data) + folder_bytes(&landing.tablespaces);
    Ok(Fetched { bytes, note, manifest: None })
}

/// The tablespaces of the last backup: number, and where its link leads.
fn tablespaces(folders: &[PathBuf]) -> Result<Vec<(u32, String)>, Halt> {
    let Some(last) = folders.last() else { return Ok(Vec::new()) };
    let entries = std::fs::read_dir(last.join("pg_tblspc")).into_iter().flatten().flatten();
    let mut places = Vec::new();
    for entry in entries {
        let place = std::fs::read_link(entry.path()).ok().map(|place| place.to_string_lossy().into_owned());
        if let (Ok(number), Some(place)) = (entry.file_name().to_string_lossy().parse(), place) {
            if place.contains('=') {
                return Err(ENVIRONMENT
                    .inconclusive("tablespaces")
                    .observed("the path of a tablespace contains '=', which pg_combinebackup cannot map")
                    .into());
            }
            places.push((number, place));
        }
    }
    Ok(places)
}
