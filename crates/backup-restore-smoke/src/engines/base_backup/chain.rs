//! Increments of PostgreSQL 17 and later: each says where the backup that it is made on begins; a chain is
//! made whole by `pg_combinebackup`.

use std::path::{Path, PathBuf};

use evidence_report::{
    record::{Finding, Outcome},
    run::Run,
};

use super::{
    super::physical::{Chosen, Fetched, Landing},
    label::Label,
    tar,
};
use crate::{
    checks::{BACKUP_CHOSEN, BACKUP_VERIFIED, ENVIRONMENT},
    halt::Halt,
    plan::Plan,
    programs,
    scratch::{Missing, folder_bytes, judge_containment, leaks_at_first, link_tablespaces, make_private},
    sql::message_template,
    wal::Lsn,
    wording::counted,
};

/// So many increments follow each other at most; more is a mistake of ours.
const LONGEST: usize = 1000;

/// The folders in the order of their places: whatever the order in which they were named, each increment comes after
/// what it is made on. One without a label keeps all of them as they are.
pub(super) async fn ordered(run: &Run, folders: &[PathBuf]) -> Result<Vec<PathBuf>, Halt> {
    let mut placed = Vec::new();
    for folder in folders {
        placed.push((label(run, folder).await?.start_lsn, folder.clone()));
    }
    if placed.iter().all(|(place, _)| place.is_some()) {
        placed.sort_by_key(|(place, _)| *place);
    }
    Ok(placed.into_iter().map(|(_, folder)| folder).collect())
}

/// The whole chain, the full backup first: from the last of those that are named back to a full one. What an increment is
/// made on is looked for among the named ones, then beside it.
pub(super) async fn complete(run: &Run, folders: &[PathBuf]) -> Result<Vec<PathBuf>, Halt> {
    let mut named = ordered(run, folders).await?;
    let Some(last) = named.pop() else { return Ok(named) };
    let mut chain = vec![last.clone()];
    let mut first = last.clone();
    while let Some(from) = label(run, &first).await?.incremental_from {
        let prior = match begins_at(run, &named, from).await? {
            None => begins_at(run, &beside(&first), from).await?,
            found => found,
        };
        match prior {
            Some(prior) if chain.len() < LONGEST && !chain.contains(&prior) => {
                chain.insert(0, prior.clone());
                first = prior;
            }
            _ => {
                return Err(BACKUP_CHOSEN
                    .failed(shown(&first))
                    .expected(format!("beside it, or named before it, the backup that begins at {from}"))
                    .observed("this is an increment, and the backup that it is made on is not there")
                    .into());
            }
        }
    }
    match named.iter().find(|folder| !chain.contains(folder)) {
        None => Ok(chain),
        Some(stray) => Err(ENVIRONMENT
            .inconclusive(shown(stray))
            .expected(format!("only backups of the chain that ends with {}", shown(&last)))
            .observed("it was named, and no increment of the chain is made on it")
            .remedy(
                "name the last increment alone where its chain lies beside it, or every backup of the chain",
            )
            .into()),
    }
}

fn shown(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

async fn label(run: &Run, folder: &Path) -> Result<Label, Halt> {
    let text = match super::base_archive(folder) {
        Some(archive) => tar::text_of(run, &archive, "backup_label").await?,
        None => super::read(folder, "backup_label"),
    };
    Ok(text.as_deref().map(Label::read).unwrap_or_default())
}

/// The other base backups in the same folder.
fn beside(folder: &Path) -> Vec<PathBuf> {
    let entries = folder.parent().and_then(|parent| std::fs::read_dir(parent).ok());
    let mut others: Vec<_> = entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    others.retain(|path| path != folder && super::is_base_backup(path));
    others.sort();
    others
}

async fn begins_at(run: &Run, folders: &[PathBuf], place: Lsn) -> Result<Option<PathBuf>, Halt> {
    for folder in folders {
        if label(run, folder).await?.start_lsn == Some(place) {
            return Ok(Some(folder.clone()));
        }
    }
    Ok(None)
}

/// A backup of the chain as plain files: pg_combinebackup reads no archives. What is unpacked stays inside the landing,
/// and is looked at before any path of ours goes through it.
async fn as_plain(run: &Run, folder: &Path, index: usize, landing: &Landing) -> Result<PathBuf, Halt> {
    let Some(archive) = super::base_archive(folder) else { return Ok(folder.to_owned()) };
    let home = landing.home.join(format!("increment-{index}"));
    let (data, tablespaces, wal) = (home.join("data"), home.join("tablespaces"), home.join("wal"));
    let unpacked = Landing { home, data, tablespaces, wal };
    for folder in [&unpacked.home, &unpacked.data, &unpacked.tablespaces, &unpacked.wal] {
        make_private(folder)?;
    }
    let fetched = tar::unpack(run, folder, &archive, &unpacked).await?;
    let contained = judge_containment(&unpacked.home, leaks_at_first(&unpacked.home, &unpacked.data));
    if contained.outcome != Outcome::Passed {
        return Err(contained.into());
    }
    let unchanged =
        |error: std::io::Error| ENVIRONMENT.inconclusive("files of the copy").observed(error.to_string());
    if let Some(manifest) = fetched.manifest.filter(|manifest| manifest.is_file()) {
        fs_err::copy(manifest, unpacked.data.join("backup_manifest")).map_err(unchanged)?;
    }
    let Missing(missing) = link_tablespaces(&unpacked).map_err(unchanged)?;
    if let Some(number) = missing.first() {
        let subject = format!("tablespace {number}");
        let finding = BACKUP_CHOSEN.failed(subject).expected("the content of every tablespace");
        return Err(finding.observed(format!("{} does not hold it", folder.display())).into());
    }
    Ok(unpacked.data)
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
    let mut plain = Vec::new();
    for (index, folder) in folders.iter().enumerate() {
        plain.push(as_plain(run, folder, index, landing).await?);
    }
    let named = folders.iter().zip(&plain).map(|(folder, plain)| (folder.file_name(), plain));
    for (name, folder) in named {
        let name = name.unwrap_or_default().to_string_lossy().into_owned();
        let verified = crate::integrity::verify_backup(run, &programs, folder, None).await?;
        run.findings(verified.into_iter().map(|finding| Finding { subject: name.clone(), ..finding }));
    }
    let mut command =
        programs.client(run, "pg_combinebackup").arg("--no-sync").arg("--output").arg(&landing.data);
    for (number, place) in tablespaces(&plain)? {
        let to = landing.tablespaces.join(number.to_string());
        command = command.arg(format!("--tablespace-mapping={place}={}", to.display()));
    }
    let output = command.args(&plain).output(run.stop()).await;
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
    for folder in plain.iter().filter(|folder| folder.starts_with(&landing.home)) {
        let unpacked = folder.parent().unwrap_or(folder);
        fs_err::remove_dir_all(unpacked)
            .map_err(|error| ENVIRONMENT.inconclusive("files of the copy").observed(error.to_string()))?;
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
