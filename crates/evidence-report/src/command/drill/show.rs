//! What a drill looks like on a terminal.

use std::{fmt::Write, path::Path, process::ExitCode};

use super::{
    assess::told,
    entry::Moment,
    log, place,
    story::{Story, clock},
};
use crate::{command::CommandError, record::v1::one_line, run};

/// All drills, one line each, the newest first.
pub(super) fn all(folder: &Path) -> Result<ExitCode, CommandError> {
    let mut summaries = place::summaries(folder)?;
    summaries.reverse();
    let lines: String = summaries.iter().map(|summary| one_line(&summary.line()) + "\n").collect();
    let none =
        format!("no drill in {}; begin one: evidence-report drill start 'its title'\n", folder.display());
    run::print(if lines.is_empty() { &none } else { &lines })?;
    Ok(ExitCode::SUCCESS)
}

/// One drill, line by line.
pub(super) fn one(folder: &Path, named: Option<&str>) -> Result<ExitCode, CommandError> {
    let drill = match place::choose(folder, named) {
        // Nothing is open: the last one is better than an error.
        Err(place::ChoiceError::Usage(usage)) if named.is_none() => place::all(folder)?.pop().ok_or(usage)?,
        other => other?,
    };
    run::print(&page(&drill))?;
    Ok(ExitCode::SUCCESS)
}

fn page(drill: &place::Found) -> String {
    let story = Story::of(&drill.history);
    let mut out = String::new();
    let Some(start) = drill.history.start() else { return out };
    let state = drill.history.finish().map_or("OPEN", |(_, finish)| finish.outcome.word());
    let so_far = if drill.is_open() { story.until(&log::nothing_yet()) } else { story.length() };
    let _ = writeln!(
        out,
        "{state}: drill \"{}\" ({}), begun {}, {}{}",
        one_line(&start.title),
        start.kind.word(),
        drill.begun().strftime("%Y-%m-%d %H:%M UTC"),
        if drill.is_open() { "running for " } else { "took " },
        clock(so_far)
    );
    if let Some(objective) = &start.objective {
        let _ = writeln!(out, "  objective: {}", one_line(objective));
    }
    if let Some(within) = start.within_seconds {
        let within = std::time::Duration::from_secs(within);
        let stands = match story.moment(Moment::Recovered) {
            Some(after) if after <= within => format!("recovered after {}", clock(after)),
            Some(after) => format!("MISSED: recovered after {}", clock(after)),
            None if !drill.is_open() => "nobody noted it".to_owned(),
            None if so_far <= within => format!("{} left", clock(within - so_far)),
            None => format!("MISSED by {} so far", clock(so_far - within)),
        };
        let _ = writeln!(out, "  recovery wanted within {}: {stands}", clock(within));
    }
    let roles: Vec<_> =
        story.roles().iter().map(|role| format!("{} {}", role.role, one_line(&role.name))).collect();
    if !roles.is_empty() {
        let _ = writeln!(out, "  roles: {}", roles.join(", "));
    }
    for (entry, at) in story.in_order() {
        let (name, text) = told(&entry.what);
        let time = entry.happened().strftime("%H:%M:%S");
        let _ =
            writeln!(out, "  +{}  {time}  {name:12} {}: {}", clock(at), one_line(&entry.by), one_line(&text));
    }
    for trouble in drill.history.damage.iter().chain(&story.steps) {
        let _ = writeln!(out, "  ! {}", one_line(trouble));
    }
    let _ = writeln!(out, "log: {}", drill.path.display());
    if drill.is_open() {
        out.push_str("What now: evidence-report drill note WORDS…; drill note -m recovered …; drill finish --outcome achieved\n");
    }
    out
}
