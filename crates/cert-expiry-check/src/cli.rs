//! What was typed. What it means stands in [`crate::plan`].

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use evidence_report::run::{self, CommandLine, SharedFlags, parse_duration};
use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};

use crate::{
    assess::{ClientCertificateRule, threshold::Limit},
    config::Config,
    renew_due::{answer::CANNOT_TELL, rule::Share},
    targets::ShardRequest,
    wire::Rate,
};

const EXAMPLES: &str = "Examples:
  cert-expiry-check scan shop.example:443 '/etc/ssl/private/*.pem'
  cert-expiry-check scan smtp://mail.example postgres://db.example shop.example:443@10.0.0.5
  cert-expiry-check scan --targets targets.txt --roots ca.pem -w 21d,25% -c 7d,10%
  cert-expiry-check scan --config ops/cert-expiry.yaml --format text --format junit=certs.xml
  kubectl get secret -A --field-selector type=kubernetes.io/tls -o json | cert-expiry-check scan --kubernetes -
  cert-expiry-check scan shop.example --as-of 2027-01-31 --evidence none

It only looks: no application data is sent (but for --ask-http).
Exit codes: 0 passed, 1 warned, 2 failed, 3 inconclusive (also usage and configuration errors).";

const SELF_TEST: &str = "It listens on 127.0.0.1 only, on ports that the kernel chooses, writes into a folder of its own, and is over in
a few seconds. Exit codes: 0 every fault was caught, 2 one slipped through, 3 one could not be made.
It writes evidence only if asked (--evidence PATH).";

const RENEW_DUE: &str = "Examples:
  cert-expiry-check renew-due /etc/ssl/private/shop.pem
  cert-expiry-check renew-due shop.example:443 --remaining 8h && systemctl start renew-shop
  ExecCondition=/usr/local/bin/cert-expiry-check renew-due /etc/ssl/private/shop.pem

Exit codes: 0 due (of several targets, at least one is), 1 not due, 255 cannot tell (also usage and
configuration errors). With ExecCondition= in a systemd unit, 0 goes on, 1 skips, 255 makes the unit fail.
It writes no evidence.";

/// Heading of the flags about client certificates.
const CLIENTS: &str = "Client certificates";

/// Finds certificates wherever they live and says which will hurt, when, and why
#[derive(Debug, Parser)]
#[command(name = "cert-expiry-check", version, about, max_term_width = 110, after_help = EXAMPLES)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// The flags that every tool shares.
    #[command(flatten)]
    pub shared: SharedFlags,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at TLS endpoints and certificate files, and judge every certificate found
    #[command(after_help = EXAMPLES)]
    Scan(Box<ScanArguments>),
    /// Say by exit code whether a certificate is due for its renewal
    #[command(after_help = RENEW_DUE)]
    RenewDue(Box<RenewDueArguments>),
    /// Make broken certificates and lying servers on loopback, and show each fault caught
    #[command(after_help = SELF_TEST)]
    SelfTest,
    /// Undo what a killed run left behind
    Sweep,
}

