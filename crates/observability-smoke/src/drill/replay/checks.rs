//! The checks of a replay.

use evidence_report::record::Check;

/// `drill.replayed`
pub(crate) const REPLAYED: Check = Check {
    id: "drill.replayed",
    title: "Rule is replayed over its whole length",
    explanation: "A `for` of hours and a burn window of days are not shortened and not accelerated: the alert's series are \
        written for as long as the rule looks back and holds, promtool makes blocks of them, and a real Prometheus is asked \
        what the rule's expression returns at every evaluation. When the alert is pending, fires and ends follows from that \
        by the states of Prometheus' rule engine.",
    remedy: "Install Prometheus, which brings promtool: apt-get install -y --no-install-recommends prometheus; when a replay is \
        too long, give coarser intervals with --scrape-interval and --evaluation-interval.",
};

/// `drill.replay_agrees`
pub(crate) const AGREES: Check = Check {
    id: "drill.replay_agrees",
    title: "Prometheus' own rule engine agrees with the replay",
    explanation: "`promtool test rules` runs the rule as it is written, with the states of Prometheus' own rule engine, on the \
        very same series: it must see the alert fire at the same evaluation as the replay, not one earlier, and end at the \
        same. When the two differ, neither is believed.",
    remedy: "Read what promtool says; drill the alert with --embedded, and report the difference.",
};

/// What every replay is asked beyond a drill on the embedded stack.
pub(crate) const OF_REPLAY: [&Check; 2] = [&REPLAYED, &AGREES];
