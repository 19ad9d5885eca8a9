//! Every check that the tool can make. A finding is made from one of these, never from a string.

use evidence_report::{
    record::{Check, Tool},
    run::WAIVER,
};

/// The endpoint accepts TCP connections.
pub static TLS_REACHABLE: Check = Check {
    id: "tls.reachable",
    title: "Endpoint reachable",
    explanation: "The name resolves, and something accepts TCP connections there within the connect timeout. \
        What cannot be reached cannot be checked, and its users see nothing either.",
    remedy: "Check the name, the port, the firewall, and whether the service runs.",
};

/// The endpoint completes a TLS handshake.
pub static TLS_HANDSHAKE: Check = Check {
    id: "tls.handshake",
    title: "TLS handshake",
    explanation: "The endpoint speaks TLS 1.2 or 1.3 and proves that it holds the key of the certificate that it \
        presents, within the handshake timeout. A server that demands a client certificate passes: its own \
        certificate comes before it turns anonymous clients away. One that has nothing in common with clients of \
        today is asked again: with rare groups, suites and signatures (P-521, newer hybrids, AES-CCM, Ed448, RSA-PSS \
        keys), and then with a hello that takes everything (TLS 1.1 or older, RSA key exchange, finite-field \
        Diffie-Hellman), up to its certificate and no further. It fails by the name of what it insists on, and its \
        certificate is judged all the same.",
    remedy: "Look at the server's own log at this moment, and try `openssl s_client -connect HOST:PORT`.",
};

/// A port that begins in plain text turns TLS on.
pub static STARTTLS_OFFERED: Check = Check {
    id: "starttls.offered",
    title: "TLS is turned on when asked for",
    explanation: "A port that begins in plain text (smtp://, imap://, postgres://, …) offers TLS, agrees to turn it \
        on, and says nothing more in plain text. It is a check of its own because its cause and its cure are: TLS \
        is switched off in the server, or somebody in between takes the offer away, and clients that do not \
        insist then send passwords and mail in the clear. No credentials and no commands are sent, only the \
        question for TLS and a goodbye. Where it fails, no certificate was seen.",
    remedy: "Turn TLS on in the server's configuration, and look whether a firewall in between rewrites the protocol.",
};

/// What the endpoint presents can be read.
pub static TLS_CERTIFICATE: Check = Check {
    id: "tls.certificate",
    title: "Presented certificates readable",
    explanation: "Every element that the server presents is an X.509 certificate.",
    remedy: "Replace the damaged certificate in the server's chain file.",
};

/// Enough of the lifetime is left of everything that the endpoint presents.
pub static TLS_LIFETIME: Check = Check {
    id: "tls.lifetime",
    title: "Lifetime left (served)",
    explanation: "Every certificate that the server presents is valid now, and has enough of its lifetime left: \
        unless told otherwise, a server's certificate is warned of below 21 days or 25 % of its lifetime and \
        fails below 7 days or 10 %, an issuer's below 180 days or 25 % and 30 days or 10 %, the smaller \
        of the two in each case. A certificate of 24 hours is thereby warned of in its last 6 hours.",
    remedy: "Renew the certificate, install it, and reload whatever serves it.",
};

/// What is renewed by machines was renewed when it should have been.
pub static TLS_RENEWAL: Check = Check {
    id: "tls.renewal",
    title: "Renewed in time (no stalled renewal)",
    explanation: "A certificate is replaced by the age at which its issuer's cadence replaces others. Where it \
        was not, the renewal has stalled, weeks before the lifetime itself becomes a warning. The cadence comes \
        from what the run sees: predecessors with the same names (or, without any, the same subject), issuer and \
        nearly the same lifetime (three or more, replaced at regular ages), or at least eight neighbours of one issuer \
        and lifetime whose ages are spread and end well before this one's. Where the run sees neither, the custom of \
        automated issuance counts: up to 100 days of lifetime, replaced when a third is left (late a twentieth later); \
        up to 10 days, at half (late when less than 30 % is left). It only warns, never before half of the lifetime, \
        and says nothing about what lasts longer and is renewed by hand, about issuers and about self-signed \
        certificates, nor where tls.lifetime speaks already.",
    remedy: "Look at the log of whatever renews the certificate, and at why it missed its turn.",
};

