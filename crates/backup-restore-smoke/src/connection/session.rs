//! One session with a server: text queries that a stop cancels *at the server* before they are given up.

use std::time::Duration;

use evidence_report::run::Stop;
use futures_util::TryStreamExt;
use tokio_postgres::{CancelToken, Client, SimpleQueryMessage, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    bounded::Bound,
    error::ConnectionError,
    resolved::{Endpoint, Resolved},
};
use crate::sql::{message_template, refusal_template};

/// How long a cancelled query is waited for.
const CANCEL_PATIENCE: Duration = Duration::from_secs(2);

/// A row of a text query; `None` is NULL.
pub(crate) type Row = Vec<Option<String>>;

/// A query that brought no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum QueryFailure {
    /// The run was asked to stop; the query was cancelled at the server.
    Stopped,
    /// The server refused: SQLSTATE, and its message without values.
    Refused {
        /// Five characters (the PostgreSQL manual, appendix A).
        code: String,
        /// The message's template.
        message: String,
    },
    /// The connection broke.
    Lost(String),
}

impl QueryFailure {
    /// Whether the server refused with this SQLSTATE.
    pub(crate) fn is(&self, wanted: &str) -> bool {
        matches!(self, Self::Refused { code, .. } if code == wanted)
    }

    /// Whether the server's disk is full.
    pub(crate) fn is_lack_of_space(&self) -> bool {
        self.is("53100")
    }
}

impl std::fmt::Display for QueryFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stopped => f.write_str("the run was asked to stop"),
            Self::Refused { code, message } => write!(f, "{message} (SQLSTATE {code})"),
            Self::Lost(reason) => write!(f, "the connection was lost: {reason}"),
        }
    }
}

/// No session came about.
#[derive(Debug)]
pub(crate) enum ConnectFailure {
    /// The run was asked to stop.
    Stopped,
    /// The settings cannot be used.
    Settings(ConnectionError),
    /// No server took us: what each that was tried said.
    Refused(Vec<String>),
}

impl std::fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stopped => f.write_str("the run was asked to stop"),
            Self::Settings(error) => error.fmt(f),
            Self::Refused(attempts) => f.write_str(&attempts.join("; ")),
        }
    }
}

/// A session. Dropping it says goodbye to the server and closes the connection.
pub(crate) struct Session {
    client: Client,
    cancel: CancelToken,
    tls: MakeRustlsConnect,
    /// The server that answered.
    pub(crate) endpoint: Endpoint,
    bound: Option<Bound>,
}

/// Connects to the first server that takes us.
///
/// # Errors
/// What each server said.
pub(crate) async fn connect(
    resolved: &Resolved,
    application_name: &str,
    stop: &Stop,
) -> Result<Session, ConnectFailure> {
    let tls = resolved.ssl.connector().map_err(ConnectFailure::Settings)?;
    let mut attempts = Vec::new();
    for endpoint in &resolved.endpoints {
        let config = client_config(resolved, endpoint, application_name);
        let limited = tokio::time::timeout(resolved.connect_timeout, config.connect(tls.clone()));
        let answer = stop.guard(limited).await.map_err(|_| ConnectFailure::Stopped)?;
        match answer {
            Ok(Ok((client, connection))) => {
                // It ends when the client is dropped, after a word to the server. How a connection breaks is
                // told by the query that meets the break.
                tokio::spawn(async move {
                    let _ = connection.await;
                });
                return Ok(Session::of(client, tls, endpoint.clone(), None));
            }
            Ok(Err(error)) => {
                attempts.push(format!("{endpoint}: {}", describe(&error)));
            }
            Err(_) => {
                let seconds = resolved.connect_timeout.as_secs();
                attempts.push(format!("{endpoint}: no answer within {seconds} s"));
            }
        }
    }
    Err(ConnectFailure::Refused(attempts))
}

