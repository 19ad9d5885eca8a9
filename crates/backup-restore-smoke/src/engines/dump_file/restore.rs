//! Restores a dump that exists: archives by pg_restore, scripts by psql, compressed ones as a stream.

use std::{io::Write as _, process::Stdio};

use evidence_report::run::{Run, child::ChildCommand};

use super::{DumpFile, Form, Reading, plain};
use crate::{
    checks::ENVIRONMENT,
    connection::{Handover, without_ambient},
    engines::{compression::Compression, dump::messages_of, restore_errors::ServerError},
    halt::Halt,
    programs::Programs,
    scratch::Cluster,
    wording::counted,
};

/// So many errors are kept.
const ERRORS_KEPT: usize = 20;

/// Where a dump is restored to, and with what.
pub(crate) struct Restoring<'a> {
    /// The run.
    pub(crate) run: &'a Run,
    /// The programs.
    pub(crate) programs: &'a Programs,
    /// The connection to the database.
    pub(crate) handover: &'a Handover,
    /// The database's name.
    pub(crate) database: &'a str,
    /// Which part of a script is its.
    pub(crate) segment: usize,
    /// Workers at once.
    pub(crate) jobs: usize,
}

/// What came of a restore.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    /// The errors; none: all went well.
    pub(crate) errors: Vec<ServerError>,
    /// How many workers there were.
    pub(crate) workers: usize,
}

/// Restores into the database. `cluster` is there when the server is a scratch cluster of ours: then psql is kept
/// apart as the server is, and the errors are read from the server's log.
///
/// # Errors
/// Only when the server or this machine gave up, or the run was asked to stop.
pub(crate) async fn restore(
    with: &Restoring<'_>,
    dump: &DumpFile,
    mut cluster: Option<&mut Cluster>,
) -> Result<Restored, Halt> {
    let log_start = cluster.as_ref().map_or(0, |cluster| cluster.log_length());
    let (command, workers) = match dump.form {
        Form::Plain => (psql(with, cluster.as_deref()), 1),
        _ => pg_restore(with, dump),
    };
    let streamed = dump.form == Form::Plain || dump.compression != Compression::None;
    let (command, feeder) = if streamed { feed(with, dump, command)? } else { (command, None) };
    let output = command.output(with.run.stop()).await.map_err(|error| cannot_start(&error.to_string()))?;
    let fed = match feeder {
        Some(feeder) => feeder.await.unwrap_or_else(|_| Err(std::io::Error::other("the reader broke"))),
        None => Ok(()),
    };
    if output.stopped || with.run.stop().is_requested() {
        return Err(Halt::Stopped);
    }
    if let Some(cluster) = cluster.as_deref_mut().filter(|_| !output.status.success())
        && cluster.has_died(with.run).await
    {
        return Err(cluster.why_ended("the server ended in the middle of the restore").into());
    }
    let mut errors = match &cluster {
        Some(cluster) => cluster.errors_since(log_start),
        None => from_messages(&output.stderr),
    };
    if errors.is_empty() && !output.status.success() {
        let said = messages_of(&output, "pg_restore").into_iter().map(|message| (String::new(), message));
        errors.extend(said);
    }
    if errors.is_empty() && !output.status.success() {
        errors.push((String::new(), format!("the program ended with {}", output.status)));
    }
    match fed {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            errors.push((String::new(), format!("reading the dump: {error}")));
        }
        _ => {}
    }
    errors.truncate(ERRORS_KEPT);
    Ok(Restored { errors, workers })
}

fn pg_restore(with: &Restoring<'_>, dump: &DumpFile) -> (ChildCommand, usize) {
    let command = with
        .handover
        .give(with.programs.client(with.run, "pg_restore"))
        .args(["--no-tablespaces", "--no-subscriptions"]);
    let whole = dump.compression == Compression::None;
    let (format, workers) = match dump.form {
        Form::Directory => ("--format=directory", with.jobs),
        Form::Custom if whole => ("--format=custom", with.jobs),
        Form::Custom => ("--format=custom", 1),
        Form::Tar | Form::Plain => ("--format=tar", 1),
    };
    let command = command.arg(format);
    let command = if workers > 1 { command.arg(format!("--jobs={workers}")) } else { command };
    (if whole { command.arg(&dump.path) } else { command }, workers)
}

