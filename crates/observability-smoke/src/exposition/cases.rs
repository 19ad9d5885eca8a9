//! Small expositions in our own words, each with the problems that must be found in it, and the properties
//! that hold for every text.

use proptest::prelude::*;

use super::{Ingestion, Kind, Reader, Reading, Sample, Syntax, Weight};

pub(super) fn read(syntax: Syntax, text: &[u8]) -> Reading {
    let mut reader = Reader::new(syntax);
    reader.feed(text, &mut |_| {});
    reader.finish(&mut |_| {})
}

/// `line:column rule`, without the lint warnings.
pub(super) fn problems(reading: &Reading) -> Vec<String> {
    let told = reading.problems.iter().filter(|problem| problem.rule.weight() != Weight::Lint);
    told.map(|problem| format!("{}:{} {}", problem.line, problem.column, problem.rule.id())).collect()
}

#[track_caller]
pub(super) fn expect<T: AsRef<[u8]> + ?Sized>(syntax: Syntax, cases: &[(&T, &[&str], Ingestion)]) {
    for (text, expected, ingestion) in cases {
        let reading = read(syntax, text.as_ref());
        let shown = String::from_utf8_lossy(text.as_ref());
        assert_eq!(problems(&reading), *expected, "{shown}\n{:#?}", reading.problems);
        assert_eq!(reading.ingestion, *ingestion, "{shown}\n{:#?}", reading.problems);
    }
}

#[test]
fn valid_prometheus_text_is_accepted() {
    use Ingestion::{RefusedByOlder, Whole};
    expect(
        Syntax::Prometheus,
        &[
            ("jobs 3\n", &[], Whole),
            ("jobs{} 3\n", &[], Whole),
            ("jobs{queue=\"mail\",} 3 1700000000000\n", &[], Whole),
            ("jobs { queue = \"mail\" , host = \"a\" }\t3  \n", &[], Whole),
            ("jobs{queue=\"a\\\\b\\\"c\\nd}{,=#\"}3\n", &[], Whole),
            ("\n\n   \n# a comment\n#\n# HELPER is a comment too\njobs 1e3\n\n", &[], Whole),
            ("# HELP jobs Those \\\\ that\\nwait. \"quoted\"\n# TYPE jobs gauge\njobs 1\n", &[], Whole),
            ("# TYPE jobs untyped\n# HELP jobs\njobs -Inf\n", &[], Whole),
            ("# EOF is a comment here\njobs NaN\n", &[], Whole),
            ("{\"jobs.waiting\",\"queue name\"=\"mail\"} 1\n", &[], RefusedByOlder),
            (
                "# TYPE took histogram\ntook_bucket{le=\"0.1\"} 1\ntook_bucket{le=\"+Inf\"} 2\ntook_sum 3\ntook_count 2\n",
                &[],
                Whole,
            ),
            (
                "# TYPE took summary\ntook{quantile=\"0.5\"} 1\ntook{quantile=\"1\"} NaN\ntook_sum 3\ntook_count 2\n",
                &[],
                Whole,
            ),
            // A name that only looks like a part of a histogram.
            ("# TYPE disk gauge\ndisk 1\n# TYPE disk_count gauge\ndisk_count 2\n", &[], Whole),
        ],
    );
}

