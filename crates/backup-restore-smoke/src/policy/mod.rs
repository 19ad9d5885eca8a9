//! Whether backups are there as they should be: newest, interval, size, number, retention. Nothing is restored
//! and nothing written: a source of backups is listed, and what is seen is held against the rules.
//!
//! `plan` (what is asked for) → `files`, `pgbackrest`, `barman` (what is there) → `assess` (pure) → findings.

mod answer;
mod assess;
mod barman;
mod config;
mod files;
mod flags;
mod inventory;
mod name_time;
mod pgbackrest;
mod plan;
mod rules;

use std::process::ExitCode;

use evidence_report::{
    record::{Check, Finding, Requirement},
    run::{Run, print},
};
use jiff::Timestamp;

pub(crate) use self::{
    config::{PolicyConfig, ScheduleConfig},
    flags::{PolicyFlags, ScheduleFlags},
    plan::{of_config, of_flags},
};
use self::{
    inventory::Inventory,
    plan::{Plan, Policy, Source},
};
use crate::{
    checks::{
        POLICY_ARCHIVE, POLICY_DROP, POLICY_FOUND, POLICY_INTERVAL, POLICY_NEWEST, POLICY_REDUNDANCY,
        POLICY_RETENTION, POLICY_SIZE, POLICY_SOUND, RECOVERY_EXPOSURE, TOOL,
    },
    cli::Cli,
    error::Error,
    exposure::{BackupTakes, judge_exposure, worst_case},
    halt::Halt,
    risk_note,
    size::shown,
};

/// So many backups of a source are listed in the evidence.
const LISTED: usize = 50;

/// What is said of every source that has a backup, be it that no rule was given.
const OWED: [&Check; 9] = [
    &POLICY_FOUND,
    &POLICY_SOUND,
    &POLICY_NEWEST,
    &POLICY_INTERVAL,
    &POLICY_SIZE,
    &POLICY_DROP,
    &POLICY_REDUNDANCY,
    &POLICY_RETENTION,
    &POLICY_ARCHIVE,
];

/// The command `policy`.
///
/// # Errors
/// When it cannot be done or written down.
pub(crate) async fn command(cli: &Cli, flags: &PolicyFlags) -> Result<ExitCode, Error> {
    let plan = Plan::resolve(cli, flags)?;
    if cli.shared.dry_run {
        print(&(serde_json::to_string_pretty(&plan).unwrap_or_default() + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let run = Run::start(&TOOL, plan.settings.clone())?;
    run.owes(OWED);
    let exposed = plan.rpo.is_some() || plan.policies.iter().any(|policy| policy.schedule.is_some());
    run.owes(exposed.then_some(&RECOVERY_EXPOSURE));
    for policy in &plan.policies {
        match look(&run, policy).await {
            Ok(seen) => judge(&run, &plan, policy, &seen, run.started()),
            Err(Halt::Found(finding)) => run.finding(*finding),
            Err(Halt::Stopped) => run.finding(not_looked_at(&policy.name)),
        }
    }
    Ok(run.finish().publish()?)
}

/// One source that was looked at says nothing of another one that was not.
fn not_looked_at(name: &str) -> Finding {
    let reason = "the run was ended before it was looked at";
    POLICY_FOUND
        .not_checked(Requirement::Required, name, reason)
        .remedy("Run it again, with a longer --timeout.")
}

async fn look(run: &Run, policy: &Policy) -> Result<Inventory, Halt> {
    run.progress().phase(format!("policy: {}", policy.name));
    match &policy.source {
        Source::Files(files) => files::look(run, &policy.name, files).await,
        Source::PgBackRest(wanted) => pgbackrest::look(run, &policy.name, wanted).await,
        Source::Barman(wanted) => barman::look(run, &policy.name, wanted).await,
    }
}

fn judge(run: &Run, plan: &Plan, policy: &Policy, seen: &Inventory, now: Timestamp) {
    let (mut findings, measurements) = assess::assess(&policy.name, &policy.rules, seen, now);
    measurements.into_iter().for_each(|measurement| run.measurement(measurement));
    if let Some(schedule) = policy.schedule {
        let took = seen.newest().and_then(|newest| newest.took);
        let exposure = worst_case(schedule, took.map_or(BackupTakes::Unknown, BackupTakes::Known));
        let (finding, measurement) = judge_exposure(&policy.name, &exposure, plan.rpo);
        run.measurement(measurement);
        findings.push(finding);
    }
    if let (None, Some(_)) = (policy.schedule, plan.rpo) {
        findings.push(without_schedule(plan, &policy.name));
    }
    risk_note::add(run, &findings);
    run.findings(findings);
    if !seen.backups.is_empty() {
        run.detail(format!("Backups of {}", policy.name), &listed(seen));
    }
}

/// Of several sources another one may be what the objective is kept by.
fn without_schedule(plan: &Plan, name: &str) -> Finding {
    let requirement = if plan.policies.len() == 1 { Requirement::Required } else { Requirement::Optional };
    let reason = "the worst case cannot be computed: give interval, or archive_timeout (--interval, --archive-timeout)";
    RECOVERY_EXPOSURE.not_checked(requirement, name, reason)
}

fn listed(seen: &Inventory) -> String {
    let lines = seen.backups.iter().rev().take(LISTED).map(|backup| {
        let kind = if backup.full { "" } else { ", leans on another" };
        format!("{:.0}  {:>10}  {}{kind}", backup.at, shown(backup.bytes), backup.label)
    });
    let mut lines: Vec<_> = lines.collect();
    if seen.backups.len() > LISTED {
        lines.push(format!("… and {} older ones", seen.backups.len() - LISTED));
    }
    lines.join("\n")
}
