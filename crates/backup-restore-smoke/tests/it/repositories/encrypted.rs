//! An encrypted repository of pgBackRest: what this machine lacks (a passphrase, the right one) and what is damaged are
//! two things, for a rehearsal and for a policy; and a restore point that lies before the newest backup is no loss.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Depot, RULES, archive_segment, done, next_second};
use crate::{
    cluster::TestCluster,
    tool::{Ended, Tool},
};

struct Encrypted {
    depot: Depot,
    cluster: TestCluster,
    configuration: PathBuf,
}

impl Encrypted {
    fn new() -> Self {
        let depot = Depot::new();
        for name in ["repo", "lock", "log", "spool"] {
            depot.folder(name);
        }
        let configuration = depot.path("pgbackrest.conf");
        let archive = format!(
            "archive_command=pgbackrest --config={} --stanza=shop archive-push %p",
            configuration.display()
        );
        let written = configuration.clone();
        let text = format!(
            "[global]\nrepo1-path={0}/repo\nrepo1-cipher-type=aes-256-cbc\nrepo1-cipher-pass=right\nlock-path={0}/lock\n\
             log-path={0}/log\nspool-path={0}/spool\nrepo1-retention-full=9\nlog-level-console=off\ncompress-level=1\n\
             start-fast=y\n[shop]\npg1-user=postgres\n",
            depot.root()
        );
        let cluster = TestCluster::start_with(&["archive_mode=on", &archive], RULES, |data| {
            fs::write(&written, format!("{text}pg1-path={}\n", data.display())).unwrap();
        });
        let socket = format!("pg1-socket-path={}\npg1-port={}\n", cluster.folder().display(), cluster.port);
        fs::write(&configuration, fs::read_to_string(&configuration).unwrap() + &socket).unwrap();
        let stanza = Self { depot, cluster, configuration };
        stanza.pgbackrest(&["stanza-create"]);
        // So long is the catalogue that what another passphrase makes of it has the end of a line somewhere.
        let note = format!("--annotation=note={}", "long ".repeat(1000));
        stanza.pgbackrest(&["backup", "--type=full", &note]);
        stanza
    }

    fn pgbackrest(&self, arguments: &[&str]) {
        let mut command = self.cluster.command(Path::new("/usr/bin/pgbackrest"));
        let configuration = format!("--config={}", self.configuration.display());
        done(command.arg(configuration).arg("--stanza=shop").args(arguments));
    }

    /// The same configuration with another passphrase, or with none.
    fn configured(&self, name: &str, passphrase: Option<&str>) -> PathBuf {
        let text = fs::read_to_string(&self.configuration).unwrap();
        let cipher = passphrase.map_or_else(String::new, |given| {
            format!("repo1-cipher-type=aes-256-cbc\nrepo1-cipher-pass={given}\n")
        });
        let text = text.replace("repo1-cipher-type=aes-256-cbc\nrepo1-cipher-pass=right\n", &cipher);
        self.depot.file(name, &text)
    }
}

fn rehearsed(tool: &Tool, configuration: &Path, more: &[&str]) -> Ended {
    let configuration = configuration.to_str().unwrap();
    let arguments = ["rehearse", "--pgbackrest", "shop", "--pgbackrest-config", configuration];
    tool.run(&[&arguments[..], more].concat())
}

#[test]
fn a_wrong_passphrase_is_this_machines_and_damage_is_the_backups() {
    let (stanza, tool) = (Encrypted::new(), Tool::new());
    let policy = |configuration: &Path| {
        let configuration = configuration.to_str().unwrap();
        tool.run(&["policy", "--pgbackrest", "shop", "--tool-config", configuration, "--newest-age", "1h"])
    };
    let judged = |configuration: &Path, check: &str, code: i32, said: &str| {
        let ended = rehearsed(&tool, configuration, &["--until", "immediate"]);
        ended.assert_code(code);
        let (_, _, observed) = ended.finding(check);
        assert!(observed.contains(said), "{observed}");
        let ended = policy(configuration);
        ended.assert_code(code);
        assert!(!ended.everything().contains('\u{fffd}'), "what was deciphered is shown: {}", ended.stdout);
    };
    judged(&stanza.configured("none.conf", None), "rehearsal.environment", 3, "no passphrase was given");
    let wrong = stanza.configured("wrong.conf", Some("left"));
    judged(&wrong, "rehearsal.environment", 3, "is another one");
    policy(&stanza.configuration).assert_code(0);
    let copies =
        ["backup.info", "backup.info.copy"].map(|name| stanza.depot.path("repo/backup/shop").join(name));
    let whole = copies.each_ref().map(|path| fs::read(path).unwrap());
    let damage = |change: &dyn Fn(&mut Vec<u8>)| {
        for (path, bytes) in copies.iter().zip(&whole) {
            let mut bytes = bytes.clone();
            change(&mut bytes);
            fs::write(path, bytes).unwrap();
        }
    };
    damage(&|bytes| bytes.truncate(bytes.len() / 2));
    judged(&stanza.configuration, "backup.chosen", 2, "cut or damaged");
    damage(&|bytes| bytes.fill(0));
    judged(&stanza.configuration, "backup.chosen", 2, "it is damaged; or");
    damage(&|bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
    });
    judged(&stanza.configuration, "backup.chosen", 2, "it is damaged");
    tool.assert_nothing_left();
}

#[test]
fn a_restore_point_before_the_newest_backup_is_not_called_lost() {
    let (stanza, tool) = (Encrypted::new(), Tool::new());
    stanza.cluster.sql("postgres", "SELECT pg_create_restore_point('before the fire')");
    next_second(&stanza.cluster);
    stanza.pgbackrest(&["backup", "--type=incr"]);
    archive_segment(&stanza.cluster);
    let ended = rehearsed(&tool, &stanza.configuration, &["--target-name", "before the fire"]);
    ended.assert_code(3);
    let (outcome, _, observed) = ended.finding("recovery.target");
    assert_eq!(outcome, "inconclusive");
    assert!(observed.contains("older backups were not tried"), "{observed}");
    // What it says is to be named leads there.
    let word = ended.stdout.split("--set ").nth(1).expect("an older backup is named");
    let label: String =
        word.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    let ended =
        rehearsed(&tool, &stanza.configuration, &["--target-name", "before the fire", "--set", &label]);
    ended.assert_code(0);
    assert_eq!(ended.finding("recovery.target").0, "passed");
    // Named, it is the only one that counts: a restore point that no log holds is lost.
    let ended = rehearsed(&tool, &stanza.configuration, &["--target-name", "nowhere", "--set", &label]);
    ended.assert_code(2);
    tool.assert_nothing_left();
}