#[test]
fn broken_syntax_is_refused_at_its_column_and_would_not_be_ingested() {
    use Ingestion::Refused;
    expect(
        Syntax::Prometheus,
        &[
            ("1jobs 3\n", &["1:1 metric-name"], Refused),
            ("job-s 3\n", &["1:4 metric-name"], Refused),
            ("<html>\n", &["1:1 metric-name"], Refused),
            ("{queue=\"mail\"} 3\n", &["1:1 metric-name"], Refused),
            ("{\"jobs\",\"\"=\"mail\"} 3\n", &["1:10 label-name"], Refused),
            ("\u{feff}jobs 3\n", &["1:1 metric-name"], Refused),
            ("jobs\n", &["1:5 value"], Refused),
            ("jobs three\n", &["1:6 value"], Refused),
            ("jobs 0x1p-2\n", &["1:6 value"], Refused),
            ("jobs 1_000\n", &["1:6 value"], Refused),
            ("jobs 3 now\n", &["1:8 timestamp"], Refused),
            ("jobs 3 1.5\n", &["1:8 timestamp"], Refused),
            ("jobs 3 99999999999999999999\n", &["1:8 timestamp"], Refused),
            ("jobs 3 4 5\n", &["1:10 trailing-text"], Refused),
            ("jobs 3\r\n", &["1:7 carriage-return"], Refused),
            ("jobs{queue=mail} 3\n", &["1:12 label-syntax"], Refused),
            ("jobs{queue=\"mail} 3\n", &["1:12 label-syntax"], Refused),
            ("jobs{queue=\"mail\" 3\n", &["1:19 label-syntax"], Refused),
            ("jobs{queue \"mail\"} 3\n", &["1:12 label-syntax"], Refused),
            ("jobs{a=\"1\";b=\"2\"} 3\n", &["1:11 label-syntax"], Refused),
            ("jobs{,} 3\n", &["1:6 label-syntax"], Refused),
            ("jobs{a=\"1\",,} 3\n", &["1:12 label-syntax"], Refused),
            ("jobs{1a=\"1\"} 3\n", &["1:6 label-name"], Refused),
            ("jobs{a:b=\"1\"} 3\n", &["1:7 label-syntax"], Refused),
            ("jobs{a=\"1\",a=\"2\"} 3\n", &["1:12 duplicate-label"], Refused),
            ("jobs{é=\"1\"} 3\n", &["1:6 label-name"], Refused),
            ("jobs{a=\"ü\",b=1} 3\n", &["1:14 label-syntax"], Refused),
            ("# TYPE jobs gage\n", &["1:13 unknown-type"], Refused),
            ("# TYPE jobs\n", &["1:12 metadata"], Refused),
            ("# HELP \n", &["1:8 metadata"], Refused),
            ("# TYPE 1jobs gauge\n", &["1:8 metadata"], Refused),
        ],
    );
}

#[test]
fn what_is_not_utf8_is_refused() {
    let reading = read(Syntax::Prometheus, b"jobs{a=\"\xff\"} 1\nmore 2\n");
    assert_eq!(problems(&reading), ["1:9 utf8"]);
    assert_eq!(reading.samples, 1);
}

#[test]
fn what_the_two_verdicts_disagree_about_is_told_apart() {
    use Ingestion::{LostByNewer, Refused, SampleDropped, Whole};
    expect(
        Syntax::Prometheus,
        &[
            // Against the specification, and ingested all the same.
            ("jobs 3", &["1:7 final-newline"], Whole),
            ("jobs-3\n", &["1:5 metric-name"], Whole),
            ("jobs{a=\"\\t\"} 3\n", &["1:9 escape"], Whole),
            ("jobs{a=\"1\" b=\"2\"} 3\n", &["1:12 label-syntax"], Whole),
            ("#TYPE jobs  gage\njobs 3\n", &["1:13 unknown-type"], Whole),
            ("# HELP jobs a\\tb\njobs 1\n", &["1:14 escape"], Whole),
            ("a 1\nb 1\na{x=\"1\"} 2\n", &["3:1 interleaved-family"], Whole),
            ("# TYPE a gauge\n# TYPE a gauge\na 1\n", &["2:8 repeated-metadata"], Whole),
            ("# HELP a b\n# HELP a b\na 1\n", &["2:8 repeated-metadata"], Whole),
            ("a 1\n# TYPE a gauge\n", &["2:8 late-metadata"], Whole),
            ("# TYPE a_count gauge\na_count 1\n# TYPE a histogram\n", &["3:8 clashing-name"], Whole),
            ("# TYPE a summary\n# TYPE a_sum gauge\na_sum 1\n", &["2:8 clashing-name"], Whole),
            // Within the specification, and refused all the same.
            ("jobs 3 -1\n", &["1:8 signed-timestamp"], Refused),
            (" jobs 3\n", &["1:1 leading-blank"], LostByNewer),
            ("# TYPE jobs  gauge\njobs 1\n", &["1:14 type-spacing"], Refused),
            ("# TYPE jobs gauge \njobs 1\n", &["1:13 type-spacing"], Refused),
            // Of a duplicate one sample is lost; the order of the labels does not count.
            ("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n", &["2:1 duplicate-series"], SampleDropped),
            ("a 1\na{x=\"\"} 2\n", &["2:1 duplicate-series"], SampleDropped),
            ("a 1 1000\na 2 1000\n", &["2:1 duplicate-series"], SampleDropped),
            ("a 1 2000\na 2 1000\n", &["2:1 duplicate-series"], SampleDropped),
            ("a 1\na 2 1000\n", &["2:1 duplicate-series"], SampleDropped),
            // What is newer by its own timestamp is stored.
            ("a 1 1000\na 2 2000\n", &["2:1 duplicate-series"], Whole),
        ],
    );
}

