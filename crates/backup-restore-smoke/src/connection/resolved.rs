//! A connection, resolved: explicit keywords over the service's, over the PG* variables, over the defaults.

use std::{
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Serialize;
use tokio_postgres::config::{ChannelBinding, LoadBalanceHosts, SslNegotiation, TargetSessionAttrs};

use super::{
    ambient::Ambient,
    conninfo::{self, Given},
    error::ConnectionError,
    keywords,
    passfile::{self, Key},
    service,
    tls::{SslMode, SslSettings},
};

/// How long an attempt may take when nobody says.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A secret that no `Debug` shows.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Secret(pub(super) String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// One server that may answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Endpoint {
    /// A name, an address, or the folder of a socket (it begins with `/`).
    pub(crate) host: String,
    /// The address, where it was given beside the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<IpAddr>,
    /// The port.
    pub(crate) port: u16,
    #[serde(skip)]
    pub(super) password: Option<Secret>,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// A connection with everything settled.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Resolved {
    /// The servers, in the order in which they are tried.
    pub(crate) endpoints: Vec<Endpoint>,
    /// The database.
    pub(crate) database: String,
    /// The role.
    pub(crate) user: String,
    /// How the connection is protected.
    pub(super) ssl: SslSettings,
    #[serde(skip)]
    pub(super) options: Option<String>,
    #[serde(skip)]
    pub(super) connect_timeout: Duration,
    #[serde(skip)]
    pub(super) session: TargetSessionAttrs,
    #[serde(skip)]
    pub(super) channel_binding: Option<ChannelBinding>,
    #[serde(skip)]
    pub(super) negotiation: SslNegotiation,
    #[serde(skip)]
    pub(super) balance: LoadBalanceHosts,
    #[serde(skip)]
    pub(super) keepalives: Given,
    /// What libpq would have warned of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
}

impl Resolved {
    /// The connection to a cluster of our own, through its socket.
    #[must_use]
    pub(crate) fn through_socket(folder: &Path, database: &str, user: &str) -> Self {
        Self {
            endpoints: vec![Endpoint {
                host: folder.to_string_lossy().into_owned(),
                address: None,
                port: 5432,
                password: None,
            }],
            database: database.to_owned(),
            user: user.to_owned(),
            ssl: SslSettings::disabled(),
            options: None,
            connect_timeout: CONNECT_TIMEOUT,
            session: TargetSessionAttrs::Any,
            channel_binding: None,
            negotiation: SslNegotiation::Postgres,
            balance: LoadBalanceHosts::Disable,
            keepalives: Given::new(),
            warnings: Vec::new(),
        }
    }

    /// The same with these options for the server's side of a session.
    #[must_use]
    pub(crate) fn with_options(self, options: String) -> Self {
        Self { options: Some(options), ..self }
    }

    /// The same with these options besides.
    #[must_use]
    pub(crate) fn with_more_options(self, more: &str) -> Self {
        let options =
            self.options.as_deref().map_or_else(|| more.to_owned(), |known| format!("{known} {more}"));
        self.with_options(options)
    }

    /// The same connection, to this one server only: every session of a run must meet the same one.
    #[must_use]
    pub(crate) fn pinned(&self, endpoint: &Endpoint) -> Self {
        Self { endpoints: vec![endpoint.clone()], ..self.clone() }
    }
}

/// Resolves a connection string in its surroundings.
///
/// # Errors
/// When it is malformed, or says something that cannot be honoured.
pub(crate) fn resolve(text: &str, ambient: &Ambient) -> Result<Resolved, ConnectionError> {
    let mut given = conninfo::read(text)?;
    let variable = |name| ambient.variable(name).map(str::to_owned);
    if let Some(name) = given.get("service").cloned().or_else(|| variable("PGSERVICE")) {
        let file = given.get("servicefile").cloned().or_else(|| variable("PGSERVICEFILE"));
        for (keyword, value) in service::look_up(&name, file.as_deref(), ambient)? {
            if !keywords::is_known(&keyword) {
                return Err(ConnectionError::UnknownKeyword(keyword));
            }
            given.entry(keyword).or_insert(value);
        }
    }
    for (keyword, name) in keywords::variables() {
        if let Some(value) = variable(name) {
            given.entry(keyword.to_owned()).or_insert(value);
        }
    }
    // An empty value means "the default" to libpq.
    given.retain(|keyword, value| !value.is_empty() || keyword == "password");
    refuse_what_cannot_be_honoured(&given)?;
    settle(&given, ambient)
}

