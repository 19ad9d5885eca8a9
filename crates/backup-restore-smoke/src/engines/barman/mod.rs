//! Barman: chooses a backup out of its catalogue and brings it, with its write-ahead log, into the scratch. It is run
//! with a configuration of our own ([`configuration`]), so that it reads the catalogue and writes nowhere near it. What
//! it may be asked stands in [`verb`]; see docs/decisions, 0015.

mod catalogue;
mod configuration;
mod landed;
mod lost;
mod verb;

use std::{
    ffi::OsStr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use evidence_report::{record::Finding, run::Run};

use self::{
    catalogue::{Listed, Refusal, Shown},
    configuration::{Catalogue, Unusable},
    verb::{Setting, Verb},
};
use super::{
    branches::{Branches, Histories, Taken},
    foreign::{Foreign, Said, own_name, user_for},
    incident::Incident,
    ini::Ini,
    passed::Mark,
    physical::{Chosen, Fetched, Landing, OLDER_NAMED},
    segments::{self, Reach},
};
use crate::{
    checks::{BACKUP_CHOSEN, ENVIRONMENT},
    control_data::ControlData,
    halt::Halt,
    plan::{Barman, Plan, Recovery},
    programs::{self, Programs},
    scratch::{Place, folder_bytes, make_private},
    timeline::history_name,
};

const NAME: &str = "Barman";

/// How long a question to the catalogue may take.
const QUESTION: Duration = Duration::from_secs(300);

/// Where Barman looks for its configuration.
const CONFIGURATIONS: [&str; 2] = ["/etc/barman.conf", "/etc/barman/barman.conf"];

/// Barman as it is called for one server.
struct Tool<'a> {
    run: &'a Run,
    foreign: Foreign,
    setting: Setting,
    home: PathBuf,
    catalogue: Catalogue,
}

impl<'a> Tool<'a> {
    async fn find(run: &'a Run, origin: &Barman, programs: &Programs, place: &Place) -> Result<Self, Halt> {
        let catalogue = read_configuration(origin)?;
        let user = user_for(origin.user.as_deref(), Some(&catalogue.folder()))?;
        let foreign = Foreign::find(NAME, OsStr::new("barman"), "the package barman", programs, user)?;
        let home = place.folder("barman");
        make_private(&home)?;
        let name = foreign.user().map(|user| user.name.clone()).or_else(own_name).unwrap_or_default();
        let setting = Setting { server: origin.server.clone(), configuration: home.join("barman.conf") };
        let written = write_private(&setting.configuration, &catalogue.text(&name, &home));
        written.map_err(|error| cannot("its configuration", &error.to_string()))?;
        for folder in configuration::FOLDERS {
            make_private(&home.join(folder))?;
        }
        foreign.lend(run, &home).await?;
        Ok(Self { run, foreign, setting, home, catalogue })
    }

    async fn ask(&self, verb: Verb<'_>, limit: Duration) -> Result<Said, Halt> {
        let said = self.foreign.call(self.run, &verb.arguments(&self.setting), &self.home, limit).await?;
        if said.status.success() { Ok(said) } else { Err(judge(verb, &said).into()) }
    }

    async fn list(&self) -> Result<Vec<Listed>, Halt> {
        self.refuse_unreadable()?;
        let said = self.ask(Verb::ListBackups, QUESTION).await?;
        let read = said.answer().map_err(Refusal::Unreadable);
        read.and_then(|text| catalogue::listed(text, &self.setting.server))
            .map_err(|refusal| self.refused(refusal, None).into())
    }

    async fn show(&self, id: &str) -> Result<Shown, Halt> {
        let said = self.ask(Verb::ShowBackup { id }, QUESTION).await?;
        catalogue::shown(&said.stdout, &self.setting.server)
            .map_err(|refusal| self.refused(refusal, None).into())
    }

    /// Of a folder that it may not read Barman says that there is no backup.
    fn refuse_unreadable(&self) -> Result<(), Halt> {
        let folder = self.catalogue.folder();
        match std::fs::read_dir(&folder) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(ENVIRONMENT
                .inconclusive(format!("{NAME}, server {}", self.setting.server))
                .expected("a catalogue that we may read")
                .observed(format!("{}: {error}", folder.display()))
                .remedy("run the rehearsal as the user that owns the catalogue, or as root")
                .into()),
            Err(error) => Err(BACKUP_CHOSEN
                .failed(format!("server {}", self.setting.server))
                .expected("the folder of the server's backups")
                .observed(format!("the catalogue cannot be had: {}: {error}", folder.display()))
                .into()),
        }
    }

    fn refused(&self, refusal: Refusal, before: Option<&Incident>) -> Finding {
        let server = &self.setting.server;
        let failed = BACKUP_CHOSEN.failed(format!("server {server}"));
        match refusal {
            Refusal::Unreadable(said) => ENVIRONMENT
                .inconclusive(format!("{NAME}, server {server}"))
                .expected("a catalogue in JSON, as Barman 3.4 prints it")
                .observed(said),
            Refusal::NoneBefore => failed
                .expected(before.map_or(format!("a backup of {server}"), Incident::wanted))
                .observed("the catalogue has no whole backup that is as old")
                .remedy("run `barman list-backups`; keep backups longer, or rehearse a later time"),
            Refusal::NoSuchId => failed
                .expected("the backup that was named with --backup-id, whole")
                .observed("the catalogue does not have it, or says that it failed"),
        }
    }
}

