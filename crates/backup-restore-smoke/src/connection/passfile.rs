//! Password files, as in the PostgreSQL manual, "The Password File".

use std::{os::unix::fs::MetadataExt, path::Path};

/// What a password is looked up for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    /// `host`, `hostaddr` or, for the default socket folder, `localhost`.
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// Reads a password file that only its owner may read. A missing one is empty.
///
/// # Errors
/// In words, why it is left alone (as libpq leaves it alone, with a warning).
pub(super) fn read(path: &Path) -> Result<String, String> {
    let meta = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(format!("the password file {}: {error}", path.display())),
        Ok(meta) => meta,
    };
    if !meta.is_file() {
        return Err(format!("the password file {} is no plain file; it is not used", path.display()));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(format!(
            "the password file {} may be read by others (mode {:04o}), so it is not used, as libpq does not; chmod 600 it",
            path.display(),
            meta.mode() & 0o7777
        ));
    }
    std::fs::read_to_string(path).map_err(|error| format!("the password file {}: {error}", path.display()))
}

/// The password of the first line that fits.
pub(super) fn password(text: &str, key: Key<'_>) -> Option<String> {
    let port = key.port.to_string();
    let wanted = [key.host, &port, key.database, key.user];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut rest = line;
        for field in wanted {
            let (read, after) = next_field(rest)?;
            if !matches!(&read, Field::Any) && read != Field::Text(field.to_owned()) {
                return None;
            }
            rest = after;
        }
        Some(unescaped(rest))
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Field {
    Any,
    Text(String),
}

/// Reads up to the next `:` that no backslash stands before.
fn next_field(text: &str) -> Option<(Field, &str)> {
    let mut escaped = false;
    let end = text.find(|character| {
        let is_end = character == ':' && !escaped;
        escaped = character == '\\' && !escaped;
        is_end
    })?;
    let field = &text[..end];
    let field = if field == "*" { Field::Any } else { Field::Text(unescaped(field)) };
    Some((field, &text[end + 1..]))
}

fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.push(if character == '\\' { characters.next().unwrap_or('\\') } else { character });
    }
    plain
}

/// A line that holds this password for every connection.
pub(super) fn line_for_all(password: &str) -> String {
    format!("*:*:*:*:{}\n", password.replace('\\', "\\\\").replace(':', "\\:"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const KEY: Key<'_> = Key { host: "db", port: 5432, database: "shop", user: "app" };

    #[test]
    fn the_first_line_that_fits_counts() {
        let text = "# nothing\nother:5432:shop:app:no\ndb:*:*:app:fi\\:r\\\\st\n*:*:*:*:second\n";
        assert_eq!(password(text, KEY).as_deref(), Some("fi:r\\st"));
        assert_eq!(password("db:5433:shop:app:x", KEY), None);
        assert_eq!(password("db:5432:shop", KEY), None);
        assert_eq!(
            password(r"d\:b:1:x:y:secret", Key { host: "d:b", port: 1, database: "x", user: "y" }).as_deref(),
            Some("secret")
        );
    }

    #[test]
    fn a_written_line_is_read_back() {
        for secret in ["plain", "a:b\\c", " blanks ", "ünï"] {
            assert_eq!(password(&line_for_all(secret), KEY).as_deref(), Some(secret));
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        assert_eq!(read(&path), Ok(String::new()));
        std::fs::write(&path, "*:*:*:*:secret\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let message = read(&path).unwrap_err();
        assert!(message.contains("chmod 600") && !message.contains("secret"), "{message}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(read(&path).unwrap().contains("secret"));
    }
}
