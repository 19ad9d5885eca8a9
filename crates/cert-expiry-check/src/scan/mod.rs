//! `scan`: observes every target, a bounded number at a time, and folds what is judged into the run as it
//! arrives. What the deadline or a signal cuts off is said to be unchecked.

mod folding;
mod identities;
mod kubernetes;
mod networks;
pub mod nodes;
mod owed;
mod remote;
mod revocation;
mod sources;

use std::{
    collections::HashMap,
    iter::Peekable,
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
    sync::Arc,
};

use evidence_report::{
    formats::Format,
    record::{Check, Finding, Requirement},
    run::{self, Run, SharedFlags, Stop, StopReason},
};
use jiff::Timestamp;
use rustix::process::{Resource, getrlimit};
use tokio::task::{Id, JoinSet, spawn_blocking};

use self::{folding::Folding, identities::Identities, networks::Inhabited, sources::Source};
use crate::{
    assess::{Basis, Judged, file, name::Host, revocation::Source as ListSource, trust::Trust},
    checks::{FILE_READABLE, TARGETS_NAMED, TLS_HANDSHAKE, TOOL},
    cli::ScanArguments,
    error::Error,
    group::Group,
    outputs::{Seen, calendar, exporters, timeline},
    plan::{Addresses, Plan},
    share::Share,
    stores::{
        self, Passwords,
        roots::{Shelf, Store},
    },
    targets::{Endpoint, Remote, Target, files::FoundFile},
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
    Ok(look(plan, groups, named_lists, run).await)
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
        let approach =
            Approach { timeouts: plan.timeouts, identity, pace: pace.clone(), ask_http: group.ask_http };
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

/// One thing to look at, and the number of its group.
#[derive(Debug, Clone)]
struct Task {
    group: usize,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Endpoint(Endpoint),
    /// An address of a network.
    Node(Endpoint, Arc<Inhabited>),
    /// A document at a URL.
    Remote(Remote),
    /// A file, and which source it came from.
    File(FoundFile, Option<usize>),
}

/// What is still to be looked at: made one by one, since a network may have millions of addresses.
type Queue<'p> = Box<dyn Iterator<Item = Task> + Send + 'p>;

async fn look(plan: &Plan, groups: Vec<Prepared>, named_lists: Vec<ListSource>, run: &Run) -> Seen {
    let Some(first) = groups.first() else { return Seen::default() };
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
    let mut folding = Folding::new(&plan.groups, revocation::keeping(plan), run);
    kubernetes::look_into_all(&plan.kubernetes, first, &mut folding, run).await;
    run.progress().phase("looking for files");
    let networks = networks::of(plan);
    let (files, mut sources) = sources::search(plan, run).await;
    owed::by(plan, run);
    let count = number_of_servers(plan).saturating_add(files.len() as u64);
    let files = files.into_iter().map(|(group, file, source)| Task { group, what: What::File(file, source) });
    let queue: Queue<'_> = Box::new(
        endpoints(plan)
            .map(|(group, endpoint)| Task { group, what: What::Endpoint(endpoint.clone()) })
            .chain(remote::tasks(plan))
            .chain(networks.iter().flat_map(networks::tasks))
            .chain(files),
    );
    look_at_all(queue.peekable(), count, &mut sources, plan, &groups, &mut folding, run).await;
    let presenting = (plan.groups.iter().zip(&groups))
        .map(|(group, prepared)| (group, prepared.approach.identity.as_ref(), prepared.basis.as_ref()));
    for (group, judged) in identities::judge(presenting) {
        folding.take_in(group, None, judged);
    }
    let bases: Vec<_> = groups.iter().map(|group| group.basis.as_ref()).collect();
    let (seen, among_targets) = folding.finish(&bases);
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
    seen
}

/// Every target of the plan, with the number of its group.
fn targets(plan: &Plan) -> impl Iterator<Item = (usize, &Target)> {
    plan.groups
        .iter()
        .enumerate()
        .flat_map(|(number, group)| group.targets.iter().map(move |target| (number, target)))
}

fn endpoints(plan: &Plan) -> impl Iterator<Item = (usize, &Endpoint)> {
    targets(plan).filter_map(|(group, target)| match target {
        Target::Endpoint(endpoint) => Some((group, endpoint)),
        Target::Network(_) | Target::Remote(_) | Target::Path(_) | Target::Pattern(_) => None,
    })
}

