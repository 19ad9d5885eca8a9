//! Settings that a copy brings along in its catalogue (`ALTER DATABASE … SET`, `ALTER ROLE … SET`) and that win over
//! the server's command line: libraries that every new session loads, event triggers that run at each login, a role that
//! it takes, a language that we do not read, an isolation that a standby has not. Only a session's own options, or a
//! setting of its own role in this database, win over those. Pure.

use crate::sql::literal;

/// The settings that are taken back, with the first major version that knows each.
const QUIET: [(&str, &str, u32); 3] = [
    ("session_preload_libraries", "", 0),
    ("local_preload_libraries", "", 0),
    // A trigger on login fires before anybody could switch it off (PostgreSQL 17 and later).
    ("event_triggers", "off", 17),
];

fn known(major: u32) -> impl Iterator<Item = (&'static str, &'static str)> {
    QUIET.into_iter().filter(move |(.., since)| major >= *since).map(|(name, value, _)| (name, value))
}

/// On the server's command line, for whom nothing else says otherwise.
pub(super) fn settings(major: u32) -> impl Iterator<Item = String> {
    known(major).map(|(name, value)| format!("{name}={value}"))
}

/// A copy that recovers takes no serializable transaction, and would let nobody look whether it has come to its target.
const SERIALIZABLE_NOT: &str = r"default_transaction_isolation=read\ committed";

/// The options of a superuser's session: it is nobody else's either, whatever role the database would have it take.
pub(super) fn options(major: u32) -> String {
    let plain = ["role=none", "lc_messages=C", SERIALIZABLE_NOT].map(str::to_owned);
    let all = plain.into_iter().chain(settings(major));
    let words: Vec<_> = all.map(|setting| format!("-c {setting}")).collect();
    words.join(" ")
}

/// The same for a role of ours that may not give such options. They go away with the role. (ALTER ROLE cannot say it: it
/// would make a list of one library without a name out of an empty one.)
pub(crate) fn of_role(major: u32, role: &str, database: &str) -> String {
    let settings: Vec<_> = settings(major).map(|setting| literal(&setting)).collect();
    format!(
        "INSERT INTO pg_catalog.pg_db_role_setting (setdatabase, setrole, setconfig) \
         SELECT d.oid, r.oid, ARRAY[{}] FROM pg_catalog.pg_database AS d, pg_catalog.pg_roles AS r \
         WHERE d.datname = {} AND r.rolname = {};",
        settings.join(", "),
        literal(database),
        literal(role)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_is_given_what_it_knows() {
        let plain = r"-c role=none -c lc_messages=C -c default_transaction_isolation=read\ committed";
        assert_eq!(options(16), format!("{plain} -c session_preload_libraries= -c local_preload_libraries="));
        assert!(options(17).ends_with(" -c event_triggers=off"));
        let role = of_role(17, "we'ird", "shop");
        for needed in ["'session_preload_libraries='", "'event_triggers=off'", "'we''ird'", "'shop'"] {
            assert!(role.contains(needed), "{needed} in {role}");
        }
    }
}
