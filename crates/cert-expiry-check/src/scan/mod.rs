//! `scan`: observes every target, folds what is judged into the run as it arrives, and at the end judges what only
//! the whole run can tell.

mod folding;
mod identities;
mod kubernetes;
mod networks;
pub mod nodes;
mod owed;
mod queue;
mod remote;
mod revocation;
mod second_key;
mod sources;

use std::{process::ExitCode, sync::Arc};

use evidence_report::{
    formats::Format,
    run::{self, Run, SharedFlags},
};
use jiff::Timestamp;

use self::{
    folding::Folding,
    identities::Identities,
    queue::{Queue, Task, What, cut_off},
    sources::Source,
};
use crate::{
    assess::{Basis, name::Host, revocation::Source as ListSource, trust::Trust},
    checks::{TARGETS_NAMED, TOOL},
    cli::ScanArguments,
    error::Error,
    group::Group,
    outputs::{Places, Seen, calendar, exporters, timeline},
    plan::Plan,
    share::Share,
    stores::{
        self, Passwords,
        roots::{Shelf, Store},
    },
    targets::{Endpoint, Target},
    wire::{Approach, Pace},
    wording::printable,
};

/// Runs the command.
///
/// # Errors
/// When the plan cannot be followed, or what was seen cannot be written.
pub async fn execute(arguments: &ScanArguments, shared: &SharedFlags) -> Result<ExitCode, Error> {
    let plan = Plan::resolve(arguments, shared)?;
    if shared.dry_run {
        let text = serde_json::to_string_pretty(&plan).unwrap_or_default();
        run::print(&(text + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let run = Run::start(&TOOL, plan.run.clone())?;
    observe(&plan, &run).await?;
    Ok(run.finish().publish()?)
}

/// Looks at everything that the plan names, judges it, and folds what came of it into the run.
///
/// # Errors
/// When something that the plan names cannot be read: roots, revocation lists, a password.
pub async fn observe(plan: &Plan, run: &Run) -> Result<Seen, Error> {
    let named_lists = revocation::named(plan)?;
    let groups = prepare_all(plan, run)?;
    look(plan, groups, named_lists, run).await
}

/// Reads what the groups of a plan stand on: roots, passwords.
pub(crate) fn prepare_all(plan: &Plan, run: &Run) -> Result<Vec<Prepared>, Error> {
    let (passwords, exposed) = stores::passwords::from_files(&plan.store_password_files)?;
    let passwords = Arc::new(passwords);
    let pace = plan.rate.map_or_else(Pace::default, Pace::from);
    let mut shelf = Shelf::default();
    let trust = plan.groups.iter().map(|group| trust_of(group, &mut shelf)).collect::<Result<Vec<_>, _>>()?;
    let mut identities = Identities::default();
    let identities = plan.groups.iter().map(|group| identities.of(group)).collect::<Result<Vec<_>, _>>()?;
    let now = plan.as_of.unwrap_or(run.started());
    run.judged_for(now);
    for path in exposed {
        let exposed = format!("{} can be read by other users: chmod 600", path.display());
        run.caution(format!("the password file {exposed}"));
        run.fact("password file", printable(&exposed, 200));
    }
    let groups = plan.groups.iter().zip(trust).zip(identities);
    let prepared = groups.map(|((group, trust), identity)| {
        let approach = Approach {
            timeouts: plan.timeouts,
            identity,
            pace: pace.clone(),
            ask_http: group.ask_http,
            keys: plan.keys,
        };
        prepare(group, trust, approach, &passwords, now)
    });
    Ok(prepared.collect())
}

/// How the targets of one group are approached and judged.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) approach: Arc<Approach>,
    passwords: Arc<Passwords>,
    pub(crate) basis: Arc<Basis>,
}

fn trust_of(group: &Group, shelf: &mut Shelf) -> Result<Trust, Error> {
    let stores = group.trust.iter().map(|store| shelf.take(store)).collect::<Result<Vec<_>, _>>()?;
    Ok(Trust::new(stores, shelf.take(&Store::Mozilla)?))
}

fn prepare(
    group: &Group,
    trust: Trust,
    approach: Approach,
    passwords: &Arc<Passwords>,
    now: Timestamp,
) -> Prepared {
    let basis = Basis {
        thresholds: group.thresholds,
        names: group.names.clone(),
        client_certificate: group.client_certificate,
        ..Basis::new(now, trust)
    };
    Prepared { approach: Arc::new(approach), passwords: Arc::clone(passwords), basis: Arc::new(basis) }
}

async fn look(
    plan: &Plan,
    groups: Vec<Prepared>,
    named_lists: Vec<ListSource>,
    run: &Run,
) -> Result<Seen, Error> {
    let Some(first) = groups.first() else { return Ok(Seen::default()) };
    let basis = Arc::clone(&first.basis);
    note_facts(plan, &groups, run);
    revocation::freshness(&named_lists, &groups, run);
    for list in &plan.empty_lists {
        let finding = TARGETS_NAMED.inconclusive(list).expected("at least one target");
        run.finding(finding.observed("it names none"));
    }
    if let Some(share) = &plan.share {
        note_share(share, run);
    }
    let mut folding = Folding::new(&plan.groups, revocation::keeping(plan), places(run), run);
    kubernetes::look_into_all(&plan.kubernetes, first, &mut folding, run).await;
    run.progress().phase("looking for files");
    let networks = networks::of(plan);
    let (files, mut sources) = sources::search(plan, run).await;
    owed::by(plan, run);
    let count = number_of_servers(plan).saturating_add(files.len() as u64);
    let files = files.into_iter().map(|(group, file, source)| Task { group, what: What::File(file, source) });
    let queue: Queue<'_> = Box::new(
        endpoints(plan)
            .map(|(group, endpoint)| Task { group, what: What::Endpoint(endpoint) })
            .chain(remote::tasks(plan))
            .chain(networks.iter().flat_map(networks::tasks))
            .chain(files),
    );
    queue::look_at_all(queue, count, &mut sources, plan, &groups, &mut folding, run).await;
    let presenting = (plan.groups.iter().zip(&groups))
        .map(|(group, prepared)| (group, prepared.approach.identity.as_ref(), prepared.basis.as_ref()));
    for (group, judged) in identities::judge(presenting) {
        folding.take_in(group, None, judged);
    }
    let bases: Vec<_> = groups.iter().map(|group| group.basis.as_ref()).collect();
    let (seen, among_targets) = folding.finish(&bases)?;
    revocation::judge(plan, [named_lists, among_targets].concat(), &seen, &groups, run).await;
    run.findings(sources.iter().filter_map(Source::finding));
    run.findings(networks.iter().filter_map(|(_, network, inhabited)| inhabited.finding(network, run)));
    for measurement in seen.measurements(basis.now) {
        run.measurement(measurement);
    }
    if run.wants(Format::Textfile) {
        run.series(exporters::certificates(&seen, basis.now));
    }
    if run.wants(Format::Ics) {
        run.deadlines(calendar::deadlines(&seen));
    }
    if let Some(chart) = timeline::draw(&seen, basis.now) {
        run.chart(chart);
    }
    seen.is_complete().map_err(Error::put_aside)?;
    Ok(seen)
}

/// Every place of every certificate is told in a calendar and in a textfile alone.
fn places(run: &Run) -> Places {
    let every = [Format::Ics, Format::Textfile].into_iter().any(|format| run.wants(format));
    if every { Places::All } else { Places::FewOfIssuers }
}

/// Every server of the plan that is named by itself, with the number of its group.
fn endpoints(plan: &Plan) -> impl Iterator<Item = (usize, Endpoint)> {
    let groups = plan.groups.iter().enumerate();
    groups.flat_map(|(number, group)| group.targets.endpoints().map(move |endpoint| (number, endpoint)))
}

/// Every other target, likewise.
fn others(plan: &Plan) -> impl Iterator<Item = (usize, &Target)> {
    let groups = plan.groups.iter().enumerate();
    groups.flat_map(|(number, group)| group.targets.others().iter().map(move |target| (number, target)))
}

/// How many servers and URLs the plan names.
fn number_of_servers(plan: &Plan) -> u64 {
    let number = |target: &Target| match target {
        Target::Endpoint(_) | Target::Remote(_) => 1,
        Target::Network(network) => network.count(),
        Target::Path(_) | Target::Pattern(_) => 0,
    };
    let others: u128 = others(plan).map(|(_, target)| number(target)).sum();
    let named: usize =
        plan.groups.iter().map(|group| group.targets.len() - group.targets.others().len()).sum();
    u64::try_from(others.saturating_add(named as u128)).unwrap_or(u64::MAX)
}

/// What binds this evidence to the world: the hosts, and whom was trusted.
fn note_facts(plan: &Plan, groups: &[Prepared], run: &Run) {
    const NAMED: usize = 10;
    let mut trusted: Vec<_> = groups.iter().map(|group| group.basis.trust.origin()).collect();
    trusted.dedup();
    run.fact("trusted", trusted.join("; "));
    let mut hosts: Vec<Host> = Vec::new();
    for (_, endpoint) in endpoints(plan) {
        if hosts.len() > NAMED {
            break;
        }
        if !hosts.contains(&endpoint.host) {
            hosts.push(endpoint.host);
        }
    }
    if !hosts.is_empty() {
        let mut named: Vec<_> = hosts.iter().take(NAMED).map(ToString::to_string).collect();
        if hosts.len() > NAMED {
            named.push("more".to_owned());
        }
        run.fact("hosts", named.join(", "));
    }
}

/// What the records of all shards are put together by; and that this one did its part, however small.
fn note_share(share: &Share, run: &Run) {
    let Share { shard, targets_sha256, own, all } = share;
    run.fact("shard", shard);
    run.fact("targets_sha256", targets_sha256);
    run.fact("targets", format!("{own} of {all}"));
    let observed = if *own == 0 { format!("none of {all}") } else { format!("{own} of {all}") };
    let finding = TARGETS_NAMED.passed(format!("shard {shard}")).expected("its share of the targets");
    run.finding(finding.observed(observed));
}
