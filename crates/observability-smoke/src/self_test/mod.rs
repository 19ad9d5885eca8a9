//! `self-test`: good alerts, rules, expositions and configurations broken on the spot, and each fault shown caught.
//! Every fault is looked at as if somebody had typed it: the same command line, plan, observation and judgement as
//! any other run, on servers of loopback and in a folder of its own.

mod fault;
mod faults;
mod proof;
mod stage;

use std::{process::ExitCode, time::Duration};

use clap::Args;
use evidence_report::run::{self, Defaults, Run, Settings, SharedConfig, SharedFlags, Usage};
use futures_util::{StreamExt, stream};

use self::{
    fault::Group,
    faults::cases,
    proof::{Case, Proof, prove},
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
    if shared.config.is_some() || shared.dry_run {
        let why = "self-test brings its own rules and configuration; leave --config and --dry-run out";
        return Err(Usage(why.to_owned()).into());
    }
    let mut settings = Settings::resolve(shared, &SharedConfig::default(), &DEFAULTS)?;
    let as_lines = shared.format.is_empty();
    if as_lines {
        settings.formats.clear();
    }
    let (quiet, run) = (settings.quiet, Run::start(&TOOL, settings)?);
    let groups = &arguments.groups;
    let cases: Vec<Case> =
        cases().filter(|case| groups.is_empty() || groups.contains(&case.setting().group)).collect();
    let faults = cases.iter().filter(|case| !case.is_sound()).count();
    run.progress().phase(format!("proving {faults} faults"));
    let mut proofs: Vec<(usize, Case, Proof)> = stream::iter(cases.into_iter().enumerate())
        .map(|(index, case)| {
            let (folder, run) = (run.folder().join(format!("case-{index}")), &run);
            async move {
                let proof = run.stop().guard(Box::pin(prove(case, &folder))).await;
                let cut = |_| Proof::Unable("the run was asked to stop".to_owned());
                (index, case, proof.unwrap_or_else(cut))
            }
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    proofs.sort_by_key(|(index, ..)| *index);
    let said = lines(&proofs, run.elapsed());
    run.findings(proofs.iter().map(|(_, case, proof)| proof.finding(*case, about(case.setting().group))));
    let code = run.finish().publish()?;
    if as_lines && !(quiet && proofs.iter().all(|(.., proof)| proof.is_good())) {
        run::print(&said)?;
    }
    Ok(code)
}

/// The check under which the record says that a good setting was left in peace.
fn about(group: Group) -> &'static evidence_report::record::Check {
    match group {
        Group::Drill => &drill::checks::NOTIFIED,
        Group::Rules => &review::checks::READABLE,
        Group::Join => &review::checks::ALERT,
        Group::Metrics => &crate::checks::METRICS_VALID,
        Group::Run => &PROBE_HTTP,
    }
}

fn lines(proofs: &[(usize, Case, Proof)], took: Duration) -> String {
    let mut text: String = proofs.iter().map(|(_, case, proof)| proof.line(*case) + "\n").collect();
    let of = |wanted: fn(&Proof) -> bool| proofs.iter().filter(|(.., proof)| wanted(proof)).count();
    let caught = of(|proof| matches!(proof, Proof::Caught(_)));
    let slipped = of(|proof| matches!(proof, Proof::Slipped(_)));
    let unable = of(|proof| matches!(proof, Proof::Unable(_)));
    let quiet = of(|proof| matches!(proof, Proof::Quiet(_)));
    let faults = proofs.iter().filter(|(_, case, _)| !case.is_sound()).count();
    let sound = proofs.len() - faults;
    text.push_str(&format!(
        "{caught} of {faults} faults caught, {quiet} of {sound} good settings left in peace"
    ));
    if slipped > 0 {
        text.push_str(&format!("; {slipped} SLIPPED THROUGH"));
    }
    if unable > 0 {
        text.push_str(&format!("; {unable} not made"));
    }
    text.push_str(&format!("; {:.1} s\n", took.as_secs_f64()));
    text
}
