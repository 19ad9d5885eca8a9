//! What to look at: endpoints, networks, and files.

mod endpoint;
pub mod files;
mod key_kind;
mod list;
mod network;
mod remote;
mod scheme;
mod several;
mod shard;

pub(crate) use endpoint::DEFAULT_PORT;
pub use endpoint::Endpoint;
pub(crate) use endpoint::parse_host;
pub use key_kind::KeyKind;
pub use list::{ListTrouble, ListedTarget, read_list};
pub use network::Network;
pub use remote::Remote;
pub use scheme::StartTls;
pub use several::Targets;
pub use shard::{JOB_COMPLETION_INDEX, Shard, ShardRequest, digest_of_list};

use std::{
    fmt,
    path::{Path, PathBuf},
};

use crate::wording::printable;

/// One thing that the user named.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Target {
    /// A TLS server.
    Endpoint(Endpoint),
    /// A network, and the ports of its addresses.
    Network(Box<Network>),
    /// Certificates at a URL.
    Remote(Box<Remote>),
    /// A file or a folder.
    Path(PathBuf),
    /// A pattern of files.
    Pattern(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint(endpoint) => write!(f, "{endpoint}"),
            Self::Network(network) => write!(f, "{network}"),
            Self::Remote(remote) => write!(f, "{remote}"),
            Self::Path(path) => f.write_str(&printable(&path.to_string_lossy(), 200)),
            Self::Pattern(pattern) => f.write_str(&printable(pattern, 200)),
        }
    }
}

impl serde::Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = match self {
            Self::Endpoint(_) => "endpoint",
            Self::Network(_) => "network",
            Self::Remote(_) => "url",
            Self::Path(_) => "path",
            Self::Pattern(_) => "pattern",
        };
        serializer.collect_map([(kind, self.to_string())])
    }
}

/// A word that is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{word}' is no target: {reason}", word = printable(word, 200))]
pub struct NoTarget {
    /// What was typed, without userinfo.
    pub word: String,
    /// Why it is none, and what would be one.
    pub reason: String,
}

/// No path and no URL that works is longer.
const LONGEST_WORD: usize = 4096;

/// Characters that make a word a pattern.
const PATTERN_CHARACTERS: [char; 3] = ['*', '?', '['];

impl Target {
    /// What tells it from every other target; for digests only, since it shows what a URL hides.
    pub(crate) fn identity(&self) -> String {
        match self {
            Self::Remote(remote) => format!("pem+{}", remote.url()),
            Self::Path(path) => path.to_string_lossy().into_owned(),
            Self::Pattern(pattern) => pattern.clone(),
            Self::Endpoint(_) | Self::Network(_) => self.to_string(),
        }
    }

    /// Reads what was typed. `exists` tells whether a file or folder of that name is there: only a bare word,
    /// which could be either, is decided by that.
    ///
    /// # Errors
    /// When it can be neither.
    pub fn parse(word: &str, exists: impl Fn(&Path) -> bool) -> Result<Self, NoTarget> {
        if word.len() > LONGEST_WORD {
            let reason =
                format!("it is {} bytes long, and no target is longer than {LONGEST_WORD}", word.len());
            return Err(NoTarget { word: printable(word, 60), reason });
        }
        if let Some(remote) = Remote::parse(word) {
            return remote.map(|remote| Self::Remote(Box::new(remote)));
        }
        if word.contains("://") {
            return Endpoint::from_url(word).map(Self::Endpoint);
        }
        // As a browser's address bar has it, without the scheme.
        let server = word.strip_suffix('/').filter(|server| has_port(server) && !exists(Path::new(word)));
        let word = server.unwrap_or(word);
        if let Some(network) = Network::parse(word) {
            return network.map(|network| Self::Network(Box::new(network)));
        }
        if looks_bracketed(word) || has_port(word) || names_where_to_connect(word) {
            return Endpoint::from_authority(word).map(Self::Endpoint);
        }
        let path = Path::new(word);
        // Such a word is a file even where none exists.
        let file_name = files::has_promising_ending(path);
        if exists(path) {
            return Ok(Self::Path(path.to_owned()));
        }
        if word.contains(PATTERN_CHARACTERS) {
            return Ok(Self::Pattern(word.to_owned()));
        }
        if word.contains('/') || word.starts_with('.') || file_name {
            return Ok(Self::Path(path.to_owned()));
        }
        Endpoint::from_authority(word).map(Self::Endpoint)
    }
}

