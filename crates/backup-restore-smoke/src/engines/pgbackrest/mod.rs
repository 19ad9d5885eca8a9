//! pgBackRest: chooses a backup out of its catalogue and brings it, and the write-ahead log up to the target, into the
//! scratch. Differential and incremental backups are put together by pgBackRest itself. What it may be asked stands in
//! [`verb`]; see docs/decisions, 0015.

mod catalogue;
pub(crate) mod unopened;
mod verb;

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    time::Duration,
};

use evidence_report::{record::Finding, run::Run};

use self::{
    catalogue::{Entry, Refusal, Wanted},
    unopened::Unopened,
    verb::{Setting, Verb},
};
use super::{
    branches::{Branches, Histories, Taken},
    foreign::{Foreign, Said, user_for},
    incident::Incident,
    ini::Ini,
    passed::Mark,
    physical::{Chosen, Fetched, Landing, OLDER_NAMED},
    segments::{self, Answer, Archive, Reach},
};
use crate::{
    checks::{BACKUP_CHOSEN, BACKUP_WAL, ENVIRONMENT},
    control_data::ControlData,
    halt::Halt,
    plan::{PgBackRest, Plan, Recovery},
    programs::{self, Programs},
    scratch::{Place, folder_bytes, make_private},
    wal::Segment,
};

const NAME: &str = "pgBackRest";

/// How long a question to the catalogue may take.
const QUESTION: Duration = Duration::from_secs(300);

/// How long one segment may take.
const SEGMENT: Duration = Duration::from_secs(600);

/// Where pgBackRest keeps its first repository when nobody says.
const DEFAULT_REPOSITORY: &str = "/var/lib/pgbackrest";

/// So many repositories pgBackRest knows.
const REPOSITORIES: u32 = 256;

/// Where Debian's package and upstream keep the configuration.
const CONFIGURATIONS: [&str; 2] = ["/etc/pgbackrest/pgbackrest.conf", "/etc/pgbackrest.conf"];

/// pgBackRest as it is called for one stanza.
struct Tool<'a> {
    run: &'a Run,
    foreign: Foreign,
    setting: Setting,
    home: PathBuf,
}

impl<'a> Tool<'a> {
    async fn find(
        run: &'a Run,
        origin: &PgBackRest,
        programs: &Programs,
        place: &Place,
    ) -> Result<Self, Halt> {
        let user = user_for(origin.user.as_deref(), Some(&repository(origin)))?;
        let foreign =
            Foreign::find(NAME, OsStr::new("pgbackrest"), "the package pgbackrest", programs, user)?;
        let home = place.folder("pgbackrest");
        make_private(&home)?;
        foreign.lend(run, &home).await?;
        let setting = Setting {
            stanza: origin.stanza.clone(),
            configuration: origin.configuration.clone(),
            locks: home.join("lock"),
            logs: home.join("log"),
            spool: home.join("spool"),
        };
        Ok(Self { run, foreign, setting, home })
    }

    async fn ask(&self, verb: Verb<'_>, limit: Duration) -> Result<Said, Halt> {
        self.foreign.call(self.run, &verb.arguments(&self.setting), &self.home, limit).await
    }

    async fn entries(&self, verb: Verb<'_>) -> Result<Vec<Entry>, Halt> {
        let said = self.ask(verb, QUESTION).await?;
        if !said.status.success() {
            return Err(self.judge(&said, "the catalogue").into());
        }
        let read = said.answer().map_err(Refusal::Unreadable);
        read.and_then(|text| catalogue::read(text, &self.setting.stanza))
            .map_err(|refusal| self.refused(refusal, None).into())
    }

    fn refused(&self, refusal: Refusal, before: Option<&Incident>) -> Finding {
        let stanza = &self.setting.stanza;
        let expected = format!("a backup in the stanza {stanza}");
        match refusal {
            Refusal::Unopened(why) => self.unopened(why, expected),
            Refusal::Unreadable(said) => ENVIRONMENT
                .inconclusive(format!("{NAME}, stanza {stanza}"))
                .expected("a catalogue in JSON, as pgBackRest 2.45 prints it")
                .observed(said),
            Refusal::Broken(said) => self.broken(&said, expected),
            Refusal::NoneBefore => BACKUP_CHOSEN
                .failed(format!("stanza {stanza}"))
                .expected(before.map_or(expected, Incident::wanted))
                .observed("every backup in the catalogue is younger")
                .remedy("keep backups longer, or rehearse a later time"),
            Refusal::NoSuchLabel => BACKUP_CHOSEN
                .failed(format!("stanza {stanza}"))
                .expected("the backup that was named with --set")
                .observed("the catalogue does not have it: it has expired, or the label is another"),
        }
    }