pub(super) fn client_config(
    resolved: &Resolved,
    endpoint: &Endpoint,
    application_name: &str,
) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    config
        .host(&endpoint.host)
        .port(endpoint.port)
        .user(&resolved.user)
        .dbname(&resolved.database)
        .application_name(application_name)
        .ssl_mode(resolved.ssl.as_client_mode())
        .ssl_negotiation(resolved.negotiation)
        .target_session_attrs(resolved.session)
        .load_balance_hosts(resolved.balance)
        .connect_timeout(resolved.connect_timeout);
    if let Some(address) = endpoint.address {
        config.hostaddr(address);
    }
    if let Some(secret) = &endpoint.password {
        config.password(&secret.0);
    }
    if let Some(options) = &resolved.options {
        config.options(options);
    }
    if let Some(binding) = resolved.channel_binding {
        config.channel_binding(binding);
    }
    let number = |keyword: &str| resolved.keepalives.get(keyword).and_then(|value| value.parse::<u32>().ok());
    if let Some(value) = number("keepalives") {
        config.keepalives(value != 0);
    }
    if let Some(seconds) = number("keepalives_idle") {
        config.keepalives_idle(Duration::from_secs(seconds.into()));
    }
    if let Some(seconds) = number("keepalives_interval") {
        config.keepalives_interval(Duration::from_secs(seconds.into()));
    }
    if let Some(count) = number("keepalives_count") {
        config.keepalives_retries(count);
    }
    if let Some(milliseconds) = number("tcp_user_timeout") {
        config.tcp_user_timeout(Duration::from_millis(milliseconds.into()));
    }
    config
}

fn template_of(server: &tokio_postgres::error::DbError) -> String {
    refusal_template(server.code().code(), server.message(), server.where_().unwrap_or_default())
}

/// What happened, without row values.
pub(super) fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(server) = error.as_db_error() {
        // Only the detail tells a database that is not there from one whose folder was lost.
        let is_database = *server.code() == SqlState::INVALID_CATALOG_NAME;
        let detail = server.detail().filter(|_| is_database).map(message_template);
        let detail = detail.map_or_else(String::new, |detail| format!(": {detail}"));
        return format!("{}{detail} (SQLSTATE {})", template_of(server), server.code().code());
    }
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    text
}

impl Session {
    pub(super) fn of(
        client: Client,
        tls: MakeRustlsConnect,
        endpoint: Endpoint,
        bound: Option<Bound>,
    ) -> Self {
        let cancel = client.cancel_token();
        Self { client, cancel, tls, endpoint, bound }
    }

    /// Whether an answer was larger than this session may take ([`super::connect_bounded`]): it is over then.
    pub(crate) fn was_answered_too_much(&self) -> bool {
        self.bound.as_ref().is_some_and(Bound::is_exceeded)
    }

    /// Runs one or several statements and gives all their rows as text.
    ///
    /// # Errors
    /// When the server refuses, the connection breaks, or the run is asked to stop: then the query has been
    /// cancelled at the server.
    pub(crate) async fn query(&self, stop: &Stop, statements: &str) -> Result<Vec<Row>, QueryFailure> {
        let answer = self.client.simple_query(statements);
        tokio::pin!(answer);
        let messages = tokio::select! {
            biased;
            () = stop.requested() => {
                self.cancel().await;
                let _ = tokio::time::timeout(CANCEL_PATIENCE, answer).await;
                return Err(QueryFailure::Stopped);
            }
            messages = &mut answer => messages.map_err(|error| failure(&error))?,
        };
        Ok(messages.into_iter().filter_map(row).collect())
    }

