//! The drill in a real Prometheus: from the series to the notification, the fences before it, and what is left after
//! a stop, a kill, a restart.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use crate::{
    drill_real::{Alertmanager, config, wait_until},
    support::{Prometheus, RECORD, Run, Server, Tool, assert_all_owed, closed_port},
};

pub(crate) const RULES: &str = "groups:
- name: queue
  rules:
  - alert: Full
    expr: depth > 100
    labels: {severity: critical}
    annotations: {summary: 'The queue {{ $labels.queue }} is full'}
";

/// A real Prometheus with a job for drills, a real Alertmanager, and the ports between.
pub(crate) struct World {
    pub(crate) tool: Tool,
    pub(crate) prometheus: Prometheus,
    /// They live as long as the world.
    pub(crate) alertmanagers: Vec<Alertmanager>,
    expose: u16,
    pub(crate) listen: u16,
}

impl World {
    fn start(rules: &str, jobs: &str, alertmanager: impl Fn(u16) -> String) -> Self {
        let (expose, listen) = (closed_port(), closed_port());
        let job = format!(
            "- job_name: ops-smoke-drill
  honor_labels: true
  static_configs: [{{targets: ['127.0.0.1:{expose}'], labels: {{drill: standing}}}}]
"
        );
        Self::with_job(rules, &job, jobs, (expose, listen), &alertmanager(listen))
    }

    fn with_job(rules: &str, job: &str, jobs: &str, (expose, listen): (u16, u16), routes: &str) -> Self {
        Self::with_alertmanagers(
            rules,
            &format!("{job}{jobs}"),
            (expose, listen),
            vec![Alertmanager::start(routes)],
        )
    }

    /// With these Alertmanagers, to each of which Prometheus sends; it sends again after three seconds.
    pub(crate) fn with_alertmanagers(
        rules: &str,
        jobs: &str,
        (expose, listen): (u16, u16),
        alertmanagers: Vec<Alertmanager>,
    ) -> Self {
        let tool = Tool::new();
        tool.write("rules.yml", rules);
        let targets: Vec<_> = alertmanagers.iter().map(|one| format!("'127.0.0.1:{}'", one.port)).collect();
        let text = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: [{}]}}]}}]}}
scrape_configs:
{jobs}",
            targets.join(", ")
        );
        let prometheus = Prometheus::start_with(&text, rules, &["--rules.alert.resend-delay=3s"]);
        // It has evaluated the rules once. That it discovers its Alertmanager and its targets is the drill's to wait for.
        prometheus.wait_for("/api/v1/rules", |answer| answer.contains("\"health\":\"ok\""));
        Self { tool, prometheus, alertmanagers, expose, listen }
    }

    /// As it should be: drills have a route of their own.
    pub(crate) fn good(rules: &str) -> Self {
        Self::start(rules, "", |port| config(port, "drills", ""))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.tool.command();
        command
            .args([
                "drill",
                "--verbose",
                "--evidence",
                "evidence.md",
                "--rules",
                "rules.yml",
                "--alert",
                "Full",
            ])
            .args(["--prometheus", &self.prometheus.url, "--environment", "staging"])
            .args(["--expose", &format!("127.0.0.1:{}", self.expose)])
            .args(["--allow-receiver", "drills", "--peer-timeout", "1s"])
            .args(arguments);
        command
    }

    pub(crate) fn drill(&self, arguments: &[&str]) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    pub(crate) fn begin(&self, until: &str, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let phases = BufReader::new(child.stderr.take().unwrap());
        let mut lines = phases.lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains(until)), "never came to: {until}");
        // Somebody goes on reading.
        std::thread::spawn(move || lines.for_each(drop));
        child
    }

    /// Nothing of a drill is left in Prometheus: no alert, and nobody listens.
    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        let alerts = self.prometheus.get("/api/v1/alerts").unwrap();
        assert!(!alerts.contains("\"alertname\":\"Full\""), "{alerts}");
        assert!(std::net::TcpStream::connect(("127.0.0.1", self.expose)).is_err());
    }
}

