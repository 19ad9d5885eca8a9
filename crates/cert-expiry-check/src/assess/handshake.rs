//! Judges whether a port came to TLS, and how its handshake ended.

use std::borrow::Cow;

use evidence_report::record::{Finding, Requirement};

use super::{
    greeting, starttls,
    strength::{self, Grade},
};
use crate::{
    certificate::Certificate,
    checks::TLS_HANDSHAKE,
    targets::{Endpoint, StartTls},
    wire::{
        Afterwards, Capture, CipherSuite, ClientCertificate, Closing, HandshakeTrouble, KeyExchange,
        Protocol, Rare,
    },
    wording::printable,
};

/// What was seen, and what to do; an empty remedy leaves the check's own.
type Words = (String, Cow<'static, str>);

/// The findings on STARTTLS, where the port begins in plain text, and on the handshake, where it came to one.
pub(super) fn judge(
    endpoint: &Endpoint,
    subject: &str,
    capture: &Capture,
    leaf: Option<&Certificate>,
) -> impl Iterator<Item = Finding> {
    let started = endpoint.start.map(|start| starttls::judge(endpoint, start, subject, &capture.trouble));
    let never = matches!(capture.trouble, Some(HandshakeTrouble::NotStarted(_)));
    let handshake = (!never).then(|| handshake(endpoint, subject, capture, leaf));
    started.into_iter().chain(handshake)
}

fn handshake(endpoint: &Endpoint, subject: &str, capture: &Capture, leaf: Option<&Certificate>) -> Finding {
    let expected = "TLS 1.2 or 1.3, and proof of the key";
    let Some(trouble) = &capture.trouble else {
        let version = capture.protocol.map_or_else(|| "TLS".to_owned(), |version| version.to_string());
        let count = capture.chain.len();
        let presented = format!("{version}, {count} certificate{}", if count == 1 { "" } else { "s" });
        let client = match capture.client_certificate {
            ClientCertificate::NotAsked => "",
            ClientCertificate::Optional if is_cut_off(capture) => {
                "; asks for a client certificate, and without one closed the connection behind the handshake"
            }
            ClientCertificate::Optional => {
                "; asks for a client certificate, and does not insist in the handshake"
            }
            ClientCertificate::Demanded => "; demands a client certificate",
        };
        return TLS_HANDSHAKE.passed(subject).expected(expected).observed(format!("{presented}{client}"));
    };
    let weak = leaf.filter(|leaf| strength::key(leaf).grade == Grade::Weak);
    if let (HandshakeTrouble::NoProof(_), Some(_)) = (trouble, weak) {
        let why = "this program, like browsers, does not verify the proof of so weak a key: see tls.key";
        return TLS_HANDSHAKE.not_checked(Requirement::Optional, subject, why);
    }
    let (observed, remedy) = match trouble {
        HandshakeTrouble::OnlyRare(rare) => only_rare(capture.protocol, rare, leaf),
        HandshakeTrouble::OnlyOld(suite) if has_odd_key(capture.protocol, leaf) => with_odd_key(*suite),
        trouble => trouble_in_words(endpoint, capture, trouble),
    };
    let finding = TLS_HANDSHAKE.failed(subject).expected(expected).observed(observed);
    if remedy.is_empty() { finding } else { finding.remedy(remedy) }
}

/// Whether the server went before it had shown that the handshake was done for it, too.
fn is_cut_off(capture: &Capture) -> bool {
    !capture.is_confirmed && capture.afterwards == Afterwards::Closed(Closing::AtOnce)
}

fn trouble_in_words(endpoint: &Endpoint, capture: &Capture, trouble: &HandshakeTrouble) -> Words {
    let (observed, remedy) = match trouble {
        HandshakeTrouble::NotStarted(trouble) => return starttls::in_words(endpoint, trouble),
        HandshakeTrouble::Silent(limit) => return silent(endpoint, limit.as_secs_f64()),
        HandshakeTrouble::Closed => return closed(endpoint),
        HandshakeTrouble::NotTls(first) => return not_tls(endpoint, first),
        HandshakeTrouble::OnlyOld(suite) => return only_old(capture.protocol, *suite),
        HandshakeTrouble::OnlyRare(rare) => return only_rare(capture.protocol, rare, None),
        HandshakeTrouble::Unfinished(limit, bytes) => (
            format!("sent {bytes} bytes and did not end the handshake within {} s", limit.as_secs_f64()),
            "The service is overloaded, or the path to it loses large packets; --handshake-timeout waits longer.",
        ),
        HandshakeTrouble::Reset => (
            "reset the connection during the handshake".to_owned(),
            "A firewall or proxy in between may not allow TLS here; look at the server's log.",
        ),
        HandshakeTrouble::Alert(alert) => {
            (format!("the server refused with the TLS alert {alert}"), after_alert(alert))
        }
        HandshakeTrouble::TooOld => (
            "the server speaks neither TLS 1.2 nor TLS 1.3".to_owned(),
            "Turn TLS 1.2 or 1.3 on: clients refuse older versions (RFC 8996). If they are on, the server has no certificate \
             that clients take: its log tells.",
        ),
        HandshakeTrouble::NothingInCommon(what) => (
            format!("no common ground: {what}"),
            "Allow an ECDHE suite with AES-GCM or ChaCha20 at the server.",
        ),
        HandshakeTrouble::NoProof(reason) => (
            format!("the server does not prove that it holds the certificate's key ({reason})"),
            "The private key that the server uses does not belong to the certificate: install the pair together.",
        ),
        HandshakeTrouble::Broken(error) => (format!("the handshake broke: {}", printable(error, 160)), ""),
    };
    (observed, remedy.into())
}

fn after_alert(alert: &str) -> &'static str {
    match alert {
        "UnrecognisedName" => {
            "The server has no certificate for this name: ask under another one (--sni NAME)."
        }
        "HandshakeFailure" => {
            "The server and clients of today have no cipher suite, key exchange group or kind of signature in common, \
             or it has no certificate for this name (--sni NAME): its log tells."
        }
        "InternalError" => {
            "Look at the server's log: often it has no certificate for this name (--sni NAME asks under another one)."
        }
        _ => "Look at the server's log at this moment; --sni NAME asks under another name.",
    }
}

