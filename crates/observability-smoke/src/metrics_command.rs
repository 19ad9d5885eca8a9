//! `metrics FILE|URL|-`: one exposition, read strictly while it streams in. Two verdicts are told: whether it
//! is valid by the specification, and whether Prometheus would ingest it.

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use clap::{Args, ValueEnum};
use evidence_report::run::{Defaults, Finished, Run, Settings, SharedConfig, SharedFlags, Usage, print};
use reqwest::header::HeaderMap;

use crate::{
    checks::{METRICS_CONTENT_TYPE, METRICS_SCRAPE, TOOL},
    config::Url,
    error::Error,
    exposition::{Reader, Reading, Syntax},
    http::{Http, NoAnswer, Trust, each_chunk, head, header_from_file},
    owed,
    plan::REQUEST_TIMEOUT,
    probes::{
        checks::METRICS_TIMESTAMPS,
        metrics::{AskAs, SIZE_LIMIT, Timestamps, WHOLE, assess_content_type, assess_timestamps, syntax_of},
        reading::{self, Say},
    },
};

const DEFAULTS: Defaults = Defaults {
    title: "Exposition",
    evidence_name: None,
    tracker_items: &[1],
    timeout: Duration::from_secs(5 * 60),
    valid_for: Duration::from_secs(7 * 24 * 3600),
};

/// What was typed after `metrics`.
#[derive(Debug, Clone, Args)]
pub(crate) struct MetricsArguments {
    /// A file, an http(s) URL, or `-` for standard input; gzip is unpacked
    #[arg(value_name = "FILE|URL|-")]
    pub(crate) source: String,
    /// The format; `auto` goes by the Content-Type, and for a file by its last line
    #[arg(long, value_enum, value_name = "NAME", default_value_t = SyntaxChoice::Auto)]
    pub(crate) syntax: SyntaxChoice,
    /// As which Prometheus a URL is asked: to 3 an exporter may show names in UTF-8
    #[arg(long, value_enum, value_name = "2|3", default_value_t = AskAs::Three)]
    pub(crate) ask_as: AskAs,
    /// PEM file of the certificates that TLS trusts, instead of the system's
    #[arg(long, value_name = "FILE")]
    pub(crate) roots: Option<PathBuf>,
    /// File with a token, sent as `Authorization: Bearer …`
    #[arg(long, value_name = "FILE")]
    pub(crate) bearer_token_file: Option<PathBuf>,
}

/// How the format is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SyntaxChoice {
    /// By the Content-Type, or by whether the last line is `# EOF`.
    Auto,
    /// The Prometheus text format.
    Prometheus,
    /// OpenMetrics 1.0.
    Openmetrics,
}

impl SyntaxChoice {
    /// What the server is asked for: what Prometheus asks for, unless one format is demanded.
    const fn accept(self, ask_as: AskAs) -> &'static str {
        match (self, ask_as) {
            (Self::Auto, _) => ask_as.accept(),
            (Self::Prometheus, AskAs::Two) => "text/plain;version=0.0.4",
            (Self::Prometheus, AskAs::Three) => {
                "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3"
            }
            (Self::Openmetrics, AskAs::Two) => "application/openmetrics-text;version=1.0.0",
            (Self::Openmetrics, AskAs::Three) => {
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8"
            }
        }
    }

    /// What was asked, in words.
    fn asked(self, ask_as: AskAs) -> String {
        let only = match self {
            Self::Auto => "",
            Self::Prometheus => ", for its text format only",
            Self::Openmetrics => ", for OpenMetrics only",
        };
        format!("{ask_as}{only}")
    }

    /// A reader for it, where a Content-Type may have named the format.
    fn reader(self, named: Option<Syntax>) -> Reader {
        match (self, named) {
            (Self::Prometheus, _) => Reader::new(Syntax::Prometheus),
            (Self::Openmetrics, _) => Reader::new(Syntax::OpenMetrics),
            (Self::Auto, Some(syntax)) => Reader::new(syntax),
            (Self::Auto, None) => Reader::detecting(),
        }
    }
}

