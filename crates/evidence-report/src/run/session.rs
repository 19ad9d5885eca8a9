//! One run of a tool, from start to finish.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{
    child::{ChildCommand, Groups},
    flags::FormatRequest,
    folder::{RunFolder, run_base},
    git,
    journal::Journal,
    lock::Lock,
    mask::Mask,
    owed::Owed,
    progress::Progress,
    publish::Finished,
    redact,
    settings::{Settings, SettingsError},
    stop::Stop,
    sweep::{Swept, sweep},
    waivers::{self, Extent},
    watchers::{watch_deadline, watch_signals},
};
use crate::document::{hex, notes::Template};
use crate::formats::Format;
use crate::record::{
    Attachment, Chart, Check, Deadline, Detail, Environment, Finding, Gathering, Measurement, Outcome,
    Report, RunFacts, Series, Timeline, Tool, Unlisted,
};

/// A run that could not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another run of the same job holds the lock.
    #[error("another run of this job is under way: {holder}. Wait for it, or end that process")]
    Overlap {
        /// Who.
        holder: String,
    },
    /// The base folder is not ours alone.
    #[error(
        "the folder {base} belongs to another user, or others may write to it; remove it, or name another with OPS_SMOKE_RUN_BASE",
        base = base.display()
    )]
    ForeignBase {
        /// The folder.
        base: PathBuf,
    },
    /// The run's folder cannot be made.
    #[error("preparing the run's folder {path}: {source}", path = path.display())]
    Folder {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A waiver is of a check that the tool does not have.
    #[error(transparent)]
    Waiver(#[from] SettingsError),
    /// Signals cannot be listened to.
    #[error("listening for signals: {0}")]
    Signals(std::io::Error),
}

impl RunError {
    pub(super) fn folder(path: &Path, source: std::io::Error) -> Self {
        Self::Folder { path: path.to_owned(), source }
    }
}

/// The fact by which one of several shards names itself, as in `3/8`.
pub(crate) const SHARD_FACT: &str = "shard";

/// A run under way. It is shared by reference among the tasks of the tool.
///
/// ```
/// use std::process::ExitCode;
/// use evidence_report::{record::{Check, Tool}, run::{Finished, Run, Settings}};
///
/// static READY: Check = Check { id: "api.ready", title: "Ready", explanation: "…", remedy: "…" };
/// static TOOL: Tool = Tool { name: "api-smoke", version: "1", checks: &[&READY] };
///
/// async fn execute(settings: Settings) -> Result<ExitCode, Box<dyn std::error::Error>> {
///     let run = Run::start(&TOOL, settings)?;
///     run.owes([&READY]);
///     run.finding(READY.passed("https://api.example").observed("status 200"));
///     let finished: Finished = run.finish();
///     Ok(finished.publish()?)
/// }
/// ```
#[derive(Debug)]
pub struct Run {
    tool: &'static Tool,
    settings: Settings,
    folder: RunFolder,
    _job: Option<Lock>,
    stop: Stop,
    groups: Groups,
    progress: Progress,
    clock: Instant,
    started: Timestamp,
    swept: Swept,
    watchers: tokio::task::JoinSet<()>,
    /// What git says, where anything that is written names it.
    commit: Option<JoinHandle<Option<(String, bool)>>>,
    seen: Mutex<Seen>,
}

/// What was seen so far.
#[derive(Debug, Default)]
struct Seen {
    title: Option<String>,
    environment: Option<Environment>,
    facts: Vec<(String, String)>,
    findings: Gathering,
    owed: Owed,
    measurements: Vec<Measurement>,
    series: Vec<Series>,
    deadlines: Vec<Deadline>,
    judged_at: Option<Timestamp>,
    timeline: Timeline,
    charts: Vec<Chart>,
    details: Vec<Detail>,
    attachments: Vec<Attachment>,
    counted: Vec<Unlisted>,
    templates: Vec<Template>,
    mask: Mask,
}

/// Whether anything that is written names the commit: git is not asked for nobody.
fn names_commit(settings: &Settings) -> bool {
    let names = |request: &FormatRequest| match request.format {
        Format::Json | Format::Ctrf | Format::InToto => true,
        Format::Text
        | Format::Junit
        | Format::Github
        | Format::Sarif
        | Format::Nagios
        | Format::Textfile
        | Format::Ics => false,
    };
    settings.evidence.is_some() || settings.formats.iter().any(names)
}

impl Run {
    /// Starts a run: sweeps what dead runs left, takes the job's lock, makes the run's folder, listens for
    /// signals and watches the deadline. Call it on a tokio runtime.
    ///
    /// # Errors
    /// When another run of the same job is under way, or the folders cannot be made.
    pub fn start(tool: &'static Tool, settings: Settings) -> Result<Self, RunError> {
        settings.waivers.iter().try_for_each(|waiver| waiver.is_of(tool))?;
        let base = run_base();
        let swept = sweep(&base);
        let folder = RunFolder::create(&base, tool.name)?;
        let job = settings.evidence.as_ref().map(|path| job_lock(&base, tool.name, path)).transpose()?;
        let (stop, groups) = (Stop::new(), Groups::default());
        let progress = Progress::new(settings.progress, settings.verbose);
        for line in &swept.undone {
            progress.note(format!("left by a dead run: {line}"));
        }
        let mut watchers = tokio::task::JoinSet::new();
        watch_deadline(&mut watchers, &stop, settings.timeout);
        watch_signals(&mut watchers, &stop, &groups, &progress).map_err(RunError::Signals)?;
        // Beside the work, which need not wait for it: git takes its time in a large repository.
        let commit = names_commit(&settings)
            .then(|| std::thread::spawn(|| git::commit(&std::env::current_dir().ok()?)));
        Ok(Self {
            tool,
            settings,
            folder,
            _job: job,
            stop,
            groups,
            progress,
            clock: Instant::now(),
            started: Timestamp::now(),
            swept,
            watchers,
            commit,
            seen: Mutex::default(),
        })
    }

    /// How the run runs.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The token that says when to stop.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// The run's own folder, 0700, removed at the end.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The run's id: the name of its folder.
    #[must_use]
    pub fn id(&self) -> &str {
        self.folder.id()
    }

    /// The journal of outside effects.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        self.folder.journal()
    }

    /// How to tell what is being done.
    #[must_use]
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Says on standard error what is no finding, and yet should be known, such as a secret that others can
    /// read. Only `--quiet` silences it.
    pub fn caution(&self, what: impl AsRef<str>) {
        if !self.settings.quiet {
            self.progress.caution(what.as_ref());
        }
    }

    /// What the sweep at the start undid.
    #[must_use]
    pub fn swept(&self) -> &Swept {
        &self.swept
    }

    /// Time since the start, on the monotonic clock.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// When the run started, on the wall clock: a label, never a measurement.
    #[must_use]
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// A child process of this run.
    #[must_use]
    pub fn child(&self, program: impl AsRef<OsStr>) -> ChildCommand {
        ChildCommand::new(program.as_ref(), self.folder.mark(), &self.groups)
    }

    /// Adds a finding.
    pub fn finding(&self, finding: Finding) {
        self.seen().findings.push(finding);
    }

    /// Adds findings.
    pub fn findings(&self, findings: impl IntoIterator<Item = Finding>) {
        let mut seen = self.seen();
        findings.into_iter().for_each(|finding| seen.findings.push(finding));
    }

    /// Says which checks this run owes by its plan, before it looks at anything. One of which there is no finding
    /// at the end, whatever became of its observation, is not checked and required: the run is no pass.
    pub fn owes(&self, checks: impl IntoIterator<Item = &'static Check>) {
        self.seen().owed.add(checks);
    }

    /// Says which checks come of one observation, where the plan does not tell whether there will be one: of what
    /// `told` speaks well, each of `also` has something to say. Where `told` passed or warned, they are owed.
    ///
    /// ```
    /// # use evidence_report::{record::Check, run::Run};
    /// # static READABLE: Check = Check { id: "file.readable", title: "", explanation: "", remedy: "" };
    /// # static LIFETIME: Check = Check { id: "file.lifetime", title: "", explanation: "", remedy: "" };
    /// # fn begin(run: &Run) {
    /// run.owes_beside(&READABLE, [&LIFETIME]);
    /// # }
    /// ```
    pub fn owes_beside(&self, told: &'static Check, also: impl IntoIterator<Item = &'static Check>) {
        self.seen().owed.add_beside(told, also);
    }

    /// Adds a measurement.
    pub fn measurement(&self, measurement: Measurement) {
        self.seen().measurements.push(measurement);
    }

    /// Adds numbers for the formats that carry them to other programs. Make them only where
    /// [`Self::wants`] says that such a format was asked for.
    pub fn series(&self, series: impl IntoIterator<Item = Series>) {
        self.seen().series.extend(series);
    }

    /// Adds dates for calendars. Make them only where [`Self::wants`] says that one was asked for.
    pub fn deadlines(&self, deadlines: impl IntoIterator<Item = Deadline>) {
        self.seen().deadlines.extend(deadlines);
    }

    /// Whether an output in this format was asked for.
    #[must_use]
    pub fn wants(&self, format: Format) -> bool {
        self.settings.formats.iter().any(|request| request.format == format)
    }

    /// Says for which moment is judged, where it is not the start: a forecast.
    pub fn judged_for(&self, at: Timestamp) {
        self.seen().judged_at = Some(at);
    }

    /// Sets the timeline; a later call replaces it.
    pub fn timeline(&self, timeline: Timeline) {
        self.seen().timeline = timeline;
    }

    /// Adds a chart.
    pub fn chart(&self, chart: Chart) {
        self.seen().charts.push(chart);
    }

    /// Keeps a text, redacted.
    pub fn detail(&self, title: impl Into<String>, text: &str) {
        let mut seen = self.seen();
        let text = redact::text(&seen.mask.text(text));
        seen.details.push(Detail { title: title.into(), text });
    }

    /// Proposes a note that people complete: it is put under the evidence file's notes, unless one with its heading
    /// stands there already. It is no part of the record.
    pub fn propose_note(&self, template: Template) {
        self.seen().templates.push(template);
    }

    /// Keeps these secrets out of the texts that are kept from now on, and out of the recorded command line.
    pub fn hide(&self, mask: Mask) {
        self.seen().mask = mask;
    }

    /// Counts findings that are not kept one by one: more of them than anybody reads. None may be worse than what
    /// is kept.
    pub fn counted(&self, check: &'static Check, outcome: Outcome, number: u64) {
        self.seen().counted.push(Unlisted { check, outcome, number });
    }

    /// Adds the digest of a file that was read elsewhere.
    pub fn attach(&self, attachment: Attachment) {
        self.seen().attachments.push(attachment);
    }

    /// Adds a file's digest.
    pub fn attachment(&self, name: impl Into<String>, content: &[u8]) {
        let sha256 = hex(&Sha256::digest(content));
        self.seen().attachments.push(Attachment { name: name.into(), sha256, bytes: content.len() as u64 });
    }

    /// Notes a fact that binds the environment to the world (system identifier, host name, …).
    pub fn fact(&self, name: impl Into<String>, value: impl Into<String>) {
        self.seen().facts.push((name.into(), value.into()));
    }

    /// Says where the run really takes place: an embedded source makes it local whatever the flags say.
    pub fn is_really(&self, environment: Environment) {
        self.seen().environment = Some(environment);
    }

    /// Gives the evidence another title, one that says more than the default.
    pub fn retitle(&self, title: impl Into<String>) {
        self.seen().title = Some(title.into());
    }

    /// Ends the run: what was seen becomes a report. The run's folder is removed.
    pub fn finish(mut self) -> Finished {
        self.watchers.abort_all();
        self.progress.clear();
        let seen = std::mem::take(&mut *self.seen());
        let finished = Timestamp::now();
        let valid_until = finished
            .checked_add(jiff::SignedDuration::try_from(self.settings.valid_for).unwrap_or_default())
            .unwrap_or(Timestamp::MAX);
        let (mut findings, mut unlisted) = seen.findings.end();
        unlisted.extend(seen.counted);
        let judged_at = seen.judged_at.unwrap_or(self.started);
        let is_shard = seen.facts.iter().any(|(name, _)| name == SHARD_FACT);
        let extent = if is_shard || self.stop.reason().is_some() { Extent::Part } else { Extent::Whole };
        let told = waivers::apply(&self.settings.waivers, &mut findings, judged_at, extent);
        findings.extend(told);
        let mut report = Report {
            tool: self.tool,
            run: RunFacts {
                title: seen.title.unwrap_or_else(|| self.settings.title.clone()),
                environment: seen.environment.unwrap_or(self.settings.environment),
                facts: seen.facts,
                tracker_items: self.settings.tracker_items.clone(),
                started: self.started,
                finished,
                judged_at,
                valid_until,
                host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
                operator: operator(),
                owner: self.settings.owner.clone(),
                commit: self.commit.and_then(|commit| commit.join().ok().flatten()),
                command: redact::arguments(&command_line(self.tool.name))
                    .iter()
                    .map(|word| seen.mask.text(word))
                    .collect(),
                interrupted: self.stop.reason().map(ToString::to_string),
                previous: None,
            },
            findings,
            unlisted,
            owed: Vec::new(),
            measurements: seen.measurements,
            measurements_unlisted: 0,
            series: seen.series,
            deadlines: seen.deadlines,
            timeline: seen.timeline,
            charts: seen.charts,
            details: seen.details,
            attachments: seen.attachments,
        };
        seen.owed.settle(&mut report);
        report.sort();
        drop(self.folder);
        Finished::new(report, self.settings).proposing(seen.templates)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn job_lock(base: &Path, tool: &str, evidence: &Path) -> Result<Lock, RunError> {
    let jobs = base.join("jobs");
    fs_err::create_dir_all(&jobs).map_err(|source| RunError::folder(&jobs, source))?;
    let digest = hex(&Sha256::digest(evidence.as_os_str().as_encoded_bytes()));
    let path = jobs.join(format!("{tool}-{}.lock", &digest[..16]));
    let holder = format!(
        "{tool} for {}, process {}, since {}",
        evidence.display(),
        std::process::id(),
        Timestamp::now()
    );
    let lock = Lock::take(&path, &holder).map_err(|source| RunError::folder(&path, source))?;
    lock.map_err(|held| RunError::Overlap { holder: held.holder })
}

fn operator() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

fn command_line(tool: &str) -> Vec<String> {
    let arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(tool.to_owned()).chain(arguments).collect()
}
