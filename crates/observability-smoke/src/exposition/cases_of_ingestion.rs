//! Small expositions of which a real Prometheus (2.42 and 3.5) makes something else than one would think: what it
//! drops, loses or takes although the text is wrong.

use super::{
    Ingestion, Reader, Release, Syntax, Taken, Weight,
    cases::{expect, read},
};

#[test]
fn of_a_family_torn_apart_only_the_series_that_stand_twice_are_dropped() {
    use Ingestion::{SampleDropped, Whole};
    expect::<[u8]>(
        Syntax::Prometheus,
        &[
            (b"a{x=\"1\"} 1\nb 1\na{x=\"2\"} 1\n", &["3:1 interleaved-family"], Whole),
            (
                b"a{x=\"1\"} 1\nb 1\na{x=\"2\"} 2\na{x=\"1\"} 1\n",
                &["3:1 interleaved-family", "4:1 duplicate-series"],
                SampleDropped,
            ),
            (
                b"a 1\nb 1\na 2\nb 2\n",
                &[
                    "3:1 interleaved-family",
                    "3:1 duplicate-series",
                    "4:1 interleaved-family",
                    "4:1 duplicate-series",
                ],
                SampleDropped,
            ),
            // A timestamp of its own may be newer.
            (b"a 1\nb 1\na 2 1000\n", &["3:1 interleaved-family", "3:1 duplicate-series"], Whole),
            // Two families that share a name.
            (
                b"a_bucket{le=\"+Inf\"} 1\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 1\n",
                &["2:8 clashing-name", "3:1 duplicate-series"],
                SampleDropped,
            ),
        ],
    );
    expect::<[u8]>(
        Syntax::OpenMetrics,
        &[
            (
                b"# TYPE a counter\na_total 1\n# TYPE b gauge\nb 1\n# TYPE a counter\na_total 1\n# EOF\n",
                &["5:8 interleaved-family", "6:1 duplicate-series"],
                SampleDropped,
            ),
            (
                b"# TYPE a counter\na_total{x=\"1\"} 1\na_total{x=\"2\"} 1\na_created{x=\"1\"} 1\n# EOF\n",
                &["4:1 grouping"],
                Whole,
            ),
            (
                b"# TYPE a counter\na_total{x=\"1\"} 1\na_total{x=\"2\"} 1\na_created{x=\"1\"} 1\na_total{x=\"1\"} 1\n# EOF\n",
                &["4:1 grouping", "5:1 duplicate-series"],
                SampleDropped,
            ),
            (
                b"a_bucket{le=\"+Inf\"} 2\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 2\n# EOF\n",
                &["2:8 clashing-name", "3:1 duplicate-series"],
                SampleDropped,
            ),
        ],
    );
}

#[test]
fn a_line_feed_between_quotes_is_wrong_and_costs_prometheus_nothing() {
    use Ingestion::{Refused, Whole};
    expect::<[u8]>(
        Syntax::Prometheus,
        &[
            (b"a{x=\"1\n2\"} 1\nb 2\n", &["1:5 line-feed"], Whole),
            (b"a{x=\"1\r\n\r\n2\",y=\"z\"} 1 5\nb 1\n", &["1:5 line-feed"], Whole),
            (
                b"b 1\na{x=\"1\n\\\"2\n3\"} 1\nb{x=\"2\"} 1\n",
                &["2:5 line-feed", "5:1 interleaved-family"],
                Whole,
            ),
            // A quote that was forgotten: the next one closes it, and nothing fits then.
            (b"a{x=\"1} 1\nb{y=\"2\"} 2\n", &["1:5 label-syntax"], Refused),
            (b"a{x=\"1} 1\nb 2\n-\nc{y=\"2\"} 2\n", &["1:5 label-syntax", "3:1 metric-name"], Refused),
            (b"a{x=\"1} 1\nb 2\nc{y=\"2\n3\"} 2\n", &["1:5 label-syntax", "3:5 line-feed"], Refused),
            (b"a{x=\"1\n2\n", &["1:5 label-syntax", "2:1 metric-name"], Refused),
            (b"a{x=\"1", &["1:5 label-syntax", "1:7 final-newline"], Refused),
            (b"a{x=\"1\\\n2\"} 1\n", &["1:5 label-syntax", "2:1 metric-name"], Refused),
            (b"a{x=\"1\n\xff\"} 1\n", &["1:5 label-syntax", "2:1 utf8"], Refused),
        ],
    );
    let mut values = Vec::new();
    let mut reader = Reader::new(Syntax::Prometheus);
    reader.feed(b"a{x=\"1\n2\"} 3\n", &mut |sample| {
        values.push((sample.label("x").unwrap().into_owned(), sample.value, sample.line));
    });
    assert_eq!((reader.finish(&mut |_| {}).samples, values), (1, vec![("1\n2".to_owned(), 3.0, 1)]));
}

