//! Every certificate that a run sees, each once, however many places it is seen in: what came last in memory, and
//! what came before in a file without a name as soon as it is much, so that a scan of a hundred thousand servers
//! needs no more memory than one of ten thousand. It judges nothing.

mod spool;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    io,
    sync::{Mutex, PoisonError},
};

use self::spool::{File, Spool};
use super::packed::{Alike, Keeping, Packed, Places};
use crate::assess::Sighting;

/// The SHA-256 of a certificate.
pub(super) type Fingerprint = [u8; 32];

/// So many bytes of certificates are in memory before they go into the file: some six thousand of them.
const IN_MEMORY: usize = 2 << 20;

/// What a map takes for an entry beside what the certificate itself takes.
const FOR_AN_ENTRY: usize = 48;

/// The certificates of a run that is still under way.
#[derive(Debug)]
pub(super) struct Ledger {
    recent: BTreeMap<Fingerprint, Packed>,
    /// What those take.
    bytes: usize,
    /// How much they may.
    limit: usize,
    alike: Alike,
    keeping: Keeping,
    places: Places,
    spool: Option<Spool>,
    /// Why the rest stays in memory.
    trouble: Option<io::Error>,
}

impl Ledger {
    pub(super) fn keeping(keeping: Keeping, places: Places) -> Self {
        Self {
            recent: BTreeMap::new(),
            bytes: 0,
            limit: IN_MEMORY,
            alike: Alike::default(),
            keeping,
            places,
            spool: None,
            trouble: None,
        }
    }

    /// Takes in a sighting among the targets of a group.
    pub(super) fn take_in(&mut self, group: u16, sighting: Sighting) {
        let Sighting { place, part, certificate, standing } = sighting;
        let known = self.recent.get(&certificate.fingerprint);
        let before = known.map_or(0, |packed| packed.size() + FOR_AN_ENTRY);
        let (keeping, alike) = (self.keeping, &mut self.alike);
        let packed = (self.recent.entry(certificate.fingerprint))
            .or_insert_with(|| Packed::new(&certificate, keeping, standing, alike));
        packed.standing = packed.standing.max(standing);
        packed.add_place(part, group, &place, self.places);
        self.bytes = self.bytes + packed.size() + FOR_AN_ENTRY - before;
        if self.bytes > self.limit && self.trouble.is_none() {
            self.trouble = self.put_away().err();
        }
    }

    /// Puts what is in memory into the file. Where that is not possible it stays.
    fn put_away(&mut self) -> io::Result<()> {
        let spool = match &mut self.spool {
            Some(spool) => spool,
            none => none.insert(Spool::create()?),
        };
        spool.append(&self.recent)?;
        self.recent.clear();
        self.bytes = 0;
        Ok(())
    }

    /// Every certificate in its order; and why the file could not take them all, where it could not.
    ///
    /// # Errors
    /// When what is in the file cannot be read again.
    pub(super) fn close(mut self) -> io::Result<(Closed, Option<io::Error>)> {
        if self.spool.is_some() && self.trouble.is_none() {
            self.trouble = self.put_away().err();
        }
        let Some(spool) = self.spool else {
            return Ok((Closed::in_memory(self.recent.into_iter().collect()), self.trouble));
        };
        if self.trouble.is_none() {
            match File::of_all(spool.merged(&self.alike, self.places)?) {
                Ok(file) => {
                    let where_ = Where::InFile(file, self.alike);
                    return Ok((Closed { all: where_, trouble: Mutex::default() }, None));
                }
                Err(spool::Trouble::Reading(error)) => return Err(error),
                Err(spool::Trouble::Writing(error)) => self.trouble = Some(error),
            }
        }
        for entry in spool.merged(&self.alike, self.places)? {
            let (fingerprint, mut earlier) = entry?;
            if let Some(later) = self.recent.remove(&fingerprint) {
                earlier.absorb(&later, self.places);
            }
            self.recent.insert(fingerprint, earlier);
        }
        Ok((Closed::in_memory(self.recent.into_iter().collect()), self.trouble))
    }
}

/// Where one of the certificates is found again.
pub(super) type Position = u64;

/// The certificates of a run that is over, in the order of their fingerprints.
#[derive(Debug)]
pub(super) struct Closed {
    all: Where,
    /// Why not all of it could be read.
    trouble: Mutex<Option<io::Error>>,
}

#[derive(Debug)]
enum Where {
    InMemory(Vec<(Fingerprint, Packed)>),
    InFile(File, Alike),
}

impl Default for Closed {
    fn default() -> Self {
        Self::in_memory(Vec::new())
    }
}

impl Closed {
    fn in_memory(all: Vec<(Fingerprint, Packed)>) -> Self {
        Self { all: Where::InMemory(all), trouble: Mutex::default() }
    }

    /// How many they are.
    pub(super) fn count(&self) -> usize {
        match &self.all {
            Where::InMemory(all) => all.len(),
            Where::InFile(file, _) => file.count(),
        }
    }

    /// Every one, one after the other. Where the file can no longer be read it ends early, and [`Self::trouble`]
    /// says so.
    pub(super) fn each(&self, mut look: impl FnMut(Position, &Fingerprint, &Packed)) {
        match &self.all {
            Where::InMemory(all) => {
                (0..)
                    .zip(all)
                    .for_each(|(position, (fingerprint, packed))| look(position, fingerprint, packed));
            }
            Where::InFile(file, alike) => {
                for entry in file.all(alike) {
                    match entry {
                        Ok((position, fingerprint, packed)) => look(position, &fingerprint, &packed),
                        Err(error) => return self.note(error),
                    }
                }
            }
        }
    }

    /// The one at this position.
    pub(super) fn at<T>(
        &self,
        position: Position,
        look: impl FnOnce(&Fingerprint, &Packed) -> T,
    ) -> Option<T> {
        match &self.all {
            Where::InMemory(all) => {
                let (fingerprint, packed) = all.get(usize::try_from(position).ok()?)?;
                Some(look(fingerprint, packed))
            }
            Where::InFile(file, alike) => match file.at(position, alike) {
                Ok(found) => found.map(|(fingerprint, packed)| look(&fingerprint, &packed)),
                Err(error) => {
                    self.note(error);
                    None
                }
            },
        }
    }

    fn note(&self, error: io::Error) {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// Why not all of it could be read, where that is so; told once.
    pub(super) fn trouble(&self) -> Option<io::Error> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
