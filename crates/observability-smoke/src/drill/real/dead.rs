//! An Alertmanager that does not answer before anything is begun. The drill is then refused, unless the user said by
//! name that this one may be dead: the others are drilled, and it is told of as failed.

use evidence_report::record::Finding;

use super::super::checks::PEER;
use crate::{config::Url, http::NoAnswer};

/// Whether the user named it, as host or host:port.
pub(in super::super) fn may_be_dead(url: &Url, named: &[String]) -> bool {
    named.iter().any(|name| *name == host(url) || *name == address(url))
}

fn host(url: &Url) -> String {
    url.0.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned()
}

fn address(url: &Url) -> String {
    format!("{}:{}", url.0.host_str().unwrap_or_default(), url.0.port_or_known_default().unwrap_or_default())
}

/// That it does not answer, and what follows of it; `nothing` says what was not begun.
pub(in super::super) fn no_answer(url: &Url, why: &NoAnswer, named: &[String], nothing: &str) -> Finding {
    let finding = PEER.failed(url.to_string()).expected("an answer");
    if may_be_dead(url, named) {
        let observed = format!("{why}; the others are drilled, for --allow-dead-peer names this one");
        return finding
            .observed(observed)
            .remedy("Bring it back: until then the cluster has one less to tell anybody.");
    }
    let remedy = format!(
        "Start it, or take it out of the cluster. Where it is known to be dead, drill the others: --allow-dead-peer {}",
        address(url)
    );
    finding.observed(format!("{nothing}: {why}")).remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_is_named_may_be_dead() {
        let named = ["am.example".to_owned(), "127.0.0.1:9093".to_owned(), "[::1]:9093".to_owned()];
        for (url, may) in [
            ("http://am.example:9093/", true),
            ("http://127.0.0.1:9093/", true),
            ("http://127.0.0.1:9094/", false),
            ("http://[::1]:9093/am", true),
            ("http://am.example.evil/", false),
        ] {
            assert_eq!(may_be_dead(&url.parse().unwrap(), &named), may, "{url}");
        }
    }
}
