//! A setting that is good, and the faults that it is broken by: which text is exchanged for which, how its server
//! lies, which check has to catch it, and what that has to say.

use clap::ValueEnum;
use evidence_report::record::{Check, Outcome};

/// What a fault is about: the command that has to catch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Alerts that are drilled: needs Prometheus and Alertmanager.
    Drill,
    /// Rules and routes as they are written; unit tests need promtool.
    Rules,
    /// Rules joined with what runs.
    Join,
    /// Expositions.
    Metrics,
    /// Probes of services, metrics, Prometheus and Alertmanager.
    Run,
}

/// Something good: files, a server's answers, and the command that looks at them.
///
/// In files and words `{folder}` stands for the folder of the files, `{server}`, `{silent}` and `{closed}` for
/// addresses of loopback: of a server (`{port}` is its port), of a port that drops, of one that refuses; `{lately}`, `{now}`, `{soon}`,
/// `{later}` for times; `{0xff}` for a byte that is no UTF-8.
#[derive(Debug)]
pub(crate) struct Setting {
    /// What it is about.
    pub(crate) group: Group,
    /// What is good, in a few words.
    pub(crate) title: &'static str,
    /// Its files, by name.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// What its server answers; the first that fits.
    pub(crate) served: &'static [Served],
    /// What is typed after `observability-smoke`.
    pub(crate) words: &'static [&'static str],
}

/// An answer of the server: one of the setting's files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    /// The path of the request.
    pub(crate) path: &'static str,
    /// What its query must hold, decoded; empty where it may be any.
    pub(crate) asking: &'static str,
    /// Headers of the answer, each with its line end.
    pub(crate) headers: &'static str,
    /// The file that is the body.
    pub(crate) file: &'static str,
    /// The file from the second request on.
    pub(crate) again: &'static str,
}

/// An answer in JSON.
pub(crate) const fn json(path: &'static str, file: &'static str) -> Served {
    Served { path, asking: "", headers: "Content-Type: application/json\r\n", file, again: file }
}

impl Served {
    /// The same, for queries that hold this.
    pub(crate) const fn asking(mut self, asking: &'static str) -> Self {
        self.asking = asking;
        self
    }

    /// The same, with these headers.
    pub(crate) const fn with(mut self, headers: &'static str) -> Self {
        self.headers = headers;
        self
    }

    /// The same, with another file from the second request on.
    pub(crate) const fn then(mut self, again: &'static str) -> Self {
        self.again = again;
        self
    }
}

/// How a server answers a path that it does not want to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// With this status, and no sense.
    Status(u16),
    /// Not at all.
    Silence,
    /// After so many milliseconds.
    Late(u64),
    /// With half of the body that it announces.
    Cut,
    /// With a body that never ends.
    Endless,
    /// With a page of HTML.
    Page,
    /// With a redirect to itself.
    Loop,
    /// With other headers than the setting's.
    Headers(&'static str),
    /// As a WebSocket, with a wrong key.
    WrongKey,
    /// As a WebSocket that says nothing.
    Mute,
}

/// One fault of a setting.
#[derive(Debug)]
pub(crate) struct Fault {
    /// What is wrong, in a few words.
    pub(crate) title: &'static str,
    /// What it is a fault of.
    pub(crate) setting: &'static Setting,
    /// In which file which text is exchanged for which, wherever it stands.
    pub(crate) breaks: &'static [(&'static str, &'static str, &'static str)],
    /// Which paths the server does not answer as it should.
    pub(crate) lies: &'static [(&'static str, Lie)],
    /// The check that has to catch it.
    pub(crate) proves: &'static Check,
    /// What that check, and the run as a whole, have to come to.
    pub(crate) outcome: Outcome,
    /// What its subject and what it observed have to hold.
    pub(crate) says: &'static str,
}

/// A fault that is made by exchanging text.
pub(crate) const fn broken(
    title: &'static str,
    setting: &'static Setting,
    breaks: &'static [(&'static str, &'static str, &'static str)],
    proves: &'static Check,
    outcome: Outcome,
    says: &'static str,
) -> Fault {
    Fault { title, setting, breaks, lies: &[], proves, outcome, says }
}

impl Fault {
    /// The same, with a server that lies.
    pub(crate) const fn lying(mut self, lies: &'static [(&'static str, Lie)]) -> Self {
        self.lies = lies;
        self
    }
}
