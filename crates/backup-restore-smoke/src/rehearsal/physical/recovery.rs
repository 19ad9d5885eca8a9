//! The copy's server, from its first start to its promotion: it recovers, waits at the target to be looked at,
//! and is then promoted.

use std::time::{Duration, Instant};

use evidence_report::{
    record::Outcome,
    run::{Bar, Run},
};
use jiff::Timestamp;

use super::{
    super::{Made, recovery::own_server},
    live::Live,
    patience::{Patience, Sign},
    placing::{Placed, gap_behind_target},
    reached::{Stopped, judge, judge_death},
};
use crate::{
    checks::ENVIRONMENT,
    connection::{ConnectFailure, QueryFailure, Session},
    halt::Halt,
    integrity::{Needed, broken, damage, enter},
    plan::{Physical, Recovery, RecoveryTarget, Rehearse},
    scratch::{Cluster, own_configuration, recovery_settings},
    wal::Lsn,
};

/// How often the server is asked how far it is.
const INTERVAL: Duration = Duration::from_millis(40);

/// How often its log is read for signs of progress.
const LOOK: Duration = Duration::from_secs(1);

/// A database that every cluster has.
const ANY_DATABASE: &str = "template1";

const STATE: &str = "
SELECT pg_is_in_recovery(), CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END,
       pg_last_wal_replay_lsn(), (extract(epoch FROM pg_last_xact_replay_timestamp()) * 1000000)::bigint";

/// Starts the copy and waits until it stands at its target.
pub(super) async fn recover(
    work: &Rehearse,
    run: &Run,
    made: &mut Made,
    placed: &Placed,
    recovery: &Recovery,
) -> Result<Stopped, Halt> {
    let Made { copy, stages, .. } = made;
    let cluster = copy.as_mut().ok_or(Halt::Stopped)?;
    run.progress().phase(format!("copy: recovery to {}", recovery.target));
    let not_written = |error: std::io::Error| {
        ENVIRONMENT.inconclusive("configuration of the copy").observed(error.to_string())
    };
    let mut settings = own_configuration(&placed.landing.home).map_err(not_written)?;
    settings.extend(recovery_settings(&placed.landing, &placed.control, recovery));
    let (start, log_start) = (run.elapsed(), cluster.log_length());
    cluster.spawn(run, &settings)?;
    let mut watch = Watch::new(work, &recovery.target, log_start).shown(run, placed.needed);
    let Some(session) = first_session(run, cluster, &mut watch).await? else {
        return Err(died(run, cluster, placed, recovery, log_start));
    };
    stages.add("consistent", start, run.elapsed(), "the server takes readers");
    let start = run.elapsed();
    let Some(mut stopped) = wait_for_target(run, cluster, &session, &mut watch).await? else {
        return Err(died(run, cluster, placed, recovery, log_start));
    };
    stages.add("target", start, run.elapsed(), recovery.target.to_string());
    stopped.reports = cluster.reports_since(log_start);
    if let Some(place) = stopped.place {
        stopped.way = placed.lineage.way(place);
        run.fact("recovered to", place.to_string());
        if placed.needed.end.is_none() {
            run.finding(gap_behind_target(placed, recovery, place));
        }
    }
    let newest = stopped.newest_commit.map(|at| at.to_string());
    run.fact("newest recovered commit", newest.unwrap_or_else(|| "none was replayed".to_owned()));
    let finding = judge(&recovery.target, recovery.inclusive, &stopped);
    match finding.outcome {
        Outcome::Passed => run.finding(finding),
        _ => return Err(finding.into()),
    }
    Ok(stopped)
}

/// Whether the recovery goes on, and where the server's words of it begin.
struct Watch<'a> {
    target: &'a RecoveryTarget,
    log_start: u64,
    patience: Patience,
    looked: Instant,
    /// How far the log has been replayed, from this place on.
    replayed: Option<(Bar, Lsn)>,
}

impl<'a> Watch<'a> {
    fn new(work: &Rehearse, target: &'a RecoveryTarget, log_start: u64) -> Self {
        let now = Instant::now();
        let patience = Patience::new(work.recovery_patience, now);
        Self { target, log_start, patience, looked: now, replayed: None }
    }

    /// Shows how far the log has been replayed.
    fn shown(mut self, run: &Run, needed: Needed) -> Self {
        let whole = needed.end.map(|end| end.0.saturating_sub(needed.start.0));
        self.replayed = Some((run.progress().bytes(whole, "log replayed"), needed.start));
        self
    }

    /// Waits a moment before the next look.
    ///
    /// # Errors
    /// A finding when the recovery stands still for too long.
    async fn pause(&mut self, run: &Run, cluster: &Cluster, place: Option<Lsn>) -> Result<(), Halt> {
        if self.looked.elapsed() >= LOOK {
            self.looked = Instant::now();
            if let (Some(place), Some((bar, from))) = (place, &self.replayed) {
                bar.set(place.0.saturating_sub(from.0));
            }
            let reports = cluster.reports_since(self.log_start);
            let sign = Sign { reports: reports.len(), place };
            if self.patience.is_over(sign, self.looked) {
                return Err(self.patience.finding(self.target, reports.last()).into());
            }
        }
        Ok(run.stop().guard(tokio::time::sleep(INTERVAL)).await?)
    }
}

