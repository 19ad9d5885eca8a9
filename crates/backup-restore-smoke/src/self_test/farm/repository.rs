//! Repositories that pgBackRest and Barman make themselves of a server, with the history that a base backup of
//! [`super::history`] has: 10 orders in the backup, 20 at the restore point, 30 at the end of the log. Made once, where
//! the tool is there; each fault gets a copy to damage.

use std::path::{Path, PathBuf};

use evidence_report::run::{
    Run,
    child::{ChildCommand, find_program},
};

use super::{
    Database, Server,
    history::{archive_everything, begin, go_on, segments_in},
};
use crate::{
    connection::without_ambient,
    programs::Programs,
    self_test::workshop::{Bench, Trouble},
};

/// The stanza, or the server in Barman's catalogue.
const NAME: &str = "shop";

/// A backup tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::self_test) enum Tool {
    PgBackRest,
    Barman,
}

/// A repository, and the server that it is of.
#[derive(Debug)]
pub(in crate::self_test) struct Repository {
    server: Server,
    tool: Tool,
    folder: PathBuf,
    end: String,
}

/// A copy of it.
#[derive(Debug)]
pub(in crate::self_test) struct Stored {
    tool: Tool,
    /// What belongs to the tool: repository or home.
    pub(in crate::self_test) folder: PathBuf,
    configuration: PathBuf,
    /// The place behind the last commit.
    pub(in crate::self_test) end: String,
}

impl Tool {
    fn program(self) -> &'static str {
        match self {
            Self::PgBackRest => "pgbackrest",
            Self::Barman => "barman",
        }
    }

    /// Says so where the tool, or what it needs to fetch, is not on this machine.
    ///
    /// # Errors
    /// That a fault cannot be made here.
    pub(in crate::self_test) fn refuse_where_it_is_missing(self) -> Result<(), Trouble> {
        let needed: &[&str] = match self {
            Self::PgBackRest => &["pgbackrest"],
            Self::Barman => &["barman", "rsync"],
        };
        match needed.iter().find(|program| find_program(program).is_none()) {
            Some(missing) => Err(Trouble::NotHere(format!("{missing} is not on this machine"))),
            None => Ok(()),
        }
    }
}

impl Repository {
    /// Lets the tool make it in this folder, of a server of its own.
    ///
    /// # Errors
    /// When something of it fails.
    pub(in crate::self_test) async fn make(
        run: &Run,
        programs: &Programs,
        server: Server,
        tool: Tool,
        folder: PathBuf,
    ) -> Result<Self, Trouble> {
        let archive = server.archive().ok_or_else(|| "the server archives nothing".to_owned())?;
        let database = begin(&server).await?;
        std::fs::create_dir(&folder)?;
        let configuration = configure(tool, &folder, Some((programs, &database)))?;
        let call = |words: &[&str]| {
            let command = call(run, tool, &folder, &configuration, words);
            let (stop, what) = (run.stop().clone(), words.join(" "));
            async move {
                let output = command.output(&stop).await?;
                match output.status.success() {
                    true => Ok(()),
                    false => Err(Trouble::from(format!(
                        "{} {what}: {} {}",
                        tool.program(),
                        output.stdout.trim(),
                        output.stderr.trim()
                    ))),
                }
            }
        };
        archive_everything(&database, &archive).await?;
        archive_everything(&database, &archive).await?;
        let end = match tool {
            Tool::PgBackRest => {
                call(&["stanza-create"]).await?;
                // The server's own archive hands the segments on, afterwards.
                call(&["backup", "--type=full", "--no-archive-check"]).await?;
                let end = go_on(&database, &archive).await?;
                for segment in segments_in(&archive)? {
                    call(&["archive-push", &segment.display().to_string()]).await?;
                }
                end
            }
            Tool::Barman => {
                let incoming = folder.join("home").join(NAME).join("incoming");
                std::fs::create_dir_all(&incoming)?;
                hand_on(&archive, &incoming)?;
                call(&["archive-wal", NAME]).await?;
                call(&["backup", "--immediate-checkpoint", NAME]).await?;
                let end = go_on(&database, &archive).await?;
                hand_on(&archive, &incoming)?;
                call(&["archive-wal", NAME]).await?;
                end
            }
        };
        Ok(Self { server, tool, folder, end })
    }

    /// A copy in the fault's folder.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub(in crate::self_test) async fn copy(&self, bench: &Bench<'_>) -> Result<Stored, Trouble> {
        let folder = bench.folder.join("repository");
        let copied =
            bench.run.child("cp").arg("-a").arg(&self.folder).arg(&folder).output(bench.run.stop()).await?;
        if !copied.status.success() {
            return Err(format!("copying a repository: {}", copied.stderr.trim()).into());
        }
        let configuration = configure(self.tool, &folder, None)?;
        Ok(Stored { tool: self.tool, folder, configuration, end: self.end.clone() })
    }

    /// The server, when nobody needs it any more.
    pub(in crate::self_test) fn into_server(self) -> Server {
        self.server
    }
}

