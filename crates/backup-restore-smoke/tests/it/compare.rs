//! Fingerprints in files, a backup of the same snapshot, and two databases held against each other.

use std::os::unix::fs::PermissionsExt;

use crate::{cluster::TestCluster, tool::Tool};

/// A copy of the shop, changed by this SQL.
fn changed(cluster: &TestCluster, sql: &str) -> (String, String) {
    let shop = cluster.shop();
    cluster.sql(shop, "CREATE TABLE shop.keyless AS SELECT 1 AS a");
    cluster.sql("postgres", "CREATE DATABASE changed TEMPLATE shop");
    cluster.sql("changed", sql);
    (cluster.conninfo(shop), cluster.conninfo("changed"))
}

#[test]
fn the_differing_rows_of_two_databases_are_found_by_their_keys() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let (one, other) = changed(
        &cluster,
        "UPDATE shop.customers SET name = 'secret-value' WHERE id = 77; DELETE FROM shop.customers WHERE id = 99; \
         INSERT INTO shop.customers VALUES (4711, 'secret-value'); UPDATE shop.keyless SET a = 2",
    );
    let ended = tool.run(&["compare", &one, &other]);
    ended.assert_code(2);
    let said = |subject: &str, ended: &crate::tool::Ended| {
        ended.findings("restore.content").into_iter().find(|f| f.1 == subject).unwrap().2
    };
    let rows = said("shop.customers", &ended);
    assert!(
        rows.contains("1 row changed: ")
            && rows.contains("1 row missing: ")
            && rows.contains("1 row too many: "),
        "{rows}"
    );
    assert!(!ended.everything().contains("4711") && !ended.everything().contains("secret-value"), "{rows}");
    assert!(said("shop.keyless", &ended).contains("no primary key"), "{}", ended.everything());
    let again = tool.run(&["compare", &one, &other]);
    assert_ne!(rows, said("shop.customers", &again), "the hashes of another run are others");
    let shown = tool.run(&["compare", &one, &other, "--show-values"]);
    let rows = said("shop.customers", &shown);
    assert!(
        rows.contains("changed: (77)") && rows.contains("missing: (99)") && rows.contains("too many: (4711)"),
        "{rows}"
    );
    assert!(!shown.everything().contains("secret-value"), "only keys are shown");
    tool.run(&["compare", &one, &one]).assert_code(0);
    tool.assert_nothing_left();
}

#[test]
fn a_dump_of_the_same_snapshot_restores_to_what_its_fingerprint_says() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let shop = cluster.shop();
    let source = cluster.conninfo(shop);
    let (dump, kept) = (tool.path("shop.dump"), tool.path("shop.json"));
    let pg_dump = cluster.bin().join("pg_dump");
    let file = format!("--file={}", dump.display());
    let make = |more: &[&str]| {
        let mut arguments = vec!["fingerprint", "--source", source.as_str(), "-o", kept.to_str().unwrap()];
        arguments.extend(["--", pg_dump.to_str().unwrap(), "--snapshot={snapshot}", "--format=custom"]);
        arguments.extend(more);
        // What the tool itself is told stands before the dashes.
        let mut command = tool.bare();
        command.args(["--evidence", "none", "--quiet"]).args(&arguments);
        command.output().unwrap()
    };
    let made = make(&[&file]);
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    // What is written afterwards is in neither.
    cluster.sql(shop, "DELETE FROM shop.customers; ALTER TABLE shop.orders ADD COLUMN late int");
    cluster.sql("postgres", "CREATE DATABASE restored TEMPLATE template0");
    let restored = std::process::Command::new(cluster.bin().join("pg_restore"))
        .args(["--dbname", &cluster.conninfo("restored")])
        .arg(&dump)
        .output()
        .unwrap();
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let file_name = kept.to_str().unwrap();
    tool.run(&["compare", file_name, &cluster.conninfo("restored")]).assert_code(0);
    let ended = tool.run(&["compare", file_name, &source]);
    ended.assert_code(2);
    let tables = ended.findings("restore.content");
    assert!(
        tables
            .iter()
            .any(|(_, table, said)| table == "shop.customers" && said.starts_with("500 rows missing"))
    );
    assert!(ended.findings("restore.schema").iter().any(|(.., said)| said.contains("column \"late\"")));
    // A command that fails leaves no fingerprint that could be taken for its backup's.
    assert_eq!(make(&["--file=/nowhere/at/all"]).status.code(), Some(2));
    assert!(!kept.exists());
    // So does one whose dump nobody keeps.
    assert_eq!(make(&[]).status.code(), Some(3));
    assert!(!kept.exists());
    tool.assert_nothing_left();
}

