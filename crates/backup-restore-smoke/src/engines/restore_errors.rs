//! What the errors of a restore mean: a bad backup, something that this machine lacks, or that the copy is kept
//! apart. Pure.

use evidence_report::record::Finding;

use crate::checks::{ENVIRONMENT, RESTORE_COMPLETED};

/// An error: SQLSTATE (empty where it is not known) and message template.
pub(crate) type ServerError = (String, String);

/// What an error is a sign of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// It says nothing: what was to be made is there in every database.
    Nothing,
    /// The disk or the memory is full, and everything after it means nothing.
    DiskFull,
    /// This machine lacks an extension or a library.
    Lacking,
    /// These programs were built without what the archive is compressed by.
    Unreadable,
    /// A role is missing.
    Role,
    /// A foreign server was asked for, which the copy must not reach, or something waits for its rows.
    Isolation,
    /// The backup does not restore.
    Bad,
}

/// Judges the errors of a restore; `None` when none of them says anything. `roles` says whether the copy was given
/// all roles of the source, so that a missing one is the backup's fault.
pub(crate) fn judge(errors: &[ServerError], all_roles: bool) -> Option<Finding> {
    let isolated = errors.iter().any(|(code, _)| code.starts_with("08"));
    let mut signs: Vec<_> = errors.iter().map(|error| (sign(error, isolated), error)).collect();
    let lacking = signs.iter().position(|(sign, _)| *sign == Sign::Lacking).unwrap_or(signs.len());
    for (sign, _) in
        signs.iter_mut().skip(lacking).filter(|(sign, error)| *sign == Sign::Bad && is_absence(error))
    {
        // What an extension or a library would have brought.
        *sign = Sign::Lacking;
    }
    let first = |wanted: Sign| {
        let found: Vec<_> = signs.iter().filter(|(sign, _)| *sign == wanted).collect();
        found.first().map(|(_, (code, message))| {
            let more =
                if found.len() > 1 { format!(" (and {} more)", found.len() - 1) } else { String::new() };
            if code.is_empty() { format!("{message}{more}") } else { format!("{code}: {message}{more}") }
        })
    };
    let expected = "the restore ends without an error";
    if let Some(observed) = first(Sign::DiskFull) {
        return Some(ENVIRONMENT.inconclusive("space for the copy").expected(expected).observed(observed));
    }
    if let Some(observed) = first(Sign::Unreadable) {
        let finding = ENVIRONMENT.inconclusive("programs that read the archive").expected(expected);
        return Some(finding.observed(observed).remedy(
            "name PostgreSQL programs that were built with this compression by --pg-bin (`pg_config --configure` tells: \
             --with-zstd, --with-lz4); the backup itself is not judged",
        ));
    }
    if let Some(observed) = first(Sign::Bad).or_else(|| all_roles.then(|| first(Sign::Role)).flatten()) {
        return Some(RESTORE_COMPLETED.failed("restore").expected(expected).observed(observed));
    }
    if let Some(observed) = first(Sign::Lacking) {
        let finding =
            ENVIRONMENT.inconclusive("extensions and libraries").expected(expected).observed(observed);
        return Some(
            finding.remedy("install the extension or library that is named; the backup itself is not judged"),
        );
    }
    let ours = |observed, remedy: &'static str| {
        Some(RESTORE_COMPLETED.inconclusive("restore").expected(expected).observed(observed).remedy(remedy))
    };
    if let Some(observed) = first(Sign::Role) {
        return ours(
            observed,
            "give the roles with --globals (pg_dumpall --globals-only), or make the role that is named",
        );
    }
    first(Sign::Isolation).and_then(|observed| {
        ours(
            observed,
            "the copy is kept apart, so what needs a foreign server cannot be refreshed; leave it out, or judge \
             it elsewhere",
        )
    })
}

