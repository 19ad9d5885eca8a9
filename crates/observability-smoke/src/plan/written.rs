//! Where in the configuration file something stands that cannot be planned: the entry of a list.

use std::path::{Path, PathBuf};

use evidence_report::run::Usage;
use serde::{Deserialize, de::IgnoredAny};
use serde_saphyr::Spanned;

use crate::error::Error;

/// The configuration file.
#[derive(Debug)]
pub(super) struct Written {
    path: PathBuf,
    lists: Lists,
}

type List = Vec<Spanned<IgnoredAny>>;

/// The lists of things to check, and where their entries begin.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Lists {
    http: List,
    flows: List,
    tcp: List,
    websocket: List,
    metrics: List,
    prometheus: List,
    alertmanager: List,
}

impl Written {
    /// The file that was read as the configuration. One that is gone meanwhile has no lines.
    pub(super) fn at(path: &Path) -> Self {
        let lists = std::fs::read_to_string(path).ok().and_then(|text| serde_saphyr::from_str(&text).ok());
        Self { path: path.to_owned(), lists: lists.unwrap_or_default() }
    }

    /// Line and column.
    fn place(&self, list: &str, index: usize) -> Option<(u64, u64)> {
        let Lists { http, flows, tcp, websocket, metrics, prometheus, alertmanager } = &self.lists;
        let entries = match list {
            "http" => http,
            "flows" => flows,
            "tcp" => tcp,
            "websocket" => websocket,
            "metrics" => metrics,
            "prometheus" => prometheus,
            _ => alertmanager,
        };
        entries.get(index).map(|entry| (entry.referenced.line(), entry.referenced.column()))
    }

    /// The same error with the place of the entry.
    pub(super) fn placed(&self, list: &str, index: usize, error: Error) -> Error {
        match self.place(list, index) {
            Some((line, column)) => {
                Error::Configured { path: self.path.clone(), line, column, source: Box::new(error) }
            }
            None => error,
        }
    }

    /// Resolves every entry of a list. Their names tell the findings apart: none may stand twice.
    pub(super) fn each<C, P>(
        &self,
        list: &str,
        entries: Vec<C>,
        name: impl Fn(&C) -> &String,
        resolve: impl Fn(C) -> Result<P, Error>,
    ) -> Result<Vec<P>, Error> {
        if let Err((index, wrong)) = named_apart(entries.iter().map(name)) {
            return Err(self.placed(list, index, Usage(format!("under {list} {wrong}")).into()));
        }
        let resolved = entries.into_iter().map(resolve).enumerate();
        resolved.map(|(index, made)| made.map_err(|error| self.placed(list, index, error))).collect()
    }
}

/// Which name is empty or stands twice, and a sentence about it.
pub(super) fn named_apart<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), (usize, String)> {
    let mut seen = std::collections::BTreeSet::new();
    for (index, name) in names.enumerate() {
        if name.trim().is_empty() {
            return Err((index, "a name is empty".to_owned()));
        }
        if !seen.insert(name) {
            return Err((index, format!("the name '{name}' stands twice")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_cannot_be_planned_is_named_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("smoke.yaml");
        std::fs::write(
            &path,
            "timeout: 5s\nhttp:\n  - name: a\n    url: http://a/\n  - {name: b}\ntcp: []\n",
        )
        .unwrap();
        let written = Written::at(&path);
        let wrong = |names: [&str; 2]| {
            let names = names.map(str::to_owned).to_vec();
            let made = written.each(
                "http",
                names,
                |name| name,
                |name| match name.as_str() {
                    "bad" => Err(Usage("bad is wrong".to_owned()).into()),
                    _ => Ok(name),
                },
            );
            made.map_err(|error| error.to_string().replace(path.to_str().unwrap(), "F"))
        };
        assert_eq!(wrong(["a", "b"]).unwrap(), ["a", "b"]);
        assert_eq!(
            wrong(["a", "a"]).unwrap_err(),
            "under http the name 'a' stands twice (F, line 5, column 5)"
        );
        assert_eq!(wrong(["", "a"]).unwrap_err(), "under http a name is empty (F, line 3, column 5)");
        assert_eq!(wrong(["a", "bad"]).unwrap_err(), "bad is wrong (F, line 5, column 5)");
    }
}
