//! What many catalogue queries say alike, written once. Pure.
//!
//! * `@q(name)`: the name in double quotes, however it is written. (`quote_ident` depends on the major version's
//!   list of keywords.)
//! * `@user(n)`: the schema is none of PostgreSQL's own, and not the mark of a rehearsal.
//! * `@own(catalogue, oid)`: the object does not belong to an extension.
//! * `@given(n, catalogue, oid)`: the object came with PostgreSQL itself or with an extension; a dump carries its grants
//!   and nothing else of it.
//! * `@relkind(c)`: what the relation is, in words.
//! * `@beyond(acl, default)`: what the access list grants beyond the default (`+`), and what it takes away from
//!   it (`-`), a row for each role.

use crate::target::MARKER_SCHEMA;

/// The queries of a file, without comments and with everything written out.
pub(super) fn expanded(file: &str) -> Vec<String> {
    let plain: String = file
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let queries = plain.split(";\n").map(str::trim).filter(|query| !query.is_empty());
    queries.map(written_out).collect()
}

type Macro = (&'static str, fn(&[&str]) -> String);

/// In this order: what the first say may hold the later ones.
const MACROS: [Macro; 6] = [
    ("@beyond(", |of| beyond(of[0], of[1])),
    ("@q(", |of| format!("('\"' || replace({}, '\"', '\"\"') || '\"')", of[0])),
    ("@given(", |of| {
        format!("({0}.nspname = 'pg_catalog' OR @user({0}) AND NOT @own({1}, {2}))", of[0], of[1], of[2])
    }),
    ("@user(", |of| {
        let schema = of[0];
        format!(
            "{schema}.nspname NOT IN ('pg_catalog', 'information_schema', '{MARKER_SCHEMA}') \
             AND {schema}.nspname !~ '^pg_(toast|temp)'"
        )
    }),
    ("@own(", |of| {
        format!(
            "NOT EXISTS (SELECT FROM pg_depend de WHERE de.classid = '{}'::regclass AND de.objid = {} AND de.deptype = 'e')",
            of[0], of[1]
        )
    }),
    ("@relkind(", |of| {
        format!(
            "CASE {}.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialised view' WHEN 'f' THEN 'foreign table' \
             WHEN 'S' THEN 'sequence' ELSE 'table' END",
            of[0]
        )
    }),
];

fn written_out(query: &str) -> String {
    let mut query = query.to_owned();
    for (start, expand) in MACROS {
        while let Some(at) = query.find(start) {
            let (arguments, length) = arguments(&query[at + start.len()..]);
            let text = expand(&arguments);
            query.replace_range(at..at + start.len() + length, &text);
        }
    }
    query
}

/// The arguments up to the closing parenthesis, and how long all that is.
fn arguments(text: &str) -> (Vec<&str>, usize) {
    let (mut depth, mut from, mut found) = (0_usize, 0, Vec::new());
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth == 0 => {
                found.push(text[from..at].trim());
                return (found, at + 1);
            }
            ')' => depth -= 1,
            ',' if depth == 0 => {
                found.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    (found, text.len())
}

fn beyond(acl: &str, default: &str) -> String {
    let exploded = |acl: &str| {
        format!("SELECT e.grantee, e.grantor, e.privilege_type, e.is_grantable FROM aclexplode({acl}) AS e")
    };
    let (acl, default) = (exploded(acl), exploded(default));
    let side = |sign: &str, more: &str, less: &str| {
        format!(
            "SELECT '{sign}' AS sign, CASE x.grantee WHEN 0 THEN 'public' ELSE @q(coalesce((SELECT rolname \
             FROM pg_roles WHERE oid = x.grantee), x.grantee::text)) END AS grantee, x.privilege_type, x.is_grantable FROM ({more} EXCEPT {less}) AS x"
        )
    };
    format!(
        "SELECT s.sign, s.grantee, string_agg(s.privilege_type || CASE WHEN s.is_grantable THEN ' with grant option' \
         ELSE '' END, ', ' ORDER BY s.privilege_type, s.is_grantable) FROM ({} UNION ALL {}) AS s GROUP BY s.sign, s.grantee",
        side("+", &acl, &default),
        side("-", &default, &acl)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_write_out_and_nothing_is_lost() {
        let queries = expanded(
            "-- a; comment\nSELECT @q((SELECT f(a, b))),\n 1 WHERE @own(pg_class, c.oid);\n\nSELECT 2;\n",
        );
        assert_eq!(queries.len(), 2);
        assert!(queries[0].starts_with("SELECT ('\"' || replace((SELECT f(a, b)), '\"'"), "{}", queries[0]);
        assert!(queries[0].ends_with("de.objid = c.oid AND de.deptype = 'e')"), "{}", queries[0]);
        let (_, section, file) = super::super::PARAMETERS;
        for (section, file) in super::super::QUERIES.into_iter().chain([(section, file)]) {
            for query in expanded(file) {
                assert!(
                    !query.contains('@') && query.matches('(').count() == query.matches(')').count(),
                    "{section:?}: {query}"
                );
            }
        }
    }
}
