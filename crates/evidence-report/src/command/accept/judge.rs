//! Whether evidence may come home. Each answer is a finding.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::binding::Fact;
use crate::{
    command::{
        checks::{ACCEPT_BOUND, ACCEPT_NEWER, ACCEPT_TOOL},
        policy::Policy,
    },
    document,
    record::{Environment, Finding, v1::Record},
    run::{Publication, file_name, short},
};

/// So far two clocks may be apart.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The environment is the one that was asked for, and what the run saw says so, too.
pub(super) fn bound(
    name: &str,
    record: &Record,
    asked: Option<Environment>,
    facts: &[Fact],
    policy: &Policy,
) -> Finding {
    let environment = record.environment;
    if let Some(asked) = asked.filter(|asked| *asked != environment) {
        let observed = format!("it is of {environment}");
        return ACCEPT_BOUND.failed(name).expected(format!("evidence of {asked}")).observed(observed);
    }
    let values = |wanted: &Fact| {
        let seen: Vec<_> = record.facts.iter().filter(|fact| fact.name == wanted.name).collect();
        let words: Vec<_> = seen.iter().map(|fact| format!("'{}'", fact.value)).collect();
        (seen.iter().any(|fact| fact.value == wanted.value), words.join(" and "))
    };
    for fact in facts {
        let expected = format!("{} '{}'", fact.name, fact.value);
        match values(fact) {
            (true, _) => {}
            (false, seen) if seen.is_empty() => {
                let observed = format!("its record holds no fact '{}'", fact.name);
                return ACCEPT_BOUND.failed(name).expected(expected).observed(observed);
            }
            (false, seen) => {
                let observed = format!("it saw {} {seen}", fact.name);
                return ACCEPT_BOUND.failed(name).expected(expected).observed(observed);
            }
        }
    }
    let told: Vec<_> = facts.iter().map(|fact| format!("{} '{}'", fact.name, fact.value)).collect();
    // What the policy asks for holds whatever else was named: a gate would not count it otherwise.
    if policy.binds(environment)
        && let Err(why) = policy.counts_for(environment, &record.facts)
    {
        let expected = format!("what tells {environment}, by {}", policy.path);
        return ACCEPT_BOUND.failed(name).expected(expected).observed(why);
    }
    match (facts, environment) {
        ([], _) if policy.binds(environment) => {
            ACCEPT_BOUND.passed(name).observed(format!("{environment}: it saw what {} asks for", policy.path))
        }
        ([], Environment::Staging | Environment::Production) => ACCEPT_BOUND
            .inconclusive(name)
            .expected("a fact that tells the environment")
            .observed(format!("it claims {environment}; nothing was named that its run must have seen there"))
            .remedy("Name what tells this environment from others, in the policy or by --fact 'NAME=VALUE'."),
        ([], _) => {
            ACCEPT_BOUND.passed(name).observed(format!("{environment}: no more than anybody may claim"))
        }
        _ => ACCEPT_BOUND.passed(name).observed(format!("{environment}: it saw {}", told.join(", "))),
    }
}

/// What stands there is of the same tool.
pub(super) fn same_tool(name: &str, record: &Record, publication: &Publication, required: &Path) -> Finding {
    let tool = &record.tool.name;
    let expected = format!("evidence of {tool}, or none");
    let newest = publication.history().runs().next_back();
    let before = newest.and_then(|run| run.tool.rsplit_once(' ')).map(|(tool, _)| tool);
    match before.filter(|before| before != tool) {
        Some(before) => {
            let place = short(required);
            let observed = format!("{place} is evidence of {before}");
            ACCEPT_TOOL.failed(name).expected(expected).observed(observed)
        }
        None => {
            let observed = if before.is_some() { "of the same tool" } else { "none stands there yet" };
            ACCEPT_TOOL.passed(name).expected(expected).observed(observed)
        }
    }
}

/// It is newer than whatever went to the same place, and not from the future.
pub(super) fn newer(name: &str, record: &Record, publication: &Publication, now: Timestamp) -> Finding {
    let finished = Record::time(&record.finished);
    let file = file_name(&publication.place().path);
    if finished > now + SKEW {
        let observed = format!("it ended on {}, which is yet to come", record.finished);
        return ACCEPT_NEWER.failed(name).expected("a run that has ended").observed(observed);
    }
    if publication.holds(record) {
        return ACCEPT_NEWER.passed(name).observed("the same run as stands there");
    }
    let history = publication.history();
    let expected = "a run newer than every one of its place";
    if let Some(run) = history.of_seal(&document::seal(record)) {
        let observed = format!("it was here as run {} already, and has been replaced since", run.number);
        return ACCEPT_NEWER.failed(name).expected(expected).observed(observed);
    }
    let newest = history.runs().filter(|run| run.file == file).max_by_key(|run| Record::time(&run.finished));
    match newest {
        Some(run) if Record::time(&run.finished) >= finished => {
            let observed = format!(
                "it ended on {}; run {} there ended on {}",
                record.finished, run.number, run.finished
            );
            ACCEPT_NEWER.failed(name).expected(expected).observed(observed)
        }
        Some(run) => {
            ACCEPT_NEWER.passed(name).expected(expected).observed(format!("newer than run {}", run.number))
        }
        None => ACCEPT_NEWER.passed(name).expected(expected).observed("the first of its place"),
    }
}
