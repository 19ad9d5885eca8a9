//! Whether everything that has no rows is the same. Pure.

use evidence_report::record::{Check, Finding, Requirement};

use super::{Carried, MOST_NAMED};
use crate::{
    checks::{
        RESTORE_COLLATIONS, RESTORE_COMMENTS, RESTORE_CONSTRAINTS, RESTORE_EXTENSIONS, RESTORE_GRANTS,
        RESTORE_INDEXES, RESTORE_ROW_SECURITY, RESTORE_SCHEMA,
    },
    fingerprint::{Aspects, Fingerprint, Objects, Section, visible},
    wording::counted,
};

/// A section, its check, and what it is made of: one, several.
type Told = (Section, &'static Check, &'static str, &'static str);

/// In the order in which they are told.
const SECTIONS: [Told; 9] = [
    (Section::Schema, &RESTORE_SCHEMA, "object", "objects"),
    (Section::Constraints, &RESTORE_CONSTRAINTS, "constraint", "constraints"),
    (Section::Indexes, &RESTORE_INDEXES, "index", "indexes"),
    (Section::RowSecurity, &RESTORE_ROW_SECURITY, "setting of row security", "settings of row security"),
    (Section::Grants, &RESTORE_GRANTS, "owner or grant", "owners and grants"),
    (Section::Cluster, &RESTORE_GRANTS, "property of roles and database", "properties of roles and database"),
    (Section::Comments, &RESTORE_COMMENTS, "comment", "comments"),
    (Section::Extensions, &RESTORE_EXTENSIONS, "property of extensions", "properties of extensions"),
    (Section::Collations, &RESTORE_COLLATIONS, "property of locale", "properties of locale"),
];

/// So many aspects of one object are said.
const ASPECTS_SAID: usize = 4;

/// So many characters of a text are said.
const CHARACTERS_SAID: usize = 160;

/// Every database is made with these; a dump of one without them does not take them away.
const ALWAYS_MADE: [&str; 3] = ["schema public", "comment on schema public", "extension plpgsql"];

/// The aspect of a foreign key that is not enforced (`fingerprint/objects/constraints.sql`). No dump carries that, and
/// a copy that enforces it is none the worse.
const NOT_ENFORCED: &str = "disabled triggers of constraint ";

/// A difference of one object.
struct Difference {
    object: String,
    expected: String,
    observed: String,
    /// Whether it is worth a word and no more.
    harmless: bool,
}

/// Compares all sections that the backup carries.
pub(super) fn compare_objects(expected: &Fingerprint, found: &Fingerprint, carried: Carried) -> Vec<Finding> {
    let told = SECTIONS
        .into_iter()
        .filter(|(section, ..)| *section != Section::Cluster || carried == Carried::Everything);
    told.flat_map(|told| {
        let (section, check, ..) = told;
        let differences = differences(expected, found, section, carried);
        match differences.is_empty() {
            false => findings(check, differences),
            true => vec![none(expected, told)],
        }
    })
    .collect()
}

fn none(expected: &Fingerprint, (section, check, one, several): Told) -> Finding {
    let database = expected.taken.database.as_str();
    let subject = if section == Section::Cluster { "roles and database" } else { database };
    let objects = of(expected, section);
    let count = match section {
        Section::Schema => objects.len(),
        _ => objects.values().map(|aspects| aspects.iter().count()).sum(),
    };
    let observed = match count {
        0 => return check.not_checked(Requirement::Optional, subject, format!("the source has no {one}")),
        1 => format!("one {one}: the same"),
        _ => format!("{count} {several}: all the same"),
    };
    check.passed(subject).expected("the same as in the source").observed(observed)
}

fn findings(check: &'static Check, mut differences: Vec<Difference>) -> Vec<Finding> {
    // What matters is named first.
    differences.sort_by_key(|difference| difference.harmless);
    let more = differences.len().saturating_sub(MOST_NAMED);
    let worst = differences.iter().skip(MOST_NAMED).any(|difference| !difference.harmless);
    differences.truncate(MOST_NAMED);
    let made = |object: &str, harmless| if harmless { check.warned(object) } else { check.failed(object) };
    let mut findings: Vec<_> = differences
        .into_iter()
        .map(|one| made(&one.object, one.harmless).expected(one.expected).observed(one.observed))
        .collect();
    if more > 0 {
        findings.push(
            made("other objects", !worst).observed(format!("{} more differ", counted(more as u64, "object"))),
        );
    }
    findings
}

/// What a fingerprint without this section says of it.
static NOTHING: Objects = Objects::new();

fn of(side: &Fingerprint, section: Section) -> &Objects {
    side.objects.get(&section).unwrap_or(&NOTHING)
}

fn differences(
    expected: &Fingerprint,
    found: &Fingerprint,
    section: Section,
    carried: Carried,
) -> Vec<Difference> {
    let (wanted, present) = (of(expected, section), of(found, section));
    let (wanted_schema, present_schema) = (of(expected, Section::Schema), of(found, Section::Schema));
    // A table that is missing lacks its indexes, grants and comments, too: said once.
    let said_already = |name: &str, has: &Objects, lacks: &Objects| {
        let commented = commented(name);
        let name = commented.as_deref().unwrap_or(name);
        section != Section::Schema && has.contains_key(name) && !lacks.contains_key(name)
    };
    let same_major = expected.taken.major == found.taken.major;
    let is_enforced_anew = |aspect: &str| carried == Carried::Dump && aspect.starts_with(NOT_ENFORCED);
    let says_no_more = |aspects: &Aspects| {
        aspects.iter().next().is_some() && aspects.iter().all(|(aspect, _)| is_enforced_anew(aspect))
    };
    let mut differences = Vec::new();
    for (name, aspects) in wanted {
        match present.get(name) {
            None if says_no_more(aspects) => {}
            None if said_already(name, wanted_schema, present_schema) => {}
            None => differences.push(missing(name, aspects.iter(), section)),
            Some(there) if there == aspects => {}
            Some(there) => {
                let mut found = aspects.differences(there, same_major);
                found.retain(|(aspect, _, there)| there.is_some() || !is_enforced_anew(aspect));
                differences.extend(changed(name, &found, section));
            }
        }
    }
    for (name, aspects) in present.iter().filter(|(name, _)| !wanted.contains_key(*name)) {
        let made_anyway = carried == Carried::Dump && ALWAYS_MADE.contains(&&**name);
        if !made_anyway && !said_already(name, present_schema, wanted_schema) {
            differences.push(extra(name, aspects.iter(), section));
        }
    }
    differences
}

/// What a comment or label is on, as the schema names it: of a column's, the table.
fn commented(name: &str) -> Option<String> {
    let object = name.strip_prefix("comment on ").or_else(|| name.strip_prefix("security label on "))?;
    match object.strip_prefix("table column ") {
        Some(column) => column.rsplit_once('.').map(|(table, _)| format!("table {table}")),
        None => Some(object.to_owned()),
    }
}

fn missing<'a>(
    name: &str,
    aspects: impl Iterator<Item = (&'a str, &'a str)>,
    section: Section,
) -> Difference {
    Difference {
        object: visible(name),
        expected: listed(aspects, "it is there"),
        observed: format!("missing in the copy{}", of_section(section)),
        harmless: section == Section::Collations,
    }
}

