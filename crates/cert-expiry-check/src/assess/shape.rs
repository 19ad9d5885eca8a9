//! The chain as it is served: in which order, and what of it nobody needs. A path may be found in spite of
//! all this (that is judged elsewhere); here is said what other clients stumble over, and what only costs
//! bytes.

use std::sync::Arc;

use evidence_report::record::Finding;
use jiff::Timestamp;

use super::{
    chain::{Path, is_written_otherwise},
    lifetime::{self, Standing},
    threshold::Limits,
};
use crate::{
    certificate::Certificate,
    checks::TLS_CHAIN,
    wording::{distance, moment},
};

/// What a presented certificate is to the paths from the server's own one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A path leads over it, or would.
    Needed,
    /// A root. Clients have it, or do not trust it.
    Root,
    /// It issued an earlier one too, but a path leads past it: a cross-sign.
    Spare,
    /// The same as an earlier one.
    Duplicate,
    /// It issued none of the others.
    Stranger,
}

/// What each presented certificate is; the server's own, at position 0, is always needed. `paths` are those
/// that were found; where there is none, everything that belongs to the chain is needed.
#[must_use]
pub fn places(chain: &[Arc<Certificate>], paths: &[&Path]) -> Vec<Place> {
    let belongs = belonging(chain);
    let on_a_path = |position: usize| {
        paths.iter().any(|path| matches!(path, Path::To(_, over) if over.contains(&position)))
    };
    let place = |position: usize| {
        let one = &chain[position];
        if chain[..position].iter().any(|earlier| earlier.fingerprint == one.fingerprint) {
            Place::Duplicate
        } else if position == 0 || on_a_path(position) {
            Place::Needed
        } else if !belongs[position] {
            Place::Stranger
        } else if one.is_self_issued {
            Place::Root
        } else if paths.is_empty() {
            Place::Needed
        } else {
            Place::Spare
        }
    };
    (0..chain.len()).map(place).collect()
}

/// Which certificates can be reached from the server's own by going from each to whoever issued it. Names
/// decide; where two go by one name, or one writes its name in another way, the signature does.
fn belonging(chain: &[Arc<Certificate>]) -> Vec<bool> {
    let mut belongs = vec![false; chain.len()];
    let mut reached = vec![0];
    while let Some(from) = reached.pop() {
        if std::mem::replace(&mut belongs[from], true) {
            continue;
        }
        let mut named: Vec<_> =
            (0..chain.len()).filter(|&to| chain[from].names_as_issuer(&chain[to])).collect();
        if named.is_empty() {
            named.extend((0..chain.len()).filter(|&to| is_written_otherwise(&chain[from], &chain[to])));
        }
        let is_issuer = |to: &usize| named.len() == 1 || chain[from].is_signed_by(&chain[*to]);
        reached.extend(named.iter().copied().filter(|to| !belongs[*to] && is_issuer(to)));
    }
    belongs
}

/// Judges the chain as served. Nothing is said of a chain without a path and without a flaw of its own: what
/// it lacks is said by `tls.trust`.
#[must_use]
pub fn judge(
    subject: &str,
    chain: &[Arc<Certificate>],
    places: &[Place],
    paths: &[&Path],
    now: Timestamp,
    limits: &Limits,
) -> Option<Finding> {
    let at = |wanted: Place| {
        chain.iter().zip(places).filter(move |(_, place)| **place == wanted).map(|(one, _)| one)
    };
    let mut flaws: Vec<String> = out_of_order(chain, places);
    let mut remedies = Vec::new();
    if !flaws.is_empty() {
        remedies
            .push("put the chain in order, the server's own certificate first, then each issuer".to_owned());
    }
    flaws.extend(repeated(&at(Place::Duplicate).collect::<Vec<_>>()));
    let strangers: Vec<_> = at(Place::Stranger)
        .map(|one| {
            format!(
                "'{}' (issued by '{}') belongs to no path from the server's certificate",
                one.name, one.issuer
            )
        })
        .collect();
    flaws.extend(strangers.iter().take(NAMED).cloned());
    if strangers.len() > NAMED {
        flaws.push(format!("nor do {} more", strangers.len() - NAMED));
    }
    // A root to which a path leads, or the only end that there is, is judged by `tls.trust`.
    let is_an_end = |one: &&Arc<Certificate>| {
        paths.is_empty() || paths.iter().any(|path| path.root().fingerprint == one.fingerprint)
    };
    let beyond = at(Place::Spare).chain(at(Place::Root).filter(|one| !is_an_end(one)));
    let ending: Vec<_> = beyond.filter_map(|one| stumble(one, now, limits)).collect();
    flaws.extend(ending.iter().map(|(words, _)| words.clone()));
    if let Some(name) =
        at(Place::Duplicate).chain(at(Place::Stranger)).chain(at(Place::Spare)).next().map(|one| &one.name)
        && (flaws.len() > ending.len() || !ending.is_empty())
    {
        remedies.push(format!(
            "take out of the file that the server presents what no path needs, such as '{name}'"
        ));
    } else if !ending.is_empty() {
        remedies.push("take the root out of the file that the server presents".to_owned());
    }
    let expected = "each certificate issued by the next, and none beyond";
    if !flaws.is_empty() {
        let finding = TLS_CHAIN.warned(subject).expected(expected).observed(flaws.join("; "));
        let finding = finding.remedy(sentence(&remedies.join("; ")));
        return Some(match ending.iter().map(|(_, end)| *end).min() {
            Some(end) => finding.hurts_at(end),
            None => finding,
        });
    }
    let count = match chain.len() {
        1 => "1 certificate".to_owned(),
        many => format!("{many} certificates in order"),
    };
    let root = at(Place::Root).next().map(|root| {
        format!(
            "; the root '{}' is sent too: not wrong, but {} bytes that no client needs",
            root.name,
            root.der.len()
        )
    });
    let finding = TLS_CHAIN.passed(subject).expected(expected);
    (!paths.is_empty()).then(|| finding.observed(format!("{count}{}", root.unwrap_or_default())))
}

