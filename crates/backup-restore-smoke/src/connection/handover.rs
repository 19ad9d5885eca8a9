//! Hands the connection over to the `pg_*` children: a private service file and a private password file in
//! the run's folder. On their command lines stand only the service's name and the database.

use std::{
    fmt::Write as _,
    io::Write as _,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use evidence_report::run::child::ChildCommand;
use tokio_postgres::config::{ChannelBinding, SslNegotiation};

use super::{
    passfile,
    resolved::{Endpoint, Resolved},
};

/// The name of the service in the private file.
const SERVICE: &str = "source";

/// The files of one connection.
#[derive(Debug)]
pub(crate) struct Handover {
    service_file: PathBuf,
    password_file: PathBuf,
    conninfo: String,
    database: String,
}

impl Handover {
    /// Writes the files (0600) into `folder`.
    ///
    /// # Errors
    /// When they cannot be written, or a value cannot stand in a service file.
    pub(crate) fn write(
        folder: &Path,
        resolved: &Resolved,
        endpoint: &Endpoint,
        application_name: &str,
    ) -> std::io::Result<Self> {
        let handover = Self {
            service_file: folder.join("pg_service.conf"),
            password_file: folder.join("pgpass"),
            conninfo: format!("service={SERVICE} dbname={}", quoted(&resolved.database)),
            database: resolved.database.clone(),
        };
        let password = endpoint.password.as_ref().map(|secret| passfile::line_for_all(&secret.0));
        write_private(&handover.password_file, &password.unwrap_or_default())?;
        write_private(&handover.service_file, &service_text(resolved, endpoint, application_name)?)?;
        Ok(handover)
    }

    /// Gives a command of the user's the connection by variables alone: its arguments are its own.
    #[must_use]
    pub(crate) fn surround(&self, command: ChildCommand) -> ChildCommand {
        without_ambient(command)
            .env("PGSERVICEFILE", &self.service_file)
            .env("PGPASSFILE", &self.password_file)
            .env("PGSERVICE", SERVICE)
            .env("PGDATABASE", &self.database)
    }

    /// Points a child to the files, and takes every other PG* variable away from it.
    #[must_use]
    pub(crate) fn give(&self, command: ChildCommand) -> ChildCommand {
        self.lend(command).args(["--no-password", "--dbname"]).arg(&self.conninfo)
    }

    /// The same without an argument, for a child that takes [`Self::conninfo`] by another flag.
    #[must_use]
    pub(crate) fn lend(&self, command: ChildCommand) -> ChildCommand {
        without_ambient(command)
            .env("PGSERVICEFILE", &self.service_file)
            .env("PGPASSFILE", &self.password_file)
    }

    /// Names the service and the database, and nothing secret.
    #[must_use]
    pub(crate) fn conninfo(&self) -> &str {
        &self.conninfo
    }
}

/// Takes the PG* variables away from a child, and gives it the C locale: its messages are read.
#[must_use]
pub(crate) fn without_ambient(command: ChildCommand) -> ChildCommand {
    let ambient = std::env::vars_os().map(|(name, _)| name);
    ambient
        .filter(|name| name.to_string_lossy().starts_with("PG"))
        .fold(command, |command, name| command.env_remove(name))
        .env("LC_ALL", "C")
}

/// A value of a keyword string.
pub(crate) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn service_text(resolved: &Resolved, endpoint: &Endpoint, application_name: &str) -> std::io::Result<String> {
    let mut text = format!("[{SERVICE}]\n");
    let mut put = |keyword: &str, value: &str| {
        // A service file knows no quoting, ends lines at blanks, and takes 1,023 bytes a line.
        if value.contains(['\n', '\r']) || value.trim() != value || value.len() > 900 {
            let message = format!("the connection's {keyword} cannot stand in a service file for pg_dump");
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, message));
        }
        let _ = writeln!(text, "{keyword}={value}");
        Ok(())
    };
    put("host", &endpoint.host)?;
    if let Some(address) = endpoint.address {
        put("hostaddr", &address.to_string())?;
    }
    put("port", &endpoint.port.to_string())?;
    put("user", &resolved.user)?;
    put("application_name", application_name)?;
    put("connect_timeout", &resolved.connect_timeout.as_secs().to_string())?;
    for (keyword, value) in resolved.ssl.for_libpq() {
        put(keyword, &value)?;
    }
    if let Some(options) = &resolved.options {
        put("options", options)?;
    }
    match resolved.channel_binding {
        Some(ChannelBinding::Require) => put("channel_binding", "require")?,
        Some(ChannelBinding::Disable) => put("channel_binding", "disable")?,
        _ => {}
    }
    if resolved.negotiation == SslNegotiation::Direct {
        put("sslnegotiation", "direct")?;
    }
    for (keyword, value) in &resolved.keepalives {
        put(keyword, value)?;
    }
    Ok(text)
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::connection::{Ambient, resolve};

    #[test]
    fn the_files_are_private_and_the_password_stands_in_neither_service_nor_argument() {
        let folder = tempfile::tempdir().unwrap();
        let ambient = Ambient { user: Some("ops".into()), ..Ambient::default() };
        let resolved =
            resolve("host=db port=5433 password='hun:ter2' dbname='we\\'ird name'", &ambient).unwrap();
        let handover = Handover::write(folder.path(), &resolved, &resolved.endpoints[0], "run-1").unwrap();
        let service = std::fs::read_to_string(&handover.service_file).unwrap();
        assert!(service.contains("host=db\nport=5433\nuser=ops\napplication_name=run-1\n"), "{service}");
        assert!(!service.contains("ter2") && !handover.conninfo.contains("ter2"));
        assert_eq!(std::fs::read_to_string(&handover.password_file).unwrap(), "*:*:*:*:hun\\:ter2\n");
        for path in [&handover.service_file, &handover.password_file] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(handover.conninfo, "service=source dbname='we\\'ird name'");
    }
}
