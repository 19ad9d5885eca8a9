//! `canary install` and `canary beat`: the only commands that write to a source, each asked for by name, and
//! each with the source on the command line.

use std::{process::ExitCode, time::Duration};

use clap::{Args, Subcommand};
use evidence_report::run::{Defaults, Run, Settings, parse_duration, print, read_config};

use super::table::{self, SCHEMA, TABLE};
use crate::{
    checks::{CANARY_BEATS, CANARY_INSTALLED, TOOL},
    cli::Cli,
    config::Config,
    connection::{Ambient, ConnectFailure, QueryFailure, Resolved, Session, connect, resolve},
    error::Error,
    halt::Halt,
    wording::counted,
};

/// What `canary` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum CanaryCommand {
    /// Make the heartbeat table in a schema of its own, and the role that may write it: this writes to the source
    Install(InstallFlags),
    /// Write a heartbeat, or one every so often: this writes to the source
    Beat(BeatFlags),
}

/// `canary install`.
#[derive(Debug, Args)]
pub(crate) struct InstallFlags {
    /// The source, as a role that may make schemas and roles
    #[arg(long, value_name = "CONNINFO")]
    pub(crate) source: String,
    /// The role that will beat; it is made where it is missing, without login and password
    #[arg(long, value_name = "NAME")]
    pub(crate) role: String,
}

/// `canary beat`.
#[derive(Debug, Args)]
pub(crate) struct BeatFlags {
    /// The source, as the role that beats
    #[arg(long, value_name = "CONNINFO")]
    pub(crate) source: String,
    /// Beat again and again, so far apart
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, requires = "lasting")]
    pub(crate) every: Option<Duration>,
    /// For so long
    #[arg(long = "for", id = "lasting", value_name = "DURATION", value_parser = parse_duration, requires = "every")]
    pub(crate) lasting: Option<Duration>,
}

/// No evidence unless asked: a timer calls it.
const CANARY: Defaults = Defaults {
    title: "Canary",
    evidence_name: None,
    tracker_items: &[],
    timeout: Duration::from_secs(60),
    valid_for: Duration::from_secs(86_400),
};

/// More often than this nobody needs to know.
const OFTEN: Duration = Duration::from_millis(100);

/// The command `canary`.
///
/// # Errors
/// When it cannot be done or written down.
pub(crate) async fn command(cli: &Cli, wanted: &CanaryCommand) -> Result<ExitCode, Error> {
    let file = cli.shared.config.as_deref().map(read_config::<Config>).transpose()?.unwrap_or_default();
    let (source, lasting) = match wanted {
        CanaryCommand::Install(flags) => (&flags.source, None),
        CanaryCommand::Beat(flags) => (&flags.source, flags.lasting),
    };
    let resolved = resolve(source, &Ambient::of_this_process())?;
    if cli.shared.dry_run {
        let sql = match wanted {
            CanaryCommand::Install(flags) => table::install(&resolved.database, &flags.role),
            CanaryCommand::Beat(_) => table::in_a_transaction(&table::beat(true)) + ";\n",
        };
        print(&sql)?;
        return Ok(ExitCode::SUCCESS);
    }
    let defaults = Defaults { timeout: CANARY.timeout + lasting.unwrap_or_default(), ..CANARY };
    let run = Run::start(&TOOL, Settings::resolve(&cli.shared, &file.run, &defaults)?)?;
    run.owes(match wanted {
        CanaryCommand::Install(_) => [&CANARY_INSTALLED],
        CanaryCommand::Beat(_) => [&CANARY_BEATS],
    });
    let done = match wanted {
        CanaryCommand::Install(flags) => install(&run, &resolved, &flags.role).await,
        CanaryCommand::Beat(flags) => beat(&run, &resolved, flags).await,
    };
    if let Err(Halt::Found(finding)) = done {
        run.finding(*finding);
    }
    Ok(run.finish().publish()?)
}

async fn open(run: &Run, resolved: &Resolved) -> Result<Session, Result<String, Halt>> {
    match connect(resolved, &format!("backup-restore-smoke canary {}", run.id()), run.stop()).await {
        Ok(session) => Ok(session),
        Err(ConnectFailure::Stopped) => Err(Err(Halt::Stopped)),
        Err(ConnectFailure::Settings(error)) => Err(Ok(error.to_string())),
        Err(ConnectFailure::Refused(attempts)) => Err(Ok(attempts.join("; "))),
    }
}

