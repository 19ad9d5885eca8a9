//! What must be known of a source before a copy of it can be made.

use evidence_report::run::Stop;

use crate::{
    connection::{QueryFailure, Session},
    scratch::Role,
    sql::{identifier, literal},
};

/// A source, described.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    /// Its name.
    pub(crate) name: String,
    /// As `server_version` says it.
    pub(crate) version: String,
    /// The major version.
    pub(crate) major: u32,
    /// The cluster's system identifier, where we may see it.
    pub(crate) system_identifier: Option<String>,
    /// Whether the server is a standby.
    pub(crate) standby: bool,
    /// Whether pages carry checksums.
    pub(crate) checksums: bool,
    /// Its size in bytes.
    pub(crate) bytes: u64,
    /// The cluster's bootstrap superuser.
    pub(crate) superuser: String,
    /// Every role that is not PostgreSQL's own.
    pub(crate) roles: Vec<Role>,
    /// Every extension.
    pub(crate) extensions: Vec<String>,
    encoding: String,
    collate: String,
    ctype: String,
    /// `c`, `i` (ICU) or `b` (builtin).
    provider: String,
    locale: String,
}

/// `to_jsonb` because these columns have other names, or are missing, in other major versions.
const DATABASE: &str = "
SELECT current_database(), current_setting('server_version'), current_setting('server_version_num'),
       pg_is_in_recovery(), current_setting('data_checksums'), pg_database_size(d.oid),
       pg_encoding_to_char(d.encoding), d.datcollate, d.datctype,
       coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'),
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', ''),
       (SELECT rolname FROM pg_roles WHERE oid = 10)
FROM pg_database d WHERE d.datname = current_database()";

/// Reads the facts.
///
/// # Errors
/// When the server refuses, or the run is asked to stop.
pub(crate) async fn facts(session: &Session, stop: &Stop) -> Result<Database, QueryFailure> {
    let row: Vec<String> =
        session.one(stop, DATABASE).await?.into_iter().map(Option::unwrap_or_default).collect();
    let unreadable = || QueryFailure::Lost("an unreadable answer about the database".to_owned());
    let [
        name,
        version,
        number,
        standby,
        checksums,
        bytes,
        encoding,
        collate,
        ctype,
        provider,
        locale,
        superuser,
    ] = <[String; 12]>::try_from(row).map_err(|_| unreadable())?;
    let roles = session
        .query(stop, "SELECT rolname, rolsuper FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY oid")
        .await?;
    let extensions = session.query(stop, "SELECT extname FROM pg_extension ORDER BY 1").await?;
    Ok(Database {
        major: number.parse::<u32>().map_err(|_| unreadable())? / 10_000,
        bytes: bytes.parse().map_err(|_| unreadable())?,
        standby: standby == "t",
        checksums: checksums == "on",
        roles: roles
            .into_iter()
            .filter_map(|row| match <[Option<String>; 2]>::try_from(row) {
                Ok([Some(name), superuser]) => {
                    Some(Role { name, superuser: superuser.as_deref() == Some("t") })
                }
                _ => None,
            })
            .collect(),
        extensions: extensions.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect(),
        system_identifier: system_identifier(session, stop).await?,
        superuser: if superuser.is_empty() { "postgres".to_owned() } else { superuser },
        name,
        version,
        encoding,
        collate,
        ctype,
        provider,
        locale,
    })
}

/// Some services take this function away from ordinary roles.
async fn system_identifier(session: &Session, stop: &Stop) -> Result<Option<String>, QueryFailure> {
    // Asked first: a refusal would end the transaction.
    let may = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')";
    if session.value(stop, may).await? != "t" {
        return Ok(None);
    }
    session.value(stop, "SELECT system_identifier::text FROM pg_control_system()").await.map(Some)
}

impl Database {
    /// The statement that makes an empty database like it.
    pub(crate) fn create_statement(&self) -> String {
        let provider = match self.provider.as_str() {
            "i" => format!(" LOCALE_PROVIDER icu ICU_LOCALE {}", literal(&self.locale)),
            "b" => format!(" LOCALE_PROVIDER builtin BUILTIN_LOCALE {}", literal(&self.locale)),
            _ => String::new(),
        };
        format!(
            "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}{provider}",
            identifier(&self.name),
            literal(&self.encoding),
            literal(&self.collate),
            literal(&self.ctype)
        )
    }
}
