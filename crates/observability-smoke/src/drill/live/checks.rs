//! The checks of a drill in a real Prometheus.

use evidence_report::record::Check;

/// `drill.prometheus`
pub(crate) const PROMETHEUS: Check = Check {
    id: "drill.prometheus",
    title: "Prometheus answers throughout",
    explanation: "The Prometheus that is drilled must answer from the beginning to the end. One that is restarted takes \
        up pending alerts where they stood; one that is gone tells nobody anything.",
    remedy: "Look at its log and at who ended it; then drill again.",
};

/// `drill.scrape_job`
pub(crate) const SCRAPE_JOB: Check = Check {
    id: "drill.scrape_job",
    title: "Prometheus scrapes the drill's series as they are exposed",
    explanation: "A scrape job of the user's, made for drills, scrapes the series that the tool exposes. It must be there, \
        have one target, and keep the labels of the series as they are: honor_labels, and no relabelling that changes them.",
    remedy: "Let the job ops-smoke-drill in the scrape_configs of Prometheus be as docs/alert-drills.md shows, with one \
        target, or none where --targets-file is given; and reload it.",
};

/// `drill.rule_loaded`
pub(crate) const RULE_LOADED: Check = Check {
    id: "drill.rule_loaded",
    title: "Loaded rule is the one in the file",
    explanation: "In a real Prometheus the rule that it has loaded is drilled. It must be there, healthy, and the same as in \
        the file: expression, `for`, labels, annotations, and the recording rules under it.",
    remedy: "Deploy the rule file and reload Prometheus, or drill the file that is deployed.",
};

/// `drill.mixing`
pub(crate) const MIXING: Check = Check {
    id: "drill.mixing",
    title: "Drill's series mix with no others",
    explanation: "Series of a drill in a real Prometheus are seen by every rule whose selectors take them, and by what is \
        recorded of them. A rule that sums them together with real series, or whose absent() finds them, would be wrong \
        while the drill lasts. Before anything is exposed, every loaded rule is gone through: it must keep the drill's \
        series apart by a label, or select nothing else, or be allowed by name.",
    remedy: "Keep drills apart in the rule: `sum by (drill, …)` where it shall see them, {drill=\"\"} in the selector where it \
        shall not; or allow it by name with --allow-rule GROUP/NAME.",
};

/// `drill.duration`
pub(crate) const DURATION: Check = Check {
    id: "drill.duration",
    title: "Drill ends within its timeout",
    explanation: "A real Prometheus takes the time that its intervals and the rule's `for` take; nothing can be scaled. The \
        longest that the drill can take is computed from the live configuration before it begins.",
    remedy: "Give it the time with --timeout, end at the notification with --until received, or drill an accelerated copy on \
        the embedded stack.",
};

/// `drill.ended`
pub(crate) const ENDED: Check = Check {
    id: "drill.ended",
    title: "Alert of the drill has ended",
    explanation: "When the drill's series are gone, Prometheus must have no alert of the drill any more.",
    remedy: "Wait until the time that is told; then `observability-smoke sweep` looks again.",
};

/// What every drill in a real Prometheus is asked.
pub(crate) const OF_LIVE: [&Check; 5] =
    [&PROMETHEUS, &SCRAPE_JOB, &RULE_LOADED, &MIXING, &super::super::checks::FENCE];

/// This part of the table.
pub(crate) const ALL: &[&Check] = &[&PROMETHEUS, &SCRAPE_JOB, &RULE_LOADED, &MIXING, &DURATION, &ENDED];