fn refuse_what_cannot_be_honoured(given: &Given) -> Result<(), ConnectionError> {
    let refuse = |keyword: &'static str, allowed: &[&str], advice: &'static str| match given.get(keyword) {
        Some(value) if !allowed.contains(&value.as_str()) => {
            Err(ConnectionError::Refused { keyword, value: value.clone(), advice })
        }
        _ => Ok(()),
    };
    refuse("gssencmode", &["disable", "prefer"], "there is no GSSAPI encryption in this tool; use TLS")?;
    refuse("replication", &["0", "off", "false", "no"], "a rehearsal needs an ordinary connection")?;
    refuse("requiressl", &["0"], "write sslmode=require")?;
    refuse(
        "requirepeer",
        &[],
        "the peer's user is not checked by this tool; connect over TCP with verify-full",
    )?;
    refuse("require_auth", &[], "the way of authentication cannot be enforced; leave it out")?;
    refuse("sslcertmode", &["allow", "disable"], "leave it out")?;
    refuse("sslcrldir", &[], "name one file with sslcrl")?;
    refuse("ssl_min_protocol_version", &["TLSv1", "TLSv1.1", "TLSv1.2"], "TLS 1.2 and 1.3 are spoken here")?;
    refuse("ssl_max_protocol_version", &["TLSv1.3"], "TLS 1.2 and 1.3 are spoken here")?;
    match given.contains_key("sslpassword") {
        true => Err(ConnectionError::Refused {
            keyword: "sslpassword",
            value: "***".to_owned(),
            advice: "decrypt the key into a file that only you may read",
        }),
        false => Ok(()),
    }
}

fn settle(given: &Given, ambient: &Ambient) -> Result<Resolved, ConnectionError> {
    let text = |keyword: &str| given.get(keyword).map(String::as_str);
    let user = text("user").map(str::to_owned).or_else(|| ambient.user.clone()).ok_or_else(|| {
        ConnectionError::Syntax("no role is named, and this user has no name; write user=…".to_owned())
    })?;
    let database = text("dbname").unwrap_or(&user).to_owned();
    let mut warnings = Vec::new();
    let passfile_path = text("passfile")
        .map(PathBuf::from)
        .or_else(|| ambient.home.as_ref().map(|home| home.join(".pgpass")));
    let passwords =
        passfile_path.map_or(Ok(String::new()), |path| passfile::read(&path)).unwrap_or_else(|warning| {
            warnings.push(warning);
            String::new()
        });
    let mut endpoints = endpoints(given)?;
    for endpoint in &mut endpoints {
        let host = if is_default_socket_folder(&endpoint.host) { "localhost" } else { &endpoint.host };
        let key = Key { host, port: endpoint.port, database: &database, user: &user };
        endpoint.password = match text("password") {
            Some(password) if !password.is_empty() => Some(Secret(password.to_owned())),
            _ => passfile::password(&passwords, key).map(Secret),
        };
    }
    let mode = one_of(given, "sslmode", &SslMode::WORDS)?.unwrap_or(SslMode::Prefer);
    let session = one_of(
        given,
        "target_session_attrs",
        &[
            ("any", TargetSessionAttrs::Any),
            ("read-write", TargetSessionAttrs::ReadWrite),
            ("read-only", TargetSessionAttrs::ReadOnly),
            ("primary", TargetSessionAttrs::ReadWrite),
        ],
    )?;
    let resolved = Resolved {
        ssl: SslSettings::settle(mode, given, ambient)?,
        endpoints,
        database,
        user,
        options: text("options").map(str::to_owned),
        connect_timeout: connect_timeout(given)?,
        session: session.unwrap_or(TargetSessionAttrs::Any),
        channel_binding: one_of(
            given,
            "channel_binding",
            &[
                ("disable", ChannelBinding::Disable),
                ("prefer", ChannelBinding::Prefer),
                ("require", ChannelBinding::Require),
            ],
        )?,
        negotiation: one_of(
            given,
            "sslnegotiation",
            &[("postgres", SslNegotiation::Postgres), ("direct", SslNegotiation::Direct)],
        )?
        .unwrap_or(SslNegotiation::Postgres),
        balance: one_of(
            given,
            "load_balance_hosts",
            &[("disable", LoadBalanceHosts::Disable), ("random", LoadBalanceHosts::Random)],
        )?
        .unwrap_or(LoadBalanceHosts::Disable),
        keepalives: keepalives(given)?,
        warnings,
    };
    if resolved.negotiation == SslNegotiation::Direct && mode < SslMode::Require {
        return Err(ConnectionError::Value {
            keyword: "sslnegotiation",
            value: "direct".to_owned(),
            expected: "needs sslmode=require or stronger",
        });
    }
    Ok(resolved)
}

