//! What was typed behind `drill`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};

use super::entry::{FollowUp, Kind, Moment, Role, Success};
use crate::run::parse_duration;

pub(in crate::command) const EXAMPLES: &str = "Examples:
  evidence-report drill start 'Lost primary database' --kind restore --within 30m --role lead='SRE lead'
  evidence-report drill note the replica is promoted
  evidence-report drill note --ago 3m the pager rang
  evidence-report drill note -m recovered first order went through
  evidence-report drill finish --outcome achieved --follow-up 'alert on lag; DBA; 2026-12-24'
  evidence-report drill show

Every command is short and ends at once: no editor, no network, nothing that a lost terminal takes along. Without a
name the last open drill is meant. `drill note` without words takes each line of its standard input as a note.
The logs lie in doc/operations/evidence/drills of the repository, or where --drills or OPS_SMOKE_DRILLS say.";

/// A drill's timeline, kept with one hand.
#[derive(Debug, Args)]
pub(in crate::command) struct DrillArgs {
    #[command(subcommand)]
    pub(super) command: DrillCommand,
    /// Folder of the logs [default: doc/operations/evidence/drills of the repository]
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) drills: Option<PathBuf>,
    /// Which drill, by its file's name [default: the last open one]
    #[arg(long, value_name = "NAME", global = true)]
    pub(super) drill: Option<String>,
    /// Who writes this [default: the user]
    #[arg(long, value_name = "NAME", global = true)]
    pub(super) by: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(in crate::command) enum DrillCommand {
    /// Begin a drill: its clock runs from now
    #[command(after_help = EXAMPLES)]
    Start(StartArgs),
    /// Note what happens, with the time
    #[command(after_help = EXAMPLES)]
    Note(NoteArgs),
    /// End it and write its report
    #[command(after_help = EXAMPLES)]
    Finish(FinishArgs),
    /// Show the timeline so far
    #[command(after_help = EXAMPLES)]
    Show {
        /// All drills, one line each
        #[arg(long)]
        all: bool,
    },
}

#[derive(Debug, Args)]
pub(in crate::command) struct StartArgs {
    /// What it is called
    #[arg(required = true, value_name = "TITLE")]
    pub(super) title: Vec<String>,
    /// What kind of drill
    #[arg(long, value_enum, default_value = "incident")]
    pub(super) kind: Kind,
    /// What it is to show
    #[arg(long, value_name = "TEXT")]
    pub(super) objective: Option<String>,
    /// Within what time recovery is wanted
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(super) within: Option<Duration>,
    /// Who does what: lead='SRE lead' (repeatable)
    #[arg(long = "role", value_name = "ROLE=NAME", value_parser = role)]
    pub(super) roles: Vec<Role>,
    /// Revision that a rollback leaves
    #[arg(long, value_name = "REVISION")]
    pub(super) from_revision: Option<String>,
    /// Revision that it goes back to
    #[arg(long, value_name = "REVISION")]
    pub(super) to_revision: Option<String>,
    /// File of the interface that a rollback may not change
    #[arg(long, value_name = "FILE")]
    pub(super) contract: Option<PathBuf>,
    /// Begin it although another one is open
    #[arg(long)]
    pub(super) alongside: bool,
}

#[derive(Debug, Args)]
pub(in crate::command) struct NoteArgs {
    /// What happened; without it each line of standard input is a note
    #[arg(value_name = "TEXT", allow_hyphen_values = false)]
    pub(super) text: Vec<String>,
    /// It is one of the moments that every drill has
    #[arg(long, short, value_enum)]
    pub(super) moment: Option<Moment>,
    /// It happened so long before now: 90s, 5m
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(super) ago: Option<Duration>,
    /// Somebody takes a role: scribe='DBA on call' (repeatable)
    #[arg(long = "role", value_name = "ROLE=NAME", value_parser = role)]
    pub(super) roles: Vec<Role>,
}

#[derive(Debug, Args)]
pub(in crate::command) struct FinishArgs {
    /// How it came out; not asked again for a drill that was finished before
    #[arg(long, value_enum)]
    pub(super) outcome: Option<Success>,
    /// In a sentence
    #[arg(long, value_name = "TEXT")]
    pub(super) summary: Option<String>,
    /// What changes because of it: 'what; who; 2026-12-24' (repeatable)
    #[arg(long = "follow-up", value_name = "TEXT", value_parser = follow_up)]
    pub(super) follow_ups: Vec<FollowUp>,
    /// Item of the tracker [default: 2, and 11 for a rollback] (repeatable)
    #[arg(long = "item", value_name = "NUMBER")]
    pub(super) items: Vec<u32>,
    /// How long the evidence may be relied upon
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "90d")]
    pub(super) valid_for: Duration,
}

fn role(text: &str) -> Result<Role, String> {
    let (role, name) =
        text.split_once('=').ok_or_else(|| format!("'{text}' is no role; write lead='SRE lead'"))?;
    let (role, name) = (role.trim().to_lowercase(), name.trim().to_owned());
    if role.is_empty() || name.is_empty() {
        return Err(format!("'{text}' is no role; write lead='SRE lead'"));
    }
    Ok(Role { role, name })
}

fn follow_up(text: &str) -> Result<FollowUp, String> {
    let parts: Vec<_> = text.split(';').map(str::trim).collect();
    let wrong = |why: &str| format!("'{text}': {why}; write 'what; who; 2026-12-24'");
    let some = |part: Option<&&str>| part.filter(|part| !part.is_empty()).map(|part| (*part).to_owned());
    let what = some(parts.first()).ok_or_else(|| wrong("it says nothing"))?;
    let due = match some(parts.get(2)) {
        Some(day) => Some(day.parse().map_err(|_| wrong("its day is none"))?),
        None => None,
    };
    match parts.len() {
        0..=3 => Ok(FollowUp { what, owner: some(parts.get(1)), due }),
        _ => Err(wrong("it has more than three parts")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_follow_ups_are_read_as_people_type_them() {
        assert_eq!(role("Lead = SRE lead"), Ok(Role { role: "lead".into(), name: "SRE lead".into() }));
        assert!(role("lead").is_err() && role("=x").is_err() && role("lead=").is_err());
        let whole = follow_up("alert on lag; DBA; 2026-12-24").unwrap();
        assert_eq!(
            (whole.owner.as_deref(), whole.due.map(|day| day.to_string()).as_deref()),
            (Some("DBA"), Some("2026-12-24"))
        );
        assert_eq!(follow_up("alert").unwrap().owner, None);
        for wrong in ["", "a;b;soon", "a;b;2026-12-24;c", ";b"] {
            assert!(follow_up(wrong).is_err(), "{wrong}");
        }
    }
}
