//! A real PostgreSQL server for one test: made in a temporary folder, ended and removed at the end, also when
//! the test panics.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use backup_restore_smoke::self_test::farm::stand_in;

use crate::tool::temporary_folder;

pub(crate) struct TestCluster {
    folder: tempfile::TempDir,
    server: Child,
    bin: PathBuf,
    pub(crate) port: u16,
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        // SIGQUIT: PostgreSQL's immediate shutdown ends the backends too.
        let _ = Command::new("kill").args(["-QUIT", &self.server.id().to_string()]).status();
        let deadline = Instant::now() + Duration::from_secs(8);
        while matches!(self.server.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The newest PostgreSQL of this machine.
pub(crate) fn bin_folder() -> PathBuf {
    let entries = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed").flatten();
    let mut folders: Vec<_> =
        entries.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").exists()).collect();
    folders.sort();
    folders.pop().expect("initdb of PostgreSQL is installed")
}

/// The programs of this major version, where this machine has them: the distribution's, or those that
/// `scripts/postgres-wheels` fetched.
pub(crate) fn bin_folder_of(major: u32) -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(default, PathBuf::from);
    let fetched = target.join(format!("postgres-wheels/{major}/bin"));
    let folders = [PathBuf::from(format!("/usr/lib/postgresql/{major}/bin")), fetched];
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").exists())
        .map(|folder| folder.canonicalize().unwrap())
}

/// The same programs with an `initdb` that copies its first cluster of each kind. They lie in the build's folder and
/// serve the next runs too, until other programs are installed. What is to be shown of `initdb` itself needs
/// [`bin_folder`].
pub(crate) fn quick_programs(bin: &Path) -> PathBuf {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let passable = |folder: &Path| fs::metadata(folder).is_ok_and(|meta| meta.mode() & 1 == 1);
    let root = rustix::process::geteuid().is_root();
    if root && !base.ancestors().all(passable) {
        // The server's user does not come to the build's folder.
        return bin.to_owned();
    }
    let installed = fs::metadata(bin.join("postgres")).unwrap().mtime();
    let name = format!("{}-{installed}-{root}", bin.display());
    let folder = base.join(format!("programs{}", name.replace('/', "-")));
    if !folder.is_dir() {
        let new = tempfile::Builder::new().prefix("new-").tempdir_in(base).unwrap();
        let whole = new.path().join("programs");
        fs::create_dir(&whole).unwrap();
        let first = stand_in(&whole, bin).unwrap();
        if root {
            // Several users make clusters, each of a kind of his own.
            fs::set_permissions(first, fs::Permissions::from_mode(0o1777)).unwrap();
        }
        // Of several tests that come at once the first one's stays.
        let _ = fs::rename(whole, &folder);
    }
    folder
}

/// How PostgreSQL's server programs are started: never as root.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Plain,
    UserNamespace,
    OtherUser,
}

/// How a cluster of the tests is made.
const INITDB: [&str; 7] = [
    "--no-sync",
    "--no-instructions",
    "--auth=trust",
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C",
    "--wal-segsize=1",
];

const MAPPED: [&str; 5] = ["--user", "--map-user=65534", "--map-group=65534", "--ipc", "--"];

impl Way {
    fn find() -> Self {
        let allowed = || {
            Command::new("unshare")
                .args(MAPPED)
                .arg("true")
                .output()
                .is_ok_and(|output| output.status.success())
        };
        match rustix::process::geteuid().is_root() {
            false => Self::Plain,
            true if allowed() => Self::UserNamespace,
            true => Self::OtherUser,
        }
    }

