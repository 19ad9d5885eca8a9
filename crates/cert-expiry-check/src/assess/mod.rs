//! Judgement. Everything in here is pure: `now` is passed in, and neither disk, network, environment nor
//! clock is touched.

pub mod agreement;
pub mod chain;
pub mod client;
pub mod crl;
mod delta;
mod distinguished_name;
pub mod endpoint;
pub mod file;
mod greeting;
mod handshake;
pub mod issuer;
mod known_issuers;
pub mod kubeconfig;
pub mod kubernetes;
pub mod lifetime;
pub mod memo;
pub mod name;
pub mod remote;
pub mod renewal;
pub mod revocation;
mod root;
mod scope;
pub mod shape;
pub mod staple;
mod starttls;
pub mod strength;
pub mod threshold;
pub mod trust;
pub mod usage;
pub mod validity_cap;

use evidence_report::record::{Check, Finding};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use std::sync::Arc;

use crate::{
    certificate::{Certificate, Unreadable},
    stores::{KeyTrouble, RevocationList},
};

/// What every judgement of a run shares.
#[derive(Debug)]
pub struct Basis {
    /// The moment for which is judged.
    pub now: Timestamp,
    /// How much lifetime must be left.
    pub thresholds: threshold::Thresholds,
    /// Whom is trusted.
    pub trust: trust::Trust,
    /// The issuers that servers presented, each read once.
    pub issuers: memo::Memo<Certificate>,
    /// Names that each endpoint's certificate has to cover beside the one it is asked for.
    pub names: Vec<name::Host>,
    /// What an endpoint has to do about client certificates.
    pub client_certificate: Option<ClientCertificateRule>,
}

impl Basis {
    /// Reads an issuer that a server presented; the same bytes are read once a run.
    ///
    /// # Errors
    /// When the bytes are no certificate.
    pub fn issuer(&self, der: &[u8]) -> Result<Arc<Certificate>, Unreadable> {
        self.issuers.recall(Sha256::digest(der).into(), || Certificate::read_only(der))
    }
}

/// What an endpoint has to do about client certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificateRule {
    /// It turns anonymous clients away.
    Required,
    /// It asks for one, and lets in without one.
    Optional,
    /// It does not ask.
    None,
}

impl Basis {
    /// The default limits, and no expectation beyond them.
    #[must_use]
    pub fn new(now: Timestamp, trust: impl Into<trust::Trust>) -> Self {
        Self {
            now,
            thresholds: threshold::Thresholds::default(),
            trust: trust.into(),
            issuers: memo::Memo::default(),
            names: Vec::new(),
            client_certificate: None,
        }
    }
}

/// What came of judging one endpoint or one file.
#[derive(Debug, Default)]
pub struct Judged {
    /// The findings.
    pub findings: Vec<Finding>,
    /// The certificates that were seen, for the timeline.
    pub sightings: Vec<Sighting>,
    /// The private keys that were seen, for comparison with the certificates.
    pub keys: Vec<KeySighting>,
    /// The revocation lists that were seen, for the judgement of revocation.
    pub lists: Vec<ListSighting>,
    /// Checks that only complain, each as often as it was made and had nothing to complain of: the run says of each
    /// once that it was made.
    pub quiet: Vec<&'static Check>,
    /// Checks that what was seen owes, beside those that every sighting owes.
    pub owed: Vec<&'static Check>,
}

impl Judged {
    /// Takes in what came of another.
    pub(crate) fn join(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.sightings.extend(other.sightings);
        self.keys.extend(other.keys);
        self.lists.extend(other.lists);
        self.quiet.extend(other.quiet);
        self.owed.extend(other.owed);
    }
}

/// A private key that was seen somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySighting {
    /// Where: a file and, where it is one of several, which.
    pub place: String,
    /// The file or object that holds it, and perhaps its certificate.
    pub source: String,
    /// SHA-256 of its public key, as in [`Certificate::public_key_digest`], or why it is not known.
    pub public_key: Result<[u8; 32], KeyTrouble>,
}

/// A revocation list that was seen somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListSighting {
    /// Where.
    pub place: String,
    /// The list.
    pub list: Arc<RevocationList>,
}

/// A certificate that was seen somewhere, and how it stands.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// Where: an endpoint or a file.
    pub place: String,
    /// As what.
    pub part: Part,
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// How it stands.
    pub standing: lifetime::Standing,
}

/// As what a certificate was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The first that a server presents: its own.
    Server,
    /// A later one that a server presents: it issued one before it, or should have.
    Issuer,
    /// A later one that a server presents, and that no path needs.
    Spare,
    /// In a file.
    File,
    /// In a Kubernetes object.
    Secret,
    /// We presented it to servers that asked for a client certificate.
    Client,
}
