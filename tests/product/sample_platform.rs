//! `sample-platform --address-file PATH`: the platform of the demonstration, in so far as monitoring sees it.
//! It serves `/healthz`, `/readyz` and `/metrics` on a free port of 127.0.0.1, writes `127.0.0.1:PORT` to PATH when it
//! listens, and ends on SIGTERM or SIGINT.

use std::{
    fmt::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
};

/// So long may a client take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request's head is not read beyond this many bytes.
const LONGEST_HEAD: usize = 16 * 1024;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(flag), Some(path), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return complain(&"usage: sample-platform --address-file PATH");
    };
    if flag != "--address-file" {
        return complain(&"usage: sample-platform --address-file PATH");
    }
    match serve(PathBuf::from(path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

fn serve(address_file: PathBuf) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let unfinished = address_file.with_extension("new");
        fs_err::write(&unfinished, format!("{}\n", listener.local_addr()?))?;
        fs_err::rename(&unfinished, &address_file)?;
        let started = Instant::now();
        let mut answers = tokio::task::JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    if let Ok((stream, _)) = accepted {
                        answers.spawn(tokio::time::timeout(PATIENCE, answer(stream, started)));
                    }
                }
                Some(_) = answers.join_next() => {}
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
            }
        }
    })
}

/// One request, one answer, and the connection is closed.
async fn answer(mut stream: TcpStream, started: Instant) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") && head.len() < LONGEST_HEAD {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let head = String::from_utf8_lossy(&head);
    let (status, kind, body) = match head.split_whitespace().nth(1) {
        Some("/healthz") => ("200 OK", "text/plain; charset=utf-8", "ok\n".to_owned()),
        Some("/readyz") => {
            ("200 OK", "application/json", "{\"ready\":true,\"database\":\"ok\"}\n".to_owned())
        }
        Some("/metrics") => ("200 OK", "text/plain; version=0.0.4", metrics(started.elapsed().as_secs())),
        _ => ("404 Not Found", "text/plain; charset=utf-8", "not here\n".to_owned()),
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// The series of the sample repository's observability baseline, those of a healthy platform under some load.
fn metrics(age: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let requests = 1000 + 20 * age;
    let mut out = String::new();
    family(&mut out, "http_requests_total", "counter", "Requests by route and code.");
    sample(&mut out, "http_requests_total{route=\"/v1/orders\",code=\"200\"}", requests);
    sample(&mut out, "http_requests_total{route=\"/v1/orders\",code=\"404\"}", requests / 50);
    family(&mut out, "http_request_duration_seconds", "histogram", "How long requests took.");
    for (bound, count) in
        [("0.1", requests * 9 / 10), ("0.5", requests * 99 / 100), ("1", requests), ("+Inf", requests)]
    {
        let name = format!("http_request_duration_seconds_bucket{{route=\"/v1/orders\",le=\"{bound}\"}}");
        sample(&mut out, &name, count);
    }
    sample(&mut out, "http_request_duration_seconds_sum{route=\"/v1/orders\"}", requests / 20);
    sample(&mut out, "http_request_duration_seconds_count{route=\"/v1/orders\"}", requests);
    family(&mut out, "queue_oldest_message_age_seconds", "gauge", "Age of the oldest message.");
    sample(&mut out, "queue_oldest_message_age_seconds{queue=\"provisioning\"}", 2 + age % 3);
    sample(&mut out, "queue_oldest_message_age_seconds{queue=\"billing\"}", 1);
    family(&mut out, "worker_jobs_total", "counter", "Jobs by outcome.");
    sample(&mut out, "worker_jobs_total{worker=\"billing\",outcome=\"done\"}", 500 + 5 * age);
    sample(&mut out, "worker_jobs_total{worker=\"billing\",outcome=\"failed\"}", 3);
    family(&mut out, "billing_ledger_drift_cents", "gauge", "Ledger less metered usage, in cents.");
    sample(&mut out, "billing_ledger_drift_cents{ledger=\"compute\"}", 0);
    family(&mut out, "billing_last_success_timestamp_seconds", "gauge", "Last good run, in Unix seconds.");
    sample(&mut out, "billing_last_success_timestamp_seconds{ledger=\"compute\"}", now.saturating_sub(1200));
    family(&mut out, "provisioning_jobs_stuck", "gauge", "Orders that stay in one stage.");
    sample(&mut out, "provisioning_jobs_stuck{stage=\"allocate\"}", 0);
    let reconciled = "webhook_reconciliation_last_success_timestamp_seconds";
    family(&mut out, reconciled, "gauge", "Last good reconciliation, in Unix seconds.");
    sample(&mut out, &format!("{reconciled}{{provider=\"payments\"}}"), now.saturating_sub(300));
    out
}

fn family(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn sample(out: &mut String, series: &str, value: u64) {
    let _ = writeln!(out, "{series} {value}");
}

#[expect(clippy::print_stderr, reason = "the one place where an error reaches the user")]
fn complain(error: &dyn fmt::Display) -> ExitCode {
    eprintln!("sample-platform: {error}");
    ExitCode::from(3)
}
