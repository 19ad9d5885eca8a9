//! Judges whether a port that begins in plain text turned TLS on, in words that name the protocol.

use std::borrow::Cow;

use evidence_report::record::Finding;

use super::greeting;
use crate::{
    checks::STARTTLS_OFFERED,
    targets::{Endpoint, StartTls},
    wire::{HandshakeTrouble, StartTrouble},
    wording::printable,
};

/// Longest shown answer of a server, in characters.
const ANSWER: usize = 160;

/// The finding.
pub(super) fn judge(
    endpoint: &Endpoint,
    start: StartTls,
    subject: &str,
    trouble: &Option<HandshakeTrouble>,
) -> Finding {
    let expected = format!("{} that turns TLS on", start.name());
    match trouble {
        Some(HandshakeTrouble::NotStarted(trouble)) => {
            let (observed, remedy) = in_words(endpoint, trouble);
            let finding = STARTTLS_OFFERED.failed(subject).expected(expected).observed(observed);
            if remedy.is_empty() { finding } else { finding.remedy(remedy) }
        }
        _ => STARTTLS_OFFERED.passed(subject).expected(expected).observed("it did"),
    }
}

/// What was seen, and what to do; an empty remedy leaves the check's own.
pub(super) fn in_words(endpoint: &Endpoint, trouble: &StartTrouble) -> (String, Cow<'static, str>) {
    let (observed, remedy) = match trouble {
        StartTrouble::Silent(limit) => return silent(endpoint, limit.as_secs_f64()),
        StartTrouble::Foreign(first) => return foreign(endpoint, first),
        StartTrouble::Unfinished(what, limit) => (
            format!("{what} did not come to its end within {} s", limit.as_secs_f64()),
            "The service is overloaded, or holds back its greeting on purpose; --handshake-timeout waits longer.",
        ),
        StartTrouble::Closed(what) => (
            format!("closed the connection instead of {what}"),
            "The server may turn this machine away, or not know the protocol: look at its log.",
        ),
        StartTrouble::Reset(what) => (
            format!("reset the connection instead of {what}"),
            "A firewall in between may not allow this protocol; look at the server's log.",
        ),
        StartTrouble::NotOffered(answer) => return not_offered(endpoint, answer.as_deref()),
        StartTrouble::Refused("the stream", answer) if answer.starts_with("host-unknown") => {
            let observed = format!("it does not know itself as {} (\"host-unknown\")", endpoint.asked_as());
            let remedy = "XMPP servers go by the domain of their users: name it as xmpp://DOMAIN:PORT@ADDRESS, or give --sni DOMAIN.";
            return (observed, remedy.into());
        }
        StartTrouble::Refused(what, answer) => (
            format!("it refused {what}: \"{}\"", quoted(answer)),
            "The server's own words say why; its log says more. With a name of its own (virtual hosts), try --sni.",
        ),
        StartTrouble::Endless(bytes) => (
            format!("it said more than {} KiB without coming to its end", bytes / 1024),
            "That is no server of this protocol: look at what listens on this port.",
        ),
        StartTrouble::Pipelined(bytes) => (
            format!("sent plain text where only TLS may follow: {}", greeting::language(bytes)),
            "Somebody in between may speak for the server, or it has the fault of CVE-2011-0411: update it, and \
             look at every proxy on the way. Its TLS was not begun.",
        ),
        StartTrouble::Malformed(what) => (
            format!("it breaks the rules of its protocol: {what}"),
            "Look at what listens on this port, and at its log.",
        ),
        StartTrouble::Broken(error) => (printable(error, ANSWER), ""),
    };
    (observed, remedy.into())
}

fn not_offered(endpoint: &Endpoint, answer: Option<&str>) -> (String, Cow<'static, str>) {
    let words = answer.map_or_else(String::new, |answer| format!(": \"{}\"", quoted(answer)));
    let remedy = format!(
        "Turn TLS on in the server's configuration{}; where it is on, look for a firewall in between that takes the offer away.",
        endpoint.start.map_or_else(String::new, |start| format!(" ({})", switch(start)))
    );
    (format!("it does not offer TLS{words}"), remedy.into())
}

/// What turns TLS on in the servers that most people run.
fn switch(start: StartTls) -> &'static str {
    match start {
        StartTls::Smtp | StartTls::Submission => {
            "Postfix: smtpd_tls_security_level = may; Exim: tls_advertise_hosts and tls_certificate; Dovecot: ssl = yes"
        }
        StartTls::Lmtp | StartTls::Imap | StartTls::Pop3 | StartTls::Sieve => {
            "Dovecot: ssl = yes, ssl_cert and ssl_key; Cyrus: tls_server_cert"
        }
        StartTls::Ftp => "vsftpd: ssl_enable=YES; ProFTPD: TLSEngine on",
        StartTls::Ldap => "OpenLDAP: TLSCertificateFile and TLSCertificateKeyFile, or olcTLS… in cn=config",
        StartTls::Postgres => "ssl = on, ssl_cert_file and ssl_key_file, then reload",
        StartTls::Mysql => "ssl_cert and ssl_key under [mysqld], then a restart",
        StartTls::Xmpp | StartTls::XmppServer => {
            "Prosody: the module tls and a certificate for this domain; ejabberd: starttls: true"
        }
        StartTls::Nntp => "INN: tlscertfile and tlskeyfile",
    }
}

fn silent(endpoint: &Endpoint, seconds: f64) -> (String, Cow<'static, str>) {
    let remedy = format!(
        "The service hangs, or speaks TLS from the start (then name it without STARTTLS: tls://{}); \
         --handshake-timeout waits longer.",
        authority(endpoint)
    );
    (format!("accepted the connection, then said nothing for {seconds} s"), remedy.into())
}

fn foreign(endpoint: &Endpoint, first: &[u8]) -> (String, Cow<'static, str>) {
    let observed = format!("it speaks {}", greeting::language(first));
    let remedy = match greeting::start(first, endpoint.port) {
        _ if greeting::is_tls(first) => {
            format!("Name it without STARTTLS: tls://{}.", authority(endpoint))
        }
        Some(start) if endpoint.start != Some(start) => {
            format!("Name it as {}.", endpoint.typed_with(start))
        }
        _ => "Look at what listens on this port.".to_owned(),
    };
    (observed, remedy.into())
}

/// What stands behind `://` when the endpoint is typed.
fn authority(endpoint: &Endpoint) -> String {
    let typed = endpoint.typed_with(StartTls::Smtp);
    typed.split_once("://").map_or(typed.clone(), |(_, authority)| authority.to_owned())
}

/// An answer of several lines stands on one.
fn quoted(answer: &str) -> String {
    let lines: Vec<_> = answer.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    printable(&lines.join(" / "), ANSWER)
}
