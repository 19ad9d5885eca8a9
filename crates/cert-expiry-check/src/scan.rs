//! `scan`: observes every target, a bounded number at a time, and folds what is judged into the run as it
//! arrives. What the deadline or a signal cuts off is said to be unchecked.

use std::{
    collections::{HashMap, VecDeque},
    process::ExitCode,
    sync::Arc,
};

use evidence_report::{
    record::{Check, Finding, Requirement},
    run::{Run, SharedFlags, Stop},
};
use rustix::process::{Resource, getrlimit};
use tokio::task::{Id, JoinSet, spawn_blocking};

use crate::{
    assess::{Basis, Judged, endpoint, file, name::Host},
    checks::{FILE_READABLE, FILES_FOUND, TARGETS_NAMED, TLS_HANDSHAKE, TOOL},
    cli::ScanArguments,
    error::Error,
    outputs::{Seen, timeline},
    plan::Plan,
    stores,
    targets::{
        Endpoint, Target,
        files::{FoundFile, Search},
    },
    wire::{self, Timeouts},
    wording::printable,
};

/// Runs the command.
///
/// # Errors
/// When the plan cannot be followed, or what was seen cannot be written.
pub async fn execute(arguments: &ScanArguments, shared: &SharedFlags) -> Result<ExitCode, Error> {
    let plan = Plan::resolve(arguments, shared)?;
    if shared.dry_run {
        return Ok(print_plan(&plan));
    }
    let run = Run::start(&TOOL, plan.run.clone())?;
    observe(&plan, &run).await?;
    Ok(run.finish().publish()?)
}

#[expect(clippy::print_stdout, reason = "the result of --dry-run")]
fn print_plan(plan: &Plan) -> ExitCode {
    println!("{}", serde_json::to_string_pretty(plan).unwrap_or_default());
    ExitCode::SUCCESS
}

/// One thing to look at.
#[derive(Debug, Clone)]
enum Task {
    Endpoint(Endpoint),
    /// A file, and which source it came from.
    File(FoundFile, Option<usize>),
}

/// A folder or pattern, and what became of its files.
#[derive(Debug)]
struct Source {
    name: String,
    with_certificates: usize,
    without: usize,
    not_looked_at: usize,
}

async fn observe(plan: &Plan, run: &Run) -> Result<(), Error> {
    let roots = match &plan.roots {
        Some(path) => stores::roots::from_file(path)?,
        None => stores::roots::of_the_system(),
    };
    let basis = Arc::new(Basis { now: run.started(), thresholds: plan.thresholds, roots });
    note_facts(plan, &basis, run);
    for list in &plan.empty_lists {
        let finding = TARGETS_NAMED.inconclusive(list).expected("at least one target");
        run.finding(finding.observed("it names none"));
    }
    run.progress().phase("looking for files");
    let (queue, mut sources) = tasks(plan, run).await;
    let mut seen = look_at_all(queue, &mut sources, plan, &basis, run).await;
    run.findings(seen.issuers(&basis));
    run.findings(sources.iter().filter_map(Source::finding));
    for measurement in seen.measurements(basis.now) {
        run.measurement(measurement);
    }
    if let Some(chart) = timeline::draw(&seen, basis.now) {
        run.chart(chart);
    }
    Ok(())
}

/// What binds this evidence to the world: the hosts, and whom was trusted.
fn note_facts(plan: &Plan, basis: &Basis, run: &Run) {
    const NAMED: usize = 10;
    run.fact("trusted", basis.roots.origin());
    let mut hosts: Vec<&Host> = Vec::new();
    for target in &plan.targets {
        if let Target::Endpoint(endpoint) = target
            && !hosts.contains(&&endpoint.host)
            && hosts.len() <= NAMED
        {
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

/// Endpoints as they were named, and the files behind paths and patterns.
async fn tasks(plan: &Plan, run: &Run) -> (VecDeque<Task>, Vec<Source>) {
    let mut queue = VecDeque::new();
    let mut sources = Vec::new();
    for target in &plan.targets {
        let target = match target {
            Target::Endpoint(endpoint) => {
                queue.push_back(Task::Endpoint(endpoint.clone()));
                continue;
            }
            Target::Path(_) | Target::Pattern(_) => target.clone(),
        };
        let stop = run.stop().clone();
        let name = target.to_string();
        // Nothing tells how long a file system on the network takes: the wait for it ends with the run.
        let searched = run.stop().guard(spawn_blocking(move || search(&target, &stop))).await;
        let (search, is_folder) = searched.unwrap_or_else(|_| Ok(Default::default())).unwrap_or_default();
        let mut not_looked_at = search.unreadable.len();
        if run.stop().is_requested() {
            not_looked_at += 1;
            run.finding(cut_off(&FILES_FOUND, &name, run));
        }
        let source = is_folder.then(|| {
            sources.push(Source { name, with_certificates: 0, without: 0, not_looked_at });
            sources.len() - 1
        });
        for (path, error) in &search.unreadable {
            let subject = printable(&path.to_string_lossy(), 200);
            run.finding(file::unreadable(&subject, error).at(subject.as_str(), None));
        }
        queue.extend(search.files.into_iter().map(|file| Task::File(file, source)));
    }
    (queue, sources)
}

/// The files behind a path or pattern, and whether it may stand for several.
fn search(target: &Target, stop: &Stop) -> (Search, bool) {
    let mut search = Search::default();
    let keep_on = || !stop.is_requested();
    match target {
        Target::Path(path) => {
            search.path(path, &keep_on);
            (search, path.is_dir())
        }
        Target::Pattern(pattern) => {
            if let Err(error) = search.pattern(pattern, &keep_on) {
                search.unreadable.push((pattern.into(), std::io::Error::other(error)));
            }
            (search, true)
        }
        Target::Endpoint(_) => (search, false),
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
            let look = look_at(task.clone(), plan.timeouts, Arc::clone(basis), run.stop().clone());
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
                task.source(sources, |source| source.not_looked_at += 1);
                run.finding(task.unchecked(&unlooked, run));
            }
        }
    }
    for task in queue {
        task.source(sources, |source| source.not_looked_at += 1);
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

async fn look_at(task: Task, timeouts: Timeouts, basis: Arc<Basis>, stop: Stop) -> Result<Judged, Unlooked> {
    let look = async {
        match task {
            Task::Endpoint(endpoint) => {
                let observation = wire::capture(&endpoint, timeouts).await;
                Ok(endpoint::judge(&endpoint, &observation, &basis))
            }
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

impl Source {
    fn count(&mut self, judged: &Judged) {
        if judged.findings.is_empty() { self.without += 1 } else { self.with_certificates += 1 }
    }

    /// Whether the source yielded anything; where something in it could not be looked at, that has been said
    /// already.
    fn finding(&self) -> Option<Finding> {
        let expected = "at least one file with a certificate";
        let others = match self.without {
            0 => String::new(),
            1 => ", 1 file of another kind".to_owned(),
            many => format!(", {many} files of other kinds"),
        };
        match (self.with_certificates, self.not_looked_at) {
            (0, 0) => {
                let finding = FILES_FOUND.inconclusive(&self.name).expected(expected);
                Some(finding.observed(format!("none{others}")))
            }
            (0, _) => None,
            (found, _) => {
                let files = if found == 1 { "1 file".to_owned() } else { format!("{found} files") };
                Some(FILES_FOUND.passed(&self.name).expected(expected).observed(format!("{files}{others}")))
            }
        }
    }
}