fn silent(endpoint: &Endpoint, seconds: f64) -> Words {
    let observed = format!("accepted the connection, then said nothing for {seconds} s");
    let remedy = by_port(endpoint).unwrap_or(
        "The service hangs, or waits for its client to begin in another protocol (STARTTLS, as in \
         smtp://HOST:PORT, or PROXY)."
            .into(),
    );
    (observed, remedy)
}

fn closed(endpoint: &Endpoint) -> Words {
    let remedy = by_port(endpoint).unwrap_or(
        "The port may not speak TLS, or refuses this name: try --sni, and look at the server's log.".into(),
    );
    ("closed the connection without a TLS answer".to_owned(), remedy)
}

fn not_tls(endpoint: &Endpoint, first: &[u8]) -> Words {
    let language = greeting::language(first);
    if let Some(start) = endpoint.start {
        let observed = format!("agreed to turn TLS on, and then went on in plain text: {language}");
        let remedy = format!("The {} server's TLS is broken: look at its log.", start.name());
        return (observed, remedy.into());
    }
    let remedy = match greeting::start(first, endpoint.port) {
        Some(start) => named(endpoint, start),
        None => "Name the port that speaks TLS, or turn TLS on there.".into(),
    };
    (format!("no TLS: it speaks {language}"), remedy)
}

/// A server whose certificate was had in old words only: who refuses it, and what to do.
fn only_old(protocol: Option<Protocol>, suite: CipherSuite) -> Words {
    let version = protocol.unwrap_or(Protocol::Tls12);
    if version < Protocol::Tls12 {
        let observed = format!(
            "speaks {version} at most ({suite}): clients of today refuse it (RFC 8996) and see a protocol version error"
        );
        let remedy =
            "Turn TLS 1.2 and 1.3 on. Where the software is too old for them, put a proxy in front of it.";
        return (observed, remedy.into());
    }
    let who = match suite.key_exchange() {
        KeyExchange::Rsa => {
            "with RSA key exchange only: clients built with rustls, Go 1.22 or Java 24 refuse it"
        }
        KeyExchange::Dhe => "with finite-field Diffie-Hellman only: browsers, Go and rustls refuse it",
        KeyExchange::Ecdhe | KeyExchange::Unknown => {
            "with nothing better in suites, curves and signatures: clients built with rustls refuse it, others \
             may still come in"
        }
    };
    let observed = format!("{version} ({suite}) {who}, and see a handshake failure");
    (
        observed,
        "Allow ECDHE suites with AES-GCM or ChaCha20 (P-256 or X25519) at the server, or TLS 1.3.".into(),
    )
}