async fn install(run: &Run, resolved: &Resolved, role: &str) -> Result<(), Halt> {
    let subject = format!("{SCHEMA} in {}", resolved.database);
    let expected = "the heartbeat table, and a role that may write it and nothing else";
    let failed = |why: String| CANARY_INSTALLED.failed(subject.clone()).expected(expected).observed(why);
    let session =
        open(run, resolved).await.map_err(|why| why.map_or_else(|halt| halt, |why| failed(why).into()))?;
    let refused = |failure: QueryFailure| match failure {
        QueryFailure::Stopped => Halt::Stopped,
        other => failed(other.to_string()).into(),
    };
    let besides = table::in_a_transaction(&table::does_besides(role));
    let besides = session.query(run.stop(), &besides).await.map_err(refused)?;
    let besides: Vec<_> = besides.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    if !besides.is_empty() {
        let why =
            format!("the role \"{role}\" exists and may do much more than beat: {}", besides.join(", "));
        return Err(failed(why).remedy("Name another role with --role; it is made.").into());
    }
    session.query(run.stop(), &table::install(&resolved.database, role)).await.map_err(refused)?;
    let observed = format!(
        "made or found: {SCHEMA}.{TABLE} (at most {} rows) and the role \"{role}\". Let it log in by ALTER ROLE … LOGIN, \
         with a password or a rule in pg_hba.conf",
        table::KEPT
    );
    run.progress().note(&observed);
    run.finding(CANARY_INSTALLED.passed(subject).expected(expected).observed(observed));
    Ok(())
}

/// Beats; a beat that fails is told, and the next one is tried on a new session.
async fn beat(run: &Run, resolved: &Resolved, flags: &BeatFlags) -> Result<(), Halt> {
    let every = flags.every.unwrap_or_default().max(OFTEN);
    let wanted = flags.lasting.map_or(1, |lasting| 1 + lasting.as_millis() / every.as_millis());
    let (mut written, mut missed, mut last) = (0_u64, 0_u64, Err("none was tried".to_owned()));
    let mut why = String::new();
    let mut session = None;
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    for _ in 0..wanted {
        if run.stop().guard(ticks.tick()).await.is_err() {
            break;
        }
        match one(run, resolved, &mut session).await {
            Ok(sequence) => {
                written += 1;
                run.progress().note(format!("beat {sequence}"));
                last = Ok(sequence);
            }
            Err(Halt::Stopped) => break,
            Err(Halt::Found(finding)) => {
                missed += 1;
                session = None;
                run.progress().note(format!("no beat: {}", finding.observed));
                why.clone_from(&finding.observed);
                last = last.or(Err(finding.observed));
            }
        }
    }
    let expected = format!("{} committed", counted(u64::try_from(wanted).unwrap_or(u64::MAX), "beat"));
    let subject = resolved.database.clone();
    let finding = match (written, missed, last) {
        (0, _, Err(why)) => CANARY_BEATS.failed(subject).remedy(remedy(&why)).observed(why),
        (_, 0, Ok(sequence)) => CANARY_BEATS
            .passed(subject)
            .observed(format!("{}, the last is {sequence}", counted(written, "beat"))),
        (..) => CANARY_BEATS
            .warned(subject)
            .remedy(remedy(&why))
            .observed(format!("{written} committed, {missed} missed, the last of those because: {why}")),
    };
    run.finding(finding.expected(expected));
    Ok(())
}

/// What to do about a beat that was refused.
fn remedy(why: &str) -> &'static str {
    let says = |code: &str| why.contains(&format!("SQLSTATE {code}"));
    match () {
        () if says("28000") && why.contains("not permitted to log in") => {
            "let the role log in: ALTER ROLE … LOGIN, with a password or a rule in pg_hba.conf"
        }
        () if says("55P03") || says("57014") => {
            "somebody holds a lock on the canary's table; the next beat tells whether it is over"
        }
        () if says("42P01") || says("3F000") => "make the table with `canary install`",
        () if says("42501") => {
            "give the role its rights with `canary install`, or beat as the role that has them"
        }
        () => CANARY_BEATS.remedy,
    }
}

async fn one(run: &Run, resolved: &Resolved, session: &mut Option<(Session, bool)>) -> Result<String, Halt> {
    let failed = |why: String| Halt::from(CANARY_BEATS.failed(&resolved.database).observed(why));
    let refused = |failure: QueryFailure| match failure {
        QueryFailure::Stopped => Halt::Stopped,
        other => failed(other.to_string()),
    };
    if session.is_none() {
        let opened = open(run, resolved).await.map_err(|why| why.map_or_else(|halt| halt, failed))?;
        let may_read = table::in_a_transaction(table::MAY_READ_LSN);
        let with_lsn = opened.value(run.stop(), &may_read).await.map_err(refused)? == "t";
        *session = Some((opened, with_lsn));
    }
    match session {
        Some((session, with_lsn)) => {
            let beat = table::in_a_transaction(&table::beat(*with_lsn));
            session.value(run.stop(), &beat).await.map_err(refused)
        }
        None => Err(Halt::Stopped),
    }
}
