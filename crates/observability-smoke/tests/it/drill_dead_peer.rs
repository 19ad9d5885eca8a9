//! A drill beside an Alertmanager that is dead before it begins: refused with what to do, or begun with the others where
//! the user names the dead one; and ended where it comes back with other routes.

use crate::{
    drill_live::{RULES, World},
    drill_real::{Alertmanager, config},
    support::{Run, Tool, closed_port},
};

/// Two Alertmanagers behind one Prometheus, of which the second is dead.
fn world(rules: &str) -> (World, String) {
    let (expose, listen) = (closed_port(), closed_port());
    let job = format!(
        "- job_name: ops-smoke-drill
  honor_labels: true
  static_configs: [{{targets: ['127.0.0.1:{expose}'], labels: {{drill: standing}}}}]
"
    );
    let routes = config(listen, "drills", "");
    let alertmanagers = vec![Alertmanager::start(&routes), Alertmanager::start(&routes)];
    let mut world = World::with_alertmanagers(rules, &job, (expose, listen), alertmanagers);
    world.alertmanagers[1].kill();
    let dead = world.alertmanagers[1].url().replace("http://", "");
    (world, dead)
}

/// One posted alert, wherever it goes.
const DRILL: [&str; 14] = [
    "drill",
    "--rules",
    "rules.yml",
    "--alert",
    "Full",
    "--environment",
    "staging",
    "--evidence",
    "evidence.md",
    "--verbose",
    "--allow-receiver",
    "drills",
    "--peer-timeout",
    "1s",
];

#[test]
fn a_dead_member_refuses_the_drill_unless_it_is_named_as_dead() {
    let (world, dead) = world(RULES);
    let listen = format!("127.0.0.1:{}", world.listen);
    let refused = world.drill(&["--listen", &listen]);
    assert_eq!(refused.code, 2, "{}{}", refused.stdout, refused.stderr);
    refused.line("FAILED", "drill.alertmanager", "nothing was exposed: no connection");
    assert!(
        refused.stdout.contains(&format!("drill the others: --allow-dead-peer {dead}")),
        "{}",
        refused.stdout
    );
    world.assert_clean();
    let drilled = world.drill(&["--listen", &listen, "--allow-dead-peer", &dead]);
    assert_eq!(drilled.code, 2, "the dead one stays told: {}{}", drilled.stdout, drilled.stderr);
    let line = drilled.line("FAILED", "drill.alertmanager", &dead);
    assert!(line.contains("the others are drilled"), "{line}");
    drilled.line("passed", "drill.fence", "Full");
    drilled.line("passed", "alert.notified", "Full");
    drilled.line("passed", "drill.ended", "Full");
    world.assert_clean();
}

#[test]
fn one_that_comes_back_with_other_routes_ends_the_drill() {
    let (mut world, dead) = world(&RULES.replace("    labels:", "    for: 10s\n    labels:"));
    let listen = format!("127.0.0.1:{}", world.listen);
    let child = world.begin("waiting until it has held", &["--listen", &listen, "--allow-dead-peer", &dead]);
    world.alertmanagers[1].configure(&config(closed_port(), "drills", ""));
    world.alertmanagers[1].restart();
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    run.line(
        "INCONCLUSIVE",
        "alert.loaded",
        "is back with another configuration: nobody can tell whom it tells",
    );
    world.assert_clean();
    assert!(!world.alertmanagers[1].alerts().contains("Full"), "the drill ended before it fired");
}

#[test]
fn what_is_posted_goes_to_the_living_ones() {
    let listen = closed_port();
    let living = Alertmanager::start(&config(listen, "drills", ""));
    let dead = format!("127.0.0.1:{}", closed_port());
    let tool = Tool::new();
    tool.write(
        "rules.yml",
        "groups: [{name: a, rules: [{alert: Full, expr: 'x > 1', labels: {severity: critical}}]}]\n",
    );
    let drill = |flags: &[&str]| -> Run {
        let mut command = tool.command();
        command.args(DRILL);
        command.args(["--alertmanager", &living.url(), "--alertmanager", &format!("http://{dead}")]);
        command.args(["--listen", &format!("127.0.0.1:{listen}")]).args(flags).output().unwrap().into()
    };
    let refused = drill(&[]);
    assert_eq!(refused.code, 2, "{}{}", refused.stdout, refused.stderr);
    refused.line("FAILED", "drill.alertmanager", "nothing was posted: no connection");
    assert!(refused.stdout.contains(&format!("--allow-dead-peer {dead}")), "{}", refused.stdout);
    let drilled = drill(&["--allow-dead-peer", &dead]);
    assert_eq!(drilled.code, 2, "{}{}", drilled.stdout, drilled.stderr);
    drilled.line("FAILED", "drill.alertmanager", "the others are drilled");
    drilled.line("passed", "alert.notified", "Full");
    drilled.line("passed", "alert.resolved", "Full");
    // Named as dead, and nobody else is there: nothing is posted.
    let mut command = tool.command();
    command.args(DRILL);
    command.args(["--alertmanager", &format!("http://{dead}"), "--allow-dead-peer", &dead]);
    let nobody: Run = command.output().unwrap().into();
    assert_eq!(nobody.code, 2, "{}{}", nobody.stdout, nobody.stderr);
    nobody.line("NOT CHECKED", "alert.notified", "nothing was posted");
}
