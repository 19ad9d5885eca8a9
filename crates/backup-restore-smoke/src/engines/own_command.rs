//! The user's own command that makes a backup, given the name of the snapshot that is held.

use evidence_report::{
    record::Finding,
    run::{Run, child::Output},
};

use super::dump::messages_of;
use crate::{
    checks::{BACKUP_MADE, ENVIRONMENT},
    connection::{Handover, Resolved, without_ambient},
    halt::Halt,
    plan::Describe,
    rehearsal::application_name,
    source::Snapshot,
    sql::message_template,
};

/// What stands for the name of the snapshot in the command's arguments.
pub(crate) const PLACEHOLDER: &str = "{snapshot}";

/// What the output of `pg_dump` contains, in its plain, custom and tar format.
const SIGNS: [&str; 4] =
    ["-- PostgreSQL database dump", "PGDMP", "toc.dat", "-- PostgreSQL database cluster dump"];

/// Whoever prints more than this prints a backup. (So much of it is kept.)
const TALKATIVE: usize = 60_000;

/// Runs the command, never through a shell, with the source's connection in PGSERVICE and its like.
///
/// # Errors
/// A finding that says why it failed, or that the run was asked to stop.
pub(crate) async fn make_backup(
    work: &Describe,
    run: &Run,
    resolved: &Resolved,
    snapshot: &Snapshot,
) -> Result<Finding, Halt> {
    let Some((program, arguments)) = work.command.split_first() else { return Err(Halt::Stopped) };
    let not_written = |error: std::io::Error| {
        ENVIRONMENT.inconclusive("the command's connection").observed(error.to_string())
    };
    // A fingerprint of an earlier backup must not be taken for this one's.
    if let Some(file) = &work.output {
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let observed = format!("removing the old {}: {error}", file.display());
                return Err(ENVIRONMENT.inconclusive("fingerprint's file").observed(observed).into());
            }
            _ => {}
        }
    }
    let handover = Handover::write(run.folder(), resolved, &snapshot.endpoint, &application_name(run))
        .map_err(not_written)?;
    run.progress().phase(format!("source: {program}"));
    let command = handover.surround(without_ambient(run.child(program)));
    let output = command
        .args(arguments.iter().map(|argument| argument.replace(PLACEHOLDER, &snapshot.id)))
        .output(run.stop())
        .await
        .map_err(|error| ENVIRONMENT.inconclusive(program).observed(error.to_string()))?;
    if output.stopped || run.stop().is_requested() {
        return Err(Halt::Stopped);
    }
    judge(program, &output)
}

/// What it said first under its own name or path (`/usr/bin/pg_dump: unrecognized option …`), as a template.
fn first_of(output: &Output, program: &str) -> Option<String> {
    let said = |line| -> Option<&str> {
        let (name, said): (&str, &str) = str::split_once(line, ": ")?;
        let own = name == program || name.ends_with(&format!("/{program}"));
        (own && !said.starts_with("hint:") && !said.starts_with("detail:")).then_some(said)
    };
    output.stderr.lines().find_map(said).map(message_template)
}

fn judge(program: &str, output: &Output) -> Result<Finding, Halt> {
    let expected = "the command ends with exit code 0, and writes the backup to a file";
    let name = std::path::Path::new(program).file_name().unwrap_or_default().to_string_lossy();
    if !output.status.success() {
        let said = messages_of(output, &name).into_iter().next().or_else(|| first_of(output, &name));
        let said = said.map_or_else(String::new, |message| format!(": {message}"));
        let observed = format!("{}{said}", output.status);
        let remedy = "Run the command by hand with the same role: what it says besides is not kept here.";
        // Whoever ended it from outside says nothing about the backup.
        let made = match output.status.code() {
            Some(_) => BACKUP_MADE.failed(&*name),
            None => BACKUP_MADE.inconclusive(&*name),
        };
        return Err(made.expected(expected).observed(observed).remedy(remedy).into());
    }
    if output.stdout.len() > TALKATIVE || SIGNS.iter().any(|sign| output.stdout.contains(sign)) {
        return Err(BACKUP_MADE
            .inconclusive(&*name)
            .expected(expected)
            .observed("it wrote the dump to its standard output, which nobody keeps")
            .remedy("name a file: pg_dump --file=FILE")
            .into());
    }
    Ok(BACKUP_MADE.passed(&*name).expected(expected).observed(output.status.to_string()))
}
