//! Every public type of the library stands in an example of its documentation, and the examples are run.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The sources that a tool builds against, without the command.
fn sources() -> Vec<PathBuf> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("command") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(path);
            }
        }
    }
    sources
}

/// The code in the documentation of a source.
fn examples(text: &str) -> String {
    let documentation = text.lines().map(str::trim_start);
    let documentation =
        documentation.filter_map(|line| line.strip_prefix("///").or_else(|| line.strip_prefix("//!")));
    let lines: Vec<_> = documentation.collect();
    lines.join("\n").split("```").skip(1).step_by(2).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_public_type_stands_in_an_example() {
    let (mut types, mut shown) = (BTreeSet::new(), String::new());
    for source in sources() {
        let text = fs::read_to_string(&source).unwrap();
        shown += &examples(&text);
        // The parts of the record are shown by its JSON Schema, errors by what returns them.
        if source.parent().is_some_and(|folder| folder.ends_with("v1")) {
            continue;
        }
        let public = text.lines().filter_map(|line| {
            let rest = ["struct", "enum", "trait"]
                .iter()
                .find_map(|kind| line.strip_prefix(&format!("pub {kind} ")))?;
            rest.split(|char: char| !char.is_alphanumeric()).next()
        });
        types.extend(public.filter(|name| !name.ends_with("Error")).map(str::to_owned));
    }
    assert!(types.len() > 50, "{types:?}");
    let words: BTreeSet<_> = shown.split(|char: char| !char.is_alphanumeric()).collect();
    let missing: Vec<_> = types.iter().filter(|name| !words.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "without an example: {missing:?}");
}

#[test]
fn a_fourth_tool_has_fifty_lines() {
    let text = include_str!("../../examples/tcp_smoke.rs");
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    let lines = text.lines().filter(is_code).count();
    assert!(lines <= 50, "{lines} lines of code");
    for used in ["run.owes(", "run.stop()", "run.propose_note(", "run.measurement("] {
        assert!(text.contains(used), "the example shows no {used}");
    }
}
