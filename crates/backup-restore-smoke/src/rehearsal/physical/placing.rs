//! From fetched files to a data folder that may be started: verified, made our own, with the write-ahead log
//! beside it, and nothing in it that leads out of the scratch.

use evidence_report::{
    record::{Finding, Outcome},
    run::Run,
};
use jiff::Timestamp;

use super::{super::Made, live::Live, reached::judge_beginning};
use crate::{
    checks::{BACKUP_CHOSEN, BACKUP_WAL, ENVIRONMENT, RECOVERY_TIMELINE},
    control_data::ControlData,
    engines::{
        base_backup::Label,
        physical::{Chosen, Fetched, Landing},
        wal_archive,
    },
    halt::Halt,
    integrity::{Needed, Shelf, refuse_new_tablespaces, verify_backup},
    plan::{Physical, Plan, Recovery, RecoveryTarget},
    programs::{self, Programs},
    scratch::{
        Cluster, ClusterSpec, Isolation, Missing, disarm, gather_wal, judge_containment, leaks,
        leaks_at_first, link_tablespaces, rewrite_map,
    },
    timeline::Lineage,
    wal::{Lsn, Segment},
    wording::counted,
};

/// The name of the copy's folder.
pub(super) const COPY: &str = "copy";

/// What is to be done where a backup does not carry its own log, and nobody said where the archive is.
const NO_ARCHIVE: &str = "Name the folder of the archived segments with --wal. Where there is no archive this backup is \
                          of no use: make it with `pg_basebackup --wal-method=stream`.";

/// A copy that may be started.
pub(super) struct Placed {
    pub(super) chosen: Chosen,
    pub(super) landing: Landing,
    pub(super) control: ControlData,
    pub(super) programs: Programs,
    /// The segments, for when recovery ends early.
    pub(super) shelf: Shelf,
    pub(super) needed: Needed,
    /// The way that recovery is to take.
    pub(super) lineage: Lineage,
    /// What the backup's files were held against, where that was something.
    pub(super) verified_by: Option<&'static str>,
}

/// Puts the files in place; nothing is started.
#[expect(clippy::too_many_arguments, reason = "every part of the story meets here once")]
pub(super) async fn place_files(
    plan: &Plan,
    physical: &Physical,
    recovery: &Recovery,
    run: &Run,
    made: &mut Made,
    isolation: &Isolation,
    live: &Live,
    chosen: Chosen,
    landing: Landing,
    fetched: &Fetched,
) -> Result<Placed, Halt> {
    run.progress().phase("copy: files in place");
    let start = run.elapsed();
    let not_changed = |error: std::io::Error| unchanged(&error);
    // Before anything is changed: no path of ours goes through a link.
    let at_first = judge_containment(&landing.home, leaks_at_first(&landing.home, &landing.data));
    if at_first.outcome != Outcome::Passed {
        return Err(at_first.into());
    }
    let Missing(missing) = link_tablespaces(&landing).map_err(not_changed)?;
    if !missing.is_empty() {
        return Err(lost_tablespaces(&missing).into());
    }
    let major = major_of(&landing)?;
    let programs = programs::find(run, plan.pg_bin.as_deref(), Some(major)).await?;
    let verified = verify_backup(run, &programs, &landing.data, fetched.manifest.as_deref()).await?;
    let verified_by = match verified.iter().any(|finding| finding.outcome == Outcome::Passed) {
        true => Some("its manifest, which says which files there are, and their checksums"),
        false => physical.origin.verifies_files(),
    };
    run.findings(verified);
    let control = ControlData::ask(run, &programs, &landing.data).await?;
    has_label(&landing, &chosen, &control)?;
    let begun = begun(&landing, &chosen, &control);
    if let Some(too_young) = judge_beginning(&recovery.target, &chosen.label, begun) {
        return Err(too_young.into());
    }
    same_cluster(live.database.as_ref().and_then(|database| database.system_identifier.as_ref()), &control)?;
    same_cluster(chosen.system_identifier.as_ref(), &control)?;
    rewrite_map(&landing).map_err(not_changed)?;
    disarm(&landing).map_err(not_changed)?;
    let begins = chosen.start_lsn.or(control.redo).unwrap_or(Lsn(0));
    if let Some(archive) = &physical.wal {
        let first = Segment::holding(0, begins, control.segment_bytes).number;
        wal_archive::copy(run, archive, first, control.segment_bytes, &landing.wal).await?;
    }
    gather_wal(&landing).map_err(not_changed)?;
    let shelf = Shelf::look(&landing.wal, control.segment_bytes, &control.system_identifier);
    let shelf = shelf.map_err(not_changed)?;
    let needed = Needed {
        start: begins,
        timeline: chosen.timeline.or(control.timeline).unwrap_or(1),
        end: end_of(recovery, &chosen),
    };
    let asked = followed(recovery, needed.timeline);
    let lineage = shelf.lineage(needed.timeline, asked);
    if shelf.knows(lineage.last) {
        refuse_other_branch(&lineage, needed.timeline, &chosen)?;
    }
    let whole = shelf.judge(needed, asked);
    // Where the end is known, a gap before it leaves nothing to go on with: the server would start without a
    // word. Where it is not (a time, a name), the server says whether it found its target.
    match (whole.outcome, needed.end) {
        (Outcome::Failed, Some(_)) if physical.wal.is_none() && !physical.origin.is_repository() => {
            return Err(whole.remedy(NO_ARCHIVE).into());
        }
        (Outcome::Failed, Some(_)) => return Err(whole.into()),
        (_, Some(_)) => run.finding(whole),
        (_, None) => {}
    }
    refuse_new_tablespaces(run, &programs, &shelf, begins).await?;
    let superuser = physical
        .superuser
        .clone()
        .or_else(|| live.database.as_ref().map(|database| database.superuser.clone()))
        .unwrap_or_else(|| "postgres".to_owned());
    let spec = ClusterSpec { name: COPY, superuser, checksums: control.checksums };
    let place = made.place.as_ref().ok_or(Halt::Stopped)?;
    let cluster = made.copy.insert(Cluster::new(place, spec, &programs, isolation)?);
    let contained = judge_containment(&landing.home, leaks(&landing.home));
    if contained.outcome != Outcome::Passed {
        return Err(contained.into());
    }
    run.finding(contained);
    cluster.adopt(run).await?;
    let placed = Placed { chosen, landing, control, programs, shelf, needed, lineage, verified_by };
    run.fact("system identifier of the backup", &placed.control.system_identifier);
    run.fact("PostgreSQL of the backup", major.to_string());
    made.stages.add("files in place", start, run.elapsed(), "verified, tablespaces mapped into the scratch");
    Ok(placed)
}