#[test]
fn histograms_and_summaries_must_fit_together() {
    let histogram = |body: &str| format!("# TYPE h histogram\n{body}");
    let summary = |body: &str| format!("# TYPE s summary\n{body}");
    for (text, expected) in [
        (histogram("h_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n"), "2:1 histogram"),
        (histogram("h_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 1\n"), "2:1 histogram"),
        (histogram("h_bucket{le=\"+Inf\"} 2\nh_sum 1\n"), "2:1 histogram"),
        (
            histogram(
                "h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n",
            ),
            "3:1 bucket",
        ),
        (histogram("h_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"), "3:1 bucket"),
        (histogram("h_bucket{le=\"x\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"), "2:1 bucket"),
        (histogram("h_bucket 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"), "2:1 bucket"),
        (histogram("h_bucket{le=\"1\"} NaN\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"), "2:1 bucket"),
        (histogram("h_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\nh 1\n"), "5:1 sample-name"),
        (summary("s{quantile=\"1.5\"} 1\ns_sum 1\ns_count 1\n"), "2:1 quantile"),
        (summary("s{quantile=\"0.9\"} 1\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\n"), "3:1 quantile"),
        (summary("s 1\ns_sum 1\ns_count 1\n"), "2:1 quantile"),
    ] {
        let reading = read(Syntax::Prometheus, text.as_bytes());
        assert_eq!(problems(&reading), [expected], "{text}\n{:#?}", reading.problems);
        assert_eq!(reading.ingestion, Ingestion::Whole, "{text}");
    }
    // Each set of labels is a histogram of its own, also where their lines alternate.
    let alternating = histogram(
        "h_bucket{a=\"1\",le=\"1\"} 5\nh_bucket{a=\"2\",le=\"1\"} 1\nh_bucket{le=\"+Inf\",a=\"1\"} 5\nh_bucket{a=\"2\",le=\"+Inf\"} 2\nh_sum{a=\"1\"} 1\nh_sum{a=\"2\"} 1\nh_count{a=\"1\"} 5\nh_count{a=\"2\"} 2\n",
    );
    assert!(read(Syntax::Prometheus, alternating.as_bytes()).is_valid());
}

