//! Judgement. Everything in here is pure: `now` is passed in, and neither disk, network, environment nor
//! clock is touched.

pub mod agreement;
pub mod chain;
pub mod endpoint;
pub mod file;
mod greeting;
pub mod issuer;
pub mod lifetime;
pub mod name;
pub mod threshold;

use evidence_report::record::Finding;
use jiff::Timestamp;

use crate::certificate::Certificate;

/// What every judgement of a run shares.
#[derive(Debug)]
pub struct Basis {
    /// The moment for which is judged.
    pub now: Timestamp,
    /// How much lifetime must be left.
    pub thresholds: threshold::Thresholds,
    /// Whom is trusted.
    pub roots: chain::Roots,
}

/// What came of judging one endpoint or one file.
#[derive(Debug, Default)]
pub struct Judged {
    /// The findings.
    pub findings: Vec<Finding>,
    /// The certificates that were seen, for the timeline.
    pub sightings: Vec<Sighting>,
}

/// A certificate that was seen somewhere, and how it stands.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// Where: an endpoint or a file.
    pub place: String,
    /// As what.
    pub part: Part,
    /// The certificate.
    pub certificate: Certificate,
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
    /// In a file.
    File,
}
