//! A failover that nobody finished: the old primary goes on, archives and is backed up beside the new one. Wherever
//! recovery is told to go, it begins with a backup that lies on the way, and says which timelines it went through.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{Depot, RULES, archive_segment, begin_steps, done, expect_steps, next_second, now, step};
use crate::{
    cluster::TestCluster,
    tool::{Ended, Tool, until},
};

/// Steps 1 and 2 before the failover, 101 and 102 on the branch that was left, 11 and 12 on the new one. A backup from
/// before the failover, and one of the old primary from after it.
struct Failover {
    depot: Depot,
    old: TestCluster,
    /// Between 101 and 102.
    time_on_old: String,
    /// Behind 102.
    end_of_old: String,
    /// Between 11 and 12.
    time_on_new: String,
    /// Behind 12.
    end_of_new: String,
    /// It serves until the end.
    new: Option<TestCluster>,
}

impl Failover {
    fn new() -> Self {
        let depot = Depot::new();
        for name in ["repo", "lock", "log", "spool", "home/shop/incoming", "barman.d"] {
            depot.folder(name);
        }
        let archive = depot.file(
            "to-pgbackrest-and-barman",
            &format!(
                "#!/bin/sh\nset -e\npgbackrest --config={0}/pgbackrest.conf --stanza=shop --pg1-path=\"$PWD\" archive-push \"$1\"\n\
                 cp \"$1\" {0}/home/shop/incoming/.$2\nmv {0}/home/shop/incoming/.$2 {0}/home/shop/incoming/$2\n",
                depot.root()
            ),
        );
        fs::set_permissions(&archive, fs::Permissions::from_mode(0o755)).unwrap();
        let archive = format!("archive_command={} %p %f", archive.display());
        let settings = ["archive_mode=on", archive.as_str()];
        let mut data = PathBuf::new();
        let old = TestCluster::start_with(&settings, RULES, |folder| data = folder.to_owned());
        depot.file(
            "pgbackrest.conf",
            &format!(
                "[global]\nrepo1-path={0}/repo\nlock-path={0}/lock\nlog-path={0}/log\nspool-path={0}/spool\n\
                 repo1-retention-full=9\nlog-level-console=off\ncompress-type=gz\ncompress-level=1\nstart-fast=y\n[shop]\n\
                 pg1-path={1}\npg1-socket-path={2}\npg1-port={3}\npg1-user=postgres\n",
                depot.root(),
                data.display(),
                old.folder().display(),
                old.port
            ),
        );
        let user = done(old.command(Path::new("/usr/bin/id")).arg("-un")).trim().to_owned();
        depot.file(
            "barman.conf",
            &format!(
                "[barman]\nbarman_home = {0}/home\nbarman_user = {user}\nlog_file = {0}/home/barman.log\n\
                 configuration_files_directory = {0}/barman.d\n",
                depot.root()
            ),
        );
        let conninfo =
            format!("host={} port={} user=postgres dbname=postgres", old.folder().display(), old.port);
        depot.file(
            "barman.d/shop.conf",
            &format!(
                "[shop]\ndescription = shop\nconninfo = {conninfo}\nstreaming_conninfo = {conninfo}\n\
                 backup_method = postgres\narchiver = on\npath_prefix = {}\n",
                crate::cluster::bin_folder().display(),
            ),
        );
        let failover = Self {
            depot,
            old,
            time_on_old: String::new(),
            end_of_old: String::new(),
            time_on_new: String::new(),
            end_of_new: String::new(),
            new: None,
        };
        failover.take_place(&settings)
    }

    fn take_place(mut self, settings: &[&str]) -> Self {
        let place = |server: &TestCluster| server.sql("postgres", "SELECT pg_current_wal_insert_lsn()");
        self.pgbackrest(&["stanza-create"]);
        begin_steps(&self.old);
        step(&self.old, 1);
        archive_segment(&self.old);
        self.barman(&["archive-wal", "shop"]);
        self.back_up();
        step(&self.old, 2);
        let new = self.old.standby_with(settings);
        until("the standby", || new.sql("postgres", "SELECT count(*) FROM steps") == "2");
        assert_eq!(new.sql("postgres", "SELECT pg_promote()"), "t");
        next_second(&self.old);
        step(&self.old, 101);
        self.time_on_old = now(&self.old);
        next_second(&self.old);
        step(&self.old, 102);
        self.end_of_old = place(&self.old);
        archive_segment(&self.old);
        self.back_up();
        next_second(&new);
        step(&new, 11);
        self.time_on_new = now(&new);
        step(&new, 12);
        self.end_of_new = place(&new);
        archive_segment(&new);
        self.barman(&["archive-wal", "shop"]);
        self.new = Some(new);
        self
    }

