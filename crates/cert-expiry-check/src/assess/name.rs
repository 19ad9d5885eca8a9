//! Whether a certificate is good for the name under which it was asked for (RFC 9525): alternative names
//! only, a wildcard for exactly one whole leftmost label.

use std::{fmt, net::IpAddr};

use evidence_report::record::{Finding, Requirement};

use crate::{certificate::Certificate, checks::TLS_NAME, wording::printable};

/// Who a client believes it is talking to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name, in lower case, without the root's dot.
    Name(String),
    /// An IP address.
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

/// The alternative name that covers `host`.
#[must_use]
pub fn covering(certificate: &Certificate, host: &Host) -> Option<String> {
    match host {
        Host::Name(name) => certificate.dns_names.iter().find(|pattern| covers(pattern, name)).cloned(),
        Host::Address(address) => {
            certificate.ip_addresses.iter().find(|listed| *listed == address).map(ToString::to_string)
        }
    }
}

/// Whether a pattern of a certificate covers a name.
fn covers(pattern: &str, name: &str) -> bool {
    match pattern.strip_prefix("*.") {
        // At least two labels under the wildcard: `*.com` covers nothing.
        Some(parent) if parent.contains('.') => name
            .split_once('.')
            .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(parent)),
        Some(_) => false,
        None => !pattern.is_empty() && pattern.eq_ignore_ascii_case(name),
    }
}

/// Judges whether a certificate is good for the name that was asked for, and for all that it has to cover
/// besides: the missing ones are named.
#[must_use]
pub fn finding(subject: &str, certificate: &Certificate, host: &Host, required: &[Host]) -> Finding {
    let besides: Vec<_> = required.iter().filter(|name| *name != host).map(ToString::to_string).collect();
    let expected = match besides.is_empty() {
        true => format!("good for {host}"),
        false => format!("good for {host}, and for {}", besides.join(", ")),
    };
    let missing: Vec<_> = required
        .iter()
        .filter(|name| *name != host && covering(certificate, name).is_none())
        .map(ToString::to_string)
        .collect();
    let good_for = listed(certificate);
    match (covering(certificate, host), missing.is_empty()) {
        (Some(pattern), true) => {
            let all = if besides.is_empty() { "" } else { ", and all required names are covered" };
            let observed = format!("covered by {}{all}", printable(&pattern, 120));
            TLS_NAME.passed(subject).expected(expected).observed(observed)
        }
        (Some(_), false) => {
            let missing = missing.join(", ");
            let observed = format!("required names are missing: {missing}; good for {good_for}");
            let remedy = format!("Have '{}' issued again for {missing} too.", certificate.name);
            TLS_NAME.failed(subject).expected(expected).observed(observed).remedy(remedy)
        }
        (None, _) => {
            let nearly = nearly(certificate, host);
            let besides = match missing.is_empty() {
                true => String::new(),
                false => format!("; required names are missing: {}", missing.join(", ")),
            };
            let finding = TLS_NAME
                .failed(subject)
                .expected(expected)
                .observed(format!("good for {good_for}{nearly}{besides}"));
            match host {
                Host::Address(address) if stands_as_name(certificate, *address) => finding.remedy(format!(
                    "Have '{}' issued again with {address} as an IP address (OpenSSL: subjectAltName=IP:{address}).",
                    certificate.name
                )),
                _ => finding,
            }
        }
    }
}

/// What looks as if it fitted, and why it does not; each begins with a semicolon.
fn nearly(certificate: &Certificate, host: &Host) -> &'static str {
    let under_wildcard = |name: &str| {
        let parents = certificate.dns_names.iter().filter_map(|pattern| pattern.strip_prefix("*."));
        parents.map(str::to_ascii_lowercase).any(|parent| {
            name.strip_suffix(&parent).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        })
    };
    match host {
        Host::Address(address) if stands_as_name(certificate, *address) => {
            "; the address stands there as a DNS name, where clients do not look for it"
        }
        Host::Name(name) if under_wildcard(name) => "; a wildcard stands for exactly one label",
        _ if only_common_name_fits(certificate, host) => "; only its common name fits, which clients ignore",
        _ => "",
    }
}

/// Whether an address was written where DNS names belong.
fn stands_as_name(certificate: &Certificate, address: IpAddr) -> bool {
    certificate.dns_names.iter().any(|name| name.parse() == Ok(address))
}

/// The same for an address that a network led to: nobody knows under which name it is asked, so that only
/// the required names can be judged; the others are shown.
#[must_use]
pub fn finding_without_host(subject: &str, certificate: &Certificate, required: &[Host]) -> Finding {
    if let Some(first) = required.first() {
        return finding(subject, certificate, first, required);
    }
    let observed = format!("nobody said under which name it is asked; good for {}", listed(certificate));
    TLS_NAME
        .not_checked(Requirement::Optional, subject, observed)
        .remedy("Name it by its name as well, or say --sni NAME where the whole network serves one.")
}

/// The names that a certificate is good for, the first few of them.
#[must_use]
pub fn listed(certificate: &Certificate) -> String {
    const SHOWN: usize = 5;
    let all: Vec<String> = certificate
        .dns_names
        .iter()
        .map(|name| printable(name, 80))
        .chain(certificate.ip_addresses.iter().map(ToString::to_string))
        .collect();
    match all.len() {
        0 => "no alternative name at all".to_owned(),
        count if count > SHOWN => format!("{} and {} more", all[..SHOWN].join(", "), count - SHOWN),
        _ => all.join(", "),
    }
}