/// How many servers and URLs the plan names.
fn number_of_servers(plan: &Plan) -> u64 {
    let number = |target: &Target| match target {
        Target::Endpoint(_) | Target::Remote(_) => 1,
        Target::Network(network) => network.count(),
        Target::Path(_) | Target::Pattern(_) => 0,
    };
    u64::try_from(targets(plan).map(|(_, target)| number(target)).sum::<u128>()).unwrap_or(u64::MAX)
}

/// What binds this evidence to the world: the hosts, and whom was trusted.
fn note_facts(plan: &Plan, groups: &[Prepared], run: &Run) {
    const NAMED: usize = 10;
    let mut trusted: Vec<_> = groups.iter().map(|group| group.basis.trust.origin()).collect();
    trusted.dedup();
    run.fact("trusted", trusted.join("; "));
    let mut hosts: Vec<&Host> = Vec::new();
    for (_, endpoint) in endpoints(plan) {
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

/// Looks at everything, at most so many at a time. When the run is asked to stop, what is under way is
/// dropped, and what was not begun is never begun; both are said to be unchecked.
async fn look_at_all(
    mut queue: Peekable<Queue<'_>>,
    count: u64,
    sources: &mut [Source],
    plan: &Plan,
    groups: &[Prepared],
    folding: &mut Folding<'_>,
    run: &Run,
) {
    let mut under_way: HashMap<Id, Vec<Task>> = HashMap::new();
    let mut work = JoinSet::new();
    let at_a_time = affordable(usize::from(plan.concurrency), run);
    run.progress().phase("looking at certificates");
    let bar = run.progress().bar(count, "targets");
    loop {
        while work.len() < at_a_time && !run.stop().is_requested() {
            let batch = next_batch(&mut queue);
            let Some(group) = batch.first().map(|task| task.group) else { break };
            let Some(group) = groups.get(group).cloned() else { continue };
            let whats = batch.iter().map(|task| task.what.clone()).collect();
            let look = look_at_batch(whats, plan.addresses, group, run.stop().clone());
            // Boxed: a future of ten kilobytes is moved several times on its way into a task.
            under_way.insert(work.spawn(Box::pin(look)).id(), batch);
        }
        let Some(done) = work.join_next_with_id().await else { break };
        let (id, judged) = match done {
            Ok((id, judged)) => (id, judged),
            Err(error) => (error.id(), Vec::new()),
        };
        let mut judged = judged.into_iter();
        for task in under_way.remove(&id).unwrap_or_default() {
            bar.advance(1);
            match judged.next().unwrap_or(Err(Unlooked::Broke)) {
                Ok(judged) => {
                    task.source(sources, |source| source.count(&judged));
                    if run.wants(Format::Textfile) {
                        run.series(exporters::of_one_look(&judged, groups[task.group].basis.now));
                    }
                    folding.take_in(task.group, task.endpoint(), judged);
                }
                Err(unlooked) => {
                    task.source(sources, |source| source.spoken_for += 1);
                    let finding = task.unchecked(&unlooked, run);
                    run.findings(finding.map(|finding| folding.as_of_group(task.group, finding)));
                }
            }
        }
    }
    for task in queue {
        task.source(sources, |source| source.spoken_for += 1);
        let finding = task.unchecked(&Unlooked::Stopped, run);
        run.findings(finding.map(|finding| folding.as_of_group(task.group, finding)));
    }
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

/// The next endpoint, or the next file; of those that were merely found, several of one group at once, because
/// to hand one over to another thread takes longer than to read it. One that was named may be a pipe that
/// nobody writes into: it holds up no other.
fn next_batch(queue: &mut Peekable<Queue<'_>>) -> Vec<Task> {
    const AT_ONCE: usize = 32;
    let mut batch: Vec<_> = queue.next().into_iter().collect();
    if let Some(first) = batch.first().filter(|first| first.is_found_file()) {
        let group = first.group;
        let alike = |next: &Task| next.is_found_file() && next.group == group;
        while batch.len() < AT_ONCE
            && let Some(next) = queue.next_if(alike)
        {
            batch.push(next);
        }
    }
    batch
}

/// Looks at what stands in one batch; of each, what came of it.
async fn look_at_batch(
    batch: Vec<What>,
    addresses: Addresses,
    group: Prepared,
    stop: Stop,
) -> Vec<Result<Judged, Unlooked>> {
    let count = batch.len();
    let Prepared { approach, passwords, basis } = group;
    let look = async {
        let (mut results, mut files) = (Vec::new(), Vec::new());
        for what in batch {
            match what {
                What::Remote(remote) => {
                    results.push(Ok(remote::look_at(&remote, &approach, &passwords, &basis).await));
                }
                What::Endpoint(endpoint) => results.push(Ok(match (addresses, &endpoint.host) {
                    (Addresses::Every, Host::Name(_)) => {
                        nodes::look_at_every(&endpoint, &approach, &basis).await
                    }
                    _ => nodes::look_at_one(endpoint, &approach, &basis).await,
                })),
                What::Node(endpoint, inhabited) => {
                    results.push(Ok(networks::look_at(endpoint, &inhabited, &approach, &basis).await));
                }
                What::File(file, _) => files.push(file),
            }
        }
        if !files.is_empty() {
            let stop = stop.clone();
            let look = move |file: FoundFile| look_at_file(&file, &passwords, &basis, &stop);
            let read = spawn_blocking(move || files.into_iter().map(look).collect::<Vec<_>>());
            results.extend(read.await.unwrap_or_default());
        }
        results
    };
    stop.guard(look).await.unwrap_or_else(|_| (0..count).map(|_| Err(Unlooked::Stopped)).collect())
}

/// Reads and judges one file. It blocks. A defect that one file brings to light does not take the others with it.
fn look_at_file(
    file: &FoundFile,
    passwords: &Passwords,
    basis: &Basis,
    stop: &Stop,
) -> Result<Judged, Unlooked> {
    if stop.is_requested() {
        return Err(Unlooked::Stopped);
    }
    let look = || file::judge(file, &stores::file::observe(&file.path, passwords), basis);
    catch_unwind(AssertUnwindSafe(look)).map_err(|_| Unlooked::Broke)
}

/// What the deadline or a signal left unchecked.
fn cut_off(check: &'static Check, subject: &str, run: &Run) -> Finding {
    let reason = run.stop().reason().map_or_else(String::new, ToString::to_string);
    check.not_checked(Requirement::Required, subject, format!("cut off by {reason}")).remedy(
        match run.stop().reason() {
            Some(StopReason::Signal(_)) => "Run again, to the end.",
            _ => "Run again with more time (--timeout), or with more at a time (--concurrency).",
        },
    )
}

impl Task {
    fn endpoint(&self) -> Option<&Endpoint> {
        match &self.what {
            What::Endpoint(endpoint) | What::Node(endpoint, _) => Some(endpoint),
            What::Remote(_) | What::File(..) => None,
        }
    }

    fn is_found_file(&self) -> bool {
        matches!(&self.what, What::File(file, _) if !file.named)
    }

    fn source(&self, sources: &mut [Source], change: impl FnOnce(&mut Source)) {
        if let What::File(_, Some(index)) = &self.what
            && let Some(source) = sources.get_mut(*index)
        {
            change(source);
        }
    }

    fn unchecked(&self, why: &Unlooked, run: &Run) -> Option<Finding> {
        let (check, subject) = match &self.what {
            What::Endpoint(endpoint) | What::Node(endpoint, _) => (&TLS_HANDSHAKE, endpoint.to_string()),
            What::Remote(remote) => (&FILE_READABLE, remote.to_string()),
            What::File(file, _) => (&FILE_READABLE, printable(&file.path.to_string_lossy(), 200)),
        };
        match (why, &self.what) {
            (Unlooked::Broke, _) => Some(
                check
                    .inconclusive(subject)
                    .observed("this program broke while looking at it")
                    .remedy("Report this as a defect, with the target."),
            ),
            (Unlooked::Stopped, What::Node(_, inhabited)) => {
                inhabited.cut_off();
                None
            }
            (Unlooked::Stopped, _) => Some(cut_off(check, &subject, run)),
        }
    }
}
