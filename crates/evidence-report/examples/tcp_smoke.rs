//! A fourth tool in fifty lines: does a port answer, and how soon? It owes its one check, stops when it is asked to, and
//! proposes a note that people complete. Evidence, formats, exit codes, deadline, signals, waivers, history and
//! `--explain` come with the library.
//!
//! ```sh
//! cargo run -p evidence-report --example tcp_smoke -- 127.0.0.1:5432 --evidence port.md
//! ```

use std::{process::ExitCode, time::Duration};

use evidence_report::{
    document::notes::Template,
    record::{Check, Measurement, Tool},
    run::{self, CommandLine, Defaults, Run, Settings, SharedConfig, SharedFlags},
};

static ANSWERS: Check = Check {
    id: "tcp.answers",
    title: "Port answers",
    explanation: "A connection is made, and nothing is said.",
    remedy: "Start what should listen there, or open the way to it.",
};
static TOOL: Tool = Tool { name: "tcp-smoke", version: "1", checks: &[&ANSWERS] };
const DEFAULTS: Defaults = Defaults {
    title: "Port",
    evidence_name: Some("tcp_smoke.md"),
    tracker_items: &[],
    timeout: Duration::from_secs(10),
    valid_for: Duration::from_secs(86_400),
};

#[derive(Debug, clap::Parser)]
struct Cli {
    #[command(flatten)]
    shared: SharedFlags,
    /// Host and port
    address: String,
}

impl CommandLine for Cli {
    fn shared(&self) -> &SharedFlags {
        &self.shared
    }
    fn config_schema() -> Option<schemars::Schema> {
        None
    }
}

fn main() -> ExitCode {
    run::main::<Cli, _, _, _>(&TOOL, execute)
}

async fn execute(cli: Cli) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let run = Run::start(&TOOL, Settings::resolve(&cli.shared, &SharedConfig::default(), &DEFAULTS)?)?;
    run.owes([&ANSWERS]);
    run.finding(match run.stop().guard(tokio::net::TcpStream::connect(&cli.address)).await {
        Ok(Ok(_)) => ANSWERS.passed(&cli.address).observed("connected"),
        Ok(Err(error)) => ANSWERS.failed(&cli.address).observed(error.to_string()),
        Err(stopped) => ANSWERS.inconclusive(&cli.address).observed(stopped.to_string()),
    });
    run.measurement(Measurement::seconds("connect_seconds", run.elapsed().as_secs_f64()));
    let points = vec!["Who answers for it, and whom to call:".to_owned()];
    run.propose_note(Template { heading: "What listens there".to_owned(), points });
    Ok(run.finish().publish()?)
}
