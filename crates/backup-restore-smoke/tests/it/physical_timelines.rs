//! A backup from before a failover: recovery follows the log across the change of timeline, to where it was told to,
//! and never takes the old branch for the new one.

use std::fs;

use crate::{
    cluster::TestCluster,
    physical::expecting,
    tool::{Ended, Tool, until},
};

/// 10 rows in the backup, 20 at the failover; the new primary goes on to 30, then 35; the old one, which nobody
/// stopped, has 26 on its own branch, and a log that is longer.
struct Failover {
    primary: TestCluster,
    tool: Tool,
    /// Between 30 and 35 rows.
    time: String,
    /// The end of the new branch.
    end: String,
    /// The end of the old one.
    lost_end: String,
}

impl Failover {
    fn new() -> Self {
        let (primary, tool) = (TestCluster::archiving(&[]), Tool::new());
        let database = primary.shop();
        let add = |server: &TestCluster, from: u32, to: u32| {
            server.sql("shop", &format!("INSERT INTO shop.placed SELECT generate_series({from}, {to})"));
        };
        let place = |server: &TestCluster| server.sql("shop", "SELECT pg_current_wal_insert_lsn()");
        primary.sql(database, "CREATE TABLE shop.placed (i int PRIMARY KEY)");
        add(&primary, 1, 10);
        primary.base_backup(&tool.path("base"), &["--wal-method=none"]);
        add(&primary, 11, 20);
        let standby = primary.standby();
        until("the standby", || standby.sql("shop", "SELECT count(*) FROM shop.placed") == "20");
        assert_eq!(standby.sql("shop", "SELECT pg_promote()"), "t");
        add(&standby, 21, 30);
        let time =
            "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
        let time = standby.sql("shop", time);
        standby.sql("shop", "SELECT pg_create_restore_point('after the failover')");
        add(&standby, 31, 35);
        let end = place(&standby);
        // The archive's folder is the old primary's.
        standby.sql("shop", "SELECT pg_switch_wal()");
        let archived = |server: &TestCluster, name: &str| {
            until(name, || primary.archive().join(name).exists());
            let _ = server;
        };
        archived(&standby, "00000002.history");
        let name = standby.sql("shop", &format!("SELECT pg_walfile_name('{end}')"));
        archived(&standby, &name);
        add(&primary, 101, 106);
        primary.sql("shop", "CREATE TABLE shop.longer AS SELECT generate_series(1, 50000) AS i");
        let lost_end = place(&primary);
        primary.archive_everything();
        Self { primary, tool, time, end, lost_end }
    }

    fn rehearse(&self, arguments: &[&str]) -> Ended {
        let (base, archive) = (self.tool.path("base"), self.primary.archive());
        let given = ["rehearse", "--database", "shop", "--backup", base.to_str().unwrap()];
        self.tool.run(&[given.as_slice(), &["--wal", archive.to_str().unwrap()], arguments].concat())
    }
}

#[test]
fn recovery_crosses_a_failover_to_wherever_it_is_told_to() {
    let failover = Failover::new();
    for (arguments, rows) in [
        (vec!["--until", "latest", "--expect-lsn", &failover.end], 35),
        (vec!["--target-time", &failover.time], 30),
        (vec!["--target-name", "after the failover"], 30),
        (vec!["--target-lsn", &failover.end, "--target-timeline", "2"], 35),
        (vec!["--target-lsn", &failover.lost_end, "--target-timeline", "current"], 26),
    ] {
        let step = expecting(&failover.tool, "shop.placed", rows);
        let ended = failover.rehearse(&[&arguments[..], &["--after-restore", &step]].concat());
        ended.assert_code(0);
        for check in ["restore.steps", "recovery.target", "backup.wal"] {
            assert_eq!(ended.finding(check).0, "passed", "{arguments:?} {check}: {}", ended.everything());
        }
        failover.tool.assert_nothing_left();
    }
}

#[test]
fn an_archive_that_lost_the_history_of_a_failover_never_passes_for_the_old_branch() {
    let failover = Failover::new();
    fs::remove_file(failover.primary.archive().join("00000002.history")).unwrap();
    // The old branch reaches behind that place, with other rows.
    for arguments in [
        vec!["--until", "latest", "--expect-lsn", &failover.end],
        vec!["--target-lsn", &failover.end],
        vec!["--target-time", &failover.time],
        vec!["--target-lsn", &failover.end, "--target-timeline", "2"],
    ] {
        let ended = failover.rehearse(&arguments);
        ended.assert_code(2);
        let (outcome, subject, _) = &ended.findings("backup.wal")[0];
        assert!(
            outcome == "failed" && subject == "00000002.history",
            "{arguments:?}: {}",
            ended.everything()
        );
        failover.tool.assert_nothing_left();
    }
}