#[test]
fn the_loaded_rule_is_followed_from_the_series_to_the_webhook() {
    let world = World::good(RULES);
    let listen = format!("127.0.0.1:{}", world.listen);
    let run = world.drill(&[["--listen", &listen, "--objective", "20s"], RECORD].concat());
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_all_owed(&world.tool);
    run.line("passed", "drill.mixing", "queue/Full (kept apart by drill)");
    run.line("passed", "drill.fence", "drills");
    run.line("passed", "drill.rule_loaded", "the same");
    run.line("passed", "drill.real_route", "pager by default route");
    run.line("passed", "alert.content", "drill=");
    run.line("passed", "alert.time_to_notify", " s");
    run.line("passed", "alert.resolved", "after clearing");
    run.line("passed", "drill.ended", "none is");
    run.line("not checked", "drill.level", "scraped by your own Prometheus");
    for stage in ["scraped", "pending", "firing", "in Alertmanager", "received", "cleared", "resolved"] {
        assert!(run.stdout.contains(&format!("\n    {stage} ")), "{stage}: {}", run.stdout);
    }
    let evidence = world.tool.evidence();
    assert!(evidence.contains("staging") && !evidence.contains("secret-token"), "{evidence}");
    world.assert_clean();
}

#[test]
fn several_trials_are_proven_by_alertmanagers_counters() {
    let theirs = Server::start(|_, wire| wire.text(""));
    let port = theirs.address.port();
    let world = World::start(RULES, "", |_| config(port, "drills", ""));
    let run = world.drill(&["--repeat", "2", "--objective", "20s"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    run.line("passed", "alert.time_to_notify", "in 2 trials");
    run.line("not checked", "alert.content", "proven by Alertmanager's counters");
    world.assert_clean();
}

#[test]
fn nothing_is_exposed_where_real_series_or_people_would_notice() {
    let total = "  - record: job:depth:sum\n    expr: sum(depth)\n";
    let gone = "  - {alert: Gone, expr: absent(depth)}\n";
    let apart = "  - record: job:depth:sum\n    expr: sum by (drill) (depth)\n  - {alert: Kept, expr: 'absent(depth{drill=\"\"})'}\n";
    let inhibits = "inhibit_rules: [{source_matchers: ['severity=\"critical\"'], target_matchers: ['severity=\"warning\"']}]";
    let sums = RULES.replace("depth > 100", "sum by (queue) (depth) > 100");
    std::thread::scope(|scope| {
        for (case, check, says) in [
            (
                "recorded",
                "drill.mixing",
                "queue/job:depth:sum: its selector `depth` takes the drill's depth{",
            ),
            ("absent", "drill.mixing", "queue/Gone: its selector `depth`"),
            ("pager", "drill.fence", "it would reach the receiver pager"),
            ("inhibits", "drill.fence", "it could mute alerts that are no drill"),
            ("no job", "drill.scrape_job", "Prometheus has no scrape job other"),
            ("drift", "drill.rule_loaded", "for: written 60 s, loaded 0 s"),
            ("timeout", "drill.duration", "nothing was exposed: at most"),
            ("apart", "", ""),
            ("allowed", "", ""),
            ("same queue", "drill.mixing", "queue/Full: its selector `depth`"),
        ] {
            let sums = &sums;
            scope.spawn(move || {
                // A real series of the same name.
                let real = Server::start(|_, wire| wire.text("depth{queue=\"drill\"} 5\n"));
                let jobs =
                    format!("- {{job_name: real, static_configs: [{{targets: ['{}']}}]}}\n", real.address);
                let rules = match case {
                    "recorded" | "allowed" => format!("{RULES}{total}"),
                    "absent" => format!("{RULES}{gone}"),
                    "apart" => format!("{RULES}{apart}"),
                    "same queue" => sums.clone(),
                    _ => RULES.to_owned(),
                };
                let world = World::start(&rules, &jobs, |port| {
                    let drills = if case == "pager" { "pager" } else { "drills" };
                    config(port, drills, if case == "inhibits" { inhibits } else { "" })
                });
                world.prometheus.wait_for("/api/v1/query?query=depth", |answer| answer.contains("real"));
                let more: &[&str] = match case {
                    "no job" => &["--drill-job", "other"],
                    "timeout" => &["--timeout", "10s"],
                    "allowed" => &["--allow-rule", "queue/job:depth:sum"],
                    _ => &[],
                };
                if case == "drift" {
                    world.tool.write(
                        "rules.yml",
                        &rules.replace("    expr: depth > 100\n", "    expr: depth > 100\n    for: 1m\n"),
                    );
                }
                let listen = format!("127.0.0.1:{}", world.listen);
                let run = world.drill(&[&["--listen", &listen], more].concat());
                if check.is_empty() {
                    assert_eq!(run.code, 0, "{case}: {}{}", run.stdout, run.stderr);
                } else {
                    let (code, outcome) = if case == "drift" { (2, "FAILED") } else { (3, "INCONCLUSIVE") };
                    assert_eq!(run.code, code, "{case}: {}{}", run.stdout, run.stderr);
                    run.line(outcome, check, says);
                    let drills = world.prometheus.get("/api/v1/series?match[]=depth{drill!=%22%22}").unwrap();
                    assert!(drills.contains("\"data\":[]"), "{case}: {drills}");
                }
                world.assert_clean();
            });
        }
    });
}

#[test]
fn stopped_or_killed_outright_it_leaves_an_alert_that_ends_by_itself() {
    for signal in ["INT", "KILL"] {
        let world = World::start(RULES, "", |port| {
            config(port, "drills", "").replace("group_wait: 1s", "group_wait: 60s")
        });
        let mut child = world.begin("waiting for the notification", &[]);
        let sent =
            Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let ended = child.wait().unwrap();
        if signal == "KILL" {
            assert!(world.prometheus.get("/api/v1/alerts").unwrap().contains("Full"));
            // It looks, and says what is still there; or it has ended meanwhile.
            let swept = || Run::from(world.tool.command().arg("sweep").output().unwrap());
            let first = swept();
            assert!(first.code == 0 || first.stdout.contains("NOT undone"), "{}", first.stdout);
            wait_until("its end", || swept().code == 0);
        } else {
            assert_eq!(ended.code(), Some(3));
            wait_until("its end", || {
                world.prometheus.get("/api/v1/alerts").unwrap().contains("\"alerts\":[]")
            });
        }
        world.assert_clean();
    }
}

#[test]
fn a_target_in_a_file_comes_and_goes_with_the_drill() {
    let (expose, listen) = (closed_port(), closed_port());
    let folder = tempfile::Builder::new().prefix("sd").tempdir().unwrap();
    let file = folder.path().join("drill.json");
    let job = format!(
        "- job_name: ops-smoke-drill\n  honor_labels: true\n  file_sd_configs: [{{files: ['{}/*.json']}}]\n",
        folder.path().display()
    );
    let rules = format!("{RULES}  - {{alert: Down, expr: up == 0}}\n");
    let world = World::with_job(&rules, &job, "", (expose, listen), &config(listen, "drills", ""));
    let listening = format!("127.0.0.1:{listen}");
    let run = world.drill(&["--listen", &listening, "--targets-file", file.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    run.line("passed", "drill.mixing", "queue/Down (kept apart by drill)");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "[]\n");
    let targets = world.prometheus.get("/api/v1/targets").unwrap();
    assert!(targets.contains("\"activeTargets\":[]"), "{targets}");
    // A target that went away without a word would be down, and an alert.
    let alerts = world.prometheus.get("/api/v1/alerts").unwrap();
    assert!(alerts.contains("\"alerts\":[]"), "{alerts}");
    world.assert_clean();
}

#[test]
fn a_prometheus_that_is_restarted_in_the_middle_is_told_and_one_that_is_gone_fails() {
    let rules = RULES.replace("    labels:", "    for: 6s\n    labels:");
    let mut world = World::good(&rules);
    let listen = format!("127.0.0.1:{}", world.listen);
    let child = world.begin("waiting until it has held", &["--listen", &listen]);
    world.prometheus.restart();
    let run: Run = child.wait_with_output().unwrap().into();
    run.line("WARNED", "drill.prometheus", "restarted in the middle of the drill");
    run.line("passed", "alert.notified", "Full");
    world.assert_clean();
}
