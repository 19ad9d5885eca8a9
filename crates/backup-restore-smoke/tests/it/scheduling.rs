//! The lines of docs/scheduling.md for `policy` and `canary beat`, taken out of the page and run: silent when all is
//! well, one line when not.

use std::{fs, path::Path, process::Command};

use crate::{
    cluster::TestCluster,
    tool::{Tool, temporary_folder},
};

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scheduling.md")).unwrap()
}

/// The command of the crontab's line, or of the unit, that asks for this.
fn commands(asking: &str) -> [String; 2] {
    let page = page();
    let line = |fits: &dyn Fn(&&str) -> bool| page.lines().find(fits).unwrap().to_owned();
    let crontab =
        line(&|line| line.contains(asking) && line.contains("* * * backup") | line.contains("* * * cd"));
    let fields: Vec<_> = crontab.splitn(6, ' ').collect();
    assert!(fields[..5].iter().all(|field| *field == "*" || field.parse::<u8>().is_ok()), "{crontab}");
    assert!(!fields[5].contains('%'), "cron reads a percent sign as a line's end: {crontab}");
    let unit = line(&|line| line.starts_with("ExecStart=") && line.contains(asking));
    [fields[5].to_owned(), unit.trim_start_matches("ExecStart=/usr/local/bin/").to_owned()]
}

struct Place {
    tool: Tool,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = temporary_folder("brs");
        fs::create_dir(folder.path().join("ops")).unwrap();
        Self { tool: Tool::new(), folder }
    }

    /// Exit code, what was printed, and the textfile.
    fn at_night(&self, command: &str, variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
        let bare = self.tool.bare();
        let program = Path::new(bare.get_program()).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
        let mut shell = Command::new("/bin/sh");
        for (name, value) in bare.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.args(["-c", command]).current_dir(self.folder.path()).env("PATH", path);
        shell.env("REPOSITORY", self.folder.path()).env("TEXTFILES", self.folder.path());
        let output = shell.envs(variables.iter().copied()).output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        let textfile = fs::read_dir(self.folder.path()).unwrap().flatten().map(|entry| entry.path());
        let textfile = textfile.filter(|path| path.extension().is_some_and(|extension| extension == "prom"));
        let told = textfile.map(|path| fs::read_to_string(path).unwrap()).collect();
        (output.status.code(), said, told)
    }
}

#[test]
fn a_policy_looks_at_the_backups_every_morning() {
    for command in commands(" policy ") {
        let place = Place::new();
        let config = "policy:\n  - {name: nightly dumps, source: {files: ../backups}, newest_age: 26h, redundancy: 1}\n";
        fs::write(place.folder.path().join("ops/backup-restore.yaml"), config).unwrap();
        fs::create_dir(place.folder.path().join("backups")).unwrap();
        let made = Command::new("git").args(["init", "--quiet"]).arg(place.folder.path()).status();
        assert!(made.unwrap().success());
        let (code, said, told) = place.at_night(&command, &[]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("nightly dumps") && told.contains("verdict=\"failed\"} 1\n"), "{said}{told}");
        fs::write(place.folder.path().join("backups/shop.dump"), "x").unwrap();
        let (code, said, told) = place.at_night(&command, &[]);
        assert_eq!(code, Some(0), "{said}");
        assert!(!command.contains("--quiet") || said.is_empty(), "{said}");
        assert!(told.contains("verdict=\"passed\"} 1\n"), "{told}");
    }
}

#[test]
fn a_canary_beats_every_minute() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    let source = cluster.conninfo(database);
    tool.run(&["canary", "install", "--source", &source, "--role", "canary"]).assert_code(0);
    cluster.sql(database, "ALTER ROLE canary LOGIN");
    let service = format!(
        "[shop-canary]\nhost={}\nport={}\nuser=canary\ndbname={database}\n",
        cluster.folder().display(),
        cluster.port
    );
    let place = Place::new();
    let file = place.folder.path().join("services");
    fs::write(&file, service).unwrap();
    let variables = [("PGSERVICEFILE", file.to_str().unwrap())];
    for command in commands(" canary beat ") {
        let (code, said, told) = place.at_night(&command, &variables);
        assert_eq!((code, said.as_str()), (Some(0), ""), "{command}");
        assert!(told.contains("verdict=\"passed\"} 1\n"), "{told}");
    }
    assert_eq!(cluster.sql(database, "SELECT count(*) FROM ops_smoke_canary.beat"), "2");
    cluster.sql(database, "ALTER ROLE canary NOLOGIN");
    for command in commands(" canary beat ") {
        let (code, said, told) = place.at_night(&command, &variables);
        assert_eq!((code, said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains("canary") && told.contains("verdict=\"failed\"} 1\n"), "{said}{told}");
    }
}