impl Stored {
    /// What is typed for it.
    pub(in crate::self_test) fn words(&self) -> Vec<String> {
        self.words_of(NAME)
    }

    /// What is typed for another stanza or server of it.
    pub(in crate::self_test) fn words_of(&self, name: &str) -> Vec<String> {
        let configuration = self.configuration.display().to_string();
        let (which, with) = match self.tool {
            Tool::PgBackRest => ("--pgbackrest", "--pgbackrest-config"),
            Tool::Barman => ("--barman", "--barman-config"),
        };
        [which, name, with, &configuration].map(str::to_owned).into()
    }

    /// The files below a part of it whose path ends or begins so, in order.
    ///
    /// # Errors
    /// When there is none.
    pub(in crate::self_test) fn files(
        &self,
        part: &str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<Vec<PathBuf>, Trouble> {
        let (mut found, mut open) = (Vec::new(), vec![self.folder.join(part)]);
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder)?.flatten() {
                let (path, name) = (entry.path(), entry.file_name());
                match path.is_dir() && !path.is_symlink() {
                    true => open.push(path),
                    false if fits(&name.to_string_lossy()) => found.push(path),
                    false => {}
                }
            }
        }
        found.sort();
        if found.is_empty() { Err(format!("{part} holds no such file").into()) } else { Ok(found) }
    }
}

/// The tool's configuration: with the server while the repository is made; a copy needs only the repository.
fn configure(tool: Tool, folder: &Path, server: Option<(&Programs, &Database)>) -> Result<PathBuf, Trouble> {
    let (here, path) = (folder.display(), folder.join("configuration"));
    let text = match tool {
        Tool::PgBackRest => {
            let server = match server {
                Some((_, database)) => format!(
                    "pg1-path={}\npg1-socket-path={}\npg1-port=5432\npg1-user=postgres\npg1-database=postgres\n",
                    database.data.display(),
                    database.socket_folder().display()
                ),
                None => "pg1-path=/nowhere/at/all\n".to_owned(),
            };
            format!(
                "[global]\nrepo1-path={here}/repo\nlock-path={here}/lock\nlog-path={here}/log\nspool-path={here}/spool\n\
                 repo1-retention-full=9\nlog-level-console=error\ncompress-type=gz\ncompress-level=1\nstart-fast=y\n\
                 job-retry=0\n[{NAME}]\n{server}"
            )
        }
        Tool::Barman => {
            let user = own_name();
            let conninfo = match server {
                Some((_, database)) => format!(
                    "host={} port=5432 user=postgres dbname=postgres",
                    database.socket_folder().display()
                ),
                None => "host=/nowhere/at/all user=postgres dbname=postgres".to_owned(),
            };
            let programs = match server {
                Some((programs, _)) => format!("path_prefix = {}\n", programs.folder().display()),
                None => String::new(),
            };
            std::fs::create_dir_all(folder.join("barman.d"))?;
            format!(
                "[barman]\nbarman_home = {here}/home\nbarman_user = {user}\nlog_file = {here}/home/barman.log\n\
                 configuration_files_directory = {here}/barman.d\n[{NAME}]\ndescription = shop\nconninfo = {conninfo}\n\
                 streaming_conninfo = {conninfo}\nbackup_method = postgres\narchiver = on\n{programs}"
            )
        }
    };
    std::fs::write(&path, text)?;
    Ok(path)
}

fn own_name() -> String {
    let me = rustix::process::geteuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mine = users.lines().find(|line| line.split(':').nth(2) == Some(me.as_str()));
    mine.and_then(|line| line.split(':').next()).unwrap_or("root").to_owned()
}

/// The tool as production itself calls it.
fn call(run: &Run, tool: Tool, folder: &Path, configuration: &Path, words: &[&str]) -> ChildCommand {
    let command = without_ambient(run.child(tool.program())).env("HOME", folder).current_dir(folder);
    match tool {
        Tool::PgBackRest => command
            .arg(format!("--config={}", configuration.display()))
            .arg(format!("--stanza={NAME}"))
            .args(words),
        Tool::Barman => command.arg("-c").arg(configuration).args(words),
    }
}

/// Copies the segments that have not been handed on yet.
fn hand_on(archive: &Path, incoming: &Path) -> Result<(), Trouble> {
    let seen = incoming.with_file_name("handed-on");
    std::fs::create_dir_all(&seen)?;
    for entry in std::fs::read_dir(archive)?.flatten() {
        let mark = seen.join(entry.file_name());
        if !mark.exists() {
            std::fs::copy(entry.path(), incoming.join(entry.file_name()))?;
            std::fs::write(mark, "")?;
        }
    }
    Ok(())
}
