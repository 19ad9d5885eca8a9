//! What lies somewhere for the record alone, as its path says (`old/shop.pem`, `shop.pem.bak`), and what has followed
//! it. Pure.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsStr,
    path::Path,
};

use super::{file_of, files::in_archive, stands_for};
use crate::{assess::lifetime::Role, certificate::Certificate};

/// A certificate in a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lying<'c> {
    pub(crate) certificate: &'c Certificate,
    pub(crate) place: &'c str,
}

/// The places of what is history, each with the place of what has followed it: one that lasts longer, for everybody that
/// it stands for and with the same kind of key, in the folder from which it was put aside, or below. What lies behind
/// certificates of servers or clients in one file goes with them.
pub(crate) fn followed_by_name<'c>(lying: &[Lying<'c>]) -> HashMap<&'c str, &'c str> {
    let (aside, current): (Vec<Lying<'_>>, Vec<Lying<'_>>) =
        lying.iter().partition(|one| put_aside_from(one.place).is_some());
    let current = Current::of(&current);
    let mut files: BTreeMap<&str, Vec<Lying<'_>>> = BTreeMap::new();
    for one in aside {
        files.entry(file_of(one.place)).or_default().push(one);
    }
    let mut followed = HashMap::new();
    for held in files.values() {
        let successors: Vec<_> = held.iter().map(|one| current.successor(one)).collect();
        let of_leaves: Option<Vec<_>> = (held.iter().zip(&successors))
            .filter(|(one, _)| Role::of_stored(one.certificate) == Role::Leaf)
            .map(|(_, successor)| *successor)
            .collect();
        let of_file = of_leaves.and_then(|successors| successors.first().copied());
        let each = held.iter().zip(successors);
        followed.extend(each.filter_map(|(one, successor)| Some((one.place, successor.or(of_file)?))));
    }
    followed
}

/// What is not put aside, by those for whom it stands.
struct Current<'l, 'c>(HashMap<String, Vec<&'l Lying<'c>>>);

impl<'l, 'c> Current<'l, 'c> {
    fn of(lying: &'l [Lying<'c>]) -> Self {
        let mut current: HashMap<_, Vec<_>> = HashMap::new();
        for one in lying {
            for whom in stands_for(one.certificate) {
                current.entry(whom).or_default().push(one);
            }
        }
        Self(current)
    }

    fn successor(&self, former: &Lying<'_>) -> Option<&'c str> {
        let (from, wanted) = (put_aside_from(former.place)?, stands_for(former.certificate));
        let candidates = wanted.first().and_then(|whom| self.0.get(whom)).into_iter().flatten();
        let successors = candidates.filter(|one| {
            Path::new(file_of(one.place)).starts_with(from)
                && has_followed(one.certificate, former.certificate)
                && stands_for(one.certificate).is_superset(&wanted)
        });
        successors.max_by_key(|one| (one.certificate.validity.not_after, one.place)).map(|one| one.place)
    }
}

fn has_followed(later: &Certificate, former: &Certificate) -> bool {
    let serves = |one: &Certificate| one.usage.is_none_or(|usage| usage.server);
    // A self-made stand-in is no renewal of what a CA has issued.
    let as_good = former.is_self_issued || !later.is_self_issued;
    later.validity.not_before > former.validity.not_before
        && later.validity.not_after > former.validity.not_after
        && later.key_algorithm == former.key_algorithm
        && Role::of_stored(later) == Role::of_stored(former)
        && serves(later) == serves(former)
        && as_good
}

/// The folder from which something was put aside, as its path says: `tls` of `tls/old/shop.pem` and of
/// `tls/shop.pem.bak`. Certbot's archives go by their numbers.
pub(crate) fn put_aside_from(place: &str) -> Option<&Path> {
    if in_archive(place).is_some() || !is_named_as_history(place) {
        return None;
    }
    let folder = Path::new(file_of(place)).parent()?;
    let of_history = folder.ancestors().filter(|above| above.file_name().is_some_and(is_for_history));
    Some(of_history.last().and_then(Path::parent).unwrap_or(folder))
}

/// Whether a path says that what lies there is only kept for the record.
pub(crate) fn is_named_as_history(place: &str) -> bool {
    const ENDINGS: [&str; 6] = ["bak", "old", "orig", "save", "previous", "backup"];
    let path = Path::new(file_of(place));
    let folders = path.parent().into_iter().flat_map(Path::components);
    let in_folder = folders.map(std::path::Component::as_os_str).any(is_for_history);
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let parts: Vec<_> = name.split(['.', '-', '_']).collect();
    in_folder || name.ends_with('~') || parts.iter().skip(1).any(|part| ENDINGS.contains(part))
}

