//! Whether servers serve what lies on disk and in Kubernetes Secrets.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::Path,
};

use evidence_report::record::Finding;
use jiff::Timestamp;

use super::{file_of, history::is_named_as_history, listed, names};
use crate::{
    assess::lifetime::{Role, Standing},
    certificate::{Certificate, Validity},
    checks::TLS_AGREEMENT,
    wording::{distance, moment, printable, span},
};

/// A certificate that servers present as their own.
#[derive(Debug)]
pub struct Served<'c> {
    /// The certificate.
    pub certificate: &'c Certificate,
    /// How it stands.
    pub standing: Standing,
    /// The endpoints that serve it, sorted.
    pub endpoints: Vec<String>,
}

/// A certificate that lies somewhere, for servers to serve.
#[derive(Debug)]
pub struct Stored<'c> {
    /// The certificate.
    pub certificate: &'c Certificate,
    /// The files that hold it, sorted.
    pub files: Vec<String>,
    /// The Kubernetes Secrets that hold it, sorted.
    pub secrets: Vec<String>,
}

/// A reload may follow its renewal with the nightly jobs.
const LONGEST_GRACE: u64 = 86_400;

/// Compares every endpoint with what was issued for its names; where there is nothing, nothing is said.
#[must_use]
pub fn judge(served: &[Served<'_>], stored: &[Stored<'_>], now: Timestamp) -> Vec<Finding> {
    let stock = Stock::of(stored);
    let in_use: HashSet<_> = served.iter().map(|served| served.certificate.fingerprint).collect();
    let mut findings = Vec::new();
    for served in served {
        if let Some(successor) = stock.successor(served.certificate, &in_use, now) {
            findings
                .extend(served.endpoints.iter().map(|endpoint| compare(endpoint, served, &successor, now)));
        }
    }
    findings
}

/// Whether any endpoint is to be compared with anything.
#[must_use]
pub fn are_comparable(served: &[Served<'_>], stored: &[Stored<'_>], now: Timestamp) -> bool {
    let stock = Stock::of(stored);
    let in_use: HashSet<_> = served.iter().map(|served| served.certificate.fingerprint).collect();
    let has_successor = |served: &Served<'_>| stock.successor(served.certificate, &in_use, now).is_some();
    served.iter().any(|served| !served.endpoints.is_empty() && has_successor(served))
}

/// Everything that is stored, and in how far it counts.
struct Stock<'s, 'c> {
    all: Vec<Lot<'s, 'c>>,
    by_name: HashMap<String, Vec<usize>>,
    /// The last of each series of an archive.
    newest_of_series: HashMap<String, usize>,
}

struct Lot<'s, 'c> {
    stored: &'s Stored<'c>,
    names: BTreeSet<String>,
    /// It is only kept for the record: every place of it says so by its name.
    is_kept_aside: bool,
}

/// What should be served.
struct Successor<'s, 'c> {
    stored: &'s Stored<'c>,
    /// Nothing speaks for it but names and dates: what is served lies on disk too, has another kind of key, or
    /// lasts longer.
    is_a_guess: bool,
}

