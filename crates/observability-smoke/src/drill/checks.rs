//! The checks of the drill, in the order in which an alert passes them.

use evidence_report::record::Check;

/// `drill.stack`
pub(crate) const STACK: Check = Check {
    id: "drill.stack",
    title: "Embedded stack runs",
    explanation: "The drill starts the installed Prometheus and Alertmanager on loopback, with a configuration of \
        its own. When they are missing, or end before the drill does, nothing can be said of the alert.",
    remedy: "Install both: apt-get install -y --no-install-recommends prometheus prometheus-alertmanager; or name \
        them with --prometheus FILE and --alertmanager FILE.",
};

/// `drill.level`
pub(crate) const LEVEL: Check = Check {
    id: "drill.level",
    title: "Level of proof",
    explanation: "What the drill does not reach is said in so many words: with fixture series, your exporter, your \
        scrape configuration, your routes and your receivers take no part.",
    remedy: "Probe the exporter and its series with `observability-smoke run`, and test the routes of your Alertmanager.",
};

/// `drill.as_written`
pub(crate) const AS_WRITTEN: Check = Check {
    id: "drill.as_written",
    title: "Rule runs as written",
    explanation: "The drill runs your own rule: expression, `for`, labels and annotations as they stand. With \
        --time-scale it runs an accelerated copy: every range, offset and `for` is divided, growth is multiplied; \
        that proves the logic of the rule and the delivery, not the time that the rule as written takes.",
    remedy: "Drill the rule once without --time-scale, with a --timeout that lasts.",
};

/// `alert.series`
pub(crate) const SERIES: Check = Check {
    id: "alert.series",
    title: "Series for the alert",
    explanation: "A fault is made of series that make the rule's condition true. They come from the configuration \
        file, from a unit test of promtool, or, for simple expressions, are derived from the expression.",
    remedy: "Give the series: --unit-tests FILE with a promtool unit test in which the alert fires, or in the \
        --config file drill.alerts: [{alert: NAME, series: [{series: 'metric{label=\"value\"}', healthy: 0, faulty: 5/s}]}].",
};

/// `alert.loaded`
pub(crate) const LOADED: Check = Check {
    id: "alert.loaded",
    title: "Rule loads and evaluates",
    explanation: "A rule that Prometheus refuses, or whose evaluation ends in an error, never fires.",
    remedy: "Correct the rule; `promtool check rules FILE` says where.",
};

/// `alert.quiet`
pub(crate) const QUIET: Check = Check {
    id: "alert.quiet",
    title: "Quiet before the fault",
    explanation: "With healthy series scraped and the rule evaluated, the alert must be inactive: one that fires \
        without a fault proves nothing, and teaches people to look away.",
    remedy: "Look at the threshold and its direction; when the healthy series given are at fault, correct them.",
};

/// `alert.pending`
pub(crate) const PENDING: Check = Check {
    id: "alert.pending",
    title: "Fault makes the condition true",
    explanation: "After the fault was scraped, the rule's expression must return something. A typo in a label or \
        a metric's name, or a threshold that is never reached, ends here, silently, in production.",
    remedy: "Compare the selectors and the threshold of the expression with the series that the exporter really has.",
};

/// `alert.firing`
pub(crate) const FIRING: Check = Check {
    id: "alert.firing",
    title: "Alert fires",
    explanation: "The condition must hold without a gap for as long as `for` asks; a condition that flaps stays \
        pending for ever.",
    remedy: "Smooth the expression (a longer range, max_over_time), shorten `for`, or use keep_firing_for.",
};

/// `alert.notified`
pub(crate) const NOTIFIED: Check = Check {
    id: "alert.notified",
    title: "Notification received",
    explanation: "The firing alert must arrive at a receiver: Prometheus sends it to Alertmanager, which routes, \
        groups and delivers it. Only what was received is proof.",
    remedy: "Look at the log of Alertmanager in the evidence, and at what it says of the alert.",
};

/// `alert.once`
pub(crate) const ONCE: Check = Check {
    id: "alert.once",
    title: "The same is notified once",
    explanation: "Prometheus sends an alert to every Alertmanager of a cluster, and they agree by gossip which of them \
        notifies. Members that do not know of each other notify each on its own: people are woken as often as there are \
        members, and a silence holds on one of them only.",
    remedy: "Look at the cluster's status of each member (/api/v2/status), at --cluster.peer, and at whether the gossip port \
        (9094, TCP and UDP) is open between them.",
};

