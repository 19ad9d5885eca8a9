//! A drill in a real Prometheus while parts of the world die: its Alertmanager restarted, Prometheus gone for good, one
//! of three Alertmanagers dead or cut off from the others.

use crate::{
    drill_live::{RULES, World},
    drill_real::{Alertmanager, config, wait_until},
    support::{Run, Tool, closed_port},
};

/// Three Alertmanagers that gossip; of the last it is said whether it knows the others.
fn three(routes: &str, last_knows: bool) -> Vec<Alertmanager> {
    let first = format!("127.0.0.1:{}", closed_port());
    let members = [(first.clone(), true), (gossip(), true), (gossip(), last_knows)];
    let start = |(index, (address, knows)): (usize, &(String, bool))| {
        let peers: &[&str] = if index > 0 && *knows { &[&first] } else { &[] };
        Alertmanager::start_in(routes, address, peers)
    };
    members.iter().enumerate().map(start).collect()
}

fn gossip() -> String {
    format!("127.0.0.1:{}", closed_port())
}

/// Three Alertmanagers behind one Prometheus.
fn world(rules: &str, last_knows: bool) -> World {
    let (expose, listen) = (closed_port(), closed_port());
    let job = format!(
        "- job_name: ops-smoke-drill
  honor_labels: true
  static_configs: [{{targets: ['127.0.0.1:{expose}'], labels: {{drill: standing}}}}]
"
    );
    let alertmanagers = three(&config(listen, "drills", ""), last_knows);
    World::with_alertmanagers(rules, &job, (expose, listen), alertmanagers)
}

fn held(rules: &str) -> String {
    rules.replace("    labels:", "    for: 5s\n    labels:")
}

#[test]
fn of_three_alertmanagers_one_notifies_also_when_another_dies() {
    std::thread::scope(|scope| {
        for dies in [false, true] {
            scope.spawn(move || {
                let mut world = world(&held(RULES), true);
                let listen = format!("127.0.0.1:{}", world.listen);
                let child = world.begin("waiting until it has held", &["--listen", &listen]);
                if dies {
                    world.alertmanagers[1].kill();
                }
                let run: Run = child.wait_with_output().unwrap().into();
                run.line("passed", "alert.notified", "Full");
                run.line("passed", "alert.once", "Full: one");
                if dies {
                    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
                    let url = world.alertmanagers[1].url();
                    let line = run.line("FAILED", "drill.alertmanager", &url);
                    assert!(line.contains("gone in the middle of the drill"), "{line}");
                } else {
                    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
                }
                world.assert_clean();
            });
        }
    });
}

#[test]
fn one_that_is_cut_off_from_the_others_notifies_on_its_own_and_that_is_told() {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let world = world(RULES, false);
            let run = world.drill(&["--listen", &format!("127.0.0.1:{}", world.listen)]);
            assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
            run.line("WARNED", "alert.once", "2, with the same alerts of the same group");
            run.line("passed", "alert.notified", "Full");
        });
        // The same of what is posted.
        scope.spawn(|| {
            let (tool, listen) = (Tool::new(), closed_port());
            tool.write("rules.yml", RULES);
            let members = three(&config(listen, "drills", ""), false);
            let mut command = tool.command();
            command.args([
                "drill",
                "--verbose",
                "--rules",
                "rules.yml",
                "--alert",
                "Full",
                "--evidence",
                "evidence.md",
            ]);
            command.args(["--environment", "staging", "--allow-receiver", "drills", "--peer-timeout", "1s"]);
            command.args(["--listen", &format!("127.0.0.1:{listen}")]);
            command.args(members.iter().flat_map(|one| ["--alertmanager".to_owned(), one.url()]));
            let run: Run = command.output().unwrap().into();
            assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
            run.line("WARNED", "alert.once", "2, with the same alerts of the same group");
        });
    });
}

#[test]
fn an_alertmanager_that_is_restarted_is_sent_the_alert_again() {
    let (expose, listen) = (closed_port(), closed_port());
    let job = format!(
        "- {{job_name: ops-smoke-drill, honor_labels: true, static_configs: [{{targets: ['127.0.0.1:{expose}'], labels: {{drill: standing}}}}]}}\n"
    );
    let routes = config(listen, "drills", "").replace("group_wait: 1s", "group_wait: 4s");
    let alertmanagers = vec![Alertmanager::start(&routes)];
    let mut world = World::with_alertmanagers(RULES, &job, (expose, listen), alertmanagers);
    let child = world.begin("waiting for the notification", &["--listen", &format!("127.0.0.1:{listen}")]);
    world.alertmanagers[0].restart();
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    run.line("WARNED", "drill.alertmanager", "restarted in the middle of the drill");
    run.line("passed", "alert.notified", "Full");
    run.line("passed", "alert.resolved", "Full");
    world.assert_clean();
}

#[test]
fn a_prometheus_that_stays_away_fails_by_name_within_the_deadline_and_the_sweep_waits_for_its_return() {
    // A range ends what a Prometheus that was away has not seen go; single values stay for five minutes.
    let mut world = World::good(&held(RULES).replace("depth > 100", "rate(depth[6s]) > 5"));
    let listen = format!("127.0.0.1:{}", world.listen);
    let child = world.begin("waiting until it has held", &["--listen", &listen, "--timeout", "75s"]);
    world.prometheus.kill();
    let run: Run = child.wait_with_output().unwrap().into();
    assert!(run.code == 2 || run.code == 3, "{}{}", run.stdout, run.stderr);
    // Gone for 45 seconds, or until the deadline; in neither case is the alert blamed.
    run.line("FAILED", "drill.prometheus", &world.prometheus.url);
    let reasons =
        ["Prometheus has not answered for 4", "the run was asked to stop, and Prometheus does not answer"];
    let told = reasons.iter().any(|why| run.stdout.contains(&format!("stopped at pending: {why}")));
    assert!(told && !run.stdout.contains("FAILED       rules.yml"), "{}", run.stdout);
    run.line("INCONCLUSIVE", "drill.ended", "Prometheus does not say whether the alert has ended");
    let sweep = |world: &World| Run::from(world.tool.command().arg("sweep").output().unwrap());
    let swept = sweep(&world);
    assert!(swept.code != 0 && swept.stdout.contains("NOT undone"), "{}{}", swept.stdout, swept.stderr);
    world.prometheus.restart();
    wait_until("its end", || sweep(&world).code == 0);
    world.assert_clean();
}
