//! The revocation lists of a scan: read from the files that were named, and fetched from the addresses in the
//! certificates only where that was asked for, each address once. When the run is over, every certificate
//! that was seen is judged by them.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::Arc,
};

use evidence_report::run::Run;
use reqwest::Url;
use tokio::task::JoinSet;

use super::{Prepared, others};
use crate::{
    assess::{
        crl,
        revocation::{Judge, Lists, Source},
    },
    checks::TLS_REVOCATION,
    error::Error,
    outputs::{Keeping, Seen},
    plan::Plan,
    stores::{self, Content, Passwords, RevocationList, file},
    targets::Target,
    wire::fetch::{Fetcher, Trouble},
};

/// The largest lists of public CAs have some ten MiB.
const LARGEST: usize = 64 << 20;

/// So many lists are fetched at a time.
const AT_A_TIME: usize = 8;

/// The lists in the files that were named.
///
/// # Errors
/// When a file cannot be read, or holds no list, or a damaged one.
pub(super) fn named(plan: &Plan) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::new();
    for path in &plan.crls {
        let lists = lists_in(path).map_err(|reason| Error::RevocationList { path: path.clone(), reason })?;
        let place = path.display().to_string();
        sources.extend(lists.into_iter().map(|list| Source { place: place.clone(), list: Ok(list) }));
    }
    Ok(sources)
}

fn lists_in(path: &Path) -> Result<Vec<Arc<RevocationList>>, String> {
    let bytes = file::bytes(path).map_err(|error| error.to_string())?.ok_or("the file is too large")?;
    lists_of(&bytes)
}

fn lists_of(bytes: &[u8]) -> Result<Vec<Arc<RevocationList>>, String> {
    let lists = match stores::read(bytes, &Passwords::default()) {
        Content::Holds(contents) => {
            contents.lists.into_iter().map(|entry| entry.list).collect::<Result<Vec<_>, _>>()?
        }
        Content::Nothing(what) => return Err(format!("it holds no revocation list: {what}")),
    };
    if lists.is_empty() { Err("it holds no revocation list".to_owned()) } else { Ok(lists) }
}

/// What has to be kept of certificates: the signatures on them, where there may be lists, be it among the targets.
pub(super) fn keeping(plan: &Plan) -> Keeping {
    let are_servers = others(plan).all(|(_, target)| matches!(target, Target::Network(_)));
    if plan.crls.is_empty() && !plan.fetch_crls && plan.kubernetes.is_empty() && are_servers {
        Keeping::WhatItSays
    } else {
        Keeping::Everything
    }
}

/// Judges everything that was seen by the lists that were named, by those that lay among the targets, and by
/// those that may be fetched.
pub(super) async fn judge(plan: &Plan, given: Vec<Source>, seen: &Seen, groups: &[Prepared], run: &Run) {
    let Some(first) = groups.first() else { return };
    if given.is_empty() && !plan.fetch_crls {
        return;
    }
    let (mut issuers, mut addresses) = (seen.issuers(), BTreeSet::new());
    let mut named = BTreeSet::new();
    seen.each_whole(|one| {
        if let Some(suspect) = one.suspect() {
            named.insert(Arc::clone(&suspect.certificate.issuer_der));
            if plan.fetch_crls {
                addresses.extend(suspect.certificate.crl_addresses.iter().cloned());
            }
        }
    });
    for name in &named {
        let stores = groups.iter().flat_map(|group| group.basis.trust.stores());
        issuers.extend(stores.flat_map(|store| store.named(name)).cloned());
    }
    issuers.sort_by_key(|issuer| issuer.fingerprint);
    issuers.dedup_by_key(|issuer| issuer.fingerprint);
    let mut lists = Lists { given, are_wanted: plan.fetch_crls, ..Lists::default() };
    if plan.fetch_crls {
        lists.fetched = fetch(addresses, first, run).await;
    }
    let judge = Judge::new(&lists, &issuers, first.basis.now);
    seen.each_whole(|one| {
        if let Some(suspect) = one.suspect() {
            run.owes(judge.concerns(&suspect).then_some(&TLS_REVOCATION));
            run.findings(judge.finding(&suspect));
        }
    });
}

/// Whether the lists that were named are fresh. Those among the targets are judged where they lie.
pub(super) fn freshness(named: &[Source], groups: &[Prepared], run: &Run) {
    let Some(basis) = groups.first().map(|group| &group.basis) else { return };
    let lists = named.iter().filter_map(|source| Some((&source.place, source.list.as_ref().ok()?)));
    run.findings(lists.map(|(place, list)| crl::judge(place, list, basis)));
}

async fn fetch(addresses: BTreeSet<String>, group: &Prepared, run: &Run) -> HashMap<String, Source> {
    run.progress().phase("fetching revocation lists");
    let bar = run.progress().bar(addresses.len() as u64, "lists");
    let mut fetched = HashMap::new();
    let fetcher = match Fetcher::new(&group.basis.trust, &group.approach) {
        Ok(fetcher) => fetcher,
        Err(why) => {
            let failed =
                |address: String| (address.clone(), Source { place: address, list: Err(why.clone()) });
            return addresses.into_iter().map(failed).collect();
        }
    };
    let mut waiting = addresses.into_iter();
    let mut work = JoinSet::new();
    loop {
        while work.len() < AT_A_TIME
            && let Some(address) = waiting.next()
        {
            let (fetcher, stop) = (fetcher.clone(), run.stop().clone());
            work.spawn(async move {
                let list = stop.guard(fetch_one(&fetcher, &address)).await;
                let list = list.unwrap_or_else(|_| Err("cut off by the end of the run".to_owned()));
                Source { place: address, list }
            });
        }
        let Some(done) = work.join_next().await else { break };
        bar.advance(1);
        if let Ok(source) = done {
            fetched.insert(source.place.clone(), source);
        }
    }
    fetched
}

async fn fetch_one(fetcher: &Fetcher, address: &str) -> Result<Arc<RevocationList>, String> {
    if !address.starts_with("http://") && !address.starts_with("https://") {
        return Err("only http and https addresses are fetched".to_owned());
    }
    let url = Url::parse(address).map_err(|error| error.to_string())?;
    let words = |trouble: Trouble| trouble.to_string();
    let bytes = fetcher.get(&url, LARGEST).await.map_err(words)?;
    // One list stands at an address (RFC 5280, 4.2.1.13).
    lists_of(&bytes)?.into_iter().next().ok_or_else(|| "nothing lies there".to_owned())
}
