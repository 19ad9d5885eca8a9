//! The structure of heaps and indexes, by `pg_amcheck` in every database of a copy that runs. It works on
//! logical copies as well as on physical ones.

use evidence_report::{
    record::{Finding, Requirement},
    run::Run,
};

use super::unhurried;
use crate::{
    checks::{ENVIRONMENT, INTEGRITY_AMCHECK},
    connection::Handover,
    halt::Halt,
    plan::Amcheck,
    programs::Programs,
    reads,
    scratch::Cluster,
    sql::message_template,
};

/// So many messages are kept.
const MESSAGES_KEPT: usize = 20;

/// Checks every database. The extension is installed in the copy, which is thrown away.
///
/// # Errors
/// When our own server gave up, or the run was asked to stop. What it finds is a finding.
pub(crate) async fn amcheck(
    run: &Run,
    programs: &Programs,
    copy: &mut Cluster,
    database: &str,
    how: Amcheck,
    jobs: usize,
) -> Result<Finding, Halt> {
    let subject = "heaps and indexes";
    if how == Amcheck::Off {
        let reason = "not asked for (--amcheck)";
        return Ok(INTEGRITY_AMCHECK.not_checked(Requirement::Optional, subject, reason));
    }
    if programs.major < 14 {
        let reason = "pg_amcheck comes with PostgreSQL 14 and later";
        return Ok(INTEGRITY_AMCHECK.not_checked(Requirement::Optional, subject, reason));
    }
    let session = copy.administrator(run, database).await?;
    let available = session
        .query(run.stop(), "SELECT name FROM pg_available_extensions WHERE name = 'amcheck'")
        .await
        .map_err(|failure| ENVIRONMENT.inconclusive("extensions").observed(failure.to_string()))?;
    drop(session);
    if available.is_empty() {
        return Ok(INTEGRITY_AMCHECK
            .inconclusive(subject)
            .expected("the extension amcheck on this machine")
            .observed("it is not installed here")
            .remedy("install PostgreSQL's contrib package (on Debian it comes with the server)"));
    }
    let target = unhurried(copy, database);
    let endpoint = target.endpoints.first().cloned().ok_or(Halt::Stopped)?;
    let not_written = |error: std::io::Error| {
        ENVIRONMENT.inconclusive("pg_amcheck's connection").observed(error.to_string())
    };
    let handover =
        Handover::write(run.folder(), &target, &endpoint, "backup-restore-smoke").map_err(not_written)?;
    let mut command = handover
        .lend(programs.client(run, "pg_amcheck"))
        .args(["--no-password", "--install-missing", "--all"])
        .arg(format!("--jobs={jobs}"));
    if how == Amcheck::HeapAllIndexed {
        command = command.arg("--heapallindexed");
    }
    let reads = reads::of_server(run, copy.data(), copy.bytes());
    let output = command.arg("--maintenance-db").arg(handover.conninfo()).output(run.stop()).await;
    drop(reads);
    let output = output
        .map_err(|error| ENVIRONMENT.inconclusive("PostgreSQL programs").observed(error.to_string()))?;
    if output.stopped || run.stop().is_requested() {
        return Err(Halt::Stopped);
    }
    if copy.has_ended() {
        return Err(copy.why_ended("the server ended while amcheck looked at it").into());
    }
    let messages = messages(&output.stdout);
    if !messages.is_empty() {
        run.detail("Messages of pg_amcheck", &messages.join("\n"));
    }
    Ok(judge(how, output.status.code(), &messages, &output.stderr))
}

