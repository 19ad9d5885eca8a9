//! Our own receiver: a webhook on loopback that takes Alertmanager's notifications and notes when each came.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

use evidence_report::record::Finding;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::watch;

use super::{
    checks::FENCE,
    clock::Clock,
    loopback::{Answer, Server},
};

/// One alert of a notification (Alertmanager's webhook format, version 4).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotifiedAlert {
    /// `firing` or `resolved`.
    pub(crate) status: String,
    /// Its labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// Its annotations.
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
    /// The evaluation at which it fired.
    pub(crate) starts_at: Timestamp,
    /// The evaluation at which it was resolved; far in the past while it fires.
    pub(crate) ends_at: Timestamp,
    /// Link to the expression.
    #[serde(default, rename = "generatorURL")]
    pub(crate) generator_url: String,
}

/// An alert that arrived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arrived {
    /// When, in seconds on the drill's clock.
    pub(crate) at: f64,
    /// As it came.
    pub(crate) alert: NotifiedAlert,
    /// The receiver that Alertmanager sent it for.
    pub(crate) receiver: String,
    /// The labels that its group is made of.
    pub(crate) group: BTreeMap<String, String>,
}

/// One notification.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Notification {
    /// The receiver that it is for.
    #[serde(default)]
    pub(crate) receiver: String,
    /// The labels that its group is made of.
    #[serde(default)]
    pub(crate) group_labels: BTreeMap<String, String>,
    /// The alerts.
    pub(crate) alerts: Vec<NotifiedAlert>,
}

/// A notification, and when it had been read whole, in seconds on the drill's clock.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) at: f64,
    pub(super) notification: Notification,
}

/// What came in so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Inbox {
    pub(super) notifications: Vec<Received>,
    /// Why a request could not be read, for those that could not.
    pub(super) unreadable: Vec<String>,
}

impl Inbox {
    /// When an alert that fits first came firing after `since`, and how.
    pub(super) fn firing(
        &self,
        since: f64,
        fits: impl Fn(&BTreeMap<String, String>) -> bool,
    ) -> Option<Arrived> {
        self.first(since, |one| one.status == "firing" && fits(&one.labels))
    }

    /// When this instance of the alert first came resolved after `since`.
    pub(super) fn resolved(&self, since: f64, instance: &NotifiedAlert) -> Option<f64> {
        self.first(since, |one| {
            one.status == "resolved" && one.labels == instance.labels && one.ends_at > one.starts_at
        })
        .map(|arrived| arrived.at)
    }

    /// How often the very same was notified after `since`: to the same receiver, of the same group, with the same alerts
    /// in the same states. A group that has changed is something else.
    pub(super) fn copies(&self, since: f64, arrived: &Arrived) -> usize {
        let states = |one: &Notification| -> BTreeSet<(String, String)> {
            let alerts = one.alerts.iter();
            alerts.map(|alert| (super::series::display(&alert.labels), alert.status.clone())).collect()
        };
        let ours = |one: &&Received| one.at > since && one.notification.receiver == arrived.receiver;
        let of_group = |one: &&Received| one.notification.group_labels == arrived.group;
        let all: Vec<_> = self.notifications.iter().filter(ours).filter(of_group).collect();
        let first = all.iter().find(|one| one.notification.alerts.contains(&arrived.alert));
        let first = first.map(|one| states(&one.notification));
        all.iter().filter(|one| Some(states(&one.notification)) == first).count()
    }

    fn first(&self, since: f64, wanted: impl Fn(&NotifiedAlert) -> bool) -> Option<Arrived> {
        self.notifications.iter().filter(|received| received.at > since).find_map(|received| {
            let found = received.notification.alerts.iter().find(|one| wanted(one))?;
            Some(Arrived {
                at: received.at,
                alert: found.clone(),
                receiver: received.notification.receiver.clone(),
                group: received.notification.group_labels.clone(),
            })
        })
    }
}

/// The webhook. Dropping it closes its port.
#[derive(Debug)]
pub(super) struct Receiver {
    server: Server,
    inbox: watch::Sender<Inbox>,
}

/// The path that notifications are posted to.
pub(super) const PATH: &str = "/notifications";

impl Receiver {
    /// Listens where the user wants our webhook to be, if anywhere; `undone` says what was left alone for want of it.
    ///
    /// # Errors
    /// An inconclusive finding where nobody can listen there.
    pub(super) async fn at(
        clock: Clock,
        listen: Option<SocketAddr>,
        undone: &str,
    ) -> Result<Option<Self>, Finding> {
        let Some(address) = listen else { return Ok(None) };
        Self::start(clock, listen).await.map(Some).map_err(|error| {
            FENCE
                .inconclusive("our webhook")
                .observed(format!("{undone}: listening on {address}: {error}"))
                .remedy("Choose an address of this machine that nobody listens on.")
        })
    }

    /// Starts to listen, on a free port of loopback or where it is told.
    pub(super) async fn start(clock: Clock, listen: Option<SocketAddr>) -> std::io::Result<Self> {
        let (inbox, _) = watch::channel(Inbox::default());
        let incoming = inbox.clone();
        let wanted = format!("POST {PATH}");
        let handle = move |target: &str, body: &[u8]| {
            if target != wanted {
                return Answer::status(404);
            }
            let at = clock.now();
            match serde_json::from_slice(body) {
                Ok(notification) => {
                    incoming.send_modify(|inbox| inbox.notifications.push(Received { at, notification }));
                    Answer::status(200)
                }
                Err(error) => {
                    incoming.send_modify(|inbox| inbox.unreadable.push(error.to_string()));
                    Answer::status(400)
                }
            }
        };
        let server = match listen {
            None => Server::start(handle).await?,
            Some(address) => Server::start_at(address, handle).await?,
        };
        Ok(Self { server, inbox })
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Looks at what came in so far.
    pub(super) fn look<T>(&self, at: impl FnOnce(&Inbox) -> T) -> T {
        at(&self.inbox.borrow())
    }
}
