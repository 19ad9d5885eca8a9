//! The series that a fault is made of: how each behaves while all is well, and how while the fault lasts.
//! Pure: the fixture exporter serves these values, and the prediction computes with the very same.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::rules::refusal::is_classic;

/// The labels of a series; the metric's name is `__name__`.
pub(crate) type Labels = BTreeMap<String, String>;

/// How a series behaves.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Behaviour {
    /// It has no sample.
    Absent,
    /// It stays at a value.
    Constant(f64),
    /// It grows from where it stands, by so much a second.
    Growing(f64),
    /// The same of a gauge, which may fall: what a fault made of it is undone when the fault is over.
    Sloping(f64),
    /// It takes these values, one an interval (in seconds), and then goes on as its last step did.
    Steps {
        /// Seconds from one value to the next.
        interval: f64,
        /// The values; `None` where there is no sample.
        values: Vec<Option<f64>>,
    },
}

impl Behaviour {
    /// The value `elapsed` seconds after the behaviour began on a series that stood at `base`.
    #[must_use]
    pub(crate) fn value(&self, base: f64, elapsed: f64) -> Option<f64> {
        match self {
            Self::Absent => None,
            Self::Constant(value) => Some(*value),
            Self::Growing(per_second) | Self::Sloping(per_second) => Some(base + per_second * elapsed),
            Self::Steps { interval, values } => step(values, elapsed / interval),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "counts of samples"
)]
fn step(values: &[Option<f64>], position: f64) -> Option<f64> {
    let index = position.max(0.0) as usize;
    let last = values.len().checked_sub(1)?;
    if index <= last {
        return values[index];
    }
    let end = values[last]?;
    let slope = last.checked_sub(1).and_then(|before| values[before]).map_or(0.0, |before| end - before);
    Some(end + slope * (index - last) as f64)
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("absent"),
            Self::Constant(value) => write!(f, "{value}"),
            Self::Growing(per_second) | Self::Sloping(per_second) => write!(f, "{per_second}/s"),
            Self::Steps { interval, values } => write!(f, "{} values, one every {interval} s", values.len()),
        }
    }
}

/// One series of a fixture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    /// Its labels, the name among them.
    pub(crate) labels: Labels,
    /// How it behaves while all is well.
    pub(crate) healthy: Behaviour,
    /// How it behaves while the fault lasts.
    pub(crate) faulty: Behaviour,
}

impl Series {
    /// The series as PromQL writes it.
    #[must_use]
    pub(crate) fn name(&self) -> String {
        display(&self.labels)
    }
}

/// Writes labels as PromQL and the exposition format do; a name that is no plain word stands in quotes and braces, as
/// Prometheus 3 reads it.
#[must_use]
pub(crate) fn display(labels: &Labels) -> String {
    let quoted =
        |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
    let name = labels.get("__name__").map_or("", String::as_str);
    let plain = name.is_empty() || is_classic(name, true);
    let first = (!plain).then(|| quoted(name));
    let others = labels.iter().filter(|(label, _)| *label != "__name__").map(|(label, value)| {
        let label = if is_classic(label, false) { label.clone() } else { quoted(label) };
        format!("{label}={}", quoted(value))
    });
    let within: Vec<_> = first.into_iter().chain(others).collect();
    let name = if plain { name } else { "" };
    if within.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", within.join(",")) }
}

/// Whether Prometheus before 3 can scrape series of these labels.
#[must_use]
pub(crate) fn is_plain(labels: &Labels) -> bool {
    let named = |(label, value): (&String, &String)| {
        is_classic(label, false) && (label != "__name__" || is_classic(value, true))
    };
    labels.iter().all(named)
}

/// What has happened to the fixture so far, in seconds on one clock.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Switches {
    /// When the series began.
    pub(crate) started: f64,
    /// When the fault was switched on.
    pub(crate) fault: Option<f64>,
    /// When it was switched off again.
    pub(crate) cleared: Option<f64>,
}

impl Series {
    /// The value at time `at` of a series that began at zero.
    #[must_use]
    pub(crate) fn value(&self, switches: &Switches, at: f64) -> Option<f64> {
        self.value_from(0.0, switches, at)
    }

    /// The value at time `at` of a series that stood at `base` when it began.
    #[must_use]
    pub(crate) fn value_from(&self, base: f64, switches: &Switches, at: f64) -> Option<f64> {
        let Some(fault) = switches.fault.filter(|fault| at > *fault) else {
            return self.healthy.value(base, at - switches.started);
        };
        let began = base;
        let base = self.healthy.value(base, fault - switches.started).unwrap_or(base);
        let Some(cleared) = switches.cleared.filter(|cleared| at > *cleared) else {
            return self.faulty.value(base, at - fault);
        };
        if [&self.healthy, &self.faulty].iter().any(|one| matches!(one, Behaviour::Sloping(_))) {
            return self.healthy.value(began, at - switches.started);
        }
        let base = self.faulty.value(base, cleared - fault).unwrap_or(base);
        self.healthy.value(base, at - cleared)
    }
}

