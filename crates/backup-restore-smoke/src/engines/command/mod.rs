//! Any other tool (WAL-G, snapshots of a file system) by commands of the user's configuration: one lists the backups, one
//! fetches a backup, one fetches a file of the write-ahead log. What they do is theirs; what they leave is looked at
//! like every physical backup before it is started. See docs/decisions, 0015.

mod listing;
mod words;

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use evidence_report::{record::Finding, run::Run};

use self::listing::Refusal;
pub(crate) use self::words::{Refused, Words};
use super::{
    branches::{Branches, Histories, Taken},
    foreign::{Foreign, Said, user_for},
    incident::Incident,
    passed::Mark,
    physical::{Chosen, Fetched, Landing, OLDER_NAMED},
    segments::{self, Answer, Archive, Reach},
};
use crate::{
    checks::{BACKUP_CHOSEN, BACKUP_WAL, ENVIRONMENT},
    control_data::ControlData,
    halt::Halt,
    plan::{Commands, Plan, Recovery},
    programs::{self, Programs},
    scratch::{Place, folder_bytes, make_private},
    timeline::history_name,
};

/// How long a listing may take.
const LISTING: Duration = Duration::from_secs(300);

/// How long one segment may take.
const SEGMENT: Duration = Duration::from_secs(600);

/// Up to this exit code PostgreSQL takes a `restore_command` for one that has no such file.
const NO_FILE: i32 = 125;

/// One of the commands, as it is called.
struct Tool<'a> {
    run: &'a Run,
    foreign: Foreign,
    words: &'a Words,
    home: PathBuf,
    /// How long one call may take.
    limit: Duration,
    /// What it said when it last had no file.
    absent: Mutex<Option<String>>,
}

impl<'a> Tool<'a> {
    async fn find(
        run: &'a Run,
        key: &'static str,
        words: &'a Words,
        origin: &Commands,
        programs: &Programs,
        place: &Place,
        limit: Duration,
    ) -> Result<Self, Halt> {
        let user = user_for(origin.user.as_deref(), None)?;
        let program = words.program();
        let foreign =
            Foreign::find(key, program.as_os_str(), "what the configuration names", programs, user)?;
        let home = place.folder("command");
        make_private(&home)?;
        foreign.lend(run, &home).await?;
        Ok(Self { run, foreign, words, home, limit, absent: Mutex::default() })
    }

    async fn call(&self, values: &words::Values<'_>) -> Result<Said, Halt> {
        self.foreign.call(self.run, &self.words.arguments(values), &self.home, self.limit).await
    }
}

/// Chooses the newest backup of the listing that had finished at the incident, or the one that is named.
///
/// # Errors
/// A finding when there is none, or that the run was asked to stop.
pub(super) async fn choose(
    run: &Run,
    plan: &Plan,
    place: &Place,
    origin: &Commands,
    incident: &Incident,
) -> Result<Chosen, Halt> {
    let programs = programs::find(run, plan.pg_bin.as_deref(), None).await?;
    let limit = origin.patience.list.unwrap_or(LISTING);
    let tool = Tool::find(run, "command.list", &origin.list, origin, &programs, place, limit).await?;
    let said = tool.call(&[]).await?;
    if !said.status.success() {
        return Err(judge(&said, "command.list").into());
    }
    let listed = said.answer().map_err(|why| {
        ENVIRONMENT.inconclusive("command.list").expected("a list of backups").observed(why)
    })?;
    let kept = Kept { run, place, origin, programs: &programs };
    let mut branches = Branches::to(&incident.followed);
    let mut left_out = Vec::new();
    let mut chosen = loop {
        let chosen = listing::choose(listed, incident, origin.label.as_deref(), &left_out)
            .map_err(|refusal| branches.explain(refused(refusal, incident)))?;
        let taken = Taken { label: &chosen.label, timeline: chosen.timeline, end: chosen.stop_lsn };
        if origin.label.is_some() || branches.lead_over(taken, &kept).await? {
            break chosen;
        }
        left_out.push(chosen.label);
    };
    run.fact("backup tool", program_name(&tool.words.program()));
    let finished = chosen.finished.map_or_else(String::new, |at| format!("finished {at}"));
    let made = BACKUP_CHOSEN.passed(&chosen.label).expected(incident.wanted()).observed(finished);
    run.finding(branches.remark(made));
    if origin.label.is_none() {
        let older = listing::older_than(listed, &chosen);
        chosen.older = older.iter().take(OLDER_NAMED).map(|label| format!("--set {label}")).collect();
    }
    Ok(chosen)
}

