//! What surrounds a connection string: the PG* variables, the home folder, the user's name. Read once.

use std::{collections::BTreeMap, path::PathBuf};

/// The surroundings. Tests make their own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ambient {
    /// Variables whose names begin with `PG`.
    pub(crate) variables: BTreeMap<String, String>,
    /// The home folder.
    pub(crate) home: Option<PathBuf>,
    /// The operating system's name of the user.
    pub(crate) user: Option<String>,
}

impl Ambient {
    /// Reads the surroundings of this process.
    #[must_use]
    pub(crate) fn of_this_process() -> Self {
        Self {
            variables: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .filter(|(name, _)| name.starts_with("PG"))
                .collect(),
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            user: user_name(),
        }
    }

    /// A variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// The name that the password database gives to our user id, as libpq takes it.
fn user_name() -> Option<String> {
    let uid = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        (id == uid).then(|| name.to_owned())
    });
    named.or_else(|| std::env::var("USER").ok())
}
