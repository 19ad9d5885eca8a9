//! Where the PostgreSQL programs are: by flag, by `PGBIN`, on PATH, under the distributions' folders.

use std::path::{Path, PathBuf};

use evidence_report::run::{
    Run,
    child::{ChildCommand, bound_to_us, find_program},
};

use crate::{checks::ENVIRONMENT, connection::without_ambient, halt::Halt};

/// What a rehearsal calls. (`pg_ctl` is not among them: it would detach the server from us.)
const NEEDED: [&str; 4] = ["postgres", "initdb", "pg_dump", "pg_restore"];

/// A folder that holds all the programs of one version.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    folder: PathBuf,
    /// As `postgres --version` says it, for example `15.18`.
    pub(crate) version: String,
    /// The major version.
    pub(crate) major: u32,
    /// A way of starting clients in a process namespace of their own; empty where that is not allowed.
    containment: Vec<String>,
}

/// Ways of starting a program so that the kernel ends it *with all its workers* when we die: the workers of
/// `pg_dump` would otherwise read on from the source until their table is done. The first as root, the second
/// as anybody.
const CONTAINMENTS: [&[&str]; 2] = [
    &["unshare", "--pid", "--fork", "--kill-child", "--"],
    &["unshare", "--user", "--map-current-user", "--pid", "--fork", "--kill-child", "--"],
];

impl Programs {
    /// Where they are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A client program with workers of its own: `pg_dump`, `pg_restore`.
    pub(crate) fn client(&self, run: &Run, program: &str) -> ChildCommand {
        let command = self.child(run, program);
        if self.containment.is_empty() { command } else { command.by_way_of(&self.containment) }
    }

    /// The same in another folder.
    #[must_use]
    pub(crate) fn within(self, folder: PathBuf) -> Self {
        Self { folder, ..self }
    }

    /// How a program with workers of its own is started, so that the kernel ends them all when we die.
    pub(crate) fn containment(&self) -> &[String] {
        &self.containment
    }

    /// Where a program of this folder is, if it is there.
    pub(crate) fn path(&self, program: &str) -> Option<PathBuf> {
        find_program(self.folder.join(program))
    }

    /// A child that runs one of the programs, without ambient PG* variables.
    pub(crate) fn child(&self, run: &Run, program: &str) -> ChildCommand {
        without_ambient(run.child(self.folder.join(program)))
    }
}

/// Finds the programs of this major version; of any, the newest.
///
/// # Errors
/// An inconclusive finding that says what to install, or that the run was asked to stop.
pub(crate) async fn find(run: &Run, named: Option<&Path>, major: Option<u32>) -> Result<Programs, Halt> {
    let found = all(run, named).await?;
    let fits = |programs: &&Programs| major.is_none_or(|major| programs.major == major);
    let best = found.iter().filter(fits).max_by_key(|programs| programs.major);
    best.cloned().ok_or_else(|| missing(named, major, &found).into())
}

/// Finds the programs for a dump: of this major version, otherwise the next newer, which reads it too.
///
/// # Errors
/// An inconclusive finding that says what to install, or that the run was asked to stop.
pub(crate) async fn find_at_least(
    run: &Run,
    named: Option<&Path>,
    major: Option<u32>,
) -> Result<Programs, Halt> {
    let found = all(run, named).await?;
    let Some(least) = major else {
        let newest = found.iter().max_by_key(|programs| programs.major);
        return newest.cloned().ok_or_else(|| missing(named, None, &found).into());
    };
    let fitting = found.iter().filter(|programs| programs.major >= least);
    let best = fitting.min_by_key(|programs| programs.major);
    best.cloned().ok_or_else(|| missing(named, major, &found).into())
}

async fn all(run: &Run, named: Option<&Path>) -> Result<Vec<Programs>, Halt> {
    let containment = containment(run).await?;
    let mut found = Vec::new();
    for folder in candidates(named) {
        if let Some(programs) = ask(run, &folder, &containment).await? {
            found.push(programs);
        }
    }
    Ok(found)
}

fn candidates(named: Option<&Path>) -> Vec<PathBuf> {
    if let Some(folder) = named {
        return vec![folder.to_owned()];
    }
    if let Some(folder) = std::env::var_os("PGBIN").filter(|value| !value.is_empty()) {
        return vec![PathBuf::from(folder)];
    }
    let on_path =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let mut folders: Vec<PathBuf> = on_path;
    let children = |root: &str| {
        let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
        entries.map(|entry| entry.path().join("bin")).collect::<Vec<_>>()
    };
    folders.extend(children("/usr/lib/postgresql"));
    folders.extend(
        children("/usr").into_iter().filter(|path| path.to_string_lossy().starts_with("/usr/pgsql-")),
    );
    folders.retain(|folder| NEEDED.iter().all(|program| find_program(folder.join(program)).is_some()));
    folders
}

/// The first containment that works here.
async fn containment(run: &Run) -> Result<Vec<String>, Halt> {
    for way in CONTAINMENTS {
        let way: Vec<String> =
            bound_to_us().into_iter().chain(way.iter().map(|word| (*word).to_owned())).collect();
        match run.child("true").by_way_of(&way).output(run.stop()).await {
            Ok(output) if output.stopped => return Err(Halt::Stopped),
            Ok(output) if output.status.success() => return Ok(way),
            _ => {}
        }
    }
    Ok(Vec::new())
}

async fn ask(run: &Run, folder: &Path, containment: &[String]) -> Result<Option<Programs>, Halt> {
    if NEEDED.iter().any(|program| find_program(folder.join(program)).is_none()) {
        return Ok(None);
    }
    let answer = run.child(folder.join("postgres")).arg("--version").output(run.stop()).await;
    let Ok(output) = answer else { return Ok(None) };
    if output.stopped {
        return Err(Halt::Stopped);
    }
    Ok(version(&output.stdout).map(|(version, major)| Programs {
        folder: folder.to_owned(),
        version,
        major,
        containment: containment.to_vec(),
    }))
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, and `17beta1`.
fn version(text: &str) -> Option<(String, u32)> {
    let version = text.split("(PostgreSQL)").nth(1)?.split_whitespace().next()?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some((version.to_owned(), digits.parse().ok()?))
}

fn missing(named: Option<&Path>, major: Option<u32>, found: &[Programs]) -> evidence_report::record::Finding {
    let wanted = major.map_or("PostgreSQL".to_owned(), |major| format!("PostgreSQL {major}"));
    let seen: Vec<_> = found.iter().map(|p| format!("{} in {}", p.version, p.folder.display())).collect();
    let package = major.map_or("postgresql".to_owned(), |major| format!("postgresql-{major}"));
    ENVIRONMENT
        .inconclusive("PostgreSQL programs")
        .expected(format!("{} of {wanted} in one folder", NEEDED.join(", ")))
        .observed(match (seen.is_empty(), named) {
            (true, Some(folder)) => format!("not all of them are in {}", folder.display()),
            (true, None) => "found nowhere".to_owned(),
            (false, _) => format!("only {}", seen.join(", ")),
        })
        .remedy(format!("install the package {package}, or name the folder of the programs with --pg-bin"))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_read() {
        assert_eq!(
            version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
            Some(("15.18".into(), 15))
        );
        assert_eq!(version("postgres (PostgreSQL) 17beta1"), Some(("17beta1".into(), 17)));
        assert_eq!(version("something else"), None);
    }
}