/// The histories of timelines that `command.wal` brings, where there is one.
struct Kept<'a> {
    run: &'a Run,
    place: &'a Place,
    origin: &'a Commands,
    programs: &'a Programs,
}

impl Histories for Kept<'_> {
    async fn history(&self, timeline: u32) -> Result<Option<String>, Halt> {
        let Self { run, place, origin, programs } = *self;
        let Some(words) = &origin.wal else { return Ok(None) };
        let limit = origin.patience.wal.unwrap_or(SEGMENT);
        let tool = Tool::find(run, "command.wal", words, origin, programs, place, limit).await?;
        let file = history_name(timeline);
        let to = tool.home.join(&file);
        match tool.bring(&file, &to).await {
            Ok(Answer::Brought) => Ok(std::fs::read_to_string(to).ok()),
            // What cannot be asked now is asked again when the log is fetched, and told then.
            Ok(Answer::Absent) | Err(Halt::Found(_)) => Ok(None),
            Err(stopped) => Err(stopped),
        }
    }
}

fn program_name(program: &Path) -> String {
    program.file_name().unwrap_or(OsStr::new("")).to_string_lossy().into_owned()
}

fn refused(refusal: Refusal, incident: &Incident) -> Finding {
    let subject = "command.list";
    match refusal {
        Refusal::Unreadable(line, why) => ENVIRONMENT
            .inconclusive(subject)
            .expected("a JSON object a line, each with at least label and finished, or an array of them")
            .observed(format!("line {line}: {why}"))
            .remedy("see \"Any other tool\" in docs/backup-restore-smoke.md for what is to be printed"),
        Refusal::Label(label) => {
            ENVIRONMENT.inconclusive(subject).expected("labels that cannot be taken for an option").observed(
                format!("a label of {} characters that begins with '-', is empty or is no text", label.len()),
            )
        }
        Refusal::NoneBefore => BACKUP_CHOSEN
            .failed(subject)
            .expected(incident.wanted())
            .observed("it lists no backup that is as old")
            .remedy("keep backups longer, or rehearse a later time"),
        Refusal::NoSuchLabel => BACKUP_CHOSEN
            .failed(subject)
            .expected("the backup that was named with --set")
            .observed("it is not in the list"),
    }
}

