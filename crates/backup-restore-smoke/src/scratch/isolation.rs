//! How a server is kept apart: never as root, and where that is allowed in a network namespace of its own, and in a
//! mount namespace that hides every other program's socket, and in which only the scratch can be written to. A process
//! namespace ends it, with everything that it started, when we die. Found by trying, because containers and kernels
//! differ in what they permit. See docs/decisions, 0036 and 0040.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use evidence_report::{
    record::{Finding, Requirement},
    run::{
        Run,
        child::{ChildCommand, Farewell, bound_to_us, find_program},
    },
};

use super::{guard::Guard, sockets::to_hide};
use crate::{
    checks::{ENVIRONMENT, RESTORE_ISOLATED},
    halt::Halt,
};

/// What is done in the mount namespace.
pub(crate) const SHUT: &str = include_str!("shut.sh");

/// How `unshare` is asked for a process namespace of which the kernel ends every process when we die: a backend that
/// is busy and a `restore_command` that waits for a disk cannot look whether we live.
const DIES_WITH_US: &str = "unshare --pid --fork --kill-child";

/// How long is waited for a program that is ended by the kernel.
const END: Duration = Duration::from_secs(5);

/// The user that Debian's and the upstream packages make.
const SERVER_USER: &str = "postgres";

/// A user that has a name everywhere.
const NOBODY: u32 = 65534;

/// A way of starting the server's programs.
#[derive(Debug, Clone)]
pub(crate) struct Isolation {
    way: Way,
    /// Whether its network is not ours.
    network: bool,
    /// Where the server works.
    folders: Vec<PathBuf>,
    /// Who ends what we leave alive when we die, where the kernel does not.
    _guard: Option<Arc<Guard>>,
}

/// What a server sees of this machine's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// Everything.
    Open,
    /// No socket of another program.
    Hidden,
    /// The same, and nothing but the scratch can be written to.
    ReadOnly,
}

/// Words before a program, and what they do.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Way {
    /// Enters namespaces.
    enter: Vec<String>,
    /// What is done between the two.
    sight: Sight,
    /// Becomes the server's user.
    become_user: Vec<String>,
    /// Whether its files belong to another user than us.
    other_user: bool,
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

impl Way {
    fn new(enter: &str, sight: Sight, become_user: &str, other_user: bool) -> Self {
        // `unshare` itself stays outside the namespace that it makes: it is bound to us, and its child to it.
        let bound = if enter.starts_with(DIES_WITH_US) { bound_to_us() } else { Vec::new() };
        Self {
            enter: bound.into_iter().chain(words(enter)).collect(),
            sight,
            become_user: words(become_user),
            other_user,
        }
    }

    /// Whether the kernel ends everything of it when we die.
    fn dies_with_us(&self) -> bool {
        self.enter.iter().any(|word| word == "--kill-child")
    }

    fn plain(&self) -> Vec<OsString> {
        self.enter.iter().chain(&self.become_user).map(OsString::from).collect()
    }