/// `name:443`: whoever types a port means a server, even where a file of that name lies.
fn has_port(word: &str) -> bool {
    let port = word.split_once(':').filter(|(host, _)| !host.is_empty() && !host.contains(['/', '*', '?']));
    port.is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `shop.example:443@10.0.0.5`, `shop.example@[::1]:8443`.
fn names_where_to_connect(word: &str) -> bool {
    let Some((who, there)) = word.rsplit_once('@') else { return false };
    !who.contains('/') && (has_port(who) || looks_bracketed(who) || has_port(there) || looks_bracketed(there))
}

/// `[::1]:443`, and not the pattern `[ab].pem`.
fn looks_bracketed(word: &str) -> bool {
    let inside = word.strip_prefix('[').map(|rest| rest.split_once(']').unwrap_or((rest, "")));
    inside.is_some_and(|(address, rest)| address.contains(':') || rest.is_empty() || rest.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(word: &str) -> Result<Target, NoTarget> {
        Target::parse(word, |path| path == Path::new("here") || path == Path::new("here:443"))
    }

    fn shown(word: &str) -> String {
        match parse(word) {
            Ok(Target::Endpoint(endpoint)) => format!("endpoint {endpoint}"),
            Ok(Target::Network(network)) => format!("network {network}"),
            Ok(Target::Remote(remote)) => format!("url {remote}"),
            Ok(Target::Path(path)) => format!("path {}", path.display()),
            Ok(Target::Pattern(pattern)) => format!("pattern {pattern}"),
            Err(error) => format!("error {error}"),
        }
    }

    #[test]
    fn words_are_read_as_people_mean_them() {
        for (word, meant) in [
            ("shop.example:8443", "endpoint shop.example:8443"),
            ("shop.example", "endpoint shop.example:443"),
            ("Shop.Example.", "endpoint shop.example:443"),
            ("localhost", "endpoint localhost:443"),
            ("bücher.example", "endpoint xn--bcher-kva.example:443"),
            ("smtp://BÜCHER.example.", "endpoint smtp://xn--bcher-kva.example:25"),
            ("127.0.0.1", "endpoint 127.0.0.1:443"),
            ("127.0.0.1:8443", "endpoint 127.0.0.1:8443"),
            ("::1", "endpoint [::1]:443"),
            ("[::1]", "endpoint [::1]:443"),
            ("[2001:db8::1]:8443", "endpoint [2001:db8::1]:8443"),
            ("https://shop.example", "endpoint shop.example:443"),
            ("https://shop.example:8443/a?b=c#d", "endpoint shop.example:8443"),
            ("HTTPS://shop.example/", "endpoint shop.example:443"),
            ("https://[::1]:8443/", "endpoint [::1]:8443"),
            ("https://10.0.0.5/24/a", "endpoint 10.0.0.5:443"),
            ("https://shop.example/24", "endpoint shop.example:443"),
            ("https://user:pass@shop.example/", "endpoint shop.example:443"),
            ("shop.example:443@10.0.0.5", "endpoint shop.example:443 at 10.0.0.5"),
            ("shop.example:443@10.0.0.5:443", "endpoint shop.example:443 at 10.0.0.5"),
            ("shop.example@10.0.0.5", "endpoint shop.example:443 at 10.0.0.5"),
            ("shop.example:443@[::1]:8443", "endpoint shop.example:443 at [::1]:8443"),
            ("shop.example@[::1]", "endpoint shop.example:443 at ::1"),
            ("shop.example@::1", "endpoint shop.example:443 at ::1"),
            ("[::1]:443@127.0.0.1:8443", "endpoint [::1]:443 at 127.0.0.1:8443"),
            ("shop.example:443@node-1.internal:8443", "endpoint node-1.internal:8443 as shop.example"),
            ("shop.example:8443@node-1.internal", "endpoint node-1.internal:8443 as shop.example"),
            ("https://shop.example:443@10.0.0.5:8443", "endpoint shop.example:443 at 10.0.0.5:8443"),
            ("https://user:443@10.0.0.5", "endpoint 10.0.0.5:443"),
            ("postgres://app.user:1234@10.0.0.5/shop", "endpoint postgres://10.0.0.5:5432"),
            ("smtp://mail.example", "endpoint smtp://mail.example:25"),
            ("smtp://mail.example:2525", "endpoint smtp://mail.example:2525"),
            ("SMTP://Mail.Example:25@10.0.0.5", "endpoint smtp://mail.example:25 at 10.0.0.5"),
            ("smtp://mail.example:25@[::1]:2525", "endpoint smtp://mail.example:25 at [::1]:2525"),
            ("submission://mail.example", "endpoint submission://mail.example:587"),
            ("imap://[::1]", "endpoint imap://[::1]:143"),
            ("pop3://mail.example", "endpoint pop3://mail.example:110"),
            ("ftp://files.example/pub/a?b", "endpoint ftp://files.example:21"),
            ("ldap://directory.example", "endpoint ldap://directory.example:389"),
            ("postgresql://shop:secret@db.example/shop", "endpoint postgres://db.example:5432"),
            ("mariadb://db.example", "endpoint mysql://db.example:3306"),
            ("xmpp://chat.example", "endpoint xmpp://chat.example:5222"),
            ("xmpp-server://chat.example", "endpoint xmpp-server://chat.example:5269"),
            ("smtps://mail.example", "endpoint mail.example:465"),
            ("imaps://mail.example", "endpoint mail.example:993"),
            ("pop3s://mail.example", "endpoint mail.example:995"),
            ("ldaps://directory.example", "endpoint directory.example:636"),
            ("ftps://files.example", "endpoint files.example:990"),
            ("tls://shop.example:8443", "endpoint shop.example:8443"),
            ("shop.example:443/", "endpoint shop.example:443"),
            ("here", "path here"),
            ("here:443", "endpoint here:443"),
            ("./here:443", "path ./here:443"),
            ("./there", "path ./there"),
            ("/etc/tls", "path /etc/tls"),
            ("tls/server", "path tls/server"),
            ("server.pem", "path server.pem"),
            ("SERVER.CRT", "path SERVER.CRT"),
            ("certs/*.pem", "pattern certs/*.pem"),
            ("certs/[ab].pem", "pattern certs/[ab].pem"),
            ("[ab].pem", "pattern [ab].pem"),
            ("pem+https://pki.example/ca.pem", "url pem+https://pki.example/ca.pem"),
            ("10.0.0.0/28:443,8443", "network 10.0.0.0/28:443,8443"),
            ("[2001:db8::]/124:443", "network [2001:db8::]/124:443"),
            ("./10.0.0.0/28", "path ./10.0.0.0/28"),
            ("10.0.0.0/a.pem", "path 10.0.0.0/a.pem"),
        ] {
            assert_eq!(shown(word), meant, "{word}");
        }
    }

    #[test]
    fn what_is_no_target_says_why() {
        for (word, why) in [
            ("", "empty"),
            ("shop.example:0", "port"),
            ("shop.example:65536", "port"),
            ("shop.example:https", "port"),
            (":443", "no host"),
            ("[::1", "bracket"),
            ("[::1]x", "port"),
            ("[shop.example]:443", "IPv6"),
            ("[fe80::1%eth0]:443", "zone"),
            ("fe80::1%eth0", "zone"),
            ("http://shop.example", "https"),
            ("gopher://mail.example", "smtp"),
            ("tls://mail.example", "port"),
            ("xmpp://chat.example@10.0.0.5", "xmpp://chat.example:PORT@10.0.0.5"),
            ("shop.example:443@10.0.0.5:0", "port"),
            ("shop.example:443@", "host"),
            ("shop.example:443@10.0.0.5/24", "port"),
            ("shop_.example..", "host name"),
            ("bü cher.example", "a blank stands in it"),
            ("bü|cher.example", "xn--"),
            ("two words", "a blank stands in it"),
            (
                "https://10.0.0.0/24",
                "networks take no scheme, and are looked at where TLS begins at once: 10.0.0.0/24:443",
            ),
            ("smtp://10.0.0.0/30", "10.0.0.0/30:25"),
            ("https://[2001:db8::]:8443/124", "[2001:db8::]/124:8443"),
        ] {
            let error = parse(word).unwrap_err().to_string();
            assert!(error.contains(why), "{word}: {error}");
        }
    }

    #[test]
    fn the_password_of_a_url_is_not_repeated() {
        for word in [
            "https://user:hunter2@shop.example:0/",
            "user:hunter2@shop.example:443",
            "us er:hunter2@shop.example:443",
            "user:hunter2@[::1]:443",
        ] {
            let error = parse(word).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_word_is_read_or_refused(word in "\\PC{0,40}") {
            let _ = parse(&word);
        }

        #[test]
        fn an_endpoint_reads_back_as_itself(name in "[a-z]{1,8}(\\.[a-z]{2,5}){1,3}", port in 1_u16..) {
            let word = format!("{name}:{port}");
            prop_assert_eq!(shown(&word), format!("endpoint {word}"));
        }
    }
}
