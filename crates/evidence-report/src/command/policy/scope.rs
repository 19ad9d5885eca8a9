//! Each bullet of an item's scope is covered by evidence that the policy names. Pure.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Policy;
use crate::{
    command::{
        checks::SCOPE_COVERED,
        tracker::{Item, Tracker},
    },
    record::Finding,
};

/// Which evidence covers a bullet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::command) struct ScopePolicy {
    /// The beginning of the bullet.
    bullet: String,
    /// Files that cover it, from the repository's root: evidence or pages that the policy names for the item, or paths
    /// that the item itself names.
    covered_by: Vec<String>,
}

impl ScopePolicy {
    /// An empty beginning would be that of every bullet.
    fn is_of(&self, bullet: &str) -> bool {
        !self.bullet.trim().is_empty() && bullet.starts_with(&self.bullet)
    }
}

/// One finding for each bullet of an item whose scope the policy maps.
pub(in crate::command) fn scope(
    tracker: &Tracker,
    item: &Item,
    policy: &Policy,
    named: &[String],
) -> Vec<Finding> {
    let Some(wanted) = policy.item(item.number).filter(|wanted| !wanted.scope.is_empty()) else {
        return Vec::new();
    };
    let known = |file: &str| {
        wanted.evidence.iter().any(|evidence| evidence.file.value == file)
            || wanted.pages.iter().any(|page| page.file() == file)
            || named.iter().any(|path| path == file)
    };
    let of_bullets = item.scope.iter().map(|bullet| {
        let subject = format!("{}: {}", item.name(), bullet.value);
        let covering = wanted.scope.iter().find(|one| one.is_of(&bullet.value));
        let finding = match covering.map(|one| one.covered_by.as_slice()) {
            None | Some([]) => SCOPE_COVERED.failed(subject).observed("no evidence covers it"),
            Some(files) => match files.iter().find(|file| !known(file)) {
                Some(file) => SCOPE_COVERED.failed(subject).observed(format!(
                    "covered by {file}, which neither the item nor the policy names as evidence"
                )),
                None => SCOPE_COVERED.passed(subject).observed(format!("covered by {}", files.join(", "))),
            },
        };
        finding.expected("evidence that covers it").at(&tracker.path, Some(bullet.line))
    });
    let is_there = |one: &&ScopePolicy| item.scope.iter().any(|bullet| one.is_of(&bullet.value));
    let of_policy = wanted.scope.iter().filter(|one| !is_there(one)).map(|one| {
        SCOPE_COVERED
            .failed(format!("{}: {}", item.name(), one.bullet))
            .expected("a bullet of the item's scope")
            .observed("no bullet begins like this")
            .remedy("Correct the bullet in the policy, or the scope in the tracker.")
            .at(&policy.path, None)
    });
    of_bullets.chain(of_policy).collect()
}
