//! Certificates at URLs: fetched, read, judged.

use super::{Task, What, others};
use crate::{
    assess::{Basis, Judged, remote},
    plan::Plan,
    stores::{Passwords, read},
    targets::{Remote, Target},
    wire::{
        Approach,
        fetch::{Fetcher, Trouble},
    },
};

/// More than any bundle of certificates.
const LARGEST: usize = 8 * 1024 * 1024;

/// Every URL of a plan.
pub(super) fn tasks(plan: &Plan) -> impl Iterator<Item = Task> {
    others(plan).filter_map(|(group, target)| match target {
        Target::Remote(remote) => Some(Task { group, what: What::Remote(Remote::clone(remote)) }),
        _ => None,
    })
}

/// Fetches and judges the document at a URL.
pub(super) async fn look_at(
    remote: &Remote,
    approach: &Approach,
    passwords: &Passwords,
    basis: &Basis,
) -> Judged {
    let fetched = match Fetcher::new(&basis.trust, approach) {
        Ok(fetcher) => fetcher.get(remote.url(), LARGEST).await,
        Err(error) => Err(Trouble::Ours(error)),
    };
    remote::judge(remote, fetched.map(|bytes| read(&bytes, passwords)), basis)
}
