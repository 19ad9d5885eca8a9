//! Whether two databases have the same rows. Pure.

use evidence_report::record::{Finding, Requirement};

use super::{Carried, MOST_NAMED};
use crate::{
    checks::{RESTORE_CONTENT, RESTORE_DERIVED},
    fingerprint::{Apart, Content, Fingerprint, TableContent, TableName},
    wording::counted,
};

/// Compares the rows. One finding a difference; without any, one that passed.
pub(super) fn compare_content(expected: &Fingerprint, found: &Fingerprint, carried: Carried) -> Vec<Finding> {
    let database = expected.taken.database.as_str();
    // What no write-ahead log carries is empty in a physical copy, and that is no fault of the backup.
    let counts = |name: &TableName| carried == Carried::Dump || !expected.unlogged.contains(name);
    // Whatever was there under that name, with rows or without, is no extra table.
    let extra = |name: &TableName| !expected.tables.contains_key(name) && !expected.apart.contains_key(name);
    let mut findings = missing_or_other(&expected.tables, &found.tables, counts);
    findings.extend(found.tables.iter().filter(|(name, _)| extra(name)).map(|(name, found)| {
        RESTORE_CONTENT
            .failed(name.to_string())
            .expected("no such table: the source has none")
            .observed(format!("an extra table of {}", counted(found.rows, "row")))
    }));
    findings.extend(missing_views(expected, found));
    if !findings.is_empty() {
        return shortened(findings, &expected.taken.encoding, &found.taken.encoding);
    }
    if expected.tables.is_empty() {
        return vec![
            RESTORE_CONTENT
                .inconclusive(database)
                .expected("tables to compare")
                .observed("the source has none, so the restore proves nothing")
                .remedy("check that this is the right database (see the facts of the run)"),
        ];
    }
    vec![
        RESTORE_CONTENT
            .passed(database)
            .expected("every table the same in number of rows and digest")
            .observed(format!(
                "{}, {}: all the same",
                counted(expected.tables.len() as u64, "table"),
                counted(expected.rows(), "row")
            )),
    ]
}

fn missing_or_other(
    expected: &Content,
    found: &Content,
    counts: impl Fn(&TableName) -> bool,
) -> Vec<Finding> {
    let difference = |(name, wanted): (&TableName, &TableContent)| {
        let observed = match found.get(name) {
            None => format!("the table is missing, and with it {}", counted(wanted.rows, "row")),
            Some(found) if found == wanted => return None,
            Some(found) => said(wanted, found),
        };
        let expected = format!("{}, digest {}", counted(wanted.rows, "row"), wanted.digest);
        Some(RESTORE_CONTENT.failed(name.to_string()).expected(expected).observed(observed))
    };
    expected.iter().filter(|(name, _)| counts(name)).filter_map(difference).collect()
}

fn said(wanted: &TableContent, found: &TableContent) -> String {
    let shown = format!("{}, digest {}", counted(found.rows, "row"), found.digest);
    match found.rows.cmp(&wanted.rows) {
        std::cmp::Ordering::Less => format!("{} missing: {shown}", counted(wanted.rows - found.rows, "row")),
        std::cmp::Ordering::Greater => {
            format!("{} too many: {shown}", counted(found.rows - wanted.rows, "row"))
        }
        std::cmp::Ordering::Equal => format!("as many rows, but at least one has another content: {shown}"),
    }
}

fn missing_views(expected: &Fingerprint, found: &Fingerprint) -> Vec<Finding> {
    let views = expected.apart.iter().filter(|(_, why)| **why == Apart::MaterialisedView);
    views
        .filter(|(name, _)| found.apart.get(name) != Some(&Apart::MaterialisedView))
        .map(|(name, _)| {
            RESTORE_CONTENT
                .failed(name.to_string())
                .expected("the materialised view")
                .observed("it is missing")
        })
        .collect()
}

/// The first differences, and how many more there are. Texts in another encoding have other digests.
fn shortened(mut findings: Vec<Finding>, expected: &str, found: &str) -> Vec<Finding> {
    let more = findings.len().saturating_sub(MOST_NAMED);
    findings.truncate(MOST_NAMED);
    if more > 0 {
        findings.push(RESTORE_CONTENT.failed("other tables").observed(format!("{more} more differ")));
    }
    if expected != found {
        for finding in &mut findings {
            finding.observed.push_str(&format!(
                " (digests are made of the bytes, and these databases are encoded in {expected} and {found})"
            ));
        }
    }
    findings
}

/// Says which relations are not compared, and why.
pub(crate) fn left_out(fingerprint: &Fingerprint) -> Vec<Finding> {
    let kinds = [
        (Apart::Foreign, "foreign: its rows live on another server, and no dump carries them"),
        (Apart::OfExtension, "belongs to an extension, which makes it anew"),
        (Apart::UnloggedOnStandby, "unlogged: a standby cannot read it"),
        (Apart::MaterialisedView, "materialised view: computed anew by the restore"),
    ];
    let kinds = kinds.into_iter().map(|(kind, reason)| {
        let of_kind = fingerprint.apart.iter().filter(|(_, why)| **why == kind);
        (of_kind.map(|(name, _)| name).collect::<Vec<_>>(), reason)
    });
    kinds.filter_map(|(names, reason)| listed(&names, reason)).collect()
}

/// Unlogged tables, where they are not compared.
pub(super) fn unlogged_left_out(expected: &Fingerprint, carried: Carried) -> Option<Finding> {
    let names: Vec<_> = expected.unlogged.iter().collect();
    let reason = "unlogged: no write-ahead log carries its rows, so a physical copy has none";
    if carried == Carried::Dump { None } else { listed(&names, reason) }
}

fn listed(names: &[&TableName], reason: &str) -> Option<Finding> {
    let subject = match names {
        [] => return None,
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    };
    Some(RESTORE_DERIVED.not_checked(Requirement::Optional, subject, reason))
}
