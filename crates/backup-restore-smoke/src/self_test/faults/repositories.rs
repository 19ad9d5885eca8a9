//! Repositories of pgBackRest and Barman, sound and damaged: where these tools are on this machine.

use evidence_report::record::{Check, Outcome};

use crate::{
    checks::{BACKUP_CHOSEN, BACKUP_VERIFIED, BACKUP_WAL, ENVIRONMENT, RESTORE_CONTENT},
    self_test::{
        farm::{RESTORE_POINT, Stored, Tool},
        fault::{Fault, Scene},
        faults::damage::damage_middle,
        workshop::{Bench, Trouble},
    },
};

/// What is done to the copy of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Nothing,
    /// A lock file that a backup left which died.
    StaleLock,
    LostSegment,
    DamagedSegment,
    DamagedFile,
    OtherName,
    NoneSoOld,
    /// The folder of the backups is empty.
    Emptied,
}

const fn fault(
    title: &'static str,
    (proves, outcome, says): (&'static Check, Outcome, &'static [&'static str]),
    build: crate::self_test::fault::Build,
) -> Fault {
    Fault { title, proves, outcome, says, build }
}

const SOUND: (&Check, Outcome, &[&str]) = (&RESTORE_CONTENT, Outcome::Passed, &[]);

macro_rules! repositories {
    ($($name:ident: $tool:ident, $damage:ident, $title:literal, $expected:expr;)*) => {
        $(pub(super) static $name: Fault =
            fault($title, $expected, |bench| Box::pin(build(bench, Tool::$tool, Damage::$damage)));)*
    };
}

repositories! {
    PGBACKREST: PgBackRest, Nothing, "repository of pgBackRest", SOUND;
    PGBACKREST_LOCKED: PgBackRest, StaleLock, "repository of pgBackRest with a stale lock", SOUND;
    PGBACKREST_LOST_WAL: PgBackRest, LostSegment, "pgBackRest: a segment that was lost",
        (&BACKUP_WAL, Outcome::Failed, &["the archive does not have it"]);
    PGBACKREST_DAMAGED_WAL: PgBackRest, DamagedSegment, "pgBackRest: a segment that was damaged",
        (&BACKUP_WAL, Outcome::Failed, &[]);
    PGBACKREST_DAMAGED_FILE: PgBackRest, DamagedFile, "pgBackRest: a file of the backup that was damaged",
        (&BACKUP_CHOSEN, Outcome::Failed, &["ERROR"]);
    PGBACKREST_OTHER_STANZA: PgBackRest, OtherName, "pgBackRest: another stanza",
        (&BACKUP_CHOSEN, Outcome::Failed, &[]);
    PGBACKREST_NONE_SO_OLD: PgBackRest, NoneSoOld, "pgBackRest: no backup as old as the incident",
        (&BACKUP_CHOSEN, Outcome::Failed, &["younger"]);
    PGBACKREST_EMPTIED: PgBackRest, Emptied, "pgBackRest: a repository without its backups",
        (&BACKUP_CHOSEN, Outcome::Failed, &[]);
    BARMAN: Barman, Nothing, "catalogue of Barman", SOUND;
    BARMAN_LOST_WAL: Barman, LostSegment, "Barman: a segment that was lost",
        (&BACKUP_WAL, Outcome::Failed, &[]);
    BARMAN_DAMAGED_FILE: Barman, DamagedFile, "Barman: a file of the backup that was damaged",
        (&BACKUP_VERIFIED, Outcome::Failed, &[]);
    BARMAN_OTHER_SERVER: Barman, OtherName, "Barman: another server",
        (&ENVIRONMENT, Outcome::Inconclusive, &["no server shed"]);
    BARMAN_NONE_SO_OLD: Barman, NoneSoOld, "Barman: no backup as old as the incident",
        (&BACKUP_CHOSEN, Outcome::Failed, &[]);
}

async fn build(bench: &Bench<'_>, tool: Tool, damage: Damage) -> Result<Scene, Trouble> {
    let stored = bench.repository(tool).await?;
    let (segments, data) = match tool {
        Tool::PgBackRest => ("repo/archive", "repo/backup"),
        Tool::Barman => ("home/shop/wals", "home/shop/base"),
    };
    let is_segment = |name: &str| {
        name.bytes().take(24).filter(u8::is_ascii_hexdigit).count() == 24
            && matches!(name.as_bytes().get(24), None | Some(b'-'))
    };
    // Between the restore point and the last commit.
    let late = || -> Result<_, Trouble> {
        let all = stored.files(segments, is_segment)?;
        Ok(all[all.len().saturating_sub(2)].clone())
    };
    match damage {
        Damage::Nothing | Damage::OtherName | Damage::NoneSoOld => {}
        Damage::StaleLock => {
            std::fs::create_dir_all(stored.folder.join("lock"))?;
            std::fs::write(stored.folder.join("lock/shop-backup-1.lock"), "{}")?;
            std::fs::write(stored.folder.join("lock/shop-restore-1.lock"), "{}")?;
        }
        Damage::LostSegment => std::fs::remove_file(late()?)?,
        Damage::DamagedSegment => damage_middle(&late()?)?,
        Damage::DamagedFile => {
            // pg_class of a template database: always there, with something in its middle.
            let files = stored.files(data, |name| matches!(name, "1259" | "1259.gz"))?;
            damage_middle(&files[0])?;
        }
        Damage::Emptied => std::fs::remove_dir_all(stored.folder.join(data))?,
    }
    Ok(scene(bench, &stored, damage)?.leaving(stored.folder))
}

fn scene(bench: &Bench<'_>, stored: &Stored, damage: Damage) -> Result<Scene, Trouble> {
    let end = ["--target-lsn", &stored.end];
    Ok(match damage {
        Damage::Nothing | Damage::StaleLock => {
            let expect = "DO $$ BEGIN IF (SELECT count(*) FROM shop.placed) <> 20 THEN RAISE 'other rows'; END IF; END $$";
            let step = bench.write("expect.sql", expect, 0o600)?;
            bench.fetch(stored, &["--target-name", RESTORE_POINT, "--after-restore", &step])
        }
        Damage::NoneSoOld => bench.fetch(stored, &["--target-time", "2020-01-01T00:00:00Z"]),
        Damage::OtherName => bench
            .typed(["rehearse", "--until", "immediate"])
            .with_words(stored.words_of("shed"))
            .with_words([crate::self_test::workshop::SHARING_ALLOWED]),
        _ => bench.fetch(stored, &end),
    })
}
