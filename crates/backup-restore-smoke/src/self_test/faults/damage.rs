//! Damages the first page of a table on the disk of its server. (PostgreSQL manual, 73.6: a page's header has
//! 24 bytes, the free space's limits at 12 and 14; rows are filled in from the page's end.)

use std::os::unix::fs::FileExt;

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
    let session = database.holding("CHECKPOINT").await?;
    let path = database.value(&format!("SELECT pg_relation_filepath('{table}')")).await?;
    drop(session);
    let file = std::fs::OpenOptions::new().read(true).write(true).open(database.data.join(path))?;
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

fn nothing_there() -> Trouble {
    Trouble::from("the table's first page holds no text to damage".to_owned())
}
