//! The targets of a scan one by one: a bounded number at a time, until there are none left or the run is asked to
//! stop; and what is said of those that were not looked at, or not to the end.

use std::{
    collections::HashMap,
    iter::Peekable,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use evidence_report::{
    formats::Format,
    record::{Check, Finding, Outcome, Requirement},
    run::{Run, Stop, StopReason},
};
use rustix::process::{Resource, getrlimit};
use tokio::task::{Id, JoinSet, spawn_blocking};

use super::{Prepared, folding::Folding, networks, networks::Inhabited, nodes, remote, sources::Source};
use crate::{
    assess::{Basis, Judged, file, name::Host},
    checks::{FILE_READABLE, TLS_HANDSHAKE},
    outputs::exporters,
    plan::{Addresses, Plan},
    stores::{self, Passwords},
    targets::{Endpoint, Remote, files::FoundFile},
    wording::printable,
};

/// One thing to look at, and the number of its group.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) group: usize,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Endpoint(Endpoint),
    /// An address of a network.
    Node(Endpoint, Arc<Inhabited>),
    /// A document at a URL.
    Remote(Remote),
    /// A file, and which source it came from.
    File(FoundFile, Option<usize>),
}

/// What is still to be looked at: made one by one, since a network may have millions of addresses.
pub(super) type Queue<'p> = Box<dyn Iterator<Item = Task> + Send + 'p>;

/// Looks at everything, at most so many at a time. When the run is asked to stop, what is under way is
/// dropped, and what was not begun is never begun; both are said to be unchecked.
pub(super) async fn look_at_all(
    queue: Queue<'_>,
    count: u64,
    sources: &mut [Source],
    plan: &Plan,
    groups: &[Prepared],
    folding: &mut Folding<'_>,
    run: &Run,
) {
    let mut queue = queue.peekable();
    let mut cut = Cut::default();
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
            under_way.insert(work.spawn(look).id(), batch);
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
                    cut.say(&task, &unlooked, folding, run);
                }
            }
        }
    }
    for task in queue {
        task.source(sources, |source| source.spoken_for += 1);
        cut.say(&task, &Unlooked::Stopped, folding, run);
    }
    cut.end(run);
}

/// So many targets of which nothing is known are named; nobody reads more of them, and the rest is counted.
const NAMED: usize = 5_000;

/// What is said of the targets that nothing came of.
#[derive(Debug, Default)]
struct Cut {
    named: usize,
    /// How many more, by the check that was not made on them.
    more: Vec<(&'static Check, u64)>,
}

impl Cut {
    fn say(&mut self, task: &Task, why: &Unlooked, folding: &Folding<'_>, run: &Run) {
        let Some(finding) = task.unchecked(why, run) else { return };
        if self.named < NAMED || finding.outcome != Outcome::NotChecked(Requirement::Required) {
            self.named += 1;
            run.finding(folding.as_of_group(task.group, finding));
            return;
        }
        match self.more.iter_mut().find(|(check, _)| check.id == finding.check.id) {
            Some((_, number)) => *number += 1,
            None => self.more.push((finding.check, 1)),
        }
    }

    fn end(self, run: &Run) {
        for (check, number) in self.more {
            run.counted(check, Outcome::NotChecked(Requirement::Required), number);
        }
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

/// Looks at what stands in one batch; of each, what came of it. Each look is boxed where it begins: a future of ten
/// kilobytes would be moved several times on its way into a task.
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
                    let look = Box::pin(remote::look_at(&remote, &approach, &passwords, &basis));
                    results.push(Ok(look.await));
                }
                What::Endpoint(endpoint) => results.push(Ok(match (addresses, &endpoint.host) {
                    (Addresses::Every, Host::Name(_)) => {
                        Box::pin(nodes::look_at_every(&endpoint, &approach, &basis)).await
                    }
                    _ => Box::pin(nodes::look_at_one(endpoint, &approach, &basis)).await,
                })),
                What::Node(endpoint, inhabited) => {
                    let look = Box::pin(networks::look_at(endpoint, &inhabited, &approach, &basis));
                    results.push(Ok(look.await));
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
pub(super) fn cut_off(check: &'static Check, subject: &str, run: &Run) -> Finding {
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