/// What was typed after `scan`.
#[derive(Debug, Clone, Default, Args)]
pub struct ScanArguments {
    /// host:port, host (port 443), https://…, smtp://… (STARTTLS), name:port@address, a network such as 10.0.0.0/24:443,8443, pem+https://… (certificates at a URL), a file of certificates or a kubeconfig, a folder, or a quoted pattern of files
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// List of targets, one a line, comments behind #; `-` is standard input
    #[arg(long = "targets", value_name = "FILE")]
    pub list: Option<PathBuf>,
    /// Kubernetes objects as `kubectl get … -o json` prints them (Secrets, ConfigMaps, webhooks); `-` is
    /// standard input. Repeatable
    #[arg(long, value_name = "FILE")]
    pub kubernetes: Vec<PathBuf>,
    /// Look at every address behind each name, and say whether they serve the same certificate
    #[arg(long)]
    pub every_address: bool,
    /// Look also for the certificate with the other kind of key (RSA beside ECDSA), on a second connection
    #[arg(long)]
    pub every_key: bool,
    /// Roots to trust, PEM or DER, instead of the system's; of several files the roots are taken together
    #[arg(long, value_name = "FILE")]
    pub roots: Vec<PathBuf>,
    /// A store of roots that has to trust: system, mozilla, or a file. Of several, each one has to
    #[arg(long, value_name = "STORE")]
    pub trust: Vec<String>,
    /// Revocation list (PEM or DER) to judge by everything that is seen; may be repeated
    #[arg(long = "crl", value_name = "FILE")]
    pub crls: Vec<PathBuf>,
    /// Fetch the revocation lists at the http addresses in the certificates, each once. Contacts their issuers
    #[arg(long)]
    pub fetch_crls: bool,
    /// A name that every endpoint's certificate has to cover besides its own; may be repeated
    #[arg(long, value_name = "NAME")]
    pub require_name: Vec<String>,
    /// Passwords to try on key stores, one a line; repeat for several files
    #[arg(long = "store-password-file", value_name = "FILE")]
    pub store_password_files: Vec<PathBuf>,
    /// Name to ask for, and that the certificates must cover, instead of each target's host
    #[arg(long, value_name = "NAME")]
    pub sni: Option<String>,
    /// What endpoints have to do about client certificates: turn a client without one away, ask, or not ask
    #[arg(long, value_enum, value_name = "RULE", help_heading = CLIENTS)]
    pub client_certificate: Option<ClientCertificateRule>,
    /// Client certificate (PEM) to present to endpoints that ask for one, on a second connection
    #[arg(long, value_name = "FILE", requires = "client_key", help_heading = CLIENTS)]
    pub client_cert: Option<PathBuf>,
    /// Its key (PEM), readable by its owner only
    #[arg(long, value_name = "FILE", requires = "client_cert", help_heading = CLIENTS)]
    pub client_key: Option<PathBuf>,
    /// Send one HTTP HEAD request to endpoints that ask for a client certificate and do not refuse us in the
    /// handshake, and read the status of the answer
    #[arg(long, help_heading = CLIENTS)]
    pub ask_http: bool,
    /// Judge for this moment instead of now: 2027-01-31, or 2027-01-31T12:00:00Z. A forecast writes no evidence
    #[arg(long, value_name = "DATE", value_parser = parse_moment)]
    pub as_of: Option<Timestamp>,
    /// How many targets are looked at at a time [default: 128]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub concurrency: Option<u16>,
    /// Look only at one of several equal parts of the targets: 3/8, or index/8 in a Kubernetes Indexed Job
    #[arg(long, value_name = "PART")]
    pub shard: Option<ShardRequest>,
    /// Open at most so many connections in a time, evenly spaced: 50/s, 30/min [default: no limit]
    #[arg(long, value_name = "RATE")]
    pub rate: Option<Rate>,
    /// For resolving the name and connecting [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub connect_timeout: Option<Duration>,
    /// For the TLS handshake [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub handshake_timeout: Option<Duration>,
    /// Warn when less is left: a span, a share of the lifetime, or the smaller of both [default: 21d,25%]
    #[arg(short, long, value_name = "LIMIT")]
    pub warning: Option<Limit>,
    /// Fail when less is left [default: 7d,10%]
    #[arg(short, long, value_name = "LIMIT")]
    pub critical: Option<Limit>,
    /// Warn when less is left of an issuer's certificate [default: 180d,25%]
    #[arg(long, value_name = "LIMIT")]
    pub issuer_warning: Option<Limit>,
    /// Fail when less is left of an issuer's certificate [default: 30d,10%]
    #[arg(long, value_name = "LIMIT")]
    pub issuer_critical: Option<Limit>,
}

/// What was typed after `renew-due`.
#[derive(Debug, Clone, Default, Args)]
pub struct RenewDueArguments {
    /// A file, a folder, a quoted pattern of files, or host:port; the certificates of servers and clients count,
    /// those of issuers only where a target holds nothing else
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// List of targets, one a line, comments behind #; `-` is standard input
    #[arg(long = "targets", value_name = "FILE")]
    pub list: Option<PathBuf>,
    /// Due once this share of the lifetime is used [default: 66%]
    #[arg(long, value_name = "SHARE", conflicts_with = "remaining")]
    pub used: Option<Share>,
    /// Due once no more than this is left: a span, a share of the lifetime, or the smaller of both
    #[arg(long, value_name = "LIMIT")]
    pub remaining: Option<Limit>,
    /// Look at every address behind each name
    #[arg(long)]
    pub every_address: bool,
    /// Ask also for the certificate with the other kind of key (RSA beside ECDSA), on a second connection
    #[arg(long)]
    pub every_key: bool,
    /// Name to ask for, and that the certificates must cover, instead of each target's host
    #[arg(long, value_name = "NAME")]
    pub sni: Option<String>,
    /// Answer for this moment instead of now: 2027-01-31, or 2027-01-31T12:00:00Z
    #[arg(long, value_name = "DATE", value_parser = parse_moment)]
    pub as_of: Option<Timestamp>,
    /// For resolving the name and connecting [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub connect_timeout: Option<Duration>,
    /// For the TLS handshake [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub handshake_timeout: Option<Duration>,
}

/// A day (its beginning, UTC) or a moment.
fn parse_moment(text: &str) -> Result<Timestamp, String> {
    let day = || {
        text.parse::<Date>()
            .ok()
            .and_then(|day| TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok())
    };
    text.parse().ok().or_else(day).ok_or_else(|| {
        format!("'{text}' is no moment; write a day as 2027-01-31, or a moment as 2027-01-31T12:00:00Z")
    })
}

impl CommandLine for Cli {
    fn exit_when_unable(command: Option<&str>) -> u8 {
        match command {
            Some("renew-due") => CANNOT_TELL,
            _ => run::UNABLE,
        }
    }

    fn shared(&self) -> &SharedFlags {
        &self.shared
    }

    fn config_schema() -> Option<schemars::Schema> {
        Some(schemars::schema_for!(Config))
    }
}
