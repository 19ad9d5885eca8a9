//! The checks of flows, sockets, nodes, costs and counters, and those of Prometheus' and Alertmanager's own state.

use evidence_report::record::Check;

/// A single phase of a request is fast enough.
pub(crate) const PROBE_PHASE: Check = Check {
    id: "probe.phase",
    title: "Phase of a request is fast enough",
    explanation: "Resolving the name, opening the connection, negotiating TLS and waiting for the first byte are timed \
        one by one, on a connection of its own, and each is held against its objective.",
    remedy: "The phase says where to look: the name server, the network, the TLS termination, or the service itself.",
};

/// A name has enough nodes behind it.
pub(crate) const PROBE_NODES: Check = Check {
    id: "probe.nodes",
    title: "Enough nodes stand behind the name",
    explanation: "The name is resolved, and each of its addresses is asked for itself: one broken node of three is \
        otherwise hidden by the two that answer.",
    remedy: "Compare the addresses of the name with the nodes that should stand behind it.",
};

/// A value that a later request needs is in the answer.
pub(crate) const PROBE_CAPTURE: Check = Check {
    id: "probe.capture",
    title: "Answer brings the value that is needed next",
    explanation: "A later request of the flow needs a value of this answer: a token, an id. It was not where the \
        configuration says, or it was empty. The value itself is never shown.",
    remedy: "Ask by hand, and correct the path, the header or the pattern under capture.",
};

/// A request's correlation id is found again.
pub(crate) const PROBE_CORRELATION: Check = Check {
    id: "probe.correlation",
    title: "Correlation id is found in the backend",
    explanation: "The flow's requests carried an id that nobody had used before. It must be found again in the logs or \
        traces: an incident can only be followed through services that pass the id on and backends that keep it. \
        The backend is asked again until it is found or the time is over.",
    remedy: "Follow the id from service to service: the first that does not log it drops the header, or its logs are not shipped.",
};

/// A port is open.
pub(crate) const PROBE_TCP: Check = Check {
    id: "probe.tcp",
    title: "Port is open",
    explanation: "A connection is opened and closed again. Refused, silent and unreachable are told apart.",
    remedy: "Refused: nobody listens. Silent: a firewall or a network policy drops it. Unreachable: look at the routes.",
};

/// A port is blocked by a network policy.
pub(crate) const PROBE_BLOCKED: Check = Check {
    id: "probe.blocked",
    title: "Network policy blocks the port",
    explanation: "From here the port must not be reachable. It counts as blocked when nothing comes back while the \
        control, an address that is open from here, answers before and after. A refusal means that packets arrive; \
        what our own machine prevents (no route, its own firewall) proves nothing.",
    remedy: "Look at the policies that select the target's pods, and at whether the network plugin enforces them at all.",
};

/// A WebSocket's handshake is right.
pub(crate) const PROBE_WEBSOCKET: Check = Check {
    id: "probe.websocket",
    title: "WebSocket handshake is right",
    explanation: "The server must answer the upgrade with status 101, the right Sec-WebSocket-Accept and one of the \
        subprotocols offered; where it must refuse us, with status 401 or 403: another one is a warning, because a wrong \
        path is refused to everybody, too.",
    remedy: "Look at the ingress between: it has to pass Upgrade and Connection on, and to keep idle connections open.",
};

/// A message comes back.
pub(crate) const PROBE_ECHO: Check = Check {
    id: "probe.echo",
    title: "WebSocket message comes back",
    explanation: "After the handshake a message (or a ping) is sent, and the message that is expected (or the pong) must \
        come back in time. A gateway that upgrades and then passes nothing on looks healthy to everything else.",
    remedy: "Look at the service behind the gateway, and at the gateway's timeouts and buffering.",
};

/// Counters only rise.
pub(crate) const METRICS_COUNTERS: Check = Check {
    id: "metrics.counters",
    title: "Counters only rise",
    explanation: "Two scrapes are compared series by series: counters, and the buckets and counts of histograms and \
        summaries. One that falls while its process runs on makes every rate() over it wrong: it is taken for a \
        reset, and the whole value for an increase. Real resets are told apart by process_start_time_seconds and by \
        the created series.",
    remedy: "Expose it as a gauge if it may fall; otherwise look for two processes that answer in turn behind one address.",
};

