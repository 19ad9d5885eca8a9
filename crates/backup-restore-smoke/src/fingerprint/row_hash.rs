//! The SQL expression that hashes one row. Pure: it knows columns and how each becomes text, and no server.
//!
//! Each column's text is hashed with the hash of the columns before it as its seed, so that neither their order
//! nor the border between two texts is lost. Why not the text of the whole row, hashed once: the server builds it
//! character by character to see what it has to quote, which takes longer than everything else together.

use serde::Deserialize;

use crate::sql::identifier;

/// What stands for NULL: no type prints it, and of texts only this one.
const NULL: &str = "NULL 4d0f7c9a61b2e835";

/// So many columns are hashed one within the other; expressions may not be nested without end.
const CHAIN: usize = 50;

/// The output functions of `text` and `varchar`: what they print is the value itself.
const PLAIN: [&str; 2] = ["textout", "varcharout"];

/// The columns of a table in the order in which they are hashed. Kept as the server gave them, in one piece:
/// there may be tens of thousands of tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns(Box<str>);

/// A column: its name, and the function of `pg_catalog` that prints it. Without one (a type of an extension, whose
/// function not everybody may call) it is printed as part of a row.
#[derive(Deserialize)]
struct Column<'a>(
    #[serde(borrow)] std::borrow::Cow<'a, str>,
    #[serde(borrow)] Option<std::borrow::Cow<'a, str>>,
);

impl Columns {
    /// Takes a JSON list of pairs, name and output function or null; nothing else.
    pub(super) fn new(list: String) -> Option<Self> {
        serde_json::from_str::<Vec<Column<'_>>>(&list).is_ok().then(|| Self(list.into()))
    }

    /// The hash of a row of the table that is called `r`.
    pub(super) fn hash(&self) -> String {
        let columns: Vec<Column<'_>> = serde_json::from_str(&self.0).unwrap_or_default();
        let printed = columns.iter().filter_map(Column::text);
        let unprinted: Vec<_> =
            columns.iter().filter(|column| column.1.is_none()).map(Column::quoted).collect();
        let row = (!unprinted.is_empty()).then(|| format!("ROW({})::text", unprinted.join(", ")));
        let texts: Vec<_> = printed.chain(row).collect();
        let mut chains: Vec<_> = texts.chunks(CHAIN).map(chain).collect();
        match chains.len() {
            0 => hashed("''", "0"),
            1 => chains.remove(0),
            _ => hashed(&format!("concat_ws(' ', {})", chains.join(", ")), "0"),
        }
    }
}

impl Column<'_> {
    fn quoted(&self) -> String {
        format!("r.{}", identifier(&self.0))
    }

    /// By the type's own function and never by a cast, which a user may have made.
    fn text(&self) -> Option<String> {
        let (column, function) = (self.quoted(), self.1.as_deref()?);
        let text = match PLAIN.contains(&function) {
            true => format!("{column}::text"),
            false => format!("textin({}({column}))", identifier(function)),
        };
        Some(format!("coalesce({text}, '{NULL}')"))
    }
}

fn chain(texts: &[String]) -> String {
    texts.iter().fold("0".to_owned(), |seed, text| hashed(text, &seed))
}

fn hashed(text: &str, seed: &str) -> String {
    format!("hashtextextended({text} COLLATE \"C\", {seed})")
}

#[cfg(test)]
mod tests {
    use super::Columns;

    fn hash(list: &str) -> String {
        Columns::new(list.to_owned()).unwrap().hash()
    }

    #[test]
    fn each_column_seeds_the_next_and_foreign_types_come_last_as_a_row() {
        assert_eq!(
            hash(r#"[["a","int4out"],["o",null],["b \" c","textout"],["p",null]]"#),
            "hashtextextended(ROW(r.\"o\", r.\"p\")::text COLLATE \"C\", \
             hashtextextended(coalesce(r.\"b \"\" c\"::text, 'NULL 4d0f7c9a61b2e835') COLLATE \"C\", \
             hashtextextended(coalesce(textin(\"int4out\"(r.\"a\")), 'NULL 4d0f7c9a61b2e835') COLLATE \"C\", 0)))"
        );
        assert_eq!(hash("[]"), "hashtextextended('' COLLATE \"C\", 0)");
    }

    #[test]
    fn a_wide_table_is_never_nested_deeper_than_the_server_bears() {
        let depth = |columns: usize| {
            let list: Vec<_> = (0..columns).map(|column| format!(r#"["c{column}","int4out"]"#)).collect();
            let (mut depth, mut deepest) = (0_usize, 0);
            for character in hash(&format!("[{}]", list.join(","))).chars() {
                depth += usize::from(character == '(');
                deepest = deepest.max(depth);
                depth -= usize::from(character == ')');
            }
            deepest
        };
        assert_eq!(depth(1), 4);
        assert_eq!(depth(50), 53);
        assert_eq!(depth(51), 55);
        assert_eq!(depth(1600), 55);
    }

    #[test]
    fn what_is_no_list_of_columns_is_refused() {
        for list in ["", "{}", "[\"a\"]", "[[1,null]]", "[[\"a\"]]"] {
            assert_eq!(Columns::new(list.to_owned()), None, "{list}");
        }
    }
}