/// What to do about a key that few clients take.
const ISSUE_FOR_USUAL_KEY: &str =
    "Have the certificate issued for a key on P-256, or for RSA with 2048 bits or more.";

/// A server whose certificate was had only by offering what hardly any client does.
fn only_rare(protocol: Option<Protocol>, rare: &Rare, leaf: Option<&Certificate>) -> Words {
    let version = protocol.unwrap_or(Protocol::Tls13);
    match rare {
        Rare::Suite(suite) => (
            format!(
                "{version} with {suite} only: browsers, and clients built with OpenSSL as it comes, Go, Java or rustls do not \
                 offer it, and see a handshake failure"
            ),
            "Allow TLS_AES_128_GCM_SHA256 at the server as well.".into(),
        ),
        Rare::Group(group) if group == "secp521r1" => (
            format!(
                "{version} with the key exchange group P-521 ({group}) only: Chromium and clients built with rustls do not \
                 offer it, and see a handshake failure"
            ),
            "Allow X25519 or P-256 at the server as well (nginx: ssl_ecdh_curve X25519:prime256v1:secp521r1).".into(),
        ),
        Rare::Group(group) => (
            format!(
                "{version} with the key exchange group {group} only: most clients do not offer it, and see a handshake \
                 failure"
            ),
            "Allow X25519 or P-256 at the server as well.".into(),
        ),
        Rare::Signature(kind) => (
            format!(
                "{version} with signatures of the kind {kind} only: browsers and most other clients do not take such a key, \
                 and see a handshake failure; whether the server holds the key was not proven"
            ),
            ISSUE_FOR_USUAL_KEY.into(),
        ),
        // Over TLS 1.2 a client says on which curves it takes the keys of certificates (RFC 8422, 5.1).
        Rare::Neither if leaf.is_some_and(|leaf| leaf.curve.as_deref() == Some(strength::P521)) => (
            format!(
                "{version} with a key on P-521 only: Chromium and clients built with rustls do not offer that curve, and \
                 see a handshake failure"
            ),
            "Have the certificate issued for a key on P-256 or P-384, which every client knows.".into(),
        ),
        Rare::Neither => (
            "refused the hello of clients of today, and answered a second one that offers more".to_owned(),
            "The server's log tells what it missed; where several nodes stand behind the address, one of them may differ."
                .into(),
        ),
    }
}

/// Over TLS 1.2 a key that few clients take is what keeps them out, whatever the suite.
fn has_odd_key(protocol: Option<Protocol>, leaf: Option<&Certificate>) -> bool {
    let is_odd = |leaf: &Certificate| strength::key(leaf).grade == Grade::Unusual;
    protocol == Some(Protocol::Tls12) && leaf.is_some_and(is_odd)
}

fn with_odd_key(suite: CipherSuite) -> Words {
    let observed = format!(
        "TLS 1.2 ({suite}) with a key of a kind that browsers and most other clients do not take (see tls.key): they see a \
         handshake failure; whether the server holds the key was not proven"
    );
    (observed, ISSUE_FOR_USUAL_KEY.into())
}

/// A port that is known for beginning in plain text, where TLS was expected at once.
fn by_port(endpoint: &Endpoint) -> Option<Cow<'static, str>> {
    let start = StartTls::of_port(endpoint.port).filter(|_| endpoint.start.is_none())?;
    Some(named(endpoint, start))
}

fn named(endpoint: &Endpoint, start: StartTls) -> Cow<'static, str> {
    let typed = endpoint.typed_with(start);
    format!("{} turns TLS on when it is asked to: name this port as {typed}.", start.name()).into()
}
