//! Times our strict reader of expositions beside prometheus-parse, in the same run, on the same text.
//!
//! ```text
//! cargo run --release -p observability-smoke --example exposition_bench [-- MEGABYTES [REPEATS]]
//! cargo run --release -p observability-smoke --example exposition_bench -- write FILE [MEGABYTES]
//! cargo run --release -p observability-smoke --example exposition_bench -- prometheus-parse FILE
//! ```
//!
//! Method: about 100 MB of Prometheus text are generated in memory: 419 families (counters, gauges and
//! histograms) with about 1,056,000 samples in total, each with four labels of a length as real exporters have
//! them. Every series is different, every line valid. Each reader reads the whole text REPEATS times (3 if not
//! given), in turn, and the fastest of its times counts: the slower ones tell about the machine. Ours takes the
//! text in chunks of 64 KiB and does everything that it does in the tool (UTF-8, duplicates, coherence); its
//! peak memory is what it holds beside one chunk. prometheus-parse takes lines from memory and keeps all
//! samples, as its interface asks for. `write` writes the text to a file, so that other programs can be timed
//! on it, and `prometheus-parse` reads such a file line by line with it alone, as a program of its own, so that its
//! time and memory can be held against theirs. Figures drift with the machine: quote the ratio.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    time::{Duration, Instant},
};

use observability_smoke::exposition::{Reader, Reading, Syntax};

const FAMILIES: usize = 419;
const LINES_OF_100_MB: usize = 1_056_000;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|argument| argument == "write") {
        let path = arguments.get(1).ok_or_else(|| io::Error::other("write needs a FILE"))?;
        return std::fs::write(path, exposition(number(arguments.get(2), 100)));
    }
    if arguments.first().is_some_and(|argument| argument == "prometheus-parse") {
        let path = arguments.get(1).ok_or_else(|| io::Error::other("prometheus-parse needs a FILE"))?;
        let lines = io::BufRead::lines(io::BufReader::new(std::fs::File::open(path)?));
        let scrape = prometheus_parse::Scrape::parse(lines)?;
        return writeln!(io::stdout(), "{} samples", scrape.samples.len());
    }
    let text = exposition(number(arguments.first(), 100));
    let repeats = number(arguments.get(1), 3).max(1);
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    let mut reading = None;
    let mut their_samples = 0;
    for _ in 0..repeats {
        let (took, read) = timed(|| read_with_ours(&text));
        ours.push(took);
        reading = Some(read);
        let (took, samples) = timed(|| read_with_prometheus_parse(&text));
        theirs.push(took);
        their_samples = samples;
    }
    let reading = reading.ok_or_else(|| io::Error::other("nothing was read"))?;
    if !reading.is_valid() || reading.samples != their_samples {
        return Err(io::Error::other(format!("the readers disagree: {reading:?}, {their_samples}")));
    }
    let megabytes = text.len() as f64 / 1e6;
    let rate = |times: &[Duration]| megabytes / times.iter().min().map_or(f64::NAN, Duration::as_secs_f64);
    let (ours, theirs) = (rate(&ours), rate(&theirs));
    let mut out = io::stdout().lock();
    writeln!(out, "text: {megabytes:.1} MB, {} samples, {} families", reading.samples, reading.families)?;
    writeln!(out, "observability-smoke, strict: {ours:7.1} MB/s")?;
    writeln!(out, "prometheus-parse:            {theirs:7.1} MB/s")?;
    writeln!(out, "ratio: {:.1}", ours / theirs)
}

fn number(argument: Option<&String>, otherwise: usize) -> usize {
    argument.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let started = Instant::now();
    let done = work();
    (started.elapsed(), done)
}

fn read_with_ours(text: &str) -> Reading {
    let mut reader = Reader::new(Syntax::Prometheus);
    for chunk in text.as_bytes().chunks(64 * 1024) {
        reader.feed(chunk, &mut |_| {});
    }
    reader.finish(&mut |_| {})
}

/// How many samples it finds; it has one for a whole histogram, so that its buckets are counted.
fn read_with_prometheus_parse(text: &str) -> u64 {
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    let scrape = prometheus_parse::Scrape::parse(lines);
    let samples = scrape.map(|scrape| scrape.samples).unwrap_or_default();
    let count = |sample: &prometheus_parse::Sample| match &sample.value {
        prometheus_parse::Value::Histogram(buckets) => buckets.len() as u64,
        prometheus_parse::Value::Summary(quantiles) => quantiles.len() as u64,
        _ => 1,
    };
    samples.iter().map(count).sum()
}

/// About so many megabytes of valid Prometheus text.
fn exposition(megabytes: usize) -> String {
    let lines_a_family = LINES_OF_100_MB * megabytes / 100 / FAMILIES;
    let mut text = String::with_capacity(megabytes * 1_020_000);
    for family in 0..FAMILIES {
        let (kind, suffix) = match family % 4 {
            0 => ("counter", "_total"),
            1 => ("histogram", ""),
            _ => ("gauge", ""),
        };
        let name = format!("shop_service_{family:03}_seconds{suffix}");
        let _ = writeln!(
            text,
            "# HELP {name} What family {family} of the benchmark measures.\n# TYPE {name} {kind}"
        );
        if kind == "histogram" {
            histogram(&mut text, &name, lines_a_family);
        } else {
            for line in 0..lines_a_family {
                let value = line as f64 * 1.37 + family as f64;
                let _ = writeln!(text, "{name}{{{}}} {value:.3}", labels(line));
            }
        }
    }
    text
}

fn histogram(text: &mut String, name: &str, lines: usize) {
    const BOUNDS: [&str; 10] = ["0.01", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"];
    for series in 0..lines / (BOUNDS.len() + 2) {
        let labels = labels(series);
        for (index, bound) in BOUNDS.iter().enumerate() {
            let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {}", series + index * 3);
        }
        let count = series + (BOUNDS.len() - 1) * 3;
        let _ = writeln!(text, "{name}_sum{{{labels}}} {}.25\n{name}_count{{{labels}}} {count}", count * 2);
    }
}

fn labels(line: usize) -> String {
    let method = ["GET", "PUT", "POST", "DELETE"][line % 4];
    let zone = ["a", "b", "c"][line % 3];
    format!("method=\"{method}\",zone=\"eu-{zone}\",pod=\"shop-{:05}\",path=\"/v1/item\"", line)
}
