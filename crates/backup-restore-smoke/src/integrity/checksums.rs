//! Page checksums of the whole copy, by `pg_checksums` on a server that has been shut down cleanly: it refuses
//! any other, and pages that recovery has not mended yet may rightly be torn.

use evidence_report::{
    record::{Finding, Requirement},
    run::Run,
};

use crate::{
    checks::{ENVIRONMENT, INTEGRITY_CHECKSUMS},
    halt::Halt,
    reads,
    scratch::Cluster,
    sql::message_template,
};

/// Checks every page of the copy, which must have been shut down.
///
/// # Errors
/// When the program cannot be run, or the run was asked to stop. What it finds is a finding.
pub(crate) async fn checksums(run: &Run, copy: &Cluster, enabled: bool) -> Result<Finding, Halt> {
    if !enabled {
        let reason = "the cluster was made without page checksums: only a comparison of content would show a \
                      corrupt page";
        return Ok(INTEGRITY_CHECKSUMS.not_checked(Requirement::Optional, "copy", reason));
    }
    let reads = reads::of_program(run, "pg_checksums", copy.bytes());
    let output = copy.program(run, "pg_checksums").arg("--check").output(run.stop()).await;
    drop(reads);
    let output = output
        .map_err(|error| ENVIRONMENT.inconclusive("PostgreSQL programs").observed(error.to_string()))?;
    if output.stopped {
        return Err(Halt::Stopped);
    }
    Ok(judge(output.status.success(), &output.stdout, &output.stderr))
}

fn judge(success: bool, stdout: &str, stderr: &str) -> Finding {
    let expected = "every page has the checksum of its content";
    if success {
        let blocks = stdout.lines().find_map(|line| line.strip_prefix("Blocks scanned:"));
        let observed = format!("{} blocks, all so", blocks.map_or("all", str::trim));
        return INTEGRITY_CHECKSUMS.passed("copy").expected(expected).observed(observed);
    }
    let failed: Vec<_> =
        stderr.lines().filter(|line| line.contains("checksum verification failed")).collect();
    match failed.first() {
        Some(first) => {
            let first = first.split_once("error: ").map_or(*first, |(_, said)| said);
            let (place, _) = first.split_once(": calculated").unwrap_or((first, ""));
            let place = place.rsplit_once("/data/").map_or_else(
                || message_template(place),
                |(_, file)| format!("checksum verification failed in {}", file.replace('"', "")),
            );
            let more =
                if failed.len() > 1 { format!(" (and {} more)", failed.len() - 1) } else { String::new() };
            INTEGRITY_CHECKSUMS.failed("copy").expected(expected).observed(format!("{place}{more}"))
        }
        None => {
            let said = stderr.lines().next().map_or("no message", |line| line);
            let said = said.split_once("error: ").map_or(said, |(_, said)| said);
            INTEGRITY_CHECKSUMS.inconclusive("copy").expected(expected).observed(message_template(said))
        }
    }
}

#[cfg(test)]
mod tests {
    use evidence_report::record::Outcome;

    use super::*;

    #[test]
    fn a_bad_page_fails_and_an_obstacle_does_not() {
        let line = "pg_checksums: error: checksum verification failed in file \"/x/copy/data/base/5/1\", block 2: \
                    calculated checksum 1 but block contains 2";
        let finding = judge(false, "", line);
        assert_eq!(finding.outcome, Outcome::Failed);
        assert_eq!(finding.observed, "checksum verification failed in base/5/1, block 2");
        assert_eq!(
            judge(false, "", "pg_checksums: error: cluster must be shut down").outcome,
            Outcome::Inconclusive
        );
        assert_eq!(judge(true, "Blocks scanned:  12\n", "").observed, "12 blocks, all so");
    }
}
