//! Lists of records with required fields: the tables of a markdown page, or a list of a YAML, JSON or TOML
//! file. One strict reader for every rule that reads a log, a roster, a calendar.

use std::collections::BTreeMap;

use super::{Form, Observed, Trouble, Value, is_blank, normalised, unreadable};
use crate::{command::artefact_rules::checks::FIELDS, record::Finding};

/// Which records a rule wants.
#[derive(Debug, Clone, Copy)]
pub(in crate::command::artefact_rules) struct Wanted {
    /// The key of the list in YAML, JSON and TOML.
    pub(in crate::command::artefact_rules) key: &'static str,
    /// The columns by which a table is known; each record must hold them, though they may be blank.
    pub(in crate::command::artefact_rules) columns: &'static [&'static str],
}

/// A row of a table, or an entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::command::artefact_rules) struct Record {
    pub(in crate::command::artefact_rules) path: String,
    pub(in crate::command::artefact_rules) line: u32,
    cells: BTreeMap<String, Cell>,
}

/// A value of a record. One that says nothing ("–", "TBD") is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::command::artefact_rules) struct Cell {
    pub(in crate::command::artefact_rules) text: String,
    pub(in crate::command::artefact_rules) links: Vec<String>,
    pub(in crate::command::artefact_rules) line: u32,
}

impl Record {
    /// What stands in a column; an absent one is empty.
    pub(in crate::command::artefact_rules) fn cell(&self, column: &str) -> Cell {
        let absent = || Cell { line: self.line, ..Cell::default() };
        self.cells.get(&normalised(column)).cloned().unwrap_or_else(absent)
    }

    /// The text of a column.
    pub(in crate::command::artefact_rules) fn text(&self, column: &str) -> String {
        self.cell(column).text
    }

    /// A finding for each of these columns that says nothing.
    pub(in crate::command::artefact_rules) fn blanks(&self, subject: &str, columns: &[&str]) -> Vec<Finding> {
        let blank = columns.iter().filter(|column| self.cell(column).text.is_empty());
        blank
            .map(|column| {
                FIELDS
                    .failed(subject)
                    .expected(format!("'{column}' filled in"))
                    .observed(format!("'{column}' says nothing"))
                    .at(&self.path, Some(self.cell(column).line))
            })
            .collect()
    }
}

impl Wanted {
    /// The records of a file.
    ///
    /// # Errors
    /// The finding that says why there are none: no such table or list, a column twice, an entry that is none.
    pub(in crate::command::artefact_rules) fn read(
        &self,
        observed: &Observed,
        path: &str,
    ) -> Result<Vec<Record>, Box<Finding>> {
        let read = if Form::of(path) == Form::Page {
            self.of_page(observed, path)?
        } else {
            self.of_document(observed, path)?
        };
        read.map_err(|trouble| unreadable(path, &self.expectation(), &trouble))
    }

    fn expectation(&self) -> String {
        format!("a table with the columns {}, or a list '{}'", self.columns.join(", "), self.key)
    }

    /// All tables with these columns, one after the other: a log may have one a year.
    fn of_page(&self, observed: &Observed, path: &str) -> Result<Result<Vec<Record>, Trouble>, Box<Finding>> {
        let page = observed.page(path)?;
        let (mut records, mut tables, mut nearest) = (Vec::new(), 0_u32, None);
        for table in &page.tables {
            let header: Vec<_> = table.header.iter().map(|column| normalised(column)).collect();
            let missing: Vec<_> =
                self.columns.iter().copied().filter(|column| !header.contains(&normalised(column))).collect();
            if !missing.is_empty() {
                if missing.len() < self.columns.len() {
                    nearest = Some((table.line, missing.join(", ")));
                }
                continue;
            }
            tables += 1;
            if let Some(twice) = (1..header.len()).find(|&at| header[..at].contains(&header[at])) {
                let message = format!("the column '{}' stands twice", table.header[twice]);
                return Ok(Err(Trouble::new(message, Some(table.line))));
            }
            records.extend(table.rows.iter().map(|(line, row)| {
                let cells = header.iter().zip(row).map(|(column, cell)| {
                    (column.clone(), Cell { line: *line, ..Cell::of(&cell.text, cell.links.clone()) })
                });
                Record { path: path.to_owned(), line: *line, cells: cells.collect() }
            }));
        }
        Ok(match (tables, nearest) {
            (1.., _) => Ok(records),
            (0, Some((line, missing))) => {
                Err(Trouble::new(format!("the table here lacks: {missing}"), Some(line)))
            }
            (0, None) => Err(Trouble::new("no such table", None)),
        })
    }

