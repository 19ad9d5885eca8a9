//! The drill against a real Alertmanager: the fence, the arrival, and what is left after a kill.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{RECORD, Run, Server, Tool, assert_all_owed, closed_port};

/// A real Alertmanager on loopback, which can be killed and started again at its port.
pub(crate) struct Alertmanager {
    pub(crate) port: u16,
    child: Child,
    folder: tempfile::TempDir,
    flags: Vec<String>,
}

impl Alertmanager {
    pub(crate) fn start(config: &str) -> Self {
        Self::start_in(config, "", &[])
    }

    /// The same as a member of a cluster: it listens for peers there, and joins these.
    pub(crate) fn start_in(config: &str, cluster: &str, peers: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("am").tempdir().unwrap();
        std::fs::write(folder.path().join("alertmanager.yml"), config).unwrap();
        let port = closed_port();
        let mut flags = vec![format!("--cluster.listen-address={cluster}")];
        // Members wait for those before them, fifteen seconds each, unless they are told otherwise.
        flags.extend(["--cluster.settle-timeout=1s", "--cluster.peer-timeout=1s"].map(str::to_owned));
        flags.extend(peers.iter().map(|peer| format!("--cluster.peer={peer}")));
        let child = spawn(folder.path(), port, &flags);
        let mut alertmanager = Self { port, child, folder, flags };
        alertmanager.wait_until_ready();
        alertmanager
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Writes the configuration with which it is started next.
    pub(crate) fn configure(&self, config: &str) {
        std::fs::write(self.folder.path().join("alertmanager.yml"), config).unwrap();
    }

    pub(crate) fn restart(&mut self) {
        self.kill();
        self.child = spawn(self.folder.path(), self.port, &self.flags);
        self.wait_until_ready();
    }

    #[track_caller]
    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !self.amtool(&["config", "show"]).status.success() {
            assert!(self.child.try_wait().unwrap().is_none(), "alertmanager ended");
            assert!(Instant::now() < deadline, "alertmanager is not ready");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn amtool(&self, arguments: &[&str]) -> std::process::Output {
        let url = format!("--alertmanager.url={}", self.url());
        Command::new("amtool").arg(url).args(arguments).output().expect("amtool must be installed")
    }

    pub(crate) fn alerts(&self) -> String {
        String::from_utf8_lossy(&self.amtool(&["alert", "query", "-o", "extended"]).stdout).into_owned()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &Path, port: u16, flags: &[String]) -> Child {
    Command::new("prometheus-alertmanager")
        .arg(format!("--config.file={}", folder.join("alertmanager.yml").display()))
        .arg(format!("--storage.path={}", folder.join("data").display()))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("prometheus-alertmanager must be installed")
}

const RULES: &str = "groups:
- name: a
  rules:
  - alert: Full
    expr: sum by (drill, queue) (depth) > 100
    labels: {severity: critical}
    annotations: {summary: The queue is full}
  - alert: Slow
    expr: age > 100
    labels: {severity: warning}
    annotations: {summary: The queue is slow}
";

/// A configuration whose drills go to `drills`, which posts to this port; the rest of it at the end.
pub(crate) fn config(port: u16, drills: &str, more: &str) -> String {
    format!(
        "route:
  receiver: pager
  group_wait: 1s
  group_interval: 1s
  routes:
  - matchers: ['drill=~\".+\"']
    receiver: {drills}
receivers:
- name: pager
  webhook_configs: [{{url: 'http://127.0.0.1:{port}/secret-token-of-the-pager'}}]
- name: drills
  webhook_configs: [{{url: 'http://127.0.0.1:{port}/notifications', send_resolved: true}}]
- name: nobody
{more}
"
    )
}

fn drill(tool: &Tool, alertmanager: &Alertmanager, arguments: &[&str]) -> Command {
    tool.write("rules.yml", RULES);
    let mut command = tool.command();
    command.args([
        "drill",
        "--verbose",
        "--evidence",
        "evidence.md",
        "--rules",
        "rules.yml",
        "--alert",
        "Full",
    ]);
    command.args(["--alertmanager", &alertmanager.url(), "--environment", "staging"]).args(arguments);
    command
}

#[test]
fn a_posted_alert_is_followed_to_our_webhook_and_its_end() {
    let tool = Tool::new();
    let port = closed_port();
    // One would mute the other, were they not posted one after the other.
    let mutes = "inhibit_rules: [{source_matchers: ['severity=\"critical\"'], target_matchers: ['severity=\"warning\"'], equal: [drill]}]";
    let alertmanager = Alertmanager::start(&config(port, "drills", mutes));
    let listen = format!("127.0.0.1:{port}");
    let both = ["--alert", "Slow", "--allow-receiver", "drills", "--listen", &listen];
    let run: Run = drill(&tool, &alertmanager, &both).args(RECORD).output().unwrap().into();
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_all_owed(&tool);
    for name in ["Full", "Slow"] {
        run.line("passed", "drill.fence", &format!("{name}: drills"));
        run.line("passed", "alert.content", &format!("{name}: receiver drills"));
        run.line("passed", "alert.resolved", name);
        // Where it goes in reality is computed, for the label changes its route; also where the rule keeps it apart.
        run.line("passed", "drill.real_route", &format!("{name}: pager by default route"));
    }
    run.line("not checked", "drill.level", "nothing is said about PromQL");
    let evidence = tool.evidence();
    assert!(!evidence.contains("secret-token"), "{evidence}");
    assert!(evidence.contains("notification only"), "{evidence}");
    assert!(!alertmanager.alerts().contains("Full"), "{}", alertmanager.alerts());
}

#[test]
fn alertmanagers_own_counters_prove_what_no_webhook_of_ours_sees() {
    let tool = Tool::new();
    let theirs = Server::start(|_, wire| wire.text(""));
    let alertmanager = Alertmanager::start(&config(theirs.address.port(), "drills", ""));
    let mut drill = drill(&tool, &alertmanager, &["--allow-receiver", "drills"]);
    let run: Run = drill.args(RECORD).output().unwrap().into();
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_all_owed(&tool);
    run.line("passed", "alert.notified", "Full");
    run.line("not checked", "alert.content", "proven by Alertmanager's counters");
}

#[test]
fn nothing_is_posted_where_it_could_wake_or_mute_somebody() {
    let mutes = "inhibit_rules: [{source_matchers: ['severity=\"critical\"'], target_matchers: ['severity=\"warning\"'], equal: [service]}]";
    std::thread::scope(|scope| {
        for (drills, more, says) in [
            ("pager", "", "it would reach the receiver pager, which is not on the allow-list"),
            ("drills", mutes, "it could mute alerts that are no drill"),
        ] {
            scope.spawn(move || {
                let tool = Tool::new();
                let pager = Server::start(|_, wire| wire.text(""));
                let alertmanager = Alertmanager::start(&config(pager.address.port(), drills, more));
                let run: Run =
                    drill(&tool, &alertmanager, &["--allow-receiver", "drills"]).output().unwrap().into();
                assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
                run.line("INCONCLUSIVE", "drill.fence", says);
                assert!(!alertmanager.alerts().contains("Full"), "{}", alertmanager.alerts());
                assert!(pager.requests.lock().unwrap().is_empty());
            });
        }
    });
    let tool = Tool::new();
    tool.write("rules.yml", RULES);
    let refused = |arguments: &[&str], says: &str| {
        let mut command = tool.command();
        command.args(["drill", "--rules", "rules.yml", "--alert", "Full", "--evidence", "none"]);
        let run: Run = command.args(arguments).output().unwrap().into();
        assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains(says), "{}", run.stderr);
    };
    refused(
        &["--alertmanager", "http://alertmanager.example:9093"],
        "--allow-target alertmanager.example:9093",
    );
    refused(&["--alertmanager", "http://127.0.0.1:1", "--environment", "production"], "--drill-production");
}

#[test]
fn what_keeps_a_posted_alert_from_its_receiver_is_named() {
    let always = "time_intervals: [{name: always, time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]}]";
    let inhibited = "inhibit_rules: [{source_matchers: ['alertname=\"Maintenance\"'], target_matchers: ['severity=\"critical\"']}]";
    std::thread::scope(|scope| {
        for (case, says) in [
            ("dead", "the receiver nobody has no integration: a dead route"),
            ("muted", "is muted by the time interval always"),
            ("silenced", "it is silenced by"),
            ("inhibited", "it is muted by an inhibit rule while Maintenance"),
        ] {
            scope.spawn(move || {
                let tool = Tool::new();
                let port = closed_port();
                let drills = if case == "dead" { "nobody" } else { "drills" };
                let more = match case {
                    "muted" => always,
                    "inhibited" => inhibited,
                    _ => "",
                };
                let mut text = config(port, drills, more);
                if case == "muted" {
                    text = text.replace(
                        "    receiver: drills\n",
                        "    receiver: drills\n    mute_time_intervals: [always]\n",
                    );
                }
                let alertmanager = Alertmanager::start(&text);
                if case == "silenced" {
                    let silenced = alertmanager.amtool(&["silence", "add", "-c", "work", "alertname=Full"]);
                    assert!(silenced.status.success());
                }
                if case == "inhibited" {
                    assert!(alertmanager.amtool(&["alert", "add", "Maintenance"]).status.success());
                }
                let listen = format!("127.0.0.1:{port}");
                let arguments = ["--allow-receiver", drills, "--listen", &listen];
                let run: Run = drill(&tool, &alertmanager, &arguments).output().unwrap().into();
                assert_eq!(run.code, 2, "{case}: {}{}", run.stdout, run.stderr);
                let line = run.line("FAILED", "alert.notified", "stopped at in Alertmanager");
                assert!(line.contains(says), "{case}: {line}");
            });
        }
    });
}

#[test]
fn a_restart_in_the_middle_is_told_and_the_alert_still_arrives() {
    let tool = Tool::new();
    let port = closed_port();
    let text = config(port, "drills", "").replace("group_wait: 1s", "group_wait: 8s");
    let mut alertmanager = Alertmanager::start(&text);
    let listen = format!("127.0.0.1:{port}");
    let mut command = drill(&tool, &alertmanager, &["--allow-receiver", "drills", "--listen", &listen]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("the post", || alertmanager.alerts().contains("Full"));
    alertmanager.restart();
    let run: Run = child.wait_with_output().unwrap().into();
    run.line("WARNED", "drill.alertmanager", "restarted in the middle of the drill");
    run.line("passed", "alert.notified", "Full");
}

#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "never came: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn stopped_it_ends_what_it_posted_and_killed_outright_the_sweep_does() {
    let text = config(closed_port(), "drills", "").replace("group_wait: 1s", "group_wait: 60s");
    let alertmanager = Alertmanager::start(&text);
    for signal in ["INT", "KILL"] {
        let tool = Tool::new();
        let mut command = drill(&tool, &alertmanager, &["--allow-receiver", "drills"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let phases = BufReader::new(child.stderr.take().unwrap());
        assert!(phases.lines().map_while(Result::ok).any(|line| line.contains("posting to Alertmanager")));
        wait_until("the post", || alertmanager.alerts().contains("Full"));
        let sent =
            Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let ended = child.wait().unwrap();
        if signal == "KILL" {
            assert!(alertmanager.alerts().contains("Full"));
            let swept: Run = tool.command().arg("sweep").output().unwrap().into();
            assert_eq!(swept.code, 0, "{}{}", swept.stdout, swept.stderr);
        } else {
            assert_eq!(ended.code(), Some(3));
        }
        wait_until("its end", || !alertmanager.alerts().contains("Full"));
    }
}

#[test]
fn every_peer_of_a_cluster_is_posted_to_and_one_that_is_dead_or_differs_is_told() {
    let tool = Tool::new();
    let (port, gossip, other) = (closed_port(), closed_port(), closed_port());
    let (first, second) = (format!("127.0.0.1:{gossip}"), format!("127.0.0.1:{other}"));
    let text = config(port, "drills", "");
    let one = Alertmanager::start_in(&text, &first, &[]);
    let mut two = Alertmanager::start_in(&text, &second, &[&first]);
    let listen = format!("127.0.0.1:{port}");
    let allowed = ["--allow-receiver", "drills", "--listen", &listen, "--peer-timeout", "1s"];
    let both = |peer: &Alertmanager| {
        let mut command = drill(&tool, &one, &["--alertmanager", &peer.url()]);
        Run::from(command.args(allowed).output().unwrap())
    };
    let run = both(&two);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    run.line("passed", "drill.alertmanager", &two.url());
    run.line("passed", "alert.resolved", "Full");
    assert!(!one.alerts().contains("Full") && !two.alerts().contains("Full"));
    // One that would route differently.
    let odd = Alertmanager::start(&text.replace("group_wait: 1s", "group_wait: 2s"));
    let run = both(&odd);
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    run.line("INCONCLUSIVE", "drill.fence", "the peers would route differently");
    assert!(!odd.alerts().contains("Full") && !one.alerts().contains("Full"));
    // One that is dead.
    two.kill();
    let run = both(&two);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line("FAILED", "drill.alertmanager", &two.url());
    assert!(!one.alerts().contains("Full"), "{}", one.alerts());
}

#[test]
fn several_posts_give_least_median_and_greatest() {
    let tool = Tool::new();
    let port = closed_port();
    let alertmanager = Alertmanager::start(&config(port, "drills", ""));
    let listen = format!("127.0.0.1:{port}");
    let arguments =
        ["--allow-receiver", "drills", "--listen", &listen, "--repeat", "3", "--objective", "10s"];
    let run: Run = drill(&tool, &alertmanager, &arguments).output().unwrap().into();
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    run.line("passed", "alert.time_to_notify", "in 3 trials");
    assert!(tool.evidence().contains("time_to_notify_median_seconds"));
}

#[test]
fn posts_that_would_outlast_the_run_are_not_begun() {
    let tool = Tool::new();
    let text = config(closed_port(), "drills", "").replace("group_interval: 1s", "group_interval: 5m");
    let alertmanager = Alertmanager::start(&text);
    let run: Run = drill(&tool, &alertmanager, &["--allow-receiver", "drills"]).output().unwrap().into();
    assert_eq!(run.code, 3, "{}{}", run.stdout, run.stderr);
    run.line("INCONCLUSIVE", "drill.duration", "nothing was posted: up to");
    assert!(run.stdout.contains("--until received"), "{}", run.stdout);
    assert!(!alertmanager.alerts().contains("Full"));
}