/// So many that nobody needs are named; the rest is counted.
const NAMED: usize = 3;

/// What is sent more than once, each with how often, in the order of the chain.
fn repeated(duplicates: &[&Arc<Certificate>]) -> Vec<String> {
    let mut counted: Vec<(&Arc<Certificate>, usize)> = Vec::new();
    for one in duplicates {
        match counted.iter_mut().find(|(known, _)| known.fingerprint == one.fingerprint) {
            Some((_, times)) => *times += 1,
            None => counted.push((one, 2)),
        }
    }
    let words = counted.iter().map(|(one, times)| match times {
        2 => format!("'{}' is sent twice", one.name),
        many => format!("'{}' is sent {many} times", one.name),
    });
    let mut told: Vec<_> = words.take(NAMED).collect();
    if counted.len() > NAMED {
        told.push(format!("{} more are sent more than once", counted.len() - NAMED));
    }
    told
}

/// A certificate that stands before everything that it issued: TLS 1.2 forbids it (RFC 5246, 7.4.2), TLS 1.3
/// advises against it (RFC 8446, 4.4.2), and some clients follow the order to the letter.
fn out_of_order(chain: &[Arc<Certificate>], places: &[Place]) -> Vec<String> {
    let counts = |position: usize| !matches!(places[position], Place::Duplicate | Place::Stranger);
    let issued_earlier =
        |position: usize| (0..position).any(|earlier| chain[earlier].names_as_issuer(&chain[position]));
    let issued = |position: usize| {
        (position + 1..chain.len()).find(|&later| chain[later].names_as_issuer(&chain[position]))
    };
    (1..chain.len())
        .filter(|&position| counts(position) && !issued_earlier(position))
        .filter_map(|position| {
            let below = issued(position)?;
            Some(format!(
                "wrong order: '{}' stands before '{}', which it issued",
                chain[position].name, chain[below].name
            ))
        })
        .collect()
}

/// What happens, and when, to clients that take the path over a certificate that no path of ours needs. It is
/// what broke many in May 2020 (AddTrust) and in September 2021 (DST Root CA X3).
fn stumble(one: &Certificate, now: Timestamp, limits: &Limits) -> Option<(String, Timestamp)> {
    let end = one.validity.not_after;
    let which = if one.is_self_issued {
        format!("the root '{}'", one.name)
    } else {
        format!("the cross-sign '{}' by '{}'", one.name, one.issuer)
    };
    let clients = "clients that prefer the path over it (old OpenSSL and GnuTLS, old stores) fail";
    match lifetime::judge(one.validity, now, limits).standing {
        Standing::Good => None,
        Standing::Warning | Standing::Critical => Some((
            format!(
                "{which}, which our path does not need, expires {}, {}: from then on {clients}",
                moment(end),
                distance(now, end)
            ),
            end,
        )),
        Standing::Expired => Some((
            format!(
                "{which}, which our path does not need, expired {}, {}: {clients}",
                moment(end),
                distance(now, end)
            ),
            end,
        )),
        Standing::NotYetValid | Standing::NeverValid => {
            Some((format!("{which}, which our path does not need, is not valid now: {clients}"), now))
        }
    }
}

fn sentence(words: &str) -> String {
    let mut characters = words.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}