/// A series rises.
pub(crate) const METRICS_RISING: Check = Check {
    id: "metrics.rising",
    title: "Series rises between two scrapes",
    explanation: "The sum of the series' samples must be larger in the second scrape: something is really happening, \
        and is really counted.",
    remedy: "If there was traffic, the code that counts it is not reached; otherwise make some, or look again after a longer time.",
};

/// A series is young enough.
pub(crate) const METRICS_FRESHNESS: Check = Check {
    id: "metrics.freshness",
    title: "Series is young enough",
    explanation: "The newest of the samples, by its timestamp or by the time that is its value, may not be older than \
        the configuration allows: a job that stopped goes on exposing its last success. Where a sample has both, the \
        older counts, for whoever passes samples on (/federate of Prometheus) stamps an old success with now.",
    remedy: "Look at why the job that writes it does not run any more.",
};

/// Timestamps that Prometheus can use.
pub(crate) const METRICS_TIMESTAMPS: Check = Check {
    id: "metrics.timestamps",
    title: "Timestamps are of now",
    explanation: "An exporter that writes timestamps itself must write those of now: Prometheus drops a sample that \
        lies more than ten minutes ahead, and no query sees one that is older than five minutes. One that is older \
        than an hour is dropped as soon as Prometheus holds samples of now (half of the two hours of its newest block), \
        unless out_of_order_time_window lets it in.",
    remedy: "Let the exporter leave the timestamps out, or correct its clock; what lies in the past goes into blocks \
        (promtool tsdb create-blocks-from openmetrics).",
};

/// Not too many series.
pub(crate) const METRICS_CARDINALITY: Check = Check {
    id: "metrics.cardinality",
    title: "Number of series keeps to its budget",
    explanation: "The series of the exposition, those under one name, and the different values of single labels are \
        counted. Each series costs Prometheus memory for hours, and a label with an identifier in it grows forever.",
    remedy: "Take the label with the many values away, or drop the series by metric_relabel_configs.",
};

/// A scrape is small and fast enough.
pub(crate) const METRICS_COST: Check = Check {
    id: "metrics.cost",
    title: "Scrape is small and fast enough",
    explanation: "The bytes (unpacked) and the duration of the scrape are held against their budget: a scrape that \
        takes longer than scrape_timeout is lost as a whole.",
    remedy: "Expose fewer series, or collect them before they are asked for.",
};

/// Prometheus is new enough.
pub(crate) const PROMETHEUS_VERSION: Check = Check {
    id: "prometheus.version",
    title: "Prometheus is new enough",
    explanation: "The version that the server says is compared with the oldest that will do.",
    remedy: "Upgrade Prometheus.",
};

/// Loaded rules are those of the manifest.
pub(crate) const PROMETHEUS_RULE_DRIFT: Check = Check {
    id: "prometheus.rule_drift",
    title: "Loaded rules are those of the manifest",
    explanation: "Groups, rules, expressions (by what they mean), for, labels and annotations of the rules that are \
        loaded are compared with the manifests. A rule that was changed by hand, or never deployed, is not the one \
        that was reviewed.",
    remedy: "Deploy the manifests and reload Prometheus, or bring the change back into them.",
};

/// Rules are evaluated.
pub(crate) const PROMETHEUS_RULE_FRESHNESS: Check = Check {
    id: "prometheus.rule_freshness",
    title: "Rules were evaluated lately",
    explanation: "Each group must have been evaluated within two of its intervals, by the server's own clock. A group \
        that takes longer than its interval skips evaluations, and its alerts come late.",
    remedy: "Look at prometheus_rule_group_last_duration_seconds and at the server's load; split large groups.",
};

/// Notifications get out.
pub(crate) const PROMETHEUS_NOTIFICATIONS: Check = Check {
    id: "prometheus.notifications",
    title: "Notifications get out",
    explanation: "The server's own counters are read twice: within that time no notification may fail or be dropped, and \
        no rule's evaluation may fail. What failed earlier does not count.",
    remedy: "Look at prometheus_notifications_errors_total by Alertmanager, and at Prometheus' log.",
};

