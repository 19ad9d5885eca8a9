//! Looks at a setting, good or broken, as if its words had been typed, and tells whether the fault was caught: by its
//! own check, with what it has to say, and with the exit code that belongs to it.

use std::{path::Path, slice};

use clap::Parser;
use evidence_report::{
    record::{Check, Finding, Outcome, Verdict, v1::Record},
    run::{Finished, Usage},
    self_test::{Expected, Proof},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    fault::{Fault, Setting},
    stage::Stage,
};
use crate::{
    checks::TOOL,
    cli::{Cli, Command},
    drill_command,
    error::Error,
    metrics_command, rules_command, run_command,
};

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Case {
    /// A setting as it is.
    Sound(&'static Setting),
    /// A setting with a fault.
    Broken(&'static Fault),
}

impl Case {
    /// What it is a case of.
    pub(super) fn setting(self) -> &'static Setting {
        match self {
            Self::Sound(setting) => setting,
            Self::Broken(fault) => fault.setting,
        }
    }

    /// Whether nothing may be said of it.
    pub(super) fn is_sound(self) -> bool {
        matches!(self, Self::Sound(_))
    }

    /// What is wrong, or what it is, in a few words.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Sound(setting) => setting.title,
            Self::Broken(fault) => fault.title,
        }
    }

    /// What has to be found of it; of what is sound nothing, and the record says so under the check `whole`.
    pub(super) fn expected(self, whole: &'static Check) -> Expected<'static> {
        match self {
            Self::Sound(_) => Expected { check: whole, outcome: Outcome::Passed, says: &[] },
            Self::Broken(fault) => {
                Expected { check: fault.proves, outcome: fault.outcome, says: slice::from_ref(&fault.says) }
            }
        }
    }
}

/// Makes a case in this folder, looks at it, and compares what was found with what has to be.
pub(super) async fn prove(case: Case, expected: Expected<'_>, folder: &Path) -> Proof {
    let finished = match look(case, folder).await {
        Ok(finished) => finished,
        Err(error) => return Proof::Unable(error.to_string()),
    };
    let report = finished.report();
    let proof = match case {
        Case::Sound(_) => left_in_peace(&report.findings, report.verdict()),
        Case::Broken(fault) => compare(&report.findings, report.verdict(), fault),
    };
    proof.and_nothing_lost(&Record::of(report), &expected)
}

async fn look(case: Case, folder: &Path) -> Result<Finished, Error> {
    let wrote = |source| Error::Read { path: folder.to_owned(), source };
    let setting = case.setting();
    let mut stage = Stage::set().await.map_err(wrote)?;
    let places = places(folder, &stage);
    let fill =
        |text: &str| places.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
    for (name, text) in setting.files {
        let mut text = (*text).to_owned();
        if let Case::Broken(fault) = case {
            for (_, from, to) in fault.breaks.iter().filter(|(file, ..)| file == name) {
                if !text.contains(from) {
                    let why = format!("the self-test's own {name} holds no `{from}` to exchange");
                    return Err(Usage(why).into());
                }
                text = text.replace(from, to);
            }
        }
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(wrote)?;
        std::fs::write(path, bytes(&fill(&text))).map_err(wrote)?;
    }
    let lies = match case {
        Case::Sound(_) => &[],
        Case::Broken(fault) => fault.lies,
    };
    stage.play(folder, setting.served, lies);
    let words = setting.words.iter().map(|word| fill(word));
    let all = std::iter::once(TOOL.name.to_owned()).chain(words).chain(["--evidence".into(), "none".into()]);
    let cli = Cli::try_parse_from(all).map_err(|error| Usage(error.to_string()))?;
    match cli.command {
        Command::Drill(arguments) => drill_command::looked(&arguments, &cli.shared).await,
        Command::Rules(arguments) => rules_command::looked(arguments, &cli.shared).await,
        Command::Metrics(arguments) => metrics_command::looked(&arguments, &cli.shared).await,
        Command::Run => run_command::looked(&cli.shared).await,
        Command::SelfTest(_) | Command::Sweep => {
            Err(Usage("the self-test does not look at faults by this command".to_owned()).into())
        }
    }
}

/// What the placeholders stand for.
fn places(folder: &Path, stage: &Stage) -> Vec<(&'static str, String)> {
    let now = Timestamp::now();
    let after = |hours| now.checked_add(SignedDuration::from_hours(hours)).unwrap_or(now).to_string();
    vec![
        ("{folder}", folder.display().to_string()),
        ("{server}", stage.server.to_string()),
        ("{port}", stage.server.port().to_string()),
        ("{silent}", stage.silent.to_string()),
        ("{closed}", stage.closed.to_string()),
        ("{now}", now.as_second().to_string()),
        ("{lately}", (now.as_second() - 600).to_string()),
        ("{soon}", after(1)),
        ("{later}", after(30 * 24)),
    ]
}

/// A text with the byte that no text can hold.
fn bytes(text: &str) -> Vec<u8> {
    let parts: Vec<&[u8]> = text.split("{0xff}").map(str::as_bytes).collect();
    parts.join(&[0xff][..])
}

fn said(finding: &Finding) -> String {
    format!("{}: {}", finding.subject, finding.observed)
}

fn complaint(findings: &[Finding]) -> Option<&Finding> {
    let complains = |finding: &&Finding| !matches!(finding.outcome.verdict(), None | Some(Verdict::Passed));
    findings.iter().find(complains)
}

fn left_in_peace(findings: &[Finding], verdict: Verdict) -> Proof {
    match complaint(findings) {
        Some(complaint) => Proof::Slipped(format!("{} {}", complaint.check.id, said(complaint))),
        None if findings.is_empty() => Proof::Slipped("nothing was looked at".to_owned()),
        None if verdict != Verdict::Passed => Proof::Slipped(format!("the run as a whole {verdict}")),
        None => Proof::Quiet,
    }
}

fn compare(findings: &[Finding], verdict: Verdict, fault: &Fault) -> Proof {
    let fits = |finding: &&Finding| {
        finding.check == fault.proves
            && finding.outcome == fault.outcome
            && said(finding).contains(fault.says)
    };
    match (findings.iter().find(fits), complaint(findings)) {
        (Some(caught), _) if Some(verdict) == fault.outcome.verdict() => {
            Proof::Caught(format!("exit code {}, {}", verdict.exit_code(), said(caught)))
        }
        (Some(_), _) => Proof::Slipped(format!(
            "it was found, and the exit code is {}: {}",
            verdict.exit_code(),
            findings
                .iter()
                .find(|finding| finding.outcome.verdict() == Some(verdict))
                .map_or(String::new(), |other| format!("{} {}", other.check.id, said(other)))
        )),
        (None, Some(other)) => Proof::Slipped(format!("found instead: {} {}", other.check.id, said(other))),
        (None, None) => Proof::Slipped("nothing was found".to_owned()),
    }
}
