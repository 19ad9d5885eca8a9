//! The checks of `rules`, in the order in which a rule passes them.

use evidence_report::record::Check;

/// `rules.readable`
pub(crate) const READABLE: Check = Check {
    id: "rules.readable",
    title: "Rule file can be read",
    explanation: "A file that Prometheus or its operator would refuse holds no alert at all. Keys that they do not \
        know are refused too: a mistyped `for` would otherwise be dropped silently.",
    remedy: "Correct the file at the line that is named; `promtool check rules FILE` says the same in other words.",
};

/// `rules.expression`
pub(crate) const EXPRESSION: Check = Check {
    id: "rules.expression",
    title: "Expression is PromQL",
    explanation: "Each expression is parsed, by promtool too where it is on PATH. What is refused by one of them, or taken \
        by some versions alone, the Prometheus that is named is asked about (it parses, and evaluates nothing), else \
        promtool judges; with neither, nothing is concluded of what our parser refuses. Who judged is said, with the line \
        and column in the file where YAML leaves the text as it is. What is experimental, or what promtool refuses and \
        Prometheus 3 takes, is warned of unless the server says whether it takes it.",
    remedy: "Correct the expression; promtool or Prometheus' page /graph points at the place.",
};

/// `rules.duplicate`
pub(crate) const DUPLICATE: Check = Check {
    id: "rules.duplicate",
    title: "No rule stands twice",
    explanation: "Two alerts of one name and the same labels overwrite each other's state, and notify twice or not \
        at all; two recording rules of one name and labels make duplicate samples, of which one is dropped.",
    remedy: "Remove one, or tell them apart by a label.",
};

/// `rules.labels`
pub(crate) const LABELS: Check = Check {
    id: "rules.labels",
    title: "Required labels",
    explanation: "Routes and inhibition go by labels: an alert without them goes to the default receiver.",
    remedy: "Add the label to the rule; rules.labels in the configuration says which are required.",
};

/// `rules.annotations`
pub(crate) const ANNOTATIONS: Check = Check {
    id: "rules.annotations",
    title: "Required annotations",
    explanation: "Whoever is woken reads the annotations: what it is, how bad, and where the runbook stands.",
    remedy: "Add the annotation to the rule; rules.annotations in the configuration says which are required.",
};

/// `rules.severity`
pub(crate) const SEVERITY: Check = Check {
    id: "rules.severity",
    title: "Severity is one of the model's",
    explanation: "A severity that the incident model does not know has no response time, and mostly no route: a \
        `severity: crit` goes to the default receiver.",
    remedy: "Use a severity of the model, or add the new one there first.",
};

/// `rules.timing`
pub(crate) const TIMING: Check = Check {
    id: "rules.timing",
    title: "`for`, ranges and intervals are sane",
    explanation: "A `for` longer than an hour is a ticket, not a page; a `for` shorter than the group's interval holds \
        one evaluation only; a range below four scrapes gives rates with gaps, which reset `for`.",
    remedy: "Choose `for` as a multiple of the interval, and ranges of at least four scrape intervals.",
};

/// `rules.template`
pub(crate) const TEMPLATE: Check = Check {
    id: "rules.template",
    title: "Templates say something",
    explanation: "A template that does not parse makes Prometheus refuse the file: promtool parses them all, where it is on \
        PATH; without it blocks, functions and variables are looked at. A label that the expression has \
        aggregated away, or that only the rule adds, is empty in `$labels`: the message names no instance.",
    remedy: "Keep the label in the aggregation's by (…), or take it out of the text.",
};

/// `rules.runbook`
pub(crate) const RUNBOOK: Check = Check {
    id: "rules.runbook",
    title: "Runbook exists",
    explanation: "At night the link is followed: the page must be there, and say what the policy asks of a runbook. \
        Links into the web are asked only with --check-links: HEAD first, one after the other.",
    remedy: "Write the page, or correct runbook_url; the sections that are required stand in rules.runbook_sections.",
};

/// `rules.burn_rate`
pub(crate) const BURN_RATE: Check = Check {
    id: "rules.burn_rate",
    title: "Burn-rate arithmetic",
    explanation: "factor = budget share × period / long window. A factor that fits no usual share pages too early or \
        too late; a long window without a short one goes on firing long after the fault has ended.",
    remedy: "Compute the factor anew, and give each long window a short one of about a twelfth; rules.slo names period and shares.",
};

/// `rules.burn_rate_traffic`
pub(crate) const BURN_TRAFFIC: Check = Check {
    id: "rules.burn_rate_traffic",
    title: "Burn-rate alert knows little traffic and none",
    explanation: "With three requests at night one error is a third. And when traffic stops, a ratio is 0/0 or has no \
        series: the alert on it stays silent through the worst outage of all.",
    remedy: "Add `and` a least rate of requests to the alert, and beside it an alert with absent() or on the probe.",
};

/// `rules.coverage`
pub(crate) const COVERAGE: Check = Check {
    id: "rules.coverage",
    title: "Each family has an alert",
    explanation: "The families of faults that the tracker asks for, mapped to alerts by name and labels in the \
        configuration. A family without a rule is an outage that nobody is told of.",
    remedy: "Write the missing alert, or correct the mapping in rules.families.",
};