/// Runs the command.
pub(crate) async fn execute(arguments: &MetricsArguments, shared: &SharedFlags) -> Result<ExitCode, Error> {
    if shared.dry_run {
        return dry_run(arguments, source(arguments)?.as_ref());
    }
    Ok(looked(arguments, shared).await?.publish()?)
}

/// The exposition, read and not published: for the self-test.
///
/// # Errors
/// When it cannot be read.
pub(crate) async fn looked(arguments: &MetricsArguments, shared: &SharedFlags) -> Result<Finished, Error> {
    if shared.config.is_some() {
        return Err(Usage("metrics takes no --config; `run` does".to_owned()).into());
    }
    let mut settings = Settings::resolve(shared, &SharedConfig::default(), &DEFAULTS)?;
    // Both verdicts are the result, also when they are good.
    settings.verbose = true;
    match source(arguments)? {
        Some(url) => read_url(arguments, &url, settings).await,
        None => read_local(arguments, settings).await,
    }
}

/// The URL, where it is one.
fn source(arguments: &MetricsArguments) -> Result<Option<Url>, Error> {
    let text = &arguments.source;
    let is_url = text.starts_with("http://") || text.starts_with("https://");
    is_url.then(|| text.parse().map_err(|reason| Usage(reason).into())).transpose()
}

fn dry_run(arguments: &MetricsArguments, url: Option<&Url>) -> Result<ExitCode, Error> {
    let source = url.map_or(arguments.source.clone(), ToString::to_string);
    let syntax = arguments.syntax;
    print(&format!("read {source} as {syntax:?}, and write no evidence unless --evidence names a file\n"))?;
    Ok(ExitCode::SUCCESS)
}

async fn read_url(arguments: &MetricsArguments, url: &Url, settings: Settings) -> Result<Finished, Error> {
    let trust = match (&arguments.roots, url.0.scheme()) {
        (Some(path), _) => Trust::File(path),
        (None, "https") => Trust::System,
        (None, _) => Trust::Nobody,
    };
    let http = Http::new(trust)?;
    let mut headers = HeaderMap::new();
    if let Some(path) = &arguments.bearer_token_file {
        headers.extend(
            [header_from_file("authorization", "Bearer ", path)?].map(|(name, value)| (Some(name), value)),
        );
    }
    let run = Run::start(&TOOL, settings)?;
    owed::by_exposition(&run);
    run.owes([&METRICS_CONTENT_TYPE, &METRICS_TIMESTAMPS]);
    let subject = url.to_string();
    let asked = arguments.syntax.asked(arguments.ask_as);
    let scraped = run.stop().guard(scrape(&http, url, &headers, arguments)).await;
    match scraped {
        Ok(Ok(Scraped { reading, named, timestamps })) => {
            run.finding(assess_content_type(&subject, named.as_deref(), &asked));
            run.finding(assess_timestamps(&subject, &timestamps));
            run.findings(reading::assess(&subject, None, &reading, Say::Each));
        }
        Ok(Err(why)) => {
            run.finding(METRICS_SCRAPE.failed(&subject).expected(WHOLE).observed(why.to_string()))
        }
        Err(stopped) => run.finding(METRICS_SCRAPE.inconclusive(&subject).observed(stopped.to_string())),
    }
    Ok(run.finish())
}

/// What came of asking a URL.
struct Scraped {
    reading: Reading,
    /// Its Content-Type.
    named: Option<String>,
    timestamps: Timestamps,
}

async fn scrape(
    http: &Http,
    url: &Url,
    headers: &HeaderMap,
    MetricsArguments { syntax, ask_as, .. }: &MetricsArguments,
) -> Result<Scraped, NoAnswer> {
    let request = http.request_following(&reqwest::Method::GET, url, headers);
    let request = request.header(reqwest::header::ACCEPT, syntax.accept(*ask_as));
    let head = head(request, REQUEST_TIMEOUT).await?;
    if head.response.status().as_u16() != 200 {
        return Err(NoAnswer(format!("status {}", head.response.status().as_u16())));
    }
    let named = head.response.headers().get(reqwest::header::CONTENT_TYPE);
    let named = named.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let reader = syntax.reader(Some(syntax_of(named.as_deref())?));
    let mut reader = ask_as.prepare(reader, named.as_deref());
    let mut timestamps = Timestamps::default();
    let now =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    each_chunk(head.response, head.started, REQUEST_TIMEOUT, SIZE_LIMIT, |chunk| {
        reader.feed(chunk, &mut |sample| timestamps.look(sample, now));
    })
    .await?;
    let reading = reader.finish(&mut |sample| timestamps.look(sample, now));
    Ok(Scraped { reading, named, timestamps })
}

