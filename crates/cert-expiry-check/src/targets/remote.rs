//! Certificates at a URL: `pem+https://pki.example/ca.pem`. Written so, since `https://…` alone means the
//! server's own certificate.

use std::fmt;

use evidence_report::run::redact;
use reqwest::Url;

use super::NoTarget;

/// What stands before the URL.
const PREFIX: &str = "pem+";

/// A document at a URL. Its user, password and query are shown nowhere.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Remote(Url);

impl Remote {
    /// Reads `pem+https://…` or `pem+http://…`; `None` when the word does not begin so.
    ///
    /// # Errors
    /// When what follows is no such URL.
    pub(super) fn parse(word: &str) -> Option<Result<Self, NoTarget>> {
        let (prefix, url) = word.split_at_checked(PREFIX.len())?;
        if !prefix.eq_ignore_ascii_case(PREFIX) {
            return None;
        }
        let refuse = |reason: &str| NoTarget { word: redact::url(word), reason: reason.to_owned() };
        Some(match Url::parse(url) {
            Ok(url) if matches!(url.scheme(), "https" | "http") && url.has_host() => Ok(Self(url)),
            Ok(_) => {
                Err(refuse("behind pem+ stands an https:// or http:// address of a file of certificates"))
            }
            Err(error) => Err(refuse(&format!("{error}; write pem+https://host/path/file.pem"))),
        })
    }

    /// The URL, with all that it hides.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", redact::url(self.0.as_str()))
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_hides_is_not_shown() {
        let remote =
            Remote::parse("pem+https://user:hunter2@pki.example/a.pem?token=hunter2#x").unwrap().unwrap();
        assert_eq!(remote.to_string(), "pem+https://pki.example/a.pem");
        assert_eq!(format!("{remote:?}"), "Remote(pem+https://pki.example/a.pem)");
        assert_eq!(remote.url().password(), Some("hunter2"));
    }

    #[test]
    fn only_http_and_https_are_fetched() {
        assert!(Remote::parse("https://a.example").is_none());
        assert!(
            Remote::parse("pem").is_none() && Remote::parse("").is_none() && Remote::parse("pé+").is_none()
        );
        for word in [
            "pem+ftp://u:hunter2@a.example/",
            "pem+file:///etc/passwd",
            "pem+a.pem",
            "pem+https://",
            "pem+https://u:hunter2@a b/",
        ] {
            let error = Remote::parse(word).unwrap().unwrap_err().to_string();
            assert!(error.contains("https://"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
