//! Whether servers serve what lies on disk and in Kubernetes Secrets.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::Path,
};

use evidence_report::record::Finding;
use jiff::Timestamp;

use super::{file_of, listed, names};
use crate::{
    assess::lifetime::Standing,
    certificate::Certificate,
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
    /// Nothing speaks for it but names and dates: what is served lies on disk too, or has another kind of
    /// key.
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
            (certificate.validity.not_before, certificate.fingerprint)
        })?;
        let itself = newest.stored.certificate.fingerprint == served.fingerprint;
        let other_kind = newest.stored.certificate.key_algorithm != served.key_algorithm;
        let is_a_guess = !itself && (lies_there || (other_kind && own.is_none()));
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
    stands_for_servers && as_good && other.is_issuer == served.is_issuer && other.validity.not_after >= now
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

/// Whether a path says that what lies there is only kept for the record.
fn is_named_as_history(place: &str) -> bool {
    const FOLDERS: [&str; 8] =
        ["archive", "archived", "archives", "backup", "backups", "old", "previous", "retired"];
    const ENDINGS: [&str; 6] = ["bak", "old", "orig", "save", "previous", "backup"];
    let path = Path::new(file_of(place));
    let in_folder = path.parent().into_iter().flat_map(Path::components).any(|component| {
        let name = component.as_os_str().to_string_lossy().to_ascii_lowercase();
        FOLDERS.contains(&name.as_str())
    });
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let parts: Vec<_> = name.split(['.', '-', '_']).collect();
    in_folder || name.ends_with('~') || parts.iter().skip(1).any(|part| ENDINGS.contains(part))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assess::{lifetime, threshold::Thresholds},
        certificate::{Usage, Validity},
    };
    use evidence_report::record::Outcome;

    const NOW: i64 = 1_800_000_000;
    const DAY: i64 = 86_400;

    /// A certificate for these names that began so long ago and lasts 90 days.
    fn certificate(number: u8, names: &[&str], age: i64) -> Certificate {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let mut certificate = Certificate::read_only(made.cert.der()).unwrap();
        certificate.fingerprint = [number; 32];
        certificate.dns_names = names.iter().map(ToString::to_string).collect();
        certificate.validity = Validity::from_unix(NOW - age, NOW - age + 90 * DAY);
        certificate
    }

    fn outcome(served: &Certificate, files: &[&Certificate]) -> Option<Outcome> {
        let outcomes = outcomes(&[served], files);
        assert!(outcomes.len() <= 1);
        outcomes.into_iter().next()
    }

    fn outcomes(served: &[&Certificate], files: &[&Certificate]) -> Vec<Outcome> {
        let places: Vec<_> = (0..files.len()).map(|index| format!("{index}.pem")).collect();
        let files: Vec<_> = files.iter().zip(&places).map(|(file, place)| (*file, place.as_str())).collect();
        findings(served, &files, &[]).iter().map(|finding| finding.outcome).collect()
    }

    /// What is found where these are served, and those lie in files and Secrets.
    fn findings(
        served: &[&Certificate],
        files: &[(&Certificate, &str)],
        secrets: &[(&Certificate, &str)],
    ) -> Vec<Finding> {
        let now = Timestamp::from_second(NOW).unwrap();
        let served: Vec<_> = (served.iter().enumerate())
            .map(|(index, server)| Served {
                certificate: server,
                standing: lifetime::judge(server.validity, now, &Thresholds::default().leaf).standing,
                endpoints: vec![format!("node{index}:443")],
            })
            .collect();
        let stored = |places: &[(&Certificate, &str)], is_file: bool| {
            (places.iter())
                .map(|(certificate, place)| (Certificate::clone(certificate), (*place).to_owned(), is_file))
                .collect::<Vec<_>>()
        };
        let all = [stored(files, true), stored(secrets, false)].concat();
        let stored: Vec<_> = (all.iter())
            .map(|(certificate, place, is_file)| {
                let (files, secrets) =
                    if *is_file { (vec![place.clone()], vec![]) } else { (vec![], vec![place.clone()]) };
                Stored { certificate, files, secrets }
            })
            .collect();
        judge(&served, &stored, now)
    }

    #[test]
    fn nodes_with_certificates_and_files_of_their_own_are_no_renewals_of_each_other() {
        let names = ["shop.example"];
        let (old, new) = (certificate(1, &names, 60 * DAY), certificate(2, &names, 5 * DAY));
        assert_eq!(outcomes(&[&old, &new], &[&old, &new]), [Outcome::Passed, Outcome::Passed]);
        // One file for both nodes, and one of them was not reloaded.
        assert_eq!(outcomes(&[&old, &new], &[&new]), [Outcome::Warned, Outcome::Passed]);
    }

    /// Two services of one host may have a file each, for the same names: whether the newer file is there to
    /// replace what is served cannot be told from names and dates.
    #[test]
    fn a_newer_file_beside_the_one_that_is_served_is_held_against_it_only_when_it_ends() {
        let names = ["db.internal"];
        let newer = certificate(2, &names, 5 * DAY);
        for (age, expected) in [
            (60 * DAY, Outcome::Passed),
            (75 * DAY, Outcome::Warned),
            (85 * DAY, Outcome::Failed),
            (91 * DAY, Outcome::Failed),
        ] {
            let served = certificate(1, &names, age);
            assert_eq!(outcome(&served, &[&served, &newer]), Some(expected), "{age}");
        }
    }

    #[test]
    fn what_lies_in_an_archive_is_no_reason_to_serve_it() {
        let names = ["shop.example"];
        let (old, new) = (certificate(1, &names, 60 * DAY), certificate(2, &names, 5 * DAY));
        for (old_place, new_place) in [
            ("/etc/letsencrypt/archive/shop/cert1.pem #1", "/etc/letsencrypt/archive/shop/cert2.pem"),
            ("le/archive/shop/fullchain9.pem #1", "le/archive/shop/fullchain10.pem #1"),
            ("tls/shop.pem.bak", "tls/shop.pem"),
            ("tls/shop.crt~", "tls/shop.crt"),
            ("tls/shop-old.pem", "tls/shop.pem"),
            ("tls/backup/shop.pem", "tls/shop.pem"),
        ] {
            for served in [vec![&old], vec![&old, &new]] {
                let found = findings(&served, &[(&old, old_place), (&new, new_place)], &[]);
                assert_eq!(found[0].outcome, Outcome::Warned, "{old_place}: {found:?}");
                let words = format!("{} was renewed 5 d ago", file_of(new_place));
                assert!(found[0].observed.starts_with(&words), "{found:?}");
                assert!(found.iter().skip(1).all(|other| other.outcome == Outcome::Passed));
            }
            // What is served is the newest, though the old one lies there too.
            let found = findings(&[&new], &[(&old, old_place), (&new, new_place)], &[]);
            assert_eq!((found[0].outcome, found[0].observed.as_str()), (Outcome::Passed, "serves it"));
        }
    }

    #[test]
    fn a_series_in_an_archive_may_change_names_and_keys() {
        let mut old = certificate(1, &["shop.example", "old.example"], 60 * DAY);
        old.key_algorithm = "1.2.840.113549.1.1.1".into();
        let new = certificate(2, &["shop.example"], 5 * DAY);
        let series = [(&old, "archive/shop/cert1.pem"), (&new, "archive/shop/cert2.pem")];
        assert_eq!(findings(&[&old], &series, &[])[0].outcome, Outcome::Warned);
    }

    #[test]
    fn a_pair_of_keys_is_compared_kind_by_kind() {
        let names = ["shop.example"];
        let mut rsa = certificate(1, &names, 60 * DAY);
        rsa.key_algorithm = "1.2.840.113549.1.1.1".into();
        let curve = certificate(2, &names, 5 * DAY);
        assert_eq!(outcome(&rsa, &[&rsa, &curve]), Some(Outcome::Passed), "a server may hold both");
        // Only the other kind lies there: a guess, until what is served ends.
        assert_eq!(outcome(&rsa, &[&curve]), Some(Outcome::Passed));
        rsa.validity = Validity::from_unix(NOW - 86 * DAY, NOW + 4 * DAY);
        assert_eq!(outcome(&rsa, &[&curve]), Some(Outcome::Failed));
    }

    #[test]
    fn a_secret_speaks_of_pods() {
        let (old, new) =
            (certificate(1, &["shop.example"], 60 * DAY), certificate(2, &["shop.example"], 3 * DAY));
        let found = findings(&[&old], &[], &[(&new, "secret shop/shop-tls, tls.crt")]);
        assert_eq!(found[0].outcome, Outcome::Warned);
        assert!(
            found[0].observed.starts_with(
                "Secret shop/shop-tls, tls.crt was renewed 3 d ago (2027-01-12 08:00 UTC), and the pods still serve the old one, which expires"
            ),
            "{found:?}"
        );
        assert!(found[0].remedy.contains("Restart the pods behind node0:443"), "{found:?}");
    }

    #[test]
    fn what_cannot_serve_instead_is_no_renewal() {
        let names = ["shop.example"];
        let served = certificate(1, &names, 60 * DAY);
        let issued = |change: fn(&mut Certificate)| {
            let mut served = served.clone();
            served.is_self_issued = false;
            let mut other = certificate(2, &names, 5 * DAY);
            other.is_self_issued = false;
            change(&mut other);
            outcome(&served, &[&other])
        };
        assert_eq!(issued(|_| {}), Some(Outcome::Warned));
        assert_eq!(issued(|other| other.is_self_issued = true), None, "a stand-in");
        assert_eq!(
            issued(|other| other.usage = Some(Usage { server: false, client: true, only_anything: false })),
            None
        );
        assert_eq!(
            issued(|other| other.validity = Validity::from_unix(NOW - 5 * DAY, NOW - 1)),
            None,
            "over"
        );
        let next = issued(|other| other.validity = Validity::from_unix(NOW + DAY, NOW + 90 * DAY));
        assert_eq!(next, Some(Outcome::Passed), "it has yet to begin");
    }

    #[test]
    fn an_old_certificate_that_is_still_served_hurts_more_as_it_ends() {
        let shop = ["shop.example", "www.shop.example"];
        for (served_age, file_age, expected) in [
            // Renewed an hour ago: the reload may come.
            (60 * DAY, 3600, Outcome::Passed),
            (60 * DAY, DAY - 1, Outcome::Passed),
            (60 * DAY, DAY, Outcome::Warned),
            (69 * DAY, 9 * DAY, Outcome::Warned),
            // Less than 21 days left: nobody should wait any longer.
            (70 * DAY, 3600, Outcome::Warned),
            (70 * DAY, 10 * DAY, Outcome::Failed),
            (84 * DAY, 3600, Outcome::Failed),
            (91 * DAY, 31 * DAY, Outcome::Failed),
            // The server is ahead of the disk.
            (10 * DAY, 60 * DAY, Outcome::Passed),
        ] {
            let (served, file) = (certificate(1, &shop, served_age), certificate(2, &shop, file_age));
            assert_eq!(outcome(&served, &[&file]), Some(expected), "served {served_age}, file {file_age}");
        }
    }

    #[test]
    fn the_newest_file_for_all_the_names_counts() {
        let served = certificate(1, &["shop.example"], 30 * DAY);
        let same = certificate(1, &["shop.example"], 30 * DAY);
        let archived = certificate(2, &["shop.example"], 80 * DAY);
        let renewed = certificate(3, &["SHOP.example", "www.shop.example"], 5 * DAY);
        assert_eq!(outcome(&served, &[&archived, &same]), Some(Outcome::Passed));
        assert_eq!(outcome(&served, &[&archived, &renewed]), Some(Outcome::Warned));
    }

    #[test]
    fn files_for_other_names_say_nothing() {
        let served = certificate(1, &["shop.example", "www.shop.example"], 30 * DAY);
        let wildcard = certificate(2, &["*.shop.example"], 5 * DAY);
        let fewer = certificate(3, &["shop.example"], 5 * DAY);
        let mut issuer = certificate(5, &["shop.example", "www.shop.example"], 5 * DAY);
        issuer.is_issuer = true;
        assert_eq!(outcome(&served, &[&wildcard, &fewer, &issuer]), None);
        let nameless = certificate(6, &[], 30 * DAY);
        assert_eq!(outcome(&nameless, &[&certificate(7, &[], 5 * DAY)]), None);
    }
}