    fn command(self, program: &Path) -> Command {
        let mut command = Command::new(if self == Self::UserNamespace { "unshare" } else { "setpriv" });
        match self {
            Self::Plain => {}
            Self::UserNamespace => {
                command.args(MAPPED).arg("setpriv");
            }
            Self::OtherUser => {
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--", "setpriv"]);
            }
        }
        command.args(["--pdeathsig", "KILL", "--"]).arg(program).env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    /// Gives a folder of ours, with all that is in it, to the server's user.
    fn give(self, folder: &Path) {
        if self == Self::OtherUser {
            succeed(Command::new("chown").args(["-R", "postgres:"]).arg(folder));
        }
    }
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl TestCluster {
    /// A server with trust authentication on its socket.
    pub(crate) fn start() -> Self {
        Self::start_with(
            &[],
            "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
            |_| {},
        )
    }

    /// The same, of another version: its programs are in this folder.
    pub(crate) fn start_from(bin: PathBuf) -> Self {
        Self::make(bin, &[], &[], "local all all trust\nlocal replication all trust\n", |_| {})
    }

    /// A server with further settings and these authentication rules; `prepare` gets the data folder.
    pub(crate) fn start_with(settings: &[&str], rules: &str, prepare: impl FnOnce(&Path)) -> Self {
        Self::make(bin_folder(), &[], settings, rules, prepare)
    }

    /// A server of these programs that summarises its write-ahead log, so that increments can be taken.
    pub(crate) fn summarising(bin: PathBuf) -> Self {
        let rules = "local all all trust\nlocal replication all trust\n";
        // What a test copies out of pg_wal must still be there after the checkpoints of its backups.
        let settings = ["summarize_wal=on", "wal_keep_size=64MB"];
        Self::make(bin, &["--data-checksums"], &settings, rules, |_| {})
    }

    fn make(
        bin: PathBuf,
        initdb: &[&str],
        settings: &[&str],
        rules: &str,
        prepare: impl FnOnce(&Path),
    ) -> Self {
        let folder = temporary_folder("brs");
        let way = Way::find();
        way.give(folder.path());
        let data = folder.path().join("data");
        let mut make = way.command(&quick_programs(&bin).join("initdb"));
        succeed(make.args(INITDB).args(initdb).arg("--pgdata").arg(&data));
        fs::write(data.join("pg_hba.conf"), rules).unwrap();
        prepare(&data);
        Self::serve(folder, way, bin, settings)
    }

    /// A server that archives its write-ahead log into [`Self::archive`], in segments of 1 MB, with a shop.
    pub(crate) fn archiving(initdb: &[&str]) -> Self {
        Self::archiving_with(bin_folder(), initdb)
    }

    /// The same, of another version.
    pub(crate) fn archiving_from(bin: PathBuf) -> Self {
        Self::archiving_with(bin, &[])
    }

    fn archiving_with(bin: PathBuf, initdb: &[&str]) -> Self {
        let rules = "local all all trust\nlocal replication all trust\n";
        Self::make(bin, initdb, &[], rules, |data| {
            let archive = data.parent().unwrap().join("archive");
            let setting = format!(
                "archive_mode = on\narchive_command = 'mkdir -p {0} && cp %p {0}/%f'\nautovacuum = off\n",
                archive.display()
            );
            let file = data.join("postgresql.conf");
            let text = fs::read_to_string(&file).unwrap();
            fs::write(file, text + &setting).unwrap();
        })
    }

    /// Where [`Self::archiving`] archives to.
    pub(crate) fn archive(&self) -> PathBuf {
        self.folder().join("archive")
    }

    /// Closes the segment that is written to, and waits until everything is archived.
    pub(crate) fn archive_everything(&self) {
        let last = self.sql("postgres", "SELECT pg_walfile_name(pg_current_wal_lsn())");
        self.sql("postgres", "SELECT pg_switch_wal()");
        let archived = self.archive().join(last);
        crate::tool::until("the archive", || fs::metadata(&archived).is_ok_and(|meta| meta.len() == 1 << 20));
    }

    /// Takes a base backup; [`Self::sql`] of the same moment is in it.
    pub(crate) fn base_backup(&self, to: &Path, arguments: &[&str]) {
        let taken = Command::new(self.bin.join("pg_basebackup"))
            .args(["--checkpoint=fast", "--no-sync", "--username=postgres"])
            .args(["--host", &self.folder().display().to_string(), "--port", &self.port.to_string()])
            .arg("--pgdata")
            .arg(to)
            .args(arguments)
            .output()
            .unwrap();
        assert!(taken.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&taken.stderr));
    }

    /// Makes a tablespace in a folder of its own, and a table of 1000 rows in it.
    pub(crate) fn tablespace(&self, database: &str) -> PathBuf {
        let place = self.folder().join("live");
        self.make_folder(&place);
        self.sql(database, &format!("CREATE TABLESPACE fast LOCATION '{}'", place.display()));
        self.sql(
            database,
            "CREATE TABLE shop.fast (i int PRIMARY KEY) TABLESPACE fast; \
             INSERT INTO shop.fast SELECT generate_series(1, 1000); CHECKPOINT",
        );
        place
    }

    /// A folder that belongs to the server's user.
    pub(crate) fn make_folder(&self, folder: &Path) {
        fs::create_dir(folder).unwrap();
        Way::find().give(folder);
    }

    /// Ends the server cleanly; its folder stays.
    pub(crate) fn stop(&mut self) {
        assert!(
            Command::new("kill").args(["-INT", &self.server.id().to_string()]).status().unwrap().success()
        );
        self.server.wait().unwrap();
    }

    /// A standby of this server.
    pub(crate) fn standby(&self) -> Self {
        self.standby_with(&[])
    }

    /// A standby of this server, with further settings.
    pub(crate) fn standby_with(&self, settings: &[&str]) -> Self {
        let folder = temporary_folder("brs");
        let taken = Command::new(self.bin.join("pg_basebackup"))
            .args([
                "--write-recovery-conf",
                "--wal-method=stream",
                "--checkpoint=fast",
                "--no-sync",
                "--username=postgres",
            ])
            .args(["--host", &self.folder().display().to_string(), "--port", &self.port.to_string()])
            .arg("--pgdata")
            .arg(folder.path().join("data"))
            .output()
            .unwrap();
        assert!(taken.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&taken.stderr));
        let way = Way::find();
        way.give(folder.path());
        Self::serve(folder, way, self.bin.clone(), settings)
    }

