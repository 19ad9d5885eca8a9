//! Looks at a fault as if its words had been typed, and tells whether it was caught.

use std::path::Path;

use clap::Parser;
use evidence_report::{
    record::{Finding, Outcome, Requirement},
    run::Usage,
};

use super::fault::Fault;
use crate::{
    checks::TOOL,
    cli::{Cli, Command},
    drill_command,
    error::Error,
    http::excerpt,
};

/// What came of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It was caught; what was said of it.
    Caught(String),
    /// It slipped through; what was said instead.
    Slipped(String),
    /// What is sound was left in peace.
    Quiet(String),
    /// It could not be made or looked at; why.
    Unable(String),
}

impl Proof {
    /// Whether the tool did what it should.
    #[must_use]
    pub(crate) fn is_good(&self) -> bool {
        matches!(self, Self::Caught(_) | Self::Quiet(_))
    }

    /// One line for people.
    #[must_use]
    pub(crate) fn line(&self, fault: &Fault) -> String {
        let (word, said) = match self {
            Self::Caught(said) => ("caught", said),
            Self::Slipped(said) => ("SLIPPED", said),
            Self::Quiet(said) => ("quiet", said),
            Self::Unable(said) => ("NOT MADE", said),
        };
        let check = if fault.is_sound() { String::new() } else { format!(" {}:", fault.proves.id) };
        format!("{word}{check} {}: {}", fault.title, excerpt(said, 160))
    }

    /// What the run's record says of it.
    #[must_use]
    pub(crate) fn finding(&self, fault: &Fault) -> Finding {
        let subject = format!("self-test: {}", fault.title);
        let check = fault.proves;
        match self {
            Self::Caught(seen) | Self::Quiet(seen) => {
                check.passed(subject).expected(fault.says).observed(seen)
            }
            Self::Slipped(seen) => check
                .failed(subject)
                .expected(fault.says)
                .observed(seen)
                .remedy("Do not rely on this check of this build; report it as a defect."),
            Self::Unable(why) => check.not_checked(Requirement::Required, subject, why),
        }
    }
}

/// Makes a fault in this folder, looks at it, and compares what was found with what has to be.
pub(crate) async fn prove(fault: &Fault, folder: &Path) -> Proof {
    match look(fault, folder).await {
        Ok(findings) => compare(&findings, fault),
        Err(error) => Proof::Unable(error.to_string()),
    }
}

async fn look(fault: &Fault, folder: &Path) -> Result<Vec<Finding>, Error> {
    let wrote = |source| Error::Read { path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(wrote)?;
    for (name, text) in fault.files {
        std::fs::write(folder.join(name), text).map_err(wrote)?;
    }
    let place = folder.display().to_string();
    let words = fault.words.iter().map(|word| word.replace("{folder}", &place));
    let all = std::iter::once(TOOL.name.to_owned()).chain(words).chain(["--evidence".into(), "none".into()]);
    let cli = Cli::try_parse_from(all).map_err(|error| Usage(error.to_string()))?;
    match cli.command {
        Command::Drill(arguments) => drill_command::findings(&arguments, &cli.shared).await,
        _ => Err(Usage("the self-test does not look at faults by this command".to_owned()).into()),
    }
}

fn compare(findings: &[Finding], fault: &Fault) -> Proof {
    let is_complaint = |finding: &&Finding| {
        !matches!(finding.outcome, Outcome::Passed | Outcome::NotChecked(Requirement::Optional))
    };
    let said = |finding: &Finding| format!("{}: {}", finding.subject, finding.observed);
    let complaint = findings.iter().find(is_complaint);
    if fault.is_sound() {
        return match complaint {
            Some(complaint) => Proof::Slipped(format!("{} {}", complaint.check.id, said(complaint))),
            None if findings.is_empty() => Proof::Slipped("nothing was looked at".to_owned()),
            None => Proof::Quiet("nothing to complain of".to_owned()),
        };
    }
    let fits = |finding: &&Finding| {
        finding.check == fault.proves
            && finding.outcome == fault.outcome
            && finding.observed.contains(fault.says)
    };
    match (findings.iter().find(fits), complaint) {
        (Some(caught), _) => Proof::Caught(said(caught)),
        (None, Some(other)) => Proof::Slipped(format!("found instead: {} {}", other.check.id, said(other))),
        (None, None) => Proof::Slipped("nothing was found".to_owned()),
    }
}
