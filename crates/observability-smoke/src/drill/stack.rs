//! The embedded stack: the installed Prometheus and Alertmanager, started on loopback with a configuration of
//! ours in the run's folder. They are direct children of the run, and die with it.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use evidence_report::run::{
    Effect, Entry, Run,
    child::{Child, ChildCommand, Farewell, find_program},
};
use serde_json::json;

use super::{prometheus::Api, receiver};
use crate::rules::duration;

/// A server is ready within this: measured are 0.05 to 0.1 s, on a loaded machine some seconds.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// How long a server may take to end before it is killed.
const FAREWELL: Duration = Duration::from_secs(3);

/// How often a port is tried that another process took between the choice and the start.
const ATTEMPTS: usize = 3;

/// How Alertmanager groups in the embedded stack: at once, and each alert for itself.
pub(crate) const GROUP_WAIT: Duration = Duration::ZERO;
/// How often a group's changes are sent.
pub(crate) const GROUP_INTERVAL: Duration = Duration::from_secs(1);

/// The embedded stack cannot be had: our own environment prevents it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StackError {
    /// A program is not installed.
    #[error("{program} is not installed ({looked})")]
    Missing {
        /// The program.
        program: &'static str,
        /// Where it was looked for.
        looked: String,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// A program that was named is none.
    #[error("{path}, which was named as {program}, is no program that can be executed")]
    NoProgram {
        /// The program.
        program: &'static str,
        /// What was named.
        path: String,
    },
    /// A server did not become ready.
    #[error("{program} did not become ready: {why}")]
    NotReady {
        /// The program.
        program: &'static str,
        /// Why.
        why: String,
    },
    /// Prometheus refuses the rules.
    #[error("{message}")]
    RulesRefused {
        /// Whose, by their place in the wiring.
        index: usize,
        /// In Prometheus' words.
        message: String,
    },
    /// The run was asked to stop.
    #[error("the run was asked to stop")]
    Stopped,
}

/// The two programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Programs {
    /// Prometheus.
    pub(crate) prometheus: PathBuf,
    /// Alertmanager.
    pub(crate) alertmanager: PathBuf,
}

impl Programs {
    /// Finds both: the named file, or the first on `PATH`.
    ///
    /// # Errors
    /// [`StackError::Missing`] for the first that is not there.
    pub(crate) fn find(prometheus: Option<&Path>, alertmanager: Option<&Path>) -> Result<Self, StackError> {
        Ok(Self {
            prometheus: find("prometheus", "prometheus", &["prometheus"], prometheus)?,
            alertmanager: find(
                "alertmanager",
                "prometheus-alertmanager",
                &["prometheus-alertmanager", "alertmanager"],
                alertmanager,
            )?,
        })
    }
}

/// Finds a program: the named file, or the first of the names on `PATH`.
pub(super) fn find(
    program: &'static str,
    package: &'static str,
    names: &[&str],
    named: Option<&Path>,
) -> Result<PathBuf, StackError> {
    let Some(path) = named else {
        let looked = format!("looked for {} on PATH", names.join(" and "));
        let found = names.iter().find_map(find_program);
        return found.ok_or(StackError::Missing { program, looked, package });
    };
    find_program(path).ok_or_else(|| StackError::NoProgram { program, path: path.display().to_string() })
}

/// What the stack is configured with.
#[derive(Debug)]
pub(super) struct Wiring {
    /// The stack's folder, in the run's.
    pub(super) folder: String,
    /// The rules of each alert, as a rule file.
    pub(super) rules: Vec<String>,
    pub(super) scrape_interval: Duration,
    pub(super) evaluation_interval: Duration,
    pub(super) scrapes: Vec<Scrape>,
    pub(super) receiver: SocketAddr,
    /// Alertmanager's configuration, where it is not ours.
    pub(super) routing: Option<String>,
}

/// A job to scrape.
#[derive(Debug, Clone)]
pub(super) struct Scrape {
    pub(super) job: String,
    pub(super) targets: Vec<String>,
    pub(super) path: String,
    /// Whether the labels that the exporter gives come before the target's own, as our fixtures need it.
    pub(super) honor_labels: bool,
}

/// The job label of what the fixture exposes without one of its own.
pub(super) const JOB: &str = "ops-smoke-drill";
/// The instance label of what the fixture exposes without one of its own: with a port, as rules expect it.
pub(super) const INSTANCE: &str = "fixture:9100";

/// Rule files are called this and their number.
const RULE_FILE: &str = "rules-";

/// A server that we started.
#[derive(Debug)]
pub(super) struct Server {
    program: &'static str,
    child: Child,
    pub(super) address: SocketAddr,
    log: PathBuf,
    entry: Option<Entry>,
}

/// The running stack.
#[derive(Debug)]
pub(super) struct Stack {
    alertmanager: Server,
    prometheus: Server,
    /// Prometheus' API.
    pub(super) api: Api,
    /// Alertmanager's API.
    pub(super) alertmanager_api: Api,
}