    fn unopened(&self, why: Unopened, expected: String) -> Finding {
        let ours = || ENVIRONMENT.inconclusive(format!("{NAME}, stanza {}", self.setting.stanza));
        match why {
            Unopened::Forbidden(said) => ours().expected("a repository that we may read").observed(said).remedy(
                "run the rehearsal as the user that owns the repository, or as root with --repository-user",
            ),
            Unopened::NoPassphrase => ours()
                .expected("the passphrase of an encrypted repository")
                .observed("the repository is encrypted, and no passphrase was given")
                .remedy(
                    "set repo1-cipher-type and repo1-cipher-pass in the configuration (--pgbackrest-config), or \
                     PGBACKREST_REPO1_CIPHER_TYPE and PGBACKREST_REPO1_CIPHER_PASS in the environment",
                ),
            Unopened::WrongPassphrase => ours()
                .expected("the passphrase that the repository was encrypted with")
                .observed(
                    "the passphrase that was given is another one: nothing that it deciphers makes sense (only if \
                     the beginnings of backup.info and of its copy were damaged alike, that would look the same)",
                )
                .remedy(
                    "correct repo1-cipher-pass in the configuration (--pgbackrest-config), or \
                     PGBACKREST_REPO1_CIPHER_PASS in the environment; without the right one there is no recovery",
                ),
            Unopened::Damaged(said) | Unopened::Other(said) => self.broken(&said, expected),
        }
    }

    fn broken(&self, said: &str, expected: String) -> Finding {
        BACKUP_CHOSEN
            .failed(format!("stanza {}", self.setting.stanza))
            .expected(expected)
            .observed(format!("the repository cannot be had: {said}"))
            .remedy(
                "run `pgbackrest info` with the same configuration: in an emergency it would answer the same",
            )
    }

    /// Whether this machine, and not the repository, is why it failed: space, rights, options, configuration.
    fn is_ours(&self, said: &Said) -> bool {
        let configuration = self.setting.configuration.as_deref().map(|path| path.display().to_string());
        let named = |path: &String| said.says(&format!("'{path}'"));
        is_of_this_machine(said) || configuration.as_ref().is_some_and(named)
    }

    fn judge(&self, said: &Said, subject: &str) -> Finding {
        let observed = said.reason();
        if self.is_ours(said) {
            return ENVIRONMENT
                .inconclusive(format!("{NAME}: {subject}"))
                .expected("a pgBackRest, its configuration, rights and space to fetch with")
                .observed(observed)
                .remedy(
                    "name the configuration with --pgbackrest-config, run as the user that owns the repository \
                     (--repository-user), or make room in --scratch",
                );
        }
        BACKUP_CHOSEN
            .failed(subject)
            .expected("a backup that pgBackRest brings to its end")
            .observed(observed)
            .remedy("run `pgbackrest verify`, and take another backup")
    }
}

/// Options (27, 31, 32, 37), a lock (50), space, rights: nothing of it says anything about the backup. What it has to
/// say itself it says with at most 125: beyond that it was killed, or never started.
fn is_of_this_machine(said: &Said) -> bool {
    matches!(said.status.code(), None | Some(27 | 31 | 32 | 37 | 50 | 126..))
        || said.says("No space left on device")
        || said.says("Permission denied")
}

/// The folder of the repository, where it is one of this machine: its owner is the one to run as.
fn repository(origin: &PgBackRest) -> PathBuf {
    let path = repositories(&configuration(origin), &origin.stanza).into_iter().next();
    path.unwrap_or_else(|| PathBuf::from(DEFAULT_REPOSITORY))
}

/// The folders of all its repositories on this machine.
///
/// # Errors
/// That all of them are elsewhere.
pub(super) fn folders(origin: &PgBackRest) -> Result<Vec<PathBuf>, String> {
    match repositories(&configuration(origin), &origin.stanza) {
        none if none.is_empty() => {
            Err("the repository is on another machine or in an object store, as its configuration tells"
                .to_owned())
        }
        folders => Ok(folders),
    }
}

fn configuration(origin: &PgBackRest) -> Ini {
    let named =
        origin.configuration.clone().or_else(|| std::env::var_os("PGBACKREST_CONFIG").map(PathBuf::from));
    let candidates = named.into_iter().chain(CONFIGURATIONS.map(PathBuf::from));
    let text = candidates.filter_map(|path| std::fs::read_to_string(path).ok()).next().unwrap_or_default();
    Ini::read(&text)
}

