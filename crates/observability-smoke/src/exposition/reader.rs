//! The reader: lines in, the rules of one format applied to them, a [`Reading`] at the end.

use std::{collections::BTreeMap, fmt};

use super::{
    lines::{LONGEST_LINE, Lines, Piece},
    problem::{Fault, Ingestion, Problem, Problems, Rule, Weight},
    prometheus::Prometheus,
    sample::Sample,
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
    /// The first of the problems, in the order in which they were found.
    pub problems: Vec<Problem>,
    /// What Prometheus would do with it.
    pub ingestion: Ingestion,
}

impl Reading {
    /// Whether it is valid by the specification.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.count(Weight::Invalid) == 0
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

#[derive(Debug)]
struct State {
    engine: Prometheus,
    bytes: u64,
    number: u64,
    last_byte: Option<u8>,
}

impl Reader {
    /// A reader of this format.
    #[must_use]
    pub fn new(_syntax: Syntax) -> Self {
        let state = State { engine: Prometheus::default(), bytes: 0, number: 0, last_byte: None };
        Self { lines: Lines::default(), state }
    }

    /// Reads the next bytes. Every sample that is complete goes to `on_sample`.
    pub fn feed(&mut self, chunk: &[u8], on_sample: &mut dyn FnMut(&Sample<'_>)) {
        self.state.bytes += chunk.len() as u64;
        self.state.last_byte = chunk.last().copied().or(self.state.last_byte);
        let state = &mut self.state;
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
        state.engine.finish(state.number, &last, complete);
        let engine = &mut state.engine;
        let Problems { kept, counts, worst_ingestion } = std::mem::take(&mut engine.problems);
        Reading {
            syntax: Syntax::Prometheus,
            bytes: state.bytes,
            lines: state.number,
            families: engine.families,
            samples: engine.samples,
            counts,
            problems: kept,
            ingestion: worst_ingestion.unwrap_or(Ingestion::Whole),
        }
    }
}

impl State {
    fn piece(&mut self, piece: Piece<'_>, on_sample: &mut dyn FnMut(&Sample<'_>)) {
        self.number += 1;
        match piece {
            Piece::Line(line) => self.engine.line(self.number, line, on_sample),
            Piece::TooLong(start) => {
                let message = format!("the line is longer than {LONGEST_LINE} bytes");
                self.engine.problems.add(self.number, start, Fault::new(Rule::LineLength, 0, start.len(), message));
            }
        }
    }
}