/// Whether only the common name, which clients ignore, would fit.
#[must_use]
pub fn only_common_name_fits(certificate: &Certificate, host: &Host) -> bool {
    let fits = |common: &String| common.eq_ignore_ascii_case(&host.to_string());
    certificate.common_name.as_ref().is_some_and(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rustls::pki_types::ServerName;

    #[test]
    fn wildcards_cover_exactly_one_label() {
        for (pattern, name, expected) in [
            ("shop.example", "shop.example", true),
            ("SHOP.example", "shop.example", true),
            ("shop.example", "www.shop.example", false),
            ("*.shop.example", "www.shop.example", true),
            ("*.shop.example", "shop.example", false),
            ("*.shop.example", "a.b.shop.example", false),
            ("*.shop.example", ".shop.example", false),
            ("*.example", "shop.example", false),
            ("w*.shop.example", "www.shop.example", false),
            ("*", "localhost", false),
            ("", "", false),
        ] {
            assert_eq!(covers(pattern, name), expected, "{pattern} for {name}");
        }
    }

    fn certificate(names: &[String]) -> Certificate {
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        Certificate::read_only(made.cert.der()).unwrap()
    }

    #[test]
    fn addresses_are_compared_as_addresses() {
        let certificate = certificate(&["127.0.0.1".to_owned(), "::1".to_owned()]);
        let host = |text: &str| Host::Address(text.parse().unwrap());
        assert_eq!(covering(&certificate, &host("127.0.0.1")).as_deref(), Some("127.0.0.1"));
        assert_eq!(covering(&certificate, &host("0:0:0:0:0:0:0:1")).as_deref(), Some("::1"));
        assert_eq!(covering(&certificate, &host("127.0.0.2")), None);
        assert_eq!(covering(&certificate, &Host::Name("127.0.0.1".to_owned())), None);
    }

    #[test]
    fn what_nearly_fits_is_told_why_it_does_not() {
        let mut certificate = certificate(&["*.shop.example".to_owned(), "localhost".to_owned()]);
        certificate.dns_names.push("127.0.0.1".to_owned());
        certificate.common_name = Some("common.example".to_owned());
        for (host, words) in [
            (Host::Address([127, 0, 0, 1].into()), "as a DNS name, where clients do not look for it"),
            (Host::Name("shop.example".to_owned()), "; a wildcard stands for exactly one label"),
            (Host::Name("a.b.shop.example".to_owned()), "; a wildcard stands for exactly one label"),
            (Host::Name("workshop.example".to_owned()), "good for *.shop.example, localhost, 127.0.0.1"),
            (Host::Name("common.example".to_owned()), "; only its common name fits, which clients ignore"),
        ] {
            let finding = finding("shop:443", &certificate, &host, &[]);
            assert!(finding.observed.ends_with(words), "{host}: {}", finding.observed);
        }
        let address = Host::Address([127, 0, 0, 1].into());
        let remedy = finding("shop:443", &certificate, &address, &[]).remedy;
        assert!(remedy.contains("subjectAltName=IP:127.0.0.1"), "{remedy}");
    }

    #[test]
    fn every_required_name_is_covered_or_named() {
        use evidence_report::record::Outcome::{Failed, Passed};
        let certificate =
            certificate(&["shop.example".to_owned(), "*.shop.example".to_owned(), "127.0.0.1".to_owned()]);
        let name = |text: &str| match text.parse() {
            Ok(address) => Host::Address(address),
            Err(_) => Host::Name(text.to_owned()),
        };
        for (host, required, expected, words) in [
            ("shop.example", &[][..], Passed, "covered by shop.example"),
            ("shop.example", &["www.shop.example", "127.0.0.1"], Passed, "all required names are covered"),
            ("shop.example", &["*.shop.example"], Passed, "all required names are covered"),
            (
                "shop.example",
                &["shop.test", "api.shop.example", "127.0.0.2"],
                Failed,
                "missing: shop.test, 127.0.0.2;",
            ),
            ("shop.test", &["shop.test"], Failed, "good for shop.example"),
            ("shop.test", &["pay.example"], Failed, "missing: pay.example"),
        ] {
            let required: Vec<_> = required.iter().map(|text| name(text)).collect();
            let finding = finding("shop:443", &certificate, &name(host), &required);
            assert_eq!(finding.outcome, expected, "{host} {required:?}: {}", finding.observed);
            assert!(finding.observed.contains(words), "{host} {required:?}: {}", finding.observed);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        /// webpki is the yardstick: what it accepts and refuses, we accept and refuse.
        #[test]
        fn agrees_with_webpki(pattern in "(\\*\\.)?[ab]{1,2}(\\.[ab]{1,2}){0,3}", name in "[ab]{1,2}(\\.[ab]{1,2}){0,3}") {
            let certificate = certificate(std::slice::from_ref(&pattern));
            let theirs = webpki::EndEntityCert::try_from(&certificate.der).unwrap();
            let theirs = theirs.verify_is_valid_for_subject_name(&ServerName::try_from(name.as_str()).unwrap()).is_ok();
            prop_assert_eq!(covering(&certificate, &Host::Name(name.clone())).is_some(), theirs, "{} for {}", pattern, name);
        }
    }
}