/// PostgreSQL would start such a backup, and end with words that name no remedy.
fn refuse_other_branch(lineage: &Lineage, timeline: u32, chosen: &Chosen) -> Result<(), Halt> {
    match lineage.objection(timeline, chosen.stop_lsn) {
        None => Ok(()),
        Some(why) => Err(RECOVERY_TIMELINE
            .failed(&chosen.label)
            .expected(format!("a backup from which a way leads to timeline {}", lineage.last))
            .observed(why)
            .into()),
    }
}

/// Where recovery must come to at least, where that is known beforehand.
fn end_of(recovery: &Recovery, chosen: &Chosen) -> Option<Lsn> {
    match &recovery.target {
        RecoveryTarget::Lsn(place) | RecoveryTarget::End { expected: place } => {
            Some(chosen.stop_lsn.map_or(*place, |stop| stop.max(*place)))
        }
        RecoveryTarget::Consistent => chosen.stop_lsn,
        RecoveryTarget::Time(_) | RecoveryTarget::Name(_) => None,
    }
}

/// The timeline that recovery follows to; `None` for the newest.
pub(super) fn followed(recovery: &Recovery, current: u32) -> Option<u32> {
    match recovery.timeline.as_str() {
        "latest" => None,
        "current" => Some(current),
        number => number.parse().ok(),
    }
}

fn major_of(landing: &Landing) -> Result<u32, Halt> {
    let text = fs_err::read_to_string(landing.data.join("PG_VERSION")).unwrap_or_default();
    text.trim().parse().map_err(|_| {
        BACKUP_CHOSEN
            .failed("PG_VERSION")
            .expected("the major version of PostgreSQL 10 or later")
            .observed("the file is missing, or says something else")
            .into()
    })
}

/// Without its label a backup made of a running server would start from a wrong checkpoint, and be corrupt
/// without a word.
fn has_label(landing: &Landing, chosen: &Chosen, control: &ControlData) -> Result<(), Halt> {
    let stood_still = control.state.starts_with("shut down");
    if chosen.atomic_image || stood_still || landing.data.join("backup_label").is_file() {
        return Ok(());
    }
    Err(BACKUP_CHOSEN
        .failed("backup_label")
        .expected("the label that says where recovery begins")
        .observed(format!("it is missing, and the cluster was '{}' when it was copied", control.state))
        .remedy("do not rely on this backup: a server started from it is corrupt without a word")
        .into())
}

/// From when on PostgreSQL sees every commit in the log. Its own checkpoint stands for a label whose zone cannot be told.
/// An image of one instant recovers to that instant before it looks at a target.
fn begun(landing: &Landing, chosen: &Chosen, control: &ControlData) -> Option<Timestamp> {
    let label = fs_err::read_to_string(landing.data.join("backup_label")).ok();
    if label.is_none() && chosen.atomic_image {
        return chosen.finished.max(control.checkpoint);
    }
    label.and_then(|text| Label::read(&text).started).or(control.checkpoint)
}

/// A known identifier, of the source or of the backup's own catalogue, must be that of the files.
fn same_cluster(known: Option<&String>, control: &ControlData) -> Result<(), Halt> {
    match known {
        Some(known) if *known != control.system_identifier => Err(BACKUP_CHOSEN
            .failed("system identifier")
            .expected(format!("a backup of the cluster {known}"))
            .observed(format!("it is of another one, {}", control.system_identifier))
            .remedy("name a backup of this source, or leave --source out")
            .into()),
        _ => Ok(()),
    }
}

fn lost_tablespaces(missing: &[u32]) -> Finding {
    let numbers: Vec<_> = missing.iter().map(u32::to_string).collect();
    BACKUP_CHOSEN
        .failed(format!("tablespace {}", numbers.join(", ")))
        .expected("the content of every tablespace")
        .observed(format!("{} of the backup without content", counted(missing.len() as u64, "tablespace")))
}

fn unchanged(error: &std::io::Error) -> Finding {
    ENVIRONMENT
        .inconclusive("files of the copy")
        .expected("a copy that we may change")
        .observed(error.to_string())
}

/// A gap that was seen, held against how far recovery came: behind the target it does no harm.
pub(super) fn gap_behind_target(placed: &Placed, recovery: &Recovery, reached: Lsn) -> Finding {
    let needed = Needed { end: Some(reached), ..placed.needed };
    let followed = followed(recovery, placed.needed.timeline);
    let before = placed.shelf.judge(needed, followed);
    if before.outcome != Outcome::Passed {
        return before;
    }
    let all = placed.shelf.judge(placed.needed, followed);
    match all.outcome {
        Outcome::Failed => BACKUP_WAL
            .warned(all.subject)
            .expected("a write-ahead log without gaps, also behind the target")
            .observed(format!("{}; the target lies before it", all.observed)),
        _ => before,
    }
}
