//! Every fault of a dump that the stock tools pass with exit code 0, and its kin: each is caught by its own check.

use std::{fs, path::Path};

use crate::{
    cluster::TestCluster,
    dumps::{data_files, file, shop},
    tool::{Ended, Tool},
};

/// Something that is done to a file.
type Damage<'a> = &'a dyn Fn(&Path);

fn assert_caught(ended: &Ended, what: &str) {
    assert_eq!(ended.code, Some(2), "{what}: {}", ended.everything());
    let findings = ended.findings("backup.complete");
    assert!(
        !findings.is_empty() && findings.iter().all(|(outcome, ..)| outcome == "failed"),
        "{what}: {findings:?}"
    );
    assert!(ended.findings("restore.completed").is_empty(), "{what}: it was restored all the same");
}

#[test]
fn a_cut_archive_is_caught_wherever_it_is_cut() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = shop(&cluster);
    for (format, compress) in [("custom", "6"), ("custom", "0"), ("tar", "0")] {
        let whole = cluster
            .dump("pg_dump", &[&format!("--format={format}"), &format!("--compress={compress}"), database]);
        for part in [1, 20, 60, 99] {
            let path = file(&tool, "cut", &whole[..whole.len() * part / 100]);
            let ended = tool.run(&["rehearse", "--backup", &path]);
            // A hundredth of a tar file is a part of its first head: nothing tells what it was.
            if ended.code == Some(3) && format == "tar" && part == 1 {
                continue;
            }
            assert_caught(&ended, &format!("{format} -Z{compress} cut to {part} %"));
        }
    }
    tool.assert_nothing_left();
}

#[test]
fn a_script_cut_within_rows_or_before_its_last_line_is_caught() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let script = String::from_utf8(cluster.dump("pg_dump", &[shop(&cluster)])).unwrap();
    let within_rows = script.find("customer 250\n").unwrap() + "customer 250\n".len();
    let between = script[..within_rows].rfind("COPY ").unwrap();
    let last_line = script.rfind("-- PostgreSQL database dump complete").unwrap();
    for (what, end) in
        [("within rows", within_rows), ("between", between), ("before the last line", last_line)]
    {
        let path = file(&tool, "cut.sql", &script.as_bytes()[..end]);
        assert_caught(&tool.run(&["rehearse", "--backup", &path]), what);
    }
    let packed = tool.path("cut.gz");
    let output = std::process::Command::new("gzip")
        .args(["-c", &file(&tool, "whole.sql", script.as_bytes())])
        .output();
    let bytes = output.unwrap().stdout;
    fs::write(&packed, &bytes[..bytes.len() / 2]).unwrap();
    assert_caught(&tool.run(&["rehearse", "--backup", packed.to_str().unwrap()]), "gzip cut");
}

#[test]
fn a_directory_that_lost_rows_is_caught() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = shop(&cluster);
    let faults: [(&str, &str, Damage<'_>); 5] = [
        ("deleted", "6", &|path| fs::remove_file(path).unwrap()),
        ("emptied", "6", &|path| fs::write(path, "").unwrap()),
        ("flipped", "6", &|path| {
            let mut bytes = fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x20;
            fs::write(path, bytes).unwrap();
        }),
        ("halved", "0", &|path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }),
        // Cut at the end of a row: every row that is left is sound.
        ("halved at a row", "0", &|path| {
            let text = fs::read_to_string(path).unwrap();
            let end = text[..text.len() / 2].rfind('\n').unwrap() + 1;
            fs::write(path, &text[..end]).unwrap();
        }),
    ];
    for (what, compress, fault) in faults {
        let folder = tool.path(&format!("{what}{compress}"));
        cluster.dump(
            "pg_dump",
            &[
                "--format=directory",
                &format!("--compress={compress}"),
                "--file",
                folder.to_str().unwrap(),
                database,
            ],
        );
        fault(data_files(&folder).last().unwrap());
        assert_caught(&tool.run(&["rehearse", "--backup", folder.to_str().unwrap()]), what);
    }
    tool.assert_nothing_left();
}

#[test]
fn a_flipped_byte_in_a_compressed_archive_is_caught() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let mut bytes = cluster.dump("pg_dump", &["--format=custom", shop(&cluster)]);
    let near_the_end = bytes.len() - 3000;
    bytes[near_the_end] ^= 0x20;
    assert_caught(&tool.run(&["rehearse", "--backup", &file(&tool, "flipped", &bytes)]), "flipped");
}

/// Nothing but a fingerprint can tell this: so it must never look as if the content had been proven.
#[test]
fn a_flipped_byte_in_an_uncompressed_archive_is_not_passed_off_as_proven() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let mut bytes = cluster.dump("pg_dump", &["--format=custom", "--compress=0", shop(&cluster)]);
    let at = bytes.windows(12).position(|part| part == b"customer 250").unwrap();
    bytes[at] ^= 0x20;
    let path = file(&tool, "flipped", &bytes);
    let ended = tool.run(&["rehearse", "--backup", &path]);
    ended.assert_code(1);
    assert_eq!(ended.finding("backup.expectation").0, "warned");
    let content = ended.finding("restore.content");
    assert!(content.0.contains("not_checked") && content.2.contains("no fingerprint"), "{content:?}");
    // A fingerprint that cannot be read is no fingerprint.
    let wanted = tool.file("wanted.json", "{}");
    let ended = tool.run(&["rehearse", "--backup", &path, "--fingerprint", wanted.to_str().unwrap()]);
    ended.assert_code(3);
}

#[test]
fn a_flipped_byte_in_an_uncompressed_archive_is_caught_by_the_fingerprint_of_its_snapshot() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let database = shop(&cluster);
    let (dump, wanted) = (tool.path("shop.dump"), tool.path("wanted.json"));
    let output = format!("--file={}", dump.display());
    let source = cluster.conninfo(database);
    let program = cluster.bin().join("pg_dump");
    // What the tool itself is told stands before the dashes.
    let mut command = tool.bare();
    command.args(["fingerprint", "--evidence", "none", "--source", &source, "-o"]).arg(&wanted).arg("--");
    command.arg(program).args(["--snapshot={snapshot}", "--format=custom", "--compress=0", &output]);
    let made = command.output().unwrap();
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    let rehearse = || {
        let (dump, wanted) = (dump.to_str().unwrap(), wanted.to_str().unwrap());
        tool.run(&["rehearse", "--backup", dump, "--fingerprint", wanted])
    };
    assert_eq!(rehearse().assert_code(0).finding("restore.content").0, "passed");
    let mut bytes = fs::read(&dump).unwrap();
    let at = bytes.windows(12).position(|part| part == b"customer 250").unwrap();
    bytes[at] ^= 0x20;
    fs::write(&dump, bytes).unwrap();
    let ended = rehearse();
    ended.assert_code(2);
    assert_eq!(ended.finding("restore.content").0, "failed");
    tool.assert_nothing_left();
}

#[test]
fn cut_globals_are_caught() {
    let (cluster, tool) = (TestCluster::start(), Tool::new());
    let dump = file(&tool, "dump", &cluster.dump("pg_dump", &["--format=custom", shop(&cluster)]));
    let globals = cluster.dump("pg_dumpall", &["--globals-only"]);
    let cut = file(&tool, "globals", &globals[..globals.len() / 2]);
    let ended = tool.run(&["rehearse", "--backup", &dump, "--globals", &cut]);
    ended.assert_code(2);
    let findings = ended.findings("backup.complete");
    assert!(findings.iter().any(|(outcome, of, _)| outcome == "failed" && of == "globals"), "{findings:?}");
}
