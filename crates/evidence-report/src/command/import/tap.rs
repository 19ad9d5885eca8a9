//! The Test Anything Protocol, versions 12 to 14: plan, test points, TODO and SKIP, subtests, bail out. A line at a
//! time. A subtest counts by the test point that sums it up; where that says ok and the subtest does not, it fails.

use std::io::{BufRead, BufReader, Read};

use super::{
    bounds::Utf8,
    told::{Account, Said, Sink, Told, Unreadable, short},
};

/// So much of a line is looked at.
const LINE: usize = 8 * 1024;

/// Subtests within subtests, at most.
const DEEPEST: usize = 30;

/// Reads one stream.
///
/// # Errors
/// When nothing in it is TAP, or it cannot be read.
pub fn read(source: impl Read, sink: Sink<'_>) -> Result<Account, Unreadable> {
    let mut lines = BufReader::new(Utf8::new(source));
    let mut stream = Stream {
        levels: vec![Level::default()],
        account: Account::default(),
        bailed: false,
        diagnostic: None,
    };
    let mut number = 0;
    while let Some(line) = next_line(&mut lines).map_err(|error| Unreadable::new(error.to_string()))? {
        number += 1;
        stream.line(&line, number, sink);
        if stream.bailed {
            break;
        }
    }
    stream.finish(sink)
}

/// The next line, cut to what is looked at.
fn next_line(source: &mut impl BufRead) -> std::io::Result<Option<String>> {
    let mut kept = Vec::new();
    let mut any = false;
    loop {
        let piece = source.fill_buf()?;
        if piece.is_empty() {
            return Ok(any.then(|| String::from_utf8_lossy(&kept).into_owned()));
        }
        any = true;
        let end = memchr::memchr(b'\n', piece);
        let length = end.unwrap_or(piece.len());
        let room = LINE.saturating_sub(kept.len()).min(length);
        kept.extend_from_slice(&piece[..room]);
        source.consume(end.map_or(length, |at| at + 1));
        if end.is_some() {
            return Ok(Some(String::from_utf8_lossy(&kept).into_owned()));
        }
    }
}

/// One level: the stream, or a subtest in it.
#[derive(Debug, Default)]
struct Level {
    plan: Option<u64>,
    plan_skips: Option<String>,
    plan_twice: bool,
    points: u64,
    failed: Vec<String>,
    number_failed: u64,
    wrong_number: bool,
    /// The test point that is not handed over yet: a diagnostic may follow it.
    open: Option<Told>,
}

/// What a subtest comes to.
struct Inner {
    trouble: Vec<String>,
}

struct Stream {
    levels: Vec<Level>,
    account: Account,
    bailed: bool,
    /// The indentation of the YAML block that we are in.
    diagnostic: Option<usize>,
}

impl Stream {
    fn line(&mut self, line: &str, number: u32, sink: Sink<'_>) {
        let line = line.trim_end();
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        if let Some(at) = self.diagnostic {
            return self.diagnostic(text, indent, at);
        }
        if text == "---" && indent % 4 == 2 {
            self.diagnostic = Some(indent);
            return;
        }
        if let Some(reason) = text.strip_prefix("Bail out!") {
            self.account.gap(format!("it bailed out in line {number}: {}", short(reason, 200)));
            self.bailed = true;
            return;
        }
        let Some(what) = Line::read(text) else { return };
        let depth = indent / 4;
        if indent % 4 != 0 || depth > DEEPEST || depth > self.levels.len() {
            return;
        }
        let inner = (depth + 1 < self.levels.len()).then(|| self.close_to(depth));
        while self.levels.len() <= depth {
            self.levels.push(Level::default());
        }
        match what {
            Line::Plan(tests, skips) => self.levels[depth].plan(tests, skips),
            Line::Point(point) => self.point(depth, &point, inner, sink),
        }
    }

    /// A YAML block: its `message` is worth keeping.
    fn diagnostic(&mut self, text: &str, indent: usize, at: usize) {
        if text == "..." && indent == at {
            self.diagnostic = None;
            return;
        }
        let depth = at / 4;
        let Some(message) = text.strip_prefix("message:").filter(|_| indent == at) else { return };
        if let Some(told) = self.levels.get_mut(depth).and_then(|level| level.open.as_mut()) {
            let message = message.trim().trim_matches(['"', '\'']);
            told.words = short(&format!("{}: {message}", told.words), 500);
        }
    }

    fn point(&mut self, depth: usize, point: &Point, inner: Option<Inner>, sink: Sink<'_>) {
        let top = depth == 0;
        let level = &mut self.levels[depth];
        let told = level.take(point, inner);
        if let Some(before) = level.open.replace(told).filter(|_| top) {
            sink(before);
        }
    }

    /// Ends the subtests below a level, and says what they come to.
    fn close_to(&mut self, depth: usize) -> Inner {
        let mut trouble = Vec::new();
        while self.levels.len() > depth + 1 {
            let Some(level) = self.levels.pop() else { break };
            trouble.extend(level.trouble());
            if level.number_failed > 0 {
                trouble.push(format!(
                    "{} of {} failed inside: {}",
                    level.number_failed,
                    level.points,
                    level.failed.join(", ")
                ));
            }
        }
        Inner { trouble }
    }

