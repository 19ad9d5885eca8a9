//! The fault: a fixture exporter that exposes an alert's series, and whose fault is switched; or a command of
//! the user's.

use std::{fmt::Write, net::SocketAddr};

use evidence_report::run::Run;
use tokio::sync::{Mutex, watch};

use super::{
    clock::Clock,
    fixture::as_scraped,
    hooks::{self, Caused, Hooks},
    loopback::{Answer, Server},
    series::{Series, Switches, display, is_plain},
    watch::Snapshot,
};

/// The media type of the Prometheus text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The same with names in quotes, as Prometheus 3 reads it.
const TEXT_FORMAT_WITH_ANY_NAMES: &str = "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8";

/// How an alert's fault is made.
#[derive(Debug)]
pub(super) enum Injection {
    /// By series of ours.
    Fixture(Fixture),
    /// By commands; while the fault lasts, what is needed to end it.
    Hook(Hooks, Mutex<Option<Caused>>),
}

impl Injection {
    /// Makes ready for another trial.
    pub(super) fn rearm(&self) {
        if let Self::Fixture(fixture) = self {
            fixture.rearm();
        }
    }

    /// How often the series were scraped. Of the user's own exporter only the last scrape is known: once all its
    /// targets were scraped, that is enough.
    pub(super) fn scrapes(&self, seen: &Snapshot, clock: Clock) -> u64 {
        match self {
            Self::Fixture(fixture) => fixture.scrapes().count,
            Self::Hook(hooks, _) => {
                let times = times(hooks, seen, clock);
                if !times.is_empty() && times.iter().all(|at| *at > 0.0) {
                    u64::from(super::prediction::BASELINE_SCRAPES)
                } else {
                    0
                }
            }
        }
    }

    /// When the fault was first scraped, where it was. Of the user's own exporter: when all its targets had been
    /// scraped after it.
    pub(super) fn first_scrape_after(&self, seen: &Snapshot, clock: Clock, fault: f64) -> Option<f64> {
        match self {
            Self::Fixture(fixture) => fixture.scrapes().faulty,
            Self::Hook(hooks, _) => {
                let times = times(hooks, seen, clock);
                let after = !times.is_empty() && times.iter().all(|at| *at > fault);
                after.then(|| times.into_iter().fold(fault, f64::max))
            }
        }
    }

    /// Makes the fault, and says when.
    pub(super) async fn cause(&self, run: &Run, clock: Clock, alert: &str) -> Result<f64, String> {
        match self {
            Self::Fixture(fixture) => Ok(fixture.switch_on()),
            Self::Hook(hooks, held) => {
                let (at, caused) = hooks::cause(run, clock, alert, hooks).await?;
                *held.lock().await = Some(caused);
                Ok(at)
            }
        }
    }

    /// Ends the fault, and says when.
    pub(super) async fn clear(&self, run: &Run, clock: Clock) -> Result<f64, String> {
        match self {
            Self::Fixture(fixture) => Ok(fixture.clear()),
            Self::Hook(..) => {
                self.end_if_caused(run).await?;
                Ok(clock.now())
            }
        }
    }

    /// Ends a real fault that is still there.
    pub(super) async fn end_if_caused(&self, run: &Run) -> Result<(), String> {
        let Self::Hook(hooks, held) = self else { return Ok(()) };
        match held.lock().await.take() {
            Some(caused) => hooks::end(run, hooks, caused).await,
            None => Ok(()),
        }
    }
}

/// When each target of a hook's jobs was last scraped.
fn times(hooks: &Hooks, seen: &Snapshot, clock: Clock) -> Vec<f64> {
    let ours = |pool: &str| hooks.scrape.iter().any(|scrape| scrape.job == pool);
    let targets = seen.targets.iter().filter(|target| ours(&target.scrape_pool));
    targets.map(|target| clock.of(target.last_scrape)).collect()
}

/// What was scraped so far; times in seconds on the drill's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Scrapes {
    /// How often the series were served.
    pub(super) count: u64,
    /// When they were served last.
    pub(super) last: Option<f64>,
    /// When they were first served with the fault.
    pub(super) faulty: Option<f64>,
}

#[derive(Debug, Clone, Default)]
struct State {
    switches: Switches,
    scrapes: Scrapes,
    /// Where each series stood when `switches.started` was.
    bases: Vec<f64>,
    /// Whether nothing is exposed any more.
    withdrawn: bool,
}

/// The exporter. Dropping it closes its port.
#[derive(Debug)]
pub(super) struct Fixture {
    server: Server,
    clock: Clock,
    series: Vec<Series>,
    state: watch::Sender<State>,
}

