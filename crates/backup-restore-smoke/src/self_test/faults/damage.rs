//! Damages the first page of a table on the disk of its server. (PostgreSQL manual, 73.6: a page's header has
//! 24 bytes, the free space's limits at 12 and 14; rows are filled in from the page's end.)

use std::{os::unix::fs::FileExt, path::Path};

use crate::self_test::{farm::Database, workshop::Trouble};

/// Which part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The limits of the free space: no server reads such a page.
    Header,
    /// One bit of a row's text.
    Row,
}

/// Damages it where it lies. A server that has read the page does not notice until it reads it again.
pub(super) async fn damage(database: &Database, table: &str, part: Part) -> Result<(), Trouble> {
    database.sql("CHECKPOINT").await?;
    let path = database.value(&format!("SELECT pg_relation_filepath('{table}')")).await?;
    damage_file(&database.data.join(path), part)
}

/// Damages the first page of this file.
pub(super) fn damage_file(path: &Path, part: Part) -> Result<(), Trouble> {
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path)?;
    match part {
        Part::Header => file.write_all_at(&[0xff; 6], 12)?,
        Part::Row => {
            // The last bytes of a page are the end of its first row.
            let mut page = [0; 8192];
            file.read_exact_at(&mut page, 0)?;
            let at = page.iter().rposition(u8::is_ascii_alphanumeric).ok_or_else(nothing_there)?;
            file.write_all_at(&[page[at] ^ 1], at as u64)?;
        }
    }
    Ok(())
}

/// Damages what is in the middle of what a file holds before its zeros.
pub(super) fn damage_middle(path: &Path) -> Result<(), Trouble> {
    let mut bytes = std::fs::read(path)?;
    let written = bytes.iter().rposition(|byte| *byte != 0).ok_or_else(nothing_there)?;
    bytes.iter_mut().skip(written / 2).take(64).for_each(|byte| *byte ^= 0xff);
    Ok(std::fs::write(path, bytes)?)
}

fn nothing_there() -> Trouble {
    Trouble::from("there is nothing to damage".to_owned())
}