/// A publicly trusted certificate does not last longer than clients allow.
pub static TLS_VALIDITY_CAP: Check = Check {
    id: "tls.validity_cap",
    title: "Validity within the CA/Browser Forum's cap",
    explanation: "The certificate of a publicly trusted server (its path ends at one of Mozilla's roots) lasts \
        no longer than the Baseline Requirements allow for the day on which it begins: 825 days since \
        2018-03-01, 398 since 2020-09-01, 200 since 2026-03-15, 100 since 2027-03-15, 47 since 2029-03-15. \
        Browsers refuse what lasts longer. Private CAs are not bound.",
    remedy: "Have the certificate issued again with a shorter validity.",
};

/// The certificate covers the name under which the endpoint was asked.
pub static TLS_NAME: Check = Check {
    id: "tls.name",
    title: "Certificate covers the name",
    explanation: "The host name or address (or the name given by --sni) is among the certificate's subject \
        alternative names (RFC 9525). A wildcard covers one whole label. The common name does not count: \
        clients have ignored it for years.",
    remedy: "Have the certificate issued for this name too, or ask under a name that it covers (--sni NAME).",
};

/// The chain leads to a trusted root.
pub static TLS_TRUST: Check = Check {
    id: "tls.trust",
    title: "Chain leads to a trusted root",
    explanation: "The chain, as it is served, leads to one of the trusted roots: the system's, those of --roots, or \
        of each store named by --trust, and then it says which of them trust it. The root itself has enough of \
        its lifetime left; verifiers disagree about expired roots: this program takes one for a failure unless \
        another path leads past it. Every issuer on the path may issue (CA, key usage, extended key usage, name \
        constraints, path length), the root too: OpenSSL asks that of a root as well, other verifiers do not. A root \
        of version 1 is taken, and so is a server's own certificate that is named as a root.",
    remedy: "Serve the whole chain, or name the private root with --roots.",
};

/// The chain is served in order, and nothing beyond it.
pub static TLS_CHAIN: Check = Check {
    id: "tls.chain",
    title: "Chain served in order, and nothing beyond",
    explanation: "Every certificate that the server presents issued one before it, none is sent twice, and none is \
        a stranger that belongs to no path. A cross-sign or a root that no path of ours needs and that has \
        expired, or soon will, is named: clients with older stores, or older OpenSSL and GnuTLS, follow the path \
        over it and fail while browsers do not (AddTrust in May 2020, DST Root CA X3 in September 2021). A root \
        that is sent too is no fault: it costs bytes in each handshake. What is missing is said by tls.trust. \
        All of this is a warning: the path is found in spite of it.",
    remedy: "Write the file that the server presents anew: its own certificate, then each issuer, without the root.",
};

/// What is stapled proves the certificate good.
pub static TLS_STAPLE: Check = Check {
    id: "tls.staple",
    title: "Stapled OCSP response",
    explanation: "A certificate that promises a stapled OCSP response (must-staple, RFC 7633) gets one. Whatever is \
        stapled is about this certificate (issuer's name and key, serial number), signed by its issuer or by a \
        responder that the issuer certified for this, fresh, and says good. One that names no next update is believed \
        for a day; one that is older than ten days is a warning, since Mozilla's verifier believes none. Revoked \
        always fails; a response that proves nothing fails where one was promised, and is a warning otherwise. Nobody is asked: only what the \
        server itself brings along is looked at.",
    remedy: "Let the server fetch a fresh OCSP response (look at its log and its way to the responder).",
};

/// The issuer has not revoked the certificate.
pub static TLS_REVOCATION: Check = Check {
    id: "tls.revocation",
    title: "Not revoked (lists)",
    explanation: "Where lists are named (--crl FILE) or may be fetched (--fetch-crls): the certificate is not on its \
        issuer's list. A list counts when the name of its issuer fits, its signature holds, it has not ended, and it \
        was made for such certificates (its issuing distribution point); a revocation counts even on a list that has \
        ended or was made for others, but not an entry about another issuer's certificate. A delta list is joined to \
        the list that it changes, where both are there. Only --fetch-crls contacts anybody: the http addresses in \
        the certificates, each once a run. A list that cannot be had is never a failure by itself: then this is \
        not checked, with the reason.",
    remedy: "Replace the certificate at once, with a new key.",
};

/// The certificate is meant for servers.
pub static TLS_USAGE: Check = Check {
    id: "tls.usage",
    title: "Certificate meant for this use",
    explanation: "What a server presents may be used for servers: its extended key usage, where it has one, names \
        serverAuth, and its key usage allows a handshake. What a client presents names clientAuth. Only \
        anyExtendedKeyUsage is warned of: some clients do not take that for either. A pass is not listed.",
    remedy: "Have the certificate issued again with the right extended key usage.",
};