/// The repositories that are folders of this machine. The first one is there even where nothing names it.
fn repositories(ini: &Ini, stanza: &str) -> Vec<PathBuf> {
    let value = |number: u32, key: &str| {
        let key = format!("repo{number}-{key}");
        [stanza, "global"].iter().find_map(|section| ini.value(section, &key))
    };
    let is_folder = |number: &u32| {
        let file_system = value(*number, "type").is_none_or(|kind| matches!(kind, "posix" | "cifs"));
        value(*number, "host").is_none() && file_system
    };
    let path = |number: u32| value(number, "path").or((number == 1).then_some(DEFAULT_REPOSITORY));
    (1..=REPOSITORIES).filter(is_folder).filter_map(path).map(PathBuf::from).collect()
}

/// Chooses the newest backup that had finished at the incident and before the target, or the one that is named.
///
/// # Errors
/// A finding when there is none, or that the run was asked to stop.
pub(super) async fn choose(
    run: &Run,
    plan: &Plan,
    place: &Place,
    origin: &PgBackRest,
    incident: &Incident,
) -> Result<Chosen, Halt> {
    let programs = programs::find(run, plan.pg_bin.as_deref(), None).await?;
    let tool = Tool::find(run, origin, &programs, place).await?;
    let version = tool.ask(Verb::Version, QUESTION).await?;
    run.fact("backup tool", format!("{} {}", NAME, version.stdout.trim().trim_start_matches("pgBackRest ")));
    let wanted = Wanted {
        before: incident.finished_by_second,
        ended: incident.ended_by,
        label: origin.set.as_deref(),
    };
    let mut entries = tool.entries(Verb::Info).await?;
    let mut branches = Branches::to(&incident.followed);
    let entry = loop {
        let entry = catalogue::choose(entries.clone(), wanted)
            .map_err(|refusal| branches.explain(tool.refused(refusal, Some(incident))))?;
        let taken = Taken { label: &entry.label, timeline: entry.timeline(), end: entry.stop };
        let kept = Kept { tool: &tool, repository: entry.repository, archive: entry.archive.as_deref() };
        if wanted.label.is_some() || branches.lead_over(taken, &kept).await? {
            break entry;
        }
        entries.retain(|other| other.label != entry.label);
    };
    let observed = format!("{} backup, finished {}", entry.kind, entry.finished);
    let made = match entry.page_errors {
        false => BACKUP_CHOSEN.passed(&entry.label).observed(observed),
        true => BACKUP_CHOSEN
            .warned(&entry.label)
            .observed(format!("{observed}; pgBackRest found pages with wrong checksums when it was made")),
    };
    run.finding(branches.remark(made.expected(incident.wanted())));
    let older = catalogue::older_than(&entries, &entry).take(OLDER_NAMED);
    let older = older.filter(|_| origin.set.is_none()).map(|label| format!("--set {label}")).collect();
    Ok(Chosen {
        older,
        started: Some(entry.started),
        finished: Some(entry.finished),
        start_lsn: entry.start,
        stop_lsn: entry.stop,
        timeline: entry.timeline(),
        bytes: Some(entry.bytes),
        major: entry.major,
        system_identifier: entry.system_identifier,
        label: entry.label,
        ..Chosen::default()
    })
}

/// The histories of timelines that a repository keeps.
struct Kept<'a> {
    tool: &'a Tool<'a>,
    repository: u32,
    archive: Option<&'a str>,
}

impl Histories for Kept<'_> {
    async fn history(&self, timeline: u32) -> Result<Option<String>, Halt> {
        let Some(archive) = self.archive else { return Ok(None) };
        let stanza = &self.tool.setting.stanza;
        let verb = Verb::History { repository: self.repository, stanza, archive, timeline };
        let said = self.tool.ask(verb, QUESTION).await?;
        Ok(said.status.success().then_some(said.stdout))
    }
}

/// Restores it into the landing, and brings the write-ahead log.
///
/// # Errors
/// A finding that says why it cannot be had, or that the run was asked to stop.
pub(super) async fn fetch(
    run: &Run,
    plan: &Plan,
    place: &Place,
    origin: &PgBackRest,
    chosen: &Chosen,
    landing: &Landing,
    recovery: &Recovery,
) -> Result<Fetched, Halt> {
    let programs = programs::find(run, plan.pg_bin.as_deref(), chosen.major).await?;
    let tool = Tool::find(run, origin, &programs, place).await?;
    let entries = tool.entries(Verb::Info).await?;
    let named = Wanted { label: Some(&chosen.label), ..Wanted::any() };
    let entry = catalogue::choose(entries, named).map_err(|refusal| tool.refused(refusal, None))?;
    let moved = tablespaces(&tool, &entry, landing).await?;
    tool.foreign.lend(run, &landing.home).await?;
    run.progress().phase(format!("fetching {} by pgBackRest", entry.label));
    let said = tool
        .ask(
            Verb::Restore {
                repository: entry.repository,
                label: &entry.label,
                data: &landing.data,
                tablespaces: &moved,
                others: &landing.home.join("unlisted"),
                jobs: plan.jobs,
            },
            run.settings().timeout,
        )
        .await?;
    if !said.status.success() {
        return Err(tool.judge(&said, &entry.label).into());
    }
    let bytes = folder_bytes(&landing.data) + folder_bytes(&landing.tablespaces);
    let brought = bring_wal(&tool, &programs, plan, &entry, chosen, landing, recovery).await?;
    run.fact("segments fetched", brought.to_string());
    let note = format!("{} backup {}, by pgBackRest", entry.kind, entry.label);
    Ok(Fetched { bytes, note, ..Fetched::default() })
}