/// A behaviour as it is written in a configuration file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Written {
    /// A value that stays.
    Number(f64),
    /// `5/s` grows by 5 a second; `absent` has no sample; a number in quotes stays.
    Text(String),
}

impl Written {
    /// What it means.
    ///
    /// # Errors
    /// A sentence that says what may be written.
    pub(crate) fn behaviour(&self) -> Result<Behaviour, String> {
        let text = match self {
            Self::Number(value) => return Ok(Behaviour::Constant(*value)),
            Self::Text(text) => text.trim(),
        };
        let wrong = || format!("'{text}' is no behaviour; write a number, a growth as 5/s, or absent");
        match (text, text.strip_suffix("/s")) {
            ("absent", _) => Ok(Behaviour::Absent),
            (_, Some(growth)) => growth.trim().parse().map(Behaviour::Growing).map_err(|_| wrong()),
            _ => text.parse().map(Behaviour::Constant).map_err(|_| wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(healthy: Behaviour, faulty: Behaviour) -> Series {
        Series { labels: Labels::from([("__name__".into(), "x".into())]), healthy, faulty }
    }

    #[test]
    fn a_counter_never_jumps_when_the_fault_is_switched() {
        let counter = series(Behaviour::Growing(1.0), Behaviour::Growing(10.0));
        let switches = Switches { started: 0.0, fault: Some(5.0), cleared: Some(7.0) };
        let at = |t| counter.value(&switches, t).unwrap();
        assert_eq!([at(5.0), at(6.0), at(7.0), at(8.0)], [5.0, 15.0, 25.0, 26.0]);
    }

    #[test]
    fn a_gauge_stands_after_the_fault_as_if_there_had_been_none() {
        let gauge = series(Behaviour::Sloping(1.0), Behaviour::Sloping(-10.0));
        let switches = Switches { started: 0.0, fault: Some(5.0), cleared: Some(7.0) };
        let at = |t| gauge.value_from(100.0, &switches, t).unwrap();
        assert_eq!([at(5.0), at(6.0), at(7.0), at(8.0)], [105.0, 95.0, 85.0, 108.0]);
        let full = series(Behaviour::Sloping(1.0), Behaviour::Constant(1e6));
        assert_eq!(full.value_from(100.0, &switches, 8.0), Some(108.0));
    }

    #[test]
    fn a_counter_goes_on_where_it_stood_in_the_next_trial() {
        let counter = series(Behaviour::Growing(1.0), Behaviour::Growing(10.0));
        let first = Switches { started: 0.0, fault: Some(5.0), cleared: Some(7.0) };
        let base = counter.value(&first, 10.0).unwrap();
        let second = Switches { started: 10.0, fault: None, cleared: None };
        assert_eq!(counter.value_from(base, &second, 11.0), Some(base + 1.0));
    }

    #[test]
    fn steps_go_on_as_the_last_one_did() {
        let steps = Behaviour::Steps { interval: 60.0, values: vec![Some(0.0), None, Some(5.0), Some(15.0)] };
        let at = |t| steps.value(0.0, t);
        assert_eq!([at(59.0), at(60.0), at(120.0), at(239.0)], [Some(0.0), None, Some(5.0), Some(15.0)]);
        assert_eq!([at(240.0), at(300.0)], [Some(25.0), Some(35.0)]);
    }

    #[test]
    fn behaviours_are_written_as_people_think_of_them() {
        let read = |text: &str| Written::Text(text.into()).behaviour();
        assert_eq!(read("5/s"), Ok(Behaviour::Growing(5.0)));
        assert_eq!(read("absent"), Ok(Behaviour::Absent));
        assert_eq!(read("3"), Ok(Behaviour::Constant(3.0)));
        assert!(read("5/m").is_err());
    }

    #[test]
    fn label_values_are_escaped() {
        let labels = Labels::from([("__name__".into(), "x".into()), ("a".into(), "q\"\\\n".into())]);
        assert_eq!(display(&labels), "x{a=\"q\\\"\\\\\\n\"}");
        let labels = Labels::from([("__name__".into(), "a.b".into()), ("x y".into(), "z".into())]);
        assert_eq!(display(&labels), "{\"a.b\",\"x y\"=\"z\"}");
        assert!(!is_plain(&labels) && is_plain(&Labels::from([("__name__".into(), "a:b".into())])));
    }
}