async fn read_local(arguments: &MetricsArguments, settings: Settings) -> Result<Finished, Error> {
    let path = PathBuf::from(&arguments.source);
    let from_stdin = arguments.source == "-";
    let subject = if from_stdin { "standard input".to_owned() } else { arguments.source.clone() };
    let failed = |source| Error::Read { path: PathBuf::from(&subject), source };
    let input: Box<dyn Read + Send> = if from_stdin {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(&path).map_err(failed)?)
    };
    let reader = match arguments.syntax {
        SyntaxChoice::Auto if !from_stdin => arguments.syntax.reader(syntax_of_file(&path)),
        syntax => syntax.reader(None),
    };
    let run = Run::start(&TOOL, settings)?;
    owed::by_exposition(&run);
    let stop = run.stop().clone();
    // Reading blocks, also on a pipe that nobody writes to: a stop must not wait for it.
    let work = tokio::task::spawn_blocking(move || read_all(input, reader, &stop));
    match run.stop().guard(work).await {
        Ok(Ok(Ok(reading))) => run.findings(reading::assess(
            &subject,
            (!from_stdin).then_some(subject.as_str()),
            &reading,
            Say::Each,
        )),
        Ok(Ok(Err(error))) => {
            run.finish();
            return Err(failed(error));
        }
        Ok(Err(_)) | Err(_) => {
            run.finding(
                METRICS_SCRAPE
                    .inconclusive(&subject)
                    .observed("not read to its end before the run was stopped"),
            );
        }
    }
    Ok(run.finish())
}

/// Whether a file's last line says that it is OpenMetrics; `None` where that cannot be seen.
fn syntax_of_file(path: &Path) -> Option<Syntax> {
    use std::io::{Seek, SeekFrom};
    let mut file = std::fs::File::open(path).ok()?;
    let meta = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    let mut magic = [0_u8; 2];
    if file.read_exact(&mut magic).is_ok() && magic == GZIP {
        return None;
    }
    let tail = meta.len().min(TAIL);
    file.seek(SeekFrom::End(-i64::try_from(tail).ok()?)).ok()?;
    let mut end = Vec::new();
    file.take(TAIL).read_to_end(&mut end).ok()?;
    // Empty lines behind it are against OpenMetrics, and make it no other format.
    let last = end.trim_ascii_end();
    let is_whole = meta.len() == tail;
    if last.is_empty() && !is_whole {
        return None;
    }
    let is_openmetrics = last.ends_with(b"\n# EOF") || (is_whole && last == b"# EOF");
    Some(if is_openmetrics { Syntax::OpenMetrics } else { Syntax::Prometheus })
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
/// So many bytes of a file's end are looked at.
const TAIL: u64 = 4096;

/// Reads to the end, in chunks; gzip is unpacked on the way.
fn read_all(
    mut input: Box<dyn Read + Send>,
    mut reader: Reader,
    stop: &evidence_report::run::Stop,
) -> std::io::Result<Reading> {
    let mut start = Vec::with_capacity(2);
    input.by_ref().take(2).read_to_end(&mut start)?;
    let packed = start == GZIP;
    let whole = std::io::Cursor::new(start).chain(input);
    let mut input: Box<dyn Read> =
        if packed { Box::new(flate2::read::MultiGzDecoder::new(whole)) } else { Box::new(whole) };
    let mut chunk = vec![0_u8; 256 * 1024];
    while !stop.is_requested() {
        match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => reader.feed(&chunk[..count], &mut |_| {}),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(reader.finish(&mut |_| {}))
}