/// The folders of the server's backups and of its segments.
///
/// # Errors
/// That the configuration does not tell.
pub(super) fn folders(origin: &Barman) -> Result<Vec<PathBuf>, String> {
    let catalogue = read_configuration(origin);
    let catalogue =
        catalogue.map_err(|_| "Barman's configuration does not tell where its backups are".to_owned())?;
    Ok(vec![catalogue.folder(), catalogue.segments()])
}

fn read_configuration(origin: &Barman) -> Result<Catalogue, Halt> {
    let own = std::env::home_dir().map(|home| home.join(".barman.conf"));
    let named =
        origin.configuration.clone().or_else(|| std::env::var_os("BARMAN_CONFIG_FILE").map(PathBuf::from));
    let usual = own.into_iter().chain(CONFIGURATIONS.map(PathBuf::from)).find(|path| path.is_file());
    let path =
        named.or(usual).ok_or_else(|| cannot("its configuration", "found at none of the usual places"))?;
    let mut ini = read(&path)?;
    if let Some(folder) = ini.value("barman", "configuration_files_directory") {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|ending| ending == "conf") && file.is_file());
        files.sort();
        for file in &files {
            ini.extend(read(file)?);
        }
    }
    Catalogue::of(&ini, &origin.server).map_err(|unusable| {
        let why = match unusable {
            Unusable::NoHome => "it names no barman_home".to_owned(),
            Unusable::NoServer => format!("it has no server {}", origin.server),
        };
        cannot(&path.display().to_string(), &why).into()
    })
}

fn read(path: &Path) -> Result<Ini, Halt> {
    match fs_err::read_to_string(path) {
        Ok(text) => Ok(Ini::read(&text)),
        Err(error) => Err(cannot("its configuration", &error.to_string()).into()),
    }
}