    fn serve(folder: tempfile::TempDir, way: Way, bin: PathBuf, settings: &[&str]) -> Self {
        let data = folder.path().join("data");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = way.command(&bin.join("postgres"));
        command.arg("-D").arg(&data).arg("-p").arg(port.to_string());
        let socket = format!("unix_socket_directories={}", folder.path().display());
        for setting in [
            "fsync=off",
            "autovacuum=off",
            // A spread checkpoint would make every base backup of a test wait.
            "checkpoint_completion_target=0",
            "dynamic_shared_memory_type=mmap",
            "listen_addresses=127.0.0.1",
            &socket,
        ]
        .iter()
        .chain(settings)
        {
            command.arg("-c").arg(setting);
        }
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let server = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let cluster = Self { folder, server, bin, port };
        cluster.wait_until_ready();
        cluster
    }

    /// Until the postmaster writes into its file that it takes connections (`pidfile.h`), as `pg_ctl` waits.
    fn wait_until_ready(&self) {
        let file = self.folder.path().join("data/postmaster.pid");
        let ready = |text: String| {
            let lines: Vec<_> = text.lines().collect();
            lines.len() > 7 && ["ready", "standby"].contains(&lines[7].trim())
        };
        let deadline = Instant::now() + Duration::from_secs(90);
        while !fs::read_to_string(&file).is_ok_and(ready) {
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "the test's server does not start: {log}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Where its programs are.
    pub(crate) fn bin(&self) -> &Path {
        &self.bin
    }

    /// Runs a file of SQL.
    pub(crate) fn file(&self, database: &str, path: &Path) {
        let output = self.psql(database, &["-f", path.to_str().unwrap()]).output().unwrap();
        assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    }

    /// Whether the server takes this statement.
    pub(crate) fn accepts(&self, sql: &str) -> bool {
        self.psql("postgres", &["-c", sql]).output().unwrap().status.success()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A program that runs as the server does: what it makes, the server may read.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Way::find().command(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        command
    }

    /// What the server said so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }

    /// `host=… port=… user=postgres dbname=…`, through the socket.
    pub(crate) fn conninfo(&self, database: &str) -> String {
        format!("host={} port={} user=postgres dbname='{database}'", self.folder().display(), self.port)
    }

    pub(crate) fn psql(&self, database: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.bin.join("psql"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        command
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres"])
            .arg("-h")
            .arg(self.folder())
            .args(["-p", &self.port.to_string(), "-d", database])
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// Runs pg_dump or its like; the dump goes to standard output or, with `--file`, to a file.
    pub(crate) fn dump(&self, program: &str, arguments: &[&str]) -> Vec<u8> {
        let mut command = Command::new(self.bin.join(program));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        let output = command
            .args(["--username=postgres", "--host"])
            .arg(self.folder())
            .args(["--port", &self.port.to_string()])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Runs SQL and gives what it printed.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let output = self.psql(database, &["-c", sql]).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// The same in a database of any name: psql takes some names for whole connection strings.
    pub(crate) fn sql_in(&self, database: &str, sql: &str) -> String {
        let conninfo = format!("dbname='{}'", database.replace('\\', "\\\\").replace('\'', "\\'"));
        self.sql(&conninfo, sql)
    }

    /// A small shop: two tables, a sequence, a partitioned table.
    pub(crate) fn shop(&self) -> &'static str {
        self.sql("postgres", "CREATE DATABASE shop TEMPLATE template0");
        self.sql(
            "shop",
            "CREATE SCHEMA shop; CREATE TABLE shop.customers (id serial PRIMARY KEY, name text NOT NULL); \
             CREATE TABLE shop.orders (id int, at date, note text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at); \
             CREATE TABLE shop.orders_old PARTITION OF shop.orders FOR VALUES FROM ('2024-01-01') TO ('2025-01-01'); \
             CREATE TABLE shop.orders_new PARTITION OF shop.orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01'); \
             INSERT INTO shop.customers (name) SELECT 'customer ' || i FROM generate_series(1, 500) AS i; \
             INSERT INTO shop.orders SELECT i, date '2024-06-01' + i % 400, md5(i::text) FROM generate_series(1, 2000) AS i;",
        );
        "shop"
    }

    /// The same, with a table whose rows take so many seconds to be hashed here, and none in a restored copy: the
    /// source's fingerprint lasts.
    pub(crate) fn slow_shop(&self, seconds: u32) -> &'static str {
        let database = self.shop();
        self.slow_down(database, seconds, "<>");
        database
    }

    /// The same the other way round: the copy's fingerprint lasts.
    pub(crate) fn slow_copy_shop(&self, seconds: u32) -> &'static str {
        let database = self.shop();
        self.slow_down(database, seconds, "=");
        database
    }

    /// Adds such a table; `sign` tells the source (`<>`) from a restored copy (`=`). Whoever plans a query of the table
    /// evaluates the condition of its index.
    pub(crate) fn slow_down(&self, database: &str, seconds: u32, sign: &str) {
        let function = "shop.slowly(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql";
        self.sql(
            database,
            &format!(
                "CREATE TABLE shop.slow (a int); INSERT INTO shop.slow VALUES (1); \
                 CREATE FUNCTION {function} AS 'BEGIN RETURN true; END'; \
                 CREATE INDEX ON shop.slow (a) WHERE shop.slowly(1); \
                 CREATE OR REPLACE FUNCTION {function} AS 'BEGIN \
                 IF current_query() LIKE ''%hashtextextended%'' AND current_setting(''wal_level'') {sign} ''minimal'' \
                 THEN PERFORM pg_sleep({seconds}); END IF; RETURN true; END'"
            ),
        );
    }
}