/// Fetches it into the landing, and the write-ahead log file by file.
///
/// # Errors
/// A finding that says why it cannot be had, or that the run was asked to stop.
pub(super) async fn fetch(
    run: &Run,
    plan: &Plan,
    place: &Place,
    origin: &Commands,
    chosen: &Chosen,
    landing: &Landing,
    recovery: &Recovery,
) -> Result<Fetched, Halt> {
    let programs = programs::find(run, plan.pg_bin.as_deref(), chosen.major).await?;
    let limit = origin.patience.fetch.unwrap_or(run.settings().timeout);
    let tool = Tool::find(run, "command.fetch", &origin.fetch, origin, &programs, place, limit).await?;
    tool.foreign.lend(run, &landing.home).await?;
    run.progress().phase(format!("fetching {} by {}", chosen.label, program_name(&tool.words.program())));
    let values: [(&'static str, &Path); 3] =
        [("label", Path::new(&chosen.label)), ("data", &landing.data), ("tablespaces", &landing.tablespaces)];
    let said = tool.call(&values).await?;
    if !said.status.success() {
        return Err(judge(&said, "command.fetch").into());
    }
    if !landing.data.join("PG_VERSION").is_file() {
        return Err(BACKUP_CHOSEN
            .failed(&chosen.label)
            .expected("a data folder in {data}")
            .observed("the command ended with 0, and there is no PG_VERSION in it")
            .into());
    }
    if let Some(wal) = &origin.wal {
        let brought = bring_wal(run, plan, place, origin, wal, &programs, chosen, landing, recovery).await?;
        run.fact("segments fetched", brought.to_string());
    }
    let bytes = folder_bytes(&landing.data) + folder_bytes(&landing.tablespaces);
    let note = format!("backup {}, by {}", chosen.label, program_name(&tool.words.program()));
    Ok(Fetched { bytes, note, ..Fetched::default() })
}

#[expect(clippy::too_many_arguments, reason = "what is needed to fetch; each is of another kind")]
async fn bring_wal(
    run: &Run,
    plan: &Plan,
    place: &Place,
    origin: &Commands,
    words: &Words,
    programs: &Programs,
    chosen: &Chosen,
    landing: &Landing,
    recovery: &Recovery,
) -> Result<u64, Halt> {
    let limit = origin.patience.wal.unwrap_or(SEGMENT);
    let tool = Tool::find(run, "command.wal", words, origin, programs, place, limit).await?;
    let control = ControlData::ask(run, programs, &landing.data).await?;
    let start =
        segments::start_of(&landing.data).or(control.timeline.zip(control.redo)).ok_or_else(|| {
            BACKUP_WAL.inconclusive(&chosen.label).observed("the backup does not say where recovery begins")
        })?;
    let reach = Reach::of(chosen, recovery, start, control.segment_bytes);
    let into = segments::Into {
        landing,
        programs,
        mark: Mark::of(&recovery.target),
        at_once: plan.jobs.clamp(1, 4),
    };
    run.progress().phase("fetching the write-ahead log by command.wal");
    let brought = segments::bring(run, &tool, reach, &into).await;
    brought.map_err(|halt| with_its_words(halt, &tool.absent))
}

/// A file that is missing, with what the command said of it: "no such key" is another story than "no such host".
fn with_its_words(halt: Halt, absent: &Mutex<Option<String>>) -> Halt {
    let said = absent.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (halt, said) {
        (Halt::Found(mut finding), Some(said)) if finding.check.id == BACKUP_WAL.id => {
            finding.observed = format!("{}; command.wal said: {said}", finding.observed);
            Halt::Found(finding)
        }
        (halt, _) => halt,
    }
}

impl Archive for Tool<'_> {
    async fn bring(&self, file: &str, to: &Path) -> Result<Answer, Halt> {
        let said = self.call(&[("segment", Path::new(file)), ("destination", to)]).await?;
        match (said.status.success(), to.is_file()) {
            (true, true) => Ok(Answer::Brought),
            (true, false) => Err(BACKUP_WAL
                .failed(file)
                .expected("the file in {destination}")
                .observed("command.wal ended with 0, and brought nothing")
                .into()),
            // As PostgreSQL takes it of a restore_command.
            (false, _)
                if !is_of_this_machine(&said) && said.status.code().is_some_and(|code| code <= NO_FILE) =>
            {
                drop(std::fs::remove_file(to));
                let words = how_it_ended(&said);
                *self.absent.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
                self.run.progress().note(format!("command.wal has no {file}: {}", said.reason()));
                Ok(Answer::Absent)
            }
            (false, _) => Err(not_told(&said, file).into()),
        }
    }
}

fn is_of_this_machine(said: &Said) -> bool {
    said.says("No space left on device")
        || said.says("Permission denied")
        // Not there, not to be run, or killed: for lack of memory, for example.
        || matches!(said.status.code(), None | Some(126 | 127 | 129..=192))
}

/// PostgreSQL ends a recovery whose `restore_command` ends so: whether the file is there was not told.
fn not_told(said: &Said, file: &str) -> Finding {
    if is_of_this_machine(said) {
        return judge(said, "command.wal");
    }
    ENVIRONMENT
        .inconclusive("command.wal")
        .expected(format!(
            "{file} brought, or an exit code from 1 to {NO_FILE}, which says that there is none"
        ))
        .observed(how_it_ended(said))
        .remedy("run the command by hand as the same user; what cannot be asked is no lost segment")
}

/// Its first message and its exit code, or the latter alone.
fn how_it_ended(said: &Said) -> String {
    match said.messages.is_empty() {
        true => format!("no message, {}", said.status),
        false => format!("{} ({})", said.reason(), said.status),
    }
}

fn judge(said: &Said, key: &str) -> Finding {
    let observed = how_it_ended(said);
    if is_of_this_machine(said) {
        return ENVIRONMENT
            .inconclusive(key)
            .expected("a command that can run here to its end, with rights and space")
            .observed(observed)
            .remedy(
                "run the command by hand as the same user; make room in --scratch, or give it more memory",
            );
    }
    BACKUP_CHOSEN
        .failed(key)
        .expected("a command that ends with 0")
        .observed(observed)
        .remedy("run the command by hand: in an emergency it would answer the same")
}
