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
