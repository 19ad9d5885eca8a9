//! Barman, as Debian has it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{
    Depot, RULES, archive_segment, assert_recovered, begin_steps, done, expect_steps, listing, next_second,
    now, step,
};
use crate::{
    cluster::TestCluster,
    tool::{Tool, processes_of, until},
};

/// Only these may ever be asked.
const READING: [&str; 3] = ["list-backups", "recover", "show-backup"];

struct Server {
    depot: Depot,
    cluster: TestCluster,
    configuration: PathBuf,
}

impl Server {
    /// A server that Barman backs up, with step 1 and a tablespace in a backup.
    fn new() -> Self {
        let depot = Depot::new();
        let incoming = depot.folder("home").join("shop/incoming");
        let archive = format!("archive_command=cp %p {}/.%f && mv {0}/.%f {0}/%f", incoming.display());
        let live = depot.folder("live");
        let cluster = TestCluster::start_with(&["archive_mode=on", &archive], RULES, |_| {});
        done(cluster.command(Path::new("/bin/mkdir")).arg("-p").arg(&incoming).arg(live.join("fast")));
        begin_steps(&cluster);
        step(&cluster, 1);
        cluster.sql("postgres", &format!("CREATE TABLESPACE fast LOCATION '{}/fast'", live.display()));
        cluster.sql("postgres", "CREATE TABLE moved TABLESPACE fast AS SELECT generate_series(1, 100) AS i");
        // Whatever hook there is: it leaves a trace.
        let hook =
            depot.file("hook", &format!("#!/bin/sh\ntouch {}\n", depot.path("home/hook-ran").display()));
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        let user = done(cluster.command(Path::new("/usr/bin/id")).arg("-un")).trim().to_owned();
        let conninfo = format!(
            "host={} port={} user=postgres dbname=postgres",
            cluster.folder().display(),
            cluster.port
        );
        let configuration = depot.file(
            "barman.conf",
            &format!(
                "[barman]\nbarman_home = {0}/home\nbarman_user = {user}\nlog_file = {0}/home/barman.log\n\
                 configuration_files_directory = {0}/barman.d\n",
                depot.root()
            ),
        );
        depot.folder("barman.d");
        depot.file(
            "barman.d/shop.conf",
            &format!(
                "[shop]\ndescription = shop\nconninfo = {conninfo}\nstreaming_conninfo = {conninfo}\n\
                 backup_method = postgres\narchiver = on\npath_prefix = {}\npre_recovery_script = {1}\n\
                 post_recovery_script = {1}\npre_recovery_retry_script = {1}\npost_recovery_retry_script = {1}\n",
                crate::cluster::bin_folder().display(),
                hook.display(),
            ),
        );
        let server = Self { depot, cluster, configuration };
        archive_segment(&server.cluster);
        server.barman(&["archive-wal", "shop"]);
        server.barman(&["backup", "--immediate-checkpoint", "shop"]);
        archive_segment(&server.cluster);
        server.barman(&["archive-wal", "shop"]);
        next_second(&server.cluster);
        server
    }

    /// What production itself does.
    fn barman(&self, arguments: &[&str]) -> String {
        let mut command = self.cluster.command(Path::new("/usr/bin/barman"));
        done(command.env("HOME", self.depot.path("home")).arg("-c").arg(&self.configuration).args(arguments))
    }

    fn listing(&self) -> std::collections::BTreeMap<PathBuf, (u64, i64, i64)> {
        listing(&[&self.depot.path("home"), &self.depot.path("live")])
    }

    fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let configuration = self.configuration.to_str().unwrap();
        [&["rehearse", "--barman", "shop", "--barman-config", configuration, "--jobs", "2"], more].concat()
    }
}

#[test]
fn a_whole_rehearsal_to_a_time_only_reads_and_touches_nothing_of_production() {
    let server = Server::new();
    step(&server.cluster, 2);
    let target = now(&server.cluster);
    step(&server.cluster, 3);
    // It stands in `incoming`: Barman itself would move it into the catalogue when it recovers.
    let arrived = archive_segment(&server.cluster);
    assert!(server.depot.path("home/shop/incoming").join(&arrived).is_file());
    let tool = Tool::new();
    let steps = expect_steps(&tool, "1 2");
    let recorder = server.depot.recorder("barman", "/usr/bin/barman");
    let before = server.listing();
    let mut command = tool.command(&server.arguments(&["--target-time", &target, "--after-restore", &steps]));
    command.env("PATH", format!("{}:{}", recorder.display(), std::env::var("PATH").unwrap()));
    let ended = tool.finish(tool.start(command));
    assert_recovered(&ended);
    assert_eq!(server.listing(), before, "nothing of production was written, and no hook ran");
    assert_eq!(ended.finding("backup.verified").0, "passed");
    let calls = server.depot.calls();
    let verbs = calls.iter().map(|call| call.iter().find(|word| READING.contains(&word.as_str())));
    let asked: std::collections::BTreeSet<_> =
        verbs.map(|verb| verb.expect("an allowed verb").as_str()).collect();
    assert_eq!(asked.into_iter().collect::<Vec<_>>(), READING);
    let configuration = server.configuration.to_str().unwrap();
    assert!(!calls.iter().flatten().any(|word| word == configuration || word.contains("ssh")), "{calls:?}");
    tool.assert_nothing_left();
}