#[test]
fn habits_that_hurt_are_lint_warnings_only() {
    let lints = |text: &str| {
        let reading = read(Syntax::Prometheus, text.as_bytes());
        assert!(reading.is_valid(), "{:#?}", reading.problems);
        reading.problems.iter().map(|problem| problem.rule.id()).collect::<Vec<_>>()
    };
    let head = "# HELP x y\n# TYPE x";
    assert_eq!(lints(""), ["no-samples"]);
    assert_eq!(lints("a 1\n"), ["no-help", "no-type"]);
    assert_eq!(lints(&format!("{head} counter\nx 1\n")), ["counter-name"]);
    assert_eq!(lints("# HELP x_total y\n# TYPE x_total gauge\nx_total 1\n"), ["total-name"]);
    assert_eq!(lints("# HELP x_total y\n# TYPE x_total counter\nx_total -1\n"), ["counter-value"]);
    assert_eq!(lints(&format!("{head} gauge\nx{{__a=\"1\"}} 1\n")), ["reserved-label"]);
    assert_eq!(lints(&format!("{head} gauge\n{{\"x\"}} 1\n")), ["quoted-name"]);
    assert_eq!(lints(&format!("{head} summary\nx_sum 1\n")), ["no-sum"]);
    assert_eq!(lints("#HELP x y\n# TYPE x gauge\nx 1\n"), ["unread-metadata"]);
    for (series, expected) in [
        ("up", &["reserved-name"][..]),
        ("up{job=\"\"}", &["reserved-name"]),
        ("scrape_duration_seconds", &["reserved-name"]),
        // As /federate shows them.
        ("up{job=\"api\",instance=\"a:1\"}", &[]),
        ("scrape_duration", &[]),
    ] {
        let name = series.split('{').next().unwrap();
        let head = format!("# HELP {name} y\n# TYPE {name} gauge\n");
        assert_eq!(lints(&format!("{head}{series} 1\n")), expected, "{series}");
        let open = read(Syntax::OpenMetrics, format!("{head}{series} 1\n# EOF\n").as_bytes());
        let rules: Vec<_> = open.problems.iter().map(|problem| problem.rule.id()).collect();
        assert_eq!(rules, expected, "{series}");
    }
}

#[test]
fn valid_openmetrics_is_accepted() {
    use Ingestion::{SampleDropped, Whole};
    expect(
        Syntax::OpenMetrics,
        &[
            ("# EOF\n", &[], Whole),
            (
                "# TYPE jobs counter\n# UNIT jobs \n# HELP jobs a\\\\b \\x\njobs_total 1 # {id=\"a\"} 0.5 1.5\njobs_created 5\n# EOF",
                &[],
                Whole,
            ),
            (
                "# TYPE size_bytes gauge\n# UNIT size_bytes bytes\nsize_bytes{a=\"\\q\"} -1.5 1700000000.5\n# EOF\n",
                &[],
                Whole,
            ),
            (
                "# TYPE on stateset\non{on=\"a\"} 0\non{on=\"b\"} 1\n# TYPE build info\nbuild_info{v=\"1\"} 1\n# EOF\n",
                &[],
                Whole,
            ),
            (
                "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1 1\nh_count 1 1\nh_sum 1 1\nh_bucket{le=\"+Inf\"} 2 2\nh_count 2 2\nh_sum 1 2\n# EOF\n",
                &[],
                Whole,
            ),
            ("a 1 5\na 2 5\n# EOF\n", &[], SampleDropped),
        ],
    );
}