/// psql, told by its environment where to connect: a database's name on a command line could be taken for a whole
/// connection string.
fn psql(with: &Restoring<'_>, cluster: Option<&Cluster>) -> ChildCommand {
    let quiet = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-password", "--file=-"];
    let settings = ["--set=ON_ERROR_STOP=1", "--set=VERBOSITY=sqlstate", "--output=/dev/null"];
    match cluster {
        Some(cluster) => {
            let endpoint = cluster.socket_folder();
            let command = without_ambient(with.programs.child(with.run, "psql"))
                .env("PGHOST", endpoint)
                .env("PGPORT", "5432")
                .env("PGUSER", cluster.superuser())
                .env("PGDATABASE", with.database)
                .env("HOME", "/nonexistent")
                .current_dir("/");
            cluster.isolation().confine(command).args(quiet).args(settings)
        }
        None => with.handover.give(with.programs.client(with.run, "psql")).args(quiet).args(settings),
    }
}

type Feeder = tokio::task::JoinHandle<std::io::Result<()>>;

/// Lets a thread of ours write the dump into the program's standard input.
fn feed(
    with: &Restoring<'_>,
    dump: &DumpFile,
    command: ChildCommand,
) -> Result<(ChildCommand, Option<Feeder>), Halt> {
    let failed = |error: std::io::Error| cannot_start(&format!("a pipe to the program: {error}"));
    let (read, mut write) = std::io::pipe().map_err(failed)?;
    let (dump, reading, segment) = (dump.clone(), Reading::until(with.run.stop()), with.segment);
    let key: String = with.run.id().chars().filter(char::is_ascii_alphanumeric).collect();
    let feeder = tokio::task::spawn_blocking(move || {
        let mut reader = dump.open(&reading)?;
        if dump.form == Form::Plain {
            return plain::feed(reader, segment, &key, std::io::BufWriter::with_capacity(64 << 10, write));
        }
        // pg_restore leaves off at the end of what it needs.
        std::io::copy(&mut reader, &mut write)?;
        write.flush()
    });
    Ok((command.input(Stdio::from(read)), Some(feeder)))
}

/// `pg_restore: error: could not execute query: ERROR:  role "x" does not exist`, and psql's
/// `psql:<stdin>:12: ERROR:  42P01`.
fn from_messages(stderr: &str) -> Vec<ServerError> {
    let lines: Vec<_> = stderr.lines().collect();
    let errors = lines.iter().enumerate().filter_map(|(at, line)| {
        let begins = |line: &&&str| line.contains("ERROR:  ") || line.contains("FATAL:  ");
        let behind: Vec<_> = lines.iter().skip(at + 1).take_while(|line| !begins(line)).copied().collect();
        let (_, message) = line.split_once("ERROR:  ").or_else(|| line.split_once("FATAL:  "))?;
        let is_code = message.len() == 5 && message.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Some(match is_code {
            true => (message.to_owned(), "an error in the script".to_owned()),
            false => (String::new(), crate::sql::refusal_template("", message, &behind.join("\n"))),
        })
    });
    errors.collect()
}

fn cannot_start(observed: &str) -> evidence_report::record::Finding {
    ENVIRONMENT.inconclusive("PostgreSQL programs").observed(observed)
}

impl Restored {
    /// How it was done, for the timeline.
    pub(crate) fn how(&self, dump: &DumpFile) -> String {
        let program = if dump.form == Form::Plain { "psql" } else { "pg_restore" };
        format!("{program}, {}", counted(self.workers as u64, "worker"))
    }
}

#[cfg(test)]
mod tests {
    use super::from_messages;

    #[test]
    fn errors_are_read_from_messages_without_their_values() {
        let said = "pg_restore: error: could not execute query: ERROR:  invalid input syntax for type integer: \"4111\"\n\
                    DETAIL:  x\npsql:<stdin>:12: ERROR:  42P01\n";
        assert_eq!(
            from_messages(said),
            [
                (String::new(), "invalid input syntax for type integer: \"…\"".to_owned()),
                ("42P01".to_owned(), "an error in the script".to_owned())
            ]
        );
    }
}
