//! The source's roles, by name only: grants and owners of the copy must find them. No role of the copy can
//! log in, and none has a password.

use evidence_report::run::Stop;

use crate::{
    connection::{QueryFailure, Session},
    sql::identifier,
};

/// A role of the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Role {
    /// Its name.
    pub(crate) name: String,
    /// Some objects (event triggers, foreign-data wrappers) may only belong to a superuser.
    pub(crate) superuser: bool,
}

/// So many statements go to the server at once.
const BATCH: usize = 200;

/// Creates the roles in the scratch cluster, except the one that is there already.
///
/// # Errors
/// When the server refuses, or the run is asked to stop.
pub(crate) async fn create_roles(
    session: &Session,
    stop: &Stop,
    roles: &[Role],
    existing: &str,
) -> Result<(), QueryFailure> {
    let wanted: Vec<_> = roles.iter().filter(|role| role.name != existing).map(statement).collect();
    for batch in wanted.chunks(BATCH) {
        session.query(stop, &batch.concat()).await?;
    }
    Ok(())
}

fn statement(role: &Role) -> String {
    let superuser = if role.superuser { "SUPERUSER" } else { "NOSUPERUSER" };
    format!("CREATE ROLE {} NOLOGIN {superuser};\n", identifier(&role.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_role_of_the_copy_can_log_in() {
        let role = Role { name: "we\"ird; DROP".to_owned(), superuser: false };
        assert_eq!(statement(&role), "CREATE ROLE \"we\"\"ird; DROP\" NOLOGIN NOSUPERUSER;\n");
    }
}
