//! Whether the copy holds as many rows as the dump does, table by table.

use std::collections::BTreeSet;

use evidence_report::{record::Requirement, run::Run};

use super::{Made, listed, recovery::own_server};
use crate::{
    checks::RESTORE_ROWS,
    comparison::{Content, TableName},
    connection::{QueryFailure, Session},
    engines::dump_file::DumpedDatabase,
    fingerprint::{Kind, Unreadable, fingerprint, pin, relations},
    halt::Halt,
    plan::Plan,
    sql::identifier,
    target::MARKER_SCHEMA,
    wording::counted,
};

/// Reads the copy of one database and compares its counts with the dump's.
pub(super) async fn verify(
    plan: &Plan,
    run: &Run,
    made: &mut Made,
    name: &str,
    dumped: &DumpedDatabase,
) -> Result<(), Halt> {
    run.progress().phase(format!("copy: rows of {name}"));
    let start = run.elapsed();
    let mut sessions = Vec::new();
    for _ in 0..plan.jobs {
        let session = made.session(run, name).await?;
        pin(&session, run.stop(), run.settings().timeout)
            .await
            .map_err(|failure| own_server("copy", failure))?;
        sessions.push(session);
    }
    let first = sessions.first().ok_or(Halt::Stopped)?;
    let mut present = relations(first, run.stop()).await.map_err(|failure| own_server("copy", failure))?;
    present.retain(|relation| relation.name.schema != MARKER_SCHEMA);
    let content = match fingerprint(&sessions, &present, run.stop(), run.progress()).await {
        Ok(content) => content,
        Err(Unreadable { failure: QueryFailure::Stopped, .. }) => return Err(Halt::Stopped),
        Err(Unreadable { table, failure }) => {
            return Err(RESTORE_ROWS
                .failed(table.to_string())
                .expected("the table can be read in the copy")
                .observed(failure.to_string())
                .into());
        }
    };
    made.stages.add(&format!("rows of {name}"), start, run.elapsed(), listed(&content));
    run.detail(format!("Tables of the copy of {name}"), &super::verification::tables(&content));
    let not_dumped: BTreeSet<_> = present
        .iter()
        .filter(|relation| matches!(relation.kind, Kind::OfExtension | Kind::Foreign))
        .map(|relation| &relation.name)
        .collect();
    let wanted = dumped.rows.iter().filter(|(table, _)| !not_dumped.contains(table));
    let (mut same, mut differ) = ((0, 0), false);
    for (table, rows) in wanted {
        match found(run, first, &content, table).await? {
            Some(count) if count == *rows => same = (same.0 + 1, same.1 + rows),
            found => {
                differ = true;
                let expected = format!("{}, as in the dump", counted(*rows, "row"));
                let observed = found.map_or("no such table".to_owned(), |count| counted(count, "row"));
                run.finding(RESTORE_ROWS.failed(table.to_string()).expected(expected).observed(observed));
            }
        }
    }
    large_objects(run, name, dumped, &content);
    if !differ {
        run.finding(said(name, same, dumped.uncounted));
    }
    Ok(())
}

fn said(name: &str, (tables, rows): (u64, u64), uncounted: u64) -> evidence_report::record::Finding {
    let expected = "every table with as many rows as the dump holds of it";
    if tables == 0 {
        let reason = match uncounted {
            0 => "the dump holds no rows".to_owned(),
            _ => format!(
                "the dump holds INSERT statements and not COPY data: {} not counted",
                counted(uncounted, "table")
            ),
        };
        // An empty dump proves nothing, and neither does one that cannot be counted.
        return RESTORE_ROWS.not_checked(Requirement::Required, name, reason).expected(expected);
    }
    let more =
        if uncounted > 0 { format!("; {} not counted", counted(uncounted, "table")) } else { String::new() };
    let observed = format!("{}, {}{more}", counted(tables, "table"), counted(rows, "row"));
    RESTORE_ROWS.passed(name).expected(expected).observed(observed)
}

/// How many rows the copy has; a table that rows go in through, a partitioned one, is asked by itself.
async fn found(
    run: &Run,
    session: &Session,
    content: &Content,
    table: &TableName,
) -> Result<Option<u64>, Halt> {
    if let Some(content) = content.get(table) {
        return Ok(Some(content.rows));
    }
    let query = format!("SELECT count(*) FROM {}.{}", identifier(&table.schema), identifier(&table.name));
    match session.value(run.stop(), &query).await {
        Ok(count) => Ok(count.parse().ok()),
        Err(QueryFailure::Stopped) => Err(Halt::Stopped),
        Err(failure) if failure.is("42P01") || failure.is("3F000") => Ok(None),
        Err(failure) => Err(own_server(&table.to_string(), failure)),
    }
}

fn large_objects(run: &Run, name: &str, dumped: &DumpedDatabase, content: &Content) {
    if dumped.large_objects == 0 {
        return;
    }
    let rows = content.get(&TableName::large_objects()).map_or(0, |content| content.rows);
    let expected = counted(dumped.large_objects, "large object");
    let made = match rows == dumped.large_objects {
        true => RESTORE_ROWS.passed(format!("large objects of {name}")),
        false => RESTORE_ROWS.failed(format!("large objects of {name}")),
    };
    run.finding(made.expected(expected).observed(counted(rows, "large object")));
}
