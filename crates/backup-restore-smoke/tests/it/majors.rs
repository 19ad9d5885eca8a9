//! The same content gives the same fingerprint whatever the major version. `scripts/postgres-wheels` fetches the
//! versions that are not installed; without them this says that it was skipped.

use std::path::Path;

use serde_json::Value;

use crate::{
    cluster::{TestCluster, bin_folder, bin_folder_of},
    tool::{Ended, Tool},
};

/// The installed version, and those that were fetched.
fn servers() -> Vec<TestCluster> {
    let others = [17, 18].into_iter().filter_map(bin_folder_of);
    others.chain([bin_folder()]).map(TestCluster::start_from).collect()
}

fn kept(tool: &Tool, cluster: &TestCluster, database: &str, name: &str) -> Value {
    let path = tool.path(name);
    let ended =
        tool.run(&["fingerprint", "--source", &cluster.conninfo(database), "-o", path.to_str().unwrap()]);
    ended.assert_code(0);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn compared(tool: &Tool, one: &str, other: &str) -> Ended {
    let (one, other) = (tool.path(one), tool.path(other));
    // Another version of an extension warns, and that is right.
    tool.run(&[
        "compare",
        one.to_str().unwrap(),
        other.to_str().unwrap(),
        "--cluster",
        "--fail-on",
        "failure",
    ])
}

#[test]
fn a_hostile_schema_has_the_same_fingerprint_in_every_major_version() {
    let (servers, tool) = (servers(), Tool::new());
    if servers.len() == 1 {
        println!("skipped: no other major version is here; scripts/postgres-wheels fetches them");
    }
    let mut seen: Vec<Value> = Vec::new();
    for (index, cluster) in servers.iter().enumerate() {
        cluster.sql("postgres", "CREATE DATABASE hostile TEMPLATE template0");
        cluster.file("hostile", &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/hostile.sql"));
        let fingerprint = kept(&tool, cluster, "hostile", &format!("{index}.json"));
        assert_eq!(fingerprint["tables"].as_array().unwrap().len(), 17, "{}", fingerprint["tables"]);
        assert!(fingerprint["objects"]["schema"].as_object().unwrap().len() > 60);
        // A foreign server's and a user mapping's options are nobody else's business.
        let text = fingerprint.to_string();
        assert!(!text.contains("option-value") && !text.contains("mapping-value"));
        if let Some(first) = seen.first() {
            assert_eq!(first["tables"], fingerprint["tables"]);
            assert_eq!(first["sequences"], fingerprint["sequences"]);
        }
        for earlier in 0..index {
            let ended = compared(&tool, &format!("{earlier}.json"), &format!("{index}.json"));
            ended.assert_code(0);
        }
        seen.push(fingerprint);
    }
}

#[test]
fn xml_has_the_same_digest_where_the_server_knows_it() {
    let (servers, tool) = (servers(), Tool::new());
    let mut seen: Vec<Value> = Vec::new();
    for (index, cluster) in servers.iter().enumerate() {
        if !cluster.accepts("SELECT '<a/>'::xml") {
            continue;
        }
        cluster.sql("postgres", "CREATE TABLE x AS SELECT '<a b=\"c\">x &amp; y</a>'::xml AS x");
        seen.push(kept(&tool, cluster, "postgres", &format!("{index}.json"))["tables"].clone());
    }
    assert!(!seen.is_empty() && seen.iter().all(|tables| *tables == seen[0]), "{seen:?}");
}

#[test]
fn a_dump_of_a_hostile_schema_restores_to_the_same_in_every_major_version() {
    let tool = Tool::new();
    for cluster in servers() {
        cluster.sql("postgres", "CREATE DATABASE hostile TEMPLATE template0");
        cluster.file("hostile", &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/hostile.sql"));
        let pg_bin = cluster.bin().to_str().unwrap();
        let ended = tool.run(&[
            "rehearse",
            "--source",
            &cluster.conninfo("hostile"),
            "--pg-bin",
            pg_bin,
            "--jobs",
            "2",
        ]);
        ended.assert_code(0);
        for check in ["schema", "constraints", "indexes", "row_security", "grants", "comments", "extensions"]
        {
            assert_eq!(ended.finding(&format!("restore.{check}")).0, "passed", "{}", ended.everything());
        }
        tool.assert_nothing_left();
    }
}

/// Compressions of PostgreSQL 16 and later inside of archives: read through to their end, and restored where the
/// programs of this machine can; where they cannot, that says nothing about the backup.
#[test]
fn archives_compressed_by_zstd_and_lz4_are_restored_and_what_cannot_read_them_is_no_bad_backup() {
    let Some(bin) = bin_folder_of(17) else {
        println!("skipped: PostgreSQL 17 is not here; scripts/postgres-wheels fetches it");
        return;
    };
    let (cluster, tool) = (TestCluster::start_from(bin.clone()), Tool::new());
    let database = cluster.shop();
    cluster.sql(database, "SELECT lo_from_bytea(0, 'one'), lo_from_bytea(0, 'two')");
    let fingerprint = tool.path("shop.json").display().to_string();
    let taken = tool.run(&["fingerprint", "--source", &cluster.conninfo(database), "-o", &fingerprint]);
    taken.assert_code(0);
    let rehearse = |path: &str, bin: &Path| {
        let bin = bin.to_str().unwrap();
        tool.run(&["rehearse", "--backup", path, "--fingerprint", &fingerprint, "--pg-bin", bin])
    };
    for (format, compression) in
        [("custom", "zstd:3"), ("directory", "zstd:3"), ("custom", "lz4:1"), ("directory", "lz4:1")]
    {
        let path = tool.path(&format!("{format}-{compression}").replace(':', "-")).display().to_string();
        let (format, compression) = (format!("--format={format}"), format!("--compress={compression}"));
        cluster.dump("pg_dump", &[&format, &compression, "--file", &path, database]);
        let ended = rehearse(&path, &bin);
        ended.assert_code(0);
        assert_eq!(ended.finding("restore.content").0, "passed");
        assert!(ended.findings("restore.rows").iter().all(|(outcome, ..)| outcome == "passed"));
        // Programs that are older, and programs that were built without this compression.
        for other in [bin_folder_of(15), bin_folder_of(18)].into_iter().flatten() {
            let ended = rehearse(&path, &other);
            ended.assert_code(3);
            let lacks = ended.findings("rehearsal.environment");
            assert!(
                lacks.iter().any(|(outcome, ..)| outcome == "inconclusive")
                    && ended.findings("backup.complete").iter().all(|(outcome, ..)| outcome == "passed"),
                "{path} by {}: {}",
                other.display(),
                ended.everything()
            );
        }
        // A part of what is compressed.
        let damaged = damaged(&path);
        let ended = rehearse(&damaged, &bin);
        assert_eq!(ended.assert_code(2).findings("backup.complete")[0].0, "failed", "{path}");
    }
    tool.assert_nothing_left();
}

/// Cuts the largest file of a dump to two thirds.
fn damaged(path: &str) -> String {
    let is_folder = Path::new(path).is_dir();
    let file = match is_folder {
        false => Path::new(path).to_owned(),
        true => {
            let files = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
            files.max_by_key(|file| std::fs::metadata(file).unwrap().len()).unwrap()
        }
    };
    let length = std::fs::metadata(&file).unwrap().len();
    std::fs::File::options().write(true).open(&file).unwrap().set_len(length * 2 / 3).unwrap();
    path.to_owned()
}

#[test]
fn a_not_null_that_children_no_longer_inherit_is_found() {
    let Some(bin) = bin_folder_of(18) else {
        println!("skipped: PostgreSQL 18 is not here; scripts/postgres-wheels fetches it");
        return;
    };
    let (cluster, tool) = (TestCluster::start_from(bin), Tool::new());
    for (database, inherited) in [("one", ""), ("same", ""), ("other", " NO INHERIT")] {
        cluster.sql("postgres", &format!("CREATE DATABASE {database} TEMPLATE template0"));
        cluster.sql(database, &format!("CREATE TABLE parent (a int CONSTRAINT kept NOT NULL{inherited})"));
    }
    let compare = |other: &str| tool.run(&["compare", &cluster.conninfo("one"), &cluster.conninfo(other)]);
    compare("same").assert_code(0);
    let ended = compare("other");
    ended.assert_code(2);
    let (outcome, subject, observed) = ended.finding("restore.constraints");
    assert_eq!(outcome, "failed");
    assert!(format!("{subject} {observed}").contains("kept"), "{subject}: {observed}");
}