#[test]
fn broken_openmetrics_is_refused_at_its_column() {
    use Ingestion::{Refused, RefusedByOlder, SampleDropped, Whole};
    expect(
        Syntax::OpenMetrics,
        &[
            ("jobs 1\n", &["2:1 missing-eof"], Refused),
            ("jobs 1\n# EOF\njobs 2\n", &["3:1 after-eof"], Refused),
            ("# a comment\njobs 1\n# EOF\n", &["1:1 comment"], Refused),
            ("jobs  1\n# EOF\n", &["1:6 value"], Refused),
            ("jobs 1 \n# EOF\n", &["1:8 timestamp"], Refused),
            ("jobs{a=\"1\", b=\"2\"} 1\n# EOF\n", &["1:12 label-syntax"], Refused),
            ("jobs{a=\"1\",} 1\n# EOF\n", &["1:12 label-syntax"], RefusedByOlder),
            ("jobs{a=\"1\",} x\n# EOF\n", &["1:14 value"], Refused),
            ("{\"a.b\",\"c d\"=\"1\"} 1\n# EOF\n", &["1:3 label-syntax", "1:9 label-syntax"], RefusedByOlder),
            ("# TYPE \"a b\" gauge\n# EOF\n", &["1:9 label-syntax"], RefusedByOlder),
            ("{a=\"1\"} 1\n# EOF\n", &["1:1 metric-name"], Refused),
            ("", &["1:1 missing-eof"], RefusedByOlder),
            ("# TYPE jobs untyped\n# EOF\n", &["1:13 unknown-type"], Refused),
            ("# TYPE jobs gauge\n# UNIT jobs seconds\n# HELP jobs x\n# EOF\n", &["2:13 unit"], Refused),
            ("# TYPE jobs gauge\njobs 1 # {a=\"b\"} 1\n# EOF\n", &["2:8 exemplar-place"], RefusedByOlder),
            ("# TYPE jobs counter\njobs_total 1 # {a=\"b\"}\n# EOF\n", &["2:23 exemplar"], Refused),
            (
                "# TYPE h histogram\nh_bucket{le=\"1\"} 1 # {a=\"b\"} 1\nh_bucket{le=\"2\"} 2 # {a=\"b\"} 2.1\nh_bucket{le=\"+Inf\"} 2 # {a=\"b\"} 9\n# EOF\n",
                &["3:20 exemplar-range"],
                Whole,
            ),
            ("# TYPE jobs counter\njobs 1\n# EOF\n", &["2:1 sample-name"], Whole),
            ("a 1\nb 1\na{x=\"1\"} 1\n# EOF\n", &["3:1 interleaved-family"], Whole),
            (
                "# TYPE jobs counter\njobs_total{a=\"1\"} 1\njobs_total{a=\"2\"} 1\njobs_created{a=\"1\"} 1\n# EOF\n",
                &["4:1 grouping"],
                Whole,
            ),
            ("a 1\na 2\n# EOF\n", &["2:1 duplicate-series"], SampleDropped),
            ("a 1 2\na 2 1\n# EOF\n", &["2:1 timestamp-order"], SampleDropped),
            ("a 1\na 2 1\n# EOF\n", &["2:1 timestamp-order"], SampleDropped),
            (
                "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1 2\nh_bucket{le=\"1\"} 1 1\n# EOF\n",
                &["3:1 timestamp-order"],
                Whole,
            ),
            (
                "# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 1\na{x=\"1\"} 2\n# EOF\n",
                &["4:1 grouping"],
                SampleDropped,
            ),
            ("jobs 1\n# EOF\n\n", &["3:1 after-eof"], Refused),
            (
                "# TYPE h histogram\nh_bucket{le=\"1\"} 1.5\nh_bucket{le=\"+Inf\"} 2\n# EOF\n",
                &["2:1 bucket"],
                Whole,
            ),
            ("# TYPE a gauge\n\na 1\n# EOF\n", &["2:1 blank-line"], Refused),
        ],
    );
}

#[test]
fn the_format_is_told_by_the_last_line() {
    let detect = |text: &str| {
        let mut reader = Reader::detecting();
        reader.feed(text.as_bytes(), &mut |_| {});
        reader.finish(&mut |_| {})
    };
    let (prometheus, openmetrics) = (detect("# hello\na 1\n"), detect("# TYPE a unknown\na 1\n# EOF\n"));
    assert_eq!((prometheus.syntax, prometheus.is_valid()), (Syntax::Prometheus, true));
    assert_eq!((openmetrics.syntax, openmetrics.is_valid()), (Syntax::OpenMetrics, true));
    assert_eq!(detect("# TYPE a unknown\na 1\n").syntax, Syntax::Prometheus);
}

