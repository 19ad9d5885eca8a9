//! `drill start|note|finish|show`: the timeline of a drill, kept by whoever is on call. Each command appends one
//! line to a log and ends; `finish` makes evidence of it.

mod assess;
pub(super) mod checks;
mod cli;
pub mod entry;
mod finish;
mod log;
mod place;
mod show;
mod story;

use std::{
    io::{BufRead, IsTerminal},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use jiff::Timestamp;

use self::{
    cli::{DrillCommand, NoteArgs, StartArgs},
    entry::{Contract, Entry, Kind, Start, What},
    place::ChoiceError,
    story::clock,
};
use super::{CommandError, capture::digest_file};
use crate::{
    record::v1::one_line,
    run::{self, Defaults, SharedFlags, Usage, redact},
};

pub(super) use cli::{DrillArgs, EXAMPLES};
pub(super) use log::LogError;

impl DrillArgs {
    /// What the run brings along where the shared flags say nothing; `kind` is known once the log was read.
    fn defaults(valid_for: Duration, kind: Kind) -> Defaults {
        let rollback = kind == Kind::Rollback;
        Defaults {
            title: "Incident drill report",
            evidence_name: Some(if rollback {
                "rollback_drill_report.md"
            } else {
                "incident_drill_reports.md"
            }),
            tracker_items: if rollback { &[2, 11] } else { &[2] },
            timeout: Duration::from_secs(300),
            valid_for,
        }
    }
}

/// Does what was typed.
pub(super) fn drill(args: &DrillArgs, shared: &SharedFlags) -> Result<ExitCode, CommandError> {
    let folder = place::folder(args.drills.as_deref());
    let by = args.by.clone().unwrap_or_else(user);
    let by = one_line(&by);
    if shared.dry_run {
        run::print(&format!("would write to the logs in {}, as {by}\n", folder.display()))?;
        return Ok(ExitCode::SUCCESS);
    }
    match &args.command {
        DrillCommand::Start(start) => begin(&folder, &by, start, shared.quiet),
        DrillCommand::Note(note) => take_note(&folder, args.drill.as_deref(), &by, note, shared.quiet),
        DrillCommand::Finish(finish) => finish::finish(&folder, args.drill.as_deref(), &by, finish, shared),
        DrillCommand::Show { all: true } => show::all(&folder),
        DrillCommand::Show { all: false } => show::one(&folder, args.drill.as_deref()),
    }
}

fn begin(folder: &Path, by: &str, args: &StartArgs, quiet: bool) -> Result<ExitCode, CommandError> {
    let open = place::all(folder)?.into_iter().rev().find(place::Found::is_open);
    if let Some(open) = open.filter(|_| !args.alongside) {
        return Err(Usage(format!(
            "the drill \"{}\" is open since {}; end it (drill finish --outcome …), or begin another --alongside it",
            open.title(),
            open.begun().strftime("%Y-%m-%d %H:%M UTC")
        ))
        .into());
    }
    let title = clean(&args.title.join(" "));
    if title.is_empty() {
        return Err(Usage("give the drill a title: drill start 'Lost primary database'".into()).into());
    }
    let contract = args.contract.as_deref().map(contract).transpose()?;
    let start = Start {
        title: title.clone(),
        kind: args.kind,
        objective: args.objective.as_deref().map(clean),
        within_seconds: args.within.map(|within| within.as_secs()),
        roles: args.roles.clone(),
        from_revision: args.from_revision.as_deref().map(clean),
        to_revision: args.to_revision.as_deref().map(clean),
        contract,
    };
    let made = std::fs::create_dir_all(folder);
    made.map_err(|source| LogError::Io { doing: "making the folder", path: folder.to_owned(), source })?;
    let path = place::free_name(folder, &title, Timestamp::now());
    let entry = log::begin(&path, by, What::Start(start))?;
    say(
        quiet,
        &format!(
            "{} UTC: the drill \"{title}\" ({}) has begun; its log: {}\nWhat now: evidence-report drill note WORDS…; drill note -m recovered …; drill finish --outcome achieved\n",
            entry.at.strftime("%H:%M:%S"),
            args.kind.word(),
            path.display()
        ),
    )
}

fn take_note(
    folder: &Path,
    named: Option<&str>,
    by: &str,
    args: &NoteArgs,
    quiet: bool,
) -> Result<ExitCode, CommandError> {
    let drill = place::choose(folder, named)?;
    let ago_seconds = args.ago.map(|ago| ago.as_secs()).filter(|seconds| *seconds > 0);
    let so_far = story::Story::of(&drill.history).until(&log::nothing_yet());
    if args.ago.is_some_and(|ago| ago > so_far) {
        return Err(Usage(format!(
            "the drill \"{}\" began {} ago: --ago reaches back to before it; note it without --ago",
            drill.title(),
            clock(so_far)
        ))
        .into());
    }
    for role in &args.roles {
        append(&drill, by, What::Role(role.clone()), quiet)?;
    }
    let text = clean(&args.text.join(" "));
    if !text.is_empty() || args.moment.is_some() {
        let text =
            if text.is_empty() { args.moment.map_or("", entry::Moment::word).to_owned() } else { text };
        append(&drill, by, What::Note { text, moment: args.moment, ago_seconds }, quiet)?;
    } else if args.roles.is_empty() {
        from_standard_input(&drill, by, ago_seconds, quiet)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Each line is a note as soon as it is there: what was typed survives whatever comes next.
fn from_standard_input(
    drill: &place::Found,
    by: &str,
    ago_seconds: Option<u64>,
    quiet: bool,
) -> Result<(), CommandError> {
    let input = std::io::stdin();
    if input.is_terminal() {
        say(quiet, &format!("Notes for \"{}\", one a line; Ctrl-D ends.\n", drill.title()))?;
    }
    let mut lines = input.lock();
    loop {
        let mut line = Vec::new();
        let read = std::io::Read::take(&mut lines, 64 * 1024).read_until(b'\n', &mut line);
        let count = read.map_err(|error| Usage(format!("reading notes from standard input: {error}")))?;
        if count == 0 {
            return Ok(());
        }
        let text = clean(&String::from_utf8_lossy(&line));
        if !text.is_empty() {
            append(drill, by, What::Note { text, moment: None, ago_seconds }, quiet)?;
        }
    }
}

fn append(drill: &place::Found, by: &str, what: What, quiet: bool) -> Result<(), CommandError> {
    let (history, entry) = log::append(&drill.path, by, what)?;
    say(quiet, &noted(&history, &entry, drill.title()))?;
    Ok(())
}

/// What stands on the disk now, in one line.
fn noted(history: &entry::History, entry: &Entry, title: &str) -> String {
    let mut whole = history.clone();
    whole.entries.push(entry.clone());
    let after = story::Story::of(&whole).elapsed.last().copied().unwrap_or_default();
    let (name, text) = assess::told(&entry.what);
    format!("{} UTC (+{}) {name}, \"{title}\": {text}\n", entry.happened().strftime("%H:%M:%S"), clock(after))
}

fn say(quiet: bool, text: &str) -> Result<ExitCode, CommandError> {
    if !quiet {
        run::print(text)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// People's words in one line, without what looks like a secret.
fn clean(text: &str) -> String {
    one_line(&redact::text(text)).trim().to_owned()
}

fn user() -> String {
    let known = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    known.filter(|name| !name.is_empty()).unwrap_or_else(|| "somebody".into())
}

/// The contract at the start. Its path is kept as seen from the repository's root: whoever ends the drill may stand
/// elsewhere.
fn contract(path: &Path) -> Result<Contract, LogError> {
    let digest = digest_file(path).map_err(|source| LogError::Io {
        doing: "reading the contract",
        path: path.to_owned(),
        source,
    })?;
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let root = whole.parent().and_then(run::repository);
    let inside = root.as_deref().and_then(|root| whole.strip_prefix(root).ok());
    Ok(Contract { path: inside.unwrap_or(path).display().to_string(), sha256: digest.sha256 })
}

/// The contract at the end: from the root of the repository that the logs or we are in, or from where we stand.
fn contract_again(path: &str, folder: &Path) -> Option<Contract> {
    let here = std::env::current_dir().unwrap_or_default();
    let roots = [folder, here.as_path()].map(run::repository);
    let places = roots.into_iter().flatten().chain([here]).map(|place| place.join(path));
    let digest = places.into_iter().find_map(|place| digest_file(&place).ok())?;
    Some(Contract { path: path.to_owned(), sha256: digest.sha256 })
}

impl From<ChoiceError> for CommandError {
    fn from(error: ChoiceError) -> Self {
        match error {
            ChoiceError::Usage(usage) => usage.into(),
            ChoiceError::Log(error) => error.into(),
        }
    }
}
