//! Lines at whose end a quote is open. By the format a label's value has no line feed, and Prometheus reads on to the
//! closing quote all the same: whether it would take the sample is seen by reading the lines as one.

use super::{
    super::{
        problem::{Fault, Ingestion, Rule},
        sample::Sample,
        scan::{Scanner, Style},
    },
    Prometheus,
};

/// So many lines are taken together at most, and so many bytes: what a hostile text can make us read twice.
const MOST_LINES: usize = 64;
const MOST_BYTES: usize = 64 * 1024;

/// The lines so far.
#[derive(Debug)]
pub(super) struct Held {
    /// The number of the first one.
    number: u64,
    text: Vec<u8>,
    lines: usize,
    /// What is wrong with the first one if it is read for itself.
    fault: Fault,
}

impl Held {
    pub(super) fn new(number: u64, line: &[u8], fault: Fault) -> Self {
        Self { number, text: line.to_vec(), lines: 1, fault }
    }

    fn first_line(&self) -> &[u8] {
        self.text.split(|&byte| byte == b'\n').next().unwrap_or_default()
    }
}

impl Prometheus {
    /// Takes the next line to those that are held.
    pub(super) fn go_on(&mut self, mut held: Held, line: &[u8], on_sample: &mut dyn FnMut(&Sample<'_>)) {
        held.text.push(b'\n');
        held.text.extend_from_slice(line);
        held.lines += 1;
        let is_bounded = held.lines <= MOST_LINES && held.text.len() <= MOST_BYTES;
        if is_bounded && memchr::memchr(b'"', line).is_none() {
            self.held = Some(held);
            return;
        }
        let text = std::str::from_utf8(&held.text).ok().filter(|_| is_bounded);
        if let Some(text) = text {
            let mut scanner = Scanner::new(text, Style::Free, self.quoted_names);
            scanner.blanks();
            if self.sample(held.number, &mut scanner, on_sample).is_ok() {
                let first = held.first_line();
                let message = "a line feed between two quotes must be written \\n";
                let fault = Fault::new(Rule::LineFeed, held.fault.from, first.len(), message);
                self.problems.add(held.number, first, fault.ingestion(Ingestion::Whole));
                return;
            }
            if scanner.quote_is_open {
                self.held = Some(held);
                return;
            }
        }
        self.held = Some(held);
        self.held = self.let_go(on_sample);
    }

    /// Reads the lines that are held each for itself. Comes back with the last one where a quote is open in it.
    fn let_go(&mut self, on_sample: &mut dyn FnMut(&Sample<'_>)) -> Option<Held> {
        let held = self.held.take()?;
        self.problems.add(held.number, held.first_line(), held.fault.clone());
        let mut open: Option<Held> = None;
        for (number, line) in (held.number..).zip(held.text.split(|&byte| byte == b'\n')).skip(1) {
            if let Some(before) = open.take() {
                self.problems.add(before.number, &before.text, before.fault);
            }
            open = self.line_alone(number, line, on_sample);
        }
        open
    }

    /// The same where no further line may be taken to them.
    pub(in crate::exposition) fn let_go_of_all(&mut self, on_sample: &mut dyn FnMut(&Sample<'_>)) {
        if let Some(open) = self.let_go(on_sample) {
            self.problems.add(open.number, &open.text, open.fault);
        }
    }
}