    fn of_document(
        &self,
        observed: &Observed,
        path: &str,
    ) -> Result<Result<Vec<Record>, Trouble>, Box<Finding>> {
        let document = observed.document(path)?;
        let list = match &document.value {
            Value::List(_) => Some(&document),
            _ => document.some(self.key),
        };
        let Some(list) = list else { return Ok(Err(Trouble::new("no such list", None))) };
        let Some(items) = list.list() else {
            return Ok(Err(Trouble::new(format!("'{}' is {}", self.key, list.kind()), Some(list.line))));
        };
        let records = items.iter().map(|item| {
            let entries = item.map().ok_or_else(|| {
                Trouble::new(format!("an entry of '{}' is {}", self.key, item.kind()), Some(item.line))
            })?;
            let mut cells = BTreeMap::new();
            for (key, node) in entries {
                let text = node.words().ok_or_else(|| {
                    Trouble::new(format!("'{key}' is {}, not a text", node.kind()), Some(node.line))
                })?;
                let links = if is_address(&text) { vec![text.clone()] } else { Vec::new() };
                let cell = Cell { line: node.line, ..Cell::of(&text, links) };
                if cells.insert(normalised(key), cell).is_some() {
                    return Err(Trouble::new(format!("'{key}' stands twice"), Some(node.line)));
                }
            }
            Ok(Record { path: path.to_owned(), line: item.line, cells })
        });
        Ok(records.collect())
    }
}

fn is_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

impl Cell {
    fn of(text: &str, mut links: Vec<String>) -> Self {
        let text = text.trim();
        let text = if is_blank(text) { String::new() } else { text.to_owned() };
        if links.is_empty() && is_address(&text) {
            links.push(text.clone());
        }
        Self { text, links, line: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROSTER: Wanted = Wanted { key: "roster", columns: &["primary", "secondary"] };

    fn read(path: &str, text: &str) -> Result<Vec<Record>, String> {
        ROSTER.read(&Observed::of_texts(&[(path, text)]), path).map_err(|finding| {
            let line = finding.location.as_ref().and_then(|place| place.line);
            format!("{line:?} {}", finding.observed)
        })
    }

    #[test]
    fn a_table_and_a_list_say_the_same() {
        let of_page = read("a.md", "| Primary | Secondary |\n|---|---|\n| SRE | – |\n").unwrap();
        let of_yaml = read("a.yaml", "roster:\n  - primary: SRE\n    secondary: TBD\n").unwrap();
        let of_json = read("a.json", "[{\"Primary\": \"SRE\"}]").unwrap();
        for record in [&of_page[0], &of_yaml[0], &of_json[0]] {
            assert_eq!((record.text("primary").as_str(), record.text("Secondary").as_str()), ("SRE", ""));
            assert_eq!(record.blanks("x", &["primary", "secondary"]).len(), 1);
        }
        assert_eq!((of_page[0].line, of_yaml[0].cell("secondary").line), (3, 3));
    }

    #[test]
    fn what_is_no_list_of_records_is_told_with_its_line() {
        for (path, text, told) in [
            ("a.md", "# None\n", "None no such table"),
            (
                "a.md",
                "\n| Primary | Other |\n|---|---|\n| a | b |\n",
                "Some(2) the table here lacks: secondary",
            ),
            (
                "a.md",
                "| Primary | Secondary | primary |\n|-|-|-|\n",
                "Some(1) the column 'primary' stands twice",
            ),
            ("a.yaml", "other: []\n", "None no such list"),
            ("a.yaml", "roster: 5\n", "Some(1) 'roster' is a number"),
            ("a.yaml", "roster:\n  - SRE\n", "Some(2) an entry of 'roster' is a text"),
            ("a.yaml", "roster:\n  - primary: [a]\n", "Some(2) 'primary' is a list, not a text"),
            ("a.yaml", "roster:\n  - primary: a\n    Primary: b\n", "Some(3) 'Primary' stands twice"),
        ] {
            assert_eq!(read(path, text).unwrap_err(), told, "{text}");
        }
    }
}
