//! `accept FILE`: evidence that was made in a pod, or on a host of staging, comes home: verified, bound to its
//! environment by facts, put in its place and into the chain. Whatever is in doubt is refused, and nothing is
//! written then; the words of people that stand in its place are kept.

mod binding;
mod judge;

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

pub(super) use binding::Fact;
use judge::{bound, newer, same_tool};

use super::{
    checks::{ACCEPT_PLACED, CONSISTENT},
    policy::Policy,
    signature::{self, Signers, SignersPlace},
    verify::verify_bytes,
};
use crate::{
    document::{self, Document},
    history::Came,
    record::{Environment, Finding, Outcome, Requirement},
    run::{Arriving, Publication, Usage, evidence_folder, repository, short},
};

/// Evidence is at most a record of 256 KiB, the same once more in words, and notes.
const MAXIMUM: u64 = 16 * 1024 * 1024;

#[derive(Debug, Args)]
pub(super) struct AcceptPlace {
    /// Evidence files that were made elsewhere
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// A fact that binds it to its environment, as its table "How to reproduce" names it (repeatable)
    #[arg(long = "fact", value_name = "NAME=VALUE")]
    facts: Vec<Fact>,
    #[command(flatten)]
    signers: SignersPlace,
}

/// What is asked of the evidence, and where it goes.
#[derive(Debug)]
pub(super) struct Acceptance {
    facts: Vec<Fact>,
    policy: Policy,
    signers: Option<Signers>,
    environment: Option<Environment>,
    to: Option<PathBuf>,
    now: Timestamp,
}

/// Why a file was not taken home.
enum NotTaken {
    /// The other findings say why.
    Refused,
    /// Nothing is wrong with it.
    Unable(String),
}

impl AcceptPlace {
    /// What the flags come to; `to` is what `--evidence` names.
    pub(super) fn resolve(
        &self,
        environment: Option<Environment>,
        to: Option<&Path>,
        now: Timestamp,
    ) -> Result<Acceptance, Usage> {
        if self.files.len() > 1 && to.is_some() {
            return Err(Usage("--evidence names one place; accept the files one by one".into()));
        }
        let to = to.map(std::path::absolute).transpose();
        let to = to.map_err(|error| Usage(format!("finding the place of --evidence: {error}")))?;
        let signers = self.signers.resolve()?;
        let here = std::env::current_dir().ok().and_then(|folder| repository(&folder));
        let policy = here.map(|root| Policy::find(None, &root)).transpose();
        let policy = policy.map_err(|error| Usage(error.to_string()))?.unwrap_or_default();
        Ok(Acceptance { facts: self.facts.clone(), policy, signers, environment, to, now })
    }
}

impl Acceptance {
    /// Takes one file home, or says why not.
    pub(super) fn accept(&self, path: &Path) -> Vec<Finding> {
        let name = path.display().to_string();
        let mut findings = Vec::new();
        let placed = self.judge_and_place(path, &name, &mut findings);
        findings.push(placed.unwrap_or_else(|why| match why {
            NotTaken::Refused => {
                let why = "refused, for what is said of it here; nothing was written";
                ACCEPT_PLACED.not_checked(Requirement::Optional, name, why)
            }
            NotTaken::Unable(why) => {
                let remedy = "Mend that, and accept the file again.";
                ACCEPT_PLACED.inconclusive(name).observed(why).remedy(remedy)
            }
        }));
        findings
    }

    fn judge_and_place(
        &self,
        path: &Path,
        name: &str,
        findings: &mut Vec<Finding>,
    ) -> Result<Finding, NotTaken> {
        let document = match read(path, name) {
            Ok((document, consistent)) => {
                findings.push(consistent);
                document
            }
            Err(finding) => {
                findings.push(*finding);
                return Err(NotTaken::Refused);
            }
        };
        findings.extend(signature::judge(name, &document, self.signers.as_ref()));
        findings.push(bound(name, &document.record, self.environment, &self.facts, &self.policy));
        if findings.iter().any(stands_in_the_way) {
            return Err(NotTaken::Refused);
        }
        let required = self.place(path).map_err(|error| NotTaken::Unable(error.to_string()))?;
        let record = &document.record;
        let arriving = Arriving {
            environment: record.environment,
            interrupted: record.interrupted.is_some(),
            now: self.now,
        };
        // From here on nobody else exchanges what stands there.
        let mut publication = Publication::begin(&required, arriving, &[])
            .map_err(|error| NotTaken::Unable(error.to_string()))?;
        findings.push(same_tool(name, record, &publication, &required));
        findings.push(newer(name, record, &publication, self.now));
        if findings.iter().any(stands_in_the_way) {
            return Err(NotTaken::Refused);
        }
        let place = short(&publication.place().path);
        if publication.holds(record) {
            return Ok(ACCEPT_PLACED.passed(name).observed(format!("it stands in {place} already")));
        }
        publication.add_notes(&document.notes, name);
        let number = publication.history().next_number();
        let remarks = publication.place().remarks.join("; ");
        let signature = document.signature.as_ref().map(|signature| signature.text.as_str());
        publication
            .write(record, signature, Came::Accepted)
            .map_err(|error| NotTaken::Unable(error.to_string()))?;
        let remarks = if remarks.is_empty() { remarks } else { format!("; {remarks}") };
        Ok(ACCEPT_PLACED.passed(name).observed(format!("in {place}, run {number} of its history{remarks}")))
    }

    /// The required file's place: what `--evidence` names, or the file's own name among the evidence here.
    fn place(&self, path: &Path) -> Result<PathBuf, Usage> {
        if let Some(to) = &self.to {
            return Ok(to.clone());
        }
        let folder = evidence_folder().ok_or_else(|| {
            Usage(
                "there is no repository here to take it home to; name its place with --evidence PATH".into(),
            )
        })?;
        let name = path.file_name().ok_or_else(|| Usage(format!("{} names no file", path.display())))?;
        let place = folder.join(name);
        let same = std::fs::canonicalize(&place).ok().zip(std::fs::canonicalize(path).ok());
        if same.is_some_and(|(there, from)| there == from) {
            return Err(Usage(format!("{} is in its place already", path.display())));
        }
        Ok(place)
    }
}

fn stands_in_the_way(finding: &Finding) -> bool {
    !matches!(finding.outcome, Outcome::Passed | Outcome::NotChecked(Requirement::Optional))
}

fn read(path: &Path, name: &str) -> Result<(Document, Finding), Box<Finding>> {
    let unable = |why: String| {
        Box::new(
            CONSISTENT.inconclusive(name).observed(why).remedy("Name an evidence file that you may read."),
        )
    };
    let length = std::fs::metadata(path).map_err(|error| unable(error.to_string()))?.len();
    if length > MAXIMUM {
        return Err(unable(format!("{length} bytes: evidence has at most {MAXIMUM}")));
    }
    let bytes = std::fs::read(path).map_err(|error| unable(error.to_string()))?;
    let consistent = verify_bytes(name, &bytes);
    if consistent.outcome != Outcome::Passed {
        return Err(Box::new(consistent));
    }
    let text = String::from_utf8_lossy(&bytes);
    let document = document::read(&text).map_err(|error| unable(error.to_string()))?;
    Ok((document, consistent))
}
