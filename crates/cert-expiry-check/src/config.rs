//! The configuration file, as it stands on disk. What it means is decided in [`crate::plan`].

use std::path::PathBuf;

use evidence_report::run::SharedConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::assess::ClientCertificateRule;

/// The configuration file of `cert-expiry-check`. Paths are relative to the working folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How to run.
    pub run: SharedConfig,
    /// What to look at, as on the command line; targets on the command line take their place.
    pub targets: Vec<String>,
    /// Files of Kubernetes objects, as `kubectl get … -o json` prints them.
    pub kubernetes: Vec<PathBuf>,
    /// Roots to trust, PEM or DER, instead of the system's.
    pub roots: Option<PathBuf>,
    /// Stores of roots, all of which have to trust: `system`, `mozilla`, or a file.
    pub trust: Vec<String>,
    /// Files with passwords to try on key stores, one a line; those of the command line are tried as well.
    pub store_password_files: Vec<PathBuf>,
    /// Files with revocation lists, by which everything that is seen is judged.
    pub crls: Vec<PathBuf>,
    /// Fetch the revocation lists at the http addresses in the certificates, each once. Contacts others.
    pub fetch_crls: bool,
    /// Name to ask for instead of each target's host.
    pub sni: Option<String>,
    /// Look at every address behind each name, and say whether they serve the same certificate.
    pub every_address: bool,
    /// Look also for the certificate with the other kind of key (RSA beside ECDSA), on a second connection.
    pub every_key: bool,
    /// How many targets are looked at at a time, 1 to 4096.
    pub concurrency: Option<u16>,
    /// How many connections may be opened in a time, for example `50/s` or `30/min`.
    pub rate: Option<String>,
    /// How long an endpoint may take.
    pub timeouts: TimeoutsConfig,
    /// How much lifetime must be left.
    pub thresholds: ThresholdsConfig,
    /// Names that each endpoint's certificate has to cover beside the one it is asked for.
    pub names: Vec<String>,
    /// What endpoints have to do about client certificates.
    pub client_certificate: Option<ClientCertificateRule>,
    /// What is presented to endpoints that ask for a client certificate.
    pub present: Option<PresentConfig>,
    /// Send one HTTP HEAD request to endpoints that ask for a client certificate and do not refuse in the
    /// handshake, and read the status of the answer.
    pub ask_http: bool,
    /// Targets with expectations of their own.
    pub groups: Vec<GroupConfig>,
}

/// Targets with expectations of their own. What a group does not say, the keys above it say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GroupConfig {
    /// What the group is called.
    pub name: String,
    /// What to look at.
    pub targets: Vec<String>,
    /// Roots to trust.
    pub roots: Option<PathBuf>,
    /// Stores of roots, all of which have to trust: `system`, `mozilla`, or a file.
    pub trust: Vec<String>,
    /// Name to ask for instead of each target's host.
    pub sni: Option<String>,
    /// How much lifetime must be left.
    pub thresholds: ThresholdsConfig,
    /// Names that each endpoint's certificate has to cover beside the one it is asked for.
    pub names: Vec<String>,
    /// What endpoints have to do about client certificates.
    pub client_certificate: Option<ClientCertificateRule>,
    /// What is presented to endpoints that ask for a client certificate.
    pub present: Option<PresentConfig>,
    /// Send one HTTP HEAD request to endpoints that ask for a client certificate and do not refuse in the
    /// handshake, and read the status of the answer.
    pub ask_http: Option<bool>,
}

/// A client certificate and its key, each a PEM file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PresentConfig {
    /// The certificate, and behind it those that issued it.
    pub certificate: PathBuf,
    /// Its key, readable by its owner only.
    pub key: PathBuf,
}

/// How long an endpoint may take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TimeoutsConfig {
    /// For resolving the name and connecting, for example `5s`.
    pub connect: Option<String>,
    /// For the TLS handshake, for example `10s`.
    pub handshake: Option<String>,
}

/// How much lifetime must be left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ThresholdsConfig {
    /// For the certificates of servers and clients.
    pub leaf: LimitsConfig,
    /// For those that issue others.
    pub issuer: LimitsConfig,
}

/// Where a warning begins, and where a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Warn when less is left: a span, a share of the lifetime, or the smaller of both, such as `21d,25%`.
    pub warning: Option<String>,
    /// Fail when less is left.
    pub critical: Option<String>,
}
