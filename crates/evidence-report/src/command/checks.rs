//! Every check of the `evidence-report` command.

use super::{
    artefact_rules::checks as rules, capture::checks as capture, drill::checks as drill,
    import::checks as import,
};
use crate::{
    record::{Check, Tool},
    run::WAIVER,
};

/// The command.
pub(super) static TOOL: Tool = Tool {
    name: "evidence-report",
    version: env!("CARGO_PKG_VERSION"),
    checks: &[
        &CONSISTENT,
        &VERDICT,
        &FRESH,
        &STATUS,
        &OWNER,
        &TARGET,
        &LINKS,
        &PRESENT,
        &TRACKED,
        &MAKE_TARGET,
        &PENDING,
        &TARGET_DATE,
        &EVIDENCE_REQUIRED,
        &PAGE_SECTIONS,
        &SCOPE_COVERED,
        &EXECUTABLE,
        &PARSES,
        &LINK_TARGET,
        &REMNANT,
        &FIXED,
        &GATE_RULE,
        &GATE_ITEM,
        &MERGE_COMPLETE,
        &SIGNED,
        &HISTORY_CHAIN,
        &HISTORY_NEWEST,
        &ACCEPT_BOUND,
        &ACCEPT_TOOL,
        &ACCEPT_NEWER,
        &ACCEPT_PLACED,
        &capture::DURATION,
        &capture::ARTEFACT,
        &import::RESULT,
        &import::COMPLETE,
        &import::RECENT,
        &drill::OUTCOME,
        &drill::LOG,
        &drill::CLOCK,
        &drill::LEAD,
        &drill::RECOVERY,
        &drill::FOLLOW_UPS,
        &drill::REVISIONS,
        &drill::CONTRACT,
        &rules::READABLE,
        &rules::FIELDS,
        &rules::RUNBOOK_INDEX,
        &rules::RUNBOOK_HEADINGS,
        &rules::RUNBOOK_REVIEW,
        &rules::ROSTER,
        &rules::ESCALATION,
        &rules::DRILL_EXECUTED,
        &rules::DRILL_PLANNED,
        &rules::ROTATION,
        &rules::BREAK_GLASS,
        &rules::NETWORK_POLICY,
        &rules::NETWORK_DENY,
        &rules::NETWORK_OPEN,
        &rules::NETWORK_DNS,
        &rules::NETWORK_SELECTOR,
        &rules::NETWORK_UNDECLARED,
        &rules::NETWORK_BLOCKED,
        &rules::CONFIG_DIFFERENCE,
        &rules::CONFIG_APPROVAL,
        &rules::CONFIG_SECRET,
        &rules::LOAD,
        &rules::SCAN,
        &rules::AUDIT_EXPORT,
        &rules::AUDIT_TRACE,
        &rules::COST,
        &rules::ROLLBACK,
        &WAIVER,
    ],
};

pub(super) static MERGE_COMPLETE: Check = Check {
    id: "merge.complete",
    title: "Every shard is there",
    explanation: "`merge` makes one record of the records of all shards of one run. Each shard is there exactly \
        once; what a missing one would have seen is not known. Parts that were altered, that are of another run, \
        or that are there twice are refused.",
    remedy: "Run the missing shard again, and merge its record with the others.",
};

pub(super) static CONSISTENT: Check = Check {
    id: "evidence.consistent",
    title: "Evidence as recorded",
    explanation: "The visible part of an evidence file is rendered again from the sealed record inside it, \
        and compared line by line. Only signed evidence would also tell who made it: this check tells that \
        the file is consistent.",
    remedy: "Restore the file from version control, or run its tool again; words of your own go under Notes.",
};

pub(super) static VERDICT: Check = Check {
    id: "evidence.verdict",
    title: "Evidence that passes",
    explanation: "A tracker's evidence file must come from a run that passed. Inconclusive is no pass: what \
        was not checked may be wrong.",
    remedy: "Read the evidence file's section 'What to do', mend it, and run its tool again.",
};

pub(super) static FRESH: Check = Check {
    id: "evidence.fresh",
    title: "Evidence still valid",
    explanation: "Every record says until when it may be relied upon. Past that it fails; shortly before it \
        warns.",
    remedy: "Run its tool again.",
};

pub(super) static STATUS: Check = Check {
    id: "tracker.status",
    title: "Item has a status",
    explanation: "The status of an item is one of open, in_progress, done.",
    remedy: "Write `- Status: `…`` with one of open, in_progress, done.",
};

