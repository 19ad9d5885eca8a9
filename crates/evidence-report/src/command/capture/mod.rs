//! `capture -- COMMAND…`: any command's result becomes evidence. The command runs as a child of its own group;
//! what is kept of it is how it ended, when, what it printed (capped, without secrets) and the digests of the files
//! that were named. This module observes; `judge` decides.

mod artefacts;
pub(super) mod checks;
mod cli;
mod judge;
mod objective;
mod said;

use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{ExitCode, ExitStatus},
    time::Duration,
};

pub(super) use artefacts::{digest as digest_file, digest_of};
pub(super) use cli::{CaptureArgs, EXAMPLES};
use judge::End;

use super::{
    CommandError,
    named_check::{Named, title_of},
};
use crate::{
    record::{Measurement, Stage, Timeline, Verdict},
    run::{
        Finished, Mask, Run, Settings,
        child::{ChildError, find_program},
        is_secret_name,
    },
};

/// How long a program may take to say its version.
const VERSION_PATIENCE: Duration = Duration::from_secs(10);

/// Runs the command and publishes what came of it.
pub(super) async fn capture(args: &CaptureArgs, mut settings: Settings) -> Result<ExitCode, CommandError> {
    args.complete(&mut settings);
    let (tool, check) = Named {
        id: args.check.clone(),
        title: args.title.clone().unwrap_or_else(|| title_of(&args.check)),
        explanation: format!("The captured command says so by its exit code ({}).", args.convention.words()),
        remedy: args
            .remedy
            .clone()
            .unwrap_or_else(|| "Run the command by hand and read what it prints.".into()),
    }
    .register();
    let run = Run::start(tool, settings)?;
    run.owes([check]);
    run.owes(args.objective.iter().map(|_| &checks::DURATION));
    run.owes(args.artefacts.iter().map(|_| &checks::ARTEFACT));
    let mask = Mask::of(std::env::vars_os());
    run.hide(mask.clone());
    let subject = args.subject(&mask);
    note_surroundings(&run, args);
    note_version(&run, args, &mask).await;
    let before = artefacts::look(&args.artefacts);
    let (end, last_words) = observe(&run, args, &mask).await?;
    run.finding(judge::judge(check, args.convention, &end, &last_words, &subject));
    run.findings(objective::assess(&args.objective, &end, took(&end), &subject));
    for (finding, attachment) in artefacts::assess(&args.artefacts, &before) {
        run.finding(finding);
        attachment.into_iter().for_each(|attachment| run.attach(attachment));
    }
    let finished = run.finish();
    publish(finished, args, &end)
}

/// How long the captured command ran; `None` where it did not run to its end.
fn took(end: &End) -> Option<Duration> {
    match end {
        End::Exited { took, .. } | End::Killed { took, .. } => Some(*took),
        End::NotStarted(_) | End::Stopped(_) => None,
    }
}

