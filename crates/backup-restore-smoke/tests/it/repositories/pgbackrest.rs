//! pgBackRest, as Debian has it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::{
    Depot, RULES, archive_segment, assert_recovered, begin_steps, done, expect_steps, listing, next_second,
    now, step,
};
use crate::{
    cluster::TestCluster,
    terminal::{Screen, assert_shows, on_a_terminal},
    tool::{Tool, until},
};

/// Only these may ever be asked.
const READING: [&str; 5] = ["archive-get", "info", "repo-get", "restore", "version"];

struct Stanza {
    depot: Depot,
    cluster: TestCluster,
    configuration: PathBuf,
}

impl Stanza {
    /// A server that archives into a repository, with steps 1 and a full backup of it.
    fn new() -> Self {
        Self::with(&[], |_, _| {})
    }

    fn with(settings: &[&str], prepare: impl FnOnce(&TestCluster, &Depot)) -> Self {
        let depot = Depot::new();
        for name in ["repo", "lock", "log", "spool"] {
            depot.folder(name);
        }
        let configuration = depot.path("pgbackrest.conf");
        let archive = format!(
            "archive_command=pgbackrest --config={} --stanza=shop archive-push %p",
            configuration.display()
        );
        let prepared = configuration.clone();
        let text = format!(
            "[global]\nrepo1-path={0}/repo\nlock-path={0}/lock\nlog-path={0}/log\nspool-path={0}/spool\n\
             repo1-retention-full=9\nlog-level-file=detail\nlog-level-console=off\ncompress-type=gz\ncompress-level=1\nstart-fast=y\n\
             job-retry=0\n[shop]\n",
            depot.root()
        );
        let cluster =
            TestCluster::start_with(&[&["archive_mode=on", &archive], settings].concat(), RULES, |data| {
                fs::write(&prepared, format!("{text}pg1-path={}\n", data.display())).unwrap();
            });
        let server = format!(
            "pg1-socket-path={}\npg1-port={}\npg1-user=postgres\n",
            cluster.folder().display(),
            cluster.port
        );
        fs::write(&configuration, fs::read_to_string(&configuration).unwrap() + &server).unwrap();
        let stanza = Self { depot, cluster, configuration };
        stanza.pgbackrest(&["stanza-create"]);
        begin_steps(&stanza.cluster);
        step(&stanza.cluster, 1);
        prepare(&stanza.cluster, &stanza.depot);
        stanza.pgbackrest(&["backup", "--type=full"]);
        next_second(&stanza.cluster);
        stanza
    }

    /// What production itself does.
    fn pgbackrest(&self, arguments: &[&str]) -> String {
        let mut command = self.cluster.command(Path::new("/usr/bin/pgbackrest"));
        done(
            command
                .arg(format!("--config={}", self.configuration.display()))
                .arg("--stanza=shop")
                .args(arguments),
        )
    }

    fn labels(&self) -> Vec<String> {
        let info: serde_json::Value =
            serde_json::from_str(&self.pgbackrest(&["info", "--output=json"])).unwrap();
        let backups = info[0]["backup"].as_array().unwrap();
        backups.iter().map(|backup| backup["label"].as_str().unwrap().to_owned()).collect()
    }

    /// Everything that belongs to production, besides what the running server writes.
    fn listing(&self) -> std::collections::BTreeMap<PathBuf, (u64, i64, i64)> {
        let folders = ["repo", "lock", "log", "spool", "live", "evil"].map(|name| self.depot.path(name));
        listing(&folders.each_ref().map(PathBuf::as_path))
    }

    fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let configuration = self.configuration.to_str().unwrap();
        [&["rehearse", "--pgbackrest", "shop", "--pgbackrest-config", configuration, "--jobs", "2"], more]
            .concat()
    }

    /// A segment or a file of a backup in the repository.
    fn stored(&self, part: &str, name: &str) -> PathBuf {
        let all = listing(&[&self.depot.path("repo").join(part)]);
        let named =
            |path: &PathBuf| path.file_name().is_some_and(|found| found.to_string_lossy().starts_with(name));
        all.into_keys().find(|path| path.is_file() && named(path)).expect(name)
    }
}

