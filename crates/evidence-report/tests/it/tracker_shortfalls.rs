//! `check` on a repository in which nearly everything is wrong; `--fix`; `import tracker`.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use crate::place::{command, write};

const TRACKER: &str = "# Track

See [the plan](plan.md#first), [nothing](gone.md) and [out](../../../etc/passwd).

## 1) Alerts
- Status: `done`
- Owner: `SRE`
- Target: `Before beta`
- Evidence:
  - Command: `make check`, `make only-phony`, `make $(T)`
  - Script: `ops/smoke.sh`
  - Page: `doc/page.md`
  - Rules: `ops/rules.yaml`, `ops/limits.toml`, `ops/load.json`
  - Case: `doc/Page.md`
  - Out: `../secret`, `doc/way-out.md`
  - Pipe: `doc/pipe.md`

## 2) Runbooks
- Status: `In Progress`
- Owner: `SRE`
- Target: `Before beta`
- Evidence:
  - Draft: `doc/draft.md`
";

/// A folder with a repository `r` in it, and a file outside of that.
fn broken() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret"), "outside").unwrap();
    let root = folder.path().join("r");
    write(&root, "Makefile", ".PHONY: check only-phony\ncheck:\n\ttrue\n");
    write(&root, "ops/smoke.sh", "#!/bin/sh\ntrue\n");
    let page = "# Page\n\n## First\n\n## First\n\n[a](#first-1) [b](#third) [c](draft.md#draft) [d](Draft.md) [e](x.md)\n\nTODO, <owner> and `TODO`\n";
    write(&root, "doc/page.md", page);
    write(&root, "doc/plan.md", "# First\n");
    write(&root, "doc/draft.md", "# Draft\n\n[x](gone.md)\n\nTBD\n");
    write(&root, "ops/rules.yaml", "a: 1\n---\nb: [1\n");
    write(&root, "ops/limits.toml", "a = 1\n");
    write(&root, "ops/load.json", "{\"a\": 1,\n}\n");
    std::os::unix::fs::symlink("../../secret", root.join("doc/way-out.md")).unwrap();
    assert!(Command::new("mkfifo").arg(root.join("doc/pipe.md")).status().unwrap().success());
    write(&root, "doc/track.md", TRACKER);
    let git = |arguments: &[&str]| Command::new("git").current_dir(&root).args(arguments).status().unwrap();
    assert!(git(&["init", "-q"]).success() && git(&["add", "."]).success());
    folder
}

#[test]
fn everything_that_is_wrong_is_told_with_file_line_reason_and_remedy() {
    let folder = broken();
    let (code, printed) = command(folder.path().join("r"), &["check", "doc/track.md"]);
    assert_eq!(code, 2, "{printed}");
    insta::assert_snapshot!(printed);
}

#[test]
fn fix_shows_what_it_would_change_then_changes_that_alone_and_checks_again() {
    let folder = broken();
    let root = folder.path().join("r");
    let mode = || fs::metadata(root.join("ops/smoke.sh")).unwrap().permissions().mode() & 0o777;
    fs::set_permissions(root.join("ops/smoke.sh"), fs::Permissions::from_mode(0o640)).unwrap();

    let (code, printed) = command(&root, &["check", "doc/track.md", "--fix", "--dry-run"]);
    let told = "would change chmod +x ops/smoke.sh\nwould change doc/track.md:19: status 'In Progress' → in_progress\n";
    assert_eq!((code, printed.as_str(), mode()), (0, told, 0o640));
    assert_eq!(fs::read_to_string(root.join("doc/track.md")).unwrap(), TRACKER);

    let (_, printed) = command(&root, &["check", "doc/track.md", "--fix"]);
    assert!(printed.contains("ops/smoke.sh: changed: chmod +x ops/smoke.sh [tracker.fixed]"), "{printed}");
    assert!(
        !printed.contains("not executable") && !printed.contains("'In Progress' [tracker.status]"),
        "{printed}"
    );
    assert_eq!(mode(), 0o750, "who may not read it may not start it");
    let expected = TRACKER.replace("`In Progress`", "`in_progress`");
    assert_eq!(fs::read_to_string(root.join("doc/track.md")).unwrap(), expected);

    let (code, printed) = command(&root, &["check", "doc/track.md", "--fix", "--dry-run"]);
    assert_eq!((code, printed.as_str()), (0, "nothing to mend\n"));
    let log = Command::new("git").current_dir(&root).args(["log", "--oneline"]).output().unwrap();
    assert_eq!(log.stdout, b"", "nothing is committed");
}

#[test]
fn fix_changes_nothing_outside_of_the_root() {
    let folder = broken();
    let root = folder.path().join("r");
    let script = folder.path().join("outside.sh");
    fs::write(&script, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::symlink("../../outside.sh", root.join("ops/way-out.sh")).unwrap();
    let tracker = TRACKER.replace("`ops/smoke.sh`", "`ops/way-out.sh`, `../outside.sh`");
    fs::write(folder.path().join("track.md"), tracker.replace("In Progress", "Done")).unwrap();
    let (_, printed) = command(&root, &["check", "../track.md", "--root", ".", "--fix"]);
    assert!(printed.contains("could not: ../track.md:19"), "{printed}");
    assert_eq!(fs::metadata(&script).unwrap().permissions().mode() & 0o777, 0o644);
    assert!(fs::read_to_string(folder.path().join("track.md")).unwrap().contains("`Done`"));
}

#[test]
fn import_tracker_writes_once_tells_what_is_unsure_and_check_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let flat = "Track¶\n1) Alerts¶\n- Status:\nopen - Owner:\nSRE - Target:\nBeta - Scope:\n- Route to\ncmd/edgeruntime.\n- Evidence:\n- Page:\nflat.txt\n";
    write(folder.path(), "flat.txt", flat);
    let import = ["import", "tracker", "flat.txt", "-o", "track.md"];
    let (code, printed) = command(folder.path(), &import);
    assert_eq!(printed, "track.md: 1 items\nflat.txt:8: look at this by hand: cmd/edgeruntime.\n");
    assert_eq!(code, 1);
    let (code, printed) = command(folder.path(), &import);
    assert!(code == 3 && printed.contains("track.md is there already"), "{printed}");
    let (_, printed) = command(folder.path(), &["check", "track.md", "--root", "."]);
    assert!(printed.contains("item 1 (Alerts)") || printed.starts_with("PASSED"), "{printed}");
    write(folder.path(), "flat.txt", "Hello\n");
    let (code, printed) = command(folder.path(), &["import", "tracker", "flat.txt", "-o", "b.md"]);
    assert!(code == 3 && printed.contains("has no item"), "{printed}");
    assert!(!folder.path().join("b.md").exists());
}
