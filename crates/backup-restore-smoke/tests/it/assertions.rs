//! What the user asserts about the restored data decides the verdict, and gives no value away.

use crate::{
    cluster::TestCluster,
    tool::{Ended, Tool},
};

/// A rehearsal of the shop with these assertions; `query.sql` lies beside the configuration.
fn rehearsed(assertions: &str, query: &str, more: &[&str]) -> (Tool, Ended) {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    cluster.sql(
        database,
        "CREATE ROLE reader; GRANT USAGE ON SCHEMA shop TO reader; GRANT SELECT ON shop.customers TO reader; \
         CREATE ROLE boss SUPERUSER; CREATE FUNCTION shop.complain() RETURNS int LANGUAGE plpgsql \
         AS $$ BEGIN RAISE EXCEPTION 'card 4111 of customer 7'; END $$",
    );
    std::fs::create_dir(tool.path("ops")).unwrap();
    tool.file("ops/query.sql", query);
    let config = tool.file("ops/rehearsal.yaml", assertions);
    let source = cluster.conninfo(database);
    let mut arguments =
        vec!["rehearse", "--source", &source, "--config", config.to_str().unwrap(), "--rto", "10m"];
    arguments.extend(more);
    let ended = tool.run(&arguments);
    tool.assert_nothing_left();
    (tool, ended)
}

#[test]
fn assertions_that_hold_pass_and_count_into_the_recovery_time() {
    let (_tool, ended) = rehearsed(
        "assertions:\n- { name: file, file: query.sql, expect: empty, role: reader }\n\
         - { name: rows, sql: 'SELECT * FROM shop.orders WHERE at < ''2024-06-02''', expect: { rows: 5 } }\n\
         - { name: many, sql: 'TABLE shop.orders', expect: { at_least: 2000 } }\n\
         - { name: truth, sql: 'SELECT pg_sleep(0.3) IS NOT NULL', expect: true }\n\
         - { name: read only, sql: 'SHOW transaction_read_only', expect: { value: 'on' }, kind: advisory }\n\
         - { name: value, sql: 'SELECT count(*) FROM shop.customers; -- all', expect: { value: '500' } }\n",
        "-- customers without a name\nSELECT id\nFROM shop.customers WHERE name = '';\n",
        &[],
    );
    let findings = ended.findings("restore.assertions");
    let outcome = |name: &str| findings.iter().find(|(_, subject, _)| subject == name).unwrap().0.clone();
    for name in ["file", "rows", "many", "truth", "value"] {
        assert_eq!(outcome(name), "passed", "{findings:?}");
    }
    // SHOW is no query that a cursor takes.
    assert_eq!(outcome("read only"), "warned", "{findings:?}");
    ended.assert_code(1);
    let stages = ended.report["timeline"]["stages"].as_array().unwrap();
    let end =
        |name: &str| stages.iter().find(|stage| stage["name"] == name).unwrap()["end_ms"].as_f64().unwrap();
    let measured = ended.report["measurements"].as_array().unwrap();
    let recovery = measured.iter().find(|one| one["metric"] == "recovery_time_seconds").unwrap();
    let recovery: f64 = recovery["value"].as_str().unwrap().parse().unwrap();
    let achieved = (end("mandatory assertions") - end("incident")) / 1000.0;
    assert!((recovery - achieved).abs() < 0.01 && achieved > 0.3, "{recovery} {achieved}");
}

#[test]
fn a_mandatory_one_that_does_not_hold_means_that_nothing_is_recovered() {
    let (tool, ended) = rehearsed(
        "assertions:\n- { name: nobody, sql: 'SELECT 1 FROM shop.customers', expect: empty }\n\
         - { name: advice, sql: 'SELECT name FROM shop.customers WHERE id = 7', expect: { value: other }, kind: advisory }\n",
        "",
        &[],
    );
    ended.assert_code(2);
    let findings = ended.findings("restore.assertions");
    assert!(
        findings.iter().any(|(outcome, subject, _)| outcome == "failed" && subject == "nobody"),
        "{findings:?}"
    );
    assert!(
        findings.iter().any(|(outcome, subject, _)| outcome == "warned" && subject == "advice"),
        "{findings:?}"
    );
    assert_eq!(ended.finding("recovery.time").0, "not_checked");
    assert!(!ended.everything().contains("customer 7"), "a row's value left the database");
    assert!(tool.notes().contains("### Risk note: restore.assertions, nobody"), "{}", tool.notes());
}

