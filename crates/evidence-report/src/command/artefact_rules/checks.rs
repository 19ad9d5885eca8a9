//! Every check of the artefact rules.

use crate::record::Check;

pub(in crate::command) static READABLE: Check = Check {
    id: "artefact.readable",
    title: "Artefact can be read",
    explanation: "A rule of the policy reads this file. It is there, is UTF-8 text of the form that its name \
        says (YAML, JSON, TOML, .env, markdown), within the repository, not nested beyond 64 levels, no key \
        twice, and holds the table or list that the rule needs. A file beyond 16 MiB is not read, and the \
        check is inconclusive.",
    remedy: "Write the file in the form that the rule reads (docs/tracker-rules.md), or correct the path in the \
        policy.",
};

pub(in crate::command) static FIELDS: Check = Check {
    id: "artefact.fields",
    title: "Every field filled in",
    explanation: "A record (a row of a table, an entry of a list) says something in each field that its rule \
        needs. A dash, `TBD`, `TODO`, `?` and the like say nothing; days and moments are written so that there \
        is one reading, moments with their time zone.",
    remedy: "Fill in the field.",
};

pub(in crate::command) static RUNBOOK_INDEX: Check = Check {
    id: "runbook.indexed",
    title: "Runbook index and folder agree",
    explanation: "Every runbook of the folder is linked from the index, once, and every link of the index into \
        the folder leads to a runbook. Nobody finds a runbook at night that the index does not name.",
    remedy: "Add the runbook to the index, or take the dead line out.",
};

pub(in crate::command) static RUNBOOK_HEADINGS: Check = Check {
    id: "runbook.headings",
    title: "Runbook has its sections",
    explanation: "Every runbook has the headings that the policy asks for, with text below each.",
    remedy: "Write the section.",
};

pub(in crate::command) static RUNBOOK_REVIEW: Check = Check {
    id: "runbook.review",
    title: "Runbook owned and reviewed",
    explanation: "Every runbook says `Owner: …` and `Reviewed: DAY`, and the review is not older than the \
        policy's cadence. It warns in the last tenth of the cadence.",
    remedy: "Walk through the runbook with its owner, mend it, and write the day of the review into it.",
};

pub(in crate::command) static ROSTER: Check = Check {
    id: "oncall.roster",
    title: "Primary and secondary on call",
    explanation: "Every rotation of the on-call roster has a primary and a secondary, and they are not the \
        same: who is asleep cannot back up himself.",
    remedy: "Name a primary and a different secondary.",
};

pub(in crate::command) static ESCALATION: Check = Check {
    id: "oncall.escalation",
    title: "Escalation order complete",
    explanation: "The escalation begins at 0 with the primary, goes on to the secondary and from there to \
        somebody else, and each step comes later than the one before.",
    remedy: "Complete the order: primary at 0 minutes, secondary, then somebody who decides.",
};

pub(in crate::command) static DRILL_EXECUTED: Check = Check {
    id: "drill.executed",
    title: "Drills executed",
    explanation: "The drill calendar has an executed drill of every kind, not older than the policy allows, \
        with its outcome; and no planned day has passed without its drill.",
    remedy: "Hold the drill and note day and outcome, or plan it anew with the reason.",
};

pub(in crate::command) static DRILL_PLANNED: Check = Check {
    id: "drill.planned",
    title: "Next drill planned",
    explanation: "The drill calendar has a day ahead for every kind of drill.",
    remedy: "Plan the next drill of this kind.",
};

pub(in crate::command) static ROTATION: Check = Check {
    id: "secrets.rotation",
    title: "Secret rotated in time",
    explanation: "The rotation log has an entry for every class of secret, and the last one plus the class's \
        cadence is not over. It warns before that.",
    remedy: "Rotate the secret by its procedure, and note it in the log.",
};

pub(in crate::command) static BREAK_GLASS: Check = Check {
    id: "secrets.break_glass",
    title: "Break-glass access closed",
    explanation: "Every opening of emergency access is closed within the time that the policy allows, and then \
        reviewed by somebody else than who opened it.",
    remedy: "Close the access, and have the session reviewed.",
};

pub(in crate::command) static NETWORK_POLICY: Check = Check {
    id: "network.policy",
    title: "Network policies are what Kubernetes reads",
    explanation: "Each document of the manifest is a NetworkPolicy (networking.k8s.io/v1) that a cluster would \
        take, and that does what it looks like: no unknown key (without validation the cluster drops it, and a \
        selector without its labels matches everything), no peer that is empty, no rules in a direction that \
        policyTypes leaves out. A kind of policy that is not read here (AdminNetworkPolicy, a plugin's own) makes \
        it inconclusive, for it decides, too.",
    remedy: "Correct the policy; `kubectl apply --dry-run=server` must agree.",
};

pub(in crate::command) static NETWORK_DENY: Check = Check {
    id: "network.default_deny",
    title: "Default deny",
    explanation: "Each namespace has, for ingress and for egress, a policy that selects all its pods and allows \
        nothing in that direction. Where it is missing, a pod that no other policy selects is open.",
    remedy: "Add a policy with `podSelector: {}`, this direction in policyTypes, and no rules.",
};

