//! Whether the copy holds as many rows as the dump does, table by table.

use evidence_report::{
    record::{Finding, Requirement},
    run::Run,
};

use super::{
    Made, listed,
    recovery::own_server,
    verification::{read_copy, sessions, tables},
};
use crate::{
    checks::RESTORE_ROWS,
    connection::{QueryFailure, Session},
    engines::dump_file::DumpedDatabase,
    fingerprint::{Apart, Content, Fingerprint, TableName},
    halt::Halt,
    plan::Plan,
    sql::identifier,
    wording::counted,
};

/// Reads the copy of one database, and compares its counts with the dump's. Gives what was read. `wanted` says whether
/// nothing else tells what the dump should hold.
pub(super) async fn verify(
    plan: &Plan,
    run: &Run,
    made: &mut Made,
    name: &str,
    dumped: &DumpedDatabase,
    wanted: Requirement,
) -> Result<Fingerprint, Halt> {
    run.progress().phase(format!("copy: rows of {name}"));
    let start = run.elapsed();
    let sessions = sessions(plan, run, made, name).await?;
    let first = sessions.first().ok_or(Halt::Stopped)?;
    let fingerprint = read_copy(run, &sessions).await?;
    made.stages.add(&format!("rows of {name}"), start, run.elapsed(), listed(&fingerprint));
    run.detail(format!("Tables of the copy of {name}"), &tables(&fingerprint));
    let is_dumped = |table: &TableName| {
        !matches!(fingerprint.apart.get(table), Some(Apart::OfExtension | Apart::Foreign))
    };
    let (mut same, mut differ) = ((0, 0), false);
    for (table, rows) in dumped.rows.iter().filter(|(table, _)| is_dumped(table)) {
        match found(run, first, &fingerprint.tables, table).await? {
            Some(count) if count == *rows => same = (same.0 + 1, same.1 + rows),
            found => {
                differ = true;
                let expected = format!("{}, as in the dump", counted(*rows, "row"));
                let observed = found.map_or("no such table".to_owned(), |count| counted(count, "row"));
                run.finding(RESTORE_ROWS.failed(table.to_string()).expected(expected).observed(observed));
            }
        }
    }
    large_objects(run, name, dumped, &fingerprint.tables);
    if !differ {
        run.finding(said(name, same, dumped.uncounted, wanted));
    }
    Ok(fingerprint)
}

fn said(name: &str, (tables, rows): (u64, u64), uncounted: u64, wanted: Requirement) -> Finding {
    let expected = "every table with as many rows as the dump holds of it";
    if tables == 0 {
        let (reason, remedy) = match uncounted {
            0 => (
                "the dump holds no rows".to_owned(),
                "where its source holds some, it was made without them (pg_dump --schema-only), and is no backup of \
                 them; where there are none, show it by a fingerprint (--fingerprint)",
            ),
            _ => (
                format!(
                    "the dump holds INSERT statements and not COPY data: {} not counted",
                    counted(uncounted, "table")
                ),
                "take a fingerprint with the dump and give it with --fingerprint, or dump without --inserts",
            ),
        };
        // An empty dump proves nothing, and neither does one that cannot be counted: a fingerprint may.
        return RESTORE_ROWS.not_checked(wanted, name, reason).expected(expected).remedy(remedy);
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
    let query = format!(
        "SAVEPOINT found; SELECT count(*) FROM {}.{}",
        identifier(&table.schema),
        identifier(&table.name)
    );
    let counted = session.value(run.stop(), &query).await;
    let of_server = |failure| own_server(&table.to_string(), failure);
    if matches!(counted, Err(QueryFailure::Stopped)) {
        return Err(Halt::Stopped);
    }
    // A table that is missing must not end the transaction, in which the next one is asked for.
    session.query(run.stop(), "ROLLBACK TO SAVEPOINT found").await.map_err(of_server)?;
    match counted {
        Ok(count) => Ok(count.parse().ok()),
        Err(failure) if failure.is("42P01") || failure.is("3F000") => Ok(None),
        Err(failure) => Err(of_server(failure)),
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
