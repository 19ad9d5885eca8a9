//! Judges what was seen in a file.

use std::{collections::HashMap, io, path::Path, sync::Arc};

use evidence_report::record::{Finding, Outcome, Requirement};

use super::{
    Basis, Judged, KeySighting, ListSighting, Part, Sighting,
    chain::Roots,
    crl, kubeconfig,
    lifetime::{self, Role, Standing},
    strength,
};
use crate::{
    certificate::Certificate,
    checks::{FILE_CERTIFICATE, FILE_LIFETIME, FILE_READABLE},
    stores::{
        Content, Contents, Entry, KeyEntry, KeyTrouble, ListEntry, file::FileObservation, is_of_another_kind,
        pem::Flaw,
    },
    targets::files::{FoundFile, has_key_ending, has_promising_ending},
    wording::printable,
};

/// Judges a file. One that merely lies in a searched folder and is of another kind yields no finding.
#[must_use]
pub fn judge(file: &FoundFile, observation: &FileObservation, basis: &Basis) -> Judged {
    let mut judged = of_its_content(file, observation, basis);
    // Nothing is said of it unless a certificate lies beside it.
    if let FileObservation::Read(content) = observation
        && has_key_ending(&file.path)
        && let Some(why) = content.lacks_a_key()
    {
        let place = printable(&file.path.to_string_lossy(), 200);
        judged.keys =
            vec![KeySighting { source: place.clone(), place, public_key: Err(KeyTrouble::Damaged(why)) }];
    }
    judged
}

fn of_its_content(file: &FoundFile, observation: &FileObservation, basis: &Basis) -> Judged {
    let subject = printable(&file.path.to_string_lossy(), 200);
    let promised = file.named || has_promising_ending(&file.path);
    let finding = match observation {
        FileObservation::Read(Content::Holds(contents)) => return holds(file, &subject, contents, basis),
        FileObservation::Kubeconfig(observed) => return kubeconfig::judge(file, &subject, observed, basis),
        FileObservation::Read(Content::Nothing(what)) if promised => no_certificate(&subject, what),
        FileObservation::TooLarge if promised => FILE_READABLE
            .not_checked(Requirement::Required, &subject, "larger than 64 MiB")
            .remedy("No file of certificates is as large: check what was written there."),
        FileObservation::Unreadable(error) if !file.named && is_forbidden_key(&file.path, error) => {
            let why =
                "not readable for this user; its name is that of a key, and no certificate is expected in it";
            FILE_READABLE
                .not_checked(Requirement::Optional, &subject, why)
                .remedy("Nothing: keys belong out of reach.")
        }
        FileObservation::Unreadable(error) => unreadable(&subject, error),
        FileObservation::Read(Content::Nothing(_)) | FileObservation::TooLarge => return Judged::default(),
    };
    Judged { findings: vec![finding.at(subject, None)], ..Judged::default() }
}

/// What was understood of a file: its certificates, and what of it stays closed.
fn holds(file: &FoundFile, subject: &str, contents: &Contents, basis: &Basis) -> Judged {
    let mut judged = certificates(subject, &contents.certificates, basis);
    judged.keys = keys(subject, &contents.keys);
    lists(subject, &contents.lists, basis, &mut judged);
    // In YAML and in texts, blanks are what belongs there.
    if let Some((line, flaw)) = contents.flaw.filter(|_| has_promising_ending(&file.path)) {
        judged.findings.push(flawed(subject, line, flaw));
    }
    if let Some(closed) = &contents.closed {
        let finding = FILE_READABLE.not_checked(Requirement::Required, subject, &closed.what);
        judged.findings.push(finding.remedy(&closed.remedy).at(subject, None));
    } else if contents.certificates.is_empty()
        && contents.lists.is_empty()
        && (file.named || is_misspelt(file, contents))
    {
        let observed = format!("it holds only {}", contents.other_labels.join(", "));
        judged.findings.push(no_certificate(subject, &observed).at(subject, None));
    }
    judged
}