pub(super) static OWNER: Check = Check {
    id: "tracker.owner",
    title: "Item has an owner",
    explanation: "Somebody answers for every item.",
    remedy: "Write `- Owner: `…`` with the team or role that answers for the item.",
};

pub(super) static TARGET: Check = Check {
    id: "tracker.target",
    title: "Item has a target",
    explanation: "Every item names the milestone before which it is to be done.",
    remedy: "Write `- Target: `…`` with the milestone.",
};

pub(super) static LINKS: Check = Check {
    id: "tracker.evidence_links",
    title: "Item names evidence",
    explanation: "An item that names no evidence cannot be verified by anybody. Paths are read from code \
        spans and links, never guessed from prose.",
    remedy: "Name the evidence under the item's Evidence, each path in backticks.",
};

pub(super) static PRESENT: Check = Check {
    id: "tracker.artefact",
    title: "Named file exists",
    explanation: "Every path that an item names as evidence exists and is not empty; a glob matches at least \
        one file.",
    remedy: "Write the file, or correct the path in the tracker.",
};

pub(super) static TRACKED: Check = Check {
    id: "tracker.artefact_in_git",
    title: "Named file is in git",
    explanation: "Evidence that git does not track exists on one machine only.",
    remedy: "Add the file to the repository.",
};

pub(super) static MAKE_TARGET: Check = Check {
    id: "tracker.make_target",
    title: "Named make target exists",
    explanation: "A `make …` command that the tracker names is a target of the Makefile at the root.",
    remedy: "Add the target to the Makefile, or correct the tracker.",
};

pub(super) static PENDING: Check = Check {
    id: "tracker.pending",
    title: "Done without Pending",
    explanation: "An item that is done and still says Pending contradicts itself.",
    remedy: "Show what is pending and take the line out, or set the status back to in_progress.",
};

pub(super) static TARGET_DATE: Check = Check {
    id: "tracker.target_date",
    title: "Target has a date, and it has not gone by",
    explanation: "The policy gives every milestone a date. A target that is no milestone has none; an item that is \
        not done when its date has gone by is overdue.",
    remedy: "Finish the item, or have its owner agree on a later milestone.",
};

pub(super) static EVIDENCE_REQUIRED: Check = Check {
    id: "evidence.required",
    title: "Required evidence",
    explanation: "The policy says which evidence an item needs: made by a tool, verified, passed, with which checks, \
        at least in which environment (shown by what the run saw, not by what it claims), from a commit that leads to \
        the current one. As long as the item is not done a shortfall warns; of an item that is done it fails.",
    remedy: "Run the tool that makes this evidence, where the policy asks for it.",
};

pub(super) static PAGE_SECTIONS: Check = Check {
    id: "evidence.sections",
    title: "Page has its sections",
    explanation: "A page by hand has the sections that the policy asks for, each with something in it.",
    remedy: "Write the section.",
};

pub(super) static SCOPE_COVERED: Check = Check {
    id: "tracker.scope",
    title: "Scope is covered by evidence",
    explanation: "Where the policy maps the bullets of an item's scope to evidence, every bullet is covered, and by \
        files that the item or the policy names as evidence.",
    remedy: "Name the evidence that shows the bullet in the policy, or take the bullet out of the scope.",
};

pub(super) static EXECUTABLE: Check = Check {
    id: "artefact.executable",
    title: "Script may be executed",
    explanation: "What an item names as a script (it begins with `#!`, or its name ends in `.sh` or `.bash`) can be \
        started by the person who needs it.",
    remedy: "Make it executable: chmod +x FILE; evidence-report check --fix does it.",
};

pub(super) static PARSES: Check = Check {
    id: "artefact.parses",
    title: "File is what its name says",
    explanation: "A YAML, JSON or TOML file that an item names can be read as such, with every document in it. What \
        does not parse was not used by anybody lately.",
    remedy: "Mend the file in the line that is named.",
};

pub(super) static LINK_TARGET: Check = Check {
    id: "page.links",
    title: "Links lead somewhere",
    explanation: "Links of the tracker and of the pages by hand that it names lead to a file of the repository, and to \
        a heading or id of it; headings become anchors as on GitHub. Links to the outside are never followed. In a \
        page of an item that is done a broken link fails, elsewhere it warns.",
    remedy: "Correct the link, or write what it should lead to.",
};

