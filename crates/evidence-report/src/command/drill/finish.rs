//! `drill finish`: the last line of the log, then the report. The line comes first: when the report cannot be
//! written, the same command with `--drill` writes it later, from the log.

use std::{path::Path, process::ExitCode};

use super::{
    DrillArgs, assess, checks, clean,
    cli::FinishArgs,
    contract_again,
    entry::{Finish, FollowUp, History, Kind, What},
    log, place,
    story::{Story, clock},
};
use crate::{
    command::{CommandError, checks::TOOL},
    record::{Chart, v1::one_line},
    run::{Run, Settings, SharedConfig, SharedFlags, Usage},
};

/// So many drills before this one are summed up.
const BEFORE: usize = 10;

pub(super) fn finish(
    folder: &Path,
    named: Option<&str>,
    by: &str,
    args: &FinishArgs,
    shared: &SharedFlags,
) -> Result<ExitCode, CommandError> {
    let drill = place::choose(folder, named)?;
    let Some(start) = drill.history.start().cloned() else {
        return Err(log::LogError::NoStart(drill.path).into());
    };
    let what = if drill.is_open() { Some(ending(args, &start, folder)?) } else { None };
    let defaults = DrillArgs::defaults(args.valid_for, start.kind);
    let mut settings = Settings::resolve(shared, &SharedConfig::default(), &defaults)?;
    let report = if start.kind == Kind::Rollback { "Rollback drill report" } else { "Incident drill report" };
    settings.title = format!("{report}: {}", start.title);
    if !args.items.is_empty() {
        settings.tracker_items.clone_from(&args.items);
    }
    // A report that is written anew does not make the drill any younger.
    if let Some((ended, _)) = drill.history.finish() {
        let age = jiff::Timestamp::now().as_second() - ended.at.as_second();
        let age = std::time::Duration::from_secs(u64::try_from(age).unwrap_or(0));
        settings.valid_for = settings.valid_for.saturating_sub(age);
    }
    let run = Run::start(&TOOL, settings)?;
    run.owes(checks::OF_EVERY_DRILL);
    run.owes(checks::OF_A_ROLLBACK.into_iter().filter(|_| start.kind == Kind::Rollback));
    if let Some(finish) = what {
        log::append(&drill.path, by, What::Finish(finish))?;
    }
    let (history, bytes) = log::read(&drill.path)?;
    tell(&run, &history, folder, &drill.path)?;
    run.attachment(shown(&drill.path), &bytes);
    Ok(run.finish().publish()?)
}

fn ending(args: &FinishArgs, start: &super::entry::Start, folder: &Path) -> Result<Finish, CommandError> {
    let outcome = args.outcome.ok_or_else(|| {
        Usage("say how the drill came out: drill finish --outcome achieved (or partly, or missed)".into())
    })?;
    let after = start.contract.as_ref().and_then(|before| contract_again(&before.path, folder));
    let follow_ups = args.follow_ups.iter().map(|one| FollowUp { what: clean(&one.what), ..one.clone() });
    Ok(Finish {
        outcome,
        summary: args.summary.as_deref().map(clean),
        follow_ups: follow_ups.collect(),
        contract: after,
    })
}

fn tell(run: &Run, history: &History, folder: &Path, path: &Path) -> Result<(), log::LogError> {
    let story = Story::of(history);
    run.findings(assess::assess(&story));
    assess::measurements(&story).into_iter().for_each(|measurement| run.measurement(measurement));
    run.timeline(assess::timeline(&story));
    let Some(start) = history.start() else { return Ok(()) };
    run.fact("kind of drill", start.kind.word());
    if let (Some(first), Some(last)) = (history.entries.first(), history.entries.last()) {
        let minute = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
        run.fact("drill began", minute(first.at));
        run.fact("drill ended", format!("{}, after {}", minute(last.at), clock(story.length())));
    }
    let facts = [
        ("objective", &start.objective),
        ("from revision", &start.from_revision),
        ("to revision", &start.to_revision),
    ];
    for (name, value) in facts {
        if let Some(value) = value {
            run.fact(name, value);
        }
    }
    for role in story.roles() {
        run.fact(format!("role: {}", role.role), role.name);
    }
    follow_ups(run, history);
    let mut before: Vec<_> =
        place::before(folder, path, history.entries.first().map_or(jiff::Timestamp::MAX, |first| first.at))?;
    let more = before.len().saturating_sub(BEFORE);
    before.truncate(BEFORE);
    let mut lines: Vec<_> = before.iter().map(|summary| one_line(&summary.line())).collect();
    if more > 0 {
        lines.push(format!("and {more} more, in {}", shown(folder)));
    }
    if lines.is_empty() {
        lines.push("none".into());
    }
    run.chart(Chart { title: "The drills before this one".into(), lines });
    Ok(())
}

fn follow_ups(run: &Run, history: &History) {
    let all = history.finish().map(|(_, finish)| finish.follow_ups.as_slice()).unwrap_or_default();
    if all.is_empty() {
        return;
    }
    let line = |one: &FollowUp| {
        let owner = one.owner.as_deref().unwrap_or("nobody yet");
        let due = one.due.map_or_else(|| "no day yet".to_owned(), |day| day.to_string());
        one_line(&format!("{due}  {owner}: {}", one.what))
    };
    run.chart(Chart { title: "Follow-ups".into(), lines: all.iter().map(line).collect() });
}

/// The path as seen from the working folder, where that is shorter.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let relative = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    relative.unwrap_or(path).display().to_string()
}