/// Where a certificate is promised, only what is known to be of another kind is passed over.
fn is_misspelt(file: &FoundFile, contents: &Contents) -> bool {
    has_promising_ending(&file.path) && !contents.other_labels.iter().all(|label| is_of_another_kind(label))
}

/// What this program reads, and the server that should read it does not.
fn flawed(subject: &str, line: u32, flaw: Flaw) -> Finding {
    let finding = match flaw.is_read_by_some() {
        true => FILE_CERTIFICATE.warned(subject),
        false => FILE_CERTIFICATE.failed(subject),
    };
    let finding = finding.expected("a whole certificate").observed(flaw.to_string());
    finding.remedy(flaw.remedy()).at(subject, Some(line))
}

/// `tls.key`, `privkey.pem`, `server-key.pem`: found in a folder and closed to us, as it should be.
fn is_forbidden_key(path: &Path, error: &io::Error) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
    error.kind() == io::ErrorKind::PermissionDenied && name.is_some_and(|name| name.contains("key"))
}

/// A path that could not be read. Gone is a fault out there; forbidden is one of ours.
#[must_use]
pub fn unreadable(subject: &str, error: &io::Error) -> Finding {
    let expected = "a readable file";
    if error.kind() == io::ErrorKind::NotFound {
        return FILE_READABLE
            .failed(subject)
            .expected(expected)
            .observed("there is no such file")
            .remedy("Correct the path, or find out what should have written the file.");
    }
    FILE_READABLE
        .inconclusive(subject)
        .expected(expected)
        .observed(format!("cannot be read: {}", printable(&error.to_string(), 160)))
        .remedy(match error.kind() {
            io::ErrorKind::PermissionDenied => "Give the user of this program the right to read it.",
            _ => "Read it yourself (`head -c 100 FILE`), and see what is wrong with the path or the disk.",
        })
}

fn no_certificate(subject: &str, observed: &str) -> Finding {
    FILE_READABLE.failed(subject).expected("at least one certificate").observed(observed)
}

fn certificates(path: &str, entries: &[Entry], basis: &Basis) -> Judged {
    let mut judged = Judged::default();
    let whole = entries.iter().filter(|entry| entry.certificate.is_ok()).count();
    if whole > 0 {
        let observed = format!("{whole} certificate{}", if whole == 1 { "" } else { "s" });
        let finding = FILE_READABLE.passed(path).expected("at least one certificate").observed(observed);
        judged.findings.push(finding.at(path, None));
    }
    let is_chain =
        entries.iter().flat_map(|entry| &entry.certificate).any(|one| Role::of_stored(one) == Role::Leaf);
    let roots_beside =
        entries.iter().flat_map(|entry| &entry.certificate).filter(|one| is_nameless_root(one)).count();
    for (place, entry) in places(path, entries).into_iter().zip(entries) {
        let finding = match &entry.certificate {
            Err(error) => {
                FILE_CERTIFICATE.failed(place).expected("a whole certificate").observed(error.as_str())
            }
            Ok(certificate) => {
                judged.quiet.push(&FILE_CERTIFICATE);
                let role = Role::of_stored(certificate);
                if role == Role::Leaf || is_chain && strength::is_link(entry) {
                    let weak = strength::of_stored(&place, certificate, &mut judged);
                    let is_needed = role == Role::Leaf || root_instead(entry, basis).is_none();
                    let weak = weak.into_iter().filter(|_| is_needed);
                    judged.findings.extend(weak.map(|finding| finding.at(path, entry.line)));
                }
                let (finding, judgement) = lifetime::finding(
                    &FILE_LIFETIME,
                    place.clone(),
                    certificate,
                    role,
                    basis.now,
                    &basis.thresholds,
                );
                let many = (finding.outcome != Outcome::Passed)
                    .then(|| many_roots(certificate, roots_beside, basis))
                    .flatten();
                let standing = match many {
                    Some(_) => judgement.standing.min(Standing::Warning),
                    None => judgement.standing,
                };
                let certificate = Arc::clone(certificate);
                judged.sightings.push(Sighting { place, part: Part::File, certificate, standing });
                if let Some(many) = many {
                    one_of_many(path, finding, many)
                } else if is_chain
                    && role == Role::Issuer
                    && finding.outcome != Outcome::Passed
                    && let Some(root) = root_instead(entry, basis)
                {
                    dispensable(path, finding, root)
                } else {
                    finding
                }
            }
        };
        judged.findings.push(finding.at(path, entry.line));
    }
    judged
}

