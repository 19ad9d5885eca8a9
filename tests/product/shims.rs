//! The script names that trackers link to.

use std::{os::unix::fs::PermissionsExt, path::PathBuf};

use crate::programs::{program, project, run};

const SHIMS: [(&str, &str); 3] = [
    ("observability_smoke.sh", "observability-smoke"),
    ("backup_restore_smoke.sh", "backup-restore-smoke"),
    ("cert_expiry_check.sh", "cert-expiry-check"),
];

fn folders() -> [PathBuf; 2] {
    [project().join("scripts/ops"), project().join("examples/parallel-ops-track/scripts/ops")]
}

#[test]
fn missing_tool_is_named_and_inconclusive() {
    let scratch = tempfile::tempdir().unwrap();
    for folder in folders() {
        for (script, tool) in SHIMS {
            let said =
                run(program(folder.join(script), scratch.path()).env("PATH", "/usr/bin:/bin")).exits(3);
            assert!(said.stderr.contains(&format!("{tool} is not on the PATH")), "{}", said.stderr);
            assert!(said.stderr.contains("cargo build"), "{}", said.stderr);
            assert!(said.stdout.is_empty(), "{}", said.stdout);
        }
    }
}

#[test]
fn arguments_and_exit_code_pass_through_untouched() {
    let scratch = tempfile::tempdir().unwrap();
    for (script, tool) in SHIMS {
        let stand_in = scratch.path().join(tool);
        fs_err::write(&stand_in, "#!/bin/sh\nprintf '<%s>' \"$@\"\nexit 2\n").unwrap();
        fs_err::set_permissions(&stand_in, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", scratch.path().display());
        for folder in folders() {
            let said = run(program(folder.join(script), scratch.path()).env("PATH", &path).args([
                "run",
                "two words",
                "--format=json",
                "",
            ]))
            .exits(2);
            assert_eq!(said.stdout, "<run><two words><--format=json><>");
        }
    }
}

#[test]
fn shims_find_the_built_tools() {
    let scratch = tempfile::tempdir().unwrap();
    for (script, tool) in SHIMS {
        let said = run(program(folders()[0].join(script), scratch.path()).arg("--version")).exits(0);
        assert!(said.stdout.starts_with(tool), "{}", said.stdout);
    }
}
