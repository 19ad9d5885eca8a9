//! First, do no harm: a copy on its source's own host finds no live server there, loads nothing and runs nothing that
//! its catalogue asks for at login, and nothing that was packed into a backup gets out of the scratch.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use crate::{
    cluster::{TestCluster, bin_folder_of},
    physical::expecting,
    tool::Tool,
};

#[test]
fn a_live_server_of_this_machine_cannot_be_reached_through_its_socket() {
    for method in ["dump", "base-backup"] {
        let (cluster, tool) = (TestCluster::archiving(&[]), Tool::new());
        let database = cluster.shop();
        cluster.sql(database, "CREATE EXTENSION dblink");
        let (folder, port) = (cluster.folder().display().to_string(), cluster.port);
        let call = |to: &str, table: &str| {
            format!("SELECT dblink_exec('{to} dbname=shop user=postgres', 'CREATE TABLE public.{table} ()');")
        };
        let away = tool.file("away.sql", &call(&format!("host={folder} port={port}"), "reached"));
        // A function that commits on its own names no host: it comes home to the copy.
        let home = tool.file("home.sql", &(call("", "came_home") + "SELECT 'public.came_home'::regclass"));
        // Whoever runs the server may write here: the kernel keeps the copy from it.
        let outside = tool.path("outside");
        fs::create_dir(&outside).unwrap();
        fs::set_permissions(&outside, fs::Permissions::from_mode(0o777)).unwrap();
        let copy = format!("COPY (SELECT 1) TO '{}/written'", outside.display());
        let write = tool.file("write.sql", &copy);
        let ended = tool.run(&[
            "rehearse",
            "--method",
            method,
            "--source",
            &cluster.conninfo(database),
            "--after-restore",
            write.to_str().unwrap(),
            "--after-restore",
            away.to_str().unwrap(),
            "--after-restore",
            home.to_str().unwrap(),
        ]);
        if ended.finding("restore.isolated").0 != "passed" {
            assert!(ended.finding("restore.isolated").2.contains("could have"), "{}", ended.everything());
            continue;
        }
        let made = "SELECT count(*) FROM pg_class WHERE relname IN ('reached', 'came_home')";
        assert_eq!(cluster.sql(database, made), "0", "{method}: the copy wrote to the live server");
        let steps = ended.findings("restore.steps");
        let outcome =
            |name: &str| steps.iter().find(|(_, subject, _)| subject == name).map(|(what, ..)| what.as_str());
        assert_eq!(outcome("away.sql"), Some("failed"), "{steps:?}");
        assert_eq!(outcome("home.sql"), Some("passed"), "{steps:?}");
        if ended.finding("restore.isolated").2.contains("nowhere but into the scratch") {
            assert_eq!(outcome("write.sql"), Some("failed"), "{steps:?}");
            assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "the copy wrote outside of the scratch");
        }
        tool.assert_nothing_left();
    }
}

#[test]
fn what_the_catalogue_sets_for_each_login_neither_loads_libraries_nor_hinders_us() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    // What is meant for applications: too short for a look at every index, and nothing may be made.
    cluster.sql("postgres", "CREATE DATABASE hurried");
    cluster.sql(
        "postgres",
        "ALTER DATABASE hurried SET statement_timeout = '1ms'; ALTER DATABASE hurried SET default_transaction_read_only = on",
    );
    // As at a source that has a library which this machine lacks, and where everybody takes the owner's role.
    cluster.sql(
        database,
        "CREATE ROLE owner; ALTER DATABASE shop SET role = 'owner'; \
         ALTER ROLE postgres SET default_transaction_isolation = 'serializable'; \
         ALTER DATABASE template1 SET session_preload_libraries = 'nowhere'; \
         ALTER DATABASE shop SET session_preload_libraries = 'nowhere'; \
         ALTER ROLE ALL SET local_preload_libraries = 'nowhere'",
    );
    let base = tool.path("base");
    cluster.base_backup(&base, &["--wal-method=stream"]);
    let assertions = tool.file(
        "ops.yaml",
        "assertions:\n- { name: customers, sql: 'TABLE shop.customers', expect: { rows: 500 } }\n",
    );
    let ended = tool.run(&[
        "rehearse",
        "--backup",
        base.to_str().unwrap(),
        "--database",
        database,
        "--config",
        assertions.to_str().unwrap(),
    ]);
    ended.assert_code(0);
    for check in ["restore.writable", "integrity.amcheck", "restore.assertions"] {
        assert_eq!(ended.finding(check).0, "passed", "{check}: {}", ended.everything());
    }
    tool.assert_nothing_left();
}

