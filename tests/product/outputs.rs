//! What one program writes for Prometheus, the other reads strictly; and where nothing can be written.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

use testbed::tls_farm::{Identity, Lifetime};

use crate::programs::{run, tool};

/// Two certificates of one name and of names that would break a careless writer, each in two files.
#[test]
fn the_textfile_of_a_scan_is_valid_by_the_strict_reader() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("tls");
    std::fs::create_dir(&folder).unwrap();
    for (number, left) in [60, 5].into_iter().enumerate() {
        let made = Identity::self_signed(&["same.example"], Lifetime::days_left(90, left)).unwrap();
        for name in ["plain", "quote\" back\\slash {x=\"y\"}", "line\nend # é"] {
            std::fs::write(folder.join(format!("{name} {number}.pem")), made.pem().repeat(2)).unwrap();
        }
    }
    let textfile = scratch.path().join("certificates.prom");
    let mut scan = tool("cert-expiry-check", scratch.path());
    scan.arg("scan").arg(&folder).args(["--evidence", "none", "--format"]);
    let scanned = run(scan.arg(format!("textfile={}", textfile.display())));
    assert_eq!(scanned.code, Some(2), "{}{}", scanned.stdout, scanned.stderr);
    let text = std::fs::read_to_string(&textfile).unwrap();
    assert_eq!(text.lines().filter(|line| line.starts_with("x509_cert_not_after{")).count(), 6, "{text}");

    let mut read = tool("observability-smoke", scratch.path());
    let read = run(read.arg("metrics").arg(&textfile).args(["--syntax", "prometheus"]));
    assert_eq!(read.code, Some(0), "{}{}\n{text}", read.stdout, read.stderr);
}

#[test]
fn evidence_goes_into_a_file_and_nowhere_else() {
    let scratch = tempfile::tempdir().unwrap();
    std::fs::create_dir(scratch.path().join("folder")).unwrap();
    let pipe = scratch.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for place in ["/dev/null", "/dev/stdout", "folder", "pipe"] {
        let mut scan = tool("cert-expiry-check", scratch.path());
        let said = run(scan.current_dir(scratch.path()).args(["scan", "x.pem", "--evidence", place]));
        assert_eq!(said.code, Some(3), "{place}: {}{}", said.stdout, said.stderr);
        assert!(said.stderr.contains("the evidence goes into a file, and "), "{place}: {}", said.stderr);
    }
}

#[test]
fn an_argument_that_is_no_utf_8_is_told_and_breaks_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    for name in ["cert-expiry-check", "backup-restore-smoke", "observability-smoke", "evidence-report"] {
        let said = run(tool(name, scratch.path()).arg(OsStr::from_bytes(b"\xff.pem")));
        assert_eq!(said.code, Some(3), "{name}: {}{}", said.stdout, said.stderr);
        assert!(!said.stderr.contains("panicked"), "{name}: {}", said.stderr);
    }
}
