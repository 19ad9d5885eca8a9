//! What the role of `--target` may not do there. Pure. A restore that ends for want of a right says nothing about the
//! backup.

use evidence_report::record::Finding;

use crate::{
    checks::ENVIRONMENT,
    engines::restore_errors::ServerError,
    sql::{identifier, literal},
};

/// How a server says that a role may not do something.
const REFUSALS: [&str; 7] = [
    "permission denied",
    "must be owner of",
    "must be member of role",
    "must be able to SET ROLE",
    "must have privileges of role",
    "must be superuser",
    "must be a superuser",
];

/// So many refusals are named.
const NAMED: usize = 5;

/// Which of these roles the role of the session cannot make an owner of anything, and whether each is a superuser.
pub(super) fn no_member_of(owners: &[&str]) -> String {
    let wanted = owners.iter().map(|owner| literal(owner)).collect::<Vec<_>>().join(", ");
    format!(
        "SELECT rolname, rolsuper FROM pg_catalog.pg_roles WHERE rolname IN ({wanted}) AND NOT \
         pg_catalog.pg_has_role(oid, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' \
         ELSE 'MEMBER' END) ORDER BY rolname"
    )
}

/// What to do about owners that the role of the target is no member of; of each whether it is a superuser.
pub(super) fn remedy(owners: &[(String, bool)], role: &str) -> String {
    let list = |superuser: bool| {
        let of = owners.iter().filter(|(_, is_superuser)| *is_superuser == superuser);
        of.map(|(name, _)| identifier(name)).collect::<Vec<_>>().join(", ")
    };
    let (ordinary, mighty) = (list(false), list(true));
    let grant = (!ordinary.is_empty())
        .then(|| format!("as an administrator of that server: GRANT {ordinary} TO {}", identifier(role)));
    let superuser = (!mighty.is_empty()).then(|| {
        format!("{mighty} is a superuser there: what it owns, only a superuser restores; give --target one")
    });
    grant.into_iter().chain(superuser).collect::<Vec<_>>().join("; ")
}

/// What to say when a restore was refused something; `None` where it was not.
pub(crate) fn refused(errors: &[ServerError]) -> Option<Finding> {
    let is_refusal = |(code, message): &&ServerError| {
        code == "42501" || REFUSALS.iter().any(|said| message.contains(said))
    };
    let mut said: Vec<_> = errors.iter().filter(is_refusal).map(|(_, message)| message.as_str()).collect();
    said.sort_unstable();
    said.dedup();
    let more = said.len().saturating_sub(NAMED);
    said.truncate(NAMED);
    if said.is_empty() {
        return None;
    }
    let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
    Some(
        ENVIRONMENT
            .inconclusive("rights of the role of --target")
            .expected("a role that may restore everything that the dump holds")
            .observed(format!("{}{more}", said.join("; ")))
            .remedy(
                "give the role what is named, on that server only, or let a superuser of that server restore; the \
                 backup itself is not judged",
            ),
    )
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    fn errors(messages: &[&str]) -> Vec<ServerError> {
        messages.iter().map(|message| (String::new(), (*message).to_owned())).collect()
    }

    #[test]
    fn a_refusal_is_no_bad_backup_and_each_is_said_once() {
        let finding = refused(&errors(&[
            "must be member of role \"shop\"",
            "must be member of role \"shop\"",
            "permission denied for schema public",
            "must be able to SET ROLE \"shop\"",
        ]))
        .unwrap();
        assert_eq!(finding.outcome, Outcome::Inconclusive);
        assert_eq!(finding.observed.matches("member of role").count(), 1, "{}", finding.observed);
        assert!(refused(&errors(&["duplicate key", "relation \"x\" does not exist"])).is_none());
        let many: Vec<_> = (0..9).map(|number| format!("must be owner of table t{number}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert!(refused(&errors(&many)).unwrap().observed.ends_with("(and 4 more)"));
    }

    #[test]
    fn the_remedy_can_be_typed() {
        let owners = [("shop owner".to_owned(), false), ("postgres".to_owned(), true)];
        let said = remedy(&owners, "kept");
        assert!(said.contains("GRANT \"shop owner\" TO \"kept\"; \"postgres\" is a superuser"), "{said}");
        assert!(!remedy(&owners[..1], "kept").contains("superuser"));
    }
}
