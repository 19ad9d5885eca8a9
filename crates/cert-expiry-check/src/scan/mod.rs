//! `scan`: observes every target, a bounded number at a time, and folds what is judged into the run as it
//! arrives. What the deadline or a signal cuts off is said to be unchecked.

pub mod nodes;
mod sources;

use std::{
    collections::{HashMap, VecDeque},
    process::ExitCode,
    sync::Arc,
};

use evidence_report::{
    record::{Check, Finding, Requirement},
    run::{self, Run, SharedFlags, Stop},
};
use rustix::process::{Resource, getrlimit};
use tokio::task::{Id, JoinSet, spawn_blocking};

use self::sources::Source;
use crate::{
    assess::{Basis, Judged, chain::Roots, file, name::Host},
    checks::{FILE_READABLE, TARGETS_NAMED, TLS_HANDSHAKE, TOOL},
    cli::ScanArguments,
    error::Error,
    outputs::{Seen, timeline},
    plan::{Addresses, Plan},
    stores,
    targets::{Endpoint, Target, files::FoundFile},
    wire::Timeouts,
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
    let roots = match &plan.roots {
        Some(path) => stores::roots::from_file(path)?,
        None => stores::roots::of_the_system(),
    };
    let run = Run::start(&TOOL, plan.run.clone())?;
    observe(&plan, roots, &run).await;
    Ok(run.finish().publish()?)
}

/// One thing to look at.
#[derive(Debug, Clone)]
enum Task {
    Endpoint(Endpoint),
    /// A file, and which source it came from.
    File(FoundFile, Option<usize>),
}

async fn observe(plan: &Plan, roots: Roots, run: &Run) {
    let basis =
        Arc::new(Basis { now: plan.as_of.unwrap_or(run.started()), thresholds: plan.thresholds, roots });
    note_facts(plan, &basis, run);
    for list in &plan.empty_lists {
        let finding = TARGETS_NAMED.inconclusive(list).expected("at least one target");
        run.finding(finding.observed("it names none"));
    }
    run.progress().phase("looking for files");
    let mut queue: VecDeque<_> = endpoints(plan).cloned().map(Task::Endpoint).collect();
    let (files, mut sources) = sources::search(&plan.targets, run).await;
    queue.extend(files.into_iter().map(|(file, source)| Task::File(file, source)));
    let seen = look_at_all(queue, &mut sources, plan, &basis, run).await;
    run.findings(seen.joined(&basis));
    run.findings(sources.iter().filter_map(Source::finding));
    for measurement in seen.measurements(basis.now) {
        run.measurement(measurement);
    }
    if let Some(chart) = timeline::draw(&seen, basis.now) {
        run.chart(chart);
    }
}

fn endpoints(plan: &Plan) -> impl Iterator<Item = &Endpoint> {
    plan.targets.iter().filter_map(|target| match target {
        Target::Endpoint(endpoint) => Some(endpoint),
        Target::Path(_) | Target::Pattern(_) => None,
    })
}