/// A session as soon as the copy is consistent; `None` when the server ended before.
async fn first_session(
    run: &Run,
    cluster: &mut Cluster,
    watch: &mut Watch<'_>,
) -> Result<Option<Session>, Halt> {
    loop {
        let superuser = cluster.superuser().to_owned();
        match cluster.session(run.stop(), ANY_DATABASE, &superuser).await {
            Ok(session) => return Ok(Some(session)),
            Err(ConnectFailure::Stopped) => return Err(Halt::Stopped),
            Err(_) if cluster.has_ended() => return Ok(None),
            Err(ConnectFailure::Refused(said)) if said.iter().any(|said| is_refusal(said)) => {
                if let Some(damage) = said.iter().find_map(|said| damage(said)) {
                    return Err(broken("recovered cluster", damage).into());
                }
                return Err(ENVIRONMENT
                    .inconclusive("superuser of the copy")
                    .expected("a superuser of the copy who may log in")
                    .observed(said.join("; "))
                    .remedy("name one with --superuser")
                    .into());
            }
            Err(_) => watch.pause(run, cluster, None).await?,
        }
    }
}

/// The server is up and does not take this role; while it starts or ends it says 57P03 or its like.
fn is_refusal(said: &str) -> bool {
    said.contains("(SQLSTATE ") && !said.contains("(SQLSTATE 57P")
}

/// Waits until recovery stands still; `None` when the server ended.
async fn wait_for_target(
    run: &Run,
    cluster: &mut Cluster,
    session: &Session,
    watch: &mut Watch<'_>,
) -> Result<Option<Stopped>, Halt> {
    loop {
        let mut replayed = None;
        match session.one(run.stop(), STATE).await {
            Ok(row) => {
                let row: Vec<String> = row.into_iter().map(Option::unwrap_or_default).collect();
                let [in_recovery, paused, place, commit] = <[String; 4]>::try_from(row)
                    .map_err(|_| own_server("copy", QueryFailure::Lost("an unreadable answer".to_owned())))?;
                replayed = place.parse::<Lsn>().ok();
                if in_recovery == "f" || paused == "t" {
                    let newest = commit.parse().ok().and_then(|at| Timestamp::from_microsecond(at).ok());
                    return Ok(Some(Stopped {
                        place: replayed,
                        newest_commit: newest,
                        way: String::new(),
                        paused: paused == "t",
                        reports: Vec::new(),
                    }));
                }
            }
            Err(QueryFailure::Stopped) => return Err(Halt::Stopped),
            // The server is on its way down: its end is waited for.
            Err(_) if cluster.has_ended() => return Ok(None),
            Err(QueryFailure::Lost(_) | QueryFailure::Refused { .. }) => {}
        }
        watch.pause(run, cluster, replayed).await?;
    }
}

/// What the death of the server means; a gap in the log stands beside it.
fn died(run: &Run, cluster: &mut Cluster, placed: &Placed, recovery: &Recovery, log_start: u64) -> Halt {
    let followed = super::placing::followed(recovery, placed.needed.timeline);
    let whole = placed.shelf.judge(placed.needed, followed);
    if whole.outcome == Outcome::Failed {
        run.finding(whole);
    }
    let reports = cluster.reports_since(log_start);
    let last = cluster.errors_since(log_start).pop();
    judge_death(&recovery.target, last, &reports, &placed.chosen.older).into()
}

/// Promotes the copy, and says which database is looked at in it.
pub(super) async fn promote(
    work: &Rehearse,
    run: &Run,
    made: &mut Made,
    physical: &Physical,
    recovery: &Recovery,
    live: &Live,
    stopped: &Stopped,
) -> Result<String, Halt> {
    let Made { copy, stages, .. } = made;
    let cluster = copy.as_mut().ok_or(Halt::Stopped)?;
    run.progress().phase("copy: promotion");
    let start = run.elapsed();
    let log_start = cluster.log_length();
    let session = cluster.administrator(run, ANY_DATABASE).await?;
    if stopped.paused {
        let resumed = session.query(run.stop(), "SELECT pg_wal_replay_resume()").await;
        resumed.map_err(|failure| own_server("promotion of the copy", failure))?;
    }
    let mut watch = Watch::new(work, &recovery.target, log_start);
    loop {
        match session.value(run.stop(), "SELECT pg_is_in_recovery()").await {
            Ok(answer) if answer == "f" => break,
            Ok(_) => {}
            Err(QueryFailure::Stopped) => return Err(Halt::Stopped),
            Err(_) if cluster.has_ended() => {
                let reports = cluster.reports_since(log_start);
                let last = cluster.errors_since(log_start).pop();
                return Err(judge_death(&recovery.target, last, &reports, &[]).into());
            }
            Err(_) => {}
        }
        watch.pause(run, cluster, stopped.place).await?;
    }
    let note = match recovery.target {
        RecoveryTarget::End { .. } => "by itself, at the end of the log",
        _ => "after a look at the target",
    };
    stages.add("promoted", start, run.elapsed(), note);
    let name = database(run, &session, physical, live).await?;
    drop(session);
    enter(run, cluster, &name).await?;
    Ok(name)
}

/// The database that is written to and looked at.
async fn database(run: &Run, session: &Session, physical: &Physical, live: &Live) -> Result<String, Halt> {
    let named = physical.database.clone();
    let named = named.or_else(|| live.database.as_ref().map(|database| database.name.clone()));
    let list = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate \
                ORDER BY pg_database_size(oid) DESC, datname";
    let present = session.query(run.stop(), list).await;
    let present = present.map_err(|failure| own_server("databases of the copy", failure))?;
    let present: Vec<_> = present.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    let chosen = match named {
        Some(name) if present.contains(&name) => Some(name),
        Some(name) => {
            return Err(crate::checks::RESTORE_CONTENT
                .failed(name)
                .expected("this database in the copy")
                .observed(format!("there are only: {}", present.join(", ")))
                .into());
        }
        None => present.into_iter().next(),
    };
    let name = chosen.unwrap_or_else(|| ANY_DATABASE.to_owned());
    run.fact("database of the copy", &name);
    Ok(name)
}