/// Alertmanagers are discovered.
pub(crate) const PROMETHEUS_ALERTMANAGERS: Check = Check {
    id: "prometheus.alertmanagers",
    title: "Alertmanagers are discovered",
    explanation: "Prometheus sends its alerts to the Alertmanagers that it has discovered. With none of them every \
        alert ends on its page /alerts.",
    remedy: "Compare alerting.alertmanagers of the configuration with where the Alertmanagers are.",
};

/// The configuration is the one on disk.
pub(crate) const PROMETHEUS_CONFIG: Check = Check {
    id: "prometheus.config",
    title: "Configuration was reloaded",
    explanation: "After a reload that failed Prometheus goes on with the configuration before, and says so only in a \
        metric and in its log.",
    remedy: "Run promtool check config on the server's configuration, correct it and reload.",
};

/// Alertmanager is ready.
pub(crate) const ALERTMANAGER_READY: Check = Check {
    id: "alertmanager.ready",
    title: "Alertmanager is ready",
    explanation: "Alertmanager answers /-/ready with 200 once it serves its API and sends notifications.",
    remedy: "Look at Alertmanager's log.",
};

/// Alertmanager is new enough.
pub(crate) const ALERTMANAGER_VERSION: Check = Check {
    id: "alertmanager.version",
    title: "Alertmanager is new enough",
    explanation: "The version that the server says is compared with the oldest that will do.",
    remedy: "Upgrade Alertmanager.",
};

/// The cluster is whole.
pub(crate) const ALERTMANAGER_CLUSTER: Check = Check {
    id: "alertmanager.cluster",
    title: "Alertmanager cluster is whole",
    explanation: "The members of the cluster, as this one sees them. Members that do not see each other notify twice, \
        and a silence on one does not hold on the other.",
    remedy: "Look at --cluster.peer of each member, and at the network policies for its port (9094, TCP and UDP).",
};

/// Receivers are configured.
pub(crate) const ALERTMANAGER_RECEIVERS: Check = Check {
    id: "alertmanager.receivers",
    title: "Receivers are configured",
    explanation: "Each receiver that the configuration names must be known to the Alertmanager that runs.",
    remedy: "Deploy Alertmanager's configuration and reload it; look for alertmanager_config_last_reload_successful 0.",
};

/// Silences are as they should be.
pub(crate) const ALERTMANAGER_SILENCES: Check = Check {
    id: "alertmanager.silences",
    title: "Silences are as they should be",
    explanation: "Silences are held against the labels of alerts: one that must mute them is there, and none mutes what \
        must be heard, now or later; none lasts longer than allowed. A silence forgotten after a night of work mutes \
        the next incident.",
    remedy: "Expire the silence on Alertmanager's page, or add the one that is missing.",
};

/// Important alerts are not muted.
pub(crate) const ALERTMANAGER_MUTED: Check = Check {
    id: "alertmanager.muted",
    title: "Alerts that must be heard are not muted",
    explanation: "Of the alerts that Alertmanager holds at the moment none with these labels may be silenced, inhibited \
        or muted by a time interval. Without such an alert nothing can be said.",
    remedy: "Look at the alert on Alertmanager's page: it names what mutes it.",
};

/// The table.
pub(crate) const ALL: [&Check; 26] = [
    &PROBE_PHASE,
    &PROBE_NODES,
    &PROBE_CAPTURE,
    &PROBE_CORRELATION,
    &PROBE_TCP,
    &PROBE_BLOCKED,
    &PROBE_WEBSOCKET,
    &PROBE_ECHO,
    &METRICS_COUNTERS,
    &METRICS_RISING,
    &METRICS_FRESHNESS,
    &METRICS_TIMESTAMPS,
    &METRICS_CARDINALITY,
    &METRICS_COST,
    &PROMETHEUS_VERSION,
    &PROMETHEUS_RULE_DRIFT,
    &PROMETHEUS_RULE_FRESHNESS,
    &PROMETHEUS_NOTIFICATIONS,
    &PROMETHEUS_ALERTMANAGERS,
    &PROMETHEUS_CONFIG,
    &ALERTMANAGER_READY,
    &ALERTMANAGER_VERSION,
    &ALERTMANAGER_CLUSTER,
    &ALERTMANAGER_RECEIVERS,
    &ALERTMANAGER_SILENCES,
    &ALERTMANAGER_MUTED,
];
