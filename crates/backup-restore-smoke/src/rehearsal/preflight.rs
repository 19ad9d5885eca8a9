//! What this machine must have before a dump is restored. Everything that is missing is named at once, and none of
//! it says anything about the backup.

use std::path::Path;

use evidence_report::{record::Finding, run::Run};

use super::recovery::own_server;
use crate::{
    checks::ENVIRONMENT,
    connection::Session,
    engines::dump_file::{DumpFile, DumpedDatabase, Form, Inspection},
    halt::Halt,
    programs::{self, Programs},
};

/// Extensions that cannot be made while their library is not preloaded.
const NEED_PRELOAD: [&str; 5] = ["citus", "pg_cron", "pgaudit", "pglogical", "timescaledb"];

/// psql takes no commands but one from a restricted script since these minor versions.
const RESTRICTED_SINCE: [(u32, u32); 5] = [(13, 22), (14, 19), (15, 14), (16, 10), (17, 6)];

/// What is missing here.
#[derive(Debug, Default)]
pub(super) struct Lacks(Vec<Finding>);

impl Lacks {
    /// Notes something that is missing.
    pub(super) fn add(
        &mut self,
        subject: &str,
        expected: impl Into<String>,
        observed: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let finding = ENVIRONMENT.inconclusive(subject).expected(expected).observed(observed);
        self.0.push(finding.remedy(remedy));
    }

    /// Ends the rehearsal when anything is missing: with all of it.
    ///
    /// # Errors
    /// The last of what is missing; the others are in the run.
    pub(super) fn end(mut self, run: &Run) -> Result<(), Halt> {
        let Some(last) = self.0.pop() else { return Ok(()) };
        run.findings(self.0);
        Err(last.into())
    }
}

/// The programs for this dump.
///
/// # Errors
/// An inconclusive finding that says what to install, or that the run was asked to stop.
pub(super) async fn programs(
    run: &Run,
    named: Option<&Path>,
    dump: &DumpFile,
    seen: &Inspection,
) -> Result<Programs, Halt> {
    let programs = programs::find_at_least(run, named, seen.needed_major()).await?;
    if dump.form == Form::Plain {
        refuse_open_psql(&programs)?;
    }
    let dumped = seen.server.as_ref().map_or("an unknown version", |version| version.text.as_str());
    run.fact("dumped from PostgreSQL", dumped);
    run.fact(
        "dumped by pg_dump",
        seen.dumper.as_ref().map_or("an unknown version", |version| version.text.as_str()),
    );
    run.fact("restored into PostgreSQL", &programs.version);
    Ok(programs)
}

/// A script runs only in a psql that can be told to take no commands from it.
fn refuse_open_psql(programs: &Programs) -> Result<(), Halt> {
    if programs.path("psql").is_none() {
        return Err(ENVIRONMENT
            .inconclusive("psql")
            .expected("psql beside the other programs, to run a plain dump")
            .observed("it is not there")
            .remedy(format!("install the package postgresql-client-{}", programs.major))
            .into());
    }
    if restricts(&programs.version) {
        return Ok(());
    }
    Err(ENVIRONMENT
        .inconclusive("psql")
        .expected("a psql that knows \\restrict: 13.22, 14.19, 15.14, 16.10, 17.6 or newer")
        .observed(format!("psql {}", programs.version))
        .remedy("install the newest minor version: older ones let a script run programs on this machine")
        .into())
}

fn restricts(version: &str) -> bool {
    let mut numbers = version.split('.').map(|part| part.parse::<u32>());
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => {
            let since = RESTRICTED_SINCE.iter().find(|(known, _)| *known == major);
            since.map_or(major > 17, |(_, first)| minor >= *first)
        }
        // A development version: 19devel.
        _ => version
            .chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
            .parse::<u32>()
            .is_ok_and(|major| major > 18),
    }
}

/// Extensions that the dump needs and this machine's PostgreSQL has not, or cannot make in a copy.
///
/// # Errors
/// When our own server does not answer, or the run was asked to stop.
pub(super) async fn extensions(
    run: &Run,
    server: &Session,
    databases: &[DumpedDatabase],
    lacks: &mut Lacks,
) -> Result<(), Halt> {
    let rows = server.query(run.stop(), "SELECT name FROM pg_available_extensions").await;
    let rows = rows.map_err(|failure| own_server("extensions", failure))?;
    let available: Vec<_> = rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    let mut wanted: Vec<_> = databases.iter().flat_map(|database| &database.named.extensions).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let missing: Vec<_> =
        wanted.iter().filter(|name| !available.contains(name)).map(|name| name.as_str()).collect();
    if !missing.is_empty() {
        lacks.add(
            "extensions",
            "every extension of the dump",
            format!("not installed here: {}", missing.join(", ")),
            format!("install the packages of {}; the backup itself is not judged", missing.join(", ")),
        );
    }
    let preload: Vec<_> = wanted
        .iter()
        .map(|name| name.as_str())
        .filter(|name| NEED_PRELOAD.contains(name) && !missing.contains(name))
        .collect();
    if !preload.is_empty() {
        lacks.add(
            "preload libraries",
            "extensions that can be made without a preloaded library",
            format!("{} cannot, and the copy preloads nothing", preload.join(", ")),
            "restore into a server of your own that preloads it, with --target",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::restricts;

    #[test]
    fn psql_is_trusted_with_a_script_from_the_corrected_versions_on() {
        for version in ["13.22", "15.14", "15.18", "16.10", "17.6", "18.0", "19devel"] {
            assert!(restricts(version), "{version}");
        }
        for version in ["12.22", "13.21", "15.13", "17.5", "17beta1", "18beta1", "x"] {
            assert!(!restricts(version), "{version}");
        }
    }
}
