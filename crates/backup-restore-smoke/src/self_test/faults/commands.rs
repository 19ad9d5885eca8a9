//! A backup that commands of the user's list and fetch, as for WAL-G or a snapshot: here `cat` and `cp`. A command
//! that hangs is ended, and nothing is said about the backup; one that fails would fail in an emergency too.

use evidence_report::record::Outcome;

use crate::{
    checks::{BACKUP_CHOSEN, BACKUP_WAL, ENVIRONMENT, RESTORE_CONTENT},
    self_test::{
        farm::{Kept, RESTORE_POINT},
        fault::{Fault, Scene},
        workshop::{Bench, Trouble},
    },
};

/// A worker in the background holds the output open, and would outlive its command.
const HANGS: &str = "[sh, -c, 'sleep 3600 & wait'";

pub(super) static SOUND: Fault = Fault {
    title: "backup and log by commands",
    proves: &RESTORE_CONTENT,
    outcome: Outcome::Passed,
    says: &[],
    build: |bench| Box::pin(sound(bench)),
};

macro_rules! spoilt {
    ($name:ident, $title:literal, $check:ident, $outcome:ident, $says:literal, $key:literal, $command:expr) => {
        pub(super) static $name: Fault = Fault {
            title: $title,
            proves: &$check,
            outcome: Outcome::$outcome,
            says: &[$says],
            build: |bench| Box::pin(spoilt(bench, $key, $command)),
        };
    };
}

spoilt!(
    HUNG_LIST,
    "list of backups that hangs",
    ENVIRONMENT,
    Inconclusive,
    "did not end within 1 s",
    "list",
    HANGS
);
spoilt!(
    HUNG_FETCH,
    "fetch command that hangs",
    ENVIRONMENT,
    Inconclusive,
    "did not end within 1 s",
    "fetch",
    HANGS
);
spoilt!(
    HUNG_WAL,
    "restore_command that hangs",
    ENVIRONMENT,
    Inconclusive,
    "did not end within 1 s",
    "wal",
    HANGS
);
spoilt!(
    FAILING_LIST,
    "list of backups that fails",
    BACKUP_CHOSEN,
    Failed,
    "exit status: 1",
    "list",
    "['false'"
);
spoilt!(
    FAILING_FETCH,
    "fetch command that fails",
    BACKUP_CHOSEN,
    Failed,
    "exit status: 1",
    "fetch",
    "['false'"
);
spoilt!(FAILING_WAL, "restore_command that fails", BACKUP_WAL, Failed, "command.wal said", "wal", "['false'");
spoilt!(
    UNDECIDED_WAL,
    "restore_command that cannot tell",
    ENVIRONMENT,
    Inconclusive,
    "exit status: 200",
    "wal",
    "[sh, -c, 'exit 200'"
);

pub(super) static LOST_WAL: Fault = Fault {
    title: "segment that a restore_command does not have",
    proves: &BACKUP_WAL,
    outcome: Outcome::Failed,
    says: &["No such file or directory"],
    build: |bench| Box::pin(lost(bench)),
};

/// The commands of a store that is well; one of them may be replaced.
fn commands(bench: &Bench<'_>, kept: &Kept, replaced: Option<(&str, &str)>) -> Result<String, Trouble> {
    let list = format!("{{\"label\": \"nightly\", \"finished\": \"{:.0}\"}}\n", jiff::Timestamp::now());
    let list = bench.write("list", &list, 0o600)?;
    let (base, wal) = (kept.base.display(), kept.wal.display());
    let whole = [
        ("list", "[cat", format!(", '{list}']")),
        ("fetch", "[cp, -a", format!(", '{base}/.', '{{data}}', --suffix, '{{label}}']")),
        ("wal", "[cp", format!(", '{wal}/{{segment}}', '{{destination}}']")),
    ];
    let lines = whole.into_iter().map(|(key, command, words)| {
        let command = replaced.filter(|(other, _)| *other == key).map_or(command, |(_, other)| other);
        format!(
            "  {key}: {command}{words}\n  {key}_timeout: {}\n",
            if command == HANGS { "1s" } else { "1m" }
        )
    });
    Ok(lines.collect())
}

async fn sound(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    let expect =
        "DO $$ BEGIN IF (SELECT count(*) FROM shop.placed) <> 20 THEN RAISE 'other rows'; END IF; END $$";
    let step = bench.write("expect.sql", expect, 0o600)?;
    bench.command(&commands(bench, &kept, None)?, &["--target-name", RESTORE_POINT, "--after-restore", &step])
}

async fn spoilt(bench: &Bench<'_>, key: &str, command: &str) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    bench.command(&commands(bench, &kept, Some((key, command)))?, &["--target-lsn", &kept.end])
}

async fn lost(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    let segments = kept.segments()?;
    std::fs::remove_file(&segments[segments.len() - 2])?;
    bench.command(&commands(bench, &kept, None)?, &["--target-lsn", &kept.end])
}