/// Number and new place of each tablespace of a backup.
async fn tablespaces(tool: &Tool<'_>, entry: &Entry, landing: &Landing) -> Result<Vec<(u32, PathBuf)>, Halt> {
    let asked = Verb::InfoOf { repository: entry.repository, label: &entry.label };
    let detailed = tool.entries(asked).await?.into_iter().find(|found| found.label == entry.label);
    let Some(numbers) = detailed.and_then(|entry| entry.tablespaces) else {
        return Err(ENVIRONMENT
            .inconclusive(NAME)
            .expected("a pgBackRest that lists a backup's tablespaces (`info --set --output=json`)")
            .observed("it does not: a tablespace could land in its live folder")
            .remedy("install a newer pgBackRest for the rehearsal")
            .into());
    };
    Ok(numbers.into_iter().map(|number| (number, landing.tablespaces.join(number.to_string()))).collect())
}

async fn bring_wal(
    tool: &Tool<'_>,
    programs: &Programs,
    plan: &Plan,
    entry: &Entry,
    chosen: &Chosen,
    landing: &Landing,
    recovery: &Recovery,
) -> Result<u64, Halt> {
    let control = ControlData::ask(tool.run, programs, &landing.data).await?;
    let start = entry.timeline().zip(entry.start).or_else(|| segments::start_of(&landing.data));
    let start = start.or(control.timeline.zip(control.redo)).ok_or_else(|| {
        BACKUP_WAL
            .inconclusive(&entry.label)
            .observed("neither catalogue nor backup says where recovery begins")
    })?;
    let newest = entry.newest_segment.as_deref();
    let reach = Reach {
        newest: newest.and_then(|name| Segment::from_name(name, control.segment_bytes)),
        ..Reach::of(chosen, recovery, start, control.segment_bytes)
    };
    let archive = Repository { tool, repository: entry.repository, data: &landing.data };
    let into = segments::Into {
        landing,
        programs,
        mark: Mark::of(&recovery.target),
        at_once: plan.jobs.clamp(1, 4),
    };
    tool.run.progress().phase("fetching the write-ahead log by pgBackRest");
    segments::bring(tool.run, &archive, reach, &into).await
}

/// The archive of one repository.
struct Repository<'a> {
    tool: &'a Tool<'a>,
    repository: u32,
    data: &'a Path,
}

impl Archive for Repository<'_> {
    async fn bring(&self, file: &str, to: &Path) -> Result<Answer, Halt> {
        let verb = Verb::ArchiveGet { repository: self.repository, file, data: self.data, destination: to };
        let said = self.tool.ask(verb, SEGMENT).await?;
        match said.status.code() {
            Some(0) => Ok(Answer::Brought),
            // What it has to say it says with 25 and above.
            Some(1) => Ok(Answer::Absent),
            _ if self.tool.is_ours(&said) => Err(self.tool.judge(&said, file).into()),
            _ => Err(BACKUP_WAL
                .failed(file)
                .expected("a segment that can be fetched and unpacked")
                .observed(said.reason())
                .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_repositories_that_are_folders_here_are_found() {
        for (text, found) in [
            ("", vec![DEFAULT_REPOSITORY]),
            ("[global]\nrepo1-path=/a\nrepo3-path=/c\n[shop]\nrepo1-path=/b\n", vec!["/b", "/c"]),
            ("[global]\nrepo1-host=backups\nrepo1-path=/a\n", vec![]),
            ("[global]\nrepo1-type=s3\nrepo1-path=/a\nrepo2-type=posix\nrepo2-path=/b\n", vec!["/b"]),
        ] {
            let found: Vec<_> = found.into_iter().map(PathBuf::from).collect();
            assert_eq!(repositories(&Ini::read(text), "shop"), found, "{text}");
        }
    }
}
