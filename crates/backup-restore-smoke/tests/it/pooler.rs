//! A transaction pooler between us and the source is refused before anything is set, because a setting would stay behind
//! in a server process that serves an application next; and so it is with the canary, which may beat through one.

use std::process::{Child, Command, Stdio};

use crate::{
    cluster::TestCluster,
    tool::{Tool, temporary_folder, until},
};

/// What sessions of ours set, as somebody else finds it.
const LEFT: &str = "SELECT string_agg(name, ' ') FROM pg_settings WHERE source = 'session' AND name IN \
    ('search_path', 'row_security', 'statement_timeout', 'lock_timeout', 'idle_session_timeout', 'extra_float_digits')";

#[test]
fn a_transaction_pooler_is_refused_and_nothing_stays_behind_in_it() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = cluster.shop();
    let direct = cluster.conninfo(database);
    tool.run(&["canary", "install", "--source", &direct, "--role", "heart"]).assert_code(0);
    for in_turn in [0, 1] {
        let pooler = Pooler::start(&cluster, database, in_turn);
        pooler.warm();
        let ended = tool.run(&["rehearse", "--source", &pooler.conninfo]);
        ended.assert_code(3);
        let (outcome, _, observed) = ended.finding("source.readable");
        assert!(outcome == "inconclusive" && observed.contains("pooler"), "{outcome}: {observed}");
        // Asked of each of its processes.
        assert_eq!([pooler.sql(LEFT), pooler.sql(LEFT)], ["", ""]);
        tool.run(&["canary", "beat", "--source", &pooler.conninfo]).assert_code(0);
        assert_eq!([pooler.sql(LEFT), pooler.sql(LEFT)], ["", ""]);
        tool.run(&["canary", "install", "--source", &pooler.conninfo, "--role", "heart"]).assert_code(0);
        assert_eq!([pooler.sql(LEFT), pooler.sql(LEFT)], ["", ""]);
    }
    tool.assert_nothing_left();
}

/// A real pgbouncer, which refuses root as PostgreSQL does.
struct Pooler {
    process: Child,
    psql: std::path::PathBuf,
    conninfo: String,
}

impl Pooler {
    fn start(cluster: &TestCluster, database: &str, in_turn: u8) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = temporary_folder("brp");
        let settings = format!(
            "[databases]\n{database} = host={} port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             auth_type = any\npool_mode = transaction\nignore_startup_parameters = extra_float_digits\nunix_socket_dir =\n\
             server_round_robin = {in_turn}\n",
            cluster.folder().display(),
            cluster.port
        );
        let file = folder.path().join("ini");
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new("setpriv");
        if rustix::process::geteuid().is_root() {
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups", "--", "setpriv"]);
        }
        command.args(["--pdeathsig", "KILL", "--", "/usr/sbin/pgbouncer"]).arg(file);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = child.expect("pgbouncer is installed (Debian's package pgbouncer)");
        let conninfo = format!("host=127.0.0.1 port={port} user=postgres dbname={database}");
        let pooler = Self { process, psql: cluster.bin().join("psql"), conninfo };
        until("pgbouncer's port", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        pooler
    }

    fn psql(&self, sql: &str) -> Command {
        let mut command = Command::new(&self.psql);
        command.args(["--no-psqlrc", "-AtX", "--dbname", &self.conninfo, "-c", sql]);
        command.stdin(Stdio::null());
        command
    }

    fn sql(&self, sql: &str) -> String {
        let output = self.psql(sql).output().unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Has it keep two server processes, as applications do.
    fn warm(&self) {
        let meet = "SELECT pg_sleep(0.3)";
        let mut both = [self.psql(meet).spawn().unwrap(), self.psql(meet).spawn().unwrap()];
        assert!(both.iter_mut().all(|child| child.wait().unwrap().success()));
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
