//! Nothing is wrong here, and nothing may be said: a tool that always complains catches every fault.

use evidence_report::record::Outcome;

use super::{
    dumps::{dump, rehearse_backup},
    hold::while_hashing,
    kept::{kept, policy},
};
use crate::{
    checks::RESTORE_CONTENT,
    self_test::{
        farm::{Database, RESTORE_POINT},
        fault::{Fault, Scene},
        meanwhile::{Blow, Meanwhile},
        workshop::{Bench, Trouble},
    },
};

macro_rules! sound {
    ($name:ident, $title:literal, $build:ident) => {
        pub(super) static $name: Fault = Fault {
            title: $title,
            proves: &RESTORE_CONTENT,
            outcome: Outcome::Passed,
            says: &[],
            build: |bench| Box::pin($build(bench)),
        };
    };
}

sound!(DATABASE, "healthy database", database);
sound!(NO_CHECKSUMS, "healthy database without page checksums", no_checksums);
sound!(HAMMERED, "writers hammering the source throughout", hammered);
sound!(LATIN, "database that is not UTF-8", latin);
sound!(ODD_NAMES, "names with quotes, spaces, newlines and emoji", odd_names);
sound!(TABLESPACE, "tablespace", tablespace);
sound!(HURRIED, "role with a statement timeout shorter than the reading", hurried);
sound!(STALE_LOCK, "lock and folders of a run that was killed", stale_lock);
sound!(EMBEDDED, "embedded source", embedded);
sound!(DUMP, "dump with its fingerprint", a_dump);
sound!(SCHEDULE, "backups kept as they should be", schedule);
sound!(BASE_BACKUP, "base backup of a server with a tablespace", base_backup);
sound!(POINT_IN_TIME, "recovery to a restore point", point_in_time);
sound!(HUNG_RESTORE_COMMAND, "base backup whose own restore_command hangs", hung_restore_command);
sound!(FAILING_RESTORE_COMMAND, "base backup whose own restore_command fails", failing_restore_command);
sound!(STALE_PID_FILE, "base backup with the pid file of a dead server", stale_pid_file);

async fn database(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let source = bench.shop().await?.conninfo();
    let scene = bench.rehearse(source).with_words(["--rto", "10m", "--rpo", "24h", "--backup-age", "1h"]);
    Ok(bench.with_own_initdb(scene))
}

async fn no_checksums(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    Ok(bench.with_own_initdb(bench.rehearse(bench.plain_shop().await?.conninfo())))
}

async fn hammered(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let writes = "INSERT INTO shop.customers (name) SELECT 'w' FROM generate_series(1, 10); \
                  UPDATE shop.orders SET note = note || '.' WHERE id % 100 = (random() * 100)::int; \
                  DELETE FROM shop.orders WHERE id = (random() * 2000)::int; SELECT pg_sleep(0.002)";
    let writers = [database.hammering(writes.to_owned()), database.hammering(writes.to_owned())];
    Ok(bench.rehearse(database.conninfo()).holding(writers))
}

async fn latin(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let options = "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'";
    let database = bench.empty(&bench.name("latin"), options).await?;
    database.sql("CREATE TABLE \"caf\u{e9}\" AS SELECT 'na\u{ef}ve'::text AS word, i FROM generate_series(1, 9) AS i").await?;
    Ok(bench.rehearse(database.conninfo()))
}

async fn odd_names(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.empty("we\"ird 'na\\me' \u{1f600}", "").await?;
    let statements = "CREATE ROLE \"ro'le \"\"of\"\" \u{1f600}\"; CREATE SCHEMA \"s c\"\"h\nema\"; \
                      CREATE TABLE \"s c\"\"h\nema\".\"ta'ble; --\n\u{1f600}\" (\"col\"\"umn\n1\" serial PRIMARY KEY, \"select\" text); \
                      INSERT INTO \"s c\"\"h\nema\".\"ta'ble; --\n\u{1f600}\" (\"select\") VALUES (E'\\\\.\\n'), (''), (NULL); \
                      ALTER TABLE \"s c\"\"h\nema\".\"ta'ble; --\n\u{1f600}\" OWNER TO \"ro'le \"\"of\"\" \u{1f600}\"";
    database.sql(statements).await?;
    Ok(bench.rehearse(database.conninfo()))
}

async fn tablespace(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let folder = with_tablespace(bench, &database).await?;
    Ok(bench.rehearse(database.conninfo()).leaving(folder.into()))
}

