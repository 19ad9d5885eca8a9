//! How a server is kept apart: never as root, and in a network namespace of its own where that is allowed.
//! Found by trying, because containers and kernels differ in what they permit.

use std::path::Path;

use evidence_report::{
    record::{Finding, Requirement},
    run::{
        Run,
        child::{ChildCommand, find_program},
    },
};

use crate::{
    checks::{ENVIRONMENT, RESTORE_ISOLATED},
    halt::Halt,
};

/// The user that Debian's and the upstream packages make.
const SERVER_USER: &str = "postgres";

/// A way of starting the server's programs.
#[derive(Debug, Clone)]
pub(crate) struct Isolation {
    prefix: Vec<String>,
    /// Whether its network is not ours.
    network: bool,
    /// Whether its files belong to another user than us.
    other_user: bool,
}

impl Isolation {
    /// The first way that works here, and that reaches the folders in which the server is to live.
    ///
    /// # Errors
    /// An inconclusive finding when PostgreSQL cannot be run at all, or that the run was asked to stop.
    pub(crate) async fn find(run: &Run, folders: [&Path; 2]) -> Result<Self, Halt> {
        let root = rustix::process::geteuid().is_root();
        for (words, other_user) in ways(root) {
            let prefix: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            if prefix.first().is_some_and(|program| find_program(program).is_none()) {
                continue;
            }
            let asked = run
                .child("sh")
                .args(["-c", "test -x \"$1\" && test -x \"$2\" && readlink /proc/self/ns/net", "sh"])
                .args(folders)
                .by_way_of(&prefix)
                .output(run.stop())
                .await;
            match asked {
                Ok(output) if output.stopped => return Err(Halt::Stopped),
                Ok(output) if output.status.success() => {
                    let ours = std::fs::read_link("/proc/self/ns/net").unwrap_or_default();
                    let theirs = output.stdout.trim();
                    let network = !theirs.is_empty() && Path::new(theirs) != ours;
                    return Ok(Self { prefix, network, other_user });
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

    /// Applies the way to a child.
    pub(crate) fn apply(&self, command: ChildCommand) -> ChildCommand {
        if self.prefix.is_empty() { command } else { command.by_way_of(&self.prefix) }
    }

    /// Gives a folder that we made to the server's user.
    ///
    /// # Errors
    /// When it cannot be given.
    pub(crate) async fn give_folder(&self, run: &Run, folder: &Path) -> std::io::Result<()> {
        if !self.other_user {
            return Ok(());
        }
        let output = run.child("chown").arg(format!("{SERVER_USER}:")).arg(folder).output(run.stop()).await;
        match output {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(std::io::Error::other(output.stderr.trim().to_owned())),
            Err(error) => Err(std::io::Error::other(error.to_string())),
        }
    }

    /// Whether its network is not ours.
    pub(crate) fn is_apart(&self) -> bool {
        self.network
    }

    /// Gives a folder and everything below it to the server's user; links are given themselves, never what they
    /// lead to.
    ///
    /// # Errors
    /// When something cannot be given.
    pub(crate) async fn give_tree(&self, run: &Run, folder: &Path) -> std::io::Result<()> {
        if !self.other_user {
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
        let expected = "a unix socket only, and a network namespace of its own";
        if self.network {
            let how = self.prefix.first().map_or("", String::as_str);
            RESTORE_ISOLATED
                .passed("scratch server")
                .expected(expected)
                .observed(format!("so it was (by {how})"))
        } else {
            RESTORE_ISOLATED
                .not_checked(
                    Requirement::Optional,
                    "scratch server",
                    "no network namespace is allowed here: a unix socket only, no archiving, no preload libraries, \
                     but foreign tables of the copy could have connected",
                )
                .expected(expected)
        }
    }
}

/// The ways, the best first (the IPC namespace takes the server's System V segment along, which a kill -9 would
/// leave behind); with each, whether the server's files belong to another user.
///
/// As root, the server's own user comes before a user namespace: a process in a namespace that root made still
/// counts as root where it touches files outside, and what a dump contains is code (functions, triggers) that
/// a superuser of the source wrote. That superuser is as good as the user `postgres` there, and no more here.
fn ways(root: bool) -> Vec<(Vec<&'static str>, bool)> {
    let as_server = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"];
    if root {
        let mapped = ["unshare", "--user", "--map-user=65534", "--map-group=65534"];
        vec![
            ([["unshare", "--net", "--ipc", "--"].as_slice(), &as_server].concat(), true),
            ([mapped.as_slice(), &["--net", "--ipc", "--"]].concat(), false),
            ([mapped.as_slice(), &["--ipc", "--"]].concat(), false),
            (as_server.to_vec(), true),
        ]
    } else {
        vec![
            (vec!["unshare", "--user", "--map-current-user", "--net", "--ipc", "--"], false),
            (Vec::new(), false),
        ]
    }
}
