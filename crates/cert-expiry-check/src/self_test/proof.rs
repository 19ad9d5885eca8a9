//! Scans a fault, and tells whether it was caught.

use std::net::IpAddr;

use clap::Parser;
use evidence_report::{
    record::{Finding, Outcome, Requirement},
    run::{Run, Usage},
};

use super::fault::{Expected, Fault, Scene};
use crate::{
    checks::TOOL,
    cli::{Cli, Command},
    error::Error,
    plan::Plan,
    scan::{self, Prepared, nodes},
    targets::Target,
    wording::printable,
};

/// What came of a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
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
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Caught(_) | Self::Quiet(_))
    }

    /// One line for people.
    #[must_use]
    pub fn line(&self, fault: &Fault) -> String {
        let (word, said) = match self {
            Self::Caught(said) => ("caught", said),
            Self::Slipped(said) => ("SLIPPED", said),
            Self::Quiet(said) => ("quiet", said),
            Self::Unable(said) => ("NOT MADE", said),
        };
        let check = if fault.is_sound() { String::new() } else { format!(" {}:", fault.proves.id) };
        format!("{word}{check} {}: {}", fault.title, printable(said, 160))
    }
}

/// Scans a fault, and compares what was found with what has to be.
pub async fn prove(scene: Scene, expected: &Expected) -> Proof {
    match look(&scene).await {
        Ok(findings) => compare(&findings, expected),
        Err(error) => Proof::Unable(error.to_string()),
    }
}

fn compare(findings: &[Finding], expected: &Expected) -> Proof {
    let complaints = || findings.iter().filter(|finding| is_complaint(finding));
    let said = |finding: &Finding| format!("{}: {}", finding.subject, finding.observed);
    if expected.outcome == Outcome::Passed {
        return match complaints().next() {
            Some(complaint) => Proof::Slipped(format!("{} {}", complaint.check.id, said(complaint))),
            None if findings.is_empty() => Proof::Slipped("nothing was looked at".to_owned()),
            None => Proof::Quiet("nothing to complain of".to_owned()),
        };
    }
    let fits = |finding: &&Finding| {
        finding.check == expected.check
            && finding.outcome == expected.outcome
            && finding.observed.contains(expected.says)
    };
    match (findings.iter().find(fits), complaints().next()) {
        (Some(caught), _) => Proof::Caught(said(caught)),
        (None, Some(other)) => Proof::Slipped(format!("found instead: {} {}", other.check.id, said(other))),
        (None, None) => Proof::Slipped("nothing was found".to_owned()),
    }
}

fn is_complaint(finding: &Finding) -> bool {
    !matches!(finding.outcome, Outcome::Passed | Outcome::NotChecked(Requirement::Optional))
}

/// One scan, as if its words had been typed. It writes no evidence and prints nothing.
async fn look(scene: &Scene) -> Result<Vec<Finding>, Error> {
    let words = std::iter::once(TOOL.name).chain(scene.words.iter().map(String::as_str));
    let cli = Cli::try_parse_from(words).map_err(|error| Usage(error.to_string()))?;
    let Command::Scan(arguments) = cli.command else {
        return Err(Usage("only a scan catches faults".to_owned()).into());
    };
    let plan = Plan::resolve(&arguments, &cli.shared)?;
    let run = Run::start(&TOOL, plan.run.clone())?;
    if scene.addresses.is_empty() {
        scan::observe(&plan, &run).await?;
    } else {
        look_at_nodes(&plan, &scene.addresses, &run).await?;
    }
    Ok(run.finish().report().findings.clone())
}

/// Every endpoint of the plan, at these addresses instead of those that its name resolves to.
async fn look_at_nodes(plan: &Plan, addresses: &[IpAddr], run: &Run) -> Result<(), Error> {
    let groups = scan::prepare_all(plan, run)?;
    for (group, Prepared { approach, basis, .. }) in plan.groups.iter().zip(&groups) {
        for target in &group.targets {
            if let Target::Endpoint(endpoint) = target {
                let addresses = addresses.iter().copied();
                let judged = nodes::look_at_addresses(endpoint, addresses, approach, basis).await;
                run.findings(judged.findings);
            }
        }
    }
    Ok(())
}
