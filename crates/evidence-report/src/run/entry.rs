//! The frame around every tool's `main`: parse, explain, run, and one mapping to exit codes.

use std::{future::Future, io, panic::AssertUnwindSafe, process::ExitCode};

use clap::{CommandFactory, Parser, error::ErrorKind};

use super::{
    flags::SharedFlags,
    streams::{print, tell},
};
use crate::record::Tool;

/// What a tool's command line has to offer the frame.
///
/// ```
/// use evidence_report::run::{CommandLine, SharedFlags, Usage};
///
/// #[derive(Debug, clap::Parser)]
/// struct Cli {
///     #[command(flatten)]
///     shared: SharedFlags,
/// }
///
/// impl CommandLine for Cli {
///     fn shared(&self) -> &SharedFlags {
///         &self.shared
///     }
///     fn config_schema() -> Option<schemars::Schema> {
///         None
///     }
/// }
/// let wrong = Usage("name at least one target".into());
/// assert_eq!(wrong.to_string(), "name at least one target");
/// ```
pub trait CommandLine: Parser + CommandFactory {
    /// The shared flags.
    fn shared(&self) -> &SharedFlags;

    /// The JSON Schema of the configuration file, where the tool has one.
    fn config_schema() -> Option<schemars::Schema>;

    /// The exit code when this command cannot do its job, whatever the reason: [`UNABLE`], but for a command
    /// that follows the convention of somebody else.
    #[must_use]
    fn exit_when_unable(_command: Option<&str>) -> u8 {
        UNABLE
    }
}

/// The exit code of a tool that could not do its job: 3, "unknown" by the monitoring plugins' convention.
pub const UNABLE: u8 = 3;

/// The user asked for something that cannot be done; the message says what to type instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Runs a tool: parses the command line (clap's exit code 2 becomes 3), answers `--explain` and
/// `--print-schema`, then runs `execute` on a runtime. An error is printed with its causes, and exits 3, or as
/// [`CommandLine::exit_when_unable`] says; so does a panic.
pub fn main<C, F, Fut, E>(tool: &'static Tool, execute: F) -> ExitCode
where
    C: CommandLine,
    F: FnOnce(C) -> Fut,
    Fut: Future<Output = Result<ExitCode, E>>,
    E: Into<Box<dyn std::error::Error>>,
{
    let unable = C::exit_when_unable(typed_command::<C>().as_deref());
    match answer_about_itself::<C>(tool) {
        Some(Ok(answer)) => {
            return print(&answer)
                .map_or_else(|error| complain(tool, &error, unable), |()| ExitCode::SUCCESS);
        }
        Some(Err(error)) => return complain(tool, &error, unable),
        None => {}
    }
    let cli = match C::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let shown = match error.print() {
                Err(error) => error.kind() == io::ErrorKind::BrokenPipe,
                Ok(()) => true,
            };
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return ExitCode::from(if asked && shown { 0 } else { unable });
        }
    };
    let work = AssertUnwindSafe(|| {
        // Where no thread can be started, this panics.
        let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return complain(tool, &error, unable),
        };
        let done = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(execute(cli))));
        // A blocking look-up that nobody waits for any more must not hold up the end.
        runtime.shutdown_timeout(std::time::Duration::from_millis(500));
        match done {
            Ok(done) => done.unwrap_or_else(|error| complain(tool, error.into().as_ref(), unable)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    // A panic has said on stderr what it is about; its own exit code, 101, is nobody's convention.
    std::panic::catch_unwind(work).unwrap_or_else(|_| ExitCode::from(unable))
}

/// The command among what was typed, even where the rest cannot be followed.
fn typed_command<C: CommandLine>() -> Option<String> {
    let typed = C::command().ignore_errors(true).try_get_matches().ok()?;
    typed.subcommand_name().map(str::to_owned)
}

/// `--explain` and `--print-schema` need no command, so they are looked for before clap asks for one.
fn answer_about_itself<C: CommandLine>(tool: &Tool) -> Option<Result<String, Usage>> {
    // What is no UTF-8 is none of these; clap says what becomes of it.
    let words = std::env::args_os().skip(1).map(|word| word.into_string().unwrap_or_default());
    let mut arguments = words.take_while(|argument| argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == "--print-schema" {
            let none = || Usage(format!("{} has no configuration file", tool.name));
            return Some(
                C::config_schema()
                    .ok_or_else(none)
                    .map(|schema| serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"),
            );
        }
        let id = match argument.strip_prefix("--explain") {
            Some("") => arguments.next(),
            Some(rest) => rest.strip_prefix('=').map(str::to_owned),
            None => continue,
        };
        return id.map(|id| explain(tool, &id));
    }
    None
}

/// One check for a terminal, or all of them as the page that is kept under docs/checks.
fn explain(tool: &Tool, id: &str) -> Result<String, Usage> {
    if id == "all" {
        let sections = tool.checks.iter().map(|check| {
            format!(
                "\n## {}: {}\n\n{}\n\nWhat to do: {}\n",
                check.id, check.title, check.explanation, check.remedy
            )
        });
        return Ok(format!("# Checks of {}\n{}", tool.name, sections.collect::<String>()));
    }
    let check = tool.check(id).ok_or_else(|| {
        let known: Vec<_> = tool.checks.iter().map(|check| check.id).collect();
        Usage(format!("there is no check '{id}'; there are: {}", known.join(", ")))
    })?;
    Ok(format!("{}: {}\n\n{}\n\nWhat to do: {}\n", check.id, check.title, check.explanation, check.remedy))
}

fn complain(tool: &Tool, error: &dyn std::error::Error, code: u8) -> ExitCode {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    tell(&format!("{}: {message}", tool.name));
    ExitCode::from(code)
}
