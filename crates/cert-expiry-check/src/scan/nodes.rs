//! One endpoint: captured and judged at the address that answers first, or at every address of its name.

use std::{net::IpAddr, sync::Arc};

use tokio::task::JoinSet;

use super::second_key;
use crate::{
    assess::{Basis, Judged, Part, agreement, client, endpoint},
    checks::{TLS_CLIENT_ACCEPTED, TLS_NODES},
    targets::Endpoint,
    wire::{self, Approach, ClientCertificate, Observation},
};

/// Captures and judges an endpoint: without a client certificate, and once more with ours where it asks for
/// one.
pub async fn look_at_one(endpoint: Endpoint, approach: &Approach, basis: &Basis) -> Judged {
    let anonymous = wire::capture(&endpoint, &approach.anonymous()).await;
    let mut judged = endpoint::judge(&endpoint, &anonymous, basis);
    let subject = endpoint.to_string();
    let identity = approach.identity.as_ref().filter(|_| asks(&anonymous));
    let presented = match identity {
        Some(_) => Some(Box::pin(wire::capture(&endpoint, approach)).await),
        None => None,
    };
    let wanted = basis.client_certificate;
    judged.findings.extend(client::rule(&subject, &anonymous, presented.as_ref(), wanted));
    if let (Some(identity), Some(presented)) = (identity, &presented) {
        judged.owed.push(&TLS_CLIENT_ACCEPTED);
        judged.findings.push(client::acceptance(&subject, &anonymous, presented, &identity.certificate));
    }
    if let Some(second) = second_key::look_for(&endpoint, &anonymous, approach, basis).await {
        judged.join(second);
    }
    judged
}

fn asks(seen: &Observation) -> bool {
    matches!(seen, Observation::Reached(capture) if capture.client_certificate != ClientCertificate::NotAsked)
}

/// Captures and judges every address of an endpoint's name, and compares what they serve.
pub async fn look_at_every(endpoint: &Endpoint, approach: &Arc<Approach>, basis: &Arc<Basis>) -> Judged {
    match wire::addresses(endpoint, approach.timeouts.connect).await {
        Ok(addresses) => {
            let addresses = addresses.into_iter().map(|address| address.ip());
            look_at_addresses(endpoint, addresses, approach, basis).await
        }
        Err(trouble) => endpoint::judge(endpoint, &Observation::Unreached(trouble), basis),
    }
}

/// Captures and judges an endpoint at these addresses, side by side, and compares what they serve.
pub async fn look_at_addresses(
    endpoint: &Endpoint,
    addresses: impl IntoIterator<Item = IpAddr>,
    approach: &Arc<Approach>,
    basis: &Arc<Basis>,
) -> Judged {
    let mut nodes = JoinSet::new();
    for address in addresses {
        let (node, approach, basis) = (endpoint.at(address), Arc::clone(approach), Arc::clone(basis));
        nodes.spawn(async move { (address, look_at_one(node, &approach, &basis).await) });
    }
    let mut judged = nodes.join_all().await;
    judged.sort_by_key(|(address, _)| *address);
    let served: Vec<_> = (judged.iter())
        .filter_map(|(address, judged)| {
            let own = judged.sightings.iter().find(|sighting| sighting.part == Part::Server);
            own.map(|sighting| (address.to_string(), sighting.certificate.as_ref()))
        })
        .collect();
    let comparison = agreement::nodes::judge(&endpoint.to_string(), &served, basis.now);
    let mut all = Judged::default();
    all.owed.extend((served.len() > 1).then_some(&TLS_NODES));
    for (_, judged) in judged {
        all.join(judged);
    }
    all.findings.extend(comparison);
    all
}