fn extra<'a>(name: &str, aspects: impl Iterator<Item = (&'a str, &'a str)>, section: Section) -> Difference {
    Difference {
        object: visible(name),
        expected: format!("nothing of the kind: the source has none{}", of_section(section)),
        observed: listed(aspects, "it is there"),
        harmless: matches!(section, Section::Collations | Section::Extensions),
    }
}

/// A table without one index is not a missing table.
fn of_section(section: Section) -> &'static str {
    match section {
        Section::Constraints => " (its constraints)",
        Section::Indexes => " (its indexes)",
        Section::RowSecurity => " (its row security)",
        Section::Grants => " (its owner and grants)",
        _ => "",
    }
}

fn listed<'a>(aspects: impl Iterator<Item = (&'a str, &'a str)>, otherwise: &str) -> String {
    let mut aspects = aspects.filter(|(aspect, _)| !aspect.is_empty());
    let said: Vec<_> = aspects.by_ref().take(ASPECTS_SAID).map(|(aspect, text)| told(aspect, text)).collect();
    match (said.is_empty(), aspects.count()) {
        (true, _) => otherwise.to_owned(),
        (false, 0) => said.join("; "),
        (false, more) => format!("{}; and {more} more", said.join("; ")),
    }
}

fn told(aspect: &str, text: &str) -> String {
    match text {
        "" => shown(aspect),
        text => format!("{}: {}", shown(aspect), shown(text)),
    }
}