fn cannot(subject: &str, why: &str) -> Finding {
    ENVIRONMENT
        .inconclusive(format!("{NAME}: {subject}"))
        .expected("Barman's configuration, which says where the backups are")
        .observed(why)
        .remedy("name it with --barman-config, and the server as it stands there in brackets")
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.create(true).write(true).truncate(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

/// Chooses the newest backup that had finished at the incident and before the target, or the one that is named.
///
/// # Errors
/// A finding when there is none, or that the run was asked to stop.
pub(super) async fn choose(
    run: &Run,
    plan: &Plan,
    place: &Place,
    origin: &Barman,
    incident: &Incident,
) -> Result<Chosen, Halt> {
    let programs = programs::find(run, plan.pg_bin.as_deref(), None).await?;
    let tool = Tool::find(run, origin, &programs, place).await?;
    let mut listed = tool.list().await?;
    let mut branches = Branches::to(&incident.followed);
    let shown = loop {
        let entry =
            catalogue::choose(listed.clone(), incident.finished_by_second, origin.backup_id.as_deref())
                .map_err(|refusal| branches.explain(tool.refused(refusal, Some(incident))))?;
        let shown = tool.show(&entry.backup_id).await?;
        let ended = shown.stop().zip(incident.ended_by).is_none_or(|(stop, target)| stop <= target);
        let taken = Taken { label: &entry.backup_id, timeline: shown.base.timeline, end: shown.stop() };
        if origin.backup_id.is_some() || (ended && branches.lead_over(taken, &tool.catalogue).await?) {
            break (entry.backup_id, shown);
        }
        // It lies behind the place at which recovery is to end, or on another branch: the one before it, then.
        listed.retain(|other| other.backup_id != entry.backup_id);
    };
    let (label, shown) = shown;
    let older = if origin.backup_id.is_some() { Vec::new() } else { catalogue::older_than(&listed, &label) };
    run.fact("backup tool", NAME);
    let finished = shown.finished().map_or_else(String::new, |at| format!("finished {at}"));
    let made = BACKUP_CHOSEN.passed(&label).expected(incident.wanted()).observed(finished);
    run.finding(branches.remark(made));
    Ok(Chosen {
        started: shown.started(),
        finished: shown.finished(),
        start_lsn: shown.start(),
        stop_lsn: shown.stop(),
        timeline: shown.base.timeline,
        bytes: shown.base.bytes,
        major: shown.major(),
        label,
        older: older.iter().take(OLDER_NAMED).map(|id| format!("--backup-id {id}")).collect(),
        ..Chosen::default()
    })
}

impl Histories for Catalogue {
    async fn history(&self, timeline: u32) -> Result<Option<String>, Halt> {
        let [incoming, streaming] = self.arrivals();
        let places = [self.segments(), incoming, streaming];
        Ok(places.iter().find_map(|folder| std::fs::read_to_string(folder.join(history_name(timeline))).ok()))
    }
}

/// Recovers its files into the landing, and gathers the write-ahead log.
///
/// # Errors
/// A finding that says why it cannot be had, or that the run was asked to stop.
pub(super) async fn fetch(
    run: &Run,
    plan: &Plan,
    place: &Place,
    origin: &Barman,
    chosen: &Chosen,
    landing: &Landing,
    recovery: &Recovery,
) -> Result<Fetched, Halt> {
    let programs = programs::find(run, plan.pg_bin.as_deref(), chosen.major).await?;
    let tool = Tool::find(run, origin, &programs, place).await?;
    let shown = tool.show(&chosen.label).await?;
    let mut moved = Vec::new();
    for tablespace in &shown.tablespaces {
        // Barman cuts its rule at the first colon: the tablespace would land in its live folder.
        if tablespace.name.contains(':') {
            return Err(cannot_move(&tablespace.name).into());
        }
        moved.push((tablespace.name.clone(), landing.tablespaces.join(tablespace.oid.to_string())));
    }
    tool.foreign.lend(run, &landing.home).await?;
    run.progress().phase(format!("fetching {} by Barman", chosen.label));
    let timeline = recovery.timeline.as_str();
    let verb = Verb::Recover {
        id: &chosen.label,
        data: &landing.data,
        tablespaces: &moved,
        jobs: plan.jobs,
        timeline,
    };
    let recovered = tool.ask(verb, run.settings().timeout).await;
    if let (Err(Halt::Found(_)), Some(begin)) = (&recovered, &shown.base.begin_wal)
        && let Some(lost) = lost::first(&tool.catalogue.segments(), begin)
    {
        return Err(segments::missing(&lost).into());
    }
    recovered?;
    let tidied = landed::tidy(landing, &chosen.label)
        .and_then(|()| landed::arrivals(landing, &tool.catalogue.arrivals()));
    let late = tidied.map_err(|error| {
        ENVIRONMENT.inconclusive(format!("{NAME}: {}", chosen.label)).observed(error.to_string())
    })?;
    run.fact("segments not yet in Barman's catalogue", late.to_string());
    cut_behind_target(run, &programs, chosen, landing, recovery).await?;
    let bytes = folder_bytes(&landing.data) + folder_bytes(&landing.tablespaces);
    Ok(Fetched { bytes, note: format!("backup {}, by Barman", chosen.label), ..Fetched::default() })
}

/// Barman brings every segment to the end of its catalogue.
async fn cut_behind_target(
    run: &Run,
    programs: &Programs,
    chosen: &Chosen,
    landing: &Landing,
    recovery: &Recovery,
) -> Result<(), Halt> {
    let control = ControlData::ask(run, programs, &landing.data).await?;
    let Some(start) = chosen.timeline.zip(chosen.start_lsn) else { return Ok(()) };
    let reach = Reach::of(chosen, recovery, start, control.segment_bytes);
    let into = segments::Into { landing, programs, mark: Mark::of(&recovery.target), at_once: 1 };
    segments::cut(run, &reach, &into).await.map_err(|error| {
        ENVIRONMENT.inconclusive(format!("{NAME}: {}", chosen.label)).observed(error.to_string()).into()
    })
}

fn cannot_move(name: &str) -> Finding {
    ENVIRONMENT
        .inconclusive(format!("{NAME}: tablespace {name}"))
        .expected("a name without a colon")
        .observed("Barman cannot move this tablespace: it would be written into its live folder")
        .remedy(
            "rename the tablespace, or fetch the backup with a command of your own (see the documentation)",
        )
}

/// What it means that Barman failed.
fn judge(verb: Verb<'_>, said: &Said) -> Finding {
    let observed = catalogue::error(&said.stdout).unwrap_or_else(|| said.reason());
    let ours = ["No space left on device", "Permission denied", "please run barman as", "rsync not found"];
    let subject = format!("{NAME}: {}", verb.name());
    // Killed, for lack of memory for example, or never started.
    let killed = matches!(said.status.code(), None | Some(126..));
    if killed || ours.iter().any(|words| said.says(words) || observed.contains(words)) {
        return ENVIRONMENT
            .inconclusive(subject)
            .expected("a Barman that may read its catalogue, rsync, and space to fetch into")
            .observed(observed)
            .remedy("run as the user that owns the catalogue, install rsync, or make room in --scratch");
    }
    BACKUP_CHOSEN
        .failed(subject)
        .expected("a backup that Barman brings to its end")
        .observed(observed)
        .remedy("run `barman check` and `barman check-backup`, and take another backup")
}