#[test]
fn open_quotes_without_end_are_read_twice_at_most() {
    let text = "a{x=\"1\n".repeat(50_000);
    assert_eq!(read(Syntax::Prometheus, text.as_bytes()).count(Weight::Invalid), 50_000);
    let text = format!("a{{x=\"{}", "1\n".repeat(50_000));
    assert_eq!(read(Syntax::Prometheus, text.as_bytes()).count(Weight::Invalid), 50_000);
    let text = format!("a{{x=\"{}", "1\\\"\n".repeat(50_000));
    assert_eq!(read(Syntax::Prometheus, text.as_bytes()).count(Weight::Invalid), 50_000);
}

#[test]
fn what_prometheus_does_not_look_at_costs_no_scrape() {
    use Ingestion::{CutOff, Refused, Whole};
    expect::<[u8]>(
        Syntax::Prometheus,
        &[
            (b"# HELP a#x\na 1\n", &["1:9 metric-name"], Whole),
            (b"# TYPE a#counter\na 1\n", &["1:9 metric-name"], Whole),
            (b"# TYPE a#gage\na 1\n", &["1:9 metric-name"], Refused),
            ("# HELP a\u{e4} b\na 1\n".as_bytes(), &["1:9 metric-name"], Refused),
            (b"# c \xff\na 1\n", &["1:5 utf8"], Whole),
            (b"#HELP a \xff\na 1\n", &["1:9 utf8"], Whole),
            (b"# HELP a \xff\na 1\n", &["1:10 utf8"], Refused),
            (b"a{x=\"\",x=\"1\"} 1\n", &["1:8 duplicate-label"], Whole),
            (b"a{x=\"\",x=\"1\",x=\"2\"} 1\n", &["1:8 duplicate-label"], Whole),
            (b"a{x=\"\",x=\"1\",y=\"1\",y=\"2\"} 1\n", &["1:8 duplicate-label"], Refused),
            (b"a{__name__=\"b\"} 1\n", &["1:3 name-label"], Refused),
            (b"a{__name__=\"\"} 1\n", &["1:3 name-label"], Refused),
            // What stands behind a byte that is 0 is never read.
            (b"a 1\n\0\n-\n", &["2:1 zero-byte", "3:1 metric-name"], CutOff),
            (b"-\n\0\n", &["1:1 metric-name", "2:1 zero-byte"], Refused),
        ],
    );
    expect::<[u8]>(
        Syntax::OpenMetrics,
        &[
            (b"a{__name__=\"b\"} 1\n# EOF\n", &["1:3 name-label"], Refused),
            (b"# TYPE a counter\na_total 1 # {x=\"1\",x=\"2\"} 1\n# EOF\n", &["2:20 duplicate-label"], Whole),
            (b"# HELP a b\r\na 1\n# EOF\n", &[], Whole),
            (b"a 1\r\n# EOF\n", &["1:4 carriage-return"], Refused),
        ],
    );
}

#[test]
fn the_two_releases_are_judged_each_for_itself() {
    let judged = |syntax, text: &str| {
        let reading = read(syntax, text.as_bytes());
        [Release::Older, Release::Newer].map(|release| {
            let (taken, because) = reading.taken(release);
            (taken, because.map_or(0, |problem| problem.line))
        })
    };
    use Taken::{Refused, SampleDropped, SamplesLost, Whole};
    // The older one refuses what stands in line 1, and never sees the duplicate.
    let both = "{\"a.b\"} 1\nc 1\nc 2\n";
    assert_eq!(judged(Syntax::Prometheus, both), [(Refused, 1), (SampleDropped, 3)]);
    assert_eq!(judged(Syntax::Prometheus, "a 1\n b 1\n"), [(Refused, 2), (SamplesLost, 2)]);
    let twice = "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n";
    assert_eq!(judged(Syntax::Prometheus, twice), [(Whole, 0), (SampleDropped, 3)]);
    assert_eq!(judged(Syntax::OpenMetrics, &format!("{twice}# EOF\n")), [(Whole, 0), (SampleDropped, 3)]);
    // The reason is known also where more problems stand before it than are kept.
    let many = format!("{}-\n", "# TYPE a gauge\n".repeat(300));
    assert_eq!(judged(Syntax::Prometheus, &many), [(Refused, 301), (Refused, 301)]);
}
