//! Whether the copy contains what the source contained, read the same way.

use std::collections::BTreeSet;

use evidence_report::{record::Finding, run::Run};

use super::{Made, Seen, listed, recovery::own_server};
use crate::{
    checks::RESTORE_CONTENT,
    clock::LEFT_OUT,
    comparison::{Content, TableContent, compare_content, compare_sequences},
    connection::{QueryFailure, Session},
    fingerprint::{Kind, Relation, Unreadable, fingerprint, pin, relations, sequences},
    halt::Halt,
    plan::Plan,
    target::MARKER_SCHEMA,
    wording::counted,
};

/// So many tables are listed in the evidence.
const TABLES_LISTED: usize = 200;

/// Fingerprints the copy the same way, and compares.
pub(super) async fn verify(plan: &Plan, run: &Run, made: &mut Made, seen: &Seen) -> Result<(), Halt> {
    run.progress().phase("copy: fingerprint");
    let start = run.elapsed();
    let mut sessions = Vec::new();
    for _ in 0..plan.jobs {
        let session = made.session(run, &seen.database.name).await?;
        pin(&session, run.stop(), run.settings().timeout)
            .await
            .map_err(|failure| own_server("copy", failure))?;
        sessions.push(session);
    }
    let first = sessions.first().ok_or(Halt::Stopped)?;
    let mut present = relations(first, run.stop()).await.map_err(|failure| own_server("copy", failure))?;
    present.retain(|relation| relation.name.schema != MARKER_SCHEMA);
    let standing = sequences(first, run.stop()).await.map_err(|failure| own_server("copy", failure))?;
    let content = read_copy(run, &sessions, &seen.relations, &present).await?;
    made.stages.add("fingerprint of the copy", start, run.elapsed(), listed(&content));
    let name = &seen.database.name;
    run.findings(compare_content(name, &seen.content, &content));
    made.checked.push(&RESTORE_CONTENT);
    run.findings(missing_views(&seen.relations, &present));
    run.findings(compare_sequences(name, &seen.before, &seen.after, &standing));
    run.detail("Tables of the source", &tables(&seen.content));
    run.detail(
        "What the recovery time is",
        &format!(
            "From the start of the restore work (an empty machine with PostgreSQL's programs and the dump) to the \
             first committed write of a role without superuser rights; {LEFT_OUT}. Restored: {}, {} \
             in the source, by {} on {}.",
            listed(&seen.content),
            counted(seen.database.bytes, "byte"),
            counted(plan.jobs as u64, "worker"),
            counted(std::thread::available_parallelism().map_or(1, usize::from) as u64, "processor")
        ),
    );
    Ok(())
}

/// Reads what the source has as the source was read, and besides what the copy has in excess.
pub(super) async fn read_copy(
    run: &Run,
    sessions: &[Session],
    wanted: &[Relation],
    present: &[Relation],
) -> Result<Content, Halt> {
    let is_table = |relation: &&Relation| relation.kind == Kind::Table;
    let present_names: BTreeSet<_> = present.iter().filter(is_table).map(|relation| &relation.name).collect();
    // Whatever the source has under that name, table or not, is no extra table in the copy.
    let source_names: BTreeSet<_> = wanted.iter().map(|relation| &relation.name).collect();
    let common = wanted.iter().filter(is_table).filter(|relation| present_names.contains(&relation.name));
    let extra = present.iter().filter(is_table).filter(|relation| !source_names.contains(&relation.name));
    let mut to_read: Vec<_> = common.chain(extra).cloned().collect();
    let mut unreadable = Content::new();
    loop {
        match fingerprint(sessions, &to_read, run.stop(), run.progress()).await {
            Ok(mut content) => {
                content.extend(unreadable);
                return Ok(content);
            }
            Err(Unreadable { failure: QueryFailure::Stopped, .. }) => return Err(Halt::Stopped),
            // Its columns are others: that is a difference, not an obstacle.
            Err(Unreadable { table, failure }) if failure.is("42703") || failure.is("42P01") => {
                to_read.retain(|relation| relation.name != table);
                unreadable.insert(table, TableContent { rows: 0, digest: failure.to_string() });
            }
            Err(Unreadable { table, failure }) => {
                return Err(RESTORE_CONTENT
                    .failed(table.to_string())
                    .expected("the table can be read in the copy")
                    .observed(failure.to_string())
                    .into());
            }
        }
    }
}

pub(super) fn missing_views(wanted: &[Relation], present: &[Relation]) -> Vec<Finding> {
    let is_view = |relation: &&Relation| relation.kind == Kind::MaterialisedView;
    wanted
        .iter()
        .filter(is_view)
        .filter(|view| !present.iter().filter(is_view).any(|found| found.name == view.name))
        .map(|view| {
            RESTORE_CONTENT
                .failed(view.name.to_string())
                .expected("the materialised view")
                .observed("it is missing")
        })
        .collect()
}

pub(super) fn tables(content: &Content) -> String {
    let mut lines: Vec<_> = content
        .iter()
        .take(TABLES_LISTED)
        .map(|(name, table)| format!("{name}: {}, digest {}", counted(table.rows, "row"), table.digest))
        .collect();
    if content.len() > TABLES_LISTED {
        lines.push(format!("… and {} more", content.len() - TABLES_LISTED));
    }
    lines.join("\n")
}