impl<'s, 'c> Stock<'s, 'c> {
    fn of(stored: &'s [Stored<'c>]) -> Self {
        let mut last: HashMap<String, (u64, usize)> = HashMap::new();
        for (index, stored) in stored.iter().enumerate() {
            for (series, number) in stored.files.iter().filter_map(|place| in_archive(place)) {
                let newest = last.entry(series).or_insert((number, index));
                *newest = (*newest).max((number, index));
            }
        }
        let is_aside = |place: &String| match in_archive(place) {
            Some((series, number)) => last.get(&series).is_some_and(|(newest, _)| number < *newest),
            None => is_named_as_history(place),
        };
        let mut all = Vec::new();
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, stored) in stored.iter().enumerate() {
            let names = names(stored.certificate);
            for name in &names {
                by_name.entry(name.clone()).or_default().push(index);
            }
            let is_kept_aside = stored.secrets.is_empty() && stored.files.iter().all(is_aside);
            all.push(Lot { stored, names, is_kept_aside });
        }
        let newest_of_series = last.into_iter().map(|(series, (_, index))| (series, index)).collect();
        Self { all, by_name, newest_of_series }
    }

    /// What should be served instead of this certificate; itself, where it is the newest.
    fn successor(
        &self,
        served: &Certificate,
        in_use: &HashSet<[u8; 32]>,
        now: Timestamp,
    ) -> Option<Successor<'s, 'c>> {
        let own = self.all.iter().find(|lot| lot.stored.certificate.fingerprint == served.fingerprint);
        if let Some(successor) = own.and_then(|own| self.next_in_series(own)) {
            return Some(successor);
        }
        let lies_there = own.is_some_and(|own| !own.is_kept_aside);
        let candidates: Vec<_> = self
            .for_all_names_of(served)
            .filter(|lot| {
                let other = lot.stored.certificate;
                let itself = other.fingerprint == served.fingerprint;
                // Several nodes may have certificates of their own for the same names, each with its file:
                // what one of them serves is no renewal of what another one does.
                let belongs_to_another = lies_there && in_use.contains(&other.fingerprint);
                itself || (!belongs_to_another && may_replace(other, served, now))
            })
            .collect();
        let same_kind = |lot: &&&Lot<'_, '_>| lot.stored.certificate.key_algorithm == served.key_algorithm;
        let of_same_kind: Vec<_> = candidates.iter().filter(same_kind).copied().collect();
        let changes_kind = !of_same_kind.iter().any(|lot| !lot.is_kept_aside);
        let pool = if changes_kind { candidates } else { of_same_kind };
        let newest = pool.into_iter().max_by_key(|lot| {
            let certificate = lot.stored.certificate;
            let Validity { not_before, not_after } = certificate.validity;
            (not_after >= served.validity.not_after, not_before, certificate.fingerprint)
        })?;
        let itself = newest.stored.certificate.fingerprint == served.fingerprint;
        let other_kind = newest.stored.certificate.key_algorithm != served.key_algorithm;
        // A renewal lasts longer than what it replaces: one of a shorter life may be another service's.
        let ends_sooner = newest.stored.certificate.validity.not_after < served.validity.not_after;
        let is_a_guess = !itself && (lies_there || ends_sooner || (other_kind && own.is_none()));
        Some(Successor { stored: newest.stored, is_a_guess })
    }

    fn next_in_series(&self, own: &Lot<'_, '_>) -> Option<Successor<'s, 'c>> {
        let series = own.stored.files.iter().find_map(|place| in_archive(place))?.0;
        let newest = self.all.get(*self.newest_of_series.get(&series)?)?;
        let is_another = newest.stored.certificate.fingerprint != own.stored.certificate.fingerprint;
        (own.is_kept_aside && is_another).then_some(Successor { stored: newest.stored, is_a_guess: false })
    }

    fn for_all_names_of(&self, served: &Certificate) -> impl Iterator<Item = &Lot<'s, 'c>> {
        let wanted = names(served);
        let indexes = wanted.first().and_then(|name| self.by_name.get(name)).into_iter().flatten();
        indexes.filter_map(|&index| self.all.get(index)).filter(move |lot| lot.names.is_superset(&wanted))
    }
}

/// Whether one certificate can be the renewal of another for the same names at all.
fn may_replace(other: &Certificate, served: &Certificate, now: Timestamp) -> bool {
    let stands_for_servers = other.usage.is_none_or(|usage| usage.server);
    // A self-made stand-in, as Debian's snakeoil, is no renewal of what a CA has issued.
    let as_good = served.is_self_issued || !other.is_self_issued;
    let same_role = Role::of_stored(other) == Role::of_stored(served);
    stands_for_servers && as_good && same_role && other.validity.not_after >= now
}

/// The series and number of a file of certbot's archive, such as `archive/shop.example/fullchain3.pem`.
pub(crate) fn in_archive(place: &str) -> Option<(String, u64)> {
    const SERIES: [&str; 2] = ["cert", "fullchain"];
    let path = Path::new(file_of(place));
    let stem = path.file_stem()?.to_str()?;
    let series = stem.trim_end_matches(|character: char| character.is_ascii_digit());
    let number = stem[series.len()..].parse().ok()?;
    let folder = path.parent()?;
    let is_archive = folder.parent()?.file_name()?.to_str()? == "archive";
    (is_archive && SERIES.contains(&series)).then(|| (format!("{}/{series}", folder.display()), number))
}

