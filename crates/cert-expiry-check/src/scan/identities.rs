//! The client certificates that a run presents: each pair of files is read once, and judged once.

use std::collections::HashMap;

use crate::{
    assess::{Basis, Judged, client},
    config::PresentConfig,
    error::Error,
    group::Group,
    wire::Identity,
    wording::printable,
};

/// Identities that were read.
#[derive(Debug, Default)]
pub(super) struct Identities(HashMap<PresentConfig, Identity>);

impl Identities {
    /// What a group presents.
    ///
    /// # Errors
    /// When it cannot be read, or certificate and key do not belong together.
    pub(super) fn of(&mut self, group: &Group) -> Result<Option<Identity>, Error> {
        let Some(present) = &group.present else { return Ok(None) };
        if let Some(known) = self.0.get(present) {
            return Ok(Some(known.clone()));
        }
        let identity = Identity::from_files(&present.certificate, &present.key)?;
        self.0.insert(present.clone(), identity.clone());
        Ok(Some(identity))
    }
}

/// Judges the client certificates of these groups, each once; with the number of the first group that presents
/// it.
pub(super) fn judge<'g>(
    groups: impl Iterator<Item = (&'g Group, Option<&'g Identity>, &'g Basis)>,
) -> Vec<(usize, Judged)> {
    let mut judged = Vec::new();
    let mut known: Vec<&PresentConfig> = Vec::new();
    for (number, (group, identity, basis)) in groups.enumerate() {
        if let (Some(present), Some(identity)) = (&group.present, identity)
            && !known.contains(&present)
        {
            known.push(present);
            let shown = |path: &std::path::Path| printable(&path.to_string_lossy(), 200);
            let (place, key) = (shown(&present.certificate), shown(&present.key));
            judged.push((number, client::identity(&place, &key, identity, basis)));
        }
    }
    judged
}