/// So many roots together are a store of whom to trust, and not what somebody serves.
const MANY: usize = 20;

/// Among how many roots one stands, where they are a whole store: those beside it in its file, or those that are
/// trusted here.
fn many_roots(one: &Certificate, beside: usize, basis: &Basis) -> Option<usize> {
    let holds = |store: &Roots| store.certificates().iter().any(|root| root.fingerprint == one.fingerprint);
    let is_store = |store: &&Arc<Roots>| store.len() >= MANY && holds(store);
    match is_nameless_root(one) {
        false => None,
        true if beside >= MANY => Some(beside),
        true => basis.trust.stores().iter().find(is_store).map(|store| store.len()),
    }
}

/// A self-signed certificate that names no host serves nobody.
fn is_nameless_root(one: &Certificate) -> bool {
    one.is_self_issued && one.dns_names.is_empty() && one.ip_addresses.is_empty()
}

/// A root that ends among many hurts nobody by lying there: only whose chain leads to it, which is judged where that
/// chain is served.
fn one_of_many(path: &str, finding: Finding, many: usize) -> Finding {
    let observed = format!(
        "{}; one of {many} roots of a store: it hurts only where a chain leads to it, and that is judged there",
        finding.observed
    );
    let warned = FILE_LIFETIME.warned(finding.subject).expected(finding.expected).observed(observed);
    let warned = warned.remedy(format!(
        "Bring what {path} comes from up to date (the package ca-certificates, where it is the system's), or take the \
         root out: nothing below it is trusted once it has ended."
    ));
    match finding.hurts_at {
        Some(at) => warned.hurts_at(at),
        None => warned,
    }
}

/// The trusted root with the name and key of a certificate that is another one: a cross-sign, or the root's
/// predecessor. Where it is trusted, no path needs that certificate.
fn root_instead<'b>(entry: &Entry, basis: &'b Basis) -> Option<&'b Certificate> {
    let one = entry.certificate.as_ref().ok()?;
    let is_instead = |root: &&'b Certificate| {
        root.subject_der == one.subject_der
            && root.public_key_digest == one.public_key_digest
            && root.fingerprint != one.fingerprint
            && root.validity.contains(basis.now)
    };
    let roots = basis.trust.stores().iter().flat_map(|store| store.certificates());
    roots.map(AsRef::as_ref).find(is_instead)
}

/// As of a server that presents it, what no path needs is warned of at most.
fn dispensable(path: &str, finding: Finding, root: &Certificate) -> Finding {
    let observed = format!(
        "{}; no path needs it, since the root '{}' is trusted itself: only clients that prefer the path over it \
         (old OpenSSL and GnuTLS, old stores) fail",
        finding.observed, root.name
    );
    let warned = FILE_LIFETIME.warned(finding.subject).expected(finding.expected).observed(observed);
    let warned = warned.remedy(format!("Take it out of {path}, and reload whatever serves that."));
    match finding.hurts_at {
        Some(at) => warned.hurts_at(at),
        None => warned,
    }
}

fn lists(path: &str, lists: &[ListEntry], basis: &Basis, judged: &mut Judged) {
    for (number, entry) in (1_usize..).zip(lists) {
        let place = if lists.len() == 1 { path.to_owned() } else { format!("{path} list #{number}") };
        let finding = match &entry.list {
            Ok(list) => crl::judge(&place, list, basis),
            Err(error) => FILE_CERTIFICATE
                .failed(place.as_str())
                .expected("a whole revocation list")
                .observed(error.as_str()),
        };
        judged.findings.push(finding.at(path, entry.line));
        if let Ok(list) = &entry.list {
            judged.lists.push(ListSighting { place, list: Arc::clone(list) });
        }
    }
}

