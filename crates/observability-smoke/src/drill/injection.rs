//! The fault: a fixture exporter on loopback that exposes an alert's series, and whose fault is switched.

use std::{fmt::Write, net::SocketAddr};

use tokio::sync::watch;

use super::{
    clock::Clock,
    loopback::{Answer, Server},
    series::{Series, Switches, display},
};

/// The media type of the Prometheus text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

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

#[derive(Debug, Clone, Copy, Default)]
struct State {
    switches: Switches,
    scrapes: Scrapes,
}

/// The exporter. Dropping it closes its port.
#[derive(Debug)]
pub(super) struct Fixture {
    server: Server,
    clock: Clock,
    state: watch::Sender<State>,
}

impl Fixture {
    /// Starts to expose the series, healthy.
    pub(super) async fn start(clock: Clock, series: Vec<Series>) -> std::io::Result<Self> {
        let started = clock.now();
        let (state, _) = watch::channel(State {
            switches: Switches { started, ..Switches::default() },
            scrapes: Scrapes::default(),
        });
        let scraped = state.clone();
        let handle = move |target: &str, _: &[u8]| match target {
            "GET /metrics" => scrape(&scraped, &clock, &series),
            _ => Answer::status(404),
        };
        Ok(Self { server: Server::start(handle).await?, clock, state })
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
        body = expose(series, &state.switches, now);
        state.scrapes.count += 1;
        state.scrapes.last = Some(now);
        if state.switches.fault.is_some_and(|fault| now > fault) && state.scrapes.faulty.is_none() {
            state.scrapes.faulty = Some(now);
        }
    });
    Answer { status: 200, content_type: TEXT_FORMAT, body }
}

/// The series in the Prometheus text format, at time `now`.
fn expose(series: &[Series], switches: &Switches, now: f64) -> String {
    let mut text = String::new();
    for one in series {
        if let Some(value) = one.value(switches, now) {
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
        assert_eq!(expose(&series, &switches, 1.0), "a +Inf\nc 2\n");
        assert_eq!(expose(&series, &switches, 4.0), "");
    }
}