#[test]
fn a_trigger_on_login_does_not_run_in_the_copy() {
    for major in [17, 18] {
        let Some(bin) = bin_folder_of(major) else {
            println!("skipped: no PostgreSQL {major} here; scripts/postgres-wheels fetches it");
            continue;
        };
        let (cluster, tool) = (TestCluster::start_from(bin.clone()), Tool::new());
        let database = cluster.shop();
        cluster.sql(
            database,
            "CREATE TABLE shop.logins (at timestamptz DEFAULT now()); \
             CREATE FUNCTION shop.note() RETURNS event_trigger LANGUAGE plpgsql \
                 AS 'BEGIN INSERT INTO shop.logins DEFAULT VALUES; END'; \
             CREATE EVENT TRIGGER note ON login EXECUTE FUNCTION shop.note(); \
             ALTER EVENT TRIGGER note ENABLE ALWAYS",
        );
        let base = tool.path("base");
        cluster.base_backup(&base, &["--wal-method=stream"]);
        let none = expecting(&tool, "shop.logins", 0);
        let ended = tool.run(&[
            "rehearse",
            "--backup",
            base.to_str().unwrap(),
            "--database",
            database,
            "--pg-bin",
            bin.to_str().unwrap(),
            "--after-restore",
            &none,
        ]);
        ended.assert_code(0);
        assert_eq!(ended.finding("restore.steps").0, "passed", "{}", ended.everything());
        tool.assert_nothing_left();
    }
}

/// Adds entries to an archive, just so named.
fn append(archive: &Path, folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("tar");
    command.arg("--append").arg("--file").arg(archive).arg("--absolute-names").arg("--directory").arg(folder);
    let added = command.args(arguments).output().unwrap();
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
}

#[test]
fn an_archive_that_was_tampered_with_writes_nowhere_but_into_the_scratch() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    cluster.shop();
    let (stuff, outside) = (tool.path("stuff"), tool.path("outside"));
    for folder in [&stuff, &outside] {
        fs::create_dir(folder).unwrap();
    }
    fs::write(stuff.join("evil"), "evil").unwrap();
    symlink(&outside, stuff.join("trap")).unwrap();
    fs::create_dir_all(stuff.join("base/1")).unwrap();
    assert!(Command::new("mkfifo").arg(stuff.join("base/1/pipe")).status().unwrap().success());
    let absolute = format!("--transform=s,^evil$,{}/absolute,", outside.display());
    for (name, entries, code, check) in [
        (
            "climbing",
            vec![vec!["--transform=s,^evil$,../../../../outside/climbed,", "evil"]],
            2,
            "backup.chosen",
        ),
        ("absolute", vec![vec![absolute.as_str(), "evil"]], 2, "backup.verified"),
        (
            "through a link",
            vec![vec!["trap"], vec!["--transform=s,^evil$,trap/written,", "evil"]],
            2,
            "backup.chosen",
        ),
        ("a link", vec![vec!["trap"]], 3, "restore.contained"),
        ("a pipe", vec![vec!["base/1/pipe"]], 3, "restore.contained"),
    ] {
        let base = tool.path(&format!("base {name}"));
        cluster.base_backup(&base, &["--format=tar", "--wal-method=fetch"]);
        for arguments in &entries {
            append(&base.join("base.tar"), &stuff, arguments);
        }
        let ended = tool.run(&["rehearse", "--backup", base.to_str().unwrap()]);
        ended.assert_code(code);
        let findings = ended.findings(check);
        assert!(findings.iter().any(|(outcome, ..)| outcome != "passed"), "{name}: {}", ended.everything());
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0, "{name}: something was written outside");
        tool.assert_nothing_left();
    }
}

#[test]
fn chains_of_links_are_copied_and_never_followed_to_write() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    let live = cluster.tablespace(database);
    let base = tool.path("base");
    let mapped = format!("--tablespace-mapping={}={}", live.display(), tool.path("mapped").display());
    cluster.base_backup(&base, &["--wal-method=stream", &mapped]);
    // A link to a link to the folder, and the log behind two links as well.
    let link = fs::read_dir(base.join("pg_tblspc")).unwrap().next().unwrap().unwrap().path();
    let (one, two) = (tool.path("one"), tool.path("two"));
    symlink(tool.path("mapped"), &two).unwrap();
    symlink(&two, &one).unwrap();
    fs::remove_file(&link).unwrap();
    symlink(&one, &link).unwrap();
    let log = tool.path("log");
    fs::rename(base.join("pg_wal"), &log).unwrap();
    symlink(&log, tool.path("log two")).unwrap();
    symlink(tool.path("log two"), base.join("pg_wal")).unwrap();
    let outside = [tool.path("mapped"), log];
    let before = outside.each_ref().map(|folder| crate::physical::every_byte(folder));
    let step = tool.file("write.sql", "INSERT INTO shop.fast SELECT generate_series(1001, 3000); CHECKPOINT");
    let ended = tool.run(&[
        "rehearse",
        "--backup",
        base.to_str().unwrap(),
        "--database",
        database,
        "--after-restore",
        step.to_str().unwrap(),
    ]);
    assert!(ended.finding("restore.contained").0 == "passed", "{}", ended.everything());
    assert!(
        before == outside.each_ref().map(|folder| crate::physical::every_byte(folder)),
        "written through a link"
    );
    tool.assert_nothing_left();
}