#[test]
fn a_role_that_may_only_read_sees_the_same_as_a_superuser() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let shop = cluster.shop();
    cluster.sql(
        "postgres",
        "CREATE ROLE reader LOGIN; GRANT pg_read_all_data TO reader; ALTER ROLE reader BYPASSRLS",
    );
    cluster.sql(shop, "ALTER TABLE shop.customers ENABLE ROW LEVEL SECURITY");
    let keep = |source: &str, name: &str| {
        let path = tool.path(name);
        tool.run(&["fingerprint", "--source", source, "-o", path.to_str().unwrap()]).assert_code(0);
        path
    };
    let superuser = keep(&cluster.conninfo(shop), "one.json");
    let reader = keep(&cluster.conninfo(shop).replace("user=postgres", "user=reader"), "two.json");
    let ended = tool.run(&["compare", superuser.to_str().unwrap(), reader.to_str().unwrap(), "--cluster"]);
    ended.assert_code(0);
}

/// An extension that marks a table and a sequence of its own as configuration, of which a part is its own.
const CONFIGURED: &str = "CREATE EXTENSION hstore; CREATE TABLE shop.config (id int PRIMARY KEY, said text, standard bool); \
    INSERT INTO shop.config SELECT i, 'x', i < 20 FROM generate_series(1, 40) AS i; \
    CREATE TABLE shop.cache (a int); CREATE SEQUENCE shop.counter; \
    ALTER EXTENSION hstore ADD TABLE shop.config; ALTER EXTENSION hstore ADD TABLE shop.cache; \
    ALTER EXTENSION hstore ADD SEQUENCE shop.counter; \
    UPDATE pg_extension SET extconfig = ARRAY['shop.config'::regclass::oid, 'shop.counter'::regclass], \
        extcondition = ARRAY['WHERE NOT config.standard -- its own', ''] WHERE extname = 'hstore'";

#[test]
fn rows_of_an_extensions_configuration_are_compared_as_far_as_a_dump_carries_them() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let shop = cluster.shop();
    cluster.sql(shop, CONFIGURED);
    cluster.sql("postgres", "CREATE DATABASE copy TEMPLATE shop");
    let kept = tool.path("shop.json").display().to_string();
    let source = cluster.conninfo(shop);
    tool.run(&["fingerprint", "--row-buckets", "--source", &source, "-o", &kept]).assert_code(0);
    let copy = cluster.conninfo("copy");
    cluster
        .sql("copy", "UPDATE shop.config SET said = 'y' WHERE standard; INSERT INTO shop.cache VALUES (1)");
    let same = tool.run(&["compare", &source, &copy]);
    same.assert_code(0);
    let derived = same.findings("restore.derived");
    assert!(derived.iter().any(|(_, subject, _)| subject == "shop.cache"), "{derived:?}");
    cluster.sql("copy", "UPDATE shop.config SET said = 'y' WHERE id = 30; SELECT setval('shop.counter', 7)");
    for (expected, which) in [(&source, "1 row changed"), (&kept, "within 1 of 2 buckets")] {
        let ended = tool.run(&["compare", expected, &copy]);
        ended.assert_code(2);
        let content = ended.finding("restore.content");
        assert!(content.1 == "shop.config" && content.2.contains(which), "{content:?}");
        assert_eq!(ended.finding("restore.sequences").1, "shop.counter");
    }
    tool.assert_nothing_left();
}

#[test]
fn a_foreign_key_that_only_the_copy_does_not_enforce_is_a_difference() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let shop = cluster.shop();
    cluster.sql(
        shop,
        "CREATE TABLE shop.paid (id int, at date, CONSTRAINT of_order FOREIGN KEY (id, at) REFERENCES shop.orders); \
         CREATE TABLE shop.wished (by int CONSTRAINT of_customer REFERENCES shop.customers) PARTITION BY LIST (by); \
         CREATE TABLE shop.wished_1 PARTITION OF shop.wished FOR VALUES IN (1)",
    );
    for (disable, subject, key) in [
        ("ALTER TABLE shop.paid DISABLE TRIGGER ALL", "table shop.paid", "of_order"),
        ("ALTER TABLE shop.orders_new DISABLE TRIGGER ALL", "table shop.paid", "of_order"),
        ("ALTER TABLE shop.wished_1 DISABLE TRIGGER ALL", "table shop.wished_1", "of_customer"),
    ] {
        for statement in ["DROP DATABASE IF EXISTS copy", "CREATE DATABASE copy TEMPLATE shop"] {
            cluster.sql("postgres", statement);
        }
        cluster.sql("copy", disable);
        let (source, copy) = (cluster.conninfo(shop), cluster.conninfo("copy"));
        let ended = tool.run(&["compare", &source, &copy]);
        ended.assert_code(2);
        let (_, what, observed) = ended.finding("restore.constraints");
        assert!(what == subject && observed.contains(&format!("constraint \"{key}\": on ")), "{observed}");
        // No dump carries it: restored from one, the key is enforced, and that is no fault.
        tool.run(&["compare", &copy, &source]).assert_code(0);
        tool.run(&["compare", &copy, &source, "--cluster"]).assert_code(2);
    }
}

