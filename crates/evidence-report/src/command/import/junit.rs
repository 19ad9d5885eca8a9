//! JUnit XML, in its dialects (Ant, Maven Surefire, Jenkins, pytest, GoogleTest, Mocha): suites within suites, each
//! test with what became of it. Streamed. A document type is refused: no report needs one, and entities are how
//! XML does harm.

use std::io::{BufReader, Read};

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{
    bounds::{Budget, Utf8},
    told::{Account, Said, Sink, Told, Unreadable, short},
};

/// Elements within elements, at most.
const DEEPEST: usize = 100;

/// So much of the text of a failure is looked at.
const TEXT: usize = 2_000;

/// Reads one report.
///
/// # Errors
/// When it is no JUnit report, or breaks off; what was told before still counts.
pub fn read(source: impl Read, sink: Sink<'_>) -> Result<Account, Unreadable> {
    let budget = Budget::new();
    let mut reader = Reader::from_reader(BufReader::new(budget.reader(Utf8::new(source))));
    reader.config_mut().allow_dangling_amp = true;
    let mut report =
        Report { sink, account: Account::default(), suites: Vec::new(), case: None, depth: 0, begun: false };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        budget.renew();
        let at = reader.buffer_position();
        let event = reader.read_event_into(&mut buffer).map_err(|error| at_byte(&error.to_string(), at))?;
        match event {
            Event::Start(element) => report.start(&element)?,
            Event::Empty(element) => {
                report.start(&element)?;
                report.end(element.local_name().as_ref());
            }
            Event::End(element) => report.end(element.local_name().as_ref()),
            Event::Text(text) => report.text(&text),
            Event::CData(text) => report.text(&text),
            Event::DocType(_) => {
                return Err(Unreadable::new(
                    "it declares a document type, which no test report needs: not read",
                ));
            }
            Event::Eof => return report.finish(),
            _ => {}
        }
    }
}

fn at_byte(why: &str, at: u64) -> Unreadable {
    Unreadable::new(short(&format!("{why} (byte {at})"), 300))
}

/// A suite that is open.
#[derive(Debug, Default)]
struct Suite {
    name: String,
    /// Tests and failures that its attributes count.
    declared: Option<u64>,
    declared_bad: Option<u64>,
    found: u64,
    bad: u64,
    has_suites: bool,
}

/// A test that is open.
#[derive(Debug)]
struct Case {
    subject: String,
    place: Option<(String, Option<u32>)>,
    said: Said,
    words: String,
    /// The words come from the text of the element that is open.
    listens: bool,
    depth: usize,
}

struct Report<'s> {
    sink: Sink<'s>,
    account: Account,
    suites: Vec<Suite>,
    case: Option<Case>,
    depth: usize,
    begun: bool,
}