fn keys(path: &str, keys: &[KeyEntry]) -> Vec<KeySighting> {
    (keys.iter())
        .map(|key| KeySighting {
            place: match (&key.alias, key.line) {
                (Some(alias), _) => format!("{path}, alias {}", printable(alias, 80)),
                (None, Some(line)) if keys.len() > 1 => format!("{path}:{line}"),
                (None, _) => path.to_owned(),
            },
            source: path.to_owned(),
            public_key: key.public_key.clone(),
        })
        .collect()
}

/// Where each certificate stands: the path, and the name that it has in its store, or its number where there
/// are several.
fn places(path: &str, entries: &[Entry]) -> Vec<String> {
    let mut namesakes: HashMap<&str, usize> = HashMap::new();
    for alias in entries.iter().filter_map(|entry| entry.alias.as_deref()) {
        *namesakes.entry(alias).or_default() += 1;
    }
    let mut so_far: HashMap<&str, usize> = HashMap::new();
    let mut places = Vec::with_capacity(entries.len());
    for (number, entry) in (1_usize..).zip(entries) {
        places.push(match entry.alias.as_deref() {
            None if entries.len() == 1 => path.to_owned(),
            None => format!("{path} #{number}"),
            Some(alias) if namesakes.get(alias) == Some(&1) => format!("{path}, alias {alias}"),
            Some(alias) => {
                let number = so_far.entry(alias).or_default();
                *number += 1;
                format!("{path}, alias {alias} #{number}")
            }
        });
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::Closed;
    use evidence_report::record::Outcome;
    use jiff::Timestamp;

    fn outcome(path: &str, named: bool, observation: FileObservation) -> Option<Outcome> {
        let basis = Basis::new(Timestamp::UNIX_EPOCH, Roots::new("none", []));
        let judged = judge(&FoundFile { path: path.into(), named }, &observation, &basis);
        assert!(judged.findings.len() <= 1);
        judged.findings.first().map(|finding| finding.outcome)
    }

    #[test]
    fn what_a_file_without_certificates_means_depends_on_who_named_it() {
        use Outcome::{Failed, Inconclusive, NotChecked};
        use Requirement::{Optional, Required};
        let nothing = || FileObservation::Read(Content::Nothing("text".to_owned()));
        let key = || {
            let contents = Contents { other_labels: vec!["PRIVATE KEY".to_owned()], ..Contents::default() };
            FileObservation::Read(Content::Holds(contents))
        };
        let closed = || {
            let closed = Some(Closed { what: "a store".to_owned(), remedy: "Open it.".to_owned() });
            FileObservation::Read(Content::Holds(Contents { closed, ..Contents::default() }))
        };
        let forbidden = || FileObservation::Unreadable(io::ErrorKind::PermissionDenied.into());
        let gone = || FileObservation::Unreadable(io::ErrorKind::NotFound.into());
        // A name, what was seen, what that means when named, and when merely found.
        type Row = (&'static str, fn() -> FileObservation, Option<Outcome>, Option<Outcome>);
        let table: [Row; 9] = [
            ("README.md", nothing, Some(Failed), None),
            ("tls.crt", nothing, Some(Failed), Some(Failed)),
            ("key.pem", key, Some(Failed), None),
            ("a.p12", closed, Some(NotChecked(Required)), Some(NotChecked(Required))),
            ("tls.crt", forbidden, Some(Inconclusive), Some(Inconclusive)),
            ("notes.txt", forbidden, Some(Inconclusive), Some(Inconclusive)),
            ("privkey.pem", forbidden, Some(Inconclusive), Some(NotChecked(Optional))),
            ("tls.key", forbidden, Some(Inconclusive), Some(NotChecked(Optional))),
            ("tls.key", gone, Some(Failed), Some(Failed)),
        ];
        for (name, seen, when_named, when_found) in table {
            assert_eq!(outcome(name, true, seen()), when_named, "{name}, named");
            assert_eq!(outcome(name, false, seen()), when_found, "{name}, found");
        }
        assert_eq!(outcome("core", false, FileObservation::TooLarge), None);
        assert_eq!(outcome("all.pem", false, FileObservation::TooLarge), Some(NotChecked(Required)));
    }
}