#[test]
fn memory_is_bounded_by_what_is_kept_not_by_what_is_wrong() {
    let text = "x{ 1\n".repeat(50_000);
    let reading = read(Syntax::Prometheus, text.as_bytes());
    assert_eq!(reading.count(Weight::Invalid), 50_000);
    assert!(reading.problems.len() <= 200);
}

/// A family, as the generator makes it.
#[derive(Debug, Clone)]
struct Made {
    kind: Kind,
    /// Values of the labels `a` and `b`, and the sample's value.
    samples: Vec<(String, String, f64)>,
}

fn made() -> impl Strategy<Value = Vec<Made>> {
    let kinds =
        prop_oneof![Just(Kind::Unknown), Just(Kind::Gauge), Just(Kind::Counter), Just(Kind::Histogram)];
    let value =
        prop_oneof![(-1e9..1e9_f64), Just(f64::INFINITY), Just(0.0), (0..1_000_000_u32).prop_map(f64::from)];
    let samples = prop::collection::vec((any::<String>(), "[a-c\\\\\"\n]{0,4}", value), 1..6);
    prop::collection::vec((kinds, samples).prop_map(|(kind, samples)| Made { kind, samples }), 1..6)
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// One series: name, labels that are not empty, value.
type Series = (String, Vec<(String, String)>, f64);

/// The text of the families, and the series that must come back.
fn write(families: &[Made], syntax: Syntax) -> (String, Vec<Series>) {
    let (mut text, mut series) = (String::new(), Vec::new());
    for (number, family) in families.iter().enumerate() {
        let name = format!("family_{number}");
        let kind = match (family.kind, syntax) {
            (Kind::Unknown, Syntax::Prometheus) => "untyped",
            (kind, _) => kind.word(),
        };
        let suffix =
            if family.kind == Kind::Counter && syntax == Syntax::OpenMetrics { "_total" } else { "" };
        text.push_str(&format!("# HELP {name} Help.\n# TYPE {name} {kind}\n"));
        for (index, (a, b, value)) in family.samples.iter().enumerate() {
            // The index keeps the series apart.
            let labels = vec![
                ("i".to_owned(), index.to_string()),
                ("a".to_owned(), a.clone()),
                ("b".to_owned(), b.clone()),
            ];
            let inner: Vec<_> =
                labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
            let inner = inner.join(",");
            let mut put = |suffix: &str, more: &str, value: f64| {
                text.push_str(&format!("{name}{suffix}{{{inner}{more}}} {value}\n"));
                let mut labels = labels.clone();
                if let Some(le) = more.strip_prefix(",le=\"") {
                    labels.push(("le".to_owned(), le.trim_end_matches('"').to_owned()));
                }
                labels.retain(|(_, value)| !value.is_empty());
                series.push((format!("{name}{suffix}"), labels, value));
            };
            match family.kind {
                Kind::Histogram => {
                    put("_bucket", ",le=\"1\"", index as f64);
                    put("_bucket", ",le=\"+Inf\"", index as f64 + 1.0);
                    put("_sum", "", 1.5);
                    put("_count", "", index as f64 + 1.0);
                }
                Kind::Counter => put(suffix, "", value.abs()),
                _ => put("", "", *value),
            }
        }
    }
    if syntax == Syntax::OpenMetrics {
        text.push_str("# EOF\n");
    }
    (text, series)
}

fn collect(syntax: Syntax, chunks: &[&[u8]]) -> (Reading, Vec<Series>) {
    let mut series = Vec::new();
    let mut take = |sample: &Sample<'_>| {
        let labels = sample.labels().filter(|(_, value)| !value.is_empty());
        let labels = labels.map(|(name, value)| (name.to_owned(), value.into_owned())).collect();
        series.push((sample.name.to_owned(), labels, sample.value));
    };
    let mut reader = Reader::new(syntax);
    for chunk in chunks {
        reader.feed(chunk, &mut take);
    }
    let reading = reader.finish(&mut take);
    (reading, series)
}

