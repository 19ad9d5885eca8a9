//! What cannot be done is refused before anything is begun, with a word on what to type instead.

use crate::tool::Tool;

fn refused(arguments: &[&str]) -> String {
    let tool = Tool::new();
    let output = tool.command(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{arguments:?}: {stderr}");
    tool.assert_nothing_left();
    stderr
}

#[test]
fn what_cannot_be_done_is_refused_with_exit_code_3() {
    for (arguments, said) in [
        (vec!["rehearse"], "--embedded"),
        (vec!["rehearse", "--embedded", "--source", "x"], "cannot be used with"),
        (vec!["rehearse", "--embedded", "--jobs", "0"], "from 1 to 64"),
        (vec!["rehearse", "--embedded", "--embedded-size", "tiny"], "20MB"),
        (vec!["rehearse", "--embedded", "--scratch", "/nowhere/at/all"], "/nowhere/at/all"),
        (vec!["rehearse", "--embedded", "--after-restore", "/nowhere.sql"], "/nowhere.sql"),
        (vec!["rehearse", "--source", "sslmode=allow"], "sslmode"),
        (vec!["rehearse", "--source", "colour=blue"], "colour"),
        (vec!["rehearse", "--rto", "soon", "--embedded"], "write 90s"),
    ] {
        let stderr = refused(&arguments);
        assert!(stderr.contains(said), "{arguments:?}: {stderr}");
    }
}

#[test]
fn a_configuration_file_is_followed_and_its_mistakes_have_line_and_column() {
    let tool = Tool::new();
    let config = tool.file("rehearsal.yaml", "run:\n  owner: Platform + DBA\n  timeout: 10m\nembedded: true\nembedded_size: 12MB\njobs: 1\nrto: 15m\nafter_restore: [steps.sql]\n");
    tool.file("steps.sql", "ANALYZE");
    let output = tool
        .command(&["rehearse", "--dry-run", "--config", config.to_str().unwrap(), "--rto", "5m"])
        .output()
        .unwrap();
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(plan["work"]["rehearse"]["rto"], "300 s");
    assert_eq!(plan["source"]["embedded"]["bytes"], 12_000_000);
    assert_eq!((&plan["jobs"], &plan["settings"]["owner"]), (&1.into(), &"Platform + DBA".into()));
    let wrong = tool.file("wrong.yaml", "embedded: true\nrtoo: 5m\n");
    let output = tool.command(&["rehearse", "--config", wrong.to_str().unwrap()]).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && stderr.contains("rtoo") && stderr.contains('2'), "{stderr}");
}

#[test]
fn programs_that_are_missing_are_inconclusive_with_a_remedy() {
    let tool = Tool::new();
    let empty = tool.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let ended = tool.run(&["rehearse", "--embedded", "--pg-bin", empty.to_str().unwrap()]);
    ended.assert_code(3);
    assert_eq!(ended.finding("rehearsal.environment").0, "inconclusive");
    assert!(ended.report.to_string().contains("--pg-bin"));
    tool.assert_nothing_left();
}
