//! What a server wrote into its log about errors, without row values. Pure.

use crate::sql::{message_template, refusal_template};

/// The errors of a log, each with the CONTEXT that tells whether its words are the server's own.
pub(super) fn errors_in(log: &str) -> Vec<(String, String)> {
    let lines: Vec<_> = log.lines().collect();
    let contexts = |from: usize| {
        let behind = lines.iter().skip(from + 1).take_while(|line| !is_message(line));
        behind.copied().collect::<Vec<_>>().join("\n")
    };
    let errors = lines.iter().enumerate().filter_map(|(at, line)| error_line(line, &contexts(at)));
    errors.collect()
}

/// Whether a message begins here, and not something that belongs to one.
fn is_message(line: &str) -> bool {
    const LEVELS: [&str; 6] = ["ERROR:", "FATAL:", "PANIC:", "WARNING:", "LOG:", "NOTICE:"];
    let rest = line.strip_prefix('@').and_then(|line| line.split_once('@'));
    rest.is_some_and(|(_, rest)| LEVELS.iter().any(|level| rest.starts_with(level)))
}

/// Reads `@42704@ERROR:  role "x" does not exist`. 57P03 is only the answer to our own knocking at a server that
/// starts or ends, and would hide what it ended of.
fn error_line(line: &str, context: &str) -> Option<(String, String)> {
    let (code, rest) = line.strip_prefix('@')?.split_once('@')?;
    if code == "57P03" {
        return None;
    }
    let message = ["ERROR:", "FATAL:", "PANIC:"].iter().find_map(|level| rest.strip_prefix(level))?;
    Some((code.to_owned(), refusal_template(code, message.trim(), context)))
}

/// What `initdb` complained of last: in words of its own, or of the server that it runs.
pub(super) fn last_error(stderr: &str) -> Option<String> {
    let said = |level| stderr.lines().rev().find_map(|line| Some(line.split_once(level)?.1));
    let of_initdb = || {
        let mut lines = stderr.lines().filter_map(|line| line.strip_prefix("initdb: "));
        let says = |said: &&str| ["warning:", "hint:", "removing "].iter().all(|no| !said.starts_with(no));
        lines.find(says)
    };
    let last = ["FATAL:", "PANIC:", "error:"].into_iter().find_map(said).or_else(of_initdb)?;
    Some(message_template(last.trim()))
}

#[cfg(test)]
mod tests {
    use super::{errors_in, last_error};

    #[test]
    fn code_and_template_are_read_from_the_log() {
        let line = "@22P02@ERROR:  invalid input syntax for type integer: \"4111\"";
        let wanted = ("22P02".to_owned(), "invalid input syntax for type integer: \"…\"".to_owned());
        assert_eq!(errors_in(line), [wanted]);
        assert!(
            errors_in("@00000@LOG:  ready\n@57P03@FATAL:  the database system is starting up").is_empty()
        );
        assert!(errors_in("DETAIL: Key (card)=(4111)\n@23505@DETAIL:  Key (card)=(4111)").is_empty());
    }

    #[test]
    fn what_code_in_the_database_raised_is_known_by_its_context() {
        let log = "@23514@ERROR:  card 4111\n@23514@CONTEXT:  PL/pgSQL function f(text) line 1 at RAISE\n\tCOPY c, line 1\n\
                   @22012@ERROR:  division by zero\n@22012@CONTEXT:  COPY c, line 2: \"4111\"\n@00000@LOG:  x at RAISE\n";
        let errors = errors_in(log);
        assert_eq!(errors.len(), 2);
        assert!(
            errors[0].1.starts_with("code in the database") && errors[1].1 == "division by zero",
            "{errors:?}"
        );
    }

    #[test]
    fn what_initdb_complained_of_is_read() {
        let full = "2026-11-26 [6] FATAL:  could not write to file \"base/4/1\": No space left on device\nSTATEMENT: x\n\
                    child process exited with exit code 1\n";
        let wanted = "could not write to file \"base/4/1\": No space left on device";
        assert_eq!(last_error(full).as_deref(), Some(wanted));
        assert_eq!(
            last_error("initdb: error: cannot be run as root").as_deref(),
            Some("cannot be run as root")
        );
        let nameless = "initdb: warning: x\ninitdb: could not look up effective user ID 12345: user does not exist\n\
                        initdb: removing data directory \"x\"\n";
        assert!(last_error(nameless).unwrap().contains("user ID 12345"));
        assert_eq!(last_error("ok\ninitdb: hint: x"), None);
    }
}