/// What binds this evidence to the world: the hosts, and whom was trusted.
fn note_facts(plan: &Plan, basis: &Basis, run: &Run) {
    const NAMED: usize = 10;
    run.fact("trusted", basis.roots.origin());
    let mut hosts: Vec<&Host> = Vec::new();
    for endpoint in endpoints(plan) {
        if hosts.len() <= NAMED && !hosts.contains(&&endpoint.host) {
            hosts.push(&endpoint.host);
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

/// Looks at everything, at most so many at a time. When the run is asked to stop, what is under way is
/// dropped, and what was not begun is never begun; both are said to be unchecked.
async fn look_at_all(
    mut queue: VecDeque<Task>,
    sources: &mut [Source],
    plan: &Plan,
    basis: &Arc<Basis>,
    run: &Run,
) -> Seen {
    let mut seen = Seen::default();
    let mut under_way: HashMap<Id, Task> = HashMap::new();
    let mut work = JoinSet::new();
    let at_a_time = affordable(usize::from(plan.concurrency), run);
    run.progress().phase("looking at certificates");
    let bar = run.progress().bar(queue.len() as u64, "targets");
    loop {
        while work.len() < at_a_time && !run.stop().is_requested() {
            let Some(task) = queue.pop_front() else { break };
            let look =
                look_at(task.clone(), plan.addresses, plan.timeouts, Arc::clone(basis), run.stop().clone());
            under_way.insert(work.spawn(look).id(), task);
        }
        let Some(done) = work.join_next_with_id().await else { break };
        bar.advance(1);
        let (id, judged) = match done {
            Ok((id, judged)) => (id, judged),
            Err(error) => (error.id(), Err(Unlooked::Broke)),
        };
        let Some(task) = under_way.remove(&id) else { continue };
        match judged {
            Ok(judged) => {
                task.source(sources, |source| source.count(&judged));
                judged.sightings.into_iter().for_each(|sighting| seen.take_in(sighting));
                run.findings(judged.findings);
            }
            Err(unlooked) => {
                task.source(sources, |source| source.spoken_for += 1);
                run.finding(task.unchecked(&unlooked, run));
            }
        }
    }
    for task in queue {
        task.source(sources, |source| source.spoken_for += 1);
        run.finding(task.unchecked(&Unlooked::Stopped, run));
    }
    seen
}

/// As many at a time as this process may open sockets for. One that is connecting to a name with two
/// addresses needs two.
fn affordable(wanted: usize, run: &Run) -> usize {
    const KEPT_FREE: u64 = 32;
    let Some(limit) = getrlimit(Resource::Nofile).current else { return wanted };
    let room = usize::try_from(limit.saturating_sub(KEPT_FREE) / 2).unwrap_or(wanted).max(1);
    if room < wanted {
        run.progress()
            .note(format!("{room} at a time instead of {wanted}: the limit of open files is {limit}"));
    }
    wanted.min(room)
}

/// Why nothing came of a task.
enum Unlooked {
    /// The run was asked to stop.
    Stopped,
    /// A defect of this program, which must not take the other results with it.
    Broke,
}

async fn look_at(
    task: Task,
    addresses: Addresses,
    timeouts: Timeouts,
    basis: Arc<Basis>,
    stop: Stop,
) -> Result<Judged, Unlooked> {
    let look = async {
        match task {
            Task::Endpoint(endpoint) => match (addresses, &endpoint.host) {
                (Addresses::Every, Host::Name(_)) => {
                    Ok(nodes::look_at_every(&endpoint, timeouts, &basis).await)
                }
                _ => Ok(nodes::look_at_one(endpoint, timeouts, basis).await),
            },
            Task::File(file, _) => {
                let look = move || file::judge(&file, &stores::file::observe(&file.path), &basis);
                spawn_blocking(look).await.map_err(|_| Unlooked::Broke)
            }
        }
    };
    stop.guard(look).await.unwrap_or(Err(Unlooked::Stopped))
}

/// What the deadline or a signal left unchecked.
fn cut_off(check: &'static Check, subject: &str, run: &Run) -> Finding {
    let reason = run.stop().reason().map_or_else(String::new, ToString::to_string);
    check
        .not_checked(Requirement::Required, subject, format!("cut off by {reason}"))
        .remedy("Run again with more time (--timeout), or with more at a time (--concurrency).")
}

impl Task {
    fn source(&self, sources: &mut [Source], change: impl FnOnce(&mut Source)) {
        if let Self::File(_, Some(index)) = self
            && let Some(source) = sources.get_mut(*index)
        {
            change(source);
        }
    }

    fn unchecked(&self, why: &Unlooked, run: &Run) -> Finding {
        let (check, subject) = match self {
            Self::Endpoint(endpoint) => (&TLS_HANDSHAKE, endpoint.to_string()),
            Self::File(file, _) => (&FILE_READABLE, printable(&file.path.to_string_lossy(), 200)),
        };
        match why {
            Unlooked::Broke => check
                .inconclusive(subject)
                .observed("this program broke while looking at it")
                .remedy("Report this as a defect, with the target."),
            Unlooked::Stopped => cut_off(check, &subject, run),
        }
    }
}
