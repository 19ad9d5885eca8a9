//! Signed by whom: real keys, real `ssh-keygen`, and every way in which a signature does not count.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use assert_cmd::cargo::cargo_bin;
use evidence_report::{
    document::{Verification, read, render_v1, verify},
    record::v1::Record,
};

use crate::fixture;

/// A folder with evidence, and keys of three people.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        bench.write("evidence.md", &evidence());
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path("evidence.md")).unwrap()
    }

    /// Makes a key without a passphrase; its line for an allowed signers file, without the options.
    fn key(&self, name: &str) -> String {
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
            .arg(self.path(name))
            .status()
            .unwrap();
        assert!(made.success());
        let public = fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap();
        public.split(' ').take(2).collect::<Vec<_>>().join(" ")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(cargo_bin("evidence-report"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("OPS_SMOKE_RUN_BASE", self.path("runs"))
            .stdin(Stdio::null());
        command
    }

    /// What it prints and its exit code.
    fn said(&self, arguments: &[&str]) -> (String, i32) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        (text, status.code().unwrap())
    }

    fn sign(&self, key: &str) {
        let (text, code) = self.said(&["sign", "evidence.md", "--key", key]);
        assert_eq!(code, 0, "{text}");
    }

    fn verified(&self, more: &[&str]) -> (String, i32) {
        self.said(&[&["verify", "evidence.md", "-v"], more].concat())
    }
}

/// The fixture's run ended on 2026-11-23 at noon.
fn evidence() -> String {
    format!("{}\n## Notes\n\nThe risk is accepted.\n", render_v1(&Record::of(&fixture::report())))
}

const BY_LIST: &[&str] = &["--allowed-signers", "allowed"];

#[test]
fn signed_evidence_is_consistent_keeps_its_notes_and_tells_by_whom() {
    let bench = Bench::new();
    let ada = bench.key("ada");
    let before = read(&bench.text()).unwrap();
    let (text, code) = bench.verified(&[]);
    assert!(code == 0 && text.contains("consistent (unsigned)"), "{text}");
    bench.sign("ada");
    let after = read(&bench.text()).unwrap();
    assert_eq!((&after.record, &after.seal, &after.notes), (&before.record, &before.seal, &before.notes));
    assert!(matches!(verify(&bench.text()), Verification::Consistent(_)));
    // Without a list nobody knows whose key it is.
    let (text, code) = bench.verified(&[]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("signed with ED25519 key SHA256:") && text.contains("whose it is, is not known"),
        "{text}"
    );
    bench.write("allowed", &format!("ada@example.org namespaces=\"evidence-report\" {ada}\n"));
    let (text, code) = bench.verified(BY_LIST);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("signed by ada@example.org with ED25519 key SHA256:"), "{text}");
}