/// One line, not too long.
fn shown(text: &str) -> String {
    let line = visible(text);
    match line.char_indices().nth(CHARACTERS_SAID) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// The text of an aspect on one of the sides.
type Pick = fn(&(&str, Option<&str>, Option<&str>)) -> (String, Option<String>);

fn changed(
    name: &str,
    aspects: &[(&str, Option<&str>, Option<&str>)],
    section: Section,
) -> Option<Difference> {
    if aspects.is_empty() {
        return None;
    }
    let only = |wanted: &str| aspects.iter().all(|(aspect, ..)| *aspect == wanted);
    let harmless = match section {
        Section::Collations => true,
        Section::Extensions => only("version"),
        // Its rows are not compared either; a refresh that failed is an error of the restore.
        Section::Schema => only("populated"),
        _ => false,
    };
    let side = |pick: Pick| {
        let said: Vec<_> = aspects
            .iter()
            .take(ASPECTS_SAID)
            .map(pick)
            .map(|(aspect, text)| match text {
                Some(text) => told(&aspect, &text),
                None => format!("no {}", shown(&aspect)),
            })
            .collect();
        match aspects.len().saturating_sub(ASPECTS_SAID) {
            0 => said.join("; "),
            more => format!("{}; and {more} more", said.join("; ")),
        }
    };
    Some(Difference {
        object: visible(name),
        expected: side(|(aspect, here, _)| ((*aspect).to_owned(), here.map(str::to_owned))),
        observed: side(|(aspect, _, there)| ((*aspect).to_owned(), there.map(str::to_owned))),
        harmless,
    })
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use crate::{
        comparison::{
            Carried,
            cases::{fingerprint, put, said},
            compare,
        },
        fingerprint::Section,
    };

    #[test]
    fn a_difference_names_the_object_and_what_differs() {
        let (mut source, mut copy) = (fingerprint(&[("t", 1, "1")]), fingerprint(&[("t", 1, "1")]));
        put(
            &mut source,
            Section::Schema,
            "table shop.t",
            &[("column \"a\"", "integer not null"), ("column \"b\"", "text")],
        );
        put(&mut copy, Section::Schema, "table shop.t", &[("column \"a\"", "integer")]);
        put(&mut source, Section::Indexes, "table shop.t", &[("index \"i\"", "CREATE INDEX i")]);
        put(&mut copy, Section::Indexes, "table shop.t", &[("index \"i\"", "CREATE INDEX i (INVALID)")]);
        put(&mut source, Section::Schema, "view \"a\nb\".v", &[("", "")]);
        put(&mut source, Section::Grants, "view \"a\nb\".v", &[("owner", "x")]);
        assert_eq!(
            said(&source, &copy, "restore.schema"),
            [
                (
                    Outcome::Failed,
                    "table shop.t".to_owned(),
                    "column \"a\": integer; no column \"b\"".to_owned()
                ),
                (Outcome::Failed, "view \"a\\nb\".v".to_owned(), "missing in the copy".to_owned()),
            ]
        );
        let indexes = said(&source, &copy, "restore.indexes");
        assert_eq!(indexes[0].2, "index \"i\": CREATE INDEX i (INVALID)");
        let grants = said(&source, &copy, "restore.grants");
        assert!(grants.is_empty(), "a missing view is said once: {grants:?}");
    }

    #[test]
    fn a_foreign_key_that_is_not_enforced_fails_where_the_source_enforces_it_and_a_backup_carries_it() {
        let key = ("constraint \"k\"", "FOREIGN KEY (a) REFERENCES u(a)");
        let off = ("disabled triggers of constraint \"k\"", "on \"shop\".\"t\"");
        for (here, there, in_dump, in_all) in [
            (vec![key], vec![key, off], true, true),
            (vec![key, off], vec![key], false, true),
            (vec![key, off], vec![key, off], false, false),
            (vec![key, off], vec![], true, true),
            (vec![off], vec![], false, true),
            (vec![], vec![off], true, true),
        ] {
            let of = |aspects: &[(&str, &str)]| {
                let mut made = fingerprint(&[("t", 1, "1")]);
                if !aspects.is_empty() {
                    put(&mut made, Section::Constraints, "table shop.t", aspects);
                }
                made
            };
            let (source, copy) = (of(&here), of(&there));
            let failed =
                |carried| compare(&source, &copy, carried).iter().any(|f| f.outcome == Outcome::Failed);
            assert_eq!(
                (failed(Carried::Dump), failed(Carried::Everything)),
                (in_dump, in_all),
                "{here:?} {there:?}"
            );
        }
    }

    #[test]
    fn versions_warn_and_a_missing_extension_fails() {
        let (mut source, mut copy) = (fingerprint(&[("t", 1, "1")]), fingerprint(&[("t", 1, "1")]));
        for name in ["a", "b", "c"] {
            put(
                &mut source,
                Section::Extensions,
                &format!("extension {name}"),
                &[("schema", "public"), ("version", "1")],
            );
        }
        put(&mut copy, Section::Extensions, "extension a", &[("schema", "public"), ("version", "2")]);
        put(&mut copy, Section::Extensions, "extension b", &[("schema", "other"), ("version", "2")]);
        put(&mut copy, Section::Extensions, "extension plpgsql", &[("version", "1")]);
        put(&mut source, Section::Collations, "collation x", &[("version", "2.31")]);
        put(&mut copy, Section::Collations, "collation x", &[("version", "2.36")]);
        let outcomes: Vec<_> =
            said(&source, &copy, "restore.extensions").into_iter().map(|(o, s, _)| (o, s)).collect();
        assert_eq!(
            outcomes,
            [
                (Outcome::Failed, "extension b".to_owned()),
                (Outcome::Failed, "extension c".to_owned()),
                (Outcome::Warned, "extension a".to_owned()),
            ]
        );
        assert_eq!(said(&source, &copy, "restore.collations")[0].0, Outcome::Warned);
    }

    #[test]
    fn roles_and_the_databases_own_count_only_where_they_are_carried() {
        let (mut source, copy) = (fingerprint(&[("t", 1, "1")]), fingerprint(&[("t", 1, "1")]));
        put(&mut source, Section::Cluster, "role clerk", &[("attributes", "login")]);
        let failed = |carried| compare(&source, &copy, carried).iter().any(|f| f.outcome == Outcome::Failed);
        assert!(!failed(Carried::Dump) && failed(Carried::Everything));
    }
}
