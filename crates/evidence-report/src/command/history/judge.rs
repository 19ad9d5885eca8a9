//! Whether a chain is whole, and whether the evidence beside it is its newest.

use std::path::Path;

use super::{evidence_of, history_of};
use crate::{
    command::{
        checks::{HISTORY_CHAIN, HISTORY_NEWEST},
        paths::read_regular,
    },
    document::{self, Document, Verification},
    history::{Came, Chain, Line, Standing, Trouble},
    record::{Environment, Finding, Requirement, Verdict, v1::Record},
    run::{file_name, short},
};

/// So many troubles of one chain are told.
const TOLD: usize = 3;

/// The findings about the history beside an evidence file that is consistent. None where there is no history
/// and the record knows of none.
pub(in crate::command) fn judge_file(path: &Path, document: &Document) -> Vec<Finding> {
    let name = path.display().to_string();
    let history = history_of(path);
    let text = match std::fs::read(&history) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let why = format!("its history is not beside it ({})", short(&history));
            let knows = document.record.previous.is_some();
            let told = HISTORY_CHAIN.not_checked(Requirement::Optional, &name, why);
            return if knows { vec![told] } else { Vec::new() };
        }
        Err(error) => {
            let told = HISTORY_CHAIN.inconclusive(&name).observed(error.to_string());
            return vec![told.remedy("Make the history readable.")];
        }
    };
    let chain = Chain::read(&text);
    let file = file_name(path);
    vec![
        whole(short(&history), &chain, anchored(&chain, document)),
        newest(&name, &chain.standing(&file, &document.record)),
    ]
}

/// What is wrong with the chain beside an evidence file that is consistent, or with its place in it; of several the
/// worst. `name` is the file as a tracker names it, and `None` says that nothing is wrong, or that no history is there and
/// the record knows of none.
pub(in crate::command) fn trouble_of(path: &Path, name: &str, record: &Record) -> Option<Finding> {
    let shown = short(&history_of(path));
    let bytes = match read_regular(&history_of(path)) {
        Ok((bytes, _)) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            record.previous.as_ref()?;
            let why = "its history is not beside it, and it goes on from a run before: git tells which one";
            return Some(HISTORY_CHAIN.not_checked(Requirement::Optional, name, why));
        }
        Err(error) => {
            let told = HISTORY_CHAIN.inconclusive(shown).observed(error.to_string());
            return Some(told.remedy("Make the history readable."));
        }
    };
    let chain = Chain::read(&String::from_utf8_lossy(&bytes));
    let findings = [whole(shown, &chain, None), newest(name, &chain.standing(&file_name(path), record))];
    let needs =
        |finding: &Finding| finding.outcome.verdict().is_some_and(|verdict| verdict > Verdict::Passed);
    findings.into_iter().filter(needs).max_by_key(|finding| finding.outcome.severity())
}

/// The findings about a history, and about every evidence file that stands beside it.
pub(in crate::command) fn judge_chain(named: &Path) -> Vec<Finding> {
    let history = history_of(named);
    let text = match std::fs::read(&history) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            let told = HISTORY_CHAIN.inconclusive(short(&history)).observed(error.to_string());
            return vec![told.remedy("Name evidence that has a history, or the history itself.")];
        }
    };
    let chain = Chain::read(&text);
    let mut findings = Vec::new();
    let mut anchor = None;
    let required = evidence_of(&history);
    let environments =
        [Environment::Local, Environment::Development, Environment::Staging, Environment::Production];
    let beside = environments.map(|environment| required.with_extension(format!("{environment}.md")));
    for path in std::iter::once(required.clone()).chain(beside) {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let name = path.display().to_string();
        match document::verify(&text) {
            Verification::Consistent(record) => {
                let document = document::read(&text).ok();
                anchor = anchor.max(document.and_then(|document| anchored(&chain, &document)));
                findings.push(newest(&name, &chain.standing(&file_name(&path), &record)));
            }
            _ => findings.push(
                HISTORY_NEWEST
                    .failed(name)
                    .expected("the newest run of its chain")
                    .observed("it is no evidence as a tool wrote it; `verify` tells what was altered"),
            ),
        }
    }
    if findings.is_empty() {
        let why = "no evidence stands beside the history: its newest lines may have been cut off";
        findings.push(HISTORY_NEWEST.not_checked(Requirement::Required, short(&history), why));
    }
    findings.push(whole(short(&history), &chain, anchor));
    findings
}