#[test]
fn what_a_cluster_says_of_its_roles_is_compared_and_no_value_is_told() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let shop = cluster.shop();
    cluster.sql("postgres", "CREATE ROLE clerk");
    let kept = tool.path("shop.json").display().to_string();
    let source = cluster.conninfo(shop);
    tool.run(&["fingerprint", "--source", &source, "-o", &kept]).assert_code(0);
    for (change, back, subject) in [
        ("ALTER ROLE clerk SET shop.key = 'hunter2'", "ALTER ROLE clerk RESET ALL", "role clerk"),
        ("ALTER ROLE ALL SET shop.key = 'hunter2'", "ALTER ROLE ALL RESET ALL", "every role"),
        ("ALTER ROLE postgres SET shop.key = 'hunter2'", "ALTER ROLE postgres RESET ALL", "role postgres"),
        ("COMMENT ON ROLE clerk IS 'hunter2'", "COMMENT ON ROLE clerk IS NULL", "role clerk"),
        (
            "GRANT SET ON PARAMETER log_statement TO clerk",
            "REVOKE SET ON PARAMETER log_statement FROM clerk",
            "parameter log_statement",
        ),
    ] {
        tool.run(&["compare", &kept, &source, "--cluster"]).assert_code(0);
        cluster.sql("postgres", change);
        let ended = tool.run(&["compare", &kept, &source, "--cluster"]);
        ended.assert_code(2);
        let failed: Vec<_> =
            ended.findings("restore.grants").into_iter().filter(|f| f.0 == "failed").collect();
        assert!(failed.len() == 1 && failed[0].1 == subject, "{change}: {failed:?}");
        assert!(!ended.everything().contains("hunter2"), "{}", ended.everything());
        tool.run(&["compare", &kept, &source]).assert_code(0);
        cluster.sql("postgres", back);
    }
}

#[test]
fn where_a_column_is_declared_and_security_labels_are_compared() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let (source, copy) = {
        let shop = cluster.shop();
        cluster.sql(shop, "CREATE TABLE shop.large () INHERITS (shop.customers)");
        cluster.sql("postgres", "CREATE DATABASE copy TEMPLATE shop");
        (cluster.conninfo(shop), cluster.conninfo("copy"))
    };
    tool.run(&["rehearse", "--source", &source]).assert_code(0);
    cluster.sql(
        "copy",
        "ALTER TABLE shop.large NO INHERIT shop.customers; ALTER TABLE shop.large INHERIT shop.customers; \
         SET allow_system_table_mods = on; \
         INSERT INTO pg_seclabel VALUES ('shop.large'::regclass, 'pg_class'::regclass, 1, 'dummy', 'hunter2')",
    );
    let ended = tool.run(&["compare", &source, &copy]);
    ended.assert_code(2);
    let (_, subject, observed) = ended.finding("restore.schema");
    assert!(
        subject == "table shop.large" && observed.contains("column \"id\": integer not null"),
        "{observed}"
    );
    let label = ended.finding("restore.grants");
    assert!(label.1 == "security label on table column shop.large.id", "{label:?}");
    assert!(!ended.everything().contains("hunter2"), "{}", ended.everything());
}

#[test]
fn what_cannot_be_used_is_refused() {
    let tool = Tool::new();
    let broken =
        tool.file("broken.json", "{\"format\": \"backup-restore-smoke/fingerprint/v2\",\n \"colour\": 1}");
    for (arguments, said) in [
        (vec!["compare", broken.to_str().unwrap(), broken.to_str().unwrap()], "line 2"),
        (vec!["compare", "nowhere.json", "nowhere.json"], "nowhere.json"),
        (vec!["fingerprint", "--embedded", "--", "true"], "-o FILE"),
        (vec!["fingerprint", "--embedded", "-o", "x.json", "--", "true"], "{snapshot}"),
    ] {
        let mut command = tool.bare();
        let output = command.args(["--evidence", "none"]).args(&arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(3) && stderr.contains(said), "{arguments:?}: {stderr}");
    }
    tool.assert_nothing_left();
}

#[test]
fn a_large_table_has_the_same_digest_over_one_connection_and_over_several() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    // More than 64 MB in few rows.
    cluster.sql(
        "postgres",
        "CREATE TABLE large (id int, filler text); ALTER TABLE large ALTER COLUMN filler SET STORAGE PLAIN; \
         INSERT INTO large SELECT i, repeat(md5(i::text), 240) FROM generate_series(1, 9000) AS i; DELETE FROM large WHERE id % 7 = 0",
    );
    let kept = |jobs: &str| {
        let path = tool.path(jobs);
        let source = cluster.conninfo("postgres");
        tool.run(&["fingerprint", "--source", &source, "--jobs", jobs, "-o", path.to_str().unwrap()])
            .assert_code(0);
        let read: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        read["tables"].clone()
    };
    let one = kept("1");
    assert_eq!(one[0]["rows"], 7715, "{one}");
    assert_eq!(one, kept("3"));
}