fn is_for_history(folder: &OsStr) -> bool {
    const FOLDERS: [&str; 8] =
        ["archive", "archived", "archives", "backup", "backups", "old", "previous", "retired"];
    FOLDERS.contains(&folder.to_string_lossy().to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{Usage, Validity};

    const DAY: i64 = 86_400;

    fn certificate(names: &[&str], age: i64) -> Certificate {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let mut certificate = Certificate::read_only(made.cert.der()).unwrap();
        certificate.dns_names = names.iter().map(ToString::to_string).collect();
        certificate.validity = Validity::from_unix(1_800_000_000 - age, 1_800_000_000 - age + 90 * DAY);
        certificate
    }

    fn is_history(former: &Certificate, at: &str, later: &Certificate, there: &str) -> bool {
        let lying = [Lying { certificate: former, place: at }, Lying { certificate: later, place: there }];
        let followed = followed_by_name(&lying);
        assert!(followed.values().all(|successor| *successor == there), "{followed:?}");
        followed.contains_key(at)
    }

    #[test]
    fn what_was_put_aside_from_where_its_successor_lies_is_history() {
        let (former, later) = (certificate(&["a.example"], 95 * DAY), certificate(&["a.example"], 2 * DAY));
        for (at, there, expected) in [
            ("tls/old/shop.pem", "tls/shop.pem", true),
            ("tls/old/2026/shop.pem", "tls/shop.pem", true),
            ("tls/backup/old/shop.pem", "tls/live/shop.pem #1", true),
            ("/old/tls/shop.pem", "/etc/tls/shop.pem", true),
            ("old/shop.pem", "shop.pem", true),
            ("tls/shop.pem.bak", "tls/shop.pem", true),
            ("tls/shop-old.pem #2", "tls/shop.pem", true),
            ("tls/shop.pem~", "tls/new/shop.pem", true),
            // Another service's folder.
            ("tls/a/old/shop.pem", "tls/b/shop.pem", false),
            ("tls/a/shop.pem.bak", "tls/shop.pem", false),
            // Neither of two is in use, or both are.
            ("tls/old/shop.pem", "tls/old/new.pem", false),
            ("tls/shop.pem", "tls/new.pem", false),
            ("tls/older/shop.pem", "tls/shop.pem", false),
            // Certbot goes by numbers.
            ("le/archive/shop/cert1.pem", "le/shop.pem", false),
        ] {
            assert_eq!(is_history(&former, at, &later, there), expected, "{at}, {there}");
        }
    }

    #[test]
    fn only_what_could_take_its_place_has_followed_it() {
        let former = Certificate { is_self_issued: false, ..certificate(&["a.example"], 95 * DAY) };
        let later = |names: &[&str], age, change: fn(&mut Certificate)| {
            let mut later = Certificate { is_self_issued: false, ..certificate(names, age) };
            change(&mut later);
            is_history(&former, "tls/old/a.pem", &later, "tls/a.pem")
        };
        assert!(later(&["a.example"], 2 * DAY, |_| {}));
        assert!(later(&["a.example", "b.example"], 2 * DAY, |_| {}));
        assert!(!later(&["b.example"], 2 * DAY, |_| {}));
        assert!(!later(&["a.example"], 96 * DAY, |_| {}));
        assert!(!later(&["a.example"], 2 * DAY, |one| one.is_self_issued = true));
        assert!(!later(&["a.example"], 2 * DAY, |one| one.key_algorithm = "1.2.840.113549.1.1.1".into()));
        assert!(!later(&["a.example"], 2 * DAY, |one| {
            one.usage = Some(Usage { server: false, client: true, only_anything: false });
        }));
    }

    #[test]
    fn an_issuer_goes_with_the_leaves_of_its_file_and_stays_without_them() {
        let (former, later) = (certificate(&["a.example"], 95 * DAY), certificate(&["a.example"], 2 * DAY));
        let unrelated = certificate(&["b.example"], 95 * DAY);
        let mut issuer = certificate(&[], 3000 * DAY);
        (issuer.is_issuer, issuer.subject_der) = (true, b"issuer".to_vec());
        let places = |held: &[(&Certificate, &str)]| {
            let lying: Vec<_> =
                held.iter().map(|(certificate, place)| Lying { certificate, place }).collect();
            let mut places: Vec<_> = followed_by_name(&lying).into_keys().map(str::to_owned).collect();
            places.sort_unstable();
            places
        };
        let (first, second, third) = ("tls/old/a.pem #1", "tls/old/a.pem #2", "tls/old/a.pem #3");
        let current = (&later, "tls/a.pem");
        assert_eq!(places(&[(&former, first), (&issuer, second), current]), [first, second]);
        assert!(places(&[(&issuer, first), current]).is_empty());
        assert_eq!(places(&[(&former, first), (&issuer, second), (&unrelated, third), current]), [first]);
    }
}
