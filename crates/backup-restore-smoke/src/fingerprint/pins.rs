//! The settings that a row's text depends on, and those that keep a server safe from us: pinned in every
//! session, so that the same rows give the same text on both sides.

use std::time::Duration;

use evidence_report::run::Stop;

use crate::{
    connection::{QueryFailure, Session},
    sql::literal,
};

/// How long we wait for a lock before we give up.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

const PINNED: [(&str, &str); 16] = [
    ("standard_conforming_strings", "on"),
    ("client_encoding", "UTF8"),
    ("TimeZone", "UTC"),
    ("DateStyle", "ISO, YMD"),
    ("IntervalStyle", "postgres"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("lc_monetary", "C"),
    ("xmlbinary", "base64"),
    // Names inside values (regclass and its like) are then always written in full.
    ("search_path", "pg_catalog"),
    ("quote_all_identifiers", "off"),
    // A table that hides rows from us is an error, not a smaller table.
    ("row_security", "off"),
    ("jit", "off"),
    ("tcp_keepalives_idle", "30"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "3"),
];

/// Pins the session's settings. `at_most` bounds every statement and every idle transaction: a hung client
/// must not hold a snapshot for ever.
///
/// # Errors
/// When the server refuses, or the run is asked to stop.
pub(crate) async fn pin(session: &Session, stop: &Stop, at_most: Duration) -> Result<(), QueryFailure> {
    let limit = at_most.as_millis().clamp(1000, 2_000_000_000).to_string();
    let lock = LOCK_TIMEOUT.as_millis().to_string();
    let bounds = [
        ("statement_timeout", limit.as_str()),
        ("lock_timeout", &lock),
        ("idle_in_transaction_session_timeout", &limit),
        ("idle_session_timeout", &limit),
        ("transaction_timeout", &limit),
    ];
    let values: Vec<_> = PINNED
        .iter()
        .chain(&bounds)
        .map(|(name, value)| format!("({}, {})", literal(name), literal(value)))
        .collect();
    // Joined to what this server's version knows: 15 has no transaction_timeout.
    let statement = format!(
        "SELECT pg_catalog.set_config(known.name, wanted.value, false) \
         FROM (VALUES {}) AS wanted(name, value) JOIN pg_catalog.pg_settings AS known USING (name)",
        values.join(", ")
    );
    session.query(stop, &statement).await.map(drop)
}