/// The key is strong.
pub static TLS_KEY: Check = Check {
    id: "tls.key",
    title: "Key strong enough",
    explanation: "RSA keys have 2048 bits or more and no exponent of 1, elliptic curves 256 bits or more, and no \
        key is DSA. Keys that are strong but that browsers do not know (secp256k1, Brainpool, Ed448) are warned \
        of. Issuers are listed only where theirs is too weak. In files and Kubernetes objects the certificates of \
        servers and clients and the issuers behind them are looked at, and only what is too weak is listed.",
    remedy: "Make a new key (P-256, or RSA with 2048 bits or more) and have a certificate issued for it.",
};

/// The signature is strong.
pub static TLS_SIGNATURE: Check = Check {
    id: "tls.signature",
    title: "Signature strong enough",
    explanation: "Nothing on the path is signed with MD5 or SHA-1, for which two certificates with one signature can \
        be made. The signature of a root is not looked at: a root is trusted because it is in the store. Issuers \
        are listed only where theirs is too weak. In files and Kubernetes objects the certificates of servers and \
        clients and the issuers behind them are looked at, and only what is too weak is listed.",
    remedy: "Have the certificate issued again, signed with SHA-256.",
};

/// The endpoint serves what lies on disk.
pub static TLS_AGREEMENT: Check = Check {
    id: "tls.agreement",
    title: "Serves the certificate that lies on disk",
    explanation: "Where a run sees both endpoints and files or Kubernetes Secrets: an endpoint serves the newest of \
        those that were issued for all its names, with the same kind of key. A certificate that was renewed while the \
        old one is still served is the classic outage: whoever watches only files sees nothing until it is too late. \
        It is a warning as long as what is served has enough of its lifetime left, and a failure afterwards; \
        a certificate younger than a day, or a tenth of its lifetime, may still wait for its reload. What lies in \
        an archive or backup is no reason to go on serving it. Where what is served lies on disk too, in a place \
        of its own, a newer one is held against it only when it is about to end: the newer may be another service's.",
    remedy: "Reload whatever serves the certificate, and see why the renewal did not.",
};

/// Every address of a name serves the same certificate.
pub static TLS_NODES: Check = Check {
    id: "tls.nodes",
    title: "Every address serves the same certificate",
    explanation: "With --every-address: the nodes behind one name serve the same certificate. Where one of them \
        was forgotten at the last renewal, some users see an error and others do not. Nodes that have \
        certificates of their own on purpose are warned of too: each is judged for itself.",
    remedy: "Reload, or renew, the node whose certificate is older than the others'.",
};

/// The endpoint does about client certificates what its group wants.
pub static TLS_CLIENT_CERTIFICATE: Check = Check {
    id: "tls.client_certificate",
    title: "Client certificate demanded as wanted",
    explanation: "Where the configuration or --client-certificate says so: `required`: the endpoint turns a client without \
        a certificate away; `optional`: it asks, and lets in without one; `none`: it does not ask. It is tried without \
        a certificate, over TLS 1.2 and 1.3 (where the refusal comes after the handshake). A server that asks, \
        and neither refuses nor speaks within a moment, proves nothing for `required`: nginx refuses only in its \
        answer to a request. Nor does one that closes the connection behind the handshake without an alert. With \
        --ask-http one HEAD request is sent to servers that ask. The answers 400, 495 and 496 count as refusals; 403 does \
        where our own certificate is answered better; what 401 and a redirect mean cannot be told.",
    remedy: "Correct what the server says about client certificates, or what the configuration expects of it.",
};

/// The endpoint accepts the client certificate that we present.
pub static TLS_CLIENT_ACCEPTED: Check = Check {
    id: "tls.client_accepted",
    title: "Our client certificate is accepted",
    explanation: "With --client-cert and --client-key: an endpoint that asks for a client certificate is connected to a \
        second time, presenting it, and does not refuse it; the alert of a refusal is named. Where the handshake \
        turns nobody away (nginx refuses only in its answer to a request), this is not checked unless --ask-http \
        asks. The answers 400, 495 and 496 are refusals; 401 and 403 are where a request without a certificate is answered \
        better, and cannot be told otherwise. A server that sends no session ticket is given three seconds to refuse. An endpoint that does not ask for a certificate is passed over.",
    remedy: "Compare the CAs that the server trusts for clients with the issuer of the client certificate.",
};

/// Enough of the lifetime is left of the client certificate that we present.
pub static CLIENT_LIFETIME: Check = Check {
    id: "client.lifetime",
    title: "Lifetime left (our client certificate)",
    explanation: "The client certificate that is presented to servers has enough of its lifetime left, by the limits of \
        a server's, and so have the issuers that are presented with it, by the limits of issuers. When it expires, every server that demands it shuts its clients out at the same moment.",
    remedy: "Renew the client certificate.",
};

