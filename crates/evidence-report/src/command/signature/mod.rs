//! Signatures: made by `sign`, told by `verify`. Consistent (the seal fits) and signed (by whom) are never
//! blurred.

mod ssh_keygen;
mod sshsig;

use std::path::{Path, PathBuf};

use clap::Args;

use ssh_keygen::{KeygenError, made_over, signed_by};
pub(super) use ssh_keygen::{NAMESPACE, Signers};
pub(super) use sshsig::SshSignature;

use super::checks::{CONSISTENT, SIGNED};
use super::verify::verify_bytes;
use crate::{
    document::{self, Document, Verification},
    record::{Finding, Requirement, v1::Record},
    run::{HistoryFile, Usage, write},
};

/// Who may have signed.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct SignersPlace {
    /// Who may sign: an allowed signers file, as ssh-keygen and git read it; what is unsigned then fails
    #[arg(long, value_name = "FILE")]
    allowed_signers: Option<PathBuf>,
    /// Keys that were taken back: a key revocation list, or public keys, one a line
    #[arg(long, value_name = "FILE", requires = "allowed_signers")]
    revoked: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct SignPlace {
    /// Evidence files
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// The key: a private key's file, or a public key's whose private half an agent holds
    #[arg(long, value_name = "KEY")]
    pub(super) key: PathBuf,
    /// Take the place of a signature that is there
    #[arg(long)]
    replace: bool,
}

impl SignersPlace {
    /// The signers, where somebody named them.
    pub(super) fn resolve(&self) -> Result<Option<Signers>, Usage> {
        let Some(allowed) = &self.allowed_signers else { return Ok(None) };
        for file in std::iter::once(allowed).chain(&self.revoked) {
            std::fs::read(file).map_err(|error| {
                Usage(format!(
                    "reading {}: {error}; name the file of the keys that count, one line a person: NAME \
                     namespaces=\"evidence-report\" KEY (man ssh-keygen, ALLOWED SIGNERS)",
                    file.display()
                ))
            })?;
        }
        Ok(Some(Signers { allowed: allowed.clone(), revoked: self.revoked.clone() }))
    }
}

/// What is signed: the seal as it stands in the file, and a line feed.
fn message(record: &Record) -> String {
    format!("{}\n", document::seal(record))
}

/// The finding about a file's signature; `None` where it has none and nobody asked for one. The document is
/// consistent.
pub(super) fn judge(name: &str, document: &Document, signers: Option<&Signers>) -> Option<Finding> {
    let expected = match signers {
        Some(signers) => format!("a signature of {}", signers.allowed.display()),
        None => "a signature over the record".to_owned(),
    };
    let line = document.signature.as_ref().and_then(|signature| u32::try_from(signature.line).ok());
    let finding = match (&document.signature, signers) {
        (None, None) => return None,
        (None, Some(_)) => SIGNED
            .failed(name)
            .observed("unsigned: the file is consistent, and who made it is not known")
            .remedy("Have it signed by somebody who answers for it: evidence-report sign FILE --key KEY."),
        (Some(signature), signers) => {
            told(name, &document.record, &signature.text, signers).unwrap_or_else(|error| {
                let remedy = "Install ssh-keygen; it tells who signed.";
                SIGNED.inconclusive(name).observed(error.to_string()).remedy(remedy)
            })
        }
    };
    Some(finding.expected(expected).at(name, line))
}

fn told(
    name: &str,
    record: &Record,
    signature: &str,
    signers: Option<&Signers>,
) -> Result<Finding, KeygenError> {
    let failed = |why: String| SIGNED.failed(name).observed(why);
    match SshSignature::read(signature) {
        Err(why) => return Ok(failed(format!("the signature cannot be read: {why}"))),
        Ok(read) if read.namespace != NAMESPACE => {
            let namespace: String = read.namespace.chars().take(60).collect();
            return Ok(failed(format!("the signature was made for '{namespace}', not for '{NAMESPACE}'")));
        }
        Ok(_) => {}
    }
    let message = message(record);
    let Some(key) = made_over(signature, &message)? else {
        return Ok(failed("ALTERED after signing: the signature is not over this record's seal".into()));
    };
    let Some(signers) = signers else {
        let why = format!("signed with {key}; whose it is, is not known without --allowed-signers");
        return Ok(SIGNED.not_checked(Requirement::Optional, name, why));
    };
    // A key is judged at the moment at which the run ended: it is renewed more often than evidence is kept.
    Ok(match signed_by(signature, &message, signers, Record::time(&record.finished))? {
        Ok(principal) => SIGNED.passed(name).observed(format!("signed by {principal} with {key}")),
        Err(why) => failed(format!("signed with {key}, whose signature does not count here: {why}")),
    })
}

/// Signs one file; what it says is not touched.
pub(super) fn sign_file(path: &Path, place: &SignPlace) -> Finding {
    let name = path.display().to_string();
    signed(path, &name, place).unwrap_or_else(|finding| *finding).expected("a signature over the record")
}

fn signed(path: &Path, name: &str, place: &SignPlace) -> Result<Finding, Box<Finding>> {
    let unable =
        |why: String| Box::new(SIGNED.inconclusive(name).observed(why).remedy("Mend that, and sign again."));
    // While it is signed nobody exchanges it.
    let _history = HistoryFile::lock_existing(path).map_err(|error| unable(error.to_string()))?;
    let text = fs_err::read_to_string(path).map_err(|error| unable(error.to_string()))?;
    let Verification::Consistent(record) = document::verify(&text) else {
        return Err(Box::new(verify_bytes(name, text.as_bytes())));
    };
    let document = document::read(&text)
        .map_err(|error| Box::new(CONSISTENT.failed(name).observed(error.to_string())))?;
    if document.signature.is_some() && !place.replace {
        return Err(Box::new(
            SIGNED.inconclusive(name).observed("it is signed already").remedy(
                "Leave it, or let your signature take the place of the one that is there: --replace.",
            ),
        ));
    }
    let message = message(&record);
    let signature = ssh_keygen::sign(&place.key, &message)
        .map_err(|error| unable(error.to_string()))?
        .map_err(|why| {
            let locked = why.contains("passphrase");
            let finding = unable(format!("ssh-keygen did not sign: {why}"));
            match locked {
                true => Box::new(finding.remedy(
                    "Let an agent hold the key (ssh-add KEY), and name its public half: --key KEY.pub.",
                )),
                false => finding,
            }
        })?;
    let key = made_over(&signature, &message)
        .map_err(|error| unable(error.to_string()))?
        .ok_or_else(|| unable("ssh-keygen signed something else".to_owned()))?;
    let text = format!("{}{}", document::render_signed_v1(&record, Some(&signature)), document.notes);
    write("the signed evidence file", path, &text).map_err(|error| unable(error.to_string()))?;
    Ok(SIGNED.passed(name).observed(format!("signed with {key}")))
}
