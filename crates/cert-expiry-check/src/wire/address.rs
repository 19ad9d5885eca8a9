//! From a host to a TCP connection: resolved once, then its addresses in turn, a new one whenever the last
//! keeps us waiting (RFC 8305), all within one timeout.

use std::{collections::HashSet, io, net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::observation::ReachTrouble;
use crate::{assess::name::Host, targets::Endpoint};

/// How long an address may keep us waiting before the next one is tried beside it.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// Connects to the endpoint, within the timeout.
pub(super) async fn connect(
    endpoint: &Endpoint,
    limit: Duration,
) -> Result<(SocketAddr, TcpStream), ReachTrouble> {
    let attempt = async {
        let addresses = resolve(endpoint).await?;
        connect_to_any(addresses).await
    };
    timeout(limit, attempt).await.unwrap_or(Err(ReachTrouble::TimedOut(limit)))
}

/// Every address of the endpoint's host, each once, in the resolver's order.
///
/// # Errors
/// When the name does not resolve within the timeout.
pub async fn addresses(endpoint: &Endpoint, limit: Duration) -> Result<Vec<SocketAddr>, ReachTrouble> {
    timeout(limit, resolve(endpoint)).await.unwrap_or(Err(ReachTrouble::TimedOut(limit)))
}

async fn resolve(endpoint: &Endpoint) -> Result<Vec<SocketAddr>, ReachTrouble> {
    let port = endpoint.connect_port();
    match (&endpoint.host, &endpoint.address) {
        (_, Some(address)) | (Host::Address(address), None) => Ok(vec![SocketAddr::new(*address, port)]),
        (Host::Name(name), None) => {
            let found = lookup_host((name.as_str(), port)).await;
            let mut known = HashSet::new();
            let found: Vec<_> = found
                .map_err(|error| trouble_of_look_up(&error))?
                .filter(|address| known.insert(*address))
                .collect();
            if found.is_empty() {
                Err(ReachTrouble::Unresolved("it has no address".to_owned()))
            } else {
                Ok(found)
            }
        }
    }
}

fn trouble_of_look_up(error: &io::Error) -> ReachTrouble {
    match ours(error) {
        Some(ours) => ours,
        None => {
            let words = error.to_string();
            let words = words.strip_prefix("failed to lookup address information: ").unwrap_or(&words);
            ReachTrouble::Unresolved(words.to_owned())
        }
    }
}

async fn connect_to_any(addresses: Vec<SocketAddr>) -> Result<(SocketAddr, TcpStream), ReachTrouble> {
    let mut waiting = addresses.into_iter();
    let mut attempts = JoinSet::new();
    let mut last = ReachTrouble::Unresolved("it has no address".to_owned());
    let mut try_next = |attempts: &mut JoinSet<_>| {
        let next = waiting.next();
        if let Some(address) = next {
            attempts.spawn(async move { (address, TcpStream::connect(address).await) });
        }
        next.is_some()
    };
    let mut more = try_next(&mut attempts);
    loop {
        tokio::select! {
            done = attempts.join_next() => match done {
                Some(Ok((address, Ok(stream)))) => return Ok((address, stream)),
                Some(Ok((_, Err(error)))) => {
                    last = trouble_of_connect(&error);
                    more = try_next(&mut attempts);
                }
                Some(Err(_)) => more = try_next(&mut attempts),
                None => return Err(last),
            },
            () = sleep(NEXT_ADDRESS_AFTER), if more => more = try_next(&mut attempts),
        }
    }
}

fn trouble_of_connect(error: &io::Error) -> ReachTrouble {
    ours(error).unwrap_or_else(|| match error.kind() {
        io::ErrorKind::ConnectionRefused => ReachTrouble::Refused,
        _ => ReachTrouble::Failed(error.to_string()),
    })
}

/// What says more about this machine than about the target.
fn ours(error: &io::Error) -> Option<ReachTrouble> {
    use io::ErrorKind::{AddrNotAvailable, NetworkUnreachable, OutOfMemory, PermissionDenied};
    /// EMFILE, ENFILE and ENOBUFS, which have no kind of their own.
    const EXHAUSTED: [i32; 3] = [24, 23, 105];
    let exhausted = error.raw_os_error().is_some_and(|code| EXHAUSTED.contains(&code));
    let kind = matches!(error.kind(), AddrNotAvailable | NetworkUnreachable | OutOfMemory | PermissionDenied);
    (exhausted || kind).then(|| ReachTrouble::Ours(error.to_string()))
}
