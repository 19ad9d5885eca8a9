//! What can be wrong with an exposition, and what each of it means for the two verdicts.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use super::sample::Sample;

/// What a problem means for the verdict "valid by the specification".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weight {
    /// Valid, and no bad habit either: only Prometheus minds.
    Valid,
    /// Valid, but a habit that hurts sooner or later.
    Lint,
    /// Against the specification.
    Invalid,
}

/// What a problem means for the verdict "Prometheus would ingest it". The worse, the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ingestion {
    /// Prometheus takes the sample.
    Whole,
    /// An older Prometheus (2.42) refuses the whole scrape, and Prometheus 3 takes the sample.
    RefusedByOlder,
    /// An older Prometheus takes the sample, and Prometheus 3 drops it.
    DroppedByNewer,
    /// Prometheus keeps the first sample of the series, drops this one and takes the rest.
    SampleDropped,
    /// An older Prometheus refuses the whole scrape, and Prometheus 3 stores something else than what stands there.
    LostByNewer,
    /// Prometheus stops reading here, without a word.
    CutOff,
    /// Prometheus refuses the whole scrape.
    Refused,
}

/// The releases of Prometheus between which verdicts differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// 2.42
    Older,
    /// 3.5
    Newer,
}

/// What one release of Prometheus makes of a scrape. The worse, the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Taken {
    /// It stores every sample.
    Whole,
    /// It drops a sample whose series it stored already.
    SampleDropped,
    /// It stores something else than what stands there, without a word.
    SamplesLost,
    /// It refuses the whole scrape.
    Refused,
}

impl Ingestion {
    /// What this release makes of it.
    #[must_use]
    pub const fn by(self, release: Release) -> Taken {
        match (self, release) {
            (Self::Whole, _)
            | (Self::RefusedByOlder, Release::Newer)
            | (Self::DroppedByNewer, Release::Older) => Taken::Whole,
            (Self::SampleDropped, _) | (Self::DroppedByNewer, Release::Newer) => Taken::SampleDropped,
            (Self::CutOff, _) | (Self::LostByNewer, Release::Newer) => Taken::SamplesLost,
            (Self::Refused, _) | (Self::RefusedByOlder | Self::LostByNewer, Release::Older) => Taken::Refused,
        }
    }
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal, $weight:ident, $ingestion:ident;)+) => {
        /// The rules that an exposition can break.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Rule {
            /// Its stable name.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }

            /// What breaking it means by the specification.
            #[must_use]
            pub const fn weight(self) -> Weight {
                match self { $(Self::$name => Weight::$weight,)+ }
            }

            /// What breaking it means to Prometheus, where the place of the problem says nothing else.
            #[must_use]
            pub const fn ingestion(self) -> Ingestion {
                match self { $(Self::$name => Ingestion::$ingestion,)+ }
            }
        }
    };
}