#[test]
fn it_recovers_to_a_place_and_to_a_name() {
    let server = Server::new();
    step(&server.cluster, 2);
    let place = server.cluster.sql("postgres", "SELECT pg_current_wal_insert_lsn()");
    step(&server.cluster, 3);
    server.cluster.sql("postgres", "SELECT pg_create_restore_point('before the fire')");
    step(&server.cluster, 4);
    archive_segment(&server.cluster);
    server.barman(&["archive-wal", "shop"]);
    for (target, value, steps) in
        [("--target-lsn", place.as_str(), "1 2"), ("--target-name", "before the fire", "1 2 3")]
    {
        let tool = Tool::new();
        let expected = expect_steps(&tool, steps);
        let ended = tool.run(&server.arguments(&[target, value, "--after-restore", &expected]));
        assert_recovered(&ended);
        tool.assert_nothing_left();
    }
}

#[test]
fn what_the_catalogue_lost_or_changed_fails_and_what_this_machine_lacks_is_inconclusive() {
    let server = Server::new();
    step(&server.cluster, 2);
    let lost = archive_segment(&server.cluster);
    step(&server.cluster, 3);
    let place = server.cluster.sql("postgres", "SELECT pg_current_wal_insert_lsn()");
    archive_segment(&server.cluster);
    // Made behind the target: replayed, it would link to the live folder.
    let late = server.depot.folder("live").join("late");
    done(server.cluster.command(Path::new("/bin/mkdir")).arg(&late));
    server.cluster.sql("postgres", &format!("CREATE TABLESPACE late LOCATION '{}'", late.display()));
    archive_segment(&server.cluster);
    server.barman(&["archive-wal", "shop"]);
    let run = |more: &[&str]| {
        let tool = Tool::new();
        let ended = tool.run(&server.arguments(more));
        tool.assert_nothing_left();
        ended
    };
    run(&["--until", "immediate"]).assert_code(0);
    let base = fs::read_dir(server.depot.path("home/shop/base")).unwrap().next().unwrap().unwrap().path();
    let damaged = base.join("data/base/1/1259");
    let whole = fs::read(&damaged).unwrap();
    let mut flipped = whole.clone();
    flipped[5000] ^= 1;
    fs::write(&damaged, flipped).unwrap();
    let ended = run(&["--until", "immediate"]);
    ended.assert_code(2);
    assert!(
        ended.findings("backup.verified").iter().any(|(outcome, ..)| outcome == "failed"),
        "{}",
        ended.everything()
    );
    fs::write(&damaged, whole).unwrap();
    fs::remove_file(server.depot.path("home/shop/wals").join(&lost[..16]).join(&lost)).unwrap();
    let ended = run(&["--target-lsn", &place]);
    ended.assert_code(2);
    let (outcome, subject, _) = ended.finding("backup.wal");
    assert_eq!((outcome.as_str(), subject.as_str()), ("failed", lost.as_str()));
    let ended = run(&["--target-time", "2020-01-01T00:00:00Z"]);
    ended.assert_code(2);
    assert_eq!(ended.finding("backup.chosen").0, "failed");
    let ended = run(&["--until", "immediate", "--backup-id", "20200101T000000"]);
    ended.assert_code(2);
    let tool = Tool::new();
    let configuration = server.configuration.to_str().unwrap();
    let ended =
        tool.run(&["rehearse", "--barman", "shed", "--barman-config", configuration, "--until", "immediate"]);
    ended.assert_code(3);
    assert!(
        ended.findings("rehearsal.environment")[0].2.contains("no server shed"),
        "{}",
        ended.everything()
    );
}

#[test]
fn stopped_or_killed_while_it_fetches_no_process_lives_on_and_a_sweep_takes_the_rest() {
    let server = Server::new();
    let before = server.listing();
    for signal in ["TERM", "KILL"] {
        end_while_it_fetches(&server, signal);
    }
    assert_eq!(server.listing(), before, "nothing of production was written");
}

fn end_while_it_fetches(server: &Server, signal: &str) {
    let tool = Tool::new();
    // An rsync that never ends, as on a disk that does not answer.
    let hung = tool.path("hung");
    fs::create_dir(&hung).unwrap();
    let rsync = tool.file("hung/rsync", "#!/bin/sh\nsleep 600 & wait\n");
    for path in [&hung, &rsync] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = tool.command(&server.arguments(&["--until", "immediate"]));
    command.env("PATH", format!("{}:{}", hung.display(), std::env::var("PATH").unwrap()));
    let mut child = tool.start(command);
    let is_hung = |process: &String| process.contains("hung/rsync");
    until("Barman's rsync", || processes_of(&tool.path("")).iter().any(is_hung));
    let gone = || processes_of(&tool.base()).is_empty() && !processes_of(&tool.path("")).iter().any(is_hung);
    if signal == "TERM" {
        done(std::process::Command::new("kill").arg(child.id().to_string()));
        assert_eq!(tool.finish(child).code, Some(3));
        until("the end of every process of the run", gone);
    } else {
        child.kill().unwrap();
        child.wait().unwrap();
        until("the end of every process of the run", gone);
        assert_eq!(tool.bare().arg("sweep").output().unwrap().status.code(), Some(0));
    }
    tool.assert_nothing_left();
}
