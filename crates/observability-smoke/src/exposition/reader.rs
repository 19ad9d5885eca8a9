//! The reader: lines in, the rules of one format applied to them, a [`Reading`] at the end.

use std::{collections::BTreeMap, fmt};

use super::{
    lines::{LONGEST_LINE, Lines, Piece},
    openmetrics::OpenMetrics,
    problem::{Fault, Ingestion, Problem, Problems, Release, Rule, Taken, Weight},
    prometheus::Prometheus,
    sample::Sample,
    scan::QuotedNames,
};

/// A format of expositions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// The Prometheus text format 0.0.4, with the quoted names of 1.0.0.
    Prometheus,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prometheus => "Prometheus text",
            Self::OpenMetrics => "OpenMetrics",
        })
    }
}

/// What came of reading an exposition.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The format it was read as.
    pub syntax: Syntax,
    /// How many bytes there were.
    pub bytes: u64,
    /// How many lines.
    pub lines: u64,
    /// How many metric families.
    pub families: u64,
    /// How many samples without an error of syntax.
    pub samples: u64,
    /// How often each rule was broken.
    pub counts: BTreeMap<Rule, u64>,
    /// The first of the problems, in the order of their lines.
    pub problems: Vec<Problem>,
    /// What Prometheus would do with it, in one word: the worst of all.
    pub ingestion: Ingestion,
    /// What is worst to 2.42, and what is worst to 3.
    worst: [Option<Problem>; 2],
}

impl Reading {
    /// Whether it is valid by the specification.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.count(Weight::Invalid) == 0
    }

    /// What this release of Prometheus would do with it, and the first problem for which it would.
    #[must_use]
    pub fn taken(&self, release: Release) -> (Taken, Option<&Problem>) {
        let [older, newer] = &self.worst;
        let worst = if release == Release::Older { older } else { newer };
        (worst.as_ref().map_or(Taken::Whole, |problem| problem.ingestion.by(release)), worst.as_ref())
    }

    /// How many problems of this weight there are.
    #[must_use]
    pub fn count(&self, weight: Weight) -> u64 {
        self.counts.iter().filter(|(rule, _)| rule.weight() == weight).map(|(_, count)| count).sum()
    }
}

/// Reads one exposition.
#[derive(Debug)]
pub struct Reader {
    lines: Lines,
    state: State,
}

#[derive(Debug, Default)]
struct State {
    /// At least one of the two reads.
    prometheus: Option<Prometheus>,
    openmetrics: Option<OpenMetrics>,
    bytes: u64,
    number: u64,
    last_byte: Option<u8>,
    /// Whether the last line that is not empty was `# EOF`; kept only while both read.
    at_eof: bool,
}

impl Reader {
    /// A reader of this format.
    #[must_use]
    pub fn new(syntax: Syntax) -> Self {
        let state = match syntax {
            Syntax::Prometheus => State { prometheus: Some(Prometheus::default()), ..State::default() },
            Syntax::OpenMetrics => State { openmetrics: Some(OpenMetrics::default()), ..State::default() },
        };
        Self { lines: Lines::default(), state }
    }

    /// A reader that reads both formats at once, and decides by the last line that is not empty: `# EOF` makes it
    /// OpenMetrics.
    /// Samples come as the Prometheus text format has them.
    #[must_use]
    pub fn detecting() -> Self {
        let (prometheus, openmetrics) = (Some(Prometheus::default()), Some(OpenMetrics::default()));
        Self { lines: Lines::default(), state: State { prometheus, openmetrics, ..State::default() } }
    }

    /// The same for an answer to a scraper that asked for quoted names (`escaping=allow-utf-8`, as Prometheus 3 does):
    /// these are no fault then, also in OpenMetrics.
    #[must_use]
    pub fn with_quoted_names(mut self) -> Self {
        if let Some(engine) = &mut self.state.prometheus {
            engine.quoted_names = QuotedNames::Asked;
        }
        if let Some(engine) = &mut self.state.openmetrics {
            engine.quoted_names = QuotedNames::Asked;
        }
        self
    }

    /// Reads the next bytes. Every sample that is complete goes to `on_sample`.
    pub fn feed(&mut self, chunk: &[u8], on_sample: &mut dyn FnMut(&Sample<'_>)) {
        let state = &mut self.state;
        state.bytes += chunk.len() as u64;
        state.last_byte = chunk.last().copied().or(state.last_byte);
        self.lines.feed(chunk, |piece| state.piece(piece, on_sample));
    }

    /// Ends the reading.
    pub fn finish(mut self, on_sample: &mut dyn FnMut(&Sample<'_>)) -> Reading {
        let mut last = Vec::new();
        let state = &mut self.state;
        self.lines.finish(|piece| {
            if let Piece::Line(line) = piece {
                last = line.to_vec();
            }
            state.piece(piece, on_sample);
        });
        let complete = state.last_byte.is_none_or(|byte| byte == b'\n');
        let number = state.number;
        let (syntax, families, samples, mut problems) =
            match (state.prometheus.take(), state.openmetrics.take()) {
                (Some(mut engine), other) if other.is_none() || !state.at_eof => {
                    engine.finish(number, &last, complete, on_sample);
                    (Syntax::Prometheus, engine.families, engine.samples, engine.problems)
                }
                (_, other) => {
                    let mut engine = other.unwrap_or_default();
                    engine.finish(number);
                    (Syntax::OpenMetrics, engine.families, engine.samples, engine.problems)
                }
            };
        let worst = problems.take_worst();
        let Problems { mut kept, counts, .. } = problems;
        kept.sort_by_key(|problem| (problem.line, problem.column));
        let ingestion = worst.iter().flatten().map(|problem| problem.ingestion).max();
        Reading {
            syntax,
            bytes: state.bytes,
            lines: number,
            families,
            samples,
            counts,
            problems: kept,
            ingestion: ingestion.unwrap_or(Ingestion::Whole),
            worst,
        }
    }
}

impl State {
    fn piece(&mut self, piece: Piece<'_>, on_sample: &mut dyn FnMut(&Sample<'_>)) {
        self.number += 1;
        match (&mut self.prometheus, &mut self.openmetrics) {
            (Some(engine), None) => engine.piece(self.number, piece, on_sample),
            (None, Some(engine)) => engine.piece(self.number, piece, on_sample),
            (Some(one), Some(other)) => {
                self.at_eof = match piece {
                    Piece::Line(line) if line.trim_ascii().is_empty() => self.at_eof,
                    Piece::Line(line) => line.trim_ascii_end() == b"# EOF",
                    Piece::TooLong(_) => false,
                };
                other.piece(self.number, piece, &mut |_| {});
                one.piece(self.number, piece, on_sample);
            }
            (None, None) => {}
        }
    }
}

impl Prometheus {
    fn piece(&mut self, number: u64, piece: Piece<'_>, on_sample: &mut dyn FnMut(&Sample<'_>)) {
        match piece {
            Piece::Line(line) => self.line(number, line, on_sample),
            Piece::TooLong(start) => {
                self.let_go_of_all(on_sample);
                self.problems.add(number, start, too_long(start));
            }
        }
    }
}

impl OpenMetrics {
    fn piece(&mut self, number: u64, piece: Piece<'_>, on_sample: &mut dyn FnMut(&Sample<'_>)) {
        match piece {
            Piece::Line(line) => self.line(number, line, on_sample),
            Piece::TooLong(start) => self.problems.add(number, start, too_long(start)),
        }
    }
}

fn too_long(start: &[u8]) -> Fault {
    Fault::new(Rule::LineLength, 0, start.len(), format!("the line is longer than {LONGEST_LINE} bytes"))
}