/// The client certificate that we present is meant for clients, and its key is closed.
pub static CLIENT_IDENTITY: Check = Check {
    id: "client.identity",
    title: "Our client certificate is fit to be presented",
    explanation: "The client certificate that is presented may stand for a client (key usage and extended key usage), what \
        goes with it is whole, and its key's file is not readable by every user of the machine.",
    remedy: "Have it issued for clients; close the key to other users (chmod o=).",
};

/// A private key belongs to the certificate beside it.
pub static KEY_MATCH: Check = Check {
    id: "key.match",
    title: "Private key belongs to the certificate",
    explanation: "A private key in a file or in a Kubernetes Secret belongs to the certificate beside it: in the same \
        file or Secret, or in the same folder by the usual names (tls.key and tls.crt, privkey.pem and cert.pem or \
        fullchain.pem, NAME.key and NAME.crt or NAME.pem, NAME-key.pem and NAME.pem). Where it does not, whatever reads \
        the pair refuses to start at its next restart, often long after the renewal that mixed them up. The same holds \
        where the key belongs to a later certificate of the file: servers take the first one for their own. \
        A file or value that ends in .key, and from which no server takes a key (it is empty, damaged or indented), \
        fails as well. Only the public key that belongs to a private one is computed and compared. A key without a \
        certificate beside it is passed over.",
    remedy: "Install key and certificate from the same issuance; do not restart what reads the pair before.",
};

/// One private key serves one purpose.
pub static KEY_SHARED: Check = Check {
    id: "key.shared",
    title: "One key for one purpose",
    explanation: "No private key stands behind certificates that have no name in common: such a key was copied with an \
        image or a template, and who gets hold of it can stand for all of them: a warning. A key that is kept at \
        a renewal, and a certificate that all nodes of one service share, are usual and nothing is said. One \
        certificate (a wildcard, as a rule) on several hosts passes, and the hosts are counted: they all fail at \
        the same moment.",
    remedy: "Make a key of its own for each certificate.",
};

/// The file can be read and holds a certificate.
pub static FILE_READABLE: Check = Check {
    id: "file.readable",
    title: "File holds certificates",
    explanation: "The file can be read, and holds at least one certificate or revocation list: PEM, DER, \
        PKCS#7, PKCS#12, or a Java key store. A store whose password is not known is not checked, which is no \
        pass. Files of other kinds that merely lie in a searched folder are passed over. In a kubeconfig, each user \
        with a client certificate has a private key that can be read.",
    remedy: "Check the path and what was written there.",
};

/// Every certificate in the file is whole.
pub static FILE_CERTIFICATE: Check = Check {
    id: "file.certificate",
    title: "Certificates in the file are whole",
    explanation: "Every part of the file that says it is a certificate, a revocation list or a store of them is \
        one: not cut off, not damaged, and written so that servers read it, too: files that were joined without a \
        line end, a BEGIN line without its five dashes at the end, and (in files whose names promise a certificate) \
        what neither OpenSSL nor Go reads: blanks before BEGIN or END or beside their label, lines that end in a \
        carriage return alone, base64 without its = at the end. Blank lines in the base64 and headers before it, \
        which OpenSSL does not read and Go does, are a warning.",
    remedy: "Write the file again from its source; a file that is read while it is being written looks like this too.",
};

/// Enough of the lifetime is left of every certificate in the file.
pub static FILE_LIFETIME: Check = Check {
    id: "file.lifetime",
    title: "Lifetime left (in files)",
    explanation: "Every certificate in the file is valid now and has enough of its lifetime left, by the same \
        limits as for endpoints; a certificate that may issue others is judged as an issuer. What is only kept for the \
        record (an archive of certbot, a folder called old or backup, a name that ends in .bak) is not judged once its \
        successor lies where it was put aside from.",
    remedy: "Renew the certificate, write it to this file, and reload whatever reads it.",
};

/// A revocation list has not ended.
pub static CRL_FRESHNESS: Check = Check {
    id: "crl.freshness",
    title: "Revocation lists are fresh",
    explanation: "Every certificate revocation list that was found was made in the past, names the date of the         next one, and has time left until then: a tenth of its period, or 21 days where that is less. A list that         has ended makes strict clients refuse every certificate of its issuer, while lenient ones let in what was         revoked since.",
    remedy: "Fetch the issuer's current list, and see why the job that does so did not.",
};