/// Which of these places hold what another member of the same archive has followed.
pub(crate) fn followed<'p>(places: impl IntoIterator<Item = &'p str>) -> HashSet<&'p str> {
    let members = places.into_iter().filter_map(|place| Some((place, in_archive(place)?)));
    let members: Vec<_> = members.collect();
    let mut last: HashMap<&str, u64> = HashMap::new();
    for (_, (series, number)) in &members {
        let newest = last.entry(series).or_insert(*number);
        *newest = (*newest).max(*number);
    }
    let is_followed = |series: &str, number: u64| last.get(series).is_some_and(|newest| number < *newest);
    let followed = members.iter().filter(|(_, (series, number))| is_followed(series, *number));
    followed.map(|(place, _)| *place).collect()
}

fn compare(endpoint: &str, served: &Served<'_>, successor: &Successor<'_, '_>, now: Timestamp) -> Finding {
    let (old, new) = (served.certificate, successor.stored.certificate);
    let place = place_of(successor.stored);
    let expected = format!("the certificate in {place}");
    let passed = |observed: String| TLS_AGREEMENT.passed(endpoint).expected(&expected).observed(observed);
    if old.fingerprint == new.fingerprint {
        return passed("serves it".to_owned());
    }
    let renewed = new.validity.not_before;
    if old.validity.not_before >= renewed {
        return passed("serves one that was issued no earlier than that".to_owned());
    }
    if successor.is_a_guess && served.standing == Standing::Good {
        return passed(format!(
            "serves an older one, which is good for now; if {place} was to replace it, it is not served yet"
        ));
    }
    let observed = in_words(successor.stored, old, now);
    let grace = waits_for_its_reload(new, now);
    let finding = match (grace, served.standing) {
        (Some(grace), Standing::Good) => {
            return passed(format!("{observed}; a reload within {} is in time", span(grace)));
        }
        (_, Standing::Good) | (Some(_), Standing::Warning) => TLS_AGREEMENT.warned(endpoint),
        (None, Standing::Warning) if successor.is_a_guess => TLS_AGREEMENT.warned(endpoint),
        _ => TLS_AGREEMENT.failed(endpoint),
    };
    finding
        .expected(expected)
        .observed(observed)
        .remedy(remedy(endpoint, successor.stored, now))
        .hurts_at(old.validity.not_after)
}

/// The file or Secret that is named: one that is in use rather than one in an archive.
fn place_of(stored: &Stored<'_>) -> String {
    let files = stored.files.iter().map(|place| file_of(place));
    let file = files.min_by_key(|file| is_named_as_history(file));
    printable(file.or(stored.secrets.first().map(String::as_str)).unwrap_or_default(), 120)
}

fn in_words(stored: &Stored<'_>, old: &Certificate, now: Timestamp) -> String {
    let renewed = stored.certificate.validity.not_before;
    let (place, who) = match (&stored.files[..], &stored.secrets[..]) {
        ([], [first, ..]) => (capitalised(&printable(first, 120)), "the pods still serve the old one"),
        _ => (place_of(stored), "the old certificate is still served"),
    };
    let end = old.validity.not_after;
    let (expires, apart) = (if end < now { "expired" } else { "expires" }, distance(now, end));
    let when = if renewed > now {
        format!("holds the next certificate, valid from {}", moment(renewed))
    } else {
        format!("was renewed {} ({})", distance(now, renewed), moment(renewed))
    };
    format!("{place} {when}, and {who}, which {expires} {}, {apart}", moment(end))
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

fn remedy(endpoint: &str, stored: &Stored<'_>, now: Timestamp) -> String {
    let begins = stored.certificate.validity.not_before;
    let when = if begins > now { format!(" after {}", moment(begins)) } else { String::new() };
    if stored.files.is_empty() {
        let secrets = listed(&stored.secrets, 3);
        return format!(
            "Restart the pods behind {endpoint}{when} (kubectl rollout restart), and see why they do not follow {secrets}: \
             the server may read it only at its start, and a Secret mounted by subPath is never updated."
        );
    }
    let place = place_of(stored);
    format!(
        "Reload what serves {endpoint}{when}, and see why the renewal of {place} did not: its deploy hook may be missing, \
         or the server reads another path."
    )
}

/// How much longer a fresh file may wait for its reload, in seconds.
fn waits_for_its_reload(file: &Certificate, now: Timestamp) -> Option<u64> {
    let lifetime = u64::try_from(file.validity.lifetime()).unwrap_or(0);
    let grace = LONGEST_GRACE.min(lifetime / 10);
    let age = u64::try_from(now.as_second() - file.validity.not_before.as_second()).unwrap_or(0);
    grace.checked_sub(age).filter(|left| *left > 0)
}
