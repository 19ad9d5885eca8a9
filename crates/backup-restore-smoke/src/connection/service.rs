//! Service files: named sets of keywords, as in the PostgreSQL manual, "The Connection Service File".

use std::{collections::BTreeMap, path::PathBuf};

use super::{ambient::Ambient, error::ConnectionError};

/// Looks a service up where libpq looks: `PGSERVICEFILE` or `~/.pg_service.conf`, then `pg_service.conf` in
/// `PGSYSCONFDIR` or `/etc/postgresql-common`.
///
/// # Errors
/// When it is nowhere, or its file says something that libpq would refuse.
pub(super) fn look_up(
    name: &str,
    file: Option<&str>,
    ambient: &Ambient,
) -> Result<BTreeMap<String, String>, ConnectionError> {
    let user_file = file.map(PathBuf::from).or_else(|| Some(ambient.home.as_ref()?.join(".pg_service.conf")));
    let system_folder = ambient.variable("PGSYSCONFDIR").unwrap_or("/etc/postgresql-common");
    let system_file = PathBuf::from(system_folder).join("pg_service.conf");
    let mut searched = Vec::new();
    for path in user_file.into_iter().chain([system_file]) {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(ConnectionError::File {
                    what: "the service file",
                    path,
                    reason: error.to_string(),
                });
            }
        };
        let found = section(&text, name).map_err(|(line, reason)| ConnectionError::File {
            what: "the service file",
            path: path.clone(),
            reason: format!("line {line}: {reason}"),
        })?;
        match found {
            Some(found) => return Ok(found),
            None => searched.push(path),
        }
    }
    Err(ConnectionError::NoService { name: name.to_owned(), searched })
}

/// The section `[name]`; a line that libpq would refuse is an error with its number.
fn section(text: &str, name: &str) -> Result<Option<BTreeMap<String, String>>, (usize, &'static str)> {
    let mut found: Option<BTreeMap<String, String>> = None;
    let mut inside = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            inside = header.strip_suffix(']') == Some(name);
            if inside {
                found = Some(BTreeMap::new());
            }
            continue;
        }
        if !inside {
            continue;
        }
        let (keyword, value) = line.split_once('=').ok_or((index + 1, "there is no '='"))?;
        if keyword == "service" {
            return Err((index + 1, "a service cannot refer to another service"));
        }
        if let Some(found) = &mut found {
            found.entry(keyword.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "# services\n[staging]\nhost=db.staging\nport=5433\n\n[other]\nhost=elsewhere\n[broken]\nhost\n";

    #[test]
    fn a_section_ends_where_the_next_begins() {
        let staging = section(FILE, "staging").unwrap().unwrap();
        assert_eq!(staging.into_iter().collect::<Vec<_>>().len(), 2);
        assert_eq!(section(FILE, "nowhere").unwrap(), None);
    }

    #[test]
    fn a_broken_line_is_named() {
        assert_eq!(section(FILE, "broken"), Err((9, "there is no '='")));
    }
}