/// `rules.unit_tests`
pub(crate) const UNIT_TESTS: Check = Check {
    id: "rules.unit_tests",
    title: "Unit tests pass",
    explanation: "`promtool test rules` runs the tests of the rules, as they are written for it.",
    remedy: "Run `promtool test rules FILE` by hand: it shows what was expected and what came.",
};

/// `rules.tested`
pub(crate) const TESTED: Check = Check {
    id: "rules.tested",
    title: "Alert is tested both ways",
    explanation: "An alert whose unit tests never see it fire may never fire; one that is never seen quiet may always.",
    remedy: "Add a case with exp_alerts and one with `exp_alerts: []` to the unit tests.",
};

/// `routes.readable`
pub(crate) const ROUTES_READABLE: Check = Check {
    id: "routes.readable",
    title: "Alertmanager's configuration can be read",
    explanation: "Routes, inhibit rules and time intervals are read strictly; of receivers only names and kinds. Of \
        the text a digest is kept, nothing else.",
    remedy: "Correct the file at the line that is named; `amtool check-config FILE` says the same in other words.",
};

/// `routes.expected`
pub(crate) const ROUTES_EXPECTED: Check = Check {
    id: "routes.expected",
    title: "Labels take the expected route",
    explanation: "Each label set of rules.routes is walked through the routing tree; the receivers that it reaches, in \
        their order, must be those that are named.",
    remedy: "Correct the routes, or the expectation; `amtool config routes test` walks one label set by hand.",
};

/// `routes.unreached`
pub(crate) const ROUTES_UNREACHED: Check = Check {
    id: "routes.unreached",
    title: "Receivers and inhibit rules are reached",
    explanation: "A receiver that no alert reaches is mostly a mistyped matcher; an inhibit rule whose source or target \
        is no alert never mutes anything.",
    remedy: "Compare the matchers with the labels of the rules, or remove what is left over.",
};

/// `join.servers`
pub(crate) const SERVERS: Check = Check {
    id: "join.servers",
    title: "Servers answer",
    explanation: "The join asks Prometheus for series and rules, and Alertmanager for routes, silences and alerts.",
    remedy: "Compare the address and the credentials with what the server's own page needs.",
};

/// `join.series`
pub(crate) const SERIES: Check = Check {
    id: "join.series",
    title: "Selectors have live series",
    explanation: "An alert on a series that does not exist never fires. Each selector of the expression is asked for now.",
    remedy: "Compare the selector with what the exporter exposes; where a series is only there during a fault, waive the finding.",
};

/// `join.loaded`
pub(crate) const LOADED: Check = Check {
    id: "join.loaded",
    title: "Rule is loaded and healthy",
    explanation: "A rule that stands in a file and not in Prometheus raises no alert; one that is loaded with another \
        expression or `for` raises it at another time; one whose evaluation fails, never.",
    remedy: "Compare rule_files with where the file lies, reload Prometheus, and read the rule's lastError.",
};

/// `join.sent`
pub(crate) const SENT: Check = Check {
    id: "join.sent",
    title: "Prometheus sends it to an Alertmanager",
    explanation: "Prometheus is asked to which Alertmanagers it sends, and its alert_relabel_configs are computed: an alert \
        that they drop, or of which nobody hears since there is no `alerting:`, fires on Prometheus' own page alone.",
    remedy: "Name the Alertmanager under `alerting:` in Prometheus' configuration; correct the alert_relabel_configs that \
        drop the alert.",
};

/// `join.route`
pub(crate) const ROUTE: Check = Check {
    id: "join.route",
    title: "Labels take a route to a receiver that tells somebody",
    explanation: "The alert's labels, with those of its live series and Prometheus' external ones, are walked through \
        Alertmanager's routes. A receiver without integrations swallows what reaches it. What a template, label_replace or \
        group_left writes is known when the alert fires only: where a route asks for it, nothing is concluded.",
    remedy: "Correct the route's matchers or the rule's labels; give the receiver an integration.",
};

/// `join.muted`
pub(crate) const MUTED: Check = Check {
    id: "join.muted",
    title: "Not silenced, muted or inhibited",
    explanation: "A silence, a time interval of the route, or an alert that fires now and inhibits: whatever it is, \
        this alert would reach nobody now.",
    remedy: "Let the silence expire, or mend the alert that inhibits; if it is meant so, waive the finding.",
};

/// `join.alert`
pub(crate) const ALERT: Check = Check {
    id: "join.alert",
    title: "Alert would reach somebody",
    explanation: "Series, rule, route, receiver, silences and runbook, followed for this one alert. Whether the fault \
        really makes it fire is what the drill proves.",
    remedy: "Drill the alert: `observability-smoke drill --embedded --rules FILE --alert NAME`.",
};

/// This part of the table of checks.
pub(crate) const ALL: &[&Check] = &[
    &READABLE,
    &EXPRESSION,
    &DUPLICATE,
    &LABELS,
    &ANNOTATIONS,
    &SEVERITY,
    &TIMING,
    &TEMPLATE,
    &RUNBOOK,
    &BURN_RATE,
    &BURN_TRAFFIC,
    &COVERAGE,
    &UNIT_TESTS,
    &TESTED,
    &ROUTES_READABLE,
    &ROUTES_EXPECTED,
    &ROUTES_UNREACHED,
    &SERVERS,
    &SERIES,
    &LOADED,
    &SENT,
    &ROUTE,
    &MUTED,
    &ALERT,
];