pub(in crate::command) static NETWORK_OPEN: Check = Check {
    id: "network.allow_all",
    title: "No rule that allows everything",
    explanation: "Policies are added up: one rule `{}` (no peers, no ports) undoes every default deny for the \
        pods that it selects. The same is said of every pod of every namespace, and of 0.0.0.0/0 or ::/0, on all ports.",
    remedy: "Name the peers and ports of the flow that is needed.",
};

pub(in crate::command) static NETWORK_DNS: Check = Check {
    id: "network.dns",
    title: "DNS can be asked",
    explanation: "Under a default deny every workload needs egress to the cluster's DNS on port 53, UDP and TCP: \
        without TCP large answers fail, days later.",
    remedy: "Add a policy that allows egress to the DNS pods on 53/UDP and 53/TCP.",
};

pub(in crate::command) static NETWORK_SELECTOR: Check = Check {
    id: "network.selector",
    title: "Selectors match something",
    explanation: "Each podSelector and each peer matches at least one declared workload, each value of an `In` \
        occurs, and each named port is a port of a workload that it is about. A selector that matches nothing \
        is a slip of the pen, and protects or allows nothing.",
    remedy: "Correct the labels, or declare the workload.",
};

pub(in crate::command) static NETWORK_UNDECLARED: Check = Check {
    id: "network.flow_undeclared",
    title: "No flow beyond the declared ones",
    explanation: "What the policies together allow (egress of one end and ingress of the other, by the rules of \
        Kubernetes) is declared as a flow. It warns where it depends on the network plugin, because an ipBlock \
        touches the pods' own networks.",
    remedy: "Close the flow in the policies, or declare it with its reason.",
};

pub(in crate::command) static NETWORK_BLOCKED: Check = Check {
    id: "network.flow_blocked",
    title: "Declared flows get through",
    explanation: "Each declared flow is allowed by the policies on both ends.",
    remedy: "Allow the flow on the end that is named, or take it out of the declaration.",
};

pub(in crate::command) static CONFIG_DIFFERENCE: Check = Check {
    id: "config.difference",
    title: "Environments differ only where they may",
    explanation: "A key whose value differs between environments, or that is missing in one, is on the \
        allow-list. An entry of the allow-list under which nothing differs any more is told.",
    remedy: "Make the environments alike, or put the key on the allow-list with its reason.",
};

pub(in crate::command) static CONFIG_APPROVAL: Check = Check {
    id: "config.approval",
    title: "Risky difference approved",
    explanation: "A difference under a risky key has an approval record: the key, who approved, when.",
    remedy: "Have somebody outside of the team approve it, and write the record.",
};

pub(in crate::command) static CONFIG_SECRET: Check = Check {
    id: "config.secret",
    title: "No secret in configuration",
    explanation: "A key that is named like a secret holds a reference (`${…}`, a path, a secret manager's \
        address), not the secret. The value is not shown.",
    remedy: "Put the secret into the secret manager, rotate it, and leave a reference.",
};

pub(in crate::command) static LOAD: Check = Check {
    id: "load.measured",
    title: "Load measured against limits",
    explanation: "The load test's result holds a number for every measure of the policy, for API, websocket and \
        queue, and each lies within its limit.",
    remedy: "Run the load test for this part; or raise the limit's owner a question, not the limit.",
};

pub(in crate::command) static SCAN: Check = Check {
    id: "scan.findings",
    title: "No critical or high finding unwaived",
    explanation: "Every kind of scan that the policy asks for has a SARIF report whose scan succeeded, not older \
        than allowed, without a result of security-severity 7.0 or more (level error where there is none) that \
        is neither suppressed in the report nor waived in the policy for now.",
    remedy: "Mend the finding, or waive it with approver, reason and end.",
};

pub(in crate::command) static AUDIT_EXPORT: Check = Check {
    id: "audit.export",
    title: "Audit export complete",
    explanation: "As many rows were exported as were counted in the store, for every period; the periods follow \
        each other without a gap, and the last one is recent.",
    remedy: "Export the period again, and find out where rows were lost.",
};

pub(in crate::command) static AUDIT_TRACE: Check = Check {
    id: "audit.trace",
    title: "Incident traced by correlation id",
    explanation: "The sample investigation follows one correlation id through every system that the policy \
        names, in order of time.",
    remedy: "Trace a real request through all systems; a system that drops the id has to be mended.",
};

pub(in crate::command) static COST: Check = Check {
    id: "cost.guardrails",
    title: "Cost watched and escalated",
    explanation: "Compute, storage and egress have each a linked dashboard, a threshold that warns and a higher \
        one that pages; the budget has an escalation whose steps rise.",
    remedy: "Complete the table.",
};

pub(in crate::command) static ROLLBACK: Check = Check {
    id: "rollback.drill",
    title: "Rollback drilled",
    explanation: "The rollback went from one revision to another, within its objective, and the contract's \
        digest is the same before and after.",
    remedy: "Drill the rollback again in staging; a changed contract means that clients break.",
};
