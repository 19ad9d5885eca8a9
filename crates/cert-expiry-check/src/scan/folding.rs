//! Folds what was judged of each target into the run, as it arrives, and keeps what only the whole run can
//! judge.

use std::{collections::BTreeMap, net::SocketAddr};

use evidence_report::{
    record::{Check, Finding, Outcome},
    run::Run,
};

use super::owed;
use crate::{
    assess::{
        Basis, Judged, Part, Sighting,
        agreement::{self, files::in_archive, history::put_aside_from},
        revocation::Source,
    },
    checks::{FILE_LIFETIME, TLS_LIFETIME, TLS_NODES},
    error::Error,
    group::Group,
    outputs::{Keeping, Places, Seen, Sightings},
    targets::Endpoint,
};

/// What a run has seen so far.
pub(super) struct Folding<'r> {
    run: &'r Run,
    /// What the groups are called, where there are several.
    names: Vec<Option<String>>,
    seen: Sightings,
    /// The revocation lists among the targets.
    lists: Vec<Source>,
    /// What the nodes serve that were named with an address of their own, by their common name.
    nodes: BTreeMap<String, Vec<(String, [u8; 32])>>,
    /// The checks that only complain, by their ids, with how often they had nothing to say.
    quiet: BTreeMap<&'static str, (&'static Check, usize)>,
}

impl<'r> Folding<'r> {
    pub(super) fn new(groups: &[Group], keeping: Keeping, places: Places, run: &'r Run) -> Self {
        let names =
            if groups.len() > 1 { groups.iter().map(|group| group.name.clone()).collect() } else { vec![] };
        Self {
            run,
            names,
            seen: Sightings::keeping(keeping, places),
            lists: Vec::new(),
            nodes: BTreeMap::new(),
            quiet: BTreeMap::new(),
        }
    }

    /// Takes in what was judged of a target of a group; `endpoint`, where it is one.
    pub(super) fn take_in(&mut self, group: usize, endpoint: Option<&Endpoint>, judged: Judged) {
        let own = judged.sightings.iter().find(|sighting| sighting.part == Part::Server);
        if let (Some(endpoint), Some(own)) = (endpoint, own) {
            self.note_node(endpoint, own);
        }
        owed::of(&judged, self.run);
        for check in &judged.quiet {
            self.quiet.entry(check.id).or_insert((check, 0)).1 += 1;
        }
        for finding in judged.findings {
            let finding = self.as_of_group(group, finding);
            match waits_as(&finding, &judged.sightings) {
                Some(certificate) => self.seen.keep_waiting(certificate, finding),
                None => self.run.finding(finding),
            }
        }
        let group = u16::try_from(group).unwrap_or(u16::MAX);
        judged.sightings.into_iter().for_each(|sighting| self.seen.take_in(group, sighting));
        self.lists
            .extend(judged.lists.into_iter().map(|seen| Source { place: seen.place, list: Ok(seen.list) }));
        judged.keys.into_iter().for_each(|key| self.seen.take_in_key(key));
    }

    fn note_node(&mut self, endpoint: &Endpoint, own: &Sighting) {
        if let Some(address) = endpoint.address {
            let name = Endpoint { address: None, port_there: None, ..endpoint.clone() }.to_string();
            let address = match endpoint.port_there {
                Some(port) => SocketAddr::new(address, port).to_string(),
                None => address.to_string(),
            };
            self.nodes.entry(name).or_default().push((address, own.certificate.fingerprint));
        }
    }

    /// What is expected is a matter of the group: it is named where something is not as expected.
    pub(super) fn as_of_group(&self, group: usize, finding: Finding) -> Finding {
        match self.names.get(group) {
            Some(Some(name)) if finding.outcome != Outcome::Passed => {
                let expected = format!("{} (group {name})", finding.expected);
                finding.expected(expected.trim_start())
            }
            _ => finding,
        }
    }

    /// Judges what only the whole run can tell, and gives back everything that was seen, with the revocation lists.
    ///
    /// # Errors
    /// When what was put aside cannot be read again.
    pub(super) fn finish(self, bases: &[&Basis]) -> Result<(Seen, Vec<Source>), Error> {
        let (mut seen, trouble) = self.seen.close().map_err(Error::put_aside)?;
        if let Some(trouble) = trouble {
            let folder = std::env::temp_dir();
            self.run.caution(format!(
                "what was seen stays in memory, since {} does not take it: {trouble}; TMPDIR names another folder",
                folder.display()
            ));
        }
        let owed = seen.join(bases, |finding| self.run.finding(finding));
        self.run.owes(owed);
        self.run.findings(self.quiet.values().map(|(check, times)| owed::quiet(check, *times)));
        if let Some(basis) = bases.first() {
            let wanted = self.nodes.values().filter(|served| served.len() > 1).flatten();
            let served = seen.those(&wanted.map(|(_, fingerprint)| *fingerprint).collect());
            for (name, nodes) in &self.nodes {
                let of_node =
                    |(address, fingerprint): &(String, _)| Some((address.clone(), served.get(fingerprint)?));
                let nodes: Vec<_> = nodes.iter().filter_map(of_node).collect();
                self.run.owes((nodes.len() > 1).then_some(&TLS_NODES));
                self.run.findings(agreement::nodes::judge(name, &nodes, basis.now));
            }
        }
        seen.is_complete().map_err(Error::put_aside)?;
        Ok((seen, self.lists))
    }
}

/// The certificate of a finding of which more can be said when the run is over: how many others serve it,
/// whether it is only kept for the record.
fn waits_as(finding: &Finding, sightings: &[Sighting]) -> Option<[u8; 32]> {
    let of_server = finding.check.id == TLS_LIFETIME.id;
    let is_kept = |place: &str| in_archive(place).is_some() || put_aside_from(place).is_some();
    let of_history = || finding.check.id == FILE_LIFETIME.id && is_kept(&finding.subject);
    if finding.outcome == Outcome::Passed || !(of_server || of_history()) {
        return None;
    }
    let part = if of_server { Part::Server } else { Part::File };
    let own = sightings.iter().find(|sighting| sighting.part == part && sighting.place == finding.subject)?;
    Some(own.certificate.fingerprint)
}
