//! What happens while a rehearsal runs: a signal to it, the death of a server, somebody else's statement. It
//! happens when the rehearsal itself says which phase it has come to.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

use super::{
    farm::{Database, Task},
    remains::processes_of,
};

/// What happens meanwhile.
#[derive(Debug)]
pub enum Meanwhile {
    /// Nothing.
    Nothing,
    /// In this phase, this.
    In(&'static str, Blow),
}

/// What happens.
#[derive(Debug)]
pub enum Blow {
    /// The rehearsal gets this signal.
    Signal(Signal),
    /// It is killed; then `sweep` has to take away what is left.
    KillAndSweep,
    /// It is killed; then the same is typed again, and has to pass.
    KillAndAgain,
    /// The server of the copy is killed.
    KillCopy,
    /// Somebody says this to the source.
    Say(Database, String),
}

impl Blow {
    /// Strikes. What goes on afterwards lives as long as what is given back.
    pub(super) fn strike(&self, rehearsal: Option<Pid>, home: &Path) -> Option<Task> {
        // Who is gone already needs no signal.
        let signal = |process: Pid, signal| {
            let _ = kill_process(process, signal);
        };
        match self {
            Self::Signal(wanted) => rehearsal.into_iter().for_each(|process| signal(process, *wanted)),
            Self::KillAndSweep | Self::KillAndAgain => {
                rehearsal.into_iter().for_each(|process| signal(process, Signal::KILL));
            }
            Self::KillCopy => {
                let servers = processes_of(home).into_iter().filter(|found| found.works_in("copy/data"));
                servers.for_each(|found| signal(found.id, Signal::KILL));
            }
            Self::Say(database, statements) => {
                let (database, statements) = (database.clone(), statements.clone());
                return Some(Task::start(async move {
                    // Whether it is answered is what the fault is about.
                    let _ = database.sql(&statements).await;
                }));
            }
        }
        None
    }
}