rules! {
    /// Bytes that are not UTF-8.
    Utf8 = "utf8", Invalid, Refused;
    /// A line without end.
    LineLength = "line-length", Invalid, Refused;
    /// Lines that end with a carriage return and a line feed.
    CarriageReturn = "carriage-return", Invalid, Refused;
    /// An empty line, where none may stand (OpenMetrics).
    BlankLine = "blank-line", Invalid, Refused;
    /// A line that starts with no metric name.
    MetricName = "metric-name", Invalid, Refused;
    /// Something that is no label name.
    LabelName = "label-name", Invalid, Refused;
    /// Braces, commas, equals signs, quotes.
    LabelSyntax = "label-syntax", Invalid, Refused;
    /// The same label twice on one sample.
    DuplicateLabel = "duplicate-label", Invalid, Refused;
    /// The label in which Prometheus keeps the metric's name: to it, the name stands twice then.
    NameLabel = "name-label", Valid, Refused;
    /// A line feed between two quotes, which must be written `\\n`; Prometheus reads it all the same.
    LineFeed = "line-feed", Invalid, Whole;
    /// A byte that is 0 at the beginning of a line: to Prometheus the text ends there.
    ZeroByte = "zero-byte", Invalid, CutOff;
    /// An escape sequence that the format does not know.
    Escape = "escape", Invalid, Whole;
    /// The value of a sample.
    Value = "value", Invalid, Refused;
    /// The timestamp of a sample.
    Timestamp = "timestamp", Invalid, Refused;
    /// A timestamp with a sign (before 1970, perhaps), which the format allows and Prometheus' scanner does not.
    SignedTimestamp = "signed-timestamp", Valid, Refused;
    /// Blanks where none, or not so many, may stand.
    Spacing = "spacing", Invalid, Refused;
    /// Blanks before a sample, which the format allows and Prometheus takes for a part of the name: 2.42 refuses the
    /// whole scrape, 3 stores the series under a name that nobody asks for.
    LeadingBlank = "leading-blank", Valid, LostByNewer;
    /// Blanks around a type, which the format allows and Prometheus takes for a part of the type.
    TypeSpacing = "type-spacing", Valid, Refused;
    /// Text after the end of a sample.
    TrailingText = "trailing-text", Invalid, Refused;
    /// A comment that is none of those that OpenMetrics knows.
    Comment = "comment", Invalid, Refused;
    /// A HELP, TYPE or UNIT line without its parts.
    Metadata = "metadata", Invalid, Refused;
    /// A type that the format does not know.
    UnknownType = "unknown-type", Invalid, Refused;
    /// HELP, TYPE or UNIT twice for one family.
    RepeatedMetadata = "repeated-metadata", Invalid, Whole;
    /// HELP, TYPE or UNIT after the family's first sample.
    LateMetadata = "late-metadata", Invalid, Whole;
    /// A unit that is not the end of the family's name, or on a type that has none (OpenMetrics).
    Unit = "unit", Invalid, Refused;
    /// The last line does not end with a line feed.
    FinalNewline = "final-newline", Invalid, Whole;
    /// No `# EOF` at the end (OpenMetrics).
    MissingEof = "missing-eof", Invalid, Refused;
    /// Text after `# EOF` (OpenMetrics).
    AfterEof = "after-eof", Invalid, Refused;
    /// The same series twice.
    DuplicateSeries = "duplicate-series", Invalid, SampleDropped;
    /// The lines of a family do not stand together.
    InterleavedFamily = "interleaved-family", Invalid, Whole;
    /// The series of a metric do not stand together (OpenMetrics).
    Grouping = "grouping", Invalid, Whole;
    /// Timestamps of one metric that go backwards, or only on some of its samples (OpenMetrics).
    TimestampOrder = "timestamp-order", Invalid, Whole;
    /// Two families whose sample names are the same.
    ClashingName = "clashing-name", Invalid, Whole;
    /// A sample name that a family of this type does not have.
    SampleName = "sample-name", Invalid, Whole;
    /// A bucket: its `le`, its order, its count.
    Bucket = "bucket", Invalid, Whole;
    /// A bucket or a quantile that stands twice, perhaps in two spellings: Prometheus 3 writes both in the same way.
    RepeatedBound = "repeated-bound", Invalid, DroppedByNewer;
    /// A histogram whose parts do not fit together.
    Histogram = "histogram", Invalid, Whole;
    /// A quantile: missing, out of range, out of order.
    Quantile = "quantile", Invalid, Whole;
    /// A value that the type does not allow.
    TypedValue = "typed-value", Invalid, Whole;
    /// An exemplar that is written wrong.
    Exemplar = "exemplar", Invalid, Refused;
    /// An exemplar where none may stand, or with more than 128 characters.
    ExemplarPlace = "exemplar-place", Invalid, Whole;
    /// An exemplar whose value its bucket does not cover.
    ExemplarRange = "exemplar-range", Invalid, Whole;
    /// Not one sample.
    NoSamples = "no-samples", Lint, Whole;
    /// A family without HELP.
    NoHelp = "no-help", Lint, Whole;
    /// A family without TYPE.
    NoType = "no-type", Lint, Whole;
    /// A histogram or a summary without `_sum` or `_count`.
    NoSum = "no-sum", Lint, Whole;
    /// A counter whose name does not end with `_total`.
    CounterName = "counter-name", Lint, Whole;
    /// Something else whose name ends with `_total`.
    TotalName = "total-name", Lint, Whole;
    /// A counter below zero, or without a number.
    CounterValue = "counter-value", Lint, Whole;
    /// A label that Prometheus keeps for itself.
    ReservedLabel = "reserved-label", Lint, Whole;
    /// The name of a series that Prometheus makes itself of each target, without a label that sets it apart.
    ReservedName = "reserved-name", Lint, Whole;
    /// A quoted name: text format 1.0.0, read by Prometheus 3 and later.
    QuotedName = "quoted-name", Lint, RefusedByOlder;
    /// `#HELP` without a blank, which Prometheus takes for a comment.
    UnreadMetadata = "unread-metadata", Lint, Whole;
    /// The same series and timestamp twice (OpenMetrics takes them for truncated timestamps).
    RepeatedTimestamp = "repeated-timestamp", Lint, SampleDropped;
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The rule.
    pub rule: Rule,
    /// The line, counted from 1.
    pub line: u64,
    /// The column in characters, counted from 1.
    pub column: u64,
    /// The offending text, at most 60 characters of it.
    pub text: String,
    /// What is wrong with it.
    pub message: String,
    /// What Prometheus makes of it.
    pub ingestion: Ingestion,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.what())
    }
}

impl Problem {
    /// What is wrong, the offending text and the rule, without the place.
    #[must_use]
    pub fn what(&self) -> String {
        let mut what = self.message.clone();
        if !self.text.is_empty() {
            what.push_str(": `");
            for character in self.text.chars() {
                if character.is_control() {
                    what.extend(character.escape_debug());
                } else {
                    what.push(character);
                }
            }
            what.push('`');
        }
        format!("{what} ({})", self.rule.id())
    }
}

