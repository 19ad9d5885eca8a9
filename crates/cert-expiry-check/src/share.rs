//! The share of a plan that one shard looks at. What is left of the plan is complete in itself; what the whole
//! was, is noted, so that the records of all shards can be put together again.

use std::path::PathBuf;

use serde::Serialize;

use crate::{
    group::Group,
    targets::{Shard, Target, digest_of_list},
};

/// What was cut off a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Which part is left: `3/8`.
    pub shard: String,
    /// SHA-256 over the sorted list of all targets, the same for every shard of it.
    pub targets_sha256: String,
    /// How many targets are left. Each address of a network is one.
    pub own: u128,
    /// How many there were.
    pub all: u128,
}

/// Leaves only the targets of a shard, and says what there was.
pub(crate) fn cut(groups: &mut [Group], kubernetes: &mut Vec<PathBuf>, shard: Shard) -> Share {
    let documents = kubernetes.iter().map(|path| document(path));
    let whole: Vec<_> = groups.iter().flat_map(in_words).chain(documents).collect();
    let all = count(groups) + kubernetes.len() as u128;
    for group in &mut *groups {
        let own = group.targets.iter().filter_map(|target| match target {
            // A network is cut address by address.
            Target::Network(mut network) => {
                network.cut(shard);
                Some(Target::Network(network))
            }
            target => shard.holds(&target.identity()).then_some(target),
        });
        group.targets = own.collect();
    }
    kubernetes.retain(|path| shard.holds(&document(path)));
    let own = count(groups) + kubernetes.len() as u128;
    Share { shard: shard.to_string(), targets_sha256: digest_of_list(whole), own, all }
}

fn document(path: &std::path::Path) -> String {
    format!("--kubernetes {}", path.display())
}

/// The targets of a group, with its name.
fn in_words(group: &Group) -> impl Iterator<Item = String> {
    let name = group.name.as_ref().map_or_else(String::new, |name| format!("{name}: "));
    group.targets.iter().map(move |target| format!("{name}{}", target.identity()))
}

fn count(groups: &[Group]) -> u128 {
    let targets = groups.iter().flat_map(|group| group.targets.iter());
    targets.map(|target| if let Target::Network(network) = target { network.count() } else { 1 }).sum()
}