/// A folder or pattern yields something to check.
pub static FILES_FOUND: Check = Check {
    id: "files.found",
    title: "Folder or pattern yields certificates",
    explanation: "A folder that is searched, or a pattern, yields at least one file with a certificate: an empty \
        one is no pass, but a path that is wrong.",
    remedy: "Correct the path or the pattern; quote a pattern so that the shell leaves it alone.",
};

/// Something answers in a network.
pub static NETWORK_FOUND: Check = Check {
    id: "network.found",
    title: "Network yields endpoints",
    explanation: "Of a network's addresses with ports, at least one accepts TCP connections. Nothing has to \
        listen at each of them: those that refuse or do not answer are counted, and no more. What answers is \
        judged like any endpoint, but for the name: nobody knows under which one it is asked, unless --sni \
        says so; the names that its certificate is good for are shown instead.",
    remedy: "Check the network and the ports, and whether a firewall keeps this machine out.",
};

/// Kubernetes objects can be read, and hold certificates.
pub static KUBERNETES_READABLE: Check = Check {
    id: "kubernetes.readable",
    title: "Kubernetes objects hold certificates",
    explanation: "What --kubernetes names (`kubectl get … -o json`) can be read to its end, and at least one of \
        its objects holds a certificate: an empty answer usually means that kubectl was not allowed to look, or \
        looked elsewhere. One page of a list (metadata.continue) is not its end.",
    remedy: "Look at what kubectl says, at its context, and at its namespace (-A for all).",
};

/// Every certificate in Kubernetes objects is whole.
pub static KUBERNETES_CERTIFICATE: Check = Check {
    id: "kubernetes.certificate",
    title: "Certificates in Kubernetes objects are whole",
    explanation: "Every Secret of the type kubernetes.io/tls holds a certificate, every caBundle of a webhook, an \
        APIService or a conversion that is set holds one, and whatever else says that it is one is one: not cut \
        off, not damaged. Webhooks whose bundle is empty or broken cannot be called.",
    remedy: "See what should write it: `kubectl describe certificate -A` where cert-manager is in charge, its \
        cainjector for bundles.",
};

/// Enough of the lifetime is left of every certificate in Kubernetes objects.
pub static KUBERNETES_LIFETIME: Check = Check {
    id: "kubernetes.lifetime",
    title: "Lifetime left (in Kubernetes objects)",
    explanation: "Every certificate in the objects is valid now and has enough of its lifetime left, by the same \
        limits as for endpoints; a certificate that may issue others is judged as an issuer, once, with the \
        places where it stands.",
    remedy: "Renew the certificate, write it into the object, and see that whatever mounts it reloads.",
};

/// A list of targets names something.
pub static TARGETS_NAMED: Check = Check {
    id: "targets.named",
    title: "Target list names targets",
    explanation: "A list given by --targets names at least one target.",
    remedy: "Look at whatever writes the list.",
};

/// The tool.
pub static TOOL: Tool = Tool {
    name: "cert-expiry-check",
    version: env!("CARGO_PKG_VERSION"),
    checks: &[
        &TLS_REACHABLE,
        &STARTTLS_OFFERED,
        &TLS_HANDSHAKE,
        &TLS_CERTIFICATE,
        &TLS_LIFETIME,
        &TLS_RENEWAL,
        &TLS_VALIDITY_CAP,
        &TLS_NAME,
        &TLS_TRUST,
        &TLS_CHAIN,
        &TLS_USAGE,
        &TLS_KEY,
        &TLS_SIGNATURE,
        &TLS_STAPLE,
        &TLS_REVOCATION,
        &TLS_AGREEMENT,
        &TLS_NODES,
        &TLS_CLIENT_CERTIFICATE,
        &TLS_CLIENT_ACCEPTED,
        &CLIENT_LIFETIME,
        &CLIENT_IDENTITY,
        &KEY_MATCH,
        &KEY_SHARED,
        &FILE_READABLE,
        &FILE_CERTIFICATE,
        &FILE_LIFETIME,
        &CRL_FRESHNESS,
        &FILES_FOUND,
        &NETWORK_FOUND,
        &KUBERNETES_READABLE,
        &KUBERNETES_CERTIFICATE,
        &KUBERNETES_LIFETIME,
        &TARGETS_NAMED,
        &WAIVER,
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_an_id_of_its_own_and_words() {
        let mut ids: Vec<_> = TOOL.checks.iter().map(|check| check.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), TOOL.checks.len());
        assert!(TOOL.checks.iter().all(|check| check.explanation.len() > 40 && check.remedy.ends_with('.')));
    }
}
