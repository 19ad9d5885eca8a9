//! `self-test`: good alerts, rules, expositions and configurations broken on the spot, and each fault shown caught.
//! Every fault is looked at as if somebody had typed it: the same command line, plan, observation and judgement as
//! any other run, on servers of loopback and in a folder of its own.

mod fault;
mod faults;
mod proof;
mod stage;

use std::{process::ExitCode, time::Duration};

use clap::Args;
use evidence_report::{
    record::Check,
    run::{Defaults, SharedFlags},
    self_test::{Proof, Proven, Session},
};
use futures_util::{StreamExt, stream};

use self::{
    fault::Group,
    faults::cases,
    proof::{Case, prove},
};
use crate::{
    checks::{PROBE_HTTP, TOOL},
    drill,
    error::Error,
    review,
};

/// What was typed after `self-test`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SelfTestArguments {
    /// Only the faults of these; all if none is named. Those of `drill` need Prometheus and Alertmanager
    #[arg(value_name = "GROUP", value_enum)]
    pub(crate) groups: Vec<Group>,
}

/// It proves the tool, and nothing about what the tool looks at: it is no evidence unless asked.
const DEFAULTS: Defaults = Defaults {
    title: "Self-test of observability-smoke",
    evidence_name: None,
    tracker_items: &[],
    timeout: Duration::from_secs(3 * 60),
    valid_for: Duration::from_secs(7 * 86_400),
};

/// So many faults are looked at side by side: each may need servers of its own.
const AT_ONCE: usize = 8;

/// Runs the command: exit code 0 when every fault is caught, 2 when one slipped through, 3 when one could not
/// be made.
///
/// # Errors
/// When the run cannot start, or the result not be written.
pub(crate) async fn execute(arguments: &SelfTestArguments, shared: &SharedFlags) -> Result<ExitCode, Error> {
    let session = Session::start(&TOOL, shared, &DEFAULTS, "rules and configuration")?;
    let (groups, run) = (&arguments.groups, session.run());
    let cases: Vec<Case> =
        cases().filter(|case| groups.is_empty() || groups.contains(&case.setting().group)).collect();
    run.progress().phase(format!("proving {} faults", cases.iter().filter(|case| !case.is_sound()).count()));
    let mut proofs: Vec<(usize, Proof)> = stream::iter(cases.iter().enumerate())
        .map(|(index, case)| {
            let folder = run.folder().join(format!("case-{index}"));
            let expected = case.expected(about(case.setting().group));
            async move {
                let proof = run.stop().guard(Box::pin(prove(*case, expected, &folder))).await;
                (index, proof.unwrap_or_else(|_| Proof::cut_off(run.stop().reason())))
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    proofs.sort_by_key(|(index, _)| *index);
    let proven: Vec<_> = (cases.iter().zip(proofs))
        .map(|(case, (_, proof))| Proven {
            title: case.title(),
            expected: case.expected(about(case.setting().group)),
            proof,
        })
        .collect();
    Ok(session.finish(&proven, Vec::new())?)
}

/// The check under which the record says that a good setting was left in peace.
fn about(group: Group) -> &'static Check {
    match group {
        Group::Drill => &drill::checks::NOTIFIED,
        Group::Rules => &review::checks::READABLE,
        Group::Join => &review::checks::ALERT,
        Group::Metrics => &crate::checks::METRICS_VALID,
        Group::Run => &PROBE_HTTP,
    }
}
