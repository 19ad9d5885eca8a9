//! What a terminal shows while a rehearsal lasts, and that nothing else gets it.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use crate::tool::Tool;

/// Runs the rehearsal with standard error on a terminal of its own, and gives what the terminal got.
fn on_a_terminal(tool: &Tool, environment: &[(&str, &str)]) -> String {
    let program = assert_cmd::cargo::cargo_bin!("backup-restore-smoke");
    let script = tool.file(
        "rehearse.sh",
        &format!(
            "stty rows 40 cols 120\nexec '{}' rehearse --embedded --embedded-size 60MB --jobs 2 \
             --evidence evidence.md >stdout.txt\n",
            program.display()
        ),
    );
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--flush", "--command"]);
    command.arg(format!("sh {}", script.display())).arg("/dev/null");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("TERM", "xterm");
    command.env("OPS_SMOKE_RUN_BASE", tool.base()).env("HOME", tool.path(""));
    command.envs(environment.iter().copied()).current_dir(tool.path(""));
    let output = command.output().unwrap();
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{shown}");
    shown
}

/// Whether the terminal was told to colour something.
fn is_coloured(shown: &str) -> bool {
    shown.split('\u{1b}').skip(1).any(|sequence| {
        let end = sequence.find(|character: char| character.is_ascii_alphabetic());
        end.is_some_and(|end| sequence[end..].starts_with('m'))
    })
}

#[test]
fn a_terminal_sees_phase_bytes_rate_and_what_is_left_and_nobody_else_does() {
    let tool = Tool::new();
    let shown = on_a_terminal(&tool, &[("NO_COLOR", "1")]);
    let lines: Vec<_> = shown.split(['\r', '\n']).collect();
    for (phase, words) in [
        ("source: fingerprint", ["tables ", "/s,", " left"]),
        ("dump: pg_dump", ["written, ", "/s", ""]),
        ("restore: pg_restore", ["in files ", "/s,", " left"]),
        ("copy: fingerprint", ["tables ", "/s,", " left"]),
    ] {
        assert!(lines.iter().any(|line| line.contains(phase)), "{phase}: {shown}");
        let told = |line: &str| words.iter().all(|word| line.contains(word)) && line.contains("iB");
        assert!(lines.iter().any(|line| told(line)), "{words:?}: {shown}");
    }
    assert!(!is_coloured(&shown), "{shown}");
    for file in ["stdout.txt", "evidence.md"] {
        let text = fs::read_to_string(tool.path(file)).unwrap();
        assert!(text.contains("PASSED") && !text.contains('\u{1b}') && !text.contains("in files"), "{text}");
    }
    tool.assert_nothing_left();
}

#[test]
fn a_log_gets_no_progress() {
    let tool = Tool::new();
    let output = tool
        .bare()
        .args(["rehearse", "--embedded", "--embedded-size", "5MB", "--evidence", "none"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}
