//! The checks of a drill.

use crate::record::Check;

pub(in crate::command) static OUTCOME: Check = Check {
    id: "drill.outcome",
    title: "Objective of the drill reached",
    explanation: "Whoever finishes a drill says how it came out: achieved, partly (warns) or missed (fails).",
    remedy: "Do what the follow-ups say, and repeat the drill.",
};

pub(in crate::command) static LOG: Check = Check {
    id: "drill.log",
    title: "Log of the drill is whole",
    explanation: "A drill's log is appended to, line by line; each line names the digest of the one before it. A line \
        that a crash has torn is told; one that was taken out or changed later fails. A log without a note shows \
        nothing.",
    remedy: "Restore the log from version control; keep notes while the drill runs.",
};

pub(in crate::command) static CLOCK: Check = Check {
    id: "drill.clock",
    title: "Clocks stood still for nobody",
    explanation: "Beside the wall clock each note has the time since the machine's start. Where the two run apart, \
        somebody set the clock: the durations come from the other one, the times of day are wrong.",
    remedy: "Let the machine keep its time by NTP, and set no clock during a drill.",
};

pub(in crate::command) static LEAD: Check = Check {
    id: "drill.lead",
    title: "Somebody leads the drill",
    explanation: "A drill has a lead; who has which role is part of its report.",
    remedy: "Say who leads: drill start --role lead=NAME, or drill note --role lead=NAME.",
};

pub(in crate::command) static RECOVERY: Check = Check {
    id: "drill.recovery",
    title: "Recovery in time",
    explanation: "From the start of the drill to the note that it is recovered, held against --within.",
    remedy: "Find in the timeline where the time went, and agree on what makes it shorter.",
};

pub(in crate::command) static FOLLOW_UPS: Check = Check {
    id: "drill.follow_up",
    title: "Follow-ups have owner and day",
    explanation: "What changes because of a drill is done by somebody, until a day: --follow-up 'what; who; 2026-12-24'.",
    remedy: "Give each follow-up an owner and a day.",
};

pub(in crate::command) static REVISIONS: Check = Check {
    id: "drill.revisions",
    title: "Rollback from one revision to another",
    explanation: "A rollback drill names the revision that it leaves and the one that it goes back to.",
    remedy: "Start the drill with --from-revision and --to-revision.",
};

pub(in crate::command) static CONTRACT: Check = Check {
    id: "drill.contract",
    title: "Contract unchanged by the rollback",
    explanation: "The file of the interface (an OpenAPI or protobuf description, a schema) has the same digest before \
        and after a rollback: clients notice nothing.",
    remedy: "Name the contract at the start (--contract FILE); where it changed, roll back to a revision that keeps it.",
};
