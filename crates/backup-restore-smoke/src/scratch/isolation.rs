//! How a server is kept apart: never as root, and where that is allowed in a network namespace of its own, and in a
//! mount namespace that hides every other program's socket. Found by trying, because containers and kernels differ in
//! what they permit.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use evidence_report::{
    record::{Finding, Requirement},
    run::{
        Run,
        child::{ChildCommand, find_program},
    },
};

use super::sockets::{HIDE, to_hide};
use crate::{
    checks::{ENVIRONMENT, RESTORE_ISOLATED},
    halt::Halt,
};

/// The user that Debian's and the upstream packages make.
const SERVER_USER: &str = "postgres";

/// A way of starting the server's programs.
#[derive(Debug, Clone)]
pub(crate) struct Isolation {
    way: Way,
    /// Whether its network is not ours.
    network: bool,
    /// Where the server works.
    folders: Vec<PathBuf>,
}

/// Words before a program, and what they do.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Way {
    /// Enters namespaces.
    enter: Vec<String>,
    /// Whether sockets can be hidden between the two.
    hides: bool,
    /// Becomes the server's user.
    become_user: Vec<String>,
    /// Whether its files belong to another user than us.
    other_user: bool,
}

impl Way {
    fn new(enter: &str, hides: bool, become_user: &str, other_user: bool) -> Self {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
        Self { enter: words(enter), hides, become_user: words(become_user), other_user }
    }

    /// The words, hiding this.
    fn words(&self, hidden: Vec<OsString>) -> Vec<OsString> {
        let mut words: Vec<OsString> = self.enter.iter().map(OsString::from).collect();
        if self.hides {
            words.extend(["sh", "-c", HIDE, "sh"].map(OsString::from));
            words.extend(hidden);
            words.push("--".into());
        }
        words.extend(self.become_user.iter().map(OsString::from));
        words
    }
}

impl Isolation {
    /// The first way that works here, and that reaches the folders in which the server is to live.
    ///
    /// # Errors
    /// An inconclusive finding when PostgreSQL cannot be run at all, or that the run was asked to stop.
    pub(crate) async fn find(run: &Run, folders: [&Path; 2]) -> Result<Self, Halt> {
        let root = rustix::process::geteuid().is_root();
        let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        for way in ways(root, user, group) {
            let words = way.words(if way.hides { to_hide(&folders.map(Path::to_owned)) } else { Vec::new() });
            if words.first().is_some_and(|program| find_program(program).is_none()) {
                continue;
            }
            let asked = run
                .child("sh")
                .args(["-c", "test -x \"$1\" && test -x \"$2\" && readlink /proc/self/ns/net", "sh"])
                .args(folders)
                .by_way_of(&words)
                .output(run.stop())
                .await;
            match asked {
                Ok(output) if output.stopped => return Err(Halt::Stopped),
                Ok(output) if output.status.success() => {
                    let ours = std::fs::read_link("/proc/self/ns/net").unwrap_or_default();
                    let theirs = output.stdout.trim();
                    let network = !theirs.is_empty() && Path::new(theirs) != ours;
                    return Ok(Self { way, network, folders: folders.map(Path::to_owned).into() });
                }
                _ => {}
            }
        }
        Err(ENVIRONMENT
            .inconclusive("user of the scratch server")
            .expected("a way to run PostgreSQL, which refuses root")
            .observed(format!("neither a user namespace nor the user '{SERVER_USER}' can be used"))
            .remedy(format!(
                "run as another user than root, or make a user '{SERVER_USER}', or allow user namespaces"
            ))
            .into())
    }

    /// Applies the way to a program that runs nothing of the backup's, and may ask the name services who we are.
    pub(crate) fn apply(&self, command: ChildCommand) -> ChildCommand {
        Self::by_way_of(command, self.way.words(Vec::new()))
    }

    /// Applies the way to a program that runs what the backup holds (the server, a script): no socket of another
    /// program is left in its sight.
    pub(crate) fn confine(&self, command: ChildCommand) -> ChildCommand {
        let hidden = if self.way.hides { to_hide(&self.folders) } else { Vec::new() };
        Self::by_way_of(command, self.way.words(hidden))
    }

    fn by_way_of(command: ChildCommand, words: Vec<OsString>) -> ChildCommand {
        if words.is_empty() { command } else { command.by_way_of(words) }
    }

    /// Gives a folder that we made to the server's user.
    ///
    /// # Errors
    /// When it cannot be given.
    pub(crate) async fn give_folder(&self, run: &Run, folder: &Path) -> std::io::Result<()> {
        if !self.way.other_user {
            return Ok(());
        }
        let output = run.child("chown").arg(format!("{SERVER_USER}:")).arg(folder).output(run.stop()).await;
        match output {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(std::io::Error::other(output.stderr.trim().to_owned())),
            Err(error) => Err(std::io::Error::other(error.to_string())),
        }
    }

