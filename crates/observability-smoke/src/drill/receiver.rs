//! Our own receiver: a webhook on loopback that takes Alertmanager's notifications and notes when each came.

use std::{collections::BTreeMap, net::SocketAddr};

use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::watch;

use super::{
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

/// One notification.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Notification {
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
    /// When the alert first came firing, and how.
    pub(super) fn firing(&self, alert: &str) -> Option<(f64, NotifiedAlert)> {
        self.first(|one| {
            one.status == "firing" && one.labels.get("alertname").is_some_and(|name| name == alert)
        })
    }

    /// When this instance of the alert first came resolved.
    pub(super) fn resolved(&self, instance: &NotifiedAlert) -> Option<f64> {
        self.first(|one| {
            one.status == "resolved" && one.labels == instance.labels && one.ends_at > one.starts_at
        })
        .map(|(at, _)| at)
    }

    fn first(&self, wanted: impl Fn(&NotifiedAlert) -> bool) -> Option<(f64, NotifiedAlert)> {
        self.notifications.iter().find_map(|received| {
            let found = received.notification.alerts.iter().find(|one| wanted(one))?;
            Some((received.at, found.clone()))
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
    /// Starts to listen.
    pub(super) async fn start(clock: Clock) -> std::io::Result<Self> {
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
        Ok(Self { server: Server::start(handle).await?, inbox })
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What came in so far.
    pub(super) fn inbox(&self) -> Inbox {
        self.inbox.borrow().clone()
    }
}