    /// The words for a server that works in these folders.
    fn confined(&self, folders: &[PathBuf]) -> Vec<OsString> {
        let mode = match self.sight {
            Sight::Open => return self.plain(),
            Sight::Hidden => "writable",
            Sight::ReadOnly => "read-only",
        };
        let mut words: Vec<OsString> = self.enter.iter().map(OsString::from).collect();
        words.extend(["sh", "-c", SHUT, "sh", mode].map(OsString::from));
        words.extend(to_hide(folders));
        words.push("--".into());
        let kept = folders.iter().map(|folder| folder.canonicalize().unwrap_or_else(|_| folder.clone()));
        words.extend(kept.map(PathBuf::into_os_string));
        words.push("--".into());
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
        let (user, group) = match has_name(run).await {
            true => (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()),
            false => (NOBODY, NOBODY),
        };
        for way in ways(root, user, group) {
            let words = way.confined(&folders.map(Path::to_owned));
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
                    // Where even a shell is missing nobody can stand guard; the next sweep ends the rest.
                    let guard =
                        if way.dies_with_us() { None } else { Guard::post(run.id()).ok().map(Arc::new) };
                    return Ok(Self {
                        way,
                        network,
                        folders: folders.map(Path::to_owned).into(),
                        _guard: guard,
                    });
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
        self.by_way_of(command, self.way.plain())
    }

    /// Applies the way to a program that runs what the backup holds (the server, a script): no socket of another
    /// program is left in its sight, and no file but the scratch's can be written.
    pub(crate) fn confine(&self, command: ChildCommand) -> ChildCommand {
        self.by_way_of(command, self.way.confined(&self.folders))
    }

    fn by_way_of(&self, command: ChildCommand, words: Vec<OsString>) -> ChildCommand {
        // The first process of a process namespace hears no signal that it did not ask for, but this one.
        let command = if self.way.dies_with_us() { command.farewell(Farewell::Kill, END) } else { command };
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
        self.network && self.way.sight != Sight::Open
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
        let finding = match (self.network, self.way.sight) {
            (true, Sight::ReadOnly) => RESTORE_ISOLATED
                .passed("scratch server")
                .observed("so it was (by unshare), and it could write nowhere but into the scratch"),
            (true, Sight::Hidden) => RESTORE_ISOLATED.passed("scratch server").observed(
                "so it was (by unshare); files elsewhere were kept from it by their owners and modes only",
            ),
            (true, Sight::Open) => not_checked(
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

/// Whether our number belongs to a user: PostgreSQL does not start for one without a name, and containers give such
/// numbers. In a user namespace we are somebody else.
async fn has_name(run: &Run) -> bool {
    let asked = run.child("id").arg("-un").output(run.stop()).await;
    asked.map_or(true, |output| output.stopped || output.status.success())
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
    const APART: &str = "--net --ipc --mount --";
    const APART_AS_ROOT_OF_IT: &str = "--user --map-root-user --net --ipc --mount --";
    let mut ways = Vec::new();
    let mut add = |enter: &str, sights: &[Sight], become_user: &str, other_user: bool| {
        for sight in sights {
            for unshare in [DIES_WITH_US, "unshare"] {
                ways.push(Way::new(&format!("{unshare} {enter}"), *sight, become_user, other_user));
            }
        }
    };
    let shut = [Sight::ReadOnly, Sight::Hidden];
    if root {
        let as_server = format!("setpriv --reuid={SERVER_USER} --regid={SERVER_USER} --clear-groups --");
        let mapped = "--user --map-user=65534 --map-group=65534";
        add(APART, &shut, &as_server, true);
        add(APART_AS_ROOT_OF_IT, &shut, &format!("unshare {mapped} --"), false);
        add("--net --ipc --", &[Sight::Open], &as_server, true);
        add(&format!("{mapped} --net --ipc --"), &[Sight::Open], "", false);
        add(&format!("{mapped} --ipc --"), &[Sight::Open], "", false);
        ways.push(Way::new("", Sight::Open, &as_server, true));
    } else {
        let as_we_are = format!("unshare --user --map-user={user} --map-group={group} --");
        add(APART_AS_ROOT_OF_IT, &shut, &as_we_are, false);
        let mapped = format!("--user --map-user={user} --map-group={group}");
        add(&format!("{mapped} --net --ipc --"), &[Sight::Open], "", false);
        if user == NOBODY {
            add(&format!("{mapped} --"), &[Sight::Open], "", false);
        }
        ways.push(Way::new("", Sight::Open, "", false));
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_to_undo_it_is_given_up_behind_it() {
        for root in [true, false] {
            let ways = ways(root, 1000, 1000);
            assert!(ways[0].sight == Sight::ReadOnly && ways[0].dies_with_us(), "{root}");
            for way in ways.into_iter().filter(|way| way.sight != Sight::Open) {
                let words = way.confined(&["/kept".into()]);
                let at = |word: &str| words.iter().position(|found| found == word).unwrap();
                assert!(at("--mount") < at(SHUT) && at("/kept") < words.len() - way.become_user.len());
                assert!(!way.become_user.is_empty(), "{way:?}");
            }
        }
    }

    #[test]
    fn what_is_not_hidden_is_never_claimed_to_be() {
        let found = |network, sight| {
            let way = Way::new("unshare --net --", sight, "", false);
            Isolation { way, network, folders: Vec::new(), _guard: None }.finding()
        };
        for (network, sight, passed, said) in [
            (true, Sight::ReadOnly, true, "nowhere but into the scratch"),
            (true, Sight::Hidden, true, "owners and modes only"),
            (true, Sight::Open, false, "unix socket"),
            (false, Sight::Open, false, "foreign tables"),
            (false, Sight::ReadOnly, false, "foreign tables"),
        ] {
            let finding = found(network, sight);
            assert_eq!(
                finding.outcome == evidence_report::record::Outcome::Passed,
                passed,
                "{network} {sight:?}"
            );
            assert!(finding.observed.contains(said), "{}", finding.observed);
        }
    }
}