pub(super) static REMNANT: Check = Check {
    id: "page.remnants",
    title: "Nothing of the template is left",
    explanation: "A page by hand holds no TODO, TBD, FIXME, YYYY-MM-DD, `<placeholder>` and no empty table outside of \
        code. In a page of an item that is done it fails, elsewhere it warns.",
    remedy: "Write what belongs there, or take it out.",
};

pub(super) static FIXED: Check = Check {
    id: "tracker.fixed",
    title: "Mended by --fix",
    explanation: "What `check --fix` did: scripts made executable, status words written as they have to be. It \
        changes files of the work tree only, and commits nothing.",
    remedy: "Look at the change, and commit it.",
};

pub(super) static GATE_RULE: Check = Check {
    id: "gate.rule",
    title: "Gate rule understood",
    explanation: "A rule of the section Launch Gating names items, the status that they need, and what they \
        need besides. A rule that is not understood leaves the gate undecidable.",
    remedy: "Write the rule as: items 1-5 to be `done`; or: items 6-10 at least `in_progress` with owners, \
        timeline, and evidence links.",
};

pub(super) static GATE_ITEM: Check = Check {
    id: "gate.item",
    title: "Item meets the gate",
    explanation: "Every item that a gate rule names has the status and everything else that the rule asks \
        for; a done item's evidence verifies, passes and is still valid.",
    remedy: "Bring the item to what the rule asks for.",
};

/// What `accept` owes.
pub(super) static OF_ACCEPT: [&Check; 5] =
    [&CONSISTENT, &ACCEPT_BOUND, &ACCEPT_TOOL, &ACCEPT_NEWER, &ACCEPT_PLACED];

pub(super) static SIGNED: Check = Check {
    id: "evidence.signed",
    title: "Evidence signed, and by whom",
    explanation: "A signature over the seal, made by `ssh-keygen -Y` for the namespace `evidence-report`, tells who \
        answers for the record. It must be over this record, and by a key that the allowed signers file lets sign \
        at the moment at which the run ended. With `--allowed-signers` unsigned evidence fails; without it nobody \
        asks, and a signature is only shown.",
    remedy: "Compare the file with the one that was signed, and the key with the allowed signers; then have it \
        signed anew: evidence-report sign FILE --key KEY.",
};

pub(super) static HISTORY_CHAIN: Check = Check {
    id: "history.chain",
    title: "Chain of runs whole",
    explanation: "Beside every evidence file its history keeps a line for each run, with the digest of the line \
        before. A line that was changed, taken out or put in breaks the chain; two lines that go on from one fork \
        it. The whole chain could be written anew by whoever may write the file: only a signature on the newest \
        evidence, or version control, tells that it was not.",
    remedy: "Restore the history from version control. If that cannot be, the next run keeps the damaged one aside \
        and begins anew, and says so for good.",
};

pub(super) static HISTORY_NEWEST: Check = Check {
    id: "history.newest",
    title: "Evidence is the newest of its chain",
    explanation: "The run in the evidence file is the newest that the history knows of that file, and its line says \
        what its record says. Otherwise older evidence was put back, or newer lines were cut off.",
    remedy: "Restore evidence and history from the same commit, or run the tool again.",
};

pub(super) static ACCEPT_BOUND: Check = Check {
    id: "accept.bound",
    title: "Bound to its environment by facts",
    explanation: "What a run calls its environment is a flag. Evidence of staging or production is accepted only \
        where its record holds a fact that tells this environment from others: a system identifier, a host name.",
    remedy: "Run it where it belongs, and accept that evidence; or correct the fact that you named.",
};

pub(super) static ACCEPT_TOOL: Check = Check {
    id: "accept.same_tool",
    title: "Evidence of the same tool",
    explanation: "Evidence replaces only evidence of the tool that made it.",
    remedy: "Name the place that it belongs to with --evidence PATH.",
};

pub(super) static ACCEPT_NEWER: Check = Check {
    id: "accept.newer",
    title: "Newer than what stands there",
    explanation: "Evidence from elsewhere replaces only older evidence, and never comes from the future: otherwise \
        an old pass could be put over a new failure.",
    remedy: "Accept the newest run. If the clock of its machine is wrong, set it and run again.",
};

pub(super) static ACCEPT_PLACED: Check = Check {
    id: "accept.placed",
    title: "Evidence came home",
    explanation: "What is verified, bound and newer is put in its place, into the history beside it, and the notes \
        that stand there are kept. What is refused changes nothing.",
    remedy: "Mend what the other findings name.",
};
