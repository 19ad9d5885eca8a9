//! Whether a server is the one that the backup came from. When that cannot be told, it is taken to be.

use evidence_report::run::Run;

use super::refused;
use crate::{
    checks::TARGET_HARMLESS,
    connection::{Endpoint, Resolved, Session},
    halt::Halt,
};

const EXPECTED: &str = "another cluster than the source's, and no standby";

/// What is known of the source.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Its servers.
    pub(crate) endpoints: Vec<Endpoint>,
    /// System identifiers that the target must not have: the source's, and that of the fingerprint's source.
    pub(crate) identifiers: Vec<String>,
}

/// Refuses an address of the source, before anything is connected to.
pub(super) fn refuse_same_address(target: &Resolved, known: &Known) -> Result<(), Halt> {
    let same = |one: &Endpoint, other: &Endpoint| {
        one.port == other.port
            && (one.host == other.host || (one.address.is_some() && one.address == other.address))
    };
    let shared = target.endpoints.iter().find(|one| known.endpoints.iter().any(|other| same(one, other)));
    shared.map_or(Ok(()), |endpoint| Err(refuse(&endpoint.to_string(), "this is the source's address")))
}

/// Refuses the source's cluster, a standby, and whatever does not say what it is.
pub(super) async fn refuse_source(run: &Run, session: &Session, known: &Known) -> Result<(), Halt> {
    let subject = session.endpoint.to_string();
    let failed = |failure| refused("target", &failure);
    if session.value(run.stop(), "SELECT pg_is_in_recovery()").await.map_err(failed)? != "f" {
        return Err(refuse(&subject, "it is a standby"));
    }
    let answer = session.value(run.stop(), "SELECT system_identifier::text FROM pg_control_system()").await;
    let Ok(identifier) = answer else {
        return Err(refuse(&subject, "its system identifier cannot be read, so it could be the source"));
    };
    if known.identifiers.is_empty() {
        return Err(refuse(
            &subject,
            "the source's system identifier is not known, so it could be the source: name the source with \
             --source (it is only asked who it is), by a role that may run pg_control_system()",
        ));
    }
    match known.identifiers.contains(&identifier) {
        true => {
            Err(refuse(&subject, "it has the source's system identifier: it is the source, or a copy of it"))
        }
        false => Ok(()),
    }
}

fn refuse(subject: &str, observed: &str) -> Halt {
    TARGET_HARMLESS.inconclusive(subject).expected(EXPECTED).observed(observed).into()
}