    fn finish(mut self, sink: Sink<'_>) -> Result<Account, Unreadable> {
        let left_open = self.levels.len() > 1;
        let inner = self.close_to(0);
        if left_open && !self.bailed {
            self.account.gap("it ends within a subtest that no test point sums up");
            inner.trouble.iter().for_each(|trouble| self.account.gap(trouble));
        }
        let Some(mut level) = self.levels.pop() else { return Ok(self.account) };
        if let Some(told) = level.open.take() {
            sink(told);
        }
        if level.points == 0 && level.plan.is_none() && !self.bailed && !left_open {
            return Err(Unreadable::new("nothing in it is TAP: no plan and no test point"));
        }
        if let Some(reason) = &level.plan_skips {
            sink(Told::new(Said::Skipped, "all tests", &format!("the plan skips them: {reason}")));
        }
        level.trouble().iter().for_each(|trouble| self.account.gap(trouble));
        if self.diagnostic.is_some() {
            self.account.gap("it ends within a diagnostic");
        }
        Ok(self.account)
    }
}

impl Level {
    fn plan(&mut self, tests: u64, skips: Option<String>) {
        self.plan_twice |= self.plan.is_some();
        self.plan = Some(tests);
        self.plan_skips =
            skips.filter(|_| tests == 0).or_else(|| (tests == 0).then(|| "no test is planned".into()));
    }

    fn take(&mut self, point: &Point, inner: Option<Inner>) -> Told {
        self.points += 1;
        self.wrong_number |= point.number.is_some_and(|number| number != self.points);
        let name = if point.name.is_empty() { format!("test {}", self.points) } else { point.name.clone() };
        let inner: Vec<_> = inner.into_iter().flat_map(|inner| inner.trouble).collect();
        let (said, words) = point.judge(&inner);
        if said == Said::Failed {
            self.number_failed += 1;
            if self.failed.len() < 5 {
                self.failed.push(short(&name, 80));
            }
        }
        Told::new(said, &name, &words)
    }

    /// What does not fit together.
    fn trouble(&self) -> Vec<String> {
        let mut trouble = Vec::new();
        match self.plan {
            None if self.points > 0 => {
                trouble.push("there is no plan: nobody knows how many tests there should be".into())
            }
            Some(plan) if plan != self.points => {
                trouble.push(format!("{plan} tests are planned, {} were made", self.points));
            }
            _ => {}
        }
        if self.plan_twice {
            trouble.push("there is more than one plan".into());
        }
        if self.wrong_number {
            trouble.push("the tests are not numbered one after the other".into());
        }
        trouble
    }
}

/// A line that counts.
enum Line {
    Plan(u64, Option<String>),
    Point(Point),
}

/// A test point.
struct Point {
    ok: bool,
    number: Option<u64>,
    name: String,
    todo: Option<String>,
    skip: Option<String>,
}

impl Line {
    fn read(text: &str) -> Option<Self> {
        if let Some(plan) = text.strip_prefix("1..") {
            let digits = plan.bytes().take_while(u8::is_ascii_digit).count();
            let tests = plan[..digits].parse().ok()?;
            let (_, directive) = split_directive(&plan[digits..]);
            let reason = directive.map(|text| strip_word(text, "skip").unwrap_or(text).trim().to_owned());
            return Some(Self::Plan(tests, reason));
        }
        let (ok, rest) = match text.strip_prefix("not ok") {
            Some(rest) => (false, rest),
            None => (true, text.strip_prefix("ok")?),
        };
        if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
            return None;
        }
        let rest = rest.trim_start();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let is_number = rest[digits..].is_empty() || rest[digits..].starts_with([' ', '\t']);
        let digits = if is_number { digits } else { 0 };
        let (name, directive) = split_directive(&rest[digits..]);
        let name = name.trim().trim_start_matches("- ").replace("\\#", "#").replace("\\\\", "\\");
        Some(Self::Point(Point {
            ok,
            number: rest[..digits].parse().ok(),
            name: name.trim().trim_end_matches('{').trim().to_owned(),
            todo: directive.and_then(|text| strip_word(text, "todo")).map(str::to_owned),
            skip: directive.and_then(|text| strip_word(text, "skip")).map(str::to_owned),
        }))
    }
}

/// A directive stands behind a `#` with a blank before it, and without a backslash.
fn split_directive(text: &str) -> (&str, Option<&str>) {
    for (at, _) in text.match_indices('#') {
        let before = &text[..at];
        let directive = text[at + 1..].trim_start();
        let is_directive = strip_word(directive, "todo").or_else(|| strip_word(directive, "skip")).is_some();
        if is_directive && (before.is_empty() || before.ends_with([' ', '\t'])) {
            return (before, Some(directive));
        }
    }
    (text, None)
}

/// `SKIP: reason`, `skipped reason`, `TODO reason` without its word.
fn strip_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let head = text.get(..word.len())?;
    if !head.eq_ignore_ascii_case(word) {
        return None;
    }
    let rest = &text[word.len()..];
    let rest =
        if word == "skip" { rest.trim_start_matches(|char: char| char.is_ascii_alphabetic()) } else { rest };
    let ends = rest.is_empty() || rest.starts_with([' ', '\t', ':', '(', '-']);
    ends.then(|| rest.trim_start_matches([' ', '\t', ':']))
}

impl Point {
    fn judge(&self, inner: &[String]) -> (Said, String) {
        let with = |word: &str, reason: &str| {
            if reason.trim().is_empty() { word.to_owned() } else { format!("{word}: {}", reason.trim()) }
        };
        match (&self.skip, &self.todo) {
            (Some(reason), _) => (Said::Skipped, with("skipped", reason)),
            (None, Some(reason)) if self.ok => (Said::Warned, with("ok, and still marked as to do", reason)),
            (None, Some(reason)) => (Said::Skipped, with("to do", reason)),
            (None, None) if !self.ok => (
                Said::Failed,
                if inner.is_empty() { "not ok".into() } else { format!("not ok: {}", inner.join("; ")) },
            ),
            (None, None) if inner.is_empty() => (Said::Passed, "ok".into()),
            (None, None) => {
                (Said::Failed, format!("it says ok, and its subtest does not: {}", inner.join("; ")))
            }
        }
    }
}