    /// Runs one statement and hands on its rows one by one, so that no answer has to fit into memory.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub(crate) async fn each(
        &self,
        stop: &Stop,
        statement: &str,
        mut take: impl FnMut(Row),
    ) -> Result<(), QueryFailure> {
        let answer = async {
            let mut messages = std::pin::pin!(self.client.simple_query_raw(statement).await?);
            while let Some(message) = messages.try_next().await? {
                row(message).into_iter().for_each(&mut take);
            }
            Ok(())
        };
        let mut answer = std::pin::pin!(answer);
        tokio::select! {
            biased;
            () = stop.requested() => {
                self.cancel().await;
                let _ = tokio::time::timeout(CANCEL_PATIENCE, answer).await;
                Err(QueryFailure::Stopped)
            }
            answered = &mut answer => answered.map_err(|error| failure(&error)),
        }
    }

    /// The one row of a query that always has one.
    ///
    /// # Errors
    /// As [`Self::query`]; no row at all is an answer that was lost.
    pub(crate) async fn one(&self, stop: &Stop, statement: &str) -> Result<Row, QueryFailure> {
        let rows = self.query(stop, statement).await?;
        rows.into_iter().next().ok_or_else(|| QueryFailure::Lost("an answer without a row".to_owned()))
    }

    /// The one value of a query that always has one; NULL is empty.
    ///
    /// # Errors
    /// As [`Self::one`].
    pub(crate) async fn value(&self, stop: &Stop, statement: &str) -> Result<String, QueryFailure> {
        let row = self.one(stop, statement).await?;
        Ok(row.into_iter().next().flatten().unwrap_or_default())
    }

    /// Runs one statement and gives the number that its command tag ends with (`MOVE 37`).
    ///
    /// # Errors
    /// As [`Self::query`].
    pub(crate) async fn count(&self, stop: &Stop, statement: &str) -> Result<u64, QueryFailure> {
        let answer = self.client.simple_query(statement);
        tokio::pin!(answer);
        let messages = tokio::select! {
            biased;
            () = stop.requested() => {
                self.cancel().await;
                let _ = tokio::time::timeout(CANCEL_PATIENCE, answer).await;
                return Err(QueryFailure::Stopped);
            }
            messages = &mut answer => messages.map_err(|error| failure(&error))?,
        };
        let complete = messages.into_iter().rev().find_map(|message| match message {
            SimpleQueryMessage::CommandComplete(count) => Some(count),
            _ => None,
        });
        complete.ok_or_else(|| QueryFailure::Lost("an answer without its end".to_owned()))
    }

    /// Lets the server parse one statement, without running it, and gives the number of its columns. More than
    /// one statement is refused.
    ///
    /// # Errors
    /// As [`Self::query`], with the character (from 1) at which the server met the error, where it says so.
    pub(crate) async fn parse(
        &self,
        stop: &Stop,
        statement: &str,
    ) -> Result<usize, (QueryFailure, Option<usize>)> {
        match stop.guard(self.client.prepare(statement)).await {
            Err(_) => Err((QueryFailure::Stopped, None)),
            Ok(Ok(prepared)) => Ok(prepared.columns().len()),
            Ok(Err(error)) => {
                let position = match error.as_db_error().and_then(tokio_postgres::error::DbError::position) {
                    Some(tokio_postgres::error::ErrorPosition::Original(at)) => usize::try_from(*at).ok(),
                    _ => None,
                };
                Err((failure(&error), position))
            }
        }
    }

    /// Asks the server to cancel what this session is doing.
    async fn cancel(&self) {
        let asked = async {
            match &self.bound {
                Some(bound) => bound.cancel(&self.cancel).await,
                None => drop(self.cancel.cancel_query(self.tls.clone()).await),
            }
        };
        let _ = tokio::time::timeout(CANCEL_PATIENCE, asked).await;
    }
}

fn failure(error: &tokio_postgres::Error) -> QueryFailure {
    match error.as_db_error() {
        Some(server) => {
            QueryFailure::Refused { code: server.code().code().to_owned(), message: template_of(server) }
        }
        None => QueryFailure::Lost(describe(error)),
    }
}

fn row(message: SimpleQueryMessage) -> Option<Row> {
    match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect())
        }
        _ => None,
    }
}