fn judge(how: Amcheck, code: Option<i32>, messages: &[String], stderr: &str) -> Finding {
    let subject = "heaps and indexes";
    let expected = match how {
        Amcheck::HeapAllIndexed => "sound heaps and btree indexes, every row in every index",
        _ => "sound heaps and btree indexes",
    };
    match (code, messages) {
        (Some(0), _) => {
            INTEGRITY_AMCHECK.passed(subject).expected(expected).observed("pg_amcheck: no corruption")
        }
        (_, [first, ..]) if first.contains("canceling statement due to ") => {
            INTEGRITY_AMCHECK.inconclusive(subject).expected(expected).observed(first.as_str())
        }
        (_, [first, rest @ ..]) => {
            let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
            INTEGRITY_AMCHECK.failed(subject).expected(expected).observed(format!("{first}{more}"))
        }
        (_, []) => {
            let said = obstacle(stderr).unwrap_or_else(|| format!("it ended with {code:?}"));
            INTEGRITY_AMCHECK.inconclusive(subject).expected(expected).observed(said)
        }
    }
}

/// What kept it from looking: of a connection that failed what the server said, not the socket.
fn obstacle(stderr: &str) -> Option<String> {
    let mut lines = stderr.lines().skip_while(|line| !line.contains("error: "));
    let (_, said) = lines.next()?.split_once("error: ")?;
    let Some((_, fatal)) = said.split_once("FATAL:  ") else { return Some(message_template(said)) };
    let detail = lines.next().and_then(|line| line.strip_prefix("DETAIL:  "));
    let detail = detail.map_or_else(String::new, |detail| format!(": {}", message_template(detail)));
    Some(format!("{}{detail}", message_template(fatal)))
}

/// What it found: a line that names the relation, and an indented one that says what is wrong with it.
fn messages(stdout: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in stdout.lines() {
        match line.strip_prefix("    ") {
            Some(said) if !said.starts_with("DETAIL") && !said.starts_with("HINT") => {
                if let Some(last) = found.last_mut()
                    && last.ends_with(':')
                {
                    *last = format!("{last} {}", message_template(said.trim()));
                }
            }
            Some(_) => {}
            None if line.ends_with(':') => found.push(line.to_owned()),
            None => {}
        }
    }
    found.truncate(MESSAGES_KEPT);
    found
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    const SAID: &str = "heap table \"db.public.t\", block 0, offset 3:\n    line pointer length 9 is too small\n\
                        btree index \"db.public.i\":\n    ERROR:  item order invariant violated for index \"i\"\n    DETAIL:  Lower index tid=(1,2)\n";

    #[test]
    fn findings_name_relation_and_reason_and_nothing_else() {
        let found = messages(SAID);
        assert_eq!(
            found,
            [
                "heap table \"db.public.t\", block 0, offset 3: line pointer length 9 is too small",
                "btree index \"db.public.i\": ERROR:  item order invariant violated for index \"i\"",
            ]
        );
        assert_eq!(judge(Amcheck::Structure, Some(2), &found, "").outcome, Outcome::Failed);
    }

    #[test]
    fn the_servers_words_stand_for_a_connection_that_failed() {
        let said = "pg_amcheck: error: connection to server on socket \"/x/.s.PGSQL.5432\" failed: FATAL:  database \"shop\" \
                    does not exist\nDETAIL:  The database subdirectory \"base/5\" is missing.\n";
        let told = "database \"shop\" does not exist: The database subdirectory \"base/5\" is missing.";
        assert_eq!(judge(Amcheck::Structure, Some(1), &[], said).observed, told);
        assert_eq!(obstacle("pg_amcheck: error: no such option"), Some("no such option".to_owned()));
        assert_eq!(obstacle(""), None);
    }

    #[test]
    fn an_obstacle_is_no_corruption() {
        let stderr = "pg_amcheck: error: connection to server failed";
        assert_eq!(judge(Amcheck::Structure, Some(1), &[], stderr).outcome, Outcome::Inconclusive);
        assert_eq!(judge(Amcheck::Structure, Some(0), &[], "").outcome, Outcome::Passed);
        let cut_short =
            ["heap table \"db.public.t\": ERROR:  canceling statement due to user request".to_owned()];
        assert_eq!(judge(Amcheck::Structure, Some(2), &cut_short, "").outcome, Outcome::Inconclusive);
    }
}