/// `alert.content`
pub(crate) const CONTENT: Check = Check {
    id: "alert.content",
    title: "Notification says what the rule says",
    explanation: "The person who is woken reads labels and annotations: alertname, severity, summary, runbook. All \
        that the rule states must arrive, and no template may have failed.",
    remedy: "Correct the labels or the template that is named in the rule.",
};

/// `alert.resolved`
pub(crate) const RESOLVED: Check = Check {
    id: "alert.resolved",
    title: "Resolved notification received",
    explanation: "After the fault is cleared, the alert must end, and the receiver must hear of it; otherwise \
        incidents stay open, and the next fault is not noticed.",
    remedy: "Look at the expression: does it become false again? Long ranges and keep_firing_for delay it.",
};

/// `alert.time_to_notify`
pub(crate) const TIME_TO_NOTIFY: Check = Check {
    id: "alert.time_to_notify",
    title: "Time to notify",
    explanation: "From the fault to the notification received, measured on one clock, against the objective.",
    remedy: "Shorten `for`, the evaluation interval or the scrape interval; the timeline shows which stage takes the time.",
};

/// `alert.predicted_delay`
pub(crate) const PREDICTED_DELAY: Check = Check {
    id: "alert.predicted_delay",
    title: "Worst case by the intervals",
    explanation: "One trial meets the intervals at one phase. The worst case is scrape interval + time until the \
        condition is true + evaluation interval + `for` (rounded up to an evaluation) + group_wait + send: it should \
        keep the objective too.",
    remedy: "Shorten `for` or the intervals, or set an objective that they can keep.",
};

/// `alert.fault_ended`
pub(crate) const FAULT_ENDED: Check = Check {
    id: "alert.fault_ended",
    title: "Real fault is ended again",
    explanation: "A fault that a command of yours causes is ended by another one, whatever happens to the drill. When \
        that one fails, the fault may still be there, and people may suffer from it.",
    remedy: "End the fault by hand, now; then correct fault.stop in the configuration.",
};

/// `drill.fence`
pub(crate) const FENCE: Check = Check {
    id: "drill.fence",
    title: "Drill alerts reach only allowed receivers",
    explanation: "Before anything is posted to a real Alertmanager, the route of every drill alert is computed from its \
        live configuration. Unless every receiver that is reached was allowed by name, and no inhibit rule lets a drill \
        alert mute one that is no drill, nothing is posted.",
    remedy: "Give the drill a route of its own: first in the tree, matchers ['drill=~\".+\"'], with a receiver for \
        drills, named by --allow-receiver; and add drill to `equal` of the inhibit rules.",
};

/// `drill.alertmanager`
pub(crate) const PEER: Check = Check {
    id: "drill.alertmanager",
    title: "Alertmanager answers throughout",
    explanation: "The Alertmanager that is drilled must answer from the beginning to the end. One that is restarted \
        forgets what was posted, until it is posted again.",
    remedy: "Look at its log and at who ended it; then drill again.",
};

/// `drill.real_route`
pub(crate) const REAL_ROUTE: Check = Check {
    id: "drill.real_route",
    title: "Without the drill's label the alert is told somebody",
    explanation: "The label that marks a drill changes its route. So the route that the alert takes in reality is \
        computed from the live configuration: it must lead to a receiver that tells somebody, and not be silent now.",
    remedy: "Give the receiver an integration, or correct the route or its time intervals.",
};

/// `drill.left_out`
pub(crate) const LEFT_OUT: Check = Check {
    id: "drill.left_out",
    title: "Every alert is drilled",
    explanation: "The configuration can leave an alert out of --all, with a reason. It is then not proven, and that \
        is said.",
    remedy: "Remove `skip` from the alert in the configuration when the reason is gone.",
};

/// The drill's part of the table of checks.
pub(crate) const ALL: &[&Check] = &[
    &STACK,
    &LEVEL,
    &AS_WRITTEN,
    &SERIES,
    &LOADED,
    &QUIET,
    &PENDING,
    &FIRING,
    &NOTIFIED,
    &ONCE,
    &CONTENT,
    &RESOLVED,
    &TIME_TO_NOTIFY,
    &PREDICTED_DELAY,
    &FAULT_ENDED,
    &LEFT_OUT,
    &FENCE,
    &PEER,
    &REAL_ROUTE,
    &super::replay::checks::REPLAYED,
    &super::replay::checks::AGREES,
];