#[test]
fn what_was_signed_is_verified_by_hand_with_ssh_keygen_alone() {
    let bench = Bench::new();
    let ada = bench.key("ada");
    bench.sign("ada");
    bench.write("allowed", &format!("ada@example.org {ada}\n"));
    let script = "sed -n 's/^Seal: `\\(.*\\)`$/\\1/p' evidence.md > seal && \
        sed -n '/BEGIN SSH SIGNATURE/,/END SSH SIGNATURE/p' evidence.md > seal.sig && \
        ssh-keygen -Y verify -f allowed -I ada@example.org -n evidence-report -s seal.sig < seal";
    let done = Command::new("sh").args(["-c", script]).current_dir(bench.folder.path()).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

#[test]
fn a_signature_that_does_not_count_fails_and_says_why() {
    let bench = Bench::new();
    let (ada, bob) = (bench.key("ada"), bench.key("bob"));
    bench.sign("ada");
    let signed = bench.text();
    for (allowed, words) in [
        (format!("bob@example.org {bob}\n"), "allowed names no such key"),
        (String::new(), "allowed names no such key"),
        (format!("ada@example.org valid-before=\"20261123\" {ada}\n"), "key has expired"),
        (format!("ada@example.org valid-after=\"20261124\" {ada}\n"), "key is not yet valid"),
        (
            format!("ada@example.org namespaces=\"git,file\" {ada}\n"),
            "not permitted for use in signature namespace",
        ),
        ("not a line of such a file\n".to_owned(), "does not count here"),
    ] {
        bench.write("allowed", &allowed);
        let (text, code) = bench.verified(BY_LIST);
        assert_eq!(code, 2, "{allowed}: {text}");
        assert!(text.contains(words), "{allowed}: {text}");
    }
    // At the moment at which the run ended the key was good: it still tells who signed.
    bench.write("allowed", &format!("ada@example.org valid-before=\"20261124\" {ada}\n"));
    assert_eq!(bench.verified(BY_LIST).1, 0);
    // Taken back.
    fs::copy(bench.path("ada.pub"), bench.path("revoked")).unwrap();
    let (text, code) = bench.verified(&["--allowed-signers", "allowed", "--revoked", "revoked"]);
    assert!(code == 2 && text.contains("the key of ada@example.org has been revoked"), "{text}");
    // Unsigned, where somebody asks who signed.
    bench.write("evidence.md", &evidence());
    let (text, code) = bench.verified(BY_LIST);
    assert!(code == 2 && text.contains("unsigned: the file is consistent"), "{text}");
    assert_ne!(signed, evidence());
}

#[test]
fn a_record_that_was_changed_and_sealed_anew_after_signing_is_altered() {
    let bench = Bench::new();
    let ada = bench.key("ada");
    bench.write("allowed", &format!("ada@example.org {ada}\n"));
    bench.sign("ada");
    let signature = read(&bench.text()).unwrap().signature.unwrap().text;
    let mut record = Record::of(&fixture::report());
    record.operator = "somebody else".into();
    let forged = evidence_report::document::render_signed_v1(&record, Some(&signature));
    assert!(matches!(verify(&forged), Verification::Consistent(_)), "only the signature tells");
    bench.write("evidence.md", &forged);
    for more in [&[], BY_LIST] {
        let (text, code) = bench.verified(more);
        assert_eq!(code, 2, "{text}");
        assert!(text.contains("ALTERED after signing"), "{text}");
    }
}

#[test]
fn a_signature_for_something_else_is_told_by_its_namespace() {
    let bench = Bench::new();
    let ada = bench.key("ada");
    bench.write("allowed", &format!("ada@example.org {ada}\n"));
    let record = Record::of(&fixture::report());
    bench.write("seal", &format!("{}\n", evidence_report::document::seal(&record)));
    let made = Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", "git", "-f", "ada", "seal"])
        .current_dir(bench.folder.path())
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let signature = fs::read_to_string(bench.path("seal.sig")).unwrap();
    bench.write("evidence.md", &evidence_report::document::render_signed_v1(&record, Some(&signature)));
    let (text, code) = bench.verified(BY_LIST);
    assert!(code == 2 && text.contains("made for 'git', not for 'evidence-report'"), "{text}");
}

#[test]
fn any_changed_character_of_a_signature_is_found() {
    let bench = Bench::new();
    bench.key("ada");
    bench.sign("ada");
    let text = bench.text();
    let begin = text.find("-----BEGIN SSH").unwrap();
    let length = text[begin..].find("END SSH SIGNATURE-----").unwrap() + 22;
    // Every seventh: each is a process of ssh-keygen.
    for at in (begin..begin + length).step_by(7) {
        let new = if &text[at..=at] == "Q" { "R" } else { "Q" };
        bench.write("evidence.md", &format!("{}{new}{}", &text[..at], &text[at + 1..]));
        let (said, code) = bench.verified(&[]);
        assert_eq!(code, 2, "{at}: {said}");
    }
}

#[test]
fn words_smuggled_into_the_place_of_a_signature_are_altered_evidence() {
    let bench = Bench::new();
    bench.key("ada");
    bench.sign("ada");
    let text = bench.text();
    let smuggled = text.replacen("-----END SSH", "approved by everybody\n-----END SSH", 1);
    assert!(matches!(verify(&smuggled), Verification::Altered(_)));
    let fence = "```evidence-report-signature\n";
    let doubled = text.replacen(fence, &format!("{fence}-----BEGIN SSH SIGNATURE-----\n```\n\n{fence}"), 1);
    assert!(matches!(verify(&doubled), Verification::Altered(_)));
}

#[test]
fn only_what_is_consistent_and_unsigned_is_signed() {
    let bench = Bench::new();
    bench.key("ada");
    bench.key("bob");
    bench.write("by_hand.md", "# By hand\n");
    let (text, code) = bench.said(&["sign", "by_hand.md", "--key", "ada"]);
    assert!(code == 3 && text.contains("holds no record"), "{text}");
    let altered = evidence().replacen("**FAILED", "**PASSED", 1);
    bench.write("evidence.md", &altered);
    let (text, code) = bench.said(&["sign", "evidence.md", "--key", "ada"]);
    assert!(code == 2 && text.contains("verdict altered"), "{text}");
    assert_eq!(bench.text(), altered);
    bench.write("evidence.md", &evidence());
    let (text, code) = bench.said(&["sign", "evidence.md", "--key", "nobody"]);
    assert!(code == 3 && text.contains("ssh-keygen did not sign"), "{text}");
    assert_eq!(bench.text(), evidence());
    bench.sign("ada");
    let signed = bench.text();
    let (text, code) = bench.said(&["sign", "evidence.md", "--key", "bob"]);
    assert!(code == 3 && text.contains("signed already"), "{text}");
    assert_eq!(bench.text(), signed);
    assert_eq!(bench.said(&["sign", "evidence.md", "--key", "bob", "--replace"]).1, 0);
    assert_ne!(bench.text(), signed);
}

#[test]
fn a_key_that_an_agent_holds_signs_by_its_public_half() {
    let bench = Bench::new();
    let ada = bench.key("ada");
    bench.write("allowed", &format!("ada@example.org {ada}\n"));
    let script = "eval \"$(ssh-agent)\" >/dev/null && trap 'kill $SSH_AGENT_PID' EXIT && ssh-add -q ada && \
        rm ada && \"$@\"";
    let sign = bench.command(&["sign", "evidence.md", "--key", "ada.pub"]);
    let done = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(sign.get_program())
        .args(sign.get_args())
        .env("OPS_SMOKE_RUN_BASE", bench.path("runs"))
        .current_dir(bench.folder.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    assert_eq!(bench.verified(BY_LIST).1, 0);
}

#[test]
fn without_ssh_keygen_it_is_inconclusive_and_unsigned_evidence_needs_none() {
    let bench = Bench::new();
    bench.key("ada");
    bench.sign("ada");
    let empty = bench.path("empty");
    fs::create_dir(&empty).unwrap();
    let verify = || bench.command(&["verify", "evidence.md"]).env("PATH", &empty).output().unwrap();
    let output = verify();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.code() == Some(3) && text.contains("ssh-keygen is not installed"), "{text}");
    bench.write("evidence.md", &evidence());
    assert_eq!(verify().status.code(), Some(0));
    let (text, code) = bench.said(&["verify", "evidence.md", "--allowed-signers", "none"]);
    assert!(code == 3 && text.contains("reading none"), "{text}");
}
