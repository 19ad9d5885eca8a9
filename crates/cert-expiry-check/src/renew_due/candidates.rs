//! Which of the certificates that were seen would be renewed: those of servers and clients, and those of issuers
//! that are kept for their own sake. Pure.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use evidence_report::record::{Finding, Outcome};

use super::answer::Candidate;
use crate::{
    assess::{
        Part,
        agreement::{file_of, files::followed, history::followed_by_name},
        lifetime::Role,
    },
    certificate::Certificate,
    checks::TLS_NAME,
    outputs::One,
    plan::Plan,
    targets::Target,
};

/// As what a certificate has to be seen.
const PARTS: [Part; 4] = [Part::File, Part::Secret, Part::Server, Part::Client];

/// What would be renewed, wherever it was seen. These do not count:
///
/// - what another member of its archive has followed (certbot's `archive/shop/cert1.pem`), or what was put aside and
///   was followed (`old/shop.pem`, `shop.pem.bak`);
/// - what a server presents under another name than it was asked for;
/// - an issuer in a file or store that holds a leaf, and one that lies in the folder of a leaf which it issued, or
///   whose issuer it certified, unless its file was named itself: it came with the leaf, and no renewal of ours makes
///   it younger.
pub(super) fn candidates<'o>(all: &'o [One], findings: &[Finding], plan: &Plan) -> Vec<Candidate<'o>> {
    let places: Vec<Vec<String>> = all.iter().map(places).collect();
    let followed = followed(places.iter().flatten().map(String::as_str));
    let put_aside = followed_by_name(&all.iter().flat_map(One::lying).collect::<Vec<_>>());
    let of_another_name: HashSet<_> = findings
        .iter()
        .filter(|finding| finding.check.id == TLS_NAME.id && finding.outcome == Outcome::Failed)
        .map(|finding| finding.subject.as_str())
        .collect();
    let leaves = Leaves::of(all, &places);
    let named = named(plan);
    let is_passed_over = |one: &One, place: &str| {
        followed.contains(place)
            || put_aside.contains_key(place)
            || of_another_name.contains(place)
            || (is_authority(one) && leaves.came_with(&one.certificate, place, &named))
    };
    (all.iter().zip(&places))
        .filter_map(|(one, places)| {
            let place = places.iter().find(|place| !is_passed_over(one, place))?.clone();
            Some(Candidate { place, certificate: &one.certificate })
        })
        .collect()
}

fn places(one: &One) -> Vec<String> {
    PARTS.iter().flat_map(|part| one.places_as(*part)).collect()
}

/// The files that the plan names one by one.
fn named(plan: &Plan) -> HashSet<&Path> {
    let others = plan.groups.iter().flat_map(|group| group.targets.others());
    let paths = others.filter_map(|target| match target {
        Target::Path(path) => Some(path.as_path()),
        _ => None,
    });
    paths.collect()
}

fn is_authority(one: &One) -> bool {
    Role::of_stored(&one.certificate) == Role::Issuer
}

/// The file of a place; of a kubeconfig the whole: `config` of `config, user admin`.
fn whole_file(place: &str) -> &str {
    let file = file_of(place);
    let parts = [", user ", ", cluster "];
    parts.iter().find_map(|part| file.split_once(part)).map_or(file, |(whole, _)| whole)
}

fn folder_of(place: &str) -> Option<&Path> {
    Path::new(whole_file(place)).parent()
}

/// Where certificates of servers and clients lie, and who issued them, their issuers in the same folder, and so on.
struct Leaves<'o> {
    files: HashSet<&'o str>,
    issuers: HashMap<&'o Path, HashSet<&'o [u8]>>,
}

impl<'o> Leaves<'o> {
    fn of(all: &'o [One], places: &'o [Vec<String>]) -> Self {
        let mut leaves = Self { files: HashSet::new(), issuers: HashMap::new() };
        let (authorities, own): (Vec<_>, Vec<_>) =
            all.iter().zip(places).partition(|(one, _)| is_authority(one));
        for (one, places) in own {
            for place in places {
                leaves.files.insert(whole_file(place));
                if let Some(folder) = folder_of(place) {
                    leaves.issuers.entry(folder).or_default().insert(&*one.certificate.issuer_der);
                }
            }
        }
        while leaves.follow(&authorities) {}
        leaves
    }

    /// Takes in who certified the issuers that are known; whether any of those was new.
    fn follow(&mut self, authorities: &[(&'o One, &'o Vec<String>)]) -> bool {
        let mut is_new = false;
        for (one, places) in authorities {
            let Certificate { subject_der, issuer_der, .. } = &*one.certificate;
            for folder in places.iter().filter_map(|place| folder_of(place)) {
                if let Some(issuers) = self.issuers.get_mut(folder)
                    && issuers.contains(subject_der.as_slice())
                {
                    is_new |= issuers.insert(issuer_der);
                }
            }
        }
        is_new
    }

    /// Whether an issuer lies there only because a leaf does.
    fn came_with(&self, issuer: &Certificate, place: &str, named: &HashSet<&Path>) -> bool {
        let file = whole_file(place);
        let issued = folder_of(place).and_then(|folder| self.issuers.get(folder));
        let beside = issued.is_some_and(|issuers| issuers.contains(issuer.subject_der.as_slice()));
        self.files.contains(file) || (beside && !named.contains(Path::new(file)))
    }
}