/// Puts a table into a tablespace, and says where that is.
async fn with_tablespace(bench: &Bench<'_>, database: &Database) -> Result<String, Trouble> {
    let folder = bench.make_folder("tablespace")?;
    bench.isolation().give_folder(bench.run, folder.as_ref()).await?;
    let space = bench.name("space");
    database.sql(&format!("CREATE TABLESPACE {space} LOCATION '{folder}'")).await?;
    database.sql(&format!("CREATE TABLE shop.far TABLESPACE {space} AS SELECT * FROM shop.prices")).await?;
    // So that the source itself has nothing to write there any more.
    database.sql("VACUUM (FREEZE) shop.far").await?;
    database.sql("CHECKPOINT").await?;
    Ok(folder)
}

async fn hurried(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let role = bench.name("hurried");
    let statements = format!(
        "CREATE ROLE {role} LOGIN IN ROLE pg_read_all_data; GRANT SELECT ON LARGE OBJECT {} TO {role}; \
         ALTER ROLE {role} SET statement_timeout = '500ms'; ALTER ROLE {role} SET idle_in_transaction_session_timeout = '500ms'; \
         CREATE TABLE shop.one AS SELECT 1 AS a",
        database.value("SELECT max(oid) FROM pg_largeobject_metadata").await?
    );
    database.sql(&statements).await?;
    while_hashing(&database, "shop.one", "PERFORM pg_sleep(0.8);").await?;
    Ok(bench.rehearse(database.conninfo_as(&role)))
}

async fn stale_lock(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kill = Meanwhile::In("restore: pg_restore", Blow::KillAndAgain);
    Ok(bench.rehearse(bench.shop().await?.conninfo()).meanwhile(kill))
}

async fn embedded(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    Ok(bench.typed(["rehearse", "--embedded", "--embedded-size", "10MB"]))
}

async fn base_backup(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.own_shop("spaced", true).await?;
    let folder = with_tablespace(bench, &database).await?;
    Ok(bench.rehearse(database.conninfo()).with_words(["--method", "base-backup"]).leaving(folder.into()))
}

async fn point_in_time(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    let expect =
        "DO $$ BEGIN IF (SELECT count(*) FROM shop.placed) <> 20 THEN RAISE 'other rows'; END IF; END $$";
    let step = bench.write("expect.sql", expect, 0o600)?;
    Ok(bench.recover(&kept, &["--target-name", RESTORE_POINT, "--after-restore", &step]))
}

async fn hung_restore_command(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    with_restore_command(bench, "sleep 3600").await
}

async fn failing_restore_command(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    with_restore_command(bench, "exit 1").await
}

/// What a backup brings of its server's settings must decide nothing.
async fn with_restore_command(bench: &Bench<'_>, command: &str) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    let settings = format!(
        "restore_command = '{command}'\nrecovery_end_command = '{command}'\nrecovery_target_name = 'x'\n"
    );
    std::fs::write(kept.base.join("postgresql.auto.conf"), settings)?;
    Ok(bench.recover_all(&kept))
}

async fn stale_pid_file(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let kept = bench.history().await?;
    std::fs::remove_file(kept.base.join("backup_manifest"))?;
    std::fs::write(kept.base.join("postmaster.pid"), "1\n/var/lib/postgresql/data\n")?;
    // Without a manifest something else has to say what it should hold.
    let assertion =
        "assertions:\n- { name: customers, sql: 'SELECT * FROM shop.customers', expect: { at_least: 1 } }\n";
    let config = bench.write("rehearsal.yaml", assertion, 0o600)?;
    Ok(bench.recover_all(&kept).with_words(["--config", &config]))
}

async fn a_dump(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let database = bench.shop().await?;
    let fingerprint = bench.fingerprint(&database).await?;
    let backup = dump(bench, &database, &["--format=custom"]).await?;
    Ok(rehearse_backup(bench, &backup).with_words(["--fingerprint", &fingerprint]))
}

async fn schedule(bench: &Bench<'_>) -> Result<Scene, Trouble> {
    let pattern = kept(bench, &[(2, 1000), (26, 990), (50, 980), (74, 970)])?;
    let rules =
        ["--newest-age", "26h", "--interval", "24h", "--interval-over", "3d", "--maximum-drop", "50%"];
    Ok(policy(bench, &pattern, &rules).with_words(["--redundancy", "3", "--minimum-size", "500B"]))
}
