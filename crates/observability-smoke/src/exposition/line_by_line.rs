//! What a reader remembers of the line before only makes it faster: each line of a text must come to what it comes to
//! in a reader that has seen nothing. The lines are made of few pieces, so that most begin as their neighbours do and
//! end otherwise.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{Reader, Rule, Sample, Syntax};

/// Names before the brace: the beginnings of each other, none, and one that is no name.
const NAMES: [&str; 7] = ["m", "m", "mm", "m:", "mé", "", " m"];
const LABELS: [&str; 15] = [
    "a",
    "a",
    "b",
    "b",
    "ab",
    "le",
    "__a",
    "__name__",
    "\"a\"",
    "\"b c\"",
    "\"a\\\"b\"",
    "\"\"",
    "é",
    "\"é\"",
    "1",
];
const EQUALS: [&str; 12] = ["=", "=", "=", "=", "=", "=", "=", "=", "=", " =", "= ", ""];
/// With their quotes; some are longer than the words that are looked at first, and end around their borders.
const VALUES: [&str; 18] = [
    "\"\"",
    "\"1\"",
    "\"2\"",
    "\"1234567\"",
    "\"12345678\"",
    "\"123456789012345\"",
    "\"12345678901234567890123\"",
    "\"123456789012345678901234\"",
    "\"1234567890123456789012345678901234567890\"",
    "\"\\\\\"",
    "\"\\\"\"",
    "\"1234567\\\"8\\n\"",
    "\"123456789012345678901234567\\\\\"",
    "\"a=\\\"b\"",
    "\"x\\y\"",
    "\"é€\u{10348}#\"",
    "\"},a=\"",
    "1",
];
const BETWEEN: [&str; 12] = [",", ",", ",", ",", ",", ",", ",", ",", " , ", "", ",,", ";"];
const ENDS: [&str; 6] = ["}", "}", "}", ",}", " }", ""];
const NUMBERS: [&str; 20] = [
    "1",
    "1",
    "1",
    "2",
    "3",
    "0.1",
    "123456789012345",
    "1234567890123456",
    "0.12345678901234",
    "9007199254740993",
    "-0",
    ".5",
    "5.",
    ".",
    "1e3",
    "+Inf",
    "NaN",
    "1_0",
    "0x1",
    "",
];
const STAMPS: [&str; 6] = ["", "", "", " 1", " 1.5", " -1"];

/// Labels with their braces, or none.
fn labels() -> impl Strategy<Value = String> {
    let label = (select(&LABELS[..]), select(&EQUALS[..]), select(&VALUES[..]));
    let label = prop_oneof![
        9 => label.prop_map(|(name, equals, value)| format!("{name}{equals}{value}")),
        1 => Just("\"m\"".to_owned()),
    ];
    let between = (label, select(&BETWEEN[..])).prop_map(|(label, between)| label + between);
    let braced = (vec(between, 0..5), select(&ENDS[..])).prop_map(|(labels, end)| {
        let labels = labels.concat();
        let labels = if end == "}" { labels.strip_suffix(',').unwrap_or(&labels) } else { &labels };
        format!("{{{labels}{end}")
    });
    prop_oneof![1 => Just(String::new()), 9 => braced]
}

fn line() -> impl Strategy<Value = String> {
    let exemplar = (labels(), select(&NUMBERS[..]), select(&STAMPS[..]))
        .prop_map(|(labels, number, stamp)| format!(" # {labels} {number}{stamp}"));
    let exemplar = prop_oneof![3 => Just(String::new()), 1 => exemplar];
    (select(&NAMES[..]), labels(), select(&NUMBERS[..]), select(&STAMPS[..]), exemplar).prop_map(
        |(name, labels, number, stamp, exemplar)| format!("{name}{labels} {number}{stamp}{exemplar}"),
    )
}

/// What of it is told of a line by itself, and not of its place among others.
fn is_of_one_line(rule: Rule) -> bool {
    use Rule::{
        CarriageReturn, DuplicateLabel, Escape, Exemplar, LabelName, LabelSyntax, LeadingBlank, MetricName,
        NameLabel, QuotedName, ReservedLabel, ReservedName, SignedTimestamp, Spacing, Timestamp,
        TrailingText, Value,
    };
    matches!(
        rule,
        CarriageReturn
            | DuplicateLabel
            | Escape
            | Exemplar
            | LabelName
            | LabelSyntax
            | LeadingBlank
            | MetricName
            | NameLabel
            | QuotedName
            | ReservedLabel
            | ReservedName
            | SignedTimestamp
            | Spacing
            | Timestamp
            | TrailingText
            | Value
    )
}

/// What comes of each line: its samples, and what is wrong with it.
fn told(syntax: Syntax, asked: bool, lines: &[String]) -> Vec<Vec<String>> {
    let mut told = vec![Vec::new(); lines.len()];
    let mut take = |sample: &Sample<'_>| {
        let labels: Vec<_> = sample.labels().collect();
        let number = (sample.value.to_bits(), sample.timestamp, sample.has_exemplar);
        let identity = (sample.fingerprint(), sample.fingerprint_as("n", "a"), sample.label("a"));
        let index = usize::try_from(sample.line).unwrap() - 1;
        told[index].push(format!("{} {} {labels:?} {number:?} {identity:?}", sample.series(), sample.name));
    };
    let reader = Reader::new(syntax);
    let mut reader = if asked { reader.with_quoted_names() } else { reader };
    for line in lines {
        reader.feed(line.as_bytes(), &mut take);
        reader.feed(b"\n", &mut take);
    }
    let problems = reader.finish(&mut take).problems;
    for problem in problems.iter().filter(|problem| is_of_one_line(problem.rule)) {
        let index = usize::try_from(problem.line).unwrap() - 1;
        told[index].push(format!(
            "{}: {:?}",
            problem.column,
            (problem.rule, &problem.message, problem.ingestion)
        ));
    }
    told
}

proptest! {
    #[test]
    fn a_line_comes_to_the_same_whatever_stood_before_it(
        lines in vec(line(), 1..8),
        openmetrics in any::<bool>(),
        asked in any::<bool>(),
    ) {
        let syntax = if openmetrics { Syntax::OpenMetrics } else { Syntax::Prometheus };
        let alone = |line: &String| told(syntax, asked, std::slice::from_ref(line)).concat();
        // Each has a neighbour with the same names.
        let twins = |line: String| [line.replacen("\"1\"", "\"2\"", 1), line];
        let mut lines: Vec<String> = lines.into_iter().flat_map(twins).collect();
        // An open quote holds the next line, too, which is another rule's affair.
        lines.retain(|line| !alone(line).concat().contains("the quote is never closed"));
        let expected: Vec<_> = lines.iter().map(alone).collect();
        prop_assert_eq!(told(syntax, asked, &lines), expected, "{:#?}", lines);
    }
}