impl Stack {
    /// Starts both, and waits until they are ready.
    pub(super) async fn start(run: &Run, programs: &Programs, wiring: &Wiring) -> Result<Self, StackError> {
        let folder = run.folder().join(&wiring.folder);
        let broken = |program| move |error: std::io::Error| not_ready(program, &error);
        fs_err::create_dir_all(&folder).map_err(broken("prometheus"))?;
        let routing = folder.join("alertmanager.yml");
        fs_err::write(&routing, alertmanager_configuration(wiring)).map_err(broken("alertmanager"))?;
        let alertmanager = start(run, "alertmanager", &folder, |address| {
            run.child(&programs.alertmanager)
                .arg(option("--config.file", &routing))
                .arg(option("--storage.path", &folder.join("alertmanager")))
                .arg(format!("--web.listen-address={address}"))
                .arg("--cluster.listen-address=")
        })
        .await?;
        let mut rules = Vec::new();
        for (index, text) in wiring.rules.iter().enumerate() {
            let path = folder.join(format!("{RULE_FILE}{index}.yml"));
            fs_err::write(&path, text).map_err(broken("prometheus"))?;
            rules.push(path);
        }
        let scraping = folder.join("prometheus.yml");
        let configuration = prometheus_configuration(wiring, &rules, alertmanager.address);
        fs_err::write(&scraping, configuration).map_err(broken("prometheus"))?;
        let prometheus = start(run, "prometheus", &folder, |address| {
            run.child(&programs.prometheus)
                .arg(option("--config.file", &scraping))
                .arg(option("--storage.tsdb.path", &folder.join("prometheus")))
                .arg(format!("--web.listen-address={address}"))
                .arg("--rules.alert.resend-delay=1s")
        })
        .await;
        let prometheus = match prometheus {
            Ok(prometheus) => prometheus,
            Err(error) => {
                end(run, alertmanager).await;
                return Err(error);
            }
        };
        let api = Api::new(prometheus.address).map_err(|why| not_ready("prometheus", &why))?;
        let alertmanager_api =
            Api::new(alertmanager.address).map_err(|why| not_ready("alertmanager", &why))?;
        Ok(Self { alertmanager, prometheus, api, alertmanager_api })
    }

    /// Says which server has ended although nobody asked it to, and how.
    pub(super) fn casualty(&mut self) -> Option<String> {
        [&mut self.alertmanager, &mut self.prometheus].into_iter().find_map(|server| {
            let status = server.child.try_wait().ok().flatten()?;
            Some(format!("{} ended in the middle of the drill ({status})", server.program))
        })
    }

    /// Process ids, for people.
    pub(super) fn processes(&self) -> String {
        format!("prometheus {}, alertmanager {}", self.prometheus.child.id(), self.alertmanager.child.id())
    }

    /// What both said last.
    pub(super) fn logs(&self) -> Vec<(&'static str, String)> {
        [&self.prometheus, &self.alertmanager].map(|server| (server.program, tail(&server.log))).into()
    }

    /// Ends both.
    pub(super) async fn end(self, run: &Run) {
        end(run, self.prometheus).await;
        end(run, self.alertmanager).await;
    }
}

/// An option with a path.
pub(super) fn option(name: &str, path: &Path) -> std::ffi::OsString {
    let mut option = std::ffi::OsString::from(name);
    option.push("=");
    option.push(path);
    option
}

pub(super) fn not_ready(program: &'static str, why: &dyn std::fmt::Display) -> StackError {
    StackError::NotReady { program, why: why.to_string() }
}

/// Starts a server on a free port and waits until it is ready. Between the choice of the port and the start
/// another process may take it: then the next is tried.
pub(super) async fn start(
    run: &Run,
    program: &'static str,
    folder: &Path,
    command: impl Fn(SocketAddr) -> ChildCommand,
) -> Result<Server, StackError> {
    let mut last = String::new();
    for attempt in 0..ATTEMPTS {
        let address = free_address().map_err(|error| not_ready(program, &error))?;
        let log = folder.join(format!("{program}.{attempt}.log"));
        let effect = Effect::Processes { program: program.to_owned() };
        let entry = run.journal().note(effect).map_err(|error| not_ready(program, &error))?;
        let child = command(address).output_to(&log).farewell(Farewell::Terminate, FAREWELL).spawn();
        let child = match child {
            Ok(child) => child,
            Err(error) => {
                let _ = run.journal().strike(entry);
                return Err(not_ready(program, &error));
            }
        };
        let mut server = Server { program, child, address, log, entry: Some(entry) };
        match ready(run, &mut server).await {
            Ok(()) => return Ok(server),
            Err(error) => {
                last = tail(&server.log);
                end(run, server).await;
                if !last.contains("address already in use") {
                    return Err(error);
                }
            }
        }
    }
    Err(not_ready(program, &format!("no port was free in {ATTEMPTS} attempts: {last}")))
}

fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

async fn ready(run: &Run, server: &mut Server) -> Result<(), StackError> {
    let api = Api::new(server.address).map_err(|why| not_ready(server.program, &why))?;
    let began = Instant::now();
    loop {
        if let Ok(Some(status)) = server.child.try_wait() {
            return Err(exited(server, status));
        }
        if run.stop().guard(api.is_ready()).await.map_err(|_| StackError::Stopped)? {
            return Ok(());
        }
        if began.elapsed() > READY_WITHIN {
            return Err(not_ready(server.program, &format!("no answer within {} s", READY_WITHIN.as_secs())));
        }
        let pause = tokio::time::sleep(Duration::from_millis(10));
        run.stop().guard(pause).await.map_err(|_| StackError::Stopped)?;
    }
}

/// Why a server ended before it was ready. Rules that Prometheus refuses are the rules' fault, not ours.
fn exited(server: &Server, status: std::process::ExitStatus) -> StackError {
    let log = tail(&server.log);
    let errors: Vec<_> = log
        .lines()
        .filter(|line| line.contains("level=error") || line.contains("level=ERROR"))
        .filter_map(|line| line.split_once("err=").or_else(|| line.split_once("error=")))
        .map(|(_, message)| unquoted(message))
        .collect();
    let whose = |error: &String| {
        let (_, rest) = error.split_once(RULE_FILE)?;
        let (number, said) = rest.split_once(".yml")?;
        // Our own file and its lines are nobody's business.
        let said = said.find(|sign: char| sign.is_ascii_alphabetic()).map_or(said, |at| &said[at..]);
        Some((number.parse().ok()?, said.to_owned()))
    };
    if let Some((index, message)) = errors.iter().find_map(whose) {
        return StackError::RulesRefused { index, message };
    }
    let said = errors.first().cloned().or_else(|| log.lines().last().map(str::to_owned)).unwrap_or_default();
    let said = if said.is_empty() { said } else { format!(": {said}") };
    not_ready(server.program, &format!("it ended ({status}){said}"))
}

/// A value of a log line, which stands in quotes where it is no plain word.
fn unquoted(value: &str) -> String {
    let quoted = serde_json::Deserializer::from_str(value).into_iter::<String>().next();
    match quoted {
        Some(Ok(text)) => text,
        _ => value.to_owned(),
    }
}

/// Ends a server.
pub(super) async fn end(run: &Run, mut server: Server) {
    let _ = server.child.end().await;
    if let Some(entry) = server.entry {
        let _ = run.journal().strike(entry);
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text =
        fs_err::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// JSON is YAML: both servers read it.
fn prometheus_configuration(wiring: &Wiring, rules: &[PathBuf], alertmanager: SocketAddr) -> String {
    let interval = duration::display(wiring.scrape_interval);
    let scrapes: Vec<_> = wiring.scrapes.iter().map(scrape_configuration).collect();
    json!({
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": duration::display(wiring.scrape_interval.min(Duration::from_secs(10))),
            "evaluation_interval": duration::display(wiring.evaluation_interval),
        },
        "rule_files": rules.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>(),
        "scrape_configs": scrapes,
        "alerting": {
            "alertmanagers": [{
                "api_version": "v2",
                "static_configs": [{ "targets": [alertmanager.to_string()] }],
            }],
        },
    })
    .to_string()
}

fn scrape_configuration(scrape: &Scrape) -> serde_json::Value {
    json!({
        "job_name": scrape.job,
        "honor_labels": scrape.honor_labels,
        "metrics_path": scrape.path,
        "static_configs": [{ "targets": scrape.targets }],
    })
}

fn alertmanager_configuration(wiring: &Wiring) -> String {
    if let Some(routing) = &wiring.routing {
        return routing.clone();
    }
    json!({
        "route": {
            "receiver": "drill",
            "group_by": ["..."],
            "group_wait": duration::display(GROUP_WAIT),
            "group_interval": duration::display(GROUP_INTERVAL),
            "repeat_interval": "1h",
        },
        "receivers": [{
            "name": "drill",
            "webhook_configs": [{
                "url": format!("http://{}{}", wiring.receiver, receiver::PATH),
                "send_resolved": true,
            }],
        }],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::unquoted;

    #[test]
    fn a_value_of_the_log_is_read_with_the_quotes_within_it() {
        for (written, read) in [
            (r#""a \"b\" c" more=1"#, r#"a "b" c"#),
            (r#""unexpected \"\\\"a.b\\\"\"" ts=1"#, r#"unexpected "\"a.b\"""#),
            ("plain", "plain"),
            (r#""cut off"#, r#""cut off"#),
        ] {
            assert_eq!(unquoted(written), read, "{written}");
        }
    }
}