/// A problem inside a line: byte offsets, not yet a place in the file.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) rule: Rule,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) message: Cow<'static, str>,
    pub(super) ingestion: Ingestion,
}

impl Fault {
    pub(super) fn new(rule: Rule, from: usize, to: usize, message: impl Into<Cow<'static, str>>) -> Self {
        Self { rule, from, to, message: message.into(), ingestion: rule.ingestion() }
    }

    /// The carriage return at the end of this line, where it is the reason.
    pub(super) fn or_carriage_return(self, line: &[u8]) -> Self {
        if !line.ends_with(b"\r") || self.to != line.len() {
            return self;
        }
        let message = "the line ends with a carriage return; lines end with a line feed alone";
        Self::new(Rule::CarriageReturn, line.len() - 1, line.len(), message).ingestion(self.ingestion)
    }

    /// Says what Prometheus makes of it, where that is not what it makes of the rule in general.
    pub(super) fn ingestion(mut self, ingestion: Ingestion) -> Self {
        self.ingestion = ingestion;
        self
    }
}

/// So many problems are kept in full; all are counted.
const KEPT: usize = 200;
/// So many characters of an offending text are kept.
const TEXT_KEPT: usize = 60;

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    pub(super) kept: Vec<Problem>,
    pub(super) counts: BTreeMap<Rule, u64>,
    /// For each release the first of those problems that are worst for it.
    worst: [Option<Problem>; 2],
    /// Prometheus stopped reading: what follows means nothing to it.
    cut_off: bool,
}

impl Problems {
    /// Notes a fault of a whole sample: its name and labels are the offending text.
    pub(super) fn add_to_sample(
        &mut self,
        sample: &Sample<'_>,
        rule: Rule,
        message: impl Into<Cow<'static, str>>,
    ) {
        self.add_to_sample_as(sample, rule, message, rule.ingestion());
    }

    /// The same, where Prometheus makes something else of it than of the rule in general.
    pub(super) fn add_to_sample_as(
        &mut self,
        sample: &Sample<'_>,
        rule: Rule,
        message: impl Into<Cow<'static, str>>,
        ingestion: Ingestion,
    ) {
        let (from, to) = sample.series;
        let fault = Fault::new(rule, from, to, message).ingestion(ingestion);
        self.add(sample.line, sample.text.as_bytes(), fault);
    }

    /// Whether anything is against the specification.
    pub(super) fn has_errors(&self) -> bool {
        self.counts.keys().any(|rule| rule.weight() == Weight::Invalid)
    }

    /// Notes a fault in `line`, which has this number.
    pub(super) fn add(&mut self, number: u64, line: &[u8], fault: Fault) {
        *self.counts.entry(fault.rule).or_default() += 1;
        let mut fault = fault;
        if self.cut_off {
            fault.ingestion = Ingestion::Whole;
        }
        self.cut_off |= fault.ingestion == Ingestion::CutOff;
        let problem = self.remember_worst(number, line, &fault);
        // Lint warnings must not push the errors out.
        let lints = if fault.rule.weight() == Weight::Lint { KEPT / 2 } else { KEPT };
        if self.kept.len() < lints {
            self.kept.push(problem.unwrap_or_else(|| placed(number, line, fault)));
        }
    }

    /// Keeps the problem if nothing worse, or nothing as bad before it, was seen for a release.
    fn remember_worst(&mut self, number: u64, line: &[u8], fault: &Fault) -> Option<Problem> {
        let mut seen = None;
        for (release, worst) in [Release::Older, Release::Newer].into_iter().zip(&mut self.worst) {
            let taken = fault.ingestion.by(release);
            let is_worst = worst.as_ref().map_or(taken > Taken::Whole, |before| {
                let known = before.ingestion.by(release);
                taken > known || (taken == known && number < before.line)
            });
            if is_worst {
                let problem = seen.get_or_insert_with(|| placed(number, line, fault.clone()));
                *worst = Some(problem.clone());
            }
        }
        seen
    }

    /// For each release the first of those problems that are worst for it: 2.42, then 3.
    pub(super) fn take_worst(&mut self) -> [Option<Problem>; 2] {
        std::mem::take(&mut self.worst)
    }
}

/// A fault with its place in the text.
fn placed(number: u64, line: &[u8], fault: Fault) -> Problem {
    let from = fault.from.min(line.len());
    let to = fault.to.clamp(from, line.len());
    let characters = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().count() as u64;
    let offending = String::from_utf8_lossy(&line[from..to]);
    let mut text: String = offending.chars().take(TEXT_KEPT).collect();
    if text.len() < offending.len() {
        text.push('…');
    }
    Problem {
        rule: fault.rule,
        line: number,
        column: characters(&line[..from]) + 1,
        text,
        message: fault.message.into_owned(),
        ingestion: fault.ingestion,
    }
}