    fn pgbackrest(&self, arguments: &[&str]) -> String {
        let mut command = self.old.command(Path::new("/usr/bin/pgbackrest"));
        let configuration = format!("--config={}/pgbackrest.conf", self.depot.root());
        done(command.arg(configuration).arg("--stanza=shop").args(arguments))
    }

    fn barman(&self, arguments: &[&str]) -> String {
        let mut command = self.old.command(Path::new("/usr/bin/barman"));
        done(
            command
                .env("HOME", self.depot.path("home"))
                .arg("-c")
                .arg(self.depot.path("barman.conf"))
                .args(arguments),
        )
    }

    /// A backup of the old primary by both.
    fn back_up(&self) {
        self.pgbackrest(&["backup", "--type=full"]);
        self.barman(&["backup", "--immediate-checkpoint", "shop"]);
        archive_segment(&self.old);
        self.barman(&["archive-wal", "shop"]);
        next_second(&self.old);
    }

    /// The label of the backup of the branch that was left, by pgBackRest and by Barman.
    fn lost(&self) -> [String; 2] {
        let newest = |folder: &str, is_label: fn(&str) -> bool| {
            let entries = fs::read_dir(self.depot.path(folder)).unwrap().flatten();
            let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
            names.filter(|name| is_label(name)).max().unwrap()
        };
        [newest("repo/backup/shop", |name| name.ends_with('F')), newest("home/shop/base", |_| true)]
    }

    fn rehearse(&self, by: &str, tool: &Tool, more: &[&str]) -> Ended {
        let configuration = self.depot.path(&format!("{by}.conf")).display().to_string();
        let (stanza, config) = (format!("--{by}"), format!("--{by}-config"));
        tool.run(
            &[&["rehearse", &stanza, "shop", &config, &configuration, "--database", "postgres"], more]
                .concat(),
        )
    }
}

#[test]
fn pgbackrest_and_barman_recover_along_the_timeline_that_counts_and_say_which_it_was() {
    let failover = Failover::new();
    let Failover { time_on_old, end_of_old, time_on_new, end_of_new, .. } = &failover;
    let [lost, lost_by_barman] = failover.lost();
    for (by, name, lost) in [("pgbackrest", "--set", &lost), ("barman", "--backup-id", &lost_by_barman)] {
        for (arguments, code, steps, way, chosen) in [
            // The newest backup then was one of the branch that was left.
            (vec!["--target-time", time_on_new], 1, "1 2 11", "2 (1 until", "passed over"),
            (vec!["--target-time", time_on_old], 0, "1 2", "2 (1 until", "finished"),
            (vec!["--target-time", time_on_old, "--target-timeline", "1"], 0, "1 2 101", "1", "finished"),
            (
                vec!["--until", "latest", "--expect-lsn", end_of_new, "--target-timeline", "2"],
                0,
                "1 2 11 12",
                "2 (1 until",
                "passed over",
            ),
            (
                vec!["--until", "latest", "--expect-lsn", end_of_old, "--target-timeline", "1"],
                0,
                "1 2 101 102",
                "1",
                "finished",
            ),
            (
                vec![
                    "--until",
                    "latest",
                    "--expect-lsn",
                    end_of_old,
                    "--target-timeline",
                    "current",
                    name,
                    lost,
                ],
                0,
                "1 2 101 102",
                "1",
                "finished",
            ),
        ] {
            let tool = Tool::new();
            let expected = expect_steps(&tool, steps);
            let ended =
                failover.rehearse(by, &tool, &[&arguments[..], &["--after-restore", &expected]].concat());
            ended.assert_code(code);
            for check in ["restore.steps", "recovery.target", "backup.wal", "recovery.timeline"] {
                assert_eq!(
                    ended.finding(check).0,
                    "passed",
                    "{by} {arguments:?} {check}: {}",
                    ended.everything()
                );
            }
            let (_, _, observed) = ended.finding("recovery.timeline");
            let told = observed.split("on timeline ").nth(1).unwrap();
            assert!(told.starts_with(way), "{by} {arguments:?}: {observed}");
            let (outcome, _, observed) = ended.finding("backup.chosen");
            assert_eq!(
                outcome,
                if code == 1 { "warned" } else { "passed" },
                "{by} {arguments:?}: {observed}"
            );
            assert!(observed.contains(chosen), "{by} {arguments:?}: {observed}");
            assert_eq!(
                observed.contains(lost.as_str()),
                chosen == "passed over",
                "{by} {arguments:?}: {observed}"
            );
            tool.assert_nothing_left();
        }
        // Named, it is not started: PostgreSQL would end with words that name no remedy.
        let tool = Tool::new();
        let ended = failover.rehearse(by, &tool, &["--target-time", time_on_new, name, lost]);
        ended.assert_code(2);
        let (outcome, _, observed) = ended.finding("recovery.timeline");
        assert!(outcome == "failed" && observed.contains("leaves that at"), "{by}: {observed}");
        tool.assert_nothing_left();
    }
}