#[test]
fn errors_say_the_line_and_no_values_and_a_timeout_is_inconclusive() {
    let (tool, ended) = rehearsed(
        "assertions:\n- { name: typing error, file: query.sql, expect: empty, kind: advisory }\n\
         - { name: forbidden, sql: TABLE shop.orders, expect: empty, role: reader, kind: advisory }\n\
         - { name: raised, sql: SELECT shop.complain(), expect: empty, kind: advisory }\n\
         - { name: two, sql: 'SELECT 1; DROP TABLE shop.customers', expect: { rows: 1 }, kind: advisory }\n\
         - { name: writes, sql: 'WITH gone AS (DELETE FROM shop.customers RETURNING *) SELECT * FROM gone', expect: empty, kind: advisory }\n\
         - { name: slow, sql: 'SELECT pg_sleep(60)', expect: { rows: 1 }, timeout: 200ms }\n",
        "SELECT id\nFROM shop.customers\nWHERE nmae = '4111'\n",
        &["--show-values"],
    );
    let findings = ended.findings("restore.assertions");
    let said = |name: &str| {
        let (outcome, _, observed) = findings.iter().find(|(_, subject, _)| subject == name).unwrap();
        format!("{outcome}: {observed}")
    };
    assert!(
        said("typing error").starts_with("warned: line 3: column \"nmae\" does not exist (SQLSTATE 42703"),
        "{findings:?}"
    );
    assert!(said("forbidden").contains("SQLSTATE 42501"), "{findings:?}");
    assert!(said("raised").contains("SQLSTATE P0001"), "{findings:?}");
    assert!(said("two").contains("SQLSTATE 42601"), "{findings:?}");
    assert!(
        said("writes").contains("SQLSTATE 0A000") || said("writes").contains("SQLSTATE 25006"),
        "{findings:?}"
    );
    assert!(said("slow").starts_with("inconclusive: it ran longer than 0.2 s"), "{findings:?}");
    ended.assert_code(3);
    assert_eq!(ended.finding("restore.content").0, "passed", "an assertion wrote into the copy");
    assert!(!ended.report.to_string().contains("4111"), "{}", ended.everything());
    assert!(std::fs::read_to_string(tool.path("evidence.md")).unwrap().contains("query.sql:3"));
}

#[test]
fn a_query_that_is_none_says_nothing_about_the_backup() {
    let (_tool, ended) = rehearsed(
        "assertions:\n- { name: none, sql: SELEC 1, expect: true }\n- { name: two, sql: SELECT 1; SELECT 2, expect: { rows: 1 } }\n\
         - { name: writes, sql: TABLE shop.customers FOR UPDATE, expect: { rows: 1 } }\n\
         - { name: advice, sql: SHOW, expect: empty, kind: advisory }\n",
        "",
        &[],
    );
    ended.assert_code(3);
    for (outcome, subject, observed) in ended.findings("restore.assertions") {
        let wanted = if subject == "advice" { "warned" } else { "inconclusive" };
        assert_eq!(outcome, wanted, "{subject}: {observed}");
    }
    assert_eq!(ended.finding("recovery.time").0, "not_checked");
}

#[test]
fn a_role_that_is_missing_or_mighty_is_inconclusive() {
    let (_tool, ended) = rehearsed(
        "assertions:\n- { name: mighty, sql: SELECT 1, expect: { rows: 1 }, role: boss }\n\
         - { name: missing, sql: SELECT 1, expect: { rows: 1 }, role: nobody }\n",
        "",
        &[],
    );
    ended.assert_code(3);
    let findings = ended.findings("restore.assertions");
    assert!(
        findings.iter().any(|(_, _, observed)| observed.contains("\"boss\" is a superuser")),
        "{findings:?}"
    );
    assert!(findings.iter().any(|(_, _, observed)| observed.contains("no role \"nobody\"")), "{findings:?}");
}

#[test]
fn assertions_that_make_no_sense_are_refused_with_their_name() {
    for (assertions, said) in [
        ("- { name: x, expect: empty }", "exactly one of file and sql"),
        ("- { name: x, sql: a, file: b, expect: empty }", "exactly one of file and sql"),
        ("- { name: x, file: nowhere.sql, expect: empty }", "nowhere.sql"),
        ("- { name: x, sql: a, expect: false }", "the other way round"),
        ("- { name: x, sql: a, expect: nothing }", "line 2"),
        ("- { name: x, sql: a, expect: empty }\n- { name: x, sql: a, expect: empty }", "name of its own"),
        ("- { name: x, sql: a, expect: empty, timeout: soon }", "write 90s"),
    ] {
        let tool = Tool::new();
        let config = tool.file("tool.yaml", &format!("assertions:\n{assertions}\n"));
        let arguments = ["rehearse", "--embedded", "--config", config.to_str().unwrap()];
        let output = tool.command(&arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(3) && stderr.contains(said), "{assertions}: {stderr}");
    }
}
