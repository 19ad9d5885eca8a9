//! What the tests of this folder compare, and the properties of the whole comparison.

use std::collections::{BTreeMap, BTreeSet};

use evidence_report::record::Outcome;
use proptest::prelude::*;

use super::{Carried, compare};
use crate::fingerprint::{Aspects, Collected, Fingerprint, Keep, Section, TableContent, TableName, Taken};

pub(crate) fn name(text: &str) -> TableName {
    TableName { schema: "shop".to_owned(), name: text.to_owned() }
}

pub(crate) fn fingerprint(tables: &[(&str, u64, &str)]) -> Fingerprint {
    let content = |rows: u64, digest: &str| TableContent { rows, digest: digest.to_owned() };
    Fingerprint {
        taken: Taken { database: "db".to_owned(), major: 15, ..Taken::default() },
        tables: tables.iter().map(|(n, rows, digest)| (name(n), content(*rows, digest))).collect(),
        apart: BTreeMap::new(),
        unlogged: BTreeSet::new(),
        sequences: BTreeMap::new(),
        objects: BTreeMap::new(),
        buckets: BTreeMap::new(),
    }
}

pub(crate) fn aspects(texts: &[(&str, &str)]) -> Aspects {
    let mut collected = Collected::default();
    texts.iter().for_each(|(aspect, text)| collected.add(aspect, text, Keep::Text));
    collected.finish()
}

pub(crate) fn put(fingerprint: &mut Fingerprint, section: Section, object: &str, texts: &[(&str, &str)]) {
    fingerprint.objects.entry(section).or_default().insert(object.into(), aspects(texts));
}

/// Subject and what was observed, of the findings of a check that are no pass.
pub(crate) fn said(
    expected: &Fingerprint,
    found: &Fingerprint,
    check: &str,
) -> Vec<(Outcome, String, String)> {
    let findings = compare(expected, found, Carried::Dump);
    let told = findings.into_iter().filter(|f| f.check.id == check && f.outcome != Outcome::Passed);
    told.map(|finding| (finding.outcome, finding.subject, finding.observed)).collect()
}

#[test]
fn every_kind_of_difference_of_rows_is_named() {
    let source = fingerprint(&[("a", 2, "5"), ("b", 3, "7"), ("c", 1, "1"), ("d", 4, "9"), ("same", 1, "0")]);
    let copy = fingerprint(&[("a", 1, "2"), ("b", 4, "8"), ("d", 4, "10"), ("e", 6, "6"), ("same", 1, "0")]);
    let findings = said(&source, &copy, "restore.content");
    let shown: Vec<_> =
        findings.iter().map(|(_, subject, observed)| (subject.as_str(), observed.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("shop.a", "1 row missing: 1 row, digest 2"),
            ("shop.b", "1 row too many: 4 rows, digest 8"),
            ("shop.c", "the table is missing, and with it 1 row"),
            ("shop.d", "as many rows, but at least one has another content: 4 rows, digest 10"),
            ("shop.e", "an extra table of 6 rows"),
        ]
    );
    assert!(findings.iter().all(|(outcome, ..)| *outcome == Outcome::Failed));
}

#[test]
fn nothing_to_compare_is_no_pass() {
    let findings = said(&fingerprint(&[]), &fingerprint(&[]), "restore.content");
    assert_eq!(findings[0].0, Outcome::Inconclusive);
}

#[test]
fn a_thousand_differences_are_counted_and_not_listed() {
    let names: Vec<_> = (0..1000).map(|i| format!("t{i}")).collect();
    let tables: Vec<_> = names.iter().map(|n| (n.as_str(), 1, "1")).collect();
    let findings = said(&fingerprint(&tables), &fingerprint(&[]), "restore.content");
    assert_eq!((findings.len(), findings[50].2.as_str()), (51, "950 more differ"));
}

#[test]
fn unlogged_rows_count_in_a_dump_and_not_in_a_physical_copy() {
    let mut source = fingerprint(&[("a", 2, "5"), ("u", 3, "7")]);
    source.unlogged.insert(name("u"));
    let copy = fingerprint(&[("a", 2, "5"), ("u", 0, "0")]);
    let failed = |carried| compare(&source, &copy, carried).iter().any(|f| f.outcome == Outcome::Failed);
    assert!(failed(Carried::Dump) && !failed(Carried::Everything));
}

proptest! {
    #[test]
    fn a_mutation_is_always_found_and_no_mutation_never(
        tables in proptest::collection::btree_map("[a-z]{1,3}", (0_u64..9, 0_u64..9), 1..8),
        victim in any::<prop::sample::Index>(),
        kind in 0_u8..8,
    ) {
        let listed: Vec<_> = tables.iter().map(|(n, (rows, digest))| (n.clone(), *rows, digest.to_string())).collect();
        let listed: Vec<_> = listed.iter().map(|(n, rows, digest)| (n.as_str(), *rows, digest.as_str())).collect();
        let mut source = fingerprint(&listed);
        for (table, (rows, digest)) in &tables {
            for section in [Section::Schema, Section::Indexes, Section::Grants] {
                put(&mut source, section, &format!("table shop.{table}"), &[("a", &rows.to_string()), ("b", &digest.to_string())]);
            }
        }
        let bad = |copy: &Fingerprint| {
            let findings = compare(&source, copy, Carried::Dump);
            findings.into_iter().filter(|f| f.outcome == Outcome::Failed).map(|f| f.check.id).collect::<Vec<_>>()
        };
        prop_assert_eq!(bad(&source), Vec::<&str>::new());
        let mut copy = source.clone();
        let key = source.tables.keys().nth(victim.index(source.tables.len())).unwrap().clone();
        let object: Box<str> = format!("table {key}").into();
        let change = |copy: &mut Fingerprint, section| {
            copy.objects.get_mut(&section).unwrap().insert(object.clone(), aspects(&[("a", "other")]));
        };
        let check = match kind {
            0 => { copy.tables.remove(&key); "restore.content" }
            1 => { copy.tables.get_mut(&key).unwrap().rows += 1; "restore.content" }
            2 => { copy.tables.get_mut(&key).unwrap().digest.push('1'); "restore.content" }
            3 => { copy.tables.insert(name("NEW"), TableContent { rows: 0, digest: "0".into() }); "restore.content" }
            4 => { change(&mut copy, Section::Schema); "restore.schema" }
            5 => { change(&mut copy, Section::Indexes); "restore.indexes" }
            6 => { copy.objects.get_mut(&Section::Grants).unwrap().remove(&object); "restore.grants" }
            _ => { put(&mut copy, Section::Schema, "view shop.new", &[]); "restore.schema" }
        };
        prop_assert_eq!(bad(&copy), vec![check]);
    }
}
