//! The words before `://`: which port they mean, and how TLS begins there.

use std::fmt;

/// A protocol that begins in plain text and turns TLS on when it is asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StartTls {
    /// Mail between servers (RFC 3207).
    Smtp,
    /// Mail from its author's program (RFC 6409), otherwise as SMTP.
    Submission,
    /// Mail to a mail store (RFC 2033).
    Lmtp,
    /// Reading mail (RFC 9051).
    Imap,
    /// Fetching mail (RFC 2595).
    Pop3,
    /// Sorting rules of mail stores (RFC 5804).
    Sieve,
    /// File transfer (RFC 4217).
    Ftp,
    /// Directories (RFC 4511, 4.14).
    Ldap,
    /// PostgreSQL's own protocol, version 3.
    Postgres,
    /// MySQL's and MariaDB's own protocol, version 10.
    Mysql,
    /// Messages, from clients (RFC 6120, 5).
    Xmpp,
    /// Messages, between servers.
    XmppServer,
    /// News (RFC 4642).
    Nntp,
}

impl StartTls {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Smtp,
        Self::Submission,
        Self::Lmtp,
        Self::Imap,
        Self::Pop3,
        Self::Sieve,
        Self::Ftp,
        Self::Ldap,
        Self::Postgres,
        Self::Mysql,
        Self::Xmpp,
        Self::XmppServer,
        Self::Nntp,
    ];

    /// What stands before `://`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Submission => "submission",
            Self::Lmtp => "lmtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Sieve => "sieve",
            Self::Ftp => "ftp",
            Self::Ldap => "ldap",
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Xmpp => "xmpp",
            Self::XmppServer => "xmpp-server",
            Self::Nntp => "nntp",
        }
    }

    /// What the protocol is called by people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Smtp | Self::Submission => "SMTP",
            Self::Lmtp => "LMTP",
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
            Self::Sieve => "ManageSieve",
            Self::Ftp => "FTP",
            Self::Ldap => "LDAP",
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MySQL",
            Self::Xmpp | Self::XmppServer => "XMPP",
            Self::Nntp => "NNTP",
        }
    }

    /// The protocol whose usual port this is.
    #[must_use]
    pub fn of_port(port: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|start| start.port() == port)
    }

    /// The usual port.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Self::Smtp => 25,
            Self::Submission => 587,
            Self::Lmtp => 24,
            Self::Imap => 143,
            Self::Pop3 => 110,
            Self::Sieve => 4190,
            Self::Ftp => 21,
            Self::Ldap => 389,
            Self::Postgres => 5432,
            Self::Mysql => 3306,
            Self::Xmpp => 5222,
            Self::XmppServer => 5269,
            Self::Nntp => 119,
        }
    }
}

impl fmt::Display for StartTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a word before `://` means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scheme {
    /// What turns TLS on; nothing where TLS begins at once.
    pub(super) start: Option<StartTls>,
    /// The port where none is named; nothing where one must be.
    pub(super) port: Option<u16>,
}

/// Words for ports that speak TLS at once, and their ports.
const AT_ONCE: [(&str, Option<u16>); 17] = [
    ("https", Some(443)),
    ("tls", None),
    ("smtps", Some(465)),
    ("submissions", Some(465)),
    ("imaps", Some(993)),
    ("pop3s", Some(995)),
    ("ldaps", Some(636)),
    ("ftps", Some(990)),
    ("nntps", Some(563)),
    ("xmpps", Some(5223)),
    ("wss", Some(443)),
    ("amqps", Some(5671)),
    ("mqtts", Some(8883)),
    ("rediss", Some(6379)),
    ("ircs", Some(6697)),
    ("sips", Some(5061)),
    ("dot", Some(853)),
];

/// Other words for the same.
const ALIASES: [(&str, StartTls); 3] =
    [("postgresql", StartTls::Postgres), ("mariadb", StartTls::Mysql), ("xmpp-client", StartTls::Xmpp)];

impl Scheme {
    /// Reads a word.
    ///
    /// # Errors
    /// Why it leads nowhere, and what would.
    pub(super) fn parse(word: &str) -> Result<Self, String> {
        let word = word.to_ascii_lowercase();
        if let Some((_, port)) = AT_ONCE.iter().find(|(known, _)| *known == word) {
            return Ok(Self { start: None, port: *port });
        }
        let alias = ALIASES.iter().find(|(known, _)| *known == word).map(|(_, start)| *start);
        let start = alias.or_else(|| StartTls::ALL.into_iter().find(|start| start.word() == word));
        match start {
            Some(start) => Ok(Self { start: Some(start), port: Some(start.port()) }),
            None if word == "http" => Err("http:// has no TLS; write https:// for the server, pem+http:// for certificates at that address".to_owned()),
            None => Err(format!(
                "'{word}://' is not known; with STARTTLS there are {}; a port that speaks TLS at once is \
                 https://, imaps://, … or simply host:port; certificates at a URL are pem+https://",
                StartTls::ALL.map(StartTls::word).join(", ")
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_as_itself_and_is_written_once() {
        let mut words: Vec<_> = AT_ONCE.iter().map(|(word, _)| *word).collect();
        words.extend(ALIASES.iter().map(|(word, _)| *word));
        for start in StartTls::ALL {
            assert_eq!(Scheme::parse(&start.to_string()).unwrap().start, Some(start));
            words.push(start.word());
        }
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
    }

    #[test]
    fn an_unknown_word_names_those_that_are_known() {
        let error = Scheme::parse("gopher").unwrap_err();
        assert!(error.contains("smtp, submission") && error.contains("host:port"), "{error}");
    }
}