impl Fixture {
    /// Starts to expose the series, healthy, on a free port of loopback or where it is told. Each carries its
    /// own job and instance: one target is scraped for each alert, and the alerts shall not tell them apart.
    pub(super) async fn start(
        clock: Clock,
        series: Vec<Series>,
        listen: Option<SocketAddr>,
    ) -> std::io::Result<Self> {
        let started = clock.now();
        let bases = vec![0.0; series.len()];
        let (state, _) = watch::channel(State {
            switches: Switches { started, ..Switches::default() },
            scrapes: Scrapes::default(),
            bases,
            withdrawn: false,
        });
        let scraped = state.clone();
        let exposed: Vec<_> =
            series.iter().map(|one| Series { labels: as_scraped(&one.labels), ..one.clone() }).collect();
        let handle = move |target: &str, _: &[u8]| match target {
            "GET /metrics" => scrape(&scraped, &clock, &exposed),
            _ => Answer::status(404),
        };
        let server = match listen {
            None => Server::start(handle).await?,
            Some(address) => Server::start_at(address, handle).await?,
        };
        Ok(Self { server, clock, series, state })
    }

    /// Where it is scraped.
    pub(super) const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What was scraped so far.
    pub(super) fn scrapes(&self) -> Scrapes {
        self.state.borrow().scrapes
    }

    /// Switches the fault on, and says when.
    pub(super) fn switch_on(&self) -> f64 {
        let now = self.clock.now();
        self.state.send_modify(|state| state.switches.fault = Some(now));
        now
    }

    /// Makes ready for another trial: healthy again from now on, counters going on where they stand.
    pub(super) fn rearm(&self) {
        let now = self.clock.now();
        self.state.send_modify(|state| {
            for (one, base) in self.series.iter().zip(&mut state.bases) {
                *base = one.value_from(*base, &state.switches, now).unwrap_or(*base);
            }
            state.switches = Switches { started: now, ..Switches::default() };
            state.scrapes = Scrapes::default();
        });
    }

    /// Exposes nothing any more, and goes on answering: the target is not down.
    pub(super) fn withdraw(&self) {
        self.state.send_modify(|state| state.withdrawn = true);
    }

    /// Switches the fault off again, and says when.
    pub(super) fn clear(&self) -> f64 {
        let now = self.clock.now();
        self.state.send_modify(|state| state.switches.cleared = Some(now));
        now
    }
}

/// Serves the series as they are now. The switch and the scrape exclude each other: a scrape shows either
/// the healthy values or the faulty ones, never some of each.
fn scrape(state: &watch::Sender<State>, clock: &Clock, series: &[Series]) -> Answer {
    let mut body = String::new();
    state.send_modify(|state| {
        let now = clock.now();
        if !state.withdrawn {
            body = expose(series, &state.bases, &state.switches, now);
        }
        state.scrapes.count += 1;
        state.scrapes.last = Some(now);
        if state.switches.fault.is_some_and(|fault| now > fault) && state.scrapes.faulty.is_none() {
            state.scrapes.faulty = Some(now);
        }
    });
    let plain = series.iter().all(|one| is_plain(&one.labels));
    let content_type = if plain { TEXT_FORMAT } else { TEXT_FORMAT_WITH_ANY_NAMES };
    Answer { status: 200, content_type, body }
}

/// The series in the Prometheus text format, at time `now`.
fn expose(series: &[Series], bases: &[f64], switches: &Switches, now: f64) -> String {
    let mut text = String::new();
    for (one, base) in series.iter().zip(bases) {
        if let Some(value) = one.value_from(*base, switches, now) {
            let value = match value {
                value if value.is_nan() => "NaN".to_owned(),
                f64::INFINITY => "+Inf".to_owned(),
                f64::NEG_INFINITY => "-Inf".to_owned(),
                value => value.to_string(),
            };
            let _ = writeln!(text, "{} {value}", display(&one.labels));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::series::{Behaviour, Labels};
    use super::*;

    #[test]
    fn what_is_absent_is_not_exposed_and_infinities_are_written_as_prometheus_reads_them() {
        let named = |name: &str, healthy| Series {
            labels: Labels::from([("__name__".into(), name.into())]),
            healthy,
            faulty: Behaviour::Absent,
        };
        let series = [
            named("a", Behaviour::Constant(f64::INFINITY)),
            named("b", Behaviour::Absent),
            named("c", Behaviour::Growing(2.0)),
        ];
        let switches = Switches { started: 0.0, fault: Some(3.0), cleared: None };
        assert_eq!(expose(&series, &[0.0; 3], &switches, 1.0), "a +Inf\nc 2\n");
        assert_eq!(expose(&series, &[0.0; 3], &switches, 4.0), "");
    }
}