fn one_of<T: Copy>(
    given: &Given,
    keyword: &'static str,
    words: &[(&'static str, T)],
) -> Result<Option<T>, ConnectionError> {
    let Some(value) = given.get(keyword) else { return Ok(None) };
    let found = words.iter().find(|(word, _)| word == value).map(|(_, meaning)| *meaning);
    found.map(Some).ok_or_else(|| ConnectionError::Refused {
        keyword,
        value: value.clone(),
        advice: match keyword {
            "sslmode" => "use disable, prefer, require, verify-ca or verify-full",
            "target_session_attrs" => "use any, read-write or read-only, and name one host",
            _ => "see the PostgreSQL manual for its values",
        },
    })
}

fn endpoints(given: &Given) -> Result<Vec<Endpoint>, ConnectionError> {
    let list = |keyword: &str| -> Vec<&str> {
        given.get(keyword).map(|value| value.split(',').map(str::trim).collect()).unwrap_or_default()
    };
    let (hosts, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = hosts.len().max(addresses.len()).max(1);
    if (!hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len())
        || (ports.len() > 1 && ports.len() != count)
    {
        return Err(ConnectionError::Syntax(
            "host, hostaddr and port name different numbers of servers".to_owned(),
        ));
    }
    (0..count)
        .map(|index| {
            let port = match ports.get(if ports.len() == 1 { 0 } else { index }) {
                None | Some(&"") => 5432,
                Some(port) => {
                    port.parse().ok().filter(|port| *port > 0).ok_or_else(|| ConnectionError::Value {
                        keyword: "port",
                        value: (*port).to_owned(),
                        expected: "a number from 1 to 65535",
                    })?
                }
            };
            let address = match addresses.get(index) {
                None | Some(&"") => None,
                Some(text) => Some(text.parse().map_err(|_| ConnectionError::Value {
                    keyword: "hostaddr",
                    value: (*text).to_owned(),
                    expected: "an IPv4 or IPv6 address",
                })?),
            };
            let host = match (hosts.get(index), address) {
                (Some(host), _) if !host.is_empty() => (*host).to_owned(),
                (_, Some(address)) => IpAddr::to_string(&address),
                _ => default_socket_folder(port),
            };
            if host.starts_with('@') {
                return Err(ConnectionError::Refused {
                    keyword: "host",
                    value: host,
                    advice: "abstract sockets are not spoken here; name the socket's folder",
                });
            }
            Ok(Endpoint { host, address, port, password: None })
        })
        .collect()
}

const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

/// libpq has one folder compiled in; we take the first of the usual ones in which a server listens.
fn default_socket_folder(port: u16) -> String {
    let listens = |folder: &&&str| Path::new(folder).join(format!(".s.PGSQL.{port}")).exists();
    (*SOCKET_FOLDERS.iter().find(listens).unwrap_or(&SOCKET_FOLDERS[0])).to_owned()
}

fn is_default_socket_folder(host: &str) -> bool {
    SOCKET_FOLDERS.contains(&host)
}

fn connect_timeout(given: &Given) -> Result<Duration, ConnectionError> {
    let Some(value) = given.get("connect_timeout") else { return Ok(CONNECT_TIMEOUT) };
    let wrong = || ConnectionError::Value {
        keyword: "connect_timeout",
        value: value.clone(),
        expected: "a whole number of seconds",
    };
    match value.parse::<i32>().map_err(|_| wrong())? {
        // 0 and less: no limit to libpq; a rehearsal has one.
        ..=0 => Ok(CONNECT_TIMEOUT),
        seconds => Ok(Duration::from_secs(seconds.max(2).unsigned_abs().into())),
    }
}

fn keepalives(given: &Given) -> Result<BTreeMap<String, String>, ConnectionError> {
    let mut kept = BTreeMap::new();
    for keyword in
        ["keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"]
    {
        let Some(value) = given.get(keyword) else { continue };
        if value.parse::<u32>().is_err() {
            let value = value.clone();
            return Err(ConnectionError::Value { keyword, value, expected: "a whole number" });
        }
        kept.insert(keyword.to_owned(), value.clone());
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    use super::*;

    impl Endpoint {
        fn is_socket(&self) -> bool {
            self.host.starts_with('/')
        }
    }

    fn ambient(variables: &[(&str, &str)], home: &Path) -> Ambient {
        Ambient {
            variables: variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            home: Some(home.to_owned()),
            user: Some("ops".to_owned()),
        }
    }

    #[test]
    fn explicit_wins_over_service_over_variable_over_default() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(
            home.path().join(".pg_service.conf"),
            "[s]\nhost=service-host\nport=1\ndbname=service-db\n",
        )
        .unwrap();
        let ambient = ambient(
            &[("PGHOST", "variable-host"), ("PGUSER", "variable-user"), ("PGPORT", "9")],
            home.path(),
        );
        let resolved = resolve("service=s port=2", &ambient).unwrap();
        assert_eq!(resolved.endpoints[0].to_string(), "service-host:2");
        assert_eq!((resolved.user.as_str(), resolved.database.as_str()), ("variable-user", "service-db"));
        let bare = resolve("", &Ambient { user: Some("ops".into()), ..Ambient::default() }).unwrap();
        assert!(bare.endpoints[0].is_socket());
        assert_eq!((bare.user.as_str(), bare.database.as_str()), ("ops", "ops"));
    }

    #[test]
    fn passwords_come_from_the_password_file_and_are_never_shown() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".pgpass");
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(path)
            .unwrap();
        file.write_all(b"db:5432:*:*:hunter2\nlocalhost:*:*:*:socket2\n").unwrap();
        let resolved = resolve("host=db,other", &ambient(&[], home.path())).unwrap();
        assert_eq!(resolved.endpoints[0].password, Some(Secret("hunter2".to_owned())));
        assert_eq!(resolved.endpoints[1].password, None);
        let local = resolve("host=/tmp", &ambient(&[], home.path())).unwrap();
        assert_eq!(local.endpoints[0].password, Some(Secret("socket2".to_owned())));
        assert!(!format!("{resolved:?}").contains("hunter2"));
        assert!(!serde_json::to_string(&resolved).unwrap().contains("hunter2"));
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_by_name() {
        let home = tempfile::tempdir().unwrap();
        for (text, named) in [
            ("sslmode=allow", "sslmode"),
            ("gssencmode=require", "gssencmode"),
            ("target_session_attrs=prefer-standby", "target_session_attrs"),
            ("requirepeer=postgres", "requirepeer"),
            ("sslpassword=hunter2", "sslpassword"),
            ("host=@abstract", "host"),
            ("port=0", "port"),
            ("host=a,b port=1,2,3", "different numbers"),
            ("service=nowhere", "nowhere"),
            ("sslmode=verify-full sslrootcert=/nowhere/ca.pem", "/nowhere/ca.pem"),
        ] {
            let message = resolve(text, &ambient(&[], home.path())).unwrap_err().to_string();
            assert!(message.contains(named) && !message.contains("hunter2"), "{text}: {message}");
        }
    }
}