fn flip_a_byte(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// Holds a lock file as a running backup does.
struct Held(Child);

impl Held {
    fn of(path: &Path) -> Self {
        let ready = path.with_extension("held");
        let script = format!("touch {} && exec sleep 300", ready.display());
        let child = Command::new("flock")
            .arg("--no-fork")
            .arg(path)
            .args(["sh", "-c", &script])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        until("the lock", || ready.exists());
        fs::remove_file(ready).unwrap();
        Self(child)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_whole_rehearsal_to_a_time_only_reads_and_touches_nothing_of_production() {
    let stanza = Stanza::with(&[], |cluster, depot| {
        let place = depot.folder("live").join("fast");
        let evil = depot.folder("evil").join("space");
        // The server's user makes them, so that they are its own.
        for folder in [&place, &evil] {
            done(cluster.command(Path::new("/bin/mkdir")).arg(folder));
        }
        cluster.sql("postgres", &format!("CREATE TABLESPACE fast LOCATION '{}'", place.display()));
        // A name that would lead out of a folder for all tablespaces.
        cluster
            .sql("postgres", &format!("CREATE TABLESPACE \"../../../evil\" LOCATION '{}'", evil.display()));
        cluster.sql("postgres", "CREATE TABLE moved TABLESPACE fast AS SELECT generate_series(1, 100) AS i");
    });
    step(&stanza.cluster, 2);
    let target = now(&stanza.cluster);
    step(&stanza.cluster, 3);
    archive_segment(&stanza.cluster);
    // What a configuration file could say to lead a restore into the live installation.
    let hostile = format!(
        "[global:restore]\ntablespace-map=fast={0}/live/mapped\nlink-all=y\ndelta=y\n\
         recovery-option=restore_command=/bin/false\narchive-mode=preserve\n[global:archive-get]\narchive-async=y\n",
        stanza.depot.root()
    );
    fs::write(&stanza.configuration, fs::read_to_string(&stanza.configuration).unwrap() + &hostile).unwrap();
    let lock = stanza.depot.file("lock/shop-backup-1.lock", "{}");
    let _held = [Held::of(&lock), Held::of(&stanza.depot.file("lock/shop-restore-1.lock", "{}"))];
    let tool = Tool::new();
    let steps = expect_steps(&tool, "1 2");
    let recorder = stanza.depot.recorder("pgbackrest", "/usr/bin/pgbackrest");
    let before = stanza.listing();
    let mut command = tool.command(&stanza.arguments(&["--target-time", &target, "--after-restore", &steps]));
    command.env("PATH", format!("{}:{}", recorder.display(), std::env::var("PATH").unwrap()));
    // The environment could lead astray as well.
    command.env("PGBACKREST_TABLESPACE_MAP", format!("fast={}/live/mapped", stanza.depot.root()));
    command.env("PGBACKREST_LOCK_PATH", stanza.depot.path("lock"));
    let ended = tool.finish(tool.start(command));
    assert_recovered(&ended);
    assert_eq!(stanza.listing(), before, "nothing of production was written");
    let calls = stanza.depot.calls();
    let asked: std::collections::BTreeSet<_> = calls.iter().map(|call| call[0].as_str()).collect();
    assert_eq!(asked.into_iter().collect::<Vec<_>>(), READING, "{calls:?}");
    for call in calls.iter().filter(|call| call[0] != "version") {
        let scratch = tool.base().display().to_string();
        let own = |option: &str| call.iter().any(|word| word.starts_with(&format!("{option}={scratch}")));
        // `repo-get` takes no lock, and no option that names its place.
        assert!((own("--lock-path") || call[0] == "repo-get") && own("--log-path"), "{call:?}");
    }
    tool.assert_nothing_left();
}

#[test]
fn an_increment_recovers_to_a_place_and_to_a_name() {
    let stanza = Stanza::new();
    step(&stanza.cluster, 2);
    stanza.pgbackrest(&["backup", "--type=incr"]);
    next_second(&stanza.cluster);
    step(&stanza.cluster, 3);
    let place = stanza.cluster.sql("postgres", "SELECT pg_current_wal_insert_lsn()");
    step(&stanza.cluster, 4);
    stanza.cluster.sql("postgres", "SELECT pg_create_restore_point('before the fire')");
    step(&stanza.cluster, 5);
    archive_segment(&stanza.cluster);
    let increment = stanza.labels().pop().unwrap();
    assert!(increment.ends_with('I'), "{increment}");
    for (target, value, steps) in
        [("--target-lsn", place.as_str(), "1 2 3"), ("--target-name", "before the fire", "1 2 3 4")]
    {
        let tool = Tool::new();
        let expected = expect_steps(&tool, steps);
        let ended = tool.run(&stanza.arguments(&[target, value, "--after-restore", &expected]));
        assert_recovered(&ended);
        assert_eq!(ended.finding("backup.chosen").1, increment);
    }
    // The full backup lies before it: named, it leads to the same place.
    let tool = Tool::new();
    let full = stanza.labels().remove(0);
    let expected = expect_steps(&tool, "1 2 3");
    let ended =
        tool.run(&stanza.arguments(&["--set", &full, "--target-lsn", &place, "--after-restore", &expected]));
    assert_recovered(&ended);
    assert_eq!(ended.finding("backup.chosen").1, full);
    tool.assert_nothing_left();
}

#[test]
fn the_content_at_a_restore_point_is_compared_with_the_sources() {
    let stanza = Stanza::with(&["archive_timeout=1s"], |cluster, _| {
        cluster.shop();
    });
    let source = stanza.cluster.conninfo("shop");
    let tool = Tool::new();
    let ended = tool.run(&stanza.arguments(&["--source", &source, "--restore-point", "drill"]));
    ended.assert_code(0);
    assert_eq!(ended.finding("recovery.target").0, "passed");
    let content = ended.findings("restore.content");
    assert!(content.iter().all(|(outcome, ..)| outcome == "passed") && !content.is_empty(), "{content:?}");
    tool.assert_nothing_left();
}

#[test]
fn what_the_repository_lost_or_changed_fails_by_its_name() {
    let stanza = Stanza::new();
    step(&stanza.cluster, 2);
    let lost = archive_segment(&stanza.cluster);
    step(&stanza.cluster, 3);
    let place = stanza.cluster.sql("postgres", "SELECT pg_current_wal_insert_lsn()");
    archive_segment(&stanza.cluster);
    let run = |more: &[&str]| {
        let tool = Tool::new();
        let ended = tool.run(&stanza.arguments(more));
        tool.assert_nothing_left();
        ended
    };
    let segment = stanza.stored("archive", &lost);
    let kept = segment.with_extension("kept");
    fs::rename(&segment, &kept).unwrap();
    for target in
        [["--target-lsn", &place], ["--target-time", "2099-01-01T00:00:00Z"], ["--target-name", "nowhere"]]
    {
        let ended = run(&target);
        ended.assert_code(2);
        let (outcome, subject, observed) = ended.finding("backup.wal");
        assert_eq!((outcome.as_str(), subject.as_str()), ("failed", lost.as_str()), "{observed}");
    }
    // Before the target nothing is missing: it lies in the backup itself.
    run(&["--until", "immediate"]).assert_code(0);
    fs::rename(&kept, &segment).unwrap();
    flip_a_byte(&segment);
    let ended = run(&["--target-lsn", &place]);
    ended.assert_code(2);
    let (outcome, subject, observed) = ended.finding("backup.wal");
    assert_eq!((outcome.as_str(), subject.as_str()), ("failed", lost.as_str()));
    assert!(!observed.is_empty());
    // pg_class of the template database: always there, with something in its middle.
    flip_a_byte(&stanza.stored("backup", "1259"));
    let ended = run(&["--until", "immediate"]);
    ended.assert_code(2);
    let failed = ended.findings("backup.chosen").into_iter().filter(|(outcome, ..)| outcome == "failed");
    let said: Vec<_> = failed.map(|(_, _, observed)| observed).collect();
    assert!(matches!(said.as_slice(), [said] if said.contains("ERROR")), "{said:?}");
}

#[test]
fn what_cannot_be_had_fails_and_what_this_machine_lacks_is_inconclusive() {
    let stanza = Stanza::new();
    let configuration = stanza.configuration.to_str().unwrap();
    let tool = Tool::new();
    let run = |arguments: &[&str]| tool.run(&[&["rehearse", "--until", "immediate"], arguments].concat());
    // The stanza is another.
    let ended = run(&["--pgbackrest", "shed", "--pgbackrest-config", configuration]);
    ended.assert_code(2);
    assert_eq!(ended.finding("backup.chosen").0, "failed");
    // The backup has another label.
    let ended =
        run(&["--pgbackrest", "shop", "--pgbackrest-config", configuration, "--set", "20200101-000000F"]);
    ended.assert_code(2);
    assert!(ended.finding("backup.chosen").2.contains("does not have it"), "{}", ended.everything());
    // The repository does not answer.
    let text = "[global]\nrepo1-host=127.0.0.1\nrepo1-host-port=1\n[shop]\npg1-path=/nowhere\n";
    let unreachable = stanza.depot.file("unreachable.conf", text);
    let ended = run(&["--pgbackrest", "shop", "--pgbackrest-config", unreachable.to_str().unwrap()]);
    ended.assert_code(2);
    assert!(ended.finding("backup.chosen").2.contains("cannot be had"), "{}", ended.everything());
    // The one that was named was begun later.
    let named = stanza.labels().remove(0);
    let ours = ["--pgbackrest", "shop", "--pgbackrest-config", configuration, "--set", &named];
    let ended = tool.run(&[&["rehearse", "--target-time", "2020-01-01T00:00:00Z"], &ours[..]].concat());
    ended.assert_code(2);
    let (outcome, subject, _) = ended.finding("recovery.target");
    assert_eq!((outcome.as_str(), subject), ("failed", named.clone()), "{}", ended.everything());
    // No backup had finished at that time.
    let ended = run(&[
        "--pgbackrest",
        "shop",
        "--pgbackrest-config",
        configuration,
        "--target-time",
        "2020-01-01T00:00:00Z",
    ]);
    assert_eq!(ended.code, Some(3), "one target: {}", ended.stderr);
    let ended = tool.run(&stanza.arguments(&["--target-time", "2020-01-01T00:00:00Z"]));
    ended.assert_code(2);
    assert!(ended.finding("backup.chosen").2.contains("younger"), "{}", ended.everything());
    // The configuration is not there.
    let ended = run(&["--pgbackrest", "shop", "--pgbackrest-config", "/nowhere/p.conf"]);
    ended.assert_code(3);
    assert_eq!(ended.findings("rehearsal.environment")[0].0, "inconclusive");
    // The program is not there.
    let mut command = tool.command(&stanza.arguments(&["--until", "immediate"]));
    command.env("PATH", tool.path_without("pgbackrest"));
    let ended = tool.finish(tool.start(command));
    ended.assert_code(3);
    let missing = ended.findings("rehearsal.environment");
    assert!(missing.iter().any(|(_, subject, _)| subject.contains("pgBackRest")), "{missing:?}");
    tool.assert_nothing_left();
}

#[test]
fn stopped_or_killed_while_it_fetches_nothing_is_left() {
    let stanza = Stanza::new();
    // Enough that fetching lasts.
    stanza.cluster.sql(
        "postgres",
        "CREATE TABLE large AS SELECT i, md5(i::text) AS t FROM generate_series(1, 300000) AS i",
    );
    stanza.pgbackrest(&["backup", "--type=full"]);
    next_second(&stanza.cluster);
    archive_segment(&stanza.cluster);
    let before = stanza.listing();
    for (phase, name) in
        [("fetching", "TERM"), ("fetching", "KILL"), ("fetching the write-ahead log", "KILL")]
    {
        let tool = Tool::new();
        let mut child = tool.spawn(&stanza.arguments(&["--until", "immediate"]));
        tool.wait_for(phase);
        done(Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]));
        if name == "TERM" {
            assert_eq!(tool.finish(child).code, Some(3));
        } else {
            child.wait().unwrap();
            until("the end of every process of the run", || {
                crate::tool::processes_of(&tool.base()).is_empty()
            });
            assert_eq!(tool.bare().arg("sweep").output().unwrap().status.code(), Some(0));
        }
        tool.assert_nothing_left();
    }
    assert_eq!(stanza.listing(), before, "nothing of production was written");
}

#[test]
fn a_terminal_sees_the_files_come_and_then_the_log_each_with_a_bar_of_its_own() {
    let stanza = Stanza::new();
    let tool = Tool::new();
    stanza.cluster.sql(
        "postgres",
        "CREATE TABLE much AS SELECT i, md5(i::text) AS a, md5((-i)::text) AS b FROM generate_series(1, 300000) AS i",
    );
    let place = stanza.cluster.sql("postgres", "SELECT pg_current_wal_insert_lsn()");
    archive_segment(&stanza.cluster);
    let arguments =
        stanza.arguments(&["--target-lsn", &place, "--scratch-shares-filesystem", "--evidence none"]);
    let frames = Screen::frames(&on_a_terminal(&tool, &arguments.join(" "), 120, &[]), 120);
    let log = "fetching the write-ahead log by pgBackRest";
    assert_shows(&frames, " by pgBackRest", &["fetched ", "iB/s, "]);
    assert_shows(&frames, log, &["write-ahead log ", "iB/s, ", " left"]);
    // The bar of the files goes away as soon as it is seen that the log has begun.
    let last = frames.iter().rfind(|frame| frame.contains("  write-ahead log ")).unwrap();
    assert!(!last.contains("fetched "), "{last}");
    tool.assert_nothing_left();
}
