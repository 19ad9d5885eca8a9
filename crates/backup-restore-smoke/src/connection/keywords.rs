//! The keywords of a connection, as libpq knows them, and the variables that stand in for them.

/// Keyword and variable of everything that is honoured.
const HONOURED: [(&str, &str); 28] = [
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("port", "PGPORT"),
    ("dbname", "PGDATABASE"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("passfile", "PGPASSFILE"),
    ("service", "PGSERVICE"),
    ("servicefile", "PGSERVICEFILE"),
    ("options", "PGOPTIONS"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("sslcrl", "PGSSLCRL"),
    ("sslcrldir", "PGSSLCRLDIR"),
    ("sslsni", "PGSSLSNI"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    ("gssencmode", "PGGSSENCMODE"),
    ("requirepeer", "PGREQUIREPEER"),
    ("require_auth", "PGREQUIREAUTH"),
    ("sslcertmode", "PGSSLCERTMODE"),
];

/// Honoured, and without a variable.
const WITHOUT_VARIABLE: [&str; 8] = [
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "sslpassword",
    "replication",
    "requiressl",
];

/// Without any effect on what we do: our sessions have their own name and encoding, and compression is off.
const WITHOUT_EFFECT: [&str; 6] = [
    "application_name",
    "fallback_application_name",
    "client_encoding",
    "sslcompression",
    "krbsrvname",
    "gsslib",
];

/// Keywords with their variables.
pub(super) fn variables() -> impl Iterator<Item = (&'static str, &'static str)> {
    HONOURED.into_iter()
}

/// Whether libpq knows the keyword.
pub(super) fn is_known(keyword: &str) -> bool {
    HONOURED.iter().any(|(known, _)| *known == keyword)
        || WITHOUT_VARIABLE.contains(&keyword)
        || WITHOUT_EFFECT.contains(&keyword)
        || keyword == "gssdelegation"
}