fn sign((code, message): &ServerError, isolated: bool) -> Sign {
    let says = |what: &str| message.contains(what);
    match code.as_str() {
        "42P06" if says("schema \"public\" already exists") => Sign::Nothing,
        "42710" if says("\"plpgsql\" already exists") => Sign::Nothing,
        // Class 53: insufficient resources.
        _ if code.starts_with("53") => Sign::DiskFull,
        "58P01" if says("extension control file") || says("could not access file") => Sign::Lacking,
        "0A000" if says("extension") && says("is not available") => Sign::Lacking,
        "42704" if says("role \"") && says("does not exist") => Sign::Role,
        // Class 08: connection exceptions.
        _ if code.starts_with("08") => Sign::Isolation,
        // A view over one that could not be filled.
        "55000" if isolated && says("has not been populated") => Sign::Isolation,
        "" => sign_without_code(message),
        _ => Sign::Bad,
    }
}

/// Undefined schema, column, function, table or other object.
fn is_absence((code, message): &ServerError) -> bool {
    matches!(code.as_str(), "3F000" | "42703" | "42883" | "42P01" | "42704")
        || (code.is_empty() && message.contains("does not exist"))
}

/// A server whose log we cannot read gives only messages.
fn sign_without_code(message: &str) -> Sign {
    let says = |what: &str| message.contains(what);
    match () {
        () if says("schema \"public\" already exists") || says("\"plpgsql\" already exists") => Sign::Nothing,
        () if says("No space left on device") => Sign::DiskFull,
        () if says("is not available") && says("extension") => Sign::Lacking,
        () if says("this build does not support compression") => Sign::Unreadable,
        () if says("role \"") && says("does not exist") => Sign::Role,
        () if says("could not connect to server") || says("could not establish connection") => {
            Sign::Isolation
        }
        () => Sign::Bad,
    }
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    fn outcome(errors: &[(&str, &str)]) -> Option<Outcome> {
        let errors: Vec<_> =
            errors.iter().map(|(code, message)| ((*code).to_owned(), (*message).to_owned())).collect();
        judge(&errors, false).map(|finding| finding.outcome)
    }

    #[test]
    fn a_bad_backup_is_told_from_what_is_missing_here() {
        let (bad, ours) = (Some(Outcome::Failed), Some(Outcome::Inconclusive));
        for (errors, wanted) in [
            (vec![("42P06", "schema \"public\" already exists")], None),
            (vec![("42P06", "schema \"shop\" already exists")], bad),
            (vec![("23505", "duplicate key")], bad),
            (vec![("53100", "could not extend file"), ("42P01", "relation \"x\" does not exist")], ours),
            (vec![("0A000", "extension \"postgis\" is not available")], ours),
            (
                vec![(
                    "",
                    "cannot restore from compressed archive (this build does not support compression with zstd)",
                )],
                ours,
            ),
            (
                vec![
                    ("58P01", "could not access file \"$libdir/x\""),
                    ("42883", "function f() does not exist"),
                ],
                ours,
            ),
            (
                vec![
                    ("42883", "function f() does not exist"),
                    ("58P01", "could not access file \"$libdir/x\""),
                ],
                bad,
            ),
            (vec![("58P01", "could not access file \"$libdir/x\""), ("23505", "duplicate key")], bad),
            (vec![("42704", "role \"x\" does not exist")], ours),
            (vec![("42704", "type \"x\" does not exist")], bad),
            (vec![("08001", "could not connect to server \"other\"")], ours),
            (vec![("08001", "x"), ("55000", "materialized view \"v\" has not been populated")], ours),
            (vec![("55000", "materialized view \"v\" has not been populated")], bad),
            (vec![("08001", "x"), ("22012", "division by zero")], bad),
        ] {
            assert_eq!(outcome(&errors), wanted, "{errors:?}");
        }
        let role = [("42704".to_owned(), "role \"x\" does not exist".to_owned())];
        assert_eq!(judge(&role, true).unwrap().outcome, Outcome::Failed);
    }
}
