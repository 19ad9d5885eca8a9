//! A script is code that somebody else wrote: it must not reach what belongs to whoever runs the rehearsal.

use std::fs;

use crate::{
    cluster::TestCluster,
    dumps::{changed, file, shop},
    tool::Tool,
};

#[test]
fn commands_of_psql_in_a_script_are_refused_before_anything_runs() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let script = cluster.dump("pg_dump", &[shop(&cluster)]);
    let touched = tool.path("touched");
    let touch = touched.display();
    for hostile in [
        format!("\\! touch {touch}"),
        format!("\\copy shop.odd to program 'touch {touch}'"),
        format!("\\o |touch {touch}"),
        format!("\\set x `touch {touch}`"),
        format!("SELECT 'touch {touch}' \\g |sh"),
        "\\i /etc/passwd".to_owned(),
        "\\connect \"host=127.0.0.1\"".to_owned(),
        format!("COPY shop.odd TO PROGRAM 'touch {touch}';"),
    ] {
        let script = changed(&script, "CREATE SCHEMA shop;", &format!("CREATE SCHEMA shop;\n{hostile}\n"));
        let ended = tool.run(&["rehearse", "--backup", &file(&tool, "hostile.sql", &script)]);
        ended.assert_code(3);
        let (outcome, _, observed) = ended.finding("backup.complete");
        assert!(outcome == "inconclusive" && observed.contains("nothing was run"), "{hostile}: {observed}");
        assert!(!touched.exists(), "{hostile} ran");
    }
    tool.assert_nothing_left();
}

/// Code inside of the database cannot be read by looking at the script: it runs, kept apart.
#[test]
fn code_in_a_script_cannot_write_what_is_ours() {
    if !rustix::process::geteuid().is_root() {
        // Without root there is nobody else's user to run the server as.
        return;
    }
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let precious = tool.file("precious", "mine\n");
    let script = cluster.dump("pg_dump", &[shop(&cluster)]);
    let code = format!(
        "CREATE SCHEMA shop;\nDO $$ BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''cat > {}'''; \
         EXCEPTION WHEN OTHERS THEN NULL; END $$;",
        precious.display()
    );
    let ended = tool.run(&[
        "rehearse",
        "--backup",
        &file(&tool, "code.sql", &changed(&script, "CREATE SCHEMA shop;", &code)),
    ]);
    assert_eq!(fs::read_to_string(&precious).unwrap(), "mine\n");
    assert_eq!(ended.finding("restore.completed").0, "passed", "{}", ended.everything());
}

#[test]
fn what_reaches_beyond_the_database_is_left_out_and_said() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let script = cluster.dump("pg_dump", &[shop(&cluster)]);
    let more = "CREATE SCHEMA shop;\nSET default_tablespace = fast;\nALTER SYSTEM SET work_mem = '1GB';\n\
                CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 dbname=x' PUBLICATION p;\n";
    let script = changed(&script, "CREATE SCHEMA shop;", more);
    let ended = tool.run(&["rehearse", "--backup", &file(&tool, "more.sql", &script)]);
    ended.assert_code(1);
    assert_eq!(ended.finding("restore.completed").0, "passed");
    let evidence = fs::read_to_string(tool.path("evidence.md")).unwrap_or_default() + &ended.everything();
    for what in ["ALTER SYSTEM (1)", "subscriptions (1)", "tablespaces (1)"] {
        assert!(evidence.contains(what), "{what}: {evidence}");
    }
}

/// psql leaves off at the first error, and what would have come behind it is not missing from the backup.
#[test]
fn a_library_that_this_machine_lacks_is_no_bad_backup() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let script = cluster.dump("pg_dump", &[shop(&cluster)]);
    let function =
        "CREATE SCHEMA shop;\nCREATE FUNCTION shop.far() RETURNS int LANGUAGE c AS '$libdir/not_here';";
    let script = changed(&script, "CREATE SCHEMA shop;", function);
    let ended = tool.run(&["rehearse", "--backup", &file(&tool, "far.sql", &script)]);
    ended.assert_code(3);
    let (outcome, _, observed) = ended.finding("rehearsal.environment");
    assert!(
        outcome == "inconclusive" && observed.contains("could not access file"),
        "{}",
        ended.everything()
    );
    assert!(ended.findings("restore.rows").is_empty(), "{}", ended.everything());
    tool.assert_nothing_left();
}