/// Runs the command: how it ended, and the last line that it said.
async fn observe(run: &Run, args: &CaptureArgs, mask: &Mask) -> Result<(End, String), CommandError> {
    let not_started = |why: String| Ok((End::NotStarted(why), String::new()));
    let [program, arguments @ ..] = args.command.as_slice() else {
        return not_started("no command was named".into());
    };
    run.progress().phase(format!("running {}", program.to_string_lossy()));
    let began = run.elapsed();
    let output = match run.child(program).args(arguments).output(run.stop()).await {
        Ok(output) => output,
        Err(ChildError::Spawn { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return not_started(not_there(Path::new(program)));
        }
        Err(ChildError::Spawn { source, .. }) => return not_started(source.to_string()),
        Err(error) => return Err(error.into()),
    };
    let took = output.took;
    let (stdout, stderr) = (said::whole_lines(&output.stdout), said::whole_lines(&output.stderr));
    run.detail("Standard output of the command", stdout);
    run.detail("Standard error of the command", stderr);
    let last_words = said::last_words(&[stderr, stdout], mask);
    run.timeline(Timeline {
        zero: "the start of the run".into(),
        stages: vec![Stage {
            name: "command".into(),
            start: began,
            end: began + took,
            note: ended_words(output.status),
        }],
    });
    let mut duration = Measurement::seconds("command_duration_seconds", took.as_secs_f64());
    if let Some(limit) = args.objective {
        duration = duration.objective(limit.as_objective());
    }
    run.measurement(duration);
    let end = match (output.stopped, output.status.code(), output.status.signal()) {
        (true, ..) => End::Stopped(run.stop().reason().map(ToString::to_string).unwrap_or_default()),
        (false, Some(code), _) => End::Exited { code, took },
        (false, None, signal) => {
            End::Killed { signal: signal.unwrap_or_default(), core: output.status.core_dumped(), took }
        }
    };
    Ok((end, last_words))
}

/// Why a program was not found: the answer of the system is the same for three faults.
fn not_there(program: &Path) -> String {
    let named = program.to_string_lossy().contains('/');
    match std::fs::metadata(program) {
        Ok(meta) if named && meta.is_dir() => "it is a folder".into(),
        Ok(_) if named => "it is there, and may not be executed (chmod +x)".into(),
        _ if named => "there is no such file".into(),
        _ => "there is no such program on PATH".into(),
    }
}

fn ended_words(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"))
}

/// What the result depends on, and the command line does not say.
fn note_surroundings(run: &Run, args: &CaptureArgs) {
    let system = rustix::system::uname();
    let words = [system.sysname(), system.release(), system.machine()].map(|word| word.to_string_lossy());
    run.fact("system", words.join(" "));
    if let Ok(folder) = std::env::current_dir() {
        let root = crate::run::repository(&folder);
        let inside = root.as_deref().and_then(|root| folder.strip_prefix(root).ok());
        let shown =
            inside.map_or_else(|| folder.display().to_string(), |inside| format!("./{}", inside.display()));
        run.fact("working folder", shown);
    }
    if let Some(path) = args.command.first().and_then(find_program) {
        run.fact("program", path.display().to_string());
        if let Ok(digest) = artefacts::digest(&path) {
            run.fact("program sha256", digest.sha256);
        }
    }
    for name in &args.record_env {
        let value = std::env::var(name).unwrap_or_else(|_| "(not set)".into());
        // The flag refuses names of secrets; a URL may still hold one.
        let value = if is_secret_name(name) { "***".into() } else { crate::run::redact::text(&value) };
        run.fact(format!("environment: {name}"), value);
    }
}

/// A program is asked for its version only by the flag that the user gave: nothing is run on a guess.
async fn note_version(run: &Run, args: &CaptureArgs, mask: &Mask) {
    let (Some(flag), Some(program)) = (&args.version_flag, args.command.first()) else { return };
    let asked = run.child(program).args(flag.split_whitespace()).output(run.stop());
    let told = match tokio::time::timeout(VERSION_PATIENCE, asked).await {
        Ok(Ok(output)) => {
            let first =
                |text: &str| text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
            first(&output.stdout)
                .or_else(|| first(&output.stderr))
                .unwrap_or_else(|| "it said nothing".into())
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} s", VERSION_PATIENCE.as_secs()),
    };
    let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
    run.fact(format!("version of {name}"), mask.text(&crate::run::redact::text(&told)));
}

fn publish(finished: Finished, args: &CaptureArgs, end: &End) -> Result<ExitCode, CommandError> {
    let verdict = finished.report().verdict();
    let code = finished.publish()?;
    if !args.child_exit_code {
        return Ok(code);
    }
    Ok(match end {
        // The command's own 0 is passed on only where everything else held as well.
        End::Exited { code: 0, .. } if verdict != Verdict::Passed => code,
        End::Exited { code, .. } => ExitCode::from(u8::try_from(*code).unwrap_or(u8::MAX)),
        End::Killed { signal, .. } => ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX)),
        End::NotStarted(_) | End::Stopped(_) => code,
    })
}
