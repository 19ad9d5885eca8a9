//! What a scan owes by its plan: the checks without which it is no pass, whatever became of their observation.

//!
//! Of servers and objects that are named the plan tells it. What a file holds is known only when it has been read, and
//! what is looked for says by itself whether there was any: of those what was seen tells it.

use evidence_report::{
    record::{Check, Finding},
    run::Run,
};

use crate::{
    assess::{Judged, Part, lifetime::Role},
    checks::{
        CLIENT_IDENTITY, CLIENT_LIFETIME, CRL_FRESHNESS, FILE_CERTIFICATE, FILE_LIFETIME, FILE_READABLE,
        KUBERNETES_CERTIFICATE, KUBERNETES_LIFETIME, KUBERNETES_READABLE, STARTTLS_OFFERED, TARGETS_NAMED,
        TLS_CERTIFICATE, TLS_CHAIN, TLS_CLIENT_CERTIFICATE, TLS_HANDSHAKE, TLS_KEY, TLS_LIFETIME, TLS_NAME,
        TLS_REACHABLE, TLS_SIGNATURE, TLS_STAPLE, TLS_TRUST, TLS_USAGE,
    },
    plan::Plan,
};

/// By the plan.
pub(super) fn by(plan: &Plan, run: &Run) {
    let servers = super::endpoints(plan).next().is_some();
    let starting = super::endpoints(plan).any(|(_, endpoint)| endpoint.start.is_some());
    let asked = plan.groups.iter().any(|group| group.client_certificate.is_some());
    let presenting = plan.groups.iter().any(|group| group.present.is_some());
    let owed: [(bool, &[&'static Check]); 7] = [
        (servers, &[&TLS_REACHABLE, &TLS_HANDSHAKE, &TLS_LIFETIME, &TLS_NAME, &TLS_TRUST, &TLS_KEY]),
        (starting, &[&STARTTLS_OFFERED]),
        (servers && asked, &[&TLS_CLIENT_CERTIFICATE]),
        (presenting, &[&CLIENT_IDENTITY, &CLIENT_LIFETIME]),
        (!plan.kubernetes.is_empty(), &[&KUBERNETES_READABLE]),
        (!plan.crls.is_empty(), &[&CRL_FRESHNESS]),
        (plan.share.is_some() || !plan.empty_lists.is_empty(), &[&TARGETS_NAMED]),
    ];
    run.owes(owed.into_iter().filter(|(asked, _)| *asked).flat_map(|(_, checks)| checks).copied());
    // A path was found: it has a shape.
    run.owes_beside(&TLS_TRUST, [&TLS_CHAIN]);
}

/// By what was seen of one target.
pub(super) fn of(judged: &Judged, run: &Run) {
    run.owes(judged.owed.iter().copied());
    for sighting in &judged.sightings {
        let certificate = &sighting.certificate;
        let signed = !certificate.is_self_issued;
        if matches!(sighting.part, Part::File | Part::Secret) && Role::of_stored(certificate) == Role::Leaf {
            run.owes([&TLS_KEY]);
            run.owes(signed.then_some(&TLS_SIGNATURE));
        }
        match sighting.part {
            Part::Server => {
                run.owes([&TLS_CERTIFICATE, &TLS_USAGE, &TLS_LIFETIME]);
                run.owes(signed.then_some(&TLS_SIGNATURE));
                run.owes(certificate.must_staple.then_some(&TLS_STAPLE));
            }
            Part::Issuer | Part::Spare => run.owes([&TLS_CERTIFICATE]),
            Part::File => run.owes([&FILE_READABLE, &FILE_CERTIFICATE, &FILE_LIFETIME]),
            Part::Secret => run.owes([&KUBERNETES_CERTIFICATE, &KUBERNETES_LIFETIME]),
            Part::Client => run.owes([&CLIENT_LIFETIME]),
        }
    }
    run.owes((!judged.lists.is_empty()).then_some(&CRL_FRESHNESS));
}

/// What the run says, once, of a check that only complains: that it was made, so often, and had nothing to say.
pub(super) fn quiet(check: &'static Check, times: usize) -> Finding {
    let stored = "certificates in files and objects";
    let table = [
        (&TLS_CERTIFICATE, "presented certificates", "X.509 certificates"),
        (&TLS_USAGE, "certificates of servers", "meant for servers"),
        (&FILE_CERTIFICATE, "certificates in files", "whole"),
        (&KUBERNETES_CERTIFICATE, "certificates in Kubernetes objects", "whole"),
        (&TLS_KEY, stored, "2048 bits of RSA, or 256 of an elliptic curve"),
        (&TLS_SIGNATURE, stored, "a hash of SHA-256 or better"),
    ];
    let known = table.into_iter().find(|(known, ..)| known.id == check.id);
    let (subject, expected) =
        known.map_or(("certificates", ""), |(_, subject, expected)| (subject, expected));
    check.passed(subject).expected(expected).observed(format!("{times} of them"))
}
