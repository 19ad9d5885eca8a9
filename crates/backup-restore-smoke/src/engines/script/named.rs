//! What a dump's statements name that must be there before they run: roles and extensions. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::tokens::{Token, tokens};
use crate::comparison::TableName;

/// Words that stand where a role may, and are none.
const NO_ROLES: [&str; 5] = ["public", "current_user", "current_role", "session_user", "none"];

/// Of these also in quotes: no role can have such a name.
const RESERVED: [&str; 2] = ["public", "none"];

/// The table that `COPY schema.table (…) FROM stdin` fills.
pub(crate) fn copy_target(statement: &[u8]) -> Option<TableName> {
    match tokens(statement).as_slice() {
        [copy, schema, Token::Sign(b'.'), table, ..] if copy.is("copy") => {
            Some(TableName { schema: schema.name()?.to_owned(), name: table.name()?.to_owned() })
        }
        _ => None,
    }
}

/// The names, gathered over a dump.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// Roles, and whether each must be a superuser to own what it owns.
    pub(crate) roles: BTreeMap<String, bool>,
    /// Roles that own something, or whose default privileges are set.
    pub(crate) owners: BTreeSet<String>,
    /// Extensions.
    pub(crate) extensions: BTreeSet<String>,
}

impl Named {
    /// Notes a role by its name.
    pub(crate) fn role(&mut self, name: &str, superuser: bool) {
        if !name.is_empty() && !name.starts_with("pg_") {
            *self.roles.entry(name.to_owned()).or_default() |= superuser;
        }
    }

    /// Notes the owner of something.
    pub(crate) fn owner(&mut self, name: &str, superuser: bool) {
        self.role(name, superuser);
        if self.roles.contains_key(name) {
            self.owners.insert(name.to_owned());
        }
    }

    /// Notes what a statement names.
    pub(crate) fn statement(&mut self, statement: &[u8]) {
        let words = tokens(statement);
        let is = |index: usize, wanted: &str| words.get(index).is_some_and(|token| token.is(wanted));
        match words.first() {
            Some(Token::Word(word)) if word == "grant" => self.list_after(&words, "to"),
            Some(Token::Word(word)) if word == "revoke" => self.list_after(&words, "from"),
            Some(Token::Word(word)) if word == "alter" => {
                let superuser = is(1, "event") || (is(1, "foreign") && is(2, "data"));
                self.after(&words, &["owner", "to"], superuser);
                if is(1, "default") {
                    self.after(&words, &["for", "role"], false);
                    self.list_after(
                        &words,
                        if words.iter().any(|word| word.is("revoke")) { "from" } else { "to" },
                    );
                }
            }
            Some(Token::Word(word)) if word == "create" => self.create(&words),
            Some(Token::Word(word)) if word == "set" && is(1, "session") => {
                if let Some(Token::Text(name)) = words.get(3) {
                    self.role(name, false);
                }
            }
            _ => {}
        }
    }

    fn create(&mut self, words: &[Token]) {
        let is = |index: usize, wanted: &str| words.get(index).is_some_and(|token| token.is(wanted));
        if is(1, "policy") {
            self.list_after(words, "to");
        } else if is(1, "user") && is(2, "mapping") {
            self.after(words, &["for"], false);
        } else if is(1, "schema") {
            self.after(words, &["authorization"], false);
        } else if is(1, "extension") {
            let name =
                words.iter().skip(2).find(|word| !["if", "not", "exists"].iter().any(|no| word.is(no)));
            self.extensions.extend(name.and_then(Token::name).map(str::to_owned));
        }
    }

    /// The role behind these words.
    fn after(&mut self, words: &[Token], wanted: &[&str], superuser: bool) {
        let at = words
            .windows(wanted.len())
            .position(|part| part.iter().zip(wanted).all(|(token, word)| token.is(word)));
        if let Some(token) = at.and_then(|at| words.get(at + wanted.len())) {
            self.token(token, superuser);
        }
    }

    /// The roles in the list behind the last such word.
    fn list_after(&mut self, words: &[Token], wanted: &str) {
        let Some(at) = words.iter().rposition(|token| token.is(wanted)) else { return };
        let mut expected = true;
        for token in &words[at + 1..] {
            match token {
                Token::Sign(b',') => expected = true,
                Token::Word(_) | Token::Name(_) if expected => {
                    self.token(token, false);
                    expected = false;
                }
                _ => break,
            }
        }
        self.after(words, &["granted", "by"], false);
    }

    fn token(&mut self, token: &Token, superuser: bool) {
        match token {
            Token::Word(name) if NO_ROLES.contains(&name.as_str()) => {}
            Token::Name(name) if RESERVED.contains(&name.as_str()) => {}
            Token::Word(name) | Token::Name(name) => self.role(name, superuser),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_grantees_and_their_like_are_found() {
        let mut named = Named::default();
        for statement in [
            "ALTER TABLE shop.t OWNER TO \"shop owner\";",
            "GRANT SELECT ON TABLE t TO reader WITH GRANT OPTION;",
            "GRANT ALL ON TABLE t TO PUBLIC;",
            "REVOKE ALL ON SCHEMA public FROM old_admin;",
            "ALTER DEFAULT PRIVILEGES FOR ROLE maker IN SCHEMA s GRANT SELECT ON TABLES TO later;",
            "CREATE POLICY p ON t TO one, two USING ((a = 'to nobody'));",
            "CREATE USER MAPPING FOR mapped SERVER s OPTIONS (\"user\" 'x');",
            "CREATE SCHEMA s AUTHORIZATION author;",
            "CREATE USER MAPPING FOR \"public\" SERVER \"s\";",
            "GRANT ALL ON TABLE t TO \"current_user\";",
            "ALTER EVENT TRIGGER e OWNER TO chief;",
            "GRANT pg_monitor TO watcher;",
            "CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA public;",
        ] {
            named.statement(statement.as_bytes());
        }
        let roles: Vec<_> = named.roles.iter().map(|(name, superuser)| (name.as_str(), *superuser)).collect();
        let wanted = [
            "author",
            "current_user",
            "later",
            "maker",
            "mapped",
            "old_admin",
            "one",
            "reader",
            "shop owner",
            "two",
            "watcher",
        ];
        assert_eq!(roles.iter().filter(|(_, s)| !s).map(|(n, _)| *n).collect::<Vec<_>>(), wanted);
        assert!(named.roles["chief"]);
        assert!(named.extensions.contains("uuid-ossp"));
    }
}