proptest! {
    #[test]
    fn what_is_written_comes_back(families in made(), openmetrics in any::<bool>()) {
        let syntax = if openmetrics { Syntax::OpenMetrics } else { Syntax::Prometheus };
        let (text, written) = write(&families, syntax);
        let (reading, read) = collect(syntax, &[text.as_bytes()]);
        prop_assert!(reading.is_valid(), "{:#?}\n{text}", reading.problems);
        prop_assert_eq!(reading.ingestion, Ingestion::Whole);
        prop_assert_eq!(read, written);
        prop_assert_eq!(reading.families, families.len() as u64);
    }

    #[test]
    fn any_bytes_in_any_chunks_are_read_without_panic_and_alike(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        cut in any::<prop::sample::Index>(),
    ) {
        for syntax in [Syntax::Prometheus, Syntax::OpenMetrics] {
            let at = cut.index(bytes.len() + 1);
            let (whole, _) = collect(syntax, &[&bytes]);
            let (parts, _) = collect(syntax, &[&bytes[..at], &bytes[at..]]);
            prop_assert_eq!(whole.problems, parts.problems);
        }
    }

    #[test]
    fn text_that_looks_like_an_exposition_is_read_without_panic(text in "([a-c_]{0,2}[{}\",=\\\\#é \t\r\n0-9.+eHELPTYINFaN]{0,3}){0,60}") {
        for syntax in [Syntax::Prometheus, Syntax::OpenMetrics] {
            let (reading, samples) = collect(syntax, &[text.as_bytes()]);
            prop_assert_eq!(reading.samples, samples.len() as u64);
        }
    }

    #[test]
    fn one_changed_byte_is_survived(families in made(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for syntax in [Syntax::Prometheus, Syntax::OpenMetrics] {
            let mut bytes = write(&families, syntax).0.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let (reading, _) = collect(syntax, &[&bytes]);
            prop_assert!(reading.lines > 0);
        }
    }
}

#[test]
fn what_is_not_empty_last_decides_between_the_formats() {
    for (text, syntax) in [
        ("a 1\n# EOF\n", Syntax::OpenMetrics),
        ("a 1\n# EOF", Syntax::OpenMetrics),
        ("a 1\n# EOF\n\n \n", Syntax::OpenMetrics),
        ("a 1\r\n# EOF\r\n", Syntax::OpenMetrics),
        ("a 1\n# EOF\n# more\n", Syntax::Prometheus),
        ("a 1\n#EOF\n", Syntax::Prometheus),
        ("\n", Syntax::Prometheus),
    ] {
        let mut reader = Reader::detecting();
        reader.feed(text.as_bytes(), &mut |_| {});
        assert_eq!(reader.finish(&mut |_| {}).syntax, syntax, "{text:?}");
    }
}

#[test]
fn quoted_names_are_no_fault_where_they_were_asked_for() {
    let quoted = "# HELP \"a.b\" c\n# TYPE \"a.b\" gauge\n{\"a.b\",\"c \\\"d\"=\"1\"} 1\n";
    for (syntax, text, otherwise) in [
        (Syntax::Prometheus, quoted.to_owned(), true),
        (Syntax::OpenMetrics, format!("{quoted}# EOF\n"), false),
    ] {
        assert_eq!(read(syntax, text.as_bytes()).is_valid(), otherwise);
        let mut reader = Reader::new(syntax).with_quoted_names();
        let mut named = 0;
        reader.feed(text.as_bytes(), &mut |sample| {
            named += u64::from(sample.is_named("a.b"));
            assert_eq!(sample.label("c \"d").as_deref(), Some("1"));
        });
        let reading = reader.finish(&mut |_| {});
        assert_eq!(
            (reading.problems, reading.ingestion, named),
            (Vec::new(), Ingestion::Whole, 1),
            "{syntax}"
        );
    }
}
