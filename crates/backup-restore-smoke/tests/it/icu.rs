//! Databases whose locale is ICU's: they come back with it, and a machine without it says what it lacks.

use serde_json::Value;

use crate::{
    cluster::{TestCluster, bin_folder_of},
    dumps::file,
    tool::{Ended, Tool},
};

/// A database that sorts by ICU as a whole, and one column by another rule of ICU's.
fn dictionary(cluster: &TestCluster) -> &'static str {
    cluster.sql(
        "postgres",
        "CREATE DATABASE dictionary TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'sv' \
         LC_COLLATE 'C' LC_CTYPE 'C'",
    );
    cluster.sql(
        "dictionary",
        "CREATE COLLATION numeric_order (provider = icu, locale = 'en-u-kn'); \
         CREATE TABLE words (word text PRIMARY KEY, chapter text COLLATE numeric_order); \
         INSERT INTO words SELECT v || i, 'chapter ' || i FROM generate_series(1, 300) i, unnest('{o,ö,ä,z}'::text[]) v; \
         CREATE INDEX ON words (chapter)",
    );
    "dictionary"
}

fn assert_whole(ended: &Ended, checks: &[&str]) {
    ended.assert_code(0);
    for check in checks {
        assert!(
            ended.findings(check).iter().all(|(outcome, ..)| outcome == "passed"),
            "{check}: {}",
            ended.everything()
        );
    }
}

#[test]
fn a_database_of_icu_comes_back_with_its_locale_from_every_kind_of_backup() {
    let (cluster, tool) = (TestCluster::archiving(&[]), Tool::new());
    let database = dictionary(&cluster);
    let source = cluster.conninfo(database);
    assert_whole(&tool.run(&["rehearse", "--source", &source]), &["restore.content", "restore.schema"]);
    // A dump made before, proven by its fingerprint.
    let (dump, fingerprint) = (tool.path("dump"), tool.path("dump.json"));
    let (dump, fingerprint) = (dump.to_str().unwrap(), fingerprint.to_str().unwrap());
    let command = ["--", "pg_dump", "--snapshot={snapshot}", "--create", "--format=custom", "--file", dump];
    let mut making = tool.bare();
    making.args(["fingerprint", "--source", &source, "-o", fingerprint]).args(command).arg(&source);
    tool.finish(tool.start(making)).assert_code(0);
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(fingerprint).unwrap()).unwrap();
    assert!(kept["objects"].to_string().contains(r#""locale":"sv""#), "{kept:#}");
    let ended = tool.run(&["rehearse", "--backup", dump, "--fingerprint", fingerprint]);
    assert_whole(&ended, &["restore.content", "restore.schema"]);
    // A base backup, whose indexes are looked at in the order of ICU.
    let ended = tool.run(&["rehearse", "--source", &source, "--method", "base-backup"]);
    assert_whole(&ended, &["integrity.amcheck"]);
    tool.assert_nothing_left();
}

#[test]
fn programs_without_icu_are_this_machines_lack_and_not_the_backups() {
    let Some(bin) = bin_folder_of(17) else {
        println!("skipped: PostgreSQL 17 is not here; scripts/postgres-wheels fetches it");
        return;
    };
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = dictionary(&cluster);
    let without = TestCluster::start_from(bin);
    if without.accepts("CREATE COLLATION ours (provider = icu, locale = 'sv')") {
        println!("skipped: this PostgreSQL 17 was built with ICU");
        return;
    }
    let lacks = |ended: &Ended| {
        ended.assert_code(3);
        let lacks = ended.findings("rehearsal.environment");
        assert!(lacks.iter().any(|(_, _, said)| said.contains("ICU")), "{lacks:?}");
        assert!(ended.everything().contains("same ICU"), "{}", ended.everything());
    };
    let dump = file(&tool, "dump", &cluster.dump("pg_dump", &["--create", "--format=custom", database]));
    let bin = without.bin().to_str().unwrap();
    lacks(&tool.run(&["rehearse", "--backup", &dump, "--pg-bin", bin]));
    let plain = file(&tool, "plain.sql", &cluster.dump("pg_dump", &["--create", database]));
    lacks(&tool.run(&["rehearse", "--backup", &plain, "--pg-bin", bin]));
    // A server for rehearsals that has none.
    let (source, target) = (cluster.conninfo(database), without.conninfo("postgres"));
    lacks(&tool.run(&["rehearse", "--source", &source, "--target", &target]));
    assert_eq!(without.sql("postgres", "SELECT count(*) FROM pg_database WHERE datname ~ '^ops'"), "0");
    tool.assert_nothing_left();
}
