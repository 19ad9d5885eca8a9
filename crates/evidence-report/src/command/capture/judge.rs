//! What the end of a command means. Pure: a table of exit codes and signals.

use std::time::Duration;

use clap::ValueEnum;

use crate::record::{Check, Finding, Outcome};

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// It could not be started, for this reason.
    NotStarted(String),
    /// By itself.
    Exited {
        /// With this code.
        code: i32,
        /// After so long.
        took: Duration,
    },
    /// By a signal that was not ours.
    Killed {
        /// The signal's number.
        signal: i32,
        /// Whether it left a memory image.
        core: bool,
        /// After so long.
        took: Duration,
    },
    /// By us: a deadline or a signal to us, for this reason.
    Stopped(String),
}

/// How exit codes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(in crate::command) enum Convention {
    /// 0 passed; 126 and 127 could not be run; everything else failed.
    #[default]
    Plain,
    /// Of monitoring plugins and of these tools: 0 passed, 1 warned, 2 failed, everything else inconclusive.
    Monitoring,
}

impl Convention {
    /// The convention in a few words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Plain => "0 passed, 126 and 127 not run, everything else failed",
            Self::Monitoring => "0 passed, 1 warned, 2 failed, everything else inconclusive",
        }
    }
}

/// The finding about the end of a command.
pub(super) fn judge(
    check: &'static Check,
    convention: Convention,
    end: &End,
    last_words: &str,
    subject: &str,
) -> Finding {
    let expected = "exit code 0";
    let mut finding = match end {
        End::NotStarted(why) => check
            .inconclusive(subject)
            .expected(expected)
            .observed(format!("it could not be started: {why}"))
            .remedy("Install the program, or name it by its path."),
        End::Stopped(reason) => check
            .inconclusive(subject)
            .expected(expected)
            .observed(format!("it was ended before its work was done: {reason}"))
            .remedy("Run it again; where it needs longer, give it more with --timeout."),
        End::Killed { signal, core, .. } => killed(check, *signal, *core, subject).expected(expected),
        End::Exited { code, .. } => exited(check, convention, *code, subject).expected(expected),
    };
    if finding.outcome != Outcome::Passed && !last_words.is_empty() {
        finding.observed = format!("{}; its last words: {last_words}", finding.observed);
    }
    finding
}

fn exited(check: &'static Check, convention: Convention, code: i32, subject: &str) -> Finding {
    let observed = format!("exit code {code}");
    match (convention, code) {
        (_, 0) => check.passed(subject).observed(observed),
        (Convention::Plain, 126) => check
            .inconclusive(subject)
            .observed("exit code 126: a shell found the program and could not run it")
            .remedy("Make it executable, or name another."),
        (Convention::Plain, 127) => check
            .inconclusive(subject)
            .observed("exit code 127: a shell did not find the program")
            .remedy("Install the program, or name it by its path."),
        (Convention::Monitoring, 1) => check.warned(subject).observed(observed),
        (Convention::Plain, _) | (Convention::Monitoring, 2) => check.failed(subject).observed(observed),
        (Convention::Monitoring, _) => check.inconclusive(subject).observed(observed),
    }
}

/// A crash is the program's own fault; a signal that people and machines send says nothing about what it did.
fn killed(check: &'static Check, signal: i32, core: bool, subject: &str) -> Finding {
    let (name, sent) = signal_name(signal);
    let core = if core { ", a memory image was left" } else { "" };
    let observed = format!("ended by signal {signal} ({name}){core}");
    if !sent {
        return check.failed(subject).observed(format!("it crashed: {observed}"));
    }
    let hint = if signal == 9 { "; the machine may have been out of memory" } else { "" };
    check
        .inconclusive(subject)
        .observed(format!("somebody else ended it: {observed}{hint}"))
        .remedy("Find out who ended it (kernel log, the job's limits), and run it again.")
}

/// A signal's name, and whether others send it (signal(7)).
fn signal_name(signal: i32) -> (&'static str, bool) {
    match signal {
        1 => ("SIGHUP", true),
        2 => ("SIGINT", true),
        3 => ("SIGQUIT", true),
        4 => ("SIGILL", false),
        5 => ("SIGTRAP", false),
        6 => ("SIGABRT", false),
        7 => ("SIGBUS", false),
        8 => ("SIGFPE", false),
        9 => ("SIGKILL", true),
        10 => ("SIGUSR1", true),
        11 => ("SIGSEGV", false),
        12 => ("SIGUSR2", true),
        13 => ("SIGPIPE", false),
        14 => ("SIGALRM", true),
        15 => ("SIGTERM", true),
        24 => ("SIGXCPU", true),
        25 => ("SIGXFSZ", true),
        31 => ("SIGSYS", false),
        _ => ("another signal", true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static LOAD: Check = Check { id: "capacity.load", title: "", explanation: "", remedy: "" };

    fn exit(convention: Convention, code: i32) -> Outcome {
        judge(&LOAD, convention, &End::Exited { code, took: Duration::ZERO }, "", "k6").outcome
    }

    #[test]
    fn exit_codes_are_read_by_their_convention() {
        use Outcome::{Failed, Inconclusive, Passed, Warned};
        for (code, plain, monitoring) in [
            (0, Passed, Passed),
            (1, Failed, Warned),
            (2, Failed, Failed),
            (3, Failed, Inconclusive),
            (4, Failed, Inconclusive),
            (99, Failed, Inconclusive),
            (126, Inconclusive, Inconclusive),
            (127, Inconclusive, Inconclusive),
            (128, Failed, Inconclusive),
            (255, Failed, Inconclusive),
        ] {
            assert_eq!(exit(Convention::Plain, code), plain, "{code}");
            assert_eq!(exit(Convention::Monitoring, code), monitoring, "{code}");
        }
    }

    #[test]
    fn a_crash_fails_and_an_end_from_outside_is_inconclusive() {
        for signal in 1..=64 {
            let end = End::Killed { signal, core: false, took: Duration::ZERO };
            let finding = judge(&LOAD, Convention::Plain, &end, "", "k6");
            let crashed = matches!(signal, 4..=8 | 11 | 13 | 31);
            let expected = if crashed { Outcome::Failed } else { Outcome::Inconclusive };
            assert_eq!(finding.outcome, expected, "{signal}");
            assert!(finding.observed.contains(&format!("signal {signal} ")), "{}", finding.observed);
        }
    }

    #[test]
    fn what_did_not_run_to_its_end_is_inconclusive_and_says_why() {
        for end in [End::NotStarted("no such file".into()), End::Stopped("no such file".into())] {
            let finding = judge(&LOAD, Convention::Plain, &end, "", "k6");
            assert_eq!(finding.outcome, Outcome::Inconclusive);
            assert!(finding.observed.contains("no such file"));
        }
    }
}
