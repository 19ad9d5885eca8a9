//! Undoes what killed drills left elsewhere: ends posted alerts, and runs the commands that end real faults.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use evidence_report::run::print;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;

use super::{
    super::{hooks::shown, remains::Remnant},
    peer::{Peer, Post},
    remains::LeftAlerts,
};
use crate::http::{Http, Trust};

/// A command that ends a fault may take so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether what an entry of the journal names is gone now, because it was undone here.
pub(crate) fn sweep(entry: &str, headers: &HeaderMap) -> bool {
    match Remnant::read(entry) {
        None => false,
        Some(Remnant::Fault(fault)) => {
            let ended = run(&fault.end);
            told(
                ended,
                format!("ended the fault that the drill of {} caused, by {}", fault.alert, shown(&fault.end)),
            )
        }
        Some(Remnant::Alerts(left)) => {
            told(end(&left, headers), format!("ended the drill alerts at {}", left.peers.join(" and ")))
        }
        Some(Remnant::Series(left)) => {
            let gone = left.sweep(headers);
            told(gone, format!("the drill alert {} has ended in {}", left.alert, left.prometheus))
        }
    }
}

/// Says what was undone.
fn told(undone: bool, what: String) -> bool {
    if undone {
        // It stays undone, whether somebody reads of it or not.
        let _ = print(&format!("{what}\n"));
    }
    undone
}

fn run(words: &[String]) -> bool {
    let Some((program, arguments)) = words.split_first() else { return false };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return false };
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if began.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return false;
            }
        }
    }
}

/// The sweep asks from within a runtime, and waits: so the posting has a thread and a runtime of its own.
fn end(left: &LeftAlerts, headers: &HeaderMap) -> bool {
    let post = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(ended(left, headers))
    };
    std::thread::scope(|scope| scope.spawn(post).join()).ok().flatten().is_some()
}

async fn ended(left: &LeftAlerts, headers: &HeaderMap) -> Option<()> {
    let needs_tls = left.peers.iter().any(|url| url.starts_with("https"));
    let http = Http::new(if needs_tls { Trust::System } else { Trust::Nobody }).ok()?;
    let now = Timestamp::now();
    let annotations = std::collections::BTreeMap::new();
    let starts_at = now - SignedDuration::from_secs(1);
    let posts: Vec<_> = (left.alerts.iter())
        .map(|labels| Post { labels, annotations: &annotations, starts_at, ends_at: now })
        .collect();
    for url in &left.peers {
        let peer = Peer { url: url.parse().ok()?, http: http.clone(), headers: headers.clone() };
        peer.post(&posts).await.ok()?;
    }
    Some(())
}