impl Report<'_> {
    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), Unreadable> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Unreadable::new(format!("its elements are nested more than {DEEPEST} deep")));
        }
        let name = element.local_name();
        let name: &str = name.as_ref();
        if !self.begun && !matches!(name, "testsuites" | "testsuite") {
            return Err(Unreadable::new(short(
                &format!("it begins with <{name}>, not with <testsuites> or <testsuite>"),
                200,
            )));
        }
        self.begun = true;
        match name {
            "testsuites" | "testsuite" => self.start_suite(element, name == "testsuites"),
            "testcase" => self.start_case(element),
            "failure" | "error" => self.bad(element, name),
            "skipped" => self.become_one(element, Said::Skipped, "skipped"),
            "flakyFailure" | "flakyError" => {
                self.become_one(element, Said::Warned, "passed only when it was run again")
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str) {
        self.depth = self.depth.saturating_sub(1);
        match name {
            "testcase" => self.end_case(),
            "testsuites" | "testsuite" => self.end_suite(),
            _ => {
                if let Some(case) = &mut self.case {
                    case.listens = false;
                }
            }
        }
    }

    fn start_suite(&mut self, element: &BytesStart<'_>, outermost: bool) {
        if let Some(outer) = self.suites.last_mut() {
            outer.has_suites = true;
        }
        if let Some(at) = attribute(element, "timestamp").as_deref().and_then(moment) {
            self.account.made(at);
        }
        let number = |name: &str| attribute(element, name).and_then(|text| text.trim().parse::<u64>().ok());
        let bad = match (number("failures"), number("errors")) {
            (None, None) => None,
            (failures, errors) => Some(failures.unwrap_or(0).saturating_add(errors.unwrap_or(0))),
        };
        self.suites.push(Suite {
            name: attribute(element, "name").unwrap_or_default(),
            declared: number("tests"),
            declared_bad: bad,
            has_suites: outermost,
            ..Suite::default()
        });
    }

    fn end_suite(&mut self) {
        let Some(suite) = self.suites.pop() else { return };
        let name = if suite.name.trim().is_empty() { "without a name" } else { &suite.name };
        if suite.found == 0 && !suite.has_suites {
            self.account.gap(format!("the suite {name} holds no test"));
        } else if suite.declared.is_some_and(|declared| declared > suite.found) {
            let declared = suite.declared.unwrap_or_default();
            self.account.gap(format!("the suite {name} counts {declared} tests and holds {}", suite.found));
        }
        if suite.declared_bad.is_some_and(|declared| declared > suite.bad) {
            let declared = suite.declared_bad.unwrap_or_default();
            self.account.gap(format!("the suite {name} counts {declared} failures and shows {}", suite.bad));
        }
        if let Some(outer) = self.suites.last_mut() {
            outer.found += suite.found;
            outer.bad += suite.bad;
        }
    }

    fn start_case(&mut self, element: &BytesStart<'_>) {
        if self.case.is_some() {
            self.account.gap("a test stands within a test");
            self.end_case();
        }
        let of = |name: &str| {
            attribute(element, name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let suite = self.suites.iter().rev().map(|suite| suite.name.trim()).find(|name| !name.is_empty());
        let class = of("classname");
        let name = of("name").unwrap_or_else(|| "a test without a name".into());
        let mut words: Vec<&str> = suite.into_iter().collect();
        words.extend(class.as_deref().filter(|class| suite != Some(*class)));
        words.push(&name);
        let (said, because) = by_status(&of("status"), &of("result"));
        let line = of("line").and_then(|line| line.parse().ok());
        self.case = Some(Case {
            subject: short(&words.join(": "), 300),
            place: of("file").map(|file| (file, line)),
            said,
            words: because,
            listens: false,
            depth: self.depth,
        });
    }

    fn end_case(&mut self) {
        let Some(case) = self.case.take() else { return };
        if let Some(suite) = self.suites.last_mut() {
            suite.found += 1;
            suite.bad += u64::from(case.said == Said::Failed);
        }
        let words = case.words.trim().trim_end_matches(':');
        let words = if words.is_empty() { default_words(case.said) } else { words };
        let mut told = Told::new(case.said, &case.subject, words);
        if let Some((path, line)) = &case.place {
            told = told.at(path, *line);
        }
        (self.sink)(told);
    }

    fn bad(&mut self, element: &BytesStart<'_>, kind: &str) {
        if self.case.is_some() {
            return self.become_one(element, Said::Failed, kind);
        }
        // A suite that could not set itself up says so outside of any test.
        let Some(suite) = self.suites.last_mut() else { return };
        suite.bad += 1;
        let words = attribute(element, "message").unwrap_or_else(|| kind.to_owned());
        let told = Told::new(Said::Failed, &suite.name, &format!("{kind} of the suite: {words}"));
        (self.sink)(told);
    }

    /// The worst that is said of a test counts; its words are the message, or else the first line of the text.
    fn become_one(&mut self, element: &BytesStart<'_>, said: Said, word: &str) {
        let Some(case) = self.case.as_mut().filter(|case| case.depth + 1 == self.depth) else { return };
        let rank = |said: Said| match said {
            Said::Passed => 0,
            Said::Warned => 1,
            Said::Skipped => 2,
            Said::Undecided => 3,
            Said::Failed => 4,
        };
        if rank(said) < rank(case.said) || (said == Said::Failed && case.said == Said::Failed) {
            return;
        }
        case.said = said;
        let message = attribute(element, "message").filter(|text| !text.trim().is_empty());
        case.listens = message.is_none();
        case.words = message.map_or_else(|| format!("{word}: "), |message| format!("{word}: {message}"));
    }

    fn text(&mut self, text: &str) {
        let Some(case) = self.case.as_mut().filter(|case| case.listens) else { return };
        let Some(line) =
            text.get(..text.len().min(TEXT)).unwrap_or_default().lines().find(|line| !line.trim().is_empty())
        else {
            return;
        };
        case.words.push_str(line.trim());
        case.listens = false;
    }

    fn finish(mut self) -> Result<Account, Unreadable> {
        if !self.begun {
            return Err(Unreadable::new("it holds no XML element"));
        }
        if self.case.is_some() || !self.suites.is_empty() {
            self.end_case();
            return Err(Unreadable::new("it breaks off: not every suite is closed"));
        }
        Ok(self.account)
    }
}

/// What the attributes alone say: GoogleTest, and dialects without child elements.
fn by_status(status: &Option<String>, result: &Option<String>) -> (Said, String) {
    let words = [status, result].map(|word| word.as_deref().unwrap_or_default().to_ascii_lowercase());
    let any = |known: &[&str]| words.iter().find(|word| known.contains(&word.as_str()));
    if let Some(word) = any(&["failed", "failure", "fail", "error", "broken"]) {
        return (Said::Failed, format!("status {word}"));
    }
    let not_run =
        ["notrun", "not_run", "disabled", "skipped", "skip", "ignored", "suppressed", "pending", "blocked"];
    match any(&not_run) {
        Some(word) => (Said::Skipped, format!("status {word}")),
        None => (Said::Passed, String::new()),
    }
}

const fn default_words(said: Said) -> &'static str {
    match said {
        Said::Passed => "passed",
        Said::Warned => "passed, not at once",
        Said::Failed => "failed",
        Said::Undecided => "not decided",
        Said::Skipped => "skipped",
    }
}

/// An attribute; references that XML itself does not know stay as they are written.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element
        .attributes()
        .with_checks(false)
        .flatten()
        .find(|found| found.key.local_name().as_ref() == name)?;
    let resolved = quick_xml::escape::unescape(&found.value).map(|text| text.into_owned());
    Some(resolved.unwrap_or_else(|_| found.value.into_owned()))
}

/// A timestamp. One without a zone is taken for UTC.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok())
}
