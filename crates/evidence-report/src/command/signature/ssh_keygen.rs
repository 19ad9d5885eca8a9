//! `ssh-keygen -Y`: it holds the keys, the agents and the rules of allowed signers; no key is ever read by us.
//!
//! It is run on our own terminal, not as a child of a run: it may have to ask for a passphrase, or for a touch.

use std::{
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use jiff::Timestamp;

/// What the signatures are made for, so that one for a commit or a mail never passes as one for evidence.
pub(in crate::command) const NAMESPACE: &str = "evidence-report";

/// `ssh-keygen` could not say anything.
#[derive(Debug, thiserror::Error)]
pub(in crate::command) enum KeygenError {
    /// It is not there.
    #[error("ssh-keygen is not installed (Debian: openssh-client)")]
    Missing,
    /// It could not be run.
    #[error("running ssh-keygen: {0}")]
    Run(#[from] std::io::Error),
}

/// Who may sign, and whose keys were taken back.
#[derive(Debug, Clone)]
pub(in crate::command) struct Signers {
    /// The allowed signers file (`man ssh-keygen`, ALLOWED SIGNERS).
    pub(in crate::command) allowed: PathBuf,
    /// A key revocation list, or a file with a public key a line.
    pub(in crate::command) revoked: Option<PathBuf>,
}

/// What `ssh-keygen` said.
#[derive(Debug)]
struct Said {
    good: bool,
    stdout: String,
    stderr: String,
}

/// Signs a message; the armored signature, or why not.
pub(in crate::command) fn sign(key: &Path, message: &str) -> Result<Result<String, String>, KeygenError> {
    let mut command = ssh_keygen("sign");
    command.arg("-f").arg(key).args(["-n", NAMESPACE]);
    let said = run(command, message)?;
    Ok(if said.good { Ok(said.stdout) } else { Err(first_line(&said.stderr)) })
}

/// Whether the signature is over the message at all, by whatever key: the key's kind and fingerprint, or `None`.
pub(in crate::command) fn made_over(signature: &str, message: &str) -> Result<Option<String>, KeygenError> {
    let file = kept(signature)?;
    let mut command = ssh_keygen("check-novalidate");
    command.args(["-n", NAMESPACE, "-s"]).arg(file.path());
    let said = run(command, message)?;
    // Good "evidence-report" signature with ED25519 key SHA256:…
    let key = said.stdout.trim().rsplit_once(" with ").map(|(_, key)| key.to_owned());
    Ok(key.filter(|_| said.good))
}

/// Who signed the message, by the rules of the allowed signers at this moment; or why nobody did who may.
pub(in crate::command) fn signed_by(
    signature: &str,
    message: &str,
    signers: &Signers,
    at: Timestamp,
) -> Result<Result<String, String>, KeygenError> {
    let file = kept(signature)?;
    let at = format!("verify-time={}", at.strftime("%Y%m%d%H%M%S"));
    let mut command = ssh_keygen("find-principals");
    command.args(["-O", &at, "-s"]).arg(file.path()).arg("-f").arg(&signers.allowed);
    let found = run(command, "")?;
    if !found.good {
        return Ok(Err(match first_line(&found.stderr) {
            why if why.starts_with("No principal matched") => {
                format!("{} names no such key", signers.allowed.display())
            }
            why => why,
        }));
    }
    let mut why = String::from("nobody of that name may sign evidence");
    for principal in found.stdout.lines().filter(|line| !line.is_empty()) {
        let verify = |revoked: Option<&PathBuf>| {
            let mut command = ssh_keygen("verify");
            command.args(["-O", &at, "-n", NAMESPACE, "-I", principal, "-s"]).arg(file.path());
            command.arg("-f").arg(&signers.allowed);
            if let Some(revoked) = revoked {
                command.arg("-r").arg(revoked);
            }
            run(command, message)
        };
        let said = verify(signers.revoked.as_ref())?;
        if said.good {
            return Ok(Ok(principal.to_owned()));
        }
        // It does not say by itself that the key was taken back.
        why = match &signers.revoked {
            Some(revoked) if verify(None)?.good => {
                format!("the key of {principal} has been revoked ({})", revoked.display())
            }
            _ => first_line(&format!("{}\n{}", said.stderr, said.stdout)),
        };
    }
    Ok(Err(why))
}

fn ssh_keygen(verb: &str) -> Command {
    let mut command = Command::new("ssh-keygen");
    // Times without a zone in an allowed signers file are read as UTC, on every machine alike.
    command.args(["-Y", verb]).env("TZ", "UTC").env("LC_ALL", "C");
    command
}

fn run(mut command: Command, message: &str) -> Result<Said, KeygenError> {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| match error.kind() {
        ErrorKind::NotFound => KeygenError::Missing,
        _ => KeygenError::Run(error),
    })?;
    if let Some(mut input) = child.stdin.take() {
        match input.write_all(message.as_bytes()) {
            // It has said no already, without reading on.
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error.into()),
            _ => {}
        }
    }
    let output = child.wait_with_output()?;
    Ok(Said {
        good: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// A signature in a file of its own: it is no secret.
fn kept(signature: &str) -> Result<tempfile::NamedTempFile, KeygenError> {
    let mut file = tempfile::Builder::new().prefix("evidence-signature-").tempfile()?;
    file.write_all(signature.as_bytes())?;
    Ok(file)
}

/// The first line that says something.
fn first_line(text: &str) -> String {
    let telling = |line: &&str| !line.trim().is_empty() && !line.starts_with("Signing data on");
    text.lines().find(telling).unwrap_or("ssh-keygen does not say why").trim().to_owned()
}
