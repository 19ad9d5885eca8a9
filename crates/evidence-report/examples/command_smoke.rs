//! A tool with an effect outside of itself, which it undoes whatever happens: runs a command in a scratch folder of
//! its own and says whether it ended well. The tests drive it; `tcp_smoke` beside it is the smallest tool.
//!
//! ```sh
//! cargo run -p evidence-report --example command_smoke -- --evidence smoke.md -- make --version
//! ```

use std::{process::ExitCode, time::Duration};

use evidence_report::{
    record::{Check, Measurement, Tool},
    run::{self, CommandLine, Defaults, Effect, Run, Settings, SharedConfig, SharedFlags},
};

static ENDED: Check = Check {
    id: "command.ended",
    title: "Command ends with 0",
    explanation: "The command is run once, in an empty folder.",
    remedy: "Run it by hand and read what it prints.",
};

static TOOL: Tool = Tool { name: "command-smoke", version: "1", checks: &[&ENDED] };

#[derive(Debug, clap::Parser)]
struct Cli {
    #[command(flatten)]
    shared: SharedFlags,
    /// Undo what killed runs left behind
    #[arg(long)]
    sweep: bool,
    /// Make no finding: what the run owes is then missing
    #[arg(long)]
    withhold: bool,
    /// The command
    #[arg(last = true)]
    command: Vec<String>,
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
    if cli.sweep {
        return Ok(run::sweep_command());
    }
    let (program, arguments) = cli.command.split_first().ok_or("name a command behind --")?;
    let defaults = Defaults {
        title: "Command smoke",
        evidence_name: Some("command_smoke.md"),
        tracker_items: &[],
        timeout: Duration::from_secs(60),
        valid_for: Duration::from_secs(86_400),
    };
    let settings = Settings::resolve(&cli.shared, &SharedConfig::default(), &defaults)?;
    let run = Run::start(&TOOL, settings)?;
    run.owes([&ENDED]);

    let scratch = run.folder().with_extension("scratch");
    let entry = run.journal().note(Effect::Folder { path: scratch.clone() })?;
    std::fs::create_dir(&scratch)?;
    run.progress().phase(format!("running {program}"));
    let output = run.child(program).args(arguments).current_dir(&scratch).output(run.stop()).await?;
    std::fs::remove_dir_all(&scratch)?;
    run.journal().strike(entry)?;

    run.measurement(Measurement::seconds("command_duration_seconds", run.elapsed().as_secs_f64()));
    run.detail("Standard output", &output.stdout);
    let observed = if output.stopped { "ended by us".to_owned() } else { output.status.to_string() };
    if cli.withhold {
        return Ok(run.finish().publish()?);
    }
    run.finding(match (output.stopped, output.status.success()) {
        (true, _) => ENDED.inconclusive(program).observed(observed),
        (false, true) => ENDED.passed(program).observed(observed),
        (false, false) => ENDED.failed(program).observed(observed),
    });
    Ok(run.finish().publish()?)
}