    /// Whether it can reach nobody: its network is not ours, and it sees no socket of others.
    pub(crate) fn is_apart(&self) -> bool {
        self.network && self.way.hides
    }

    /// Gives a folder and everything below it to the server's user; links are given themselves, never what they
    /// lead to.
    ///
    /// # Errors
    /// When something cannot be given.
    pub(crate) async fn give_tree(&self, run: &Run, folder: &Path) -> std::io::Result<()> {
        if !self.way.other_user {
            return Ok(());
        }
        let command = run.child("chown").args(["-R", "-P", "-h"]).arg(format!("{SERVER_USER}:")).arg(folder);
        match command.output(run.stop()).await {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(std::io::Error::other(output.stderr.trim().to_owned())),
            Err(error) => Err(std::io::Error::other(error.to_string())),
        }
    }

    /// What is to be said about it.
    pub(crate) fn finding(&self) -> Finding {
        let expected = "a network namespace of its own, and no socket in it but its own";
        let not_checked =
            |reason: &str| RESTORE_ISOLATED.not_checked(Requirement::Optional, "scratch server", reason);
        let finding = match (self.network, self.way.hides) {
            (true, true) => {
                let how = self.way.enter.first().map_or("", String::as_str);
                RESTORE_ISOLATED.passed("scratch server").observed(format!("so it was (by {how})"))
            }
            (true, false) => not_checked(
                "no mount namespace is allowed here: no network, no archiving, no preload libraries, but a server \
                 of this machine could have been reached through its unix socket",
            ),
            (false, _) => not_checked(
                "no network namespace is allowed here: a unix socket only, no archiving, no preload libraries, \
                 but foreign tables of the copy could have connected",
            ),
        };
        finding.expected(expected)
    }
}

/// The ways, the best first (the IPC namespace takes the server's System V segment along, which a kill -9 would
/// leave behind).
///
/// As root, the server's own user comes before a user namespace: a process in a namespace that root made still
/// counts as root where it touches files outside, and what a dump contains is code (functions, triggers) that
/// a superuser of the source wrote. That superuser is as good as the user `postgres` there, and no more here.
///
/// In a user namespace only its root may hide anything: a second namespace then takes that right away.
fn ways(root: bool, user: u32, group: u32) -> Vec<Way> {
    const APART: &str = "unshare --net --ipc --mount --";
    const APART_AS_ROOT_OF_IT: &str = "unshare --user --map-root-user --net --ipc --mount --";
    if root {
        let as_server = format!("setpriv --reuid={SERVER_USER} --regid={SERVER_USER} --clear-groups --");
        let mapped = "unshare --user --map-user=65534 --map-group=65534";
        vec![
            Way::new(APART, true, &as_server, true),
            Way::new(APART_AS_ROOT_OF_IT, true, &format!("{mapped} --"), false),
            Way::new("unshare --net --ipc --", false, &as_server, true),
            Way::new(&format!("{mapped} --net --ipc --"), false, "", false),
            Way::new(&format!("{mapped} --ipc --"), false, "", false),
            Way::new("", false, &as_server, true),
        ]
    } else {
        let as_we_are = format!("unshare --user --map-user={user} --map-group={group} --");
        vec![
            Way::new(APART_AS_ROOT_OF_IT, true, &as_we_are, false),
            Way::new("unshare --user --map-current-user --net --ipc --", false, "", false),
            Way::new("", false, "", false),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_hidden_before_the_right_to_show_them_again_is_given_up() {
        for root in [true, false] {
            let ways = ways(root, 1000, 1000);
            assert!(ways[0].hides, "{root}");
            for way in ways.into_iter().filter(|way| way.hides) {
                let words = way.words(vec!["/run".into()]);
                let at = |word: &str| words.iter().position(|found| found == word).unwrap();
                assert!(at("--mount") < at("/run") && at("/run") < words.len() - way.become_user.len());
                assert!(!way.become_user.is_empty(), "the right to mount is given up: {way:?}");
            }
        }
    }

    #[test]
    fn what_is_not_hidden_is_never_claimed_to_be() {
        let found = |network, hides| {
            let way = Way::new("unshare --net --", hides, "", false);
            Isolation { way, network, folders: Vec::new() }.finding()
        };
        assert_eq!(found(true, true).outcome, evidence_report::record::Outcome::Passed);
        for (network, hides, said) in
            [(true, false, "unix socket"), (false, false, "foreign tables"), (false, true, "foreign tables")]
        {
            let finding = found(network, hides);
            assert!(matches!(finding.outcome, evidence_report::record::Outcome::NotChecked(_)));
            assert!(finding.observed.contains(said), "{}", finding.observed);
        }
    }
}