/// The run up to which the signature of this evidence anchors the chain: its record names the line before. One that
/// was accepted names a line of another history.
fn anchored(chain: &Chain, document: &Document) -> Option<u64> {
    document.signature.as_ref()?;
    let run = chain.of_seal(&document::seal(&document.record))?;
    (run.came == Came::Published).then_some(run.number)
}

fn whole(name: String, chain: &Chain, anchor: Option<u64>) -> Finding {
    let expected = "every line goes on from the one before";
    let troubles = chain.troubles();
    if let Some(first) = troubles.first() {
        let told: Vec<_> = troubles.iter().take(TOLD).map(ToString::to_string).collect();
        let more = match troubles.len().saturating_sub(TOLD) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let newer = troubles.iter().all(|trouble| matches!(trouble, Trouble::Newer { .. }));
        let finding = if newer { HISTORY_CHAIN.inconclusive(&name) } else { HISTORY_CHAIN.failed(&name) };
        let finding = finding.expected(expected).observed(format!("{}{more}", told.join("; ")));
        return finding.at(name, u32::try_from(first.at()).ok());
    }
    let runs = chain.runs().count();
    let beginning = match chain.entries().first().map(|entry| &entry.line) {
        Some(Line::Pruned(pruned)) => {
            format!(", from run {} on (taken out until {})", pruned.number + 1, pruned.finished)
        }
        Some(Line::Anew(anew)) => format!(", begun anew on {} because it was {}", anew.at, anew.reason),
        _ => String::new(),
    };
    let anchor = match anchor {
        Some(run) => format!("up to run {run} anchored by the signature in the evidence"),
        None => "unsigned: that it was not written anew as a whole, git tells".to_owned(),
    };
    let observed = format!("{}, whole{beginning}; {anchor}", super::view::runs(runs));
    let anew = matches!(chain.entries().first().map(|entry| &entry.line), Some(Line::Anew(_)));
    let finding = match (runs, anew) {
        (0, _) => HISTORY_CHAIN.inconclusive(name).remedy("Run the tool: it begins the history."),
        (_, true) => HISTORY_CHAIN.warned(name),
        _ => HISTORY_CHAIN.passed(name),
    };
    finding.expected(expected).observed(observed)
}

fn newest(name: &str, standing: &Standing) -> Finding {
    let finding = match standing {
        Standing::Newest { number } => HISTORY_NEWEST.passed(name).observed(format!("run {number}")),
        Standing::Pending => HISTORY_NEWEST
            .warned(name)
            .observed("its line is missing: its run was stopped just before writing it, or the line was cut off")
            .remedy("Run the tool again: it puts the line where it belongs."),
        Standing::Older { number, newest } => HISTORY_NEWEST
            .failed(name)
            .observed(format!("run {number}; run {newest} was there since: older evidence was put back")),
        Standing::Pruned => HISTORY_NEWEST.not_checked(
            Requirement::Optional,
            name,
            "its run has been taken out of the history by name",
        ),
        Standing::Unknown => HISTORY_NEWEST.failed(name).observed(
            "the history does not know it: its newest lines were cut off or rewritten, or the file came by hand",
        ),
        Standing::Contradicted(trouble) => HISTORY_NEWEST.failed(name).observed(trouble.to_string()),
    };
    finding.expected("the newest run of its chain")
}
